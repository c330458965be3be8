/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/object-steps.h"
#include "lstm/final.h"
#include "lstm/times.h"

#define GST_CAT_DEFAULT gst_lstm_debug

/* --- Messages --- */

/* Appends the message lstm-final of known object @i to @messages, if a step ran since the last
 * message. */
static void
append_final (GstLstm *self, guint i, GQueue *messages)
{
  GstLstmObjectMemory *memory = self->object_memory;
  const GstLstmRowEntry *entry = gst_lstm_object_memory_get_entry (memory, i);
  GstLstmKnownObject *known = &memory->known[entry->row];
  GstLstmFinal final;

  if (!known->has_final)
    return;
  final = (GstLstmFinal){
      .span = known->span,
      .n_steps = known->n_steps,
      .values = memory->finals + entry->row * memory->final_values,
      .n_values = memory->final_values,
      .object = &entry->key,
  };
  known->has_final = FALSE;
  g_queue_push_tail (messages, gst_lstm_final_make_message (self, &final));
}

void
gst_lstm_objects_post_messages (GstLstm *self, GQueue *messages)
{
  GstMessage *message;

  while ((message = g_queue_pop_head (messages)))
    gst_element_post_message (GST_ELEMENT (self), message);
}

void
gst_lstm_objects_drain (GstLstm *self)
{
  GQueue messages = G_QUEUE_INIT;

  gst_lstm_lock (self);
  for (guint i = 0; i < gst_lstm_object_memory_get_n_objects (self->object_memory); i++)
    append_final (self, i, &messages);
  gst_lstm_unlock (self);
  gst_lstm_objects_post_messages (self, &messages);
}

/* --- Objects that a frame lacks --- */

GstClockTime
gst_lstm_objects_get_running_time (const GstLstm *self, const GstLstmSpan *span)
{
  guint64 time;

  return gst_segment_to_running_time_full (
             &GST_BASE_TRANSFORM (self)->segment, GST_FORMAT_TIME, span->pts, &time)
                 == 1
             ? time
             : 0;
}

guint
gst_lstm_objects_forget_expired (GstLstm *self, GstClockTime now, GQueue *messages)
{
  GstLstmObjectMemory *memory = self->object_memory;
  guint n_recent = 0;
  guint64 timeout;

  GST_OBJECT_LOCK (self);
  timeout = self->settings.object_timeout;
  GST_OBJECT_UNLOCK (self);
  for (guint i = 0; i < gst_lstm_object_memory_get_n_objects (memory);) {
    const GstLstmRowEntry *entry = gst_lstm_object_memory_get_entry (memory, i);
    GstLstmKnownObject *known = &memory->known[entry->row];

    known->last_seen = MIN (known->last_seen, now); /* a new stream may begin at 0 */
    if (now - known->last_seen <= timeout) {
      i++;
      continue;
    }
    GST_DEBUG_OBJECT (self,
        "object %" G_GUINT64_FORMAT ": forgotten after %" G_GUINT64_FORMAT
        " steps, last seen at %" GST_TIME_FORMAT " of running time",
        entry->key, known->n_steps, GST_TIME_ARGS (known->last_seen));
    n_recent += known->last_frame + 1 == memory->frame;
    append_final (self, i, messages);
    gst_lstm_object_memory_forget (memory, i);
  }
  return n_recent;
}

/* Resets the object @entry because of a gap. */
static void
reset_object (GstLstm *self, const GstLstmRowEntry *entry)
{
  const guint64 n_steps = self->object_memory->known[entry->row].n_steps;

  if (n_steps > 0)
    GST_DEBUG_OBJECT (self,
        "object %" G_GUINT64_FORMAT ": reset after %" G_GUINT64_FORMAT " steps: %s", entry->key,
        n_steps, gst_lstm_get_reset_text (GST_LSTM_RESET_GAP));
  self->stats.resets += n_steps > 0;
  gst_lstm_object_memory_reset (self->object_memory, entry->row);
}

void
gst_lstm_objects_add_missing (GstLstm *self)
{
  const gboolean resets = gst_lstm_resets_on (self, GST_LSTM_RESET_ON_GAP);
  const gboolean zero_steps = gst_lstm_runs_zero_steps (self);
  GstLstmObjectMemory *memory = self->object_memory;

  for (guint i = 0; i < gst_lstm_object_memory_get_n_objects (memory); i++) {
    const GstLstmRowEntry *entry = gst_lstm_object_memory_get_entry (memory, i);

    if (memory->known[entry->row].step_frame == memory->frame)
      continue;
    GST_LOG_OBJECT (self, "object %" G_GUINT64_FORMAT ": missing, %s", entry->key,
        zero_steps ? "a step of zeros runs" : "no step runs");
    self->stats.gaps++;
    if (resets)
      reset_object (self, entry);
    if (zero_steps)
      gst_lstm_object_memory_add_zeros (memory, entry);
  }
}

