/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/input/output-tensor.h"
#include <string.h>

/* The values of an output: @n_blocks of (n_streams, n_steps, n_values) */
typedef struct {
  gsize n_blocks, n_streams, n_steps;
  gsize n_values; /* of a step */
} Blocks;

/* Copies @in to @out, (steps, streams, values) if @steps_first, or else (streams, steps,
 * values). */
static void
copy_values (const Blocks *blocks, gboolean steps_first, const gfloat *in, gfloat *out)
{
  const gsize n_all_steps = blocks->n_blocks * blocks->n_steps;

  for (gsize b = 0; b < blocks->n_blocks; b++)
    for (gsize s = 0; s < blocks->n_streams; s++)
      for (gsize t = 0; t < blocks->n_steps; t++, in += blocks->n_values) {
        const gsize step = b * blocks->n_steps + t;
        const gsize i = steps_first ? step * blocks->n_streams + s : s * n_all_steps + step;

        memcpy (out + i * blocks->n_values, in, blocks->n_values * sizeof *out);
      }
}

/* Changes the order of @data (transfer full) to that of @axes. Returns: (transfer full) */
static GstBuffer *
rearrange_data (GstBuffer *data, const Blocks *blocks, GstLstmAxes axes)
{
  const gboolean steps_first = axes == GST_LSTM_AXES_STEPS_STREAMS;
  const gsize bytes = gst_buffer_get_size (data);
  GstMapInfo map;
  gfloat *values;

  if (blocks->n_streams == 1 || (steps_first ? blocks->n_steps : blocks->n_blocks) == 1)
    return data;
  if (!gst_buffer_map (data, &map, GST_MAP_READ))
    g_return_val_if_reached (data); /* the element has written this memory */
  values = g_malloc (bytes);
  copy_values (blocks, steps_first, (const gfloat *) (gpointer) map.data, values);
  gst_buffer_unmap (data, &map);
  gst_buffer_unref (data);
  return gst_buffer_new_wrapped (values, bytes);
}

GstTensor *
gst_lstm_output_tensor_new (
    const GstLstmTensors *out, guint i, GstLstmAxes axes, GQuark id, GstBuffer *data)
{
  Blocks blocks = {.n_streams = out->streams,
      .n_steps = out->steps,
      .n_values = (gsize) out->n_rows[i] * out->size[i]};
  gsize dims[GST_LSTM_AXES_MAX_DIMS], n;

  blocks.n_blocks = gst_buffer_get_size (data) / gst_lstm_tensors_get_bytes (out, i);
  data = rearrange_data (data, &blocks, axes);
  n = gst_lstm_axes_make_dims (axes, blocks.n_blocks * blocks.n_steps, blocks.n_streams,
      out->n_rows[i], out->size[i], dims);
  return gst_tensor_new_simple (
      id, GST_TENSOR_DATA_TYPE_FLOAT32, data, GST_TENSOR_DIM_ORDER_ROW_MAJOR, n, dims);
}
