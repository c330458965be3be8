/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What leaves `lstm`: buffers, their times and caps, and the final message. */
#include "common/errors.h"
#include "lstm/gstlstm.h"

#define GST_CAT_DEFAULT gst_lstm_debug

/* Where downstream has a pool the base class takes it. */
gboolean
gst_lstm_decide_allocation (GstBaseTransform *trans, GstQuery *query)
{
  GstLstm *self = (GstLstm *) trans;

  self->has_pool = self->sequence.out.n_tensors == 1
                   && gst_query_get_n_allocation_pools (query) > 0;
  return gst_lstm_base_class->decide_allocation (trans, query);
}

GstFlowReturn
gst_lstm_fail_sequence (GstLstm *self, const GError *error)
{
  gst_lstm_lock (self);
  gst_lstm_sequence_abandon (&self->sequence);
  gst_lstm_unlock (self);
  gst_lstm_post_error (self, error, NULL);
  self->broken = TRUE;
  return GST_FLOW_ERROR;
}

/* @who has no memory for a buffer that is to leave. */
static GstFlowReturn
fail_to_allocate (GstLstm *self, gsize bytes, const gchar *who)
{
  g_autoptr (GError) error = NULL;

  gst_lstm_fail (&error, GST_LSTM_RESOURCE (NO_SPACE_LEFT),
      "buffer: expected %" G_GSIZE_FORMAT " bytes from %s, got none", bytes, who);
  return gst_lstm_fail_sequence (self, error);
}

GstFlowReturn
gst_lstm_allocate_output (GstLstm *self, GstBuffer **outbuf)
{
  GstBaseTransform *trans = GST_BASE_TRANSFORM (self);
  const GstLstmTensors *out = &self->sequence.out;
  g_autoptr (GstBufferPool) pool = self->has_pool ? gst_base_transform_get_buffer_pool (trans)
                                                  : NULL;
  GstFlowReturn ret = GST_FLOW_OK;
  GstAllocationParams params;
  GstAllocator *allocator;

  *outbuf = NULL;
  if (pool && gst_buffer_pool_set_active (pool, TRUE)) {
    const gsize bytes = gst_lstm_tensors_bytes (out, 0);

    ret = gst_buffer_pool_acquire_buffer (pool, outbuf, NULL);
    if (ret != GST_FLOW_OK)
      return ret == GST_FLOW_ERROR ? fail_to_allocate (self, bytes, "downstream's pool") : ret;
    if (gst_buffer_n_memory (*outbuf) == 1 && gst_buffer_get_size (*outbuf) >= bytes) {
      gst_buffer_set_size (*outbuf, (gssize) bytes);
      return ret;
    }
    gst_clear_buffer (outbuf);
  }
  *outbuf = gst_buffer_new ();
  gst_base_transform_get_allocator (trans, &allocator, &params);
  for (guint i = 0; i < out->n_tensors && ret == GST_FLOW_OK; i++) {
    const gsize bytes = gst_lstm_tensors_bytes (out, i);
    GstMemory *memory = gst_allocator_alloc (allocator, bytes, &params);

    if (memory)
      gst_buffer_append_memory (*outbuf, memory);
    else
      ret = fail_to_allocate (self, bytes, "the allocator");
  }
  if (ret != GST_FLOW_OK)
    gst_clear_buffer (outbuf);
  if (allocator)
    gst_object_unref (allocator);
  return ret;
}

void
gst_lstm_set_span (GstBuffer *buffer, const GstLstmSpan *span)
{
  GST_BUFFER_PTS (buffer) = span->pts;
  GST_BUFFER_DURATION (buffer) = span->duration;
  GST_BUFFER_OFFSET (buffer) = span->offset;
  GST_BUFFER_OFFSET_END (buffer) = span->offset_end;
}

void
gst_lstm_mark_output (GstLstm *self, GstBuffer *buffer)
{
  if (self->marks)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  self->marks = FALSE;
}

/* All steps of a buffer count, those outside the segment too. The final vector has to reach the sink
 * all the same: its time moves to the nearest one within the segment. */
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

/* An output ends with its segment. */
static void
clip_span (const GstLstm *self, GstLstmSpan *span)
{
  const GstSegment *segment = &GST_BASE_TRANSFORM (self)->segment;

  if (segment->format != GST_FORMAT_TIME || !GST_CLOCK_TIME_IS_VALID (span->pts))
    return;
  if (self->sequence.mode == GST_LSTM_OUTPUT_FINAL)
    move_into_segment (segment, span);
  if (GST_CLOCK_TIME_IS_VALID (segment->stop) && GST_CLOCK_TIME_IS_VALID (span->duration)
      && span->pts <= segment->stop)
    span->duration = MIN (span->duration, segment->stop - span->pts);
}

/* A sequence that is kept leaves in buffers of as many steps as came, of which the last ones are
 * often fewer: downstream is told. */
gboolean
gst_lstm_set_output_steps (GstLstm *self, guint steps)
{
  GstBaseTransform *trans = GST_BASE_TRANSFORM (self);
  GstPad *pad = GST_BASE_TRANSFORM_SRC_PAD (trans);
  GstLstmTensors out = self->sequence.out;
  g_autoptr (GstCaps) wanted = NULL;
  g_autoptr (GstCaps) caps = NULL;

  out.steps = steps;
  if (!self->describes) {
    gst_lstm_lock (self);
    self->sequence.out = out;
    gst_lstm_unlock (self);
    return TRUE;
  }
  wanted = gst_lstm_tensors_to_caps (&out);
  caps = gst_pad_peer_query_caps (pad, wanted);
  if (gst_caps_is_empty (caps)) {
    GST_ELEMENT_ERROR (self, CORE, NEGOTIATION,
        ("caps field dimensions: expected downstream to take %u steps of a buffer, as they "
         "came, "
         "found that it does not",
            steps),
        (NULL));
    return FALSE;
  }
  caps = gst_caps_fixate (g_steal_pointer (&caps));
  gst_lstm_lock (self);
  self->sequence.out = out;
  gst_lstm_unlock (self);
  return gst_base_transform_update_src_caps (trans, caps);
}

