/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/state.h"
#include "common/errors.h"
#include "lstm/sequence-state.h"
#include "lstm/times.h"

#define GST_CAT_DEFAULT gst_lstm_debug

/* A state outside the element, in the log. @next_time: stream time of the next step */
#define STATE_FORMAT                                                                           \
  "%" G_GSIZE_FORMAT " bytes, %" G_GUINT64_FORMAT " steps, next step at %" GST_TIME_FORMAT
#define STATE_ARGS(n_bytes, steps, next_time) (n_bytes), (steps), GST_TIME_ARGS (next_time)

static gchar *
dup_location (GstLstm *self)
{
  gchar *location;

  GST_OBJECT_LOCK (self);
  location = g_strdup (self->settings.state_location);
  GST_OBJECT_UNLOCK (self);
  return location;
}

/* --- Preroll --- */

void
gst_lstm_set_preroll_state (GstLstm *self, GBytes *bytes, gboolean unsaved)
{
  g_clear_pointer (&self->preroll_state, g_bytes_unref);
  g_clear_pointer (&self->state_at_eos, g_bytes_unref);
  self->in_preroll = !self->is_playing;
  self->unsaved = self->preroll_state_unsaved = unsaved;
  if (self->in_preroll && bytes)
    self->preroll_state = g_bytes_ref (bytes);
}

/* Sets h and c, the time and the number of steps to those in @bytes. Needs `lock`. */
static gboolean
load_state (GstLstm *self, GBytes *bytes, const gchar *name, GError **error)
{
  guint64 next_time, steps;

  if (!gst_lstm_sequence_restore (&self->sequence, bytes, name, &next_time, &steps, error))
    return FALSE;
  self->next_time = next_time;
  self->n_steps = steps;
  return TRUE;
}

/* Sets h and c to `preroll_state`, or resets them if that state is the model's initial state or
 * cannot be loaded. Needs `lock`. */
static void
restore_preroll_state (GstLstm *self, GstLstmReset reason, GError **error)
{
  const guint64 n_steps = self->n_steps;

  if (self->preroll_state && load_state (self, self->preroll_state, "saved state", error)) {
    GST_INFO_OBJECT (self,
        "state from before the preroll restored, %" G_GUINT64_FORMAT
        " steps instead of %" G_GUINT64_FORMAT,
        self->n_steps, n_steps);
    return;
  }
  gst_lstm_reset_sequence (self, reason);
  self->next_time = GST_CLOCK_TIME_NONE;
}

gboolean
gst_lstm_undo_preroll (GstLstm *self, GstLstmReset reason)
{
  g_autoptr (GError) error = NULL;
  gboolean in_preroll;

  gst_lstm_lock (self);
  in_preroll = self->in_preroll && self->sequence.config.model;
  if (in_preroll && !self->sequence.restored)
    restore_preroll_state (self, reason, &error);
  if (in_preroll) {
    self->unsaved = self->preroll_state_unsaved && !error;
    g_clear_pointer (&self->state_at_eos, g_bytes_unref);
  }
  gst_lstm_unlock (self);
  if (error)
    GST_ELEMENT_WARNING (self, LIBRARY, FAILED,
        ("state: h and c from before the preroll cannot be restored, and were reset: %s",
            error->message),
        (NULL));
  return in_preroll;
}

/* --- Restoring --- */

/* Returns FALSE and sets @error, which begins with @name, if the streams of batches have h and c.
 * Needs `lock`. */
static gboolean
check_no_batch (const GstLstm *self, const gchar *name, GError **error)
{
  return !self->batch_memory
         || gst_lstm_fail (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
             "%s: expected buffers without GstAnalyticsBatchMeta, because the streams of a batch "
             "are not saved, found batches",
             name);
}

/* Returns FALSE and sets @error, which begins with @name, if objects have h and c. Needs `lock`. */
static gboolean
check_no_objects (const GstLstm *self, const gchar *name, GError **error)
{
  return !self->object_memory
         || gst_lstm_fail (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
             "%s: property per-object: expected false, because the ids of objects are different in "
             "each run, found true",
             name);
}

