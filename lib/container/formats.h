/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Recognizes a file format from the content of a file. liblstm parses safetensors, lstm-convert
 * reads some other formats, and the remaining formats are only named in errors. Library and
 * converter use one table, so that both describe a file in the same words. */
#pragma once

#include "util/content.h"

typedef struct _LstmFormatSample LstmFormatSample;

typedef struct {
  const char *name;          /* for messages */
  const char *reader;        /* of lstm-convert; NULL: lstm-convert does not read the format */
  gboolean is_native;        /* lstm_safetensors_new() parses the format */
  gboolean has_module_chain; /* a file of the format may need a module chain */
  const char *advice;        /* for messages: what the user can do with the file; nullable */
  const char *magic; /* at byte @offset of the file; NULL if the table row has @matches */
  gsize offset;
  const char *keys[2]; /* of a JSON object, both of which it contains; NULL: the format has none */
  const char *member; /* of a zip archive: a part of the name of a file in it; nullable */
  gboolean (*matches) (const LstmFormatSample *sample);
} LstmFormat;

/* Returns: (transfer none) (array length=n): all formats, some of them in several rows */
const LstmFormat *lstm_format_list (guint *n);

/* Returns: (transfer none) (nullable): the format of a file. A file that cannot be read has none. */
const LstmFormat *lstm_format_find (LstmContent *content);

/* Returns whether lstm_safetensors_new() parses @content. A broken safetensors file counts, so that
 * the parser reports what is wrong. */
gboolean lstm_format_is_native (LstmContent *content);

/* Describes a file for an error message: its format, and what the user can do with the file.
 * Returns: (transfer full) */
char *lstm_format_describe (LstmContent *content);

/* Describes the model that the folder @path contains. Returns: (transfer full) (nullable): NULL
 * if the folder contains no known model */
char *lstm_format_describe_folder (const char *path);
