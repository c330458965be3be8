/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Buffers and events of `lstm`: docs/elements/lstm.md says what each of them does. */
#include "lstm/gstlstm.h"
#include "common/errors.h"

#define GST_CAT_DEFAULT gst_lstm_debug

GstBaseTransformClass *gst_lstm_base_class;

void
gst_lstm_stream_init (gpointer parent_class)
{
  gst_lstm_base_class = parent_class;
}

/* --- Steps --- */

/* While nothing leaves a GAP lets sinks preroll and clocks run. */
static void
push_gap (GstLstm *self, const GstLstmSpan *span)
{
  if (GST_CLOCK_TIME_IS_VALID (span->pts))
    gst_pad_push_event (
        GST_BASE_TRANSFORM_SRC_PAD (self), gst_event_new_gap (span->pts, span->duration));
}

/* Times and offsets of @buffer, which has @steps steps, from its bytes where upstream knows no time. */
static GstLstmSpan
span_of (GstLstm *self, GstBuffer *buffer, guint steps)
{
  const GstLstmTensors *in = &self->sequence.in;
  GstLstmSpan span = {GST_BUFFER_PTS (buffer), GST_BUFFER_DURATION (buffer),
      GST_BUFFER_OFFSET (buffer), GST_BUFFER_OFFSET_END (buffer)};

  if (!self->from_bytes)
    return span;
  if (span.offset != GST_BUFFER_OFFSET_NONE)
    self->next_step = gst_lstm_bytes_to_step (self, span.offset);
  span.offset = self->next_step;
  self->next_step += steps;
  span.offset_end = self->next_step;
  if (in->fps_n > 0 && !GST_CLOCK_TIME_IS_VALID (span.pts)) {
    span.pts = gst_lstm_tensors_step_offset (in, span.offset);
    span.duration = gst_lstm_tensors_step_offset (in, span.offset_end) - span.pts;
  }
  return span;
}

static gboolean
is_outside (const GstLstm *self, const GstLstmSpan *span)
{
  const GstSegment *segment = &GST_BASE_TRANSFORM (self)->segment;

  return segment->format == GST_FORMAT_TIME && GST_CLOCK_TIME_IS_VALID (span->pts)
         && !gst_segment_clip (segment, GST_FORMAT_TIME, span->pts,
             GST_CLOCK_TIME_IS_VALID (span->duration) ? span->pts + span->duration
                                                      : GST_CLOCK_TIME_NONE,
             NULL, NULL);
}

/* Runs @x, the steps of @inbuf; *outbuf stays NULL unless its output leaves at once. */
static GstFlowReturn
run_buffer (GstLstm *self, GstBuffer *inbuf, const gfloat *x, const GstLstmSpan *span,
    GstBuffer **outbuf)
{
  const gboolean discont = self->discont
                           || GST_BUFFER_FLAG_IS_SET (inbuf, GST_BUFFER_FLAG_DISCONT);
  g_autoptr (GstBuffer) buffer = NULL;
  GstFlowReturn ret;

  if (gst_lstm_sequence_is_direct (&self->sequence)
      && (ret = gst_lstm_allocate_output (self, &buffer)) != GST_FLOW_OK)
    return ret;
  if (discont && gst_lstm_resets_on (self, GST_LSTM_RESET_ON_DISCONT)) {
    gst_lstm_lock (self);
    gst_lstm_begin_anew (self);
    gst_lstm_unlock (self);
  }
  ret = gst_lstm_run (self, x, self->sequence.in.steps, span, buffer);
  if (ret != GST_FLOW_OK)
    return ret;
  if (buffer && !gst_lstm_attaches (self)) {
    GST_BASE_TRANSFORM_GET_CLASS (self)->copy_metadata (
        GST_BASE_TRANSFORM (self), inbuf, buffer);
    gst_lstm_set_span (buffer, span);
    gst_lstm_mark_output (self, buffer);
  }
  self->discont = FALSE;
  self->bad_buffers -= self->bad_buffers > 0;
  *outbuf = g_steal_pointer (&buffer);
  return GST_FLOW_OK;
}