/* Sets h and c to @bytes, which errors call @name. @unsaved: state-location does not have @bytes.
 * Returns FALSE, sets @error, and changes nothing, if the element cannot have this state. */
static gboolean
restore_state (
    GstLstm *self, GBytes *bytes, const gchar *name, gboolean unsaved, GError **error)
{
  guint64 next_time, steps;
  gboolean ok;

  gst_lstm_lock (self);
  ok = self->sequence.config.model
           ? check_no_batch (self, name, error)
                 && check_no_objects (self, name, error) && load_state (self, bytes, name, error)
           : gst_lstm_fail (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
               "%s: expected the element to be in PAUSED or PLAYING, found no model", name);
  if (ok)
    gst_lstm_set_preroll_state (self, bytes, unsaved);
  next_time = self->next_time;
  steps = self->n_steps;
  gst_lstm_unlock (self);
  if (ok)
    GST_INFO_OBJECT (self, "state restored from %s: " STATE_FORMAT, name,
        STATE_ARGS (g_bytes_get_size (bytes), steps, next_time));
  if (ok)
    gst_element_post_message (GST_ELEMENT (self),
        gst_message_new_element (
            GST_OBJECT (self), gst_structure_new ("lstm-restored", "stream-time", G_TYPE_UINT64,
                                   next_time, "steps", G_TYPE_UINT64, steps, NULL)));
  return ok;
}

gboolean
gst_lstm_restore_file (GstLstm *self, GError **error)
{
  g_autofree gchar *location = dup_location (self);
  g_autoptr (GError) cause = NULL;
  g_autoptr (GBytes) bytes = NULL;

  if (!location)
    return TRUE;
  if (!gst_lstm_state_file_open (
          location, gst_lstm_sequence_get_state_bytes (&self->sequence), &bytes, &cause))
    return gst_lstm_fail (
        error, LSTM_ERROR, LSTM_ERROR_FILE, "property state-location: %s", cause->message);
  return !bytes || restore_state (self, bytes, location, FALSE, error);
}

/* --- Saving --- */

/* Returns h and c if steps ran since the last call. Otherwise returns NULL, and if h or c is
 * not finite, sets @error. Needs `lock`. Returns: (transfer full) (nullable) */
static GBytes *
save_if_unsaved (GstLstm *self, GError **error)
{
  GBytes *bytes = NULL;

  if (self->unsaved)
    bytes = gst_lstm_sequence_save (&self->sequence, self->next_time, self->n_steps, error);
  if (bytes) {
    self->saved_steps = self->n_steps;
    self->saved_time = self->next_time;
  }
  self->unsaved = FALSE;
  return bytes;
}

/* Logs that the last saved state was written. */
static void
report_saved (GstLstm *self, const gchar *location, gsize n_bytes)
{
  GstClockTime next_time;
  guint64 steps;

  gst_lstm_lock (self);
  steps = self->saved_steps;
  next_time = self->saved_time;
  gst_lstm_unlock (self);
  GST_INFO_OBJECT (self, "state saved to %s: " STATE_FORMAT, location,
      STATE_ARGS (n_bytes, steps, next_time));
}

/* Writes @bytes, or, if @bytes is NULL, the bytes of the previous write if that write failed. Posts
 * a warning on failure. */
static void
write_file (GstLstm *self, const gchar *location, GBytes *bytes)
{
  g_autoptr (GError) error = NULL;
  gsize n_written;

  gst_lstm_state_file_write (&self->state_file, location, bytes, &n_written, &error);
  if (n_written > 0)
    report_saved (self, location, n_written);
  if (error)
    GST_ELEMENT_WARNING (
        self, RESOURCE, WRITE, ("property state-location: %s", error->message), (NULL));
}

/* Posts a warning once, until h and c are finite again. */
static void
warn_not_saved (GstLstm *self, const gchar *location, const GError *error)
{
  if (!self->warned_not_saved)
    GST_ELEMENT_WARNING (self, RESOURCE, WRITE,
        ("property state-location: %s was not written: %s", location, error->message), (NULL));
  self->warned_not_saved = TRUE;
}

/* Writes h and c to state-location. In a preroll, writes nothing, and if @is_end, stores h and c
 * for PLAYING. */
