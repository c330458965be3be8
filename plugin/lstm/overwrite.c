/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/overwrite.h"
#include "lstm/run.h"

/* The steps of an overwritten buffer are copied first. The copy of a larger buffer would take more
 * memory than a new buffer. */
#define MAX_BYTES 65536

/* Returns whether @query requests a pool, an allocator, or certain addresses or sizes. */
static gboolean
has_allocation (GstQuery *query)
{
  GstAllocator *allocator = NULL;
  GstAllocationParams params;
  gboolean has_allocator;

  if (gst_query_get_n_allocation_pools (query) > 0)
    return TRUE;
  if (gst_query_get_n_allocation_params (query) == 0)
    return FALSE;
  gst_query_parse_nth_allocation_param (query, 0, &allocator, &params);
  has_allocator = allocator != NULL;
  gst_clear_object (&allocator);
  return has_allocator || params.flags || params.prefix || params.padding
         || params.align > gst_memory_alignment;
}

const GstAllocator *
gst_lstm_find_overwritable (const GstLstm *self, GstQuery *query)
{
  GstAllocator *allocator = NULL;

  if (gst_lstm_sequence_config_is_direct (&self->sequence.config)
      && self->sequence.out.n_tensors == 1 && !self->adds_headers
      && !gst_lstm_has_media_input (self) && !has_allocation (query))
    allocator = gst_allocator_find (GST_ALLOCATOR_SYSMEM);
  if (allocator)
    gst_object_unref (allocator); /* GStreamer has it until the process ends */
  return allocator;
}

gboolean
gst_lstm_can_overwrite_buffer (const GstLstm *self, GstBuffer *buffer)
{
  gpointer position = NULL;
  GstMemory *memory;

  if (!self->overwritable || buffer->pool || gst_buffer_n_memory (buffer) != 1
      || !gst_buffer_is_writable (buffer) || gst_buffer_iterate_meta (buffer, &position))
    return FALSE;
  memory = gst_buffer_peek_memory (buffer, 0);
  return memory->allocator == self->overwritable && memory->size <= MAX_BYTES;
}

gboolean
gst_lstm_output_fits (const GstLstm *self)
{
  const GstMapInfo *map = &self->steps.map;

  return self->steps.is_writable && ((guintptr) map->data & gst_memory_alignment) == 0
         && map->maxsize >= gst_lstm_tensors_get_bytes (&self->sequence.out, 0);
}

GstFlowReturn
gst_lstm_overwrite_buffer (GstLstm *self, GstBuffer *buffer, const GstLstmSpan *span)
{
  const GstLstmSequence *sequence = &self->sequence;
  const gsize bytes = gst_lstm_tensors_get_bytes (&sequence->out, 0);
  const gsize n_values = gst_lstm_tensors_get_bytes (&sequence->in, 0) / sizeof (gfloat);
  gfloat *outputs[GST_LSTM_N_TENSORS] = {NULL};
  GstMemory *memory = self->steps.map.memory;
  g_autoptr (GError) error = NULL;
  GstFlowReturn ret;

  if (!gst_lstm_steps_move (&self->steps, n_values, &error))
    return gst_lstm_fail_sequence (self, error);
  outputs[g_bit_nth_lsf (sequence->config.emit, -1)] = (gfloat *) (gpointer)
                                                           self->steps.map.data;
  ret = gst_lstm_run_steps (self, self->steps.x, sequence->in.steps, span, outputs);
  gst_lstm_steps_close (&self->steps);
  if (memory->size != bytes)
    gst_memory_resize (memory, 0, bytes);
  GST_BUFFER_FLAG_UNSET (
      buffer, GST_BUFFER_FLAG_GAP); /* zeros have an output like other values */
  return ret;
}
