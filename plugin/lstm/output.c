/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/output.h"
#include "common/errors.h"
#include "common/flexible.h"
#include "lstm/caps.h"
#include "lstm/final.h"
#include "lstm/object-steps.h"
#include "lstm/run.h"
#include "lstm/times.h"
#include <string.h>

#define GST_CAT_DEFAULT gst_lstm_debug

/* Posts an error, because @source did not allocate @bytes for an output buffer. Returns
 * GST_FLOW_ERROR. */
static GstFlowReturn
fail_to_allocate (GstLstm *self, gsize bytes, const gchar *source)
{
  g_autoptr (GError) error = NULL;

  gst_lstm_fail (&error, GST_LSTM_RESOURCE (NO_SPACE_LEFT),
      "buffer: expected %" G_GSIZE_FORMAT " bytes from %s, found none", bytes, source);
  return gst_lstm_fail_sequence (self, error);
}

/* Acquires a buffer of downstream's @pool. *@outbuf becomes NULL if its memory does not suit. */
static GstFlowReturn
acquire_from_pool (GstLstm *self, GstBufferPool *pool, GstBuffer **outbuf)
{
  const gsize bytes = gst_lstm_tensors_get_bytes (&self->sequence.out, 0);
  const GstFlowReturn ret = gst_buffer_pool_acquire_buffer (pool, outbuf, NULL);

  if (ret != GST_FLOW_OK)
    return ret == GST_FLOW_ERROR ? fail_to_allocate (self, bytes, "downstream's pool") : ret;
  if (gst_buffer_n_memory (*outbuf) == 1 && gst_buffer_get_size (*outbuf) >= bytes)
    gst_buffer_set_size (*outbuf, (gssize) bytes);
  else
    gst_clear_buffer (outbuf);
  return ret;
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
    ret = acquire_from_pool (self, pool, outbuf);
    if (ret != GST_FLOW_OK || *outbuf)
      return ret;
  }
  *outbuf = gst_buffer_new ();
  gst_base_transform_get_allocator (trans, &allocator, &params);
  for (guint i = 0; i < out->n_tensors && ret == GST_FLOW_OK; i++) {
    const gsize header_bytes = self->adds_headers ? GST_LSTM_HEADER_BYTES : 0;
    const gsize bytes = gst_lstm_tensors_get_bytes (out, i);
    GstMemory *memory = gst_allocator_alloc (allocator, header_bytes + bytes, &params);

    if (memory) {
      gst_memory_resize (memory, (gssize) header_bytes, bytes);
      gst_buffer_append_memory (*outbuf, memory);
    } else {
      ret = fail_to_allocate (self, bytes, "the allocator");
    }
  }
  if (ret != GST_FLOW_OK)
    gst_clear_buffer (outbuf);
  if (allocator)
    gst_object_unref (allocator);
  return ret;
}

/* The memory for the streams is that of the input, whose steps have run and have at least as many
 * values. */
GstFlowReturn
gst_lstm_interleave_output (GstLstm *self, GstBuffer *buffer)
{
  const gsize n_streams = self->sequence.out.streams, n_steps = self->sequence.out.steps;
  g_autoptr (GError) error = NULL;
  gfloat *streams = self->steps.rearranged, *frames;
  GstMapInfo map;

  if (!gst_buffer_map (buffer, &map, GST_MAP_READWRITE)) {
    gst_lstm_fail_to_map (&error, GST_LSTM_RESOURCE (FAILED), "for reading and writing",
        gst_buffer_get_size (buffer));
    return gst_lstm_fail_sequence (self, error);
  }
  frames = (gfloat *) (gpointer) map.data;
  memcpy (streams, frames, n_streams * n_steps * sizeof (gfloat));
  for (gsize s = 0; s < n_streams; s++)
    for (gsize t = 0; t < n_steps; t++)
      frames[t * n_streams + s] = streams[s * n_steps + t];
  gst_buffer_unmap (buffer, &map);
  return GST_FLOW_OK;
}

GstFlowReturn
gst_lstm_add_headers (GstLstm *self, GstBuffer *buffer)
{
  const GstLstmTensors *out = &self->sequence.out;
  g_autoptr (GError) error = NULL;
  GstMapInfo map;

  for (guint i = 0; self->adds_headers && i < out->n_tensors; i++) {
    GstMemory *memory = gst_buffer_peek_memory (buffer, i);
    const gsize bytes = gst_memory_get_sizes (memory, NULL, NULL);

    gst_memory_resize (memory, -GST_LSTM_HEADER_BYTES, bytes + GST_LSTM_HEADER_BYTES);
    if (!gst_memory_map (memory, &map, GST_MAP_WRITE)) {
      gst_lstm_fail_to_map (&error, GST_LSTM_RESOURCE (FAILED), "for writing", bytes);
      return gst_lstm_fail_sequence (self, error);
    }
    gst_lstm_flexible_write (out, i, map.data);
    gst_memory_unmap (memory, &map);
  }
  return GST_FLOW_OK;
}