/* The running time of @steps steps: that of their pts, or where they have none the end of those before
 * them, or where they have no duration either the clock's. */
static GstClockTime
running_time_of (GstLstm *self, const GstLstmSpan *span, guint steps)
{
  const GstSegment *segment = &GST_BASE_TRANSFORM (self)->segment;
  const GstLstmTensors *in = &self->sequence.in;
  GstClockTime length = span->duration, time = self->ran_to;

  if (!GST_CLOCK_TIME_IS_VALID (length) && in->fps_n > 0)
    length = gst_lstm_tensors_step_offset (in, steps);
  if (GST_CLOCK_TIME_IS_VALID (span->pts) && segment->format == GST_FORMAT_TIME)
    time = gst_segment_to_running_time (segment, GST_FORMAT_TIME, span->pts);
  else if (!GST_CLOCK_TIME_IS_VALID (length))
    time = gst_element_get_current_running_time (GST_ELEMENT (self));
  if (GST_CLOCK_TIME_IS_VALID (time))
    self->ran_to = time + (GST_CLOCK_TIME_IS_VALID (length) ? length : 0);
  return time;
}

/* Writes state-location where the interval has passed in running time, also backwards: there was
 * a seek. */
static void
save_in_time (GstLstm *self, const GstLstmSpan *span, guint steps)
{
  GstClockTime interval, now;

  if (!self->settings.state_location) /* does not change while the element runs */
    return;
  GST_OBJECT_LOCK (self);
  interval = self->settings.state_interval;
  GST_OBJECT_UNLOCK (self);
  now = running_time_of (self, span, steps);
  if (!interval || !GST_CLOCK_TIME_IS_VALID (now))
    return;
  if (GST_CLOCK_TIME_IS_VALID (self->saved_at)
      && (now < self->saved_at || now - self->saved_at >= interval)) {
    gst_lstm_save_file (self);
    self->saved_at = now;
  }
  if (!GST_CLOCK_TIME_IS_VALID (self->saved_at))
    self->saved_at = now;
}

/* Appends to *@outbuf, or makes, what waits to leave with a buffer of media. */
static GstFlowReturn
collect (GstLstm *self, GstBuffer **outbuf)
{
  GstFlowReturn ret;
  GstBuffer *next;
  guint64 n_steps;

  while ((ret = gst_lstm_next_output (self, &next, &n_steps)) == GST_FLOW_OK && next)
    *outbuf = *outbuf ? gst_buffer_append (*outbuf, next) : next;
  return ret;
}

static GstFlowReturn
run_steps (GstLstm *self, GstBuffer *inbuf, const gfloat *x, GstBuffer **outbuf)
{
  const GstLstmSpan span = span_of (self, inbuf, self->sequence.in.steps);
  GstFlowReturn ret;
  guint64 n_steps;

  if (is_outside (self, &span)) {
    GST_LOG_OBJECT (self, "outside of the segment: %" GST_PTR_FORMAT, inbuf);
    return GST_FLOW_OK;
  }
  ret = run_buffer (self, inbuf, x, &span, outbuf);
  if (ret == GST_FLOW_OK)
    save_in_time (self, &span, self->sequence.in.steps);
  if (ret == GST_FLOW_OK && !*outbuf && gst_lstm_attaches (self))
    return collect (self, outbuf);
  if (ret == GST_FLOW_OK && !*outbuf) {
    if ((ret = gst_lstm_next_output (self, outbuf, &n_steps)) == GST_FLOW_OK && !*outbuf)
      push_gap (self, &span);
    if (GST_CLOCK_TIME_IS_VALID (span.pts))
      GST_BASE_TRANSFORM (self)->segment.position =
          span.pts + (GST_CLOCK_TIME_IS_VALID (span.duration) ? span.duration : 0);
  }
  return ret;
}

