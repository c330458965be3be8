/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The file of state-location: what it may be when the element starts, and writes that are tried
 * again until they succeed. */
#pragma once
#include <gst/gst.h>

typedef struct {
  GMutex lock;       /* writes come from the streaming thread and from changes of state */
  GBytes *unwritten; /* what the file should hold, after a write that failed */
  gchar *failure;    /* why it failed, as it was told */
} GstLstmStateFile;

void gst_lstm_state_file_init (GstLstmStateFile *file);
void gst_lstm_state_file_clear (GstLstmStateFile *file);

/* Reads @path into @bytes (transfer full), NULL where there is no file. One that is larger than a
 * state can be is not read: @stream_size is the bytes of h and c of a stream. FALSE, with @error,
 * also where a state could not be written to @path. */
gboolean gst_lstm_state_file_open (
    const gchar *path, guint64 stream_size, GBytes **bytes, GError **error);

/* Replaces @path: by @bytes, or, where they are NULL, by those that could not be written before, if
 * there are any. FALSE if that fails; @error is set only if the reason is not the last one's. */
gboolean gst_lstm_state_file_write (
    GstLstmStateFile *file, const gchar *path, GBytes *bytes, GError **error);

/* Gives up what could not be written. */
void gst_lstm_state_file_close (GstLstmStateFile *file);
