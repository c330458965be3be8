/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * h and c of `lstm` beyond the process: the property state-location, and two signals. */
#include "lstm/gstlstm.h"
#include "common/errors.h"

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

/* --- Preroll --- */

/* From here on h and c are @bytes (nullable: zero) before what runs until the element plays;
 * @unsaved: the file does not have them. Under the lock. */
void
gst_lstm_set_initial (GstLstm *self, GBytes *bytes, gboolean unsaved)
{
  g_clear_pointer (&self->initial, g_bytes_unref);
  g_clear_pointer (&self->at_eos, g_bytes_unref);
  self->prerolls = !self->plays;
  self->unsaved = self->initial_unsaved = unsaved;
  if (self->prerolls && bytes)
    self->initial = g_bytes_ref (bytes);
}

/* Under the lock */
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

gboolean
gst_lstm_undo_preroll (GstLstm *self)
{
  g_autoptr (GError) error = NULL;
  gboolean prerolls;

  gst_lstm_lock (self);
  prerolls = self->prerolls && self->sequence.model;
  if (prerolls && !self->sequence.restored
      && (!self->initial || !load_state (self, self->initial, "before the preroll", &error))) {
    gst_lstm_forget (self);
    self->next_time = GST_CLOCK_TIME_NONE;
  }
  if (prerolls) {
    self->unsaved = self->initial_unsaved && !error;
    g_clear_pointer (&self->at_eos, g_bytes_unref);
  }
  gst_lstm_unlock (self);
  if (error)
    GST_ELEMENT_WARNING (self, LIBRARY, FAILED,
        ("h and c are zero, for what they were cannot be restored: %s", error->message),
        (NULL));
  return prerolls;
}

/* --- Restoring --- */

/* FALSE, with all as it was, if @bytes are no state for the element as it is. @unsaved: the file
 * does not have them. */
static gboolean
restore (GstLstm *self, GBytes *bytes, const gchar *name, gboolean unsaved, GError **error)
{
  guint64 next_time, steps;
  gboolean ok;

  gst_lstm_lock (self);
  ok = self->sequence.model
           ? load_state (self, bytes, name, error)
           : gst_lstm_fail (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
               "%s: expected the element to be in PAUSED or PLAYING, found no model", name);
  if (ok)
    gst_lstm_set_initial (self, bytes, unsaved);
  next_time = self->next_time;
  steps = self->n_steps;
  gst_lstm_unlock (self);
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
          location, gst_lstm_sequence_stream_size (&self->sequence), &bytes, &cause))
    return gst_lstm_fail (
        error, LSTM_ERROR, LSTM_ERROR_FILE, "property state-location: %s", cause->message);
  return !bytes || restore (self, bytes, location, FALSE, error);
}

/* --- Saving --- */

/* Returns the state that the file has not seen; NULL, also with @error, if there is none. Under
 * the lock. */
static GBytes *
take_unsaved (GstLstm *self, GError **error)
{
  GBytes *bytes = NULL;

  if (self->unsaved)
    bytes = gst_lstm_sequence_save (&self->sequence, self->next_time, self->n_steps, error);
  self->unsaved = FALSE;
  return bytes;
}

/* @bytes: NULL for those that could not be written before, if there are any */
static void
write_file (GstLstm *self, const gchar *location, GBytes *bytes)
{
  g_autoptr (GError) error = NULL;

  gst_lstm_state_file_write (&self->state_file, location, bytes, &error);
  if (error)
    GST_ELEMENT_WARNING (
        self, RESOURCE, WRITE, ("property state-location: %s", error->message), (NULL));
}

/* Says so once, until there is a good state again. */
static void
warn_not_saved (GstLstm *self, const gchar *location, const GError *error)
{
  if (!self->warned_not_saved)
    GST_ELEMENT_WARNING (self, RESOURCE, WRITE,
        ("property state-location: %s stays as it was: %s", location, error->message), (NULL));
  self->warned_not_saved = TRUE;
}