/* Where caps do not tell the shape of the steps each buffer does. */
static GstFlowReturn
follow_shape (GstLstm *self, const GstLstmSteps *steps)
{
  const GstLstmSequence *sequence = &self->sequence;
  const guint out_steps = sequence->out.steps, out_streams = sequence->out.streams;
  g_autoptr (GError) error = NULL;
  const GstLstmTensors in = gst_lstm_input_shape (
      &self->input, steps->n_steps, steps->n_streams);

  if (!gst_lstm_take_shape (self, &in, &error))
    return gst_lstm_fail_sequence (self, error);
  return (sequence->out.steps == out_steps && sequence->out.streams == out_streams)
                 || gst_lstm_set_output_steps (self, sequence->out.steps)
             ? GST_FLOW_OK
             : GST_FLOW_NOT_NEGOTIATED;
}

/* As many steps of zeros as the gap is long, one where that is not known, in pieces that there is memory
 * for. What leaves for them becomes *@outbuf, or, where that is NULL, leaves on its own. */
static void
run_gap (GstLstm *self, const GstLstmSpan *gap, GstBuffer **outbuf)
{
  const GstLstmTensors *in = &self->sequence.in;
  GstFlowReturn ret;
  guint64 steps = 1;

  if (in->fps_n > 0 && GST_CLOCK_TIME_IS_VALID (gap->duration))
    steps = gst_util_uint64_scale_round (
        gap->duration, in->fps_n, (guint64) in->fps_d * GST_SECOND);
  for (guint64 done = 0; done < steps && !self->broken
                         && !GST_PAD_IS_FLUSHING (GST_BASE_TRANSFORM_SINK_PAD (self));
       done += in->steps) {
    const guint n = (guint) MIN (in->steps, steps - done);
    const GstLstmSpan span = gst_lstm_tensors_part (in, gap, steps, done, n);

    if (gst_lstm_run (self, NULL, n, &span, NULL) == GST_FLOW_OK)
      save_in_time (self, &span, n);
    if (!outbuf)
      gst_lstm_push_waiting (self);
    else if (!self->broken && (ret = collect (self, outbuf)) != GST_FLOW_OK)
      self->pending_flow = ret;
  }
}

/* @outbuf: as run_gap() */
static void
take_gap (GstLstm *self, const GstLstmSpan *span, GstBuffer **outbuf)
{
  gboolean zero_steps;

  GST_OBJECT_LOCK (self);
  zero_steps = self->settings.gap_policy == GST_LSTM_GAP_ZERO_STEP;
  GST_OBJECT_UNLOCK (self);
  gst_lstm_lock (self);
  self->stats.gaps++;
  if (gst_lstm_resets_on (self, GST_LSTM_RESET_ON_GAP))
    gst_lstm_begin_anew (self);
  gst_lstm_unlock (self);
  if (zero_steps && gst_lstm_is_configured (self) && !self->refused && !is_outside (self, span))
    run_gap (self, span, outbuf);
}

/* An empty buffer, and media without the tensor, are a gap. Media without it at first may be a mistake. */
static GstFlowReturn
run_without_steps (GstLstm *self, GstBuffer *inbuf, GstBuffer **outbuf)
{
  const gboolean media = gst_lstm_attaches (self);
  GstLstmSpan span = span_of (self, inbuf, 0);

  if (is_outside (self, &span))
    return GST_FLOW_OK;
  if (media)
    span.duration = GST_CLOCK_TIME_NONE; /* a frame is one step, however long it is */
  take_gap (self, &span, media ? outbuf : NULL);
  if (!media)
    push_gap (self, &span);
  else if (self->stats.gaps == 1 && self->stats.steps == 0)
    GST_ELEMENT_WARNING (self, STREAM, FORMAT,
        ("buffer: expected a tensor%s%s, found none, which counts as a gap",
            self->input.id ? " " : "",
            self->input.id ? g_quark_to_string (self->input.id) : ""),
        (NULL));
  return self->broken ? GST_FLOW_ERROR : GST_FLOW_OK;
}

/* A buffer that cannot be read: dropped with a warning as long as max-errors tolerates it. Media pass
 * without an output. */