void
gst_lstm_mark_output (GstLstm *self, GstBuffer *buffer)
{
  if (self->output_discont)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  self->output_discont = FALSE;
}

/* Returns the source caps for output @out and attached tensors of @shape: media like the current
 * source caps @current, or static tensors. Returns: (transfer full) */
static GstCaps *
make_src_caps (
    GstLstm *self, const GstLstmTensors *out, GstLstmTensorShape shape, const GstCaps *current)
{
  g_autoptr (GstCaps) sink = gst_pad_get_current_caps (GST_BASE_TRANSFORM_SINK_PAD (self));
  GstCaps *caps = gst_caps_make_writable (gst_lstm_make_src_caps (self, sink, out, shape));
  const gboolean are_tensors = gst_lstm_tensors_matches (gst_caps_get_structure (current, 0));

  for (guint i = gst_caps_get_size (caps); i-- > 0;) {
    const GstStructure *s = gst_caps_get_structure (caps, i);

    if (gst_lstm_tensors_matches (s) != are_tensors || gst_lstm_flexible_matches (s))
      gst_caps_remove_structure (caps, i);
  }
  return caps;
}

/* Returns those of the source caps @possible that downstream accepts. An answer to a caps query may
 * have fixed caps of groups of tensors that downstream refuses, because intersections add the
 * groups that only one side names. Returns: (transfer full) */
static GstCaps *
find_accepted_caps (GstLstm *self, GstCaps *possible)
{
  GstPad *pad = GST_BASE_TRANSFORM_SRC_PAD (self);

  if (!gst_caps_is_fixed (possible))
    return gst_pad_peer_query_caps (pad, possible);
  return gst_pad_peer_query_accept_caps (pad, possible) ? gst_caps_ref (possible)
                                                        : gst_caps_new_empty ();
}

/* Returns fixed caps for output @out that are in @possible and that downstream accepts, or NULL and
 * posts an error if there are none. @field: the caps field that has the steps.
 * Returns: (transfer full) (nullable) */
static GstCaps *
negotiate_caps (GstLstm *self, GstCaps *possible, const GstLstmTensors *out, const gchar *field,
    guint n_steps)
{
  g_autoptr (GstCaps)
      accepted = gst_lstm_remove_misfits (find_accepted_caps (self, possible), out);

  if (!gst_caps_is_empty (accepted))
    return gst_caps_fixate (g_steal_pointer (&accepted));
  GST_ELEMENT_ERROR (self, CORE, NEGOTIATION,
      ("caps field %s: expected downstream to accept buffers of %u steps, like the input, "
       "found "
       "that downstream does not",
          field, n_steps),
      ("%" GST_PTR_FORMAT, possible));
  return NULL;
}

static gboolean
update_src_caps (GstLstm *self, GstCaps *caps)
{
  GST_INFO_OBJECT (self, "output caps: %" GST_PTR_FORMAT, caps);
  return gst_base_transform_update_src_caps (GST_BASE_TRANSFORM (self), caps);
}

gboolean
gst_lstm_set_output_steps (GstLstm *self, guint n_steps)
{
  g_autoptr (GstCaps) current = gst_pad_get_current_caps (GST_BASE_TRANSFORM_SRC_PAD (self));
  GstLstmTensors out = self->sequence.out;
  g_autoptr (GstCaps) caps = NULL;

  out.steps = n_steps;
  if (self->src_caps_have_steps) {
    g_autoptr (GstCaps) possible = make_src_caps (self, &out, (GstLstmTensorShape){0}, current);

    if (!(caps = negotiate_caps (self, possible, &out, "dimensions", n_steps)))
      return FALSE;
  }
  gst_lstm_lock (self);
  self->sequence.out = out;
  gst_lstm_unlock (self);
  return !caps || update_src_caps (self, caps);
}

gboolean
gst_lstm_set_attached_shape (GstLstm *self, GstLstmTensorShape shape)
{
  g_autoptr (GstCaps) current = NULL;
  g_autoptr (GstCaps) possible = NULL;
  g_autoptr (GstCaps) caps = NULL;

  if (shape.steps == self->attached_shape.steps
      && shape.streams == self->attached_shape.streams)
    return TRUE;
  current = gst_pad_get_current_caps (GST_BASE_TRANSFORM_SRC_PAD (self));
  possible = make_src_caps (self, &self->sequence.out, shape, current);
  if (!gst_caps_is_equal (possible, current)
      && !(caps = negotiate_caps (self, possible, &self->sequence.out, "tensors", shape.steps)))
    return FALSE;
  gst_lstm_lock (self);
  self->attached_shape = shape;
  gst_lstm_unlock (self);
  return !caps || update_src_caps (self, caps);
}

