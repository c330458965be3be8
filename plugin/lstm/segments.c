/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/segments.h"

gboolean
gst_lstm_segment_excludes (const GstSegment *segment, const GstLstmSpan *span)
{
  return segment->format == GST_FORMAT_TIME && GST_CLOCK_TIME_IS_VALID (span->pts)
         && !gst_segment_clip (segment, GST_FORMAT_TIME, span->pts,
             GST_CLOCK_TIME_IS_VALID (span->duration) ? span->pts + span->duration
                                                      : GST_CLOCK_TIME_NONE,
             NULL, NULL);
}

/* Gets the running time of @position. At a rate below 0 running time counts from the stop, so a
 * stop is needed. */
static gint
get_running_time (const GstSegment *segment, guint64 position, guint64 *time)
{
  GstSegment with_stop = *segment;

  if (with_stop.rate < 0 && with_stop.stop == GST_CLOCK_TIME_NONE)
    with_stop.stop = G_MAXINT64;
  return gst_segment_to_running_time_full (&with_stop, with_stop.format, position, time);
}

gboolean
gst_lstm_segment_is_update (const GstSegment *a, const GstSegment *b)
{
  guint64 in_a = 0, in_b = 0;

  return a->format == b->format && a->format != GST_FORMAT_UNDEFINED && a->rate == b->rate
         && a->applied_rate == b->applied_rate
         && get_running_time (a, b->start, &in_a) == get_running_time (b, b->start, &in_b)
         && in_a == in_b
         && gst_segment_to_stream_time_full (a, a->format, b->start, &in_a)
                == gst_segment_to_stream_time_full (b, b->format, b->start, &in_b)
         && in_a == in_b;
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
gst_lstm_segment_clip_span (const GstSegment *segment, gboolean is_final, GstLstmSpan *span)
{
  if (segment->format != GST_FORMAT_TIME || !GST_CLOCK_TIME_IS_VALID (span->pts))
    return;
  if (is_final)
    move_into_segment (segment, span);
  if (GST_CLOCK_TIME_IS_VALID (segment->stop) && GST_CLOCK_TIME_IS_VALID (span->duration)
      && span->pts <= segment->stop)
    span->duration = MIN (span->duration, segment->stop - span->pts);
}
