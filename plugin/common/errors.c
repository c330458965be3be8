/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/errors.h"

gboolean
gst_lstm_fail (GError **error, GQuark domain, gint code, const gchar *format, ...)
{
  g_autofree gchar *message = NULL;
  va_list args;

  if (!error)
    return FALSE;
  va_start (args, format);
  message = gst_info_strdup_vprintf (format, args);
  va_end (args);
  *error = g_error_new_literal (domain, code, message);
  return FALSE;
}

gboolean
gst_lstm_fail_to_map (
    GError **error, GQuark domain, gint code, const gchar *purpose, gsize bytes)
{
  return gst_lstm_fail (error, domain, code,
      "buffer: expected memory that can be mapped %s, found %" G_GSIZE_FORMAT
      " bytes that cannot be mapped",
      purpose, bytes);
}

gboolean
gst_lstm_fail_to_read_file (GError **error, const GError *cause)
{
  const gboolean is_missing = g_error_matches (cause, G_FILE_ERROR, G_FILE_ERROR_NOENT);

  return gst_lstm_fail (error, GST_RESOURCE_ERROR,
      is_missing ? GST_RESOURCE_ERROR_NOT_FOUND : GST_RESOURCE_ERROR_OPEN_READ, "%s",
      cause->message);
}

/* Logs @error like GST_ELEMENT_ERROR(), in the category of the element, which has the name of the
 * factory. */
static void
log_error (GstMessageType type, gpointer element, const GError *error)
{
  GstElementFactory *factory = gst_element_get_factory (element);
  GstDebugCategory *category;

  GST_DEBUG_CATEGORY_GET (category, factory ? GST_OBJECT_NAME (factory) : "");
  GST_CAT_WARNING_OBJECT (
      category, element, "%s: %s", gst_message_type_get_name (type), error->message);
}

/* File names may contain any bytes, but language bindings require UTF-8 in messages. */
static void
post_message (GstMessageType type, gpointer element, const GError *error, const gchar *debug)
{
  log_error (type, element, error);
  gst_element_message_full (GST_ELEMENT (element), type, error->domain, error->code,
      g_utf8_make_valid (error->message, -1), g_strdup (debug), __FILE__, GST_FUNCTION,
      __LINE__);
}

void
gst_lstm_post_error (gpointer element, const GError *error, const gchar *debug)
{
  post_message (GST_MESSAGE_ERROR, element, error, debug);
}

void
gst_lstm_post_warning (gpointer element, const GError *error)
{
  post_message (GST_MESSAGE_WARNING, element, error, NULL);
}
