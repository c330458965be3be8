/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/state-file.h"
#include "util/input-file.h"
#include "util/output-file.h"
#include <unistd.h>

#define MAX_HEADER (1024 * 1024)
#define MAX_STREAMS 65536

/* Accepts any small file, because the library needs all of it and reports errors in detail. A
 * larger file must have a safetensors header and, after it, the bytes of complete streams. */
static gboolean
check_size (
    gint descriptor, const gchar *path, guint64 size, guint64 stream_bytes, GError **error)
{
  guint64 header, data;

  if (size <= MAX_HEADER)
    return TRUE;
  if (pread (descriptor, &header, sizeof header, 0) == sizeof header) {
    header = GUINT64_FROM_LE (header);
    data = size - sizeof header - MIN (header, MAX_HEADER);
    if (header <= MAX_HEADER && stream_bytes && data % stream_bytes == 0
        && data / stream_bytes <= MAX_STREAMS)
      return TRUE;
  }
  g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
      "%s: expected a header of at most %u bytes and a state of this model, %" G_GUINT64_FORMAT
      " bytes for each of at most %u streams, found %" G_GUINT64_FORMAT " bytes",
      path, MAX_HEADER, stream_bytes, MAX_STREAMS, size);
  return FALSE;
}

/* Returns the content of @path. Returns: (transfer full): NULL with @error */
static GBytes *
read_file (const gchar *path, guint64 stream_bytes, GError **error)
{
  guint64 size;
  gint descriptor = lstm_input_file_open (path, &size, error);
  GBytes *bytes = NULL;

  if (descriptor < 0)
    return NULL;
  if (check_size (descriptor, path, size, stream_bytes, error))
    bytes = lstm_input_file_read_all (descriptor, path, size, error);
  close (descriptor);
  return bytes;
}

gboolean
gst_lstm_state_file_open (
    const gchar *path, guint64 stream_bytes, GBytes **bytes, GError **error)
{
  g_autoptr (GError) cause = NULL;

  *bytes = read_file (path, stream_bytes, &cause);
  if (!cause || g_error_matches (cause, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    return lstm_output_file_check (path, error);
  g_propagate_error (error, g_steal_pointer (&cause));
  return FALSE;
}

static void
clear_unwritten (GstLstmStateFile *file)
{
  g_clear_pointer (&file->unwritten, g_bytes_unref);
  g_clear_pointer (&file->failure, g_free);
}

gboolean
gst_lstm_state_file_write (
    GstLstmStateFile *file, const gchar *path, GBytes *bytes, gsize *n_written, GError **error)
{
  g_autoptr (GError) cause = NULL;

  *n_written = 0;
  g_mutex_lock (&file->lock);
  if (bytes) {
    g_clear_pointer (&file->unwritten, g_bytes_unref);
    file->unwritten = g_bytes_ref (bytes);
  }
  if (file->unwritten && lstm_output_file_write (path, file->unwritten, TRUE, &cause))
    *n_written = g_bytes_get_size (file->unwritten);
  if (!cause)
    clear_unwritten (file);
  else if (g_strcmp0 (file->failure, cause->message) != 0) {
    g_free (file->failure);
    file->failure = g_strdup (cause->message);
    g_propagate_error (error, g_error_copy (cause));
  }
  g_mutex_unlock (&file->lock);
  return !cause;
}

void
gst_lstm_state_file_close (GstLstmStateFile *file)
{
  g_mutex_lock (&file->lock);
  clear_unwritten (file);
  g_mutex_unlock (&file->lock);
}

void
gst_lstm_state_file_init (GstLstmStateFile *file)
{
  g_mutex_init (&file->lock);
}

void
gst_lstm_state_file_clear (GstLstmStateFile *file)
{
  clear_unwritten (file);
  g_mutex_clear (&file->lock);
}