GstFlowReturn
gst_lstm_pop_output (GstLstm *self, GstBuffer **outbuf, guint64 *n_steps)
{
  g_autoptr (GError) error = NULL;
  guint n_output_steps;
  GstFlowReturn ret;
  GstLstmSpan span;
  gboolean ok;

  *outbuf = NULL;
  if (!gst_lstm_allocate_complete_state (self, &error))
    return gst_lstm_fail_sequence (self, error);
  gst_lstm_lock (self);
  ok = gst_lstm_sequence_peek_output (&self->sequence, &span, &n_output_steps, &error);
  gst_lstm_unlock (self);
  if (!ok)
    return error ? gst_lstm_fail_sequence (self, error) : GST_FLOW_OK;
  if (n_output_steps != self->sequence.out.steps
      && !gst_lstm_set_output_steps (self, n_output_steps))
    return GST_FLOW_NOT_NEGOTIATED;
  if ((ret = gst_lstm_allocate_output (self, outbuf)) != GST_FLOW_OK)
    return ret;
  gst_lstm_lock (self);
  ok = gst_lstm_sequence_pop_output (&self->sequence, *outbuf, &error);
  self->stats.outputs += ok;
  *n_steps = self->n_steps;
  gst_lstm_unlock (self);
  if (!ok) {
    gst_clear_buffer (outbuf);
    return error ? gst_lstm_fail_sequence (self, error) : GST_FLOW_OK;
  }
  gst_lstm_clip_span (self, &span);
  gst_lstm_set_buffer_span (*outbuf, &span);
  gst_lstm_mark_output (self, *outbuf);
  GST_LOG_OBJECT (self, "queued output: %" GST_PTR_FORMAT, *outbuf);
  return GST_FLOW_OK;
}

GstFlowReturn
gst_lstm_collect_outputs (GstLstm *self, GstBuffer **outbuf)
{
  GstFlowReturn ret;
  GstBuffer *next;
  guint64 n_steps;

  while ((ret = gst_lstm_pop_output (self, &next, &n_steps)) == GST_FLOW_OK && next)
    *outbuf = *outbuf ? gst_buffer_append (*outbuf, next) : next;
  return ret;
}

static void
post_final (GstLstm *self, GstBuffer *buffer, guint64 n_steps)
{
  GstLstmFinal final = {.span = {GST_BUFFER_PTS (buffer), GST_BUFFER_DURATION (buffer),
                            GST_BUFFER_OFFSET (buffer), GST_BUFFER_OFFSET_END (buffer)},
      .n_steps = n_steps};
  GstMapInfo map = GST_MAP_INFO_INIT;

  if (gst_memory_map (gst_buffer_peek_memory (buffer, 0), &map, GST_MAP_READ)) {
    final.values = (const gfloat *) (gpointer) map.data;
    final.n_values = map.size / sizeof (gfloat);
  }
  gst_element_post_message (GST_ELEMENT (self), gst_lstm_final_make_message (self, &final));
  if (map.memory)
    gst_memory_unmap (map.memory, &map);
}

void
gst_lstm_push_outputs (GstLstm *self)
{
  GstFlowReturn ret = GST_FLOW_OK;
  GstBuffer *buffer;
  guint64 n_steps;

  while (!self->failed && ret == GST_FLOW_OK
         && (ret = gst_lstm_pop_output (self, &buffer, &n_steps)) == GST_FLOW_OK && buffer) {
    if (self->sequence.config.mode == GST_LSTM_OUTPUT_FINAL)
      post_final (self, buffer, n_steps);
    if (gst_lstm_is_in_place (self)) { /* an event has no buffer of media to attach it to */
      gst_buffer_unref (buffer);
      continue;
    }
    if ((ret = gst_lstm_add_headers (self, buffer)) != GST_FLOW_OK) {
      gst_buffer_unref (buffer);
      break;
    }
    ret = gst_pad_push (GST_BASE_TRANSFORM_SRC_PAD (self), buffer);
    GST_LOG_OBJECT (self, "pushed a queued output: %s", gst_flow_get_name (ret));
  }
  if (ret == GST_FLOW_OK)
    return;
  self->pending_flow = ret;
  gst_lstm_lock (self);
  gst_lstm_output_queue_remove_items (&self->sequence.queue);
  gst_lstm_unlock (self);
}

void
gst_lstm_drain_sequence (GstLstm *self)
{
  g_autoptr (GError) error = NULL;

  if (!gst_lstm_is_configured (self))
    return;
  if (self->object_memory) {
    gst_lstm_objects_drain (self);
    return;
  }
  if (gst_lstm_allocate_complete_state (self, &error)) {
    gst_lstm_lock (self);
    gst_lstm_sequence_finish (&self->sequence, &error);
    gst_lstm_unlock (self);
  }
  if (error)
    gst_lstm_fail_sequence (self, error);
  gst_lstm_push_outputs (self);
}
