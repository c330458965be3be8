/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "npy/npy-reader.h"
#include "common/errors.h"
#include "util/input-file.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define MAX_HEADER (64 * 1024) /* bytes */

/* Reads @n bytes at @offset. Errors name @field. */
static gboolean
read_exactly (
    gint fd, gpointer out, gsize n, guint64 offset, const gchar *field, GError **error)
{
  for (gsize done = 0; done < n;) {
    const gssize n_read = pread (fd, (guint8 *) out + done, n - done, (off_t) (offset + done));

    if (n_read == 0)
      return gst_lstm_fail (error, GST_LSTM_STREAM (DECODE),
          "%s: expected %" G_GSIZE_FORMAT " bytes at byte %" G_GUINT64_FORMAT
          ", found %" G_GSIZE_FORMAT ": the file is truncated",
          field, n, offset, done);
    if (n_read < 0 && errno != EINTR)
      return gst_lstm_fail (
          error, GST_LSTM_RESOURCE (READ), "%s: %s", field, g_strerror (errno));
    done += (gsize) MAX (n_read, 0);
  }
  return TRUE;
}

static gboolean
read_header (GstLstmNpyReader *reader, GError **error)
{
  guint8 start[GST_LSTM_NPY_MAGIC_SIZE + 2 + 4];
  g_autofree gchar *text = NULL;
  guint32 length;
  guint prefix;

  if (!read_exactly (reader->fd, start, GST_LSTM_NPY_MAGIC_SIZE, 0, "magic", error))
    return FALSE;
  if (memcmp (start, GST_LSTM_NPY_MAGIC, GST_LSTM_NPY_MAGIC_SIZE) != 0) {
    g_autofree gchar *found = g_strndup ((const gchar *) start, GST_LSTM_NPY_MAGIC_SIZE);
    g_autofree gchar *escaped = g_strescape (found, NULL);

    return gst_lstm_fail (error, GST_LSTM_STREAM (WRONG_TYPE),
        "magic: expected '\\223NUMPY' (a .npy file), found '%s'", escaped);
  }
  if (!read_exactly (reader->fd, start, 10, 0, "version", error))
    return FALSE;
  if (start[6] < 1 || start[6] > 3 || start[7] != 0)
    return gst_lstm_fail (error, GST_LSTM_STREAM (FORMAT),
        "version: expected 1.0, 2.0 or 3.0, found %u.%u", start[6], start[7]);
  prefix = start[6] == 1 ? 10 : 12;
  if (!read_exactly (reader->fd, start, prefix, 0, "header length", error))
    return FALSE;
  length = prefix == 10 ? GST_READ_UINT16_LE (start + 8) : GST_READ_UINT32_LE (start + 8);
  if (length > MAX_HEADER)
    return gst_lstm_fail (error, GST_LSTM_STREAM (FORMAT),
        "header length: expected at most %d bytes, found %u", MAX_HEADER, length);
  reader->data_offset = prefix + length;
  text = g_malloc (MAX (length, 1));
  return read_exactly (reader->fd, text, length, prefix, "header", error)
         && gst_lstm_npy_header_parse (&reader->header, text, length, start[6], error);
}

/* Returns FALSE and sets @error unless caps can describe the shape and the file has exactly the
 * size that the header states. */
static gboolean
check_shape (const GstLstmNpyReader *reader, guint64 file_size, GError **error)
{
  const GstLstmNpyHeader *header = &reader->header;
  guint64 bytes;

  if (header->size < 1 || header->size > G_MAXINT32)
    return gst_lstm_fail (error, GST_LSTM_STREAM (FORMAT),
        "header field shape: expected a size from 1 to %d, found %" G_GUINT64_FORMAT,
        G_MAXINT32, header->size);
  if (header->streams < 1 || header->streams > G_MAXINT32)
    return gst_lstm_fail (error, GST_LSTM_STREAM (FORMAT),
        "header field shape: expected streams from 1 to %d, found %" G_GUINT64_FORMAT,
        G_MAXINT32, header->streams);
  /* The product size * streams is below 2^62. */
  if (!g_uint64_checked_mul (&bytes, header->size * header->streams, header->length)
      || !g_uint64_checked_mul (&bytes, bytes, header->type->size)
      || !g_uint64_checked_add (&bytes, bytes, reader->data_offset))
    return gst_lstm_fail (error, GST_LSTM_STREAM (FORMAT),
        "header field shape: expected a file of less than 2^64 bytes, found %" G_GUINT64_FORMAT
        " streams of %" G_GUINT64_FORMAT " steps of size %" G_GUINT64_FORMAT,
        header->streams, header->length, header->size);
  if (bytes != file_size)
    return gst_lstm_fail (error, GST_LSTM_STREAM (DECODE),
        "file size: expected %" G_GUINT64_FORMAT " bytes (header of %" G_GUINT64_FORMAT
        ", then %" G_GUINT64_FORMAT " x %" G_GUINT64_FORMAT " x %" G_GUINT64_FORMAT
        " of %s), found %" G_GUINT64_FORMAT,
        bytes, reader->data_offset, header->streams, header->length, header->size,
        header->type->npy, file_size);
  return TRUE;
}

static gboolean
open_file (GstLstmNpyReader *reader, GError **error)
{
  g_autoptr (GError) cause = NULL;
  guint64 size;

  reader->fd = lstm_input_file_open (reader->path, &size, &cause);
  if (reader->fd < 0)
    return gst_lstm_fail_to_read_file (error, cause);
  if (read_header (reader, error) && check_shape (reader, size, error))
    return TRUE;
  g_prefix_error (error, "%s: ", reader->path);
  return FALSE;
}

GstLstmNpyReader *
gst_lstm_npy_reader_new (const gchar *path, GError **error)
{
  GstLstmNpyReader *reader = g_new0 (GstLstmNpyReader, 1);

  reader->path = g_strdup (path);
  if (!open_file (reader, error))
    g_clear_pointer (&reader, gst_lstm_npy_reader_free);
  return reader;
}

void
gst_lstm_npy_reader_free (GstLstmNpyReader *reader)
{
  if (reader->fd >= 0)
    close (reader->fd);
  g_free (reader->path);
  g_free (reader);
}

/* Reads @n items from item @first on. */
static gboolean
read_items (GstLstmNpyReader *reader, gfloat *out, guint64 first, gsize n, GError **error)
{
  const gsize item_size = reader->header.type->size;
  guint64 items[2048]; /* aligned for each type */

  while (n > 0) {
    gsize k = MIN (n, sizeof items / item_size);

    if (!read_exactly (reader->fd, items, k * item_size,
            reader->data_offset + first * item_size, "items", error)) {
      g_prefix_error (error, "%s: ", reader->path);
      return FALSE;
    }
    reader->header.type->to_float (out, items, k);
    out += k;
    first += k;
    n -= k;
  }
  return TRUE;
}

gboolean
gst_lstm_npy_reader_read (
    GstLstmNpyReader *reader, gfloat *out, guint64 step, guint n_steps, GError **error)
{
  const gsize n = (gsize) n_steps * reader->header.size; /* items of one stream */

  for (guint64 stream = 0; stream < reader->header.streams; stream++)
    if (!read_items (reader, out + stream * n,
            (stream * reader->header.length + step) * reader->header.size, n, error))
      return FALSE;
  return TRUE;
}
