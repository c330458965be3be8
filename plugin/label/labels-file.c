/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "label/labels-file.h"
#include "common/errors.h"
#include "util/input-file.h"
#include <string.h>
#include <unistd.h>

#define MAX_FILE_SIZE (1 << 20) /* bytes */
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

/* Sets @error, which names the file. Returns NULL. */
static gpointer
fail_to_parse (GError **error, const gchar *location, const gchar *message)
{
  gst_lstm_fail (error, GST_LSTM_RESOURCE (READ), "%s: %s", location, message);
  return NULL;
}

/* Returns: (transfer full) (nullable): the bytes of the file, or NULL with @error */
static GBytes *
read_bytes (const gchar *location, GError **error)
{
  g_autoptr (GError) cause = NULL;
  GBytes *bytes = NULL;
  guint64 size;
  const gint file = lstm_input_file_open (location, &size, &cause);

  if (file >= 0 && size <= MAX_FILE_SIZE)
    bytes = lstm_input_file_read_all (file, location, size, &cause);
  if (file >= 0)
    close (file);
  if (cause)
    gst_lstm_fail_to_read_file (error, cause);
  else if (!bytes)
    gst_lstm_fail (error, GST_LSTM_RESOURCE (READ),
        "%s: expected at most %d bytes, found %" G_GUINT64_FORMAT, location, MAX_FILE_SIZE,
        size);
  return bytes;
}

/* Returns: (transfer full) (nullable): the file as a string without a byte order mark, or NULL with
 * @error */
static gchar *
read_text (const gchar *location, GError **error)
{
  g_autoptr (GBytes) bytes = read_bytes (location, error);
  const gchar *text, *end;
  gsize size;

  if (!bytes)
    return NULL;
  size = g_bytes_get_size (bytes);
  text = size > 0 ? g_bytes_get_data (bytes, NULL) : "";
  if (!g_utf8_validate (text, (gssize) size, &end)) {
    g_autofree gchar *message = g_strdup_printf (
        "expected UTF-8 text, found byte 0x%02x at byte %" G_GSIZE_FORMAT, (guint8) *end,
        (gsize) (end - text));

    return fail_to_parse (error, location, message);
  }
  if (size >= strlen (BYTE_ORDER_MARK) && g_str_has_prefix (text, BYTE_ORDER_MARK))
    return g_strndup (text + strlen (BYTE_ORDER_MARK), size - strlen (BYTE_ORDER_MARK));
  return g_strndup (text, size);
}

GStrv
gst_lstm_labels_file_read (const gchar *location, GError **error)
{
  g_autofree gchar *text = read_text (location, error);
  g_auto (GStrv) labels = NULL;

  if (!text)
    return NULL;
  labels = g_strsplit (g_strchomp (text), "\n", -1);
  if (!labels[0])
    return fail_to_parse (error, location, "expected one label per line, found none");
  for (guint i = 0; labels[i]; i++) {
    if (g_strchomp (labels[i])[0] == '\0') { /* in messages, an empty label means no label */
      g_autofree gchar *message = g_strdup_printf (
          "line %u: expected a label, found a blank line", i + 1);

      return fail_to_parse (error, location, message);
    }
  }
  return g_steal_pointer (&labels);
}
