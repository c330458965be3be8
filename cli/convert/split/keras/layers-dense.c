/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keras/json.h"
#include "split/keras/layers.h"

gboolean
frame_emit_identity (FrameGraph *graph, const FrameCall *call, FrameValue *output)
{
  *output = call->inputs[0];
  return TRUE;
}

/* Multiplies the last axis by the kernel. */
gboolean
frame_emit_dense (FrameGraph *graph, const FrameCall *call, FrameValue *output)
{
  FrameValue value = frame_order_axes (graph, call, &call->inputs[0]);
  const H5Array *bias = &call->weights[1];
  const char *inputs[] = {value.name, NULL, NULL, NULL};
  gint64 shape[2] = {value.shape[value.n_dims - 1]};

  if (!frame_read_sizes (graph, call, "units", 1, NULL, &shape[1])
      || !frame_check_weight (graph, call, "kernel", 0, 2, shape)
      || (bias->values && !frame_check_weight (graph, call, "bias", 1, 1, &shape[1])))
    return FALSE;
  inputs[1] = frame_add_floats (graph, call, "kernel", 2, shape, call->weights[0].values);
  if (bias->values)
    inputs[2] = frame_add_floats (graph, call, "bias", 1, &shape[1], bias->values);
  *output = value;
  output->shape[value.n_dims - 1] = shape[1];
  if (value.n_dims == 1) {
    output->name = frame_add_node (graph, call, "Gemm", inputs, NULL);
  } else {
    output->name = frame_add_node (
        graph, call, "MatMul", (const char *[]){inputs[0], inputs[1], NULL}, NULL);
    if (bias->values)
      output->name = frame_add_node (
          graph, call, "Add", (const char *[]){output->name, inputs[2], NULL}, NULL);
  }
  return frame_check_size (graph, call, output)
         && frame_add_config_activation (graph, call, output);
}
