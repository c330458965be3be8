/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The kind of a file, told by its bytes. The library reads safetensors, lstm-convert some others, and
 * nobody the rest; both say so in the same words, from one table. */
#pragma once

#include <glib.h>

#define LSTM_FORMAT_SAFETENSORS "safetensors"

typedef struct {
  const char *name;   /* for people */
  const char *reader; /* the part of lstm-convert that reads it, or NULL */
  const char *advice; /* what to do with it where it is not read; NULL: everybody reads it */
  gsize at;           /* where @magic stands */
  const char *magic;
  const char *member; /* of a zip archive: a part of the name of a file in it, or NULL */
  gboolean (*probe) (const guint8 *data, gsize size); /* instead of @magic */
} LstmFormat;

/* Returns: (nullable): the format of a file that holds @data; NULL: none that is known */
const LstmFormat *lstm_format_find (const guint8 *data, gsize size);

gboolean lstm_format_is_safetensors (const guint8 *data, gsize size);

/* Returns: (transfer full): what a file named @file is that holds @data, and what to do with it */
char *lstm_format_describe (const guint8 *data, gsize size, const char *file);

/* Returns: (transfer full) (nullable): the model that the folder @path holds, and what to do with it */
char *lstm_format_describe_folder (const char *path);
