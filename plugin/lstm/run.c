/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How `lstm` runs steps: in slices, between which other threads get the lock. */
#include "common/errors.h"
#include "lstm/gstlstm.h"

#define GST_CAT_DEFAULT gst_lstm_debug
#define SLICE_TIME (10 * GST_MSECOND) /* how long other threads may have to wait for the lock */

void
gst_lstm_forget (GstLstm *self)
{
  gst_lstm_sequence_forget (&self->sequence);
  self->stats.resets += self->n_steps > 0;
  self->n_steps = 0;
}

void
gst_lstm_begin_anew (GstLstm *self)
{
  if (self->sequence.restored)
    return;
  gst_lstm_forget (self);
  self->next_time = GST_CLOCK_TIME_NONE;
}

gboolean
gst_lstm_resets_on (GstLstm *self, GstLstmResetOn what)
{
  gboolean resets;

  GST_OBJECT_LOCK (self);
  resets = (self->settings.reset_on & what) != 0;
  GST_OBJECT_UNLOCK (self);
  return resets;
}

/* Notes the last @n steps of @run's first @done, which took @took; under the lock. */
static void
count_steps (GstLstm *self, const GstLstmRun *run, guint done, guint n, GstClockTime took)
{
  self->n_steps += n;
  self->unsaved = TRUE;
  self->stats.steps += n;
  self->stats.total += took;
  self->stats.longest = MAX (self->stats.longest, took / n);
  self->next_time = gst_lstm_time_behind (self, &run->span, run->steps, done);
}

/* Steps to run at once, of @left. A reset on NaN comes right after the step, wherever buffers are cut. */
static guint
get_slice (GstLstm *self, guint left)
{
  if (self->sequence.needs_whole)
    return left; /* they are only kept */
  if (gst_lstm_resets_on (self, GST_LSTM_RESET_ON_NAN))
    return 1;
  return MIN (self->slice, left);
}

/* The next slice is to take about SLICE_TIME, as @n steps took @took. */
static void
adapt_slice (GstLstm *self, guint n, GstClockTime took)
{
  if (took > 2 * SLICE_TIME)
    self->slice = MAX (n / 2, 1);
  else if (n == self->slice && took < SLICE_TIME / 2)
    self->slice *= 2;
}

/* Sets h and c of streams that are not finite anew if reset-on says so; under the lock.
 * Returns: whether they were finite */
static gboolean
check_finite (GstLstm *self)
{
  if (self->sequence.needs_whole || gst_lstm_sequence_is_finite (&self->sequence))
    return TRUE;
  if (gst_lstm_resets_on (self, GST_LSTM_RESET_ON_NAN) && !self->sequence.window) {
    gst_lstm_sequence_mend (&self->sequence);
    self->stats.resets++;
  }
  return FALSE;
}

/* Says it once from PAUSED on. */
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

/* One slice of @run, of which @done steps were run before. Returns: its steps, 0 with @error */
static guint
run_slice (GstLstm *self, const GstLstmRun *run, guint done, gboolean *finite, GError **error)
{
  const guint n = get_slice (self, run->steps - done);
  const GstClockTime begin = gst_util_get_timestamp ();
  GstClockTime took;

  if (!gst_lstm_sequence_run_part (&self->sequence, run, done, n, error))
    return 0;
  took = gst_util_get_timestamp () - begin;
  adapt_slice (self, n, took);
  count_steps (self, run, done + n, n, took);
  if (done + n == run->steps || gst_lstm_resets_on (self, GST_LSTM_RESET_ON_NAN))
    *finite &= check_finite (self);
  return n;
}

gboolean
gst_lstm_make_whole_state (GstLstm *self, GError **error)
{
  LstmState *state;
  gsize steps;

  if (!self->sequence.needs_whole)
    return TRUE;
  gst_lstm_lock (self);
  steps = gst_lstm_sequence_get_wanted_steps (&self->sequence);
  if (steps > 0)
    gst_lstm_sequence_set_whole_state (&self->sequence, NULL, 0);
  gst_lstm_unlock (self);
  if (steps == 0)
    return TRUE;
  state = lstm_state_new_for_sequences (self->sequence.model, self->sequence.in.streams, steps, error);
  if (!state)
    return FALSE;
  gst_lstm_lock (self);
  gst_lstm_sequence_set_whole_state (&self->sequence, state, steps);
  gst_lstm_unlock (self);
  return TRUE;
}

gboolean
gst_lstm_give_way (gpointer lstm)
{
  GstLstm *self = lstm;

  if (gst_util_get_timestamp () - self->gave_way < SLICE_TIME)
    return TRUE;
  gst_lstm_unlock (self);
  gst_lstm_lock (self);
  self->gave_way = gst_util_get_timestamp ();
  return !GST_PAD_IS_FLUSHING (GST_BASE_TRANSFORM_SINK_PAD (self));
}

GstFlowReturn
gst_lstm_run (
    GstLstm *self, const gfloat *x, guint steps, const GstLstmSpan *span, GstBuffer *outbuf)
{
  GstPad *pad = GST_BASE_TRANSFORM_SINK_PAD (self);
  GstLstmRun run; /* its maps are large, and mostly not in use */
  g_autoptr (GError) error = NULL;
  gboolean finite = TRUE;
  guint done = 0;

  run.x = x;
  run.steps = steps;
  run.span = *span;
  if (!gst_lstm_sequence_run_begin (&self->sequence, &run, outbuf, &error))
    return gst_lstm_fail_sequence (self, error);
  while (done < steps && !error && !(done > 0 && GST_PAD_IS_FLUSHING (pad))) {
    gst_lstm_lock (self);
    done += run_slice (self, &run, done, &finite, &error);
    if (done == steps) {
      self->stats.outputs += outbuf != NULL;
      self->stats.non_finite += !finite;
    }
    gst_lstm_unlock (self);
  }
  gst_lstm_sequence_run_end (&self->sequence, &run);
  if (error)
    return gst_lstm_fail_sequence (self, error);
  if (!finite)
    warn_non_finite (self, span);
  return done < steps ? GST_FLOW_FLUSHING : GST_FLOW_OK;
}