static GstFlowReturn
drop_bad_buffer (GstLstm *self, GstBuffer *inbuf, const GError *error)
{
  const GstLstmSpan span = span_of (self, inbuf, 0);
  gint most;

  GST_OBJECT_LOCK (self);
  most = self->settings.max_errors;
  GST_OBJECT_UNLOCK (self);
  self->bad_buffers += self->bad_buffers < G_MAXINT;
  if (most >= 0 && self->bad_buffers > most)
    return gst_lstm_fail_sequence (self, error);
  gst_lstm_lock (self);
  self->stats.errors++;
  gst_lstm_unlock (self);
  self->discont = self->marks = TRUE;
  gst_lstm_post_warning (self, error);
  if (!gst_lstm_attaches (self) && !is_outside (self, &span))
    push_gap (self, &span);
  return GST_FLOW_OK;
}

static GstFlowReturn
process (GstLstm *self, GstBuffer *inbuf, GstBuffer **outbuf)
{
  g_autoptr (GError) error = NULL;
  GstLstmSteps *steps = &self->steps;
  GstFlowReturn ret = GST_FLOW_OK;

  if (self->broken)
    return GST_FLOW_ERROR;
  if (!gst_lstm_is_configured (self))
    return GST_FLOW_NOT_NEGOTIATED;
  if (gst_buffer_get_size (inbuf) == 0 && !gst_lstm_attaches (self))
    return run_without_steps (self, inbuf, outbuf);
  if (!gst_lstm_input_open (&self->input, inbuf, steps, &error))
    return drop_bad_buffer (self, inbuf, error);
  if (!steps->x)
    return run_without_steps (self, inbuf, outbuf);
  if (steps->n_steps != self->sequence.in.steps
      || steps->n_streams != self->sequence.in.streams)
    ret = follow_shape (self, steps);
  if (ret == GST_FLOW_OK)
    ret = run_steps (self, inbuf, steps->x, outbuf);
  gst_lstm_steps_close (steps);
  return ret;
}

/* @media with @output (nullable) beside what it has, both (transfer full). Returns: (transfer full) */
static GstBuffer *
attach (GstLstm *self, GstBuffer *media, GstBuffer *output)
{
  if (!output)
    return media;
  media = self->input.format->attach (media, output, &self->sequence.out, &self->settings);
  gst_buffer_unref (output);
  return media;
}

GstFlowReturn
gst_lstm_generate_output (GstBaseTransform *trans, GstBuffer **outbuf)
{
  GstLstm *self = (GstLstm *) trans;
  g_autoptr (GstBuffer) inbuf = g_steal_pointer (&trans->queued_buf);
  GstFlowReturn ret;
  guint64 n_steps;

  *outbuf = NULL;
  if (!inbuf)
    return gst_lstm_is_configured (self) && !gst_lstm_sequence_is_direct (&self->sequence)
                   && !gst_lstm_attaches (self)
               ? gst_lstm_next_output (self, outbuf, &n_steps)
               : GST_FLOW_OK;
  ret = process (self, inbuf, outbuf);
  if (ret == GST_FLOW_OK && !*outbuf) {
    ret = self->pending_flow;
    self->pending_flow = GST_FLOW_OK;
  }
  if (ret != GST_FLOW_OK)
    gst_clear_buffer (outbuf);
  else if (gst_lstm_attaches (self))
    *outbuf = attach (self, g_steal_pointer (&inbuf), *outbuf);
  return ret;
}

/* --- Events --- */

/* The sequence is over: its last word, and a new beginning unless it shall go on. */
static void
end_sequence (GstLstm *self)
{
  gboolean stateful;

  gst_lstm_drain (self);
  GST_OBJECT_LOCK (self);
  stateful = self->settings.stateful;
  GST_OBJECT_UNLOCK (self);
  gst_lstm_lock (self);
  if (!stateful)
    gst_lstm_begin_anew (self);
  gst_lstm_unlock (self);
}

/* Buffers are taken again, and nothing is left to be said of the stream before. */
static void
accept_buffers (GstLstm *self)
{
  self->broken = FALSE;
  self->pending_flow = GST_FLOW_OK;
}

