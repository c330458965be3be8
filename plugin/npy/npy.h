/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * NumPy's .npy files of at most three dimensions, [size], [length, size] or
 * [streams, length, size] in C order. Files are hostile input: a header is believed only when
 * the file's size agrees with it. Every error names the file, the field, what was expected and
 * what came. */
#pragma once
#include "common/types.h"
#include <gst/gst.h>

#define GST_LSTM_NPY_MAGIC "\x93NUMPY"
#define GST_LSTM_NPY_MAGIC_SIZE 6

/* An open file. What is absent from the shape is 1. */
typedef struct {
  const GstLstmType *type;
  guint64 streams, length, size;
  guint64 data_offset; /* bytes before the first item */
  gchar *path;
  gint fd;
} GstLstmNpyReader;

/* Opens @path and checks all of its header. Free with gst_lstm_npy_reader_free(). */
GstLstmNpyReader *gst_lstm_npy_reader_new (const gchar *path, GError **error);
void gst_lstm_npy_reader_free (GstLstmNpyReader *reader);

/* Reads @n_steps steps from @step on into @out, (streams, n_steps, size), as float32. FALSE
 * when the file has become shorter meanwhile. */
gboolean gst_lstm_npy_reader_read (
    GstLstmNpyReader *reader, gfloat *out, guint64 step, guint n_steps, GError **error);

typedef struct _GstLstmNpyWriter GstLstmNpyWriter;

/* Begins a float32 file of [length, size], or [length, rows, size] where @rows > 1, behind
 * [streams] where @streams > 1. It has no name until gst_lstm_npy_writer_finish(), or is written
 * in place where @path is a device that can seek. Memory is bounded by 1 MiB or one step of all
 * streams, whatever the length. */
GstLstmNpyWriter *gst_lstm_npy_writer_new (
    const gchar *path, guint streams, guint rows, guint size, GError **error);
const gchar *gst_lstm_npy_writer_get_path (const GstLstmNpyWriter *writer);
guint64 gst_lstm_npy_writer_get_length (const GstLstmNpyWriter *writer);

/* Appends @rows, (streams, n_steps, size) of native float32. After an error only
 * gst_lstm_npy_writer_discard() makes sense. */
gboolean gst_lstm_npy_writer_write (
    GstLstmNpyWriter *writer, gconstpointer rows, guint n_steps, GError **error);

/* Completes the file and gives it its name. Frees @writer (transfer full) in any case; on
 * error no file is left and one that had the name before stays as it was. */
gboolean gst_lstm_npy_writer_finish (GstLstmNpyWriter *writer, GError **error);

/* Frees @writer (transfer full) and removes what it has written. */
void gst_lstm_npy_writer_discard (GstLstmNpyWriter *writer);
