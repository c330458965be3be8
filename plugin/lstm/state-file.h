/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The file of state-location: checks when the element starts, and writes that are repeated
 * until they succeed. */
#pragma once
#include <gst/gst.h>

typedef struct {
  GMutex lock;       /* the streaming thread and state changes write the file */
  GBytes *unwritten; /* nullable: the bytes of a write that failed */
  gchar *failure;    /* nullable: the message of its error */
} GstLstmStateFile;

void gst_lstm_state_file_init (GstLstmStateFile *file);
void gst_lstm_state_file_clear (GstLstmStateFile *file);

/* Reads @path into *@bytes (transfer full), which becomes NULL if there is no file.
 * @stream_bytes is the bytes of h and c of a stream. Returns FALSE and sets @error if the file
 * is larger than a state can be, if it cannot be read, or if a state could not be written to
 * @path. */
gboolean gst_lstm_state_file_open (
    const gchar *path, guint64 stream_bytes, GBytes **bytes, GError **error);

/* Replaces the content of @path by @bytes, or, if @bytes is NULL, by the bytes of the previous
 * write if that write failed. Sets *@n_written to the number of bytes that were written, which is 0 if
 * there was nothing to write. On failure returns FALSE, and sets @error unless the previous failure
 * had the same message. */
gboolean gst_lstm_state_file_write (
    GstLstmStateFile *file, const gchar *path, GBytes *bytes, gsize *n_written, GError **error);

/* Discards the bytes that could not be written. */
void gst_lstm_state_file_close (GstLstmStateFile *file);
