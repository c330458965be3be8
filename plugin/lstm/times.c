/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/times.h"
#include "lstm/bytes.h"
#include "lstm/segments.h"

GstLstmSpan
gst_lstm_get_buffer_span (GstLstm *self, GstBuffer *buffer, guint n_steps)
{
  const GstLstmTensors *in = &self->sequence.in;
  GstLstmSpan span = {GST_BUFFER_PTS (buffer), GST_BUFFER_DURATION (buffer),
      GST_BUFFER_OFFSET (buffer), GST_BUFFER_OFFSET_END (buffer)};

  if (!self->counts_bytes)
    return span;
  if (span.offset != GST_BUFFER_OFFSET_NONE)
    self->next_step = gst_lstm_bytes_to_step (self, span.offset);
  span.offset = self->next_step;
  self->next_step += n_steps;
  span.offset_end = self->next_step;
  if (in->fps_n > 0 && !GST_CLOCK_TIME_IS_VALID (span.pts)) {
    span.pts = gst_lstm_tensors_get_step_offset (in, span.offset);
    span.duration = gst_lstm_tensors_get_step_offset (in, span.offset_end) - span.pts;
  }
  return span;
}

void
gst_lstm_set_buffer_span (GstBuffer *buffer, const GstLstmSpan *span)
{
  GST_BUFFER_PTS (buffer) = span->pts;
  GST_BUFFER_DURATION (buffer) = span->duration;
  GST_BUFFER_OFFSET (buffer) = span->offset;
  GST_BUFFER_OFFSET_END (buffer) = span->offset_end;
}

/* --- Segment --- */

gboolean
gst_lstm_is_outside_segment (const GstLstm *self, const GstLstmSpan *span)
{
  return gst_lstm_segment_excludes (&self->parent.segment, span);
}

void
gst_lstm_clip_span (const GstLstm *self, GstLstmSpan *span)
{
  gst_lstm_segment_clip_span (
      &self->parent.segment, self->sequence.config.mode == GST_LSTM_OUTPUT_FINAL, span);
}

/* --- Stream time --- */

/* Rounding down makes a sum of times too small by less than 1 ns for each summand: the time of
 * the gap or buffer, of its part, and of the steps. */
#define MAX_ROUNDING_ERROR 3

/* Returns the exact start of the frame that starts at @time, if there is such a frame, or else
 * @time. */
static GstClockTime
round_to_frame (const GstLstmTensors *in, GstClockTime time)
{
  const guint64 frame = gst_util_uint64_scale_round (
      time, (guint64) in->fps_n, (guint64) in->fps_d * GST_SECOND);
  const GstClockTime exact = gst_lstm_tensors_get_step_offset (in, frame);

  return exact > time && exact - time <= MAX_ROUNDING_ERROR ? exact : time;
}

GstClockTime
gst_lstm_get_step_stream_time (
    const GstLstm *self, const GstLstmSpan *span, guint n_steps, guint i)
{
  const GstSegment *segment = &self->parent.segment;
  const GstLstmTensors *in = &self->sequence.in;
  const GstClockTime offset = gst_lstm_span_get_step_offset (span, in, n_steps, i);
  guint64 time;

  if (segment->format != GST_FORMAT_TIME || segment->rate < 0
      || !GST_CLOCK_TIME_IS_VALID (span->pts) || !GST_CLOCK_TIME_IS_VALID (offset)
      || gst_segment_to_stream_time_full (segment, GST_FORMAT_TIME, span->pts + offset, &time)
             != 1)
    return GST_CLOCK_TIME_NONE;
  return in->fps_n > 0 ? round_to_frame (in, time) : time;
}

/* --- Running time --- */

GstClockTime
gst_lstm_advance_running_time (GstLstm *self, const GstLstmSpan *span, guint n_steps)
{
  const GstSegment *segment = &self->parent.segment;
  GstClockTime duration = span->duration, time = self->running_time_end;

  if (!GST_CLOCK_TIME_IS_VALID (duration))
    duration = gst_lstm_span_get_step_offset (span, &self->sequence.in, n_steps, n_steps);
  if (GST_CLOCK_TIME_IS_VALID (span->pts) && segment->format == GST_FORMAT_TIME)
    time = gst_segment_to_running_time (segment, GST_FORMAT_TIME, span->pts);
  else if (!GST_CLOCK_TIME_IS_VALID (duration))
    time = gst_element_get_current_running_time (GST_ELEMENT (self));
  if (GST_CLOCK_TIME_IS_VALID (time))
    self->running_time_end = time + (GST_CLOCK_TIME_IS_VALID (duration) ? duration : 0);
  return time;
}
