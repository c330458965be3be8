/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/gaps.h"
#include "lstm/object-steps.h"
#include "lstm/output.h"
#include "lstm/run.h"
#include "lstm/state.h"
#include "lstm/times.h"
#include <string.h>

#define GST_CAT_DEFAULT gst_lstm_debug

void
gst_lstm_push_gap (GstLstm *self, const GstLstmSpan *span)
{
  if (GST_CLOCK_TIME_IS_VALID (span->pts))
    gst_pad_push_event (
        GST_BASE_TRANSFORM_SRC_PAD (self), gst_event_new_gap (span->pts, span->duration));
}

/* Sets the parameters of the steps of zeros, which are no audio. */
static void
set_parameters (GstLstm *self)
{
  g_autoptr (GArray) parameters = gst_lstm_ref_parameters (self);
  const GstLstmTensors *in = &self->sequence.in;
  const gsize d = in->size[0], n_steps = (gsize) in->steps * in->streams;
  const gsize n = self->input.n_parameters;

  for (gsize i = 0; n > 0 && i < n_steps; i++)
    memcpy (self->sequence.zeros + i * d + d - n, parameters->data, n * sizeof (gfloat));
}

/* Runs steps of zeros for the duration of @gap, or one step if the duration or the framerate is
 * unknown. A part has at most the steps of an input buffer. @outbuf is that of
 * gst_lstm_handle_gap(). */
static void
run_zero_steps (GstLstm *self, const GstLstmSpan *gap, GstBuffer **outbuf)
{
  const GstLstmTensors *in = &self->sequence.in;
  GstFlowReturn ret;
  guint64 n_steps = 1;

  if (in->fps_n > 0 && GST_CLOCK_TIME_IS_VALID (gap->duration))
    n_steps = gst_util_uint64_scale_round (
        gap->duration, in->fps_n, (guint64) in->fps_d * GST_SECOND);
  GST_DEBUG_OBJECT (self, "gap: steps of zeros: %" G_GUINT64_FORMAT, n_steps);
  set_parameters (self);
  for (guint64 done = 0; done < n_steps && !self->failed
                         && !GST_PAD_IS_FLUSHING (GST_BASE_TRANSFORM_SINK_PAD (self));
       done += in->steps) {
    const guint n = (guint) MIN (in->steps, n_steps - done);
    const GstLstmSpan span = gst_lstm_span_get_part (gap, in, n_steps, done, n);

    if (gst_lstm_run_steps (self, NULL, n, &span, NULL) == GST_FLOW_OK)
      gst_lstm_save_at_interval (self, &span, n);
    if (!outbuf)
      gst_lstm_push_outputs (self);
    else if (!self->failed && (ret = gst_lstm_collect_outputs (self, outbuf)) != GST_FLOW_OK)
      self->pending_flow = ret;
  }
}

void
gst_lstm_handle_gap (GstLstm *self, const GstLstmSpan *span, GstBuffer **outbuf)
{
  if (self->object_memory) {
    gst_lstm_objects_handle_gap (self, span);
    return;
  }
  gst_lstm_lock (self);
  self->stats.gaps++;
  if (gst_lstm_resets_on (self, GST_LSTM_RESET_ON_GAP))
    gst_lstm_reset_unless_restored (self, GST_LSTM_RESET_GAP);
  gst_lstm_unlock (self);
  if (gst_lstm_runs_zero_steps (self) && !self->batch_memory && gst_lstm_is_configured (self)
      && !gst_lstm_is_outside_segment (self, span))
    run_zero_steps (self, span, outbuf);
  else
    GST_DEBUG_OBJECT (self, "gap: no step runs");
}
