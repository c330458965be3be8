/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sources such as filesrc count bytes; steps have a size, and mostly a duration. */
#include "lstm/gstlstm.h"

guint64
gst_lstm_bytes_to_step (const GstLstm *self, guint64 bytes)
{
  return bytes / self->input.step_bytes;
}

/* Bytes as the time of the step that they begin with; unknown ones stay so. */
static guint64
bytes_to_time (const GstLstm *self, guint64 bytes)
{
  if (bytes == GST_CLOCK_TIME_NONE)
    return GST_CLOCK_TIME_NONE;
  return gst_lstm_tensors_step_offset (
      &self->sequence.in, gst_lstm_bytes_to_step (self, bytes));
}

/* @made for @event (both transfer full), as if it were the same. Returns: (transfer full) */
static GstEvent *
instead_of (GstEvent *event, GstEvent *made)
{
  gst_event_set_seqnum (made, gst_event_get_seqnum (event));
  gst_event_unref (event);
  return made;
}

/* The stop of a segment in time. One at a rate below 0 has to have a stop: running time counts from it.
 * Without a framerate no buffer has a time, and the segment is empty. */
static guint64
find_stop (const GstLstm *self, const GstSegment *bytes, guint64 start)
{
  const gboolean counted = self->sequence.in.fps_n > 0;
  const guint64 stop = bytes->stop != GST_CLOCK_TIME_NONE ? bytes->stop : bytes->duration;

  if (bytes->rate > 0)
    return counted ? bytes_to_time (self, bytes->stop) : GST_CLOCK_TIME_NONE;
  if (!counted)
    return start;
  return MIN (bytes_to_time (self, stop), G_MAXINT64);
}

GstEvent *
gst_lstm_bytes_segment (GstLstm *self, GstEvent *event)
{
  const GstLstmTensors *in = &self->sequence.in;
  const GstSegment *bytes;
  GstSegment time;

  gst_event_parse_segment (event, &bytes);
  gst_lstm_lock (self);
  self->from_bytes = bytes->format == GST_FORMAT_BYTES && gst_lstm_is_configured (self)
                     && self->input.step_bytes > 0;
  gst_lstm_unlock (self);
  if (!self->from_bytes)
    return event;
  self->next_step = gst_lstm_bytes_to_step (self, bytes->start);
  time = *bytes;
  time.format = GST_FORMAT_TIME;
  time.start = bytes_to_time (self, bytes->start);
  time.stop = find_stop (self, bytes, time.start);
  time.time = bytes_to_time (self, bytes->time);
  time.base = bytes_to_time (self, bytes->base);
  time.offset = bytes_to_time (self, bytes->offset);
  time.position = time.start;
  time.duration = in->fps_n > 0 ? bytes_to_time (self, bytes->duration) : GST_CLOCK_TIME_NONE;
  return instead_of (event, gst_event_new_segment (&time));
}

GstEvent *
gst_lstm_bytes_segment_done (GstLstm *self, GstEvent *event)
{
  GstFormat format;
  gint64 position;

  gst_event_parse_segment_done (event, &format, &position);
  if (!self->from_bytes || format != GST_FORMAT_BYTES || position < 0)
    return event;
  position = (gint64) bytes_to_time (self, (guint64) position);
  return instead_of (event, gst_event_new_segment_done (GST_FORMAT_TIME, position));
}

/* @steps as the bytes of whole buffers, at most G_MAXINT64 */
static gint64
steps_to_bytes (const GstLstm *self, guint64 steps)
{
  const GstLstmTensors *in = &self->sequence.in;
  guint64 bytes;

  if (!g_uint64_checked_mul (&bytes, steps / in->steps, in->steps * self->input.step_bytes))
    return G_MAXINT64;
  return (gint64) MIN (bytes, G_MAXINT64);
}

/* The bytes before the buffer that has the step of @time. Times of steps are rounded down; below zero
 * both count from the end, which is a buffer's. */
static gint64
time_to_bytes (const GstLstm *self, gint64 time)
{
  const GstLstmTensors *in = &self->sequence.in;
  const guint64 second = (guint64) in->fps_d * GST_SECOND;

  if (time >= 0)
    return steps_to_bytes (
        self, gst_util_uint64_scale_ceil ((guint64) time + 1, in->fps_n, second) - 1);
  return -steps_to_bytes (
      self, gst_util_uint64_scale_ceil (-(guint64) time, in->fps_n, second) + in->steps - 1);
}

/* Whether time is counted for a source that does not; under the lock */
static gboolean
is_counted (const GstLstm *self)
{
  return self->from_bytes && self->sequence.in.fps_n > 0;
}

GstEvent *
gst_lstm_bytes_seek (GstLstm *self, GstEvent *event)
{
  GstSeekType types[2];
  gint64 at[2]; /* start and stop */
  GstSeekFlags flags;
  gboolean counts;
  GstFormat format;
  gdouble rate;

  gst_event_parse_seek (event, &rate, &format, &flags, &types[0], &at[0], &types[1], &at[1]);
  gst_lstm_lock (self);
  counts = format == GST_FORMAT_TIME && is_counted (self);
  for (guint i = 0; counts && i < G_N_ELEMENTS (at); i++)
    if (types[i] == GST_SEEK_TYPE_END || (types[i] == GST_SEEK_TYPE_SET && at[i] != -1))
      at[i] = time_to_bytes (self, at[i]);
  gst_lstm_unlock (self);
  return counts ? instead_of (event, gst_event_new_seek (rate, GST_FORMAT_BYTES, flags,
                                         types[0], at[0], types[1], at[1]))
                : event;
}

gboolean
gst_lstm_bytes_seeking (GstLstm *self, GstQuery *query)
{
  g_autoptr (GstQuery) bytes = gst_query_new_seeking (GST_FORMAT_BYTES);
  gboolean seekable = FALSE, counts;

  gst_lstm_lock (self);
  counts = is_counted (self);
  gst_lstm_unlock (self);
  if (!counts || !gst_pad_peer_query (GST_BASE_TRANSFORM_SINK_PAD (self), bytes))
    return FALSE;
  gst_query_parse_seeking (bytes, NULL, &seekable, NULL, NULL);
  gst_query_set_seeking (query, GST_FORMAT_TIME, seekable, 0, -1);
  return TRUE;
}

gboolean
gst_lstm_bytes_duration (GstLstm *self, GstQuery *query)
{
  gint64 bytes;
  guint64 time = GST_CLOCK_TIME_NONE;

  if (!gst_pad_peer_query_duration (
          GST_BASE_TRANSFORM_SINK_PAD (self), GST_FORMAT_BYTES, &bytes)
      || bytes < 0)
    return FALSE;
  gst_lstm_lock (self);
  if (gst_lstm_is_configured (self) && self->input.step_bytes > 0
      && self->sequence.in.fps_n > 0)
    time = bytes_to_time (self, (guint64) bytes);
  gst_lstm_unlock (self);
  if (time == GST_CLOCK_TIME_NONE)
    return FALSE;
  gst_query_set_duration (query, GST_FORMAT_TIME, (gint64) time);
  return TRUE;
}
