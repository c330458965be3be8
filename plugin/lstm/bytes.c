/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/bytes.h"

#define GST_CAT_DEFAULT gst_lstm_debug

guint64
gst_lstm_bytes_to_step (const GstLstm *self, guint64 bytes)
{
  return self->input.step_bytes > 0 ? bytes / self->input.step_bytes : self->next_step;
}

/* Returns the time of the step at byte @bytes, or GST_CLOCK_TIME_NONE if @bytes is unknown. */
static guint64
convert_bytes_to_time (const GstLstm *self, guint64 bytes)
{
  if (bytes == GST_CLOCK_TIME_NONE)
    return GST_CLOCK_TIME_NONE;
  return gst_lstm_tensors_get_step_offset (
      &self->sequence.in, gst_lstm_bytes_to_step (self, bytes));
}

/* Copies the seqnum of @event to @replacement (both transfer full). Returns: (transfer full):
 * @replacement */
static GstEvent *
replace_event (GstEvent *event, GstEvent *replacement)
{
  gst_event_set_seqnum (replacement, gst_event_get_seqnum (event));
  gst_event_unref (event);
  return replacement;
}

/* Returns the stop of a segment in time. A segment with a rate below 0 needs a stop, from which
 * running time counts. Without a framerate no buffer has a time, and such a segment is empty. */
static guint64
find_stop (const GstLstm *self, const GstSegment *bytes, guint64 start)
{
  const gboolean has_framerate = self->sequence.in.fps_n > 0;
  const guint64 stop = bytes->stop != GST_CLOCK_TIME_NONE ? bytes->stop : bytes->duration;

  if (bytes->rate > 0)
    return has_framerate ? convert_bytes_to_time (self, bytes->stop) : GST_CLOCK_TIME_NONE;
  if (!has_framerate)
    return start;
  return MIN (convert_bytes_to_time (self, stop), G_MAXINT64);
}

GstEvent *
gst_lstm_bytes_convert_segment (GstLstm *self, GstEvent *event)
{
  const GstLstmTensors *in = &self->sequence.in;
  const GstSegment *bytes;
  GstSegment time;

  gst_event_parse_segment (event, &bytes);
  gst_lstm_lock (self);
  self->counts_bytes = bytes->format == GST_FORMAT_BYTES && gst_lstm_is_configured (self)
                       && self->input.step_bytes > 0;
  gst_lstm_unlock (self);
  if (!self->counts_bytes)
    return event;
  self->next_step = gst_lstm_bytes_to_step (self, bytes->start);
  time = *bytes;
  time.format = GST_FORMAT_TIME;
  time.start = convert_bytes_to_time (self, bytes->start);
  time.stop = find_stop (self, bytes, time.start);
  time.time = convert_bytes_to_time (self, bytes->time);
  time.base = convert_bytes_to_time (self, bytes->base);
  time.offset = convert_bytes_to_time (self, bytes->offset);
  time.position = time.start;
  time.duration = in->fps_n > 0 ? convert_bytes_to_time (self, bytes->duration)
                                : GST_CLOCK_TIME_NONE;
  GST_INFO_OBJECT (self, "segment in time: %" GST_SEGMENT_FORMAT, &time);
  return replace_event (event, gst_event_new_segment (&time));
}

GstEvent *
gst_lstm_bytes_convert_segment_done (GstLstm *self, GstEvent *event)
{
  GstFormat format;
  gint64 position;

  gst_event_parse_segment_done (event, &format, &position);
  if (!self->counts_bytes || format != GST_FORMAT_BYTES || position < 0)
    return event;
  position = (gint64) convert_bytes_to_time (self, (guint64) position);
  GST_DEBUG_OBJECT (
      self, "SEGMENT_DONE in time, at %" GST_TIME_FORMAT, GST_TIME_ARGS (position));
  return replace_event (event, gst_event_new_segment_done (GST_FORMAT_TIME, position));
}

