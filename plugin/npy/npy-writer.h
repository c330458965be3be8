/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A writer of NumPy's .npy files of float32. */
#pragma once
#include <glib.h>

typedef struct _GstLstmNpyWriter GstLstmNpyWriter;

/* Begins a file of shape [length, size], or [length, n_rows, size] if @n_rows > 1. If @streams > 1,
 * the number of streams precedes these dimensions. The file has no name before
 * gst_lstm_npy_writer_finish(). A device that can seek is written in place. The writer uses at most
 * 1 MiB of memory or one step of all streams, for any length. Returns: (transfer full) (nullable):
 * NULL with @error */
GstLstmNpyWriter *gst_lstm_npy_writer_new (
    const gchar *path, guint streams, guint n_rows, guint size, GError **error);
const gchar *gst_lstm_npy_writer_get_path (const GstLstmNpyWriter *writer);
guint64 gst_lstm_npy_writer_get_length (const GstLstmNpyWriter *writer); /* in steps */

/* Returns: (transfer full): the present shape, as in the header of the file: 2, 60, 7 */
gchar *gst_lstm_npy_writer_describe_shape (const GstLstmNpyWriter *writer);

/* Appends @n_steps steps. @values is (streams, n_steps, n_rows, size) of native float32. After an
 * error, the caller discards @writer. */
gboolean gst_lstm_npy_writer_write (
    GstLstmNpyWriter *writer, gconstpointer values, guint n_steps, GError **error);

/* Completes the file, links the file to its name and frees @writer (transfer full), also on an
 * error. On an error the new file is removed, and an existing file of that name stays unchanged. */
gboolean gst_lstm_npy_writer_finish (GstLstmNpyWriter *writer, GError **error);

/* Frees @writer (transfer full) and removes the file. */
void gst_lstm_npy_writer_discard (GstLstmNpyWriter *writer);