static void
save_file (GstLstm *self, gboolean is_end)
{
  g_autofree gchar *location = dup_location (self);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = NULL;

  if (!location)
    return;
  gst_lstm_lock (self);
  if (is_end || !self->in_preroll)
    bytes = save_if_unsaved (self, &error);
  if (bytes && self->in_preroll) {
    g_clear_pointer (&self->state_at_eos, g_bytes_unref);
    self->state_at_eos = g_steal_pointer (&bytes);
    GST_DEBUG_OBJECT (self, "EOS before PLAYING: %s is written in PLAYING", location);
  }
  gst_lstm_unlock (self);
  if (error)
    warn_not_saved (self, location, error);
  if (bytes)
    self->warned_not_saved = FALSE;
  write_file (self, location, bytes);
}

void
gst_lstm_save_at_interval (GstLstm *self, const GstLstmSpan *span, guint n_steps)
{
  GstClockTime interval, now;

  if (!self->settings.state_location) /* does not change while the element runs */
    return;
  GST_OBJECT_LOCK (self);
  interval = self->settings.state_interval;
  GST_OBJECT_UNLOCK (self);
  now = gst_lstm_advance_running_time (self, span, n_steps);
  if (!interval || !GST_CLOCK_TIME_IS_VALID (now))
    return;
  if (GST_CLOCK_TIME_IS_VALID (self->save_time) /* a seek may set running time back */
      && (now < self->save_time || now - self->save_time >= interval)) {
    save_file (self, FALSE);
    self->save_time = now;
  }
  if (!GST_CLOCK_TIME_IS_VALID (self->save_time))
    self->save_time = now;
}

void
gst_lstm_save_at_eos (GstLstm *self)
{
  save_file (self, TRUE);
}

void
gst_lstm_save_at_stop (GstLstm *self)
{
  gst_lstm_undo_preroll (self, GST_LSTM_RESET_PREROLL);
  gst_lstm_lock (self);
  self->in_preroll = FALSE;
  gst_lstm_unlock (self);
  save_file (self, FALSE);
  gst_lstm_lock (self);
  g_clear_pointer (&self->preroll_state, g_bytes_unref);
  g_clear_pointer (&self->state_at_eos, g_bytes_unref);
  gst_lstm_unlock (self);
}

void
gst_lstm_set_playing (GstLstm *self, gboolean playing)
{
  g_autofree gchar *location = dup_location (self);
  g_autoptr (GBytes) bytes = NULL;

  gst_lstm_lock (self);
  self->is_playing = playing;
  if (playing) {
    self->in_preroll = FALSE;
    g_clear_pointer (&self->preroll_state, g_bytes_unref);
    bytes = g_steal_pointer (&self->state_at_eos);
  }
  gst_lstm_unlock (self);
  if (bytes)
    write_file (self, location, bytes);
}

/* --- Signals --- */

GBytes *
gst_lstm_get_state (GstLstm *self)
{
  g_autoptr (GError) error = NULL;
  GBytes *bytes = NULL;

  gst_lstm_lock (self);
  if (check_no_batch (self, "h and c", &error) && check_no_objects (self, "h and c", &error))
    bytes = gst_lstm_sequence_save (&self->sequence, self->next_time, self->n_steps, &error);
  if (bytes)
    GST_INFO_OBJECT (self, "state saved by get-state: " STATE_FORMAT,
        STATE_ARGS (g_bytes_get_size (bytes), self->n_steps, self->next_time));
  gst_lstm_unlock (self);
  if (error)
    GST_ELEMENT_WARNING (self, LIBRARY, FAILED, ("get-state: %s", error->message), (NULL));
  return bytes;
}

gboolean
gst_lstm_set_state (GstLstm *self, GBytes *bytes)
{
  g_autoptr (GError) error = NULL;

  if (bytes && restore_state (self, bytes, "set-state", TRUE, &error))
    return TRUE;
  GST_ELEMENT_WARNING (self, LIBRARY, SETTINGS,
      ("%s", error ? error->message : "set-state: expected bytes, found none"), (NULL));
  return FALSE;
}
