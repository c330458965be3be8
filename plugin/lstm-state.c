/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * h and c of `lstm` beyond the process: the property state-location, and two signals. */
#include "gstlstm.h"
#include "errors.h"

#define GST_CAT_DEFAULT gst_lstm_debug

static gchar *
dup_location (GstLstm *self)
{
  gchar *location;

  GST_OBJECT_LOCK (self);
  location = g_strdup (self->settings.state_location);
  GST_OBJECT_UNLOCK (self);
  return location;
}

/* FALSE, with all as it was, if @bytes are no state for the element as it is. @unsaved: the file
 * does not have them. */
static gboolean
restore (GstLstm *self, GBytes *bytes, const gchar *name, gboolean unsaved, GError **error)
{
  guint64 time, steps;
  gboolean ok;

  gst_lstm_lock (self);
  ok = self->sequence.model
           ? gst_lstm_sequence_restore (&self->sequence, bytes, name, &time, &steps, error)
           : gst_lstm_fail (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
               "%s: expected the element to be in PAUSED or PLAYING, found no model", name);
  if (ok) {
    self->last_time = time;
    self->n_steps = steps;
    self->unsaved = unsaved;
  }
  gst_lstm_unlock (self);
  if (ok)
    gst_element_post_message (GST_ELEMENT (self),
        gst_message_new_element (
            GST_OBJECT (self), gst_structure_new ("lstm-restored", "stream-time", G_TYPE_UINT64,
                                   time, "steps", G_TYPE_UINT64, steps, NULL)));
  return ok;
}

gboolean
gst_lstm_restore_file (GstLstm *self, GError **error)
{
  g_autofree gchar *location = dup_location (self);
  g_autoptr (GError) cause = NULL;
  g_autoptr (GBytes) bytes = NULL;
  gchar *content;
  gsize size;

  if (!location)
    return TRUE;
  if (!g_file_get_contents (location, &content, &size, &cause))
    return g_error_matches (cause, G_FILE_ERROR, G_FILE_ERROR_NOENT)
           || gst_lstm_fail (error, LSTM_ERROR, LSTM_ERROR_FILE, "property state-location: %s",
               cause->message);
  bytes = g_bytes_new_take (content, size);
  return restore (self, bytes, location, FALSE, error);
}

/* A process that is killed meanwhile leaves the file as it was. */
void
gst_lstm_save_file (GstLstm *self)
{
  g_autofree gchar *location = dup_location (self);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = NULL;
  gconstpointer data;
  gsize size;

  if (!location)
    return;
  gst_lstm_lock (self);
  if (self->unsaved)
    bytes = gst_lstm_sequence_save (&self->sequence, self->last_time, self->n_steps);
  self->unsaved = FALSE;
  gst_lstm_unlock (self);
  if (!bytes)
    return;
  data = g_bytes_get_data (bytes, &size);
  if (!g_file_set_contents_full (location, data, (gssize) size,
          G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0666, &error))
    GST_ELEMENT_WARNING (
        self, RESOURCE, WRITE, ("property state-location: %s", error->message), (NULL));
}

GBytes *
gst_lstm_get_state (GstLstm *self)
{
  GBytes *bytes;

  gst_lstm_lock (self);
  bytes = gst_lstm_sequence_save (&self->sequence, self->last_time, self->n_steps);
  gst_lstm_unlock (self);
  return bytes;
}

gboolean
gst_lstm_set_state (GstLstm *self, GBytes *bytes)
{
  g_autoptr (GError) error = NULL;

  if (bytes && restore (self, bytes, "set-state", TRUE, &error))
    return TRUE;
  GST_ELEMENT_WARNING (self, LIBRARY, SETTINGS,
      ("%s", error ? error->message : "set-state: expected bytes, found none"), (NULL));
  return FALSE;
}
