/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A reader of NumPy's .npy files with at most three dimensions. Files are untrusted: the reader
 * accepts a header only if the size of the file matches. Each error names the file, the field,
 * what was expected and what was found. */
#pragma once
#include "npy/npy-header.h"

/* An open file */
typedef struct {
  GstLstmNpyHeader header;
  guint64 data_offset; /* of the first item, in bytes */
  gchar *path;
  gint fd;
} GstLstmNpyReader;

/* Opens @path and validates its header. Returns: (transfer full) (nullable): a reader, to be
 * freed with gst_lstm_npy_reader_free(), or NULL with @error */
GstLstmNpyReader *gst_lstm_npy_reader_new (const gchar *path, GError **error);
void gst_lstm_npy_reader_free (GstLstmNpyReader *reader);

/* Reads @n_steps steps from step @step on as float32 into @out, (streams, n_steps, size). Returns
 * FALSE and sets @error if the file is truncated after gst_lstm_npy_reader_new(). */
gboolean gst_lstm_npy_reader_read (
    GstLstmNpyReader *reader, gfloat *out, guint64 step, guint n_steps, GError **error);
