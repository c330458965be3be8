/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/keras/layers.h"

gboolean
frame_check_size (FrameGraph *graph, const FrameCall *call, const FrameValue *output)
{
  g_autofree char *shape = NULL;

  if (frame_get_size (output->n_dims, output->shape) >= 0)
    return TRUE;
  shape = frame_describe_shape (output);
  return keras_fail (graph->reader, call->layer, CONVERT_ERROR_UNSUPPORTED,
      "output: expected at most 2147483647 values in each frame, found shape %s", shape);
}

gboolean
frame_get_picture (
    FrameGraph *graph, const FrameCall *call, guint n_sizes, FramePicture *picture)
{
  static const char *const formats[] = {"channels_last", "channels_first", NULL};
  const FrameValue *input = &call->inputs[0];
  g_autofree char *found = NULL;
  guint format;

  if (!frame_read_choice (graph, call, "data_format", formats, &format))
    return FALSE;
  if (input->n_dims != n_sizes + 1) {
    found = frame_describe_shape (input);
    return keras_fail (graph->reader, call->layer, CONVERT_ERROR_UNSUPPORTED,
        "input: expected %u dimensions in each frame, found shape %s", n_sizes + 1, found);
  }
  picture->is_first = format == 1;
  picture->value = picture->is_first ? frame_order_axes (graph, call, input)
                                     : frame_move_axes (graph, call, input);
  picture->n_sizes = n_sizes;
  picture->n_channels = input->shape[picture->is_first ? 0 : n_sizes];
  for (guint i = 0; i < n_sizes; i++)
    picture->sizes[i] = input->shape[picture->is_first ? i + 1 : i];
  return TRUE;
}

void
frame_set_picture (const FramePicture *picture, const char *name, gint64 n_channels,
    const gint64 *sizes, FrameValue *output)
{
  output->name = name;
  output->n_dims = picture->n_sizes + 1;
  output->is_moved = !picture->is_first;
  output->shape[picture->is_first ? 0 : picture->n_sizes] = n_channels;
  for (guint i = 0; i < picture->n_sizes; i++)
    output->shape[picture->is_first ? i + 1 : i] = sizes[i];
}

gboolean
frame_read_padding (
    FrameGraph *graph, const FrameCall *call, gboolean is_causal_possible, FrameWindow *window)
{
  static const char *const names[] = {"valid", "same", "causal", NULL};
  static const char *const names_without[] = {"valid", "same", NULL};
  guint index;

  if (!frame_read_choice (
          graph, call, "padding", is_causal_possible ? names : names_without, &index))
    return FALSE;
  window->padding = (FramePadding) index;
  return TRUE;
}

gboolean
frame_plan_window (
    FrameGraph *graph, const FrameCall *call, const FramePicture *picture, FrameWindow *window)
{
  for (guint i = 0; i < picture->n_sizes; i++) {
    gint64 size = picture->sizes[i], stride = window->strides[i], total = 0;
    gint64 extent = (window->kernel[i] - 1) * window->dilations[i] + 1, before;

    if (window->padding == FRAME_PADDING_SAME)
      total = MAX (((size - 1) / stride) * stride + extent - size, 0);
    else if (window->padding == FRAME_PADDING_CAUSAL)
      total = extent - 1;
    /* An odd number of values of "same" has one value more after the picture. */
    before = window->padding == FRAME_PADDING_CAUSAL ? total : total / 2;
    if (size + total < extent)
      return keras_fail (graph->reader, call->layer, CONVERT_ERROR_FILE,
          "input: expected a size of at least %" G_GINT64_FORMAT
          ", the extent of the window, found %" G_GINT64_FORMAT " along axis %u",
          extent, size, i);
    window->pads[i] = before;
    window->pads[picture->n_sizes + i] = total - before;
    window->sizes[i] = (size + total - extent) / stride + 1;
  }
  return TRUE;
}
