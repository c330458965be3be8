/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/span.h"

GstClockTime
gst_lstm_span_get_step_offset (
    const GstLstmSpan *span, const GstLstmTensors *tensors, guint64 n_steps, guint64 i)
{
  if (tensors->fps_n > 0)
    return gst_lstm_tensors_get_step_offset (tensors, i);
  return GST_CLOCK_TIME_IS_VALID (span->duration)
             ? gst_util_uint64_scale (span->duration, i, n_steps)
             : GST_CLOCK_TIME_NONE;
}

GstLstmSpan
gst_lstm_span_get_part (const GstLstmSpan *span, const GstLstmTensors *tensors, guint64 n_steps,
    guint64 first, guint64 n)
{
  const GstClockTime start = gst_lstm_span_get_step_offset (span, tensors, n_steps, first);
  GstLstmSpan part = GST_LSTM_SPAN_NONE;

  if (tensors->fps_n > 0) /* equal for all parts of @n steps */
    part.duration = gst_lstm_tensors_get_step_offset (tensors, n);
  else if (GST_CLOCK_TIME_IS_VALID (start))
    part.duration = gst_lstm_span_get_step_offset (span, tensors, n_steps, first + n) - start;
  if (GST_CLOCK_TIME_IS_VALID (span->pts))
    part.pts = span->pts + (GST_CLOCK_TIME_IS_VALID (start) ? start : 0);
  if (span->offset != GST_BUFFER_OFFSET_NONE && span->offset_end - span->offset == n_steps) {
    part.offset = span->offset + first;
    part.offset_end = part.offset + n;
  }
  return part;
}

GstLstmSpan
gst_lstm_span_join (const GstLstmSpan *first, const GstLstmSpan *last)
{
  GstLstmSpan span = {first->pts, GST_CLOCK_TIME_NONE, first->offset, last->offset_end};

  if (GST_CLOCK_TIME_IS_VALID (first->pts) && GST_CLOCK_TIME_IS_VALID (last->pts)
      && GST_CLOCK_TIME_IS_VALID (last->duration) && last->pts + last->duration >= first->pts)
    span.duration = last->pts + last->duration - first->pts;
  return span;
}
