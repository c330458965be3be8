/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "label/step-label.h"
#include <math.h>
#include <string.h>

/* Returns the index of the greatest of @scores (n), the first one of equal scores, or
 * GST_LSTM_NO_LABEL if a score is NaN. */
static gint
find_greatest (const gfloat *scores, guint n, gdouble *score)
{
  guint best = 0;

  for (guint i = 0; i < n; i++) {
    if (isnan (scores[i])) {
      *score = NAN;
      return GST_LSTM_NO_LABEL;
    }
    if (scores[i] > scores[best])
      best = i;
  }
  *score = scores[best];
  return (gint) best;
}

void
gst_lstm_step_label_init (
    GstLstmStepLabel *label, const gfloat *scores, guint n, gfloat threshold, GStrv labels)
{
  label->index = find_greatest (scores, n, &label->score);
  if (label->index != GST_LSTM_NO_LABEL && label->score < threshold)
    label->index = GST_LSTM_NO_LABEL;
  if (label->index == GST_LSTM_NO_LABEL)
    label->text = g_strdup ("");
  else
    label->text = labels ? g_strdup (labels[label->index])
                         : g_strdup_printf ("%d", label->index);
}

void
gst_lstm_step_label_clear (GstLstmStepLabel *label)
{
  g_clear_pointer (&label->text, g_free);
}

/* Returns the time from the first step of @buffer to step @i, which may be one past the last
 * step. The time follows from the framerate, or else from the duration of @buffer. */
static GstClockTime
get_step_offset (const GstLstmTensors *tensors, const GstBuffer *buffer, guint i)
{
  if (i == 0)
    return 0;
  if (i == tensors->steps && tensors->steps == 1 && GST_BUFFER_DURATION_IS_VALID (buffer))
    return GST_BUFFER_DURATION (buffer);
  if (tensors->fps_n > 0)
    return gst_lstm_tensors_get_step_offset (tensors, i);
  if (GST_BUFFER_DURATION_IS_VALID (buffer))
    return gst_util_uint64_scale_int (
        GST_BUFFER_DURATION (buffer), (gint) i, (gint) tensors->steps);
  return GST_CLOCK_TIME_NONE;
}

void
gst_lstm_step_label_set_times (
    GstLstmStepLabel *label, const GstLstmTensors *tensors, const GstBuffer *buffer, guint step)
{
  const GstClockTime from = get_step_offset (tensors, buffer, step);
  const GstClockTime to = get_step_offset (tensors, buffer, step + 1);

  label->pts = GST_BUFFER_PTS_IS_VALID (buffer) && GST_CLOCK_TIME_IS_VALID (from)
                   ? GST_BUFFER_PTS (buffer) + from
                   : GST_CLOCK_TIME_NONE;
  label->duration = GST_CLOCK_TIME_IS_VALID (from) && GST_CLOCK_TIME_IS_VALID (to)
                        ? to - from
                        : GST_CLOCK_TIME_NONE;
}

GstBuffer *
gst_lstm_step_label_to_buffer (const GstLstmStepLabel *label)
{
  gchar score[64]; /* -G_MAXFLOAT has 39 digits before the point */
  gchar *text = g_strconcat (
      label->text, " ", g_ascii_formatd (score, sizeof score, "%.2f", label->score), NULL);
  GstBuffer *buffer = gst_buffer_new_wrapped (text, strlen (text));

  GST_BUFFER_PTS (buffer) = label->pts;
  GST_BUFFER_DURATION (buffer) = label->duration;
  return buffer;
}

GstStructure *
gst_lstm_step_label_to_structure (const GstLstmStepLabel *label, const GstSegment *segment)
{
  guint64 stream_time = GST_CLOCK_TIME_NONE, running_time = GST_CLOCK_TIME_NONE;

  if (segment->format == GST_FORMAT_TIME) {
    stream_time = gst_segment_to_stream_time (segment, GST_FORMAT_TIME, label->pts);
    running_time = gst_segment_to_running_time (segment, GST_FORMAT_TIME, label->pts);
  }
  return gst_structure_new ("lstm-label", "label", G_TYPE_STRING, label->text, "index",
      G_TYPE_INT, label->index, "score", G_TYPE_DOUBLE, label->score, "timestamp",
      GST_TYPE_CLOCK_TIME, label->pts, "stream-time", GST_TYPE_CLOCK_TIME, stream_time,
      "running-time", GST_TYPE_CLOCK_TIME, running_time, "duration", GST_TYPE_CLOCK_TIME,
      label->duration, NULL);
}
