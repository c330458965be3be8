/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/final.h"

/* Sets @field to an array of @n @values. */
static void
set_values (GstStructure *s, const gchar *field, const gfloat *values, gsize n)
{
  GValue array = G_VALUE_INIT, item = G_VALUE_INIT;

  g_value_init (&array, GST_TYPE_ARRAY);
  g_value_init (&item, G_TYPE_FLOAT);
  for (gsize i = 0; i < n; i++) {
    g_value_set_float (&item, values[i]);
    gst_value_array_append_value (&array, &item);
  }
  gst_structure_take_value (s, field, &array);
  g_value_unset (&item);
}

GstMessage *
gst_lstm_final_make_message (GstLstm *self, const GstLstmFinal *final)
{
  const GstSegment *segment = final->segment ? final->segment
                                             : &GST_BASE_TRANSFORM (self)->segment;
  const GstClockTime pts = final->span.pts;
  const gboolean timed = segment->format == GST_FORMAT_TIME;
  GstStructure *s = gst_structure_new ("lstm-final", "timestamp", G_TYPE_UINT64, pts,
      "stream-time", G_TYPE_UINT64,
      timed ? gst_segment_to_stream_time (segment, GST_FORMAT_TIME, pts) : GST_CLOCK_TIME_NONE,
      "running-time", G_TYPE_UINT64,
      timed ? gst_segment_to_running_time (segment, GST_FORMAT_TIME, pts) : GST_CLOCK_TIME_NONE,
      "duration", G_TYPE_UINT64, final->span.duration, "steps", G_TYPE_UINT64, final->n_steps,
      NULL);

  if (final->object)
    gst_structure_set (s, "object", G_TYPE_UINT64, *final->object, NULL);
  if (final->stream)
    gst_structure_set (s, "stream", G_TYPE_UINT, *final->stream, NULL);
  set_values (s, self->sequence.out.name[0], final->values, final->n_values);
  return gst_message_new_element (GST_OBJECT (self), s);
}
