/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/times.h"
#include "lstm/bytes.h"

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
  const GstSegment *segment = &GST_BASE_TRANSFORM (self)->segment;

  return segment->format == GST_FORMAT_TIME && GST_CLOCK_TIME_IS_VALID (span->pts)
         && !gst_segment_clip (segment, GST_FORMAT_TIME, span->pts,
             GST_CLOCK_TIME_IS_VALID (span->duration) ? span->pts + span->duration
                                                      : GST_CLOCK_TIME_NONE,
             NULL, NULL);
}

/* Moves @span to the nearest time within @segment. All steps of a buffer count, also those
 * outside the segment, and sinks must not drop the final vector. */
static void
move_into_segment (const GstSegment *segment, GstLstmSpan *span)
{
  const GstClockTime stop = segment->stop, start = segment->start;

  if (GST_CLOCK_TIME_IS_VALID (stop) && span->pts >= stop) {
    const GstClockTime longest = stop - start;
    const GstClockTime duration = GST_CLOCK_TIME_IS_VALID (span->duration) ? span->duration : 0;

    span->pts = stop - CLAMP (duration, MIN (longest, 1), longest);
  } else if (span->pts < start) {
    if (GST_CLOCK_TIME_IS_VALID (span->duration))
      span->duration -= MIN (span->duration, start - span->pts);
    span->pts = start;
  }
}

void
gst_lstm_clip_span (const GstLstm *self, GstLstmSpan *span)
{
  const GstSegment *segment = &GST_BASE_TRANSFORM (self)->segment;

  if (segment->format != GST_FORMAT_TIME || !GST_CLOCK_TIME_IS_VALID (span->pts))
    return;
  if (self->sequence.config.mode == GST_LSTM_OUTPUT_FINAL)
    move_into_segment (segment, span);
  if (GST_CLOCK_TIME_IS_VALID (segment->stop) && GST_CLOCK_TIME_IS_VALID (span->duration)
      && span->pts <= segment->stop)
    span->duration = MIN (span->duration, segment->stop - span->pts);
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
  const GstSegment *segment = &GST_BASE_TRANSFORM (self)->segment;
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
  const GstSegment *segment = &GST_BASE_TRANSFORM (self)->segment;
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
