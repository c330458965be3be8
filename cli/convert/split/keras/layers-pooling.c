/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keras/json.h"
#include "split/keras/layers.h"

static gboolean
has_pads (const FramePicture *picture, const FrameWindow *window)
{
  for (guint i = 0; i < 2 * picture->n_sizes; i++)
    if (window->pads[i])
      return TRUE;
  return FALSE;
}

/* Crops @picture to the values that the windows reach, if another axis has padding. For a size that
 * exceeds them, SAME_UPPER of ONNX Runtime 1.23 has negative padding before the picture.
 * Returns: (transfer none): the name of the result */
static const char *
add_crop (FrameGraph *graph, const FrameCall *call, const FramePicture *picture,
    const FrameWindow *window)
{
  static const gint64 starts[FRAME_MAX_SPATIAL] = {0}, axes[FRAME_MAX_SPATIAL] = {2, 3};
  const char *inputs[] = {picture->value.name, NULL, NULL, NULL, NULL};
  gint64 ends[FRAME_MAX_SPATIAL], n = picture->n_sizes;
  gboolean is_cropped = FALSE;

  for (guint i = 0; i < picture->n_sizes; i++) {
    gint64 extent = (window->sizes[i] - 1) * window->strides[i] + window->kernel[i];

    ends[i] = MIN (extent, picture->sizes[i]);
    is_cropped = is_cropped || ends[i] < picture->sizes[i];
  }
  if (!is_cropped || !has_pads (picture, window))
    return picture->value.name;
  inputs[1] = frame_add_ints (graph, call, "starts", 1, &n, starts);
  inputs[2] = frame_add_ints (graph, call, "ends", 1, &n, ends);
  inputs[3] = frame_add_ints (graph, call, "axes", 1, &n, axes);
  return frame_add_node (graph, call, "Slice", inputs, NULL);
}

/* Keras and ONNX both leave the padding out of a maximum and of an average. If MaxPool has the
 * attribute pads, ONNX Runtime 1.23 merges the Pad of a preceding ZeroPadding2D into MaxPool, which
 * then leaves the zeros out. */
static gboolean
emit_pooling (FrameGraph *graph, const FrameCall *call, const char *op_type, guint n_sizes,
    FrameValue *output)
{
  static const gint64 default_size[FRAME_MAX_SPATIAL] = {2, 2};
  FrameWindow window = {.dilations = {1, 1}};
  FramePicture picture;
  Onnx__NodeProto *node;
  const char *name;

  if (!frame_get_picture (graph, call, n_sizes, &picture)
      || !frame_read_sizes (graph, call, "pool_size", n_sizes, default_size, window.kernel)
      || !frame_read_sizes (graph, call, "strides", n_sizes, window.kernel, window.strides)
      || !frame_read_padding (graph, call, FALSE, &window)
      || !frame_plan_window (graph, call, &picture, &window))
    return FALSE;
  name = add_crop (graph, call, &picture, &window);
  name = frame_add_node (graph, call, op_type, (const char *[]){name, NULL}, &node);
  onnx_builder_set_ints (graph->builder, node, "kernel_shape", window.kernel, n_sizes);
  onnx_builder_set_ints (graph->builder, node, "strides", window.strides, n_sizes);
  onnx_builder_set_text (
      graph->builder, node, "auto_pad", has_pads (&picture, &window) ? "SAME_UPPER" : "VALID");
  frame_set_picture (&picture, name, picture.n_channels, window.sizes, output);
  return TRUE;
}

static gboolean
emit_global_pooling (FrameGraph *graph, const FrameCall *call, const char *op_type,
    guint n_sizes, FrameValue *output)
{
  static const gint64 ones[FRAME_MAX_SPATIAL] = {1, 1};
  gboolean has_kept_dims;
  FramePicture picture;
  FrameValue pooled;
  const char *name;

  if (!frame_get_picture (graph, call, n_sizes, &picture)
      || !keras_read_bool (
          graph->reader, call->layer, call->layer->config, "keepdims", FALSE, &has_kept_dims))
    return FALSE;
  name = frame_add_node (
      graph, call, op_type, (const char *[]){picture.value.name, NULL}, NULL);
  if (has_kept_dims) {
    frame_set_picture (&picture, name, picture.n_channels, ones, output);
    return TRUE;
  }
  /* With spatial axes of size 1, both orders of the axes have the same values. */
  picture.is_first = TRUE;
  frame_set_picture (&picture, name, picture.n_channels, ones, &pooled);
  frame_add_reshape (graph, call, &pooled, 1, &picture.n_channels, output);
  return TRUE;
}

#define EMIT_POOLING(name, emit, op_type, n_sizes)                                             \
  gboolean frame_emit_##name (FrameGraph *graph, const FrameCall *call, FrameValue *output)    \
  {                                                                                            \
    return emit (graph, call, op_type, n_sizes, output);                                       \
  }

EMIT_POOLING (max_pooling_1d, emit_pooling, "MaxPool", 1)
EMIT_POOLING (max_pooling_2d, emit_pooling, "MaxPool", 2)
EMIT_POOLING (average_pooling_1d, emit_pooling, "AveragePool", 1)
EMIT_POOLING (average_pooling_2d, emit_pooling, "AveragePool", 2)
EMIT_POOLING (global_max_pooling_1d, emit_global_pooling, "GlobalMaxPool", 1)
EMIT_POOLING (global_max_pooling_2d, emit_global_pooling, "GlobalMaxPool", 2)
EMIT_POOLING (global_average_pooling_1d, emit_global_pooling, "GlobalAveragePool", 1)
EMIT_POOLING (global_average_pooling_2d, emit_global_pooling, "GlobalAveragePool", 2)