/* Returns the bytes of the buffers that @steps fill, at most G_MAXINT64. */
static gint64
convert_steps_to_bytes (const GstLstm *self, guint64 steps)
{
  const GstLstmTensors *in = &self->sequence.in;
  guint64 bytes;

  if (!g_uint64_checked_mul (&bytes, steps / in->steps, in->steps * self->input.step_bytes))
    return G_MAXINT64;
  return (gint64) MIN (bytes, G_MAXINT64);
}

/* Returns the first byte of the buffer that contains the step at @time. Times of steps are
 * rounded down. If @time is below zero, time and bytes count from the end of the stream, which
 * is the end of a buffer. */
static gint64
convert_time_to_bytes (const GstLstm *self, gint64 time)
{
  const GstLstmTensors *in = &self->sequence.in;
  const guint64 second = (guint64) in->fps_d * GST_SECOND;

  if (time >= 0)
    return convert_steps_to_bytes (
        self, gst_util_uint64_scale_ceil ((guint64) time + 1, in->fps_n, second) - 1);
  return -convert_steps_to_bytes (
      self, gst_util_uint64_scale_ceil (-(guint64) time, in->fps_n, second) + in->steps - 1);
}

/* Returns whether seeks and queries in time become bytes for upstream. Needs `lock`. */
static gboolean
can_convert_time (const GstLstm *self)
{
  return self->counts_bytes && self->input.step_bytes > 0 && self->sequence.in.fps_n > 0;
}

GstEvent *
gst_lstm_bytes_convert_seek (GstLstm *self, GstEvent *event)
{
  GstSeekType types[2];
  gint64 positions[2]; /* start and stop */
  GstSeekFlags flags;
  gboolean converts;
  GstFormat format;
  gdouble rate;

  gst_event_parse_seek (
      event, &rate, &format, &flags, &types[0], &positions[0], &types[1], &positions[1]);
  gst_lstm_lock (self);
  converts = format == GST_FORMAT_TIME && can_convert_time (self);
  for (guint i = 0; converts && i < G_N_ELEMENTS (positions); i++)
    if (types[i] == GST_SEEK_TYPE_END || (types[i] == GST_SEEK_TYPE_SET && positions[i] != -1))
      positions[i] = convert_time_to_bytes (self, positions[i]);
  gst_lstm_unlock (self);
  GST_DEBUG_OBJECT (
      self, "seek, %s: %" GST_PTR_FORMAT, converts ? "converted to bytes" : "forwarded", event);
  return converts ? replace_event (event, gst_event_new_seek (rate, GST_FORMAT_BYTES, flags,
                                              types[0], positions[0], types[1], positions[1]))
                  : event;
}

gboolean
gst_lstm_bytes_answer_seeking (GstLstm *self, GstQuery *query)
{
  g_autoptr (GstQuery) bytes = gst_query_new_seeking (GST_FORMAT_BYTES);
  gboolean seekable = FALSE, converts;

  gst_lstm_lock (self);
  converts = can_convert_time (self);
  gst_lstm_unlock (self);
  if (!converts || !gst_pad_peer_query (GST_BASE_TRANSFORM_SINK_PAD (self), bytes))
    return FALSE;
  gst_query_parse_seeking (bytes, NULL, &seekable, NULL, NULL);
  GST_DEBUG_OBJECT (
      self, "seeking query in time: %sseekable, as in bytes", seekable ? "" : "not ");
  gst_query_set_seeking (query, GST_FORMAT_TIME, seekable, 0, -1);
  return TRUE;
}

gboolean
gst_lstm_bytes_answer_duration (GstLstm *self, GstQuery *query)
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
    time = convert_bytes_to_time (self, (guint64) bytes);
  gst_lstm_unlock (self);
  if (time == GST_CLOCK_TIME_NONE)
    return FALSE;
  GST_DEBUG_OBJECT (
      self, "duration query in time: %" GST_TIME_FORMAT ", from bytes", GST_TIME_ARGS (time));
  gst_query_set_duration (query, GST_FORMAT_TIME, (gint64) time);
  return TRUE;
}