static void
on_gap (GstLstm *self, GstEvent *event)
{
  GstLstmSpan span = GST_LSTM_SPAN_NONE;
  g_autoptr (GstBuffer) without_media = NULL;

  gst_event_parse_gap (event, &span.pts, &span.duration);
  take_gap (self, &span, gst_lstm_attaches (self) ? &without_media : NULL);
}

/* The running time of @position; at a rate below 0 it counts from the stop, which must be one. */
static gint
get_running_time (const GstSegment *segment, guint64 position, guint64 *time)
{
  GstSegment ends = *segment;

  if (ends.rate < 0 && ends.stop == GST_CLOCK_TIME_NONE)
    ends.stop = G_MAXINT64;
  return gst_segment_to_running_time_full (&ends, ends.format, position, time);
}

/* Whether times mean in @b what they mean in @a: then it is @a, perhaps with another end. */
static gboolean
is_update (const GstSegment *a, const GstSegment *b)
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

/* @event: (transfer full). Returns: (transfer full): what the others get to see of it */
static GstEvent *
on_segment (GstLstm *self, GstEvent *event)
{
  const GstSegment *segment;

  gst_event_parse_segment (event, &segment);
  if (!is_update (&self->upstream, segment))
    end_sequence (self);
  self->upstream = *segment;
  return gst_lstm_bytes_segment (self, event);
}

gboolean
gst_lstm_sink_event (GstBaseTransform *trans, GstEvent *event)
{
  GstLstm *self = (GstLstm *) trans;

  gst_lstm_forget_refused_caps (&self->refused, event);
  switch (GST_EVENT_TYPE (event)) {
  case GST_EVENT_SEGMENT:
    event = on_segment (self, event);
    break;
  case GST_EVENT_STREAM_START:
    end_sequence (self);
    accept_buffers (self);
    break;
  case GST_EVENT_SEGMENT_DONE:
    end_sequence (self);
    event = gst_lstm_bytes_segment_done (self, event);
    break;
  case GST_EVENT_EOS:
    gst_lstm_save_at_eos (self); /* before h and c become zero */
    end_sequence (self);
    break;
  case GST_EVENT_FLUSH_STOP:
    if (!gst_lstm_undo_preroll (self)) {
      gst_lstm_lock (self);
      gst_lstm_begin_anew (self);
      gst_lstm_unlock (self);
    }
    accept_buffers (self);
    break;
  case GST_EVENT_GAP:
    on_gap (self, event);
    break;
  default:
    break;
  }
  return gst_lstm_base_class->sink_event (trans, event);
}

gboolean
gst_lstm_src_event (GstBaseTransform *trans, GstEvent *event)
{
  if (GST_EVENT_TYPE (event) == GST_EVENT_SEEK)
    event = gst_lstm_bytes_seek ((GstLstm *) trans, event);
  return gst_lstm_base_class->src_event (trans, event);
}

/* --- Queries --- */

gboolean
gst_lstm_query (GstBaseTransform *trans, GstPadDirection direction, GstQuery *query)
{
  GstLstm *self = (GstLstm *) trans;
  GstFormat format;

  if (direction == GST_PAD_SINK && GST_QUERY_TYPE (query) == GST_QUERY_CAPS) {
    g_autoptr (GstCaps) caps = NULL;
    GstCaps *filter;

    gst_query_parse_caps (query, &filter);
    caps = gst_lstm_get_sink_caps (self, filter);
    gst_query_set_caps_result (query, caps);
    return TRUE;
  }
  if (direction == GST_PAD_SRC && GST_QUERY_TYPE (query) == GST_QUERY_SEEKING) {
    gst_query_parse_seeking (query, &format, NULL, NULL, NULL);
    if (format == GST_FORMAT_TIME && gst_lstm_bytes_seeking (self, query))
      return TRUE; /* a source of bytes says that it cannot */
  }
  if (gst_lstm_base_class->query (trans, direction, query))
    return TRUE;
  if (direction != GST_PAD_SRC || GST_QUERY_TYPE (query) != GST_QUERY_DURATION)
    return FALSE;
  gst_query_parse_duration (query, &format, NULL);
  return format == GST_FORMAT_TIME && gst_lstm_bytes_duration (self, query);
}
