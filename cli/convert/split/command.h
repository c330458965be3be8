/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Writes the parts of a split model for lstm-convert --split. */
#pragma once

#include "split/normalize.h"
#include "split/split.h"

typedef struct {
  const char *folder;
  const char *command;               /* the command line, for messages */
  const ConvertNormalize *normalize; /* nullable: not stated */
  gboolean is_bgr;                   /* the channels of a frame are blue, green, red */
} ConvertSplitOptions;

/* The type of convert_split_write() */
typedef char *(*ConvertSplitWriter) (
    ConvertSplit *split, const char *path, const ConvertSplitOptions *options, GError **error);

/* Adapts @split to GStreamer, describes the parts on standard error, and writes the parts to a
 * folder.
 * @path: of the model, for messages.
 * Returns: (transfer full): the pipelines that run the folder, as commands for a shell; NULL with
 * @error */
char *convert_split_write (
    ConvertSplit *split, const char *path, const ConvertSplitOptions *options, GError **error);

/* --- readers.c --- */

/* Cuts a model of any format that has a split reader, and passes the parts to
 * convert_split_write().
 * Returns: (transfer full): the result of convert_split_write(); NULL with @error */
char *convert_split_model (
    const ConvertInput *input, const ConvertSplitOptions *split_options, GError **error);
