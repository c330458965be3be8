/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/run.h"
#include "lstm/sequence-state.h"
#include "lstm/threads.h"
#include "lstm/times.h"

#define GST_CAT_DEFAULT gst_lstm_debug
#define SLICE_TIME (10 * GST_MSECOND) /* the longest that other threads wait for `lock` */

/* Counts the last @n of the first @done steps of @run, which took the time @took. Needs `lock`. */
static void
count_steps (GstLstm *self, const GstLstmRun *run, guint done, guint n, GstClockTime took)
{
  self->n_steps += n;
  self->unsaved = TRUE;
  self->stats.steps += n;
  self->stats.total_step_time += took;
  self->stats.longest_step_time = MAX (self->stats.longest_step_time, took / n);
  self->next_time = gst_lstm_get_step_stream_time (self, &run->span, run->n_steps, done);
}

/* Returns whether property reset-on has `nan`. Needs `lock`. */
static gboolean
resets_on_nan (const GstLstm *self)
{
  return (self->settings.reset_on & GST_LSTM_RESET_ON_NAN) != 0;
}

/* Returns the number of steps, of the next @n_steps, that run in a slice. With reset-on=nan a slice
 * is one step, so that a reset immediately follows its step, however the steps are divided into
 * buffers. Needs `lock`. */
static guint
get_slice_steps (const GstLstm *self, guint n_steps)
{
  if (self->sequence.config.non_causal)
    return n_steps; /* the steps are only stored */
  if (resets_on_nan (self))
    return 1;
  return MIN (self->slice_steps, n_steps);
}

/* Adapts the size of slices to SLICE_TIME: @n steps took the time @took. */
static void
adapt_slice (GstLstm *self, guint n, GstClockTime took)
{
  if (took > 2 * SLICE_TIME)
    self->slice_steps = MAX (n / 2, 1);
  else if (n == self->slice_steps && took < SLICE_TIME / 2)
    self->slice_steps *= 2;
}

/* Returns whether h and c are finite. With reset-on=nan resets the streams whose h or c is not
 * finite. Needs `lock`. */
static gboolean
check_finite (GstLstm *self)
{
  if (self->sequence.config.non_causal || gst_lstm_sequence_is_finite (&self->sequence))
    return TRUE;
  if (resets_on_nan (self) && !self->sequence.window)
    gst_lstm_reset_sequence (self, GST_LSTM_RESET_NAN);
  return FALSE;
}

/* Posts a warning, once until the element stops. */
static void
warn_non_finite (GstLstm *self, const GstLstmSpan *span)
{
  const gboolean were_reset = gst_lstm_resets_on (self, GST_LSTM_RESET_ON_NAN)
                              && !self->sequence.window;

  if (self->warned_non_finite)
    return;
  self->warned_non_finite = TRUE;
  GST_ELEMENT_WARNING (self, STREAM, FAILED,
      ("state: expected finite h and c, found NaN or infinity after the buffer at "
       "%" GST_TIME_FORMAT "; %s",
          GST_TIME_ARGS (span->pts),
          were_reset ? "they were reset"
                     : "they stay until a reset; property reset-on=nan resets them"),
      (NULL));
}

/* Runs the next slice of @run, of which @done steps ran before. Returns the steps of the slice,
 * or 0 with @error. Clears *@finite if h or c is not finite. Needs `lock`. */
static guint
run_slice (GstLstm *self, const GstLstmRun *run, guint done, gboolean *finite, GError **error)
{
  const guint n = get_slice_steps (self, run->n_steps - done);
  const GstClockTime begin = gst_util_get_timestamp ();
  GstClockTime took;

  if (!gst_lstm_sequence_run_part (&self->sequence, run, done, n, error))
    return 0;
  took = gst_util_get_timestamp () - begin;
  adapt_slice (self, n, took);
  count_steps (self, run, done + n, n, took);
  if (done + n == run->n_steps || resets_on_nan (self))
    *finite &= check_finite (self);
  return n;
}

gboolean
gst_lstm_allocate_complete_state (GstLstm *self, GError **error)
{
  GstLstmCompleteSequence *complete = &self->sequence.complete;
  LstmState *state;
  gsize n_steps;

  if (!self->sequence.config.non_causal)
    return TRUE;
  gst_lstm_lock (self);
  n_steps = gst_lstm_complete_sequence_get_needed_steps (complete);
  if (n_steps > 0)
    gst_lstm_complete_sequence_set_state (complete, NULL, 0);
  gst_lstm_unlock (self);
  if (n_steps == 0)
    return TRUE;
  state = gst_lstm_add_threads_to_state (
      lstm_state_new_for_sequences (
          self->sequence.config.model, self->sequence.in.streams, n_steps, error),
      self->sequence.config.n_threads, error);
  if (!state)
    return FALSE;
  GST_DEBUG_OBJECT (
      self, "allocates a state for complete sequences of %" G_GSIZE_FORMAT " steps", n_steps);
  gst_lstm_lock (self);
  gst_lstm_complete_sequence_set_state (complete, state, n_steps);
  gst_lstm_unlock (self);
  return TRUE;
}

gboolean
gst_lstm_yield_lock (gpointer data)
{
  GstLstm *self = data;

  if (gst_util_get_timestamp () - self->unlock_time < SLICE_TIME)
    return TRUE;
  gst_lstm_unlock (self);
  gst_lstm_lock (self);
  self->unlock_time = gst_util_get_timestamp ();
  return !GST_PAD_IS_FLUSHING (GST_BASE_TRANSFORM_SINK_PAD (self));
}

/* Notifies the application that a change of the model is complete. */
static void
notify_new_model (GstLstm *self)
{
  GST_INFO_OBJECT (self, "the change of the model is complete");
  g_object_notify (G_OBJECT (self), "model-info");
}

GstFlowReturn
gst_lstm_run_steps (GstLstm *self, const gfloat *x, guint n_steps, const GstLstmSpan *span,
    gfloat *const *outputs)
{
  const GstPad *pad = self->parent.sinkpad;
  const GstLstmRun run = {x, n_steps, *span, outputs};
  gboolean finite = TRUE, has_new_model = FALSE;
  g_autoptr (GError) error = NULL;
  guint done = 0;

  while (done < n_steps && !error && !(done > 0 && GST_PAD_IS_FLUSHING (pad))) {
    gst_lstm_lock_for_steps (self);
    done += run_slice (self, &run, done, &finite, &error);
    if (done == n_steps) {
      self->stats.outputs += outputs != NULL;
      self->stats.non_finite += !finite;
    }
    has_new_model |= self->sequence.has_new_model;
    self->sequence.has_new_model = FALSE;
    gst_lstm_unlock (self);
  }
  if (has_new_model)
    notify_new_model (self);
  if (error)
    return gst_lstm_fail_sequence (self, error);
  if (!finite)
    warn_non_finite (self, span);
  return done < n_steps ? GST_FLOW_FLUSHING : GST_FLOW_OK;
}