/* @ends: this is the sequence's end, after which h and c are others. */
static void
save_file (GstLstm *self, gboolean ends)
{
  g_autofree gchar *location = dup_location (self);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = NULL;

  if (!location)
    return;
  gst_lstm_lock (self);
  if (ends || !self->prerolls)
    bytes = take_unsaved (self, &error);
  if (bytes && self->prerolls) {
    g_clear_pointer (&self->at_eos, g_bytes_unref);
    self->at_eos = g_steal_pointer (&bytes);
  }
  gst_lstm_unlock (self);
  if (error)
    warn_not_saved (self, location, error);
  if (bytes)
    self->warned_not_saved = FALSE;
  write_file (self, location, bytes);
}

void
gst_lstm_save_file (GstLstm *self)
{
  save_file (self, FALSE);
}

void
gst_lstm_save_at_eos (GstLstm *self)
{
  save_file (self, TRUE);
}

void
gst_lstm_save_at_stop (GstLstm *self)
{
  gst_lstm_undo_preroll (self);
  gst_lstm_lock (self);
  self->prerolls = FALSE;
  gst_lstm_unlock (self);
  save_file (self, FALSE);
  gst_lstm_lock (self);
  g_clear_pointer (&self->initial, g_bytes_unref);
  g_clear_pointer (&self->at_eos, g_bytes_unref);
  gst_lstm_unlock (self);
}

void
gst_lstm_set_plays (GstLstm *self, gboolean plays)
{
  g_autofree gchar *location = dup_location (self);
  g_autoptr (GBytes) bytes = NULL;

  gst_lstm_lock (self);
  self->plays = plays;
  if (plays) {
    self->prerolls = FALSE;
    g_clear_pointer (&self->initial, g_bytes_unref);
    bytes = g_steal_pointer (&self->at_eos);
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
  GBytes *bytes;

  gst_lstm_lock (self);
  bytes = gst_lstm_sequence_save (&self->sequence, self->next_time, self->n_steps, &error);
  gst_lstm_unlock (self);
  if (error)
    GST_ELEMENT_WARNING (self, LIBRARY, FAILED, ("get-state: %s", error->message), (NULL));
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

/* --- Times --- */

/* Sums of times that were rounded down are short by less than 1 ns for each of them: that of the gap or
 * buffer, of a part of it, and of the steps that ran. */
#define MOST_SHORT 3

/* The time of the frame that begins with @time, if one does, counted from zero */
static GstClockTime
round_to_frame (const GstLstmTensors *in, GstClockTime time)
{
  const guint64 frame = gst_util_uint64_scale_round (
      time, (guint64) in->fps_n, (guint64) in->fps_d * GST_SECOND);
  const GstClockTime exact = gst_lstm_tensors_step_offset (in, frame);

  return exact > time && exact - time <= MOST_SHORT ? exact : time;
}

GstClockTime
gst_lstm_time_behind (const GstLstm *self, const GstLstmSpan *span, guint steps, guint done)
{
  const GstSegment *segment = &GST_BASE_TRANSFORM (self)->segment;
  const GstLstmTensors *in = &self->sequence.in;
  GstClockTime length = gst_lstm_tensors_step_offset (in, done);
  guint64 time;

  if (in->fps_n == 0)
    length = GST_CLOCK_TIME_IS_VALID (span->duration)
                 ? gst_util_uint64_scale (span->duration, done, steps)
                 : GST_CLOCK_TIME_NONE;
  if (segment->format != GST_FORMAT_TIME || segment->rate < 0
      || !GST_CLOCK_TIME_IS_VALID (span->pts) || !GST_CLOCK_TIME_IS_VALID (length)
      || gst_segment_to_stream_time_full (segment, GST_FORMAT_TIME, span->pts + length, &time)
             != 1)
    return GST_CLOCK_TIME_NONE;
  return in->fps_n > 0 ? round_to_frame (in, time) : time;
}