GstFlowReturn
gst_lstm_next_output (GstLstm *self, GstBuffer **outbuf, guint64 *n_steps)
{
  g_autoptr (GError) error = NULL;
  GstFlowReturn ret;
  GstLstmSpan span;
  gboolean ok;
  guint steps;

  *outbuf = NULL;
  if (!gst_lstm_make_whole_state (self, &error))
    return gst_lstm_fail_sequence (self, error);
  gst_lstm_lock (self);
  ok = gst_lstm_sequence_peek (&self->sequence, &span, &steps, &error);
  gst_lstm_unlock (self);
  if (!ok)
    return error ? gst_lstm_fail_sequence (self, error) : GST_FLOW_OK;
  if (steps != self->sequence.out.steps && !gst_lstm_set_output_steps (self, steps))
    return GST_FLOW_NOT_NEGOTIATED;
  if ((ret = gst_lstm_allocate_output (self, outbuf)) != GST_FLOW_OK)
    return ret;
  gst_lstm_lock (self);
  ok = gst_lstm_sequence_take (&self->sequence, *outbuf, &error);
  self->stats.outputs += ok;
  *n_steps = self->n_steps;
  gst_lstm_unlock (self);
  if (!ok) {
    gst_clear_buffer (outbuf);
    return error ? gst_lstm_fail_sequence (self, error) : GST_FLOW_OK;
  }
  clip_span (self, &span);
  gst_lstm_set_span (*outbuf, &span);
  gst_lstm_mark_output (self, *outbuf);
  return GST_FLOW_OK;
}

/* The values of the first tensor of @buffer, as an array */
static void
add_values (GstStructure *s, const gchar *field, GstBuffer *buffer)
{
  GValue array = G_VALUE_INIT, item = G_VALUE_INIT;
  GstMapInfo map;

  g_value_init (&array, GST_TYPE_ARRAY);
  g_value_init (&item, G_TYPE_FLOAT);
  if (gst_memory_map (gst_buffer_peek_memory (buffer, 0), &map, GST_MAP_READ)) {
    for (gsize i = 0; i < map.size / sizeof (gfloat); i++) {
      g_value_set_float (&item, ((const gfloat *) map.data)[i]);
      gst_value_array_append_value (&array, &item);
    }
    gst_memory_unmap (map.memory, &map);
  }
  gst_structure_take_value (s, field, &array);
  g_value_unset (&item);
}

/* For applications that want no more than the end of a segment */
static void
post_final (GstLstm *self, GstBuffer *buffer, guint64 n_steps)
{
  const GstSegment *segment = &GST_BASE_TRANSFORM (self)->segment;
  const GstClockTime pts = GST_BUFFER_PTS (buffer);
  const gboolean timed = segment->format == GST_FORMAT_TIME;
  GstStructure *s = gst_structure_new ("lstm-final", "timestamp", G_TYPE_UINT64, pts,
      "stream-time", G_TYPE_UINT64,
      timed ? gst_segment_to_stream_time (segment, GST_FORMAT_TIME, pts) : GST_CLOCK_TIME_NONE,
      "running-time", G_TYPE_UINT64,
      timed ? gst_segment_to_running_time (segment, GST_FORMAT_TIME, pts) : GST_CLOCK_TIME_NONE,
      "duration", G_TYPE_UINT64, GST_BUFFER_DURATION (buffer), "steps", G_TYPE_UINT64, n_steps,
      NULL);

  add_values (s, self->sequence.out.name[0], buffer);
  gst_element_post_message (GST_ELEMENT (self), gst_message_new_element (GST_OBJECT (self), s));
}

void
gst_lstm_push_waiting (GstLstm *self)
{
  GstFlowReturn ret = GST_FLOW_OK;
  GstBuffer *buffer;
  guint64 n_steps;

  while (!self->broken && ret == GST_FLOW_OK
         && (ret = gst_lstm_next_output (self, &buffer, &n_steps)) == GST_FLOW_OK && buffer) {
    if (self->sequence.mode == GST_LSTM_OUTPUT_FINAL)
      post_final (self, buffer, n_steps);
    if (gst_lstm_attaches (self)) { /* there is no buffer of media that it could go with */
      gst_buffer_unref (buffer);
      continue;
    }
    ret = gst_pad_push (GST_BASE_TRANSFORM_SRC_PAD (self), buffer);
    GST_DEBUG_OBJECT (self, "pushed what waited: %s", gst_flow_get_name (ret));
  }
  if (ret == GST_FLOW_OK)
    return;
  self->pending_flow = ret;
  gst_lstm_lock (self);
  gst_lstm_sequence_drop (&self->sequence);
  gst_lstm_unlock (self);
}

void
gst_lstm_drain (GstLstm *self)
{
  g_autoptr (GError) error = NULL;

  if (!gst_lstm_is_configured (self))
    return;
  if (gst_lstm_make_whole_state (self, &error)) {
    gst_lstm_lock (self);
    gst_lstm_sequence_finish (&self->sequence, &error);
    gst_lstm_unlock (self);
  }
  if (error)
    gst_lstm_fail_sequence (self, error);
  gst_lstm_push_waiting (self);
}