/* --- Steps --- */

/* Counts @n steps that took the time @took. */
static void
count_steps (GstLstm *self, gsize n, GstClockTime took)
{
  self->n_steps += n;
  self->stats.steps += n;
  self->stats.total_step_time += took;
  self->stats.longest_step_time = MAX (self->stats.longest_step_time, took / n);
}

/* Returns whether an object has h or c that is not finite, and sets *@flawed to the id of the first
 * one. With reset-on=nan resets all such objects. */
static gboolean
find_flawed (GstLstm *self, guint64 *flawed)
{
  GstLstmObjectMemory *memory = self->object_memory;
  const gboolean resets = gst_lstm_resets_on (self, GST_LSTM_RESET_ON_NAN)
                          && !memory->rows.window;
  gboolean found = FALSE;

  for (gsize i = 0; i < memory->n; i++) {
    if (gst_lstm_rows_is_finite (&memory->rows, memory->list[i]))
      continue;
    if (!found)
      *flawed = memory->ids[i];
    found = TRUE;
    if (!resets)
      continue;
    GST_DEBUG_OBJECT (self, "object %" G_GUINT64_FORMAT ": reset: %s", memory->ids[i],
        gst_lstm_get_reset_text (GST_LSTM_RESET_NAN));
    self->stats.resets++;
    gst_lstm_object_memory_reset (memory, memory->list[i]);
  }
  return found;
}

gboolean
gst_lstm_objects_run_rows (GstLstm *self, const GstLstmSpan *span, guint64 *flawed)
{
  GstLstmObjectMemory *memory = self->object_memory;
  const GstClockTime begin = gst_util_get_timestamp ();
  gboolean is_flawed;

  if (memory->n == 0)
    return FALSE;
  gst_lstm_object_memory_run (memory, span);
  count_steps (self, memory->n, gst_util_get_timestamp () - begin);
  is_flawed = find_flawed (self, flawed);
  self->stats.non_finite += is_flawed;
  return is_flawed;
}

void
gst_lstm_objects_warn_non_finite (GstLstm *self, guint64 id, const GstLstmSpan *span)
{
  if (self->warned_non_finite)
    return;
  self->warned_non_finite = TRUE;
  GST_ELEMENT_WARNING (self, STREAM, FAILED,
      ("object %" G_GUINT64_FORMAT
       ": expected finite h and c, found NaN or infinity after the frame at %" GST_TIME_FORMAT
       "; %s",
          id, GST_TIME_ARGS (span->pts),
          gst_lstm_resets_on (self, GST_LSTM_RESET_ON_NAN) && !self->object_memory->rows.window
              ? "they were reset"
              : "they stay until a reset; property reset-on=nan resets them"),
      (NULL));
}

/* Handles one frame of a gap, which has no object. */
static void
handle_missing_frame (GstLstm *self, const GstLstmSpan *span)
{
  GQueue messages = G_QUEUE_INIT;
  gboolean is_flawed;
  guint64 flawed;

  gst_lstm_lock (self);
  gst_lstm_object_memory_begin_frame (self->object_memory);
  gst_lstm_objects_forget_expired (
      self, gst_lstm_objects_get_running_time (self, span), &messages);
  gst_lstm_objects_add_missing (self);
  is_flawed = gst_lstm_objects_run_rows (self, span, &flawed);
  gst_lstm_unlock (self);
  gst_lstm_objects_post_messages (self, &messages);
  if (is_flawed)
    gst_lstm_objects_warn_non_finite (self, flawed, span);
}

void
gst_lstm_objects_handle_gap (GstLstm *self, const GstLstmSpan *gap)
{
  const GstLstmTensors *in = &self->sequence.in;
  guint64 n_frames = 1;

  if (!gst_lstm_is_configured (self) || !GST_CLOCK_TIME_IS_VALID (gap->pts)
      || gst_lstm_is_outside_segment (self, gap)) {
    GST_DEBUG_OBJECT (self, "gap: no step runs");
    return;
  }
  if (in->fps_n > 0 && GST_CLOCK_TIME_IS_VALID (gap->duration))
    n_frames = gst_util_uint64_scale_round (
        gap->duration, in->fps_n, (guint64) in->fps_d * GST_SECOND);
  GST_DEBUG_OBJECT (self, "gap: frames without objects: %" G_GUINT64_FORMAT, n_frames);
  for (guint64 i = 0; i < n_frames && !GST_PAD_IS_FLUSHING (GST_BASE_TRANSFORM_SINK_PAD (self))
                      && gst_lstm_object_memory_get_n_objects (self->object_memory) > 0;
       i++) {
    const GstLstmSpan span = gst_lstm_span_get_part (gap, in, n_frames, i, 1);

    handle_missing_frame (self, &span);
  }
}
