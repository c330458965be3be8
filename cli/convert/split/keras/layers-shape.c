/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "container/json.h"
#include "keras/json.h"
#include "split/keras/layers.h"

/* Adds a Reshape of @value. With one channel, or with one value for each channel, both orders of
 * the axes have the same order of values. */
static void
add_reshape (FrameGraph *graph, const FrameCall *call, FrameValue value, guint n_dims,
    const gint64 *shape, FrameValue *output)
{
  gint64 last = value.shape[value.n_dims - 1];

  if (last == 1 || last == frame_get_size (value.n_dims, value.shape))
    value.is_moved = FALSE;
  frame_add_reshape (graph, call, &value, n_dims, shape, output);
}

/* Adds the Transpose of a value in the order of Keras. @axes [n_dims]: of the value, from 0 */
static FrameValue
add_transpose (
    FrameGraph *graph, const FrameCall *call, const FrameValue *value, const gint64 *axes)
{
  gint64 onnx_axes[FRAME_MAX_DIMS + 1] = {0};
  FrameValue output = *value;
  Onnx__NodeProto *node;

  for (guint i = 0; i < value->n_dims; i++) {
    output.shape[i] = value->shape[axes[i]];
    onnx_axes[i + 1] = axes[i] + 1;
  }
  output.name = frame_add_node (
      graph, call, "Transpose", (const char *[]){value->name, NULL}, &node);
  onnx_builder_set_ints (graph->builder, node, "perm", onnx_axes, value->n_dims + 1);
  return output;
}

/* With channels_first, Keras moves the channels to the end first. */
gboolean
frame_emit_flatten (FrameGraph *graph, const FrameCall *call, FrameValue *output)
{
  static const char *const formats[] = {"channels_last", "channels_first", NULL};
  FrameValue value = call->inputs[0];
  gint64 size = frame_get_size (value.n_dims, value.shape), axes[FRAME_MAX_DIMS] = {0};
  guint format;

  if (!frame_read_choice (graph, call, "data_format", formats, &format)
      || !frame_check_size (graph, call, &value))
    return FALSE;
  for (guint i = 0; i < value.n_dims; i++)
    axes[i] = (i + 1) % value.n_dims;
  if (format == 1 && value.n_dims > 1) {
    value = frame_order_axes (graph, call, &value);
    value = add_transpose (graph, call, &value, axes);
  }
  add_reshape (graph, call, value, 1, &size, output);
  return TRUE;
}

static gboolean
fail_member (FrameGraph *graph, const FrameCall *call, const char *key, const char *expected)
{
  g_autofree char *found = keras_describe_member (call->layer->config, key);
  g_autofree char *shape = frame_describe_shape (&call->inputs[0]);

  return keras_fail (graph->reader, call->layer, CONVERT_ERROR_FILE,
      "%s: expected %s for an input of shape %s, found %s", key, expected, shape, found);
}

/* Reads the sizes in @sizes, where one may be -1, for @n_values values. Sets @n to their number. */
static gboolean
read_target_shape (JsonArray *sizes, gint64 n_values, gint64 *shape, guint *n)
{
  gint unknown = -1;
  gint64 known = 1;

  *n = sizes ? json_array_get_length (sizes) : 0;
  if (*n < 1 || *n > FRAME_MAX_DIMS)
    return FALSE;
  for (guint i = 0; i < *n; i++) {
    JsonNode *node = json_array_get_element (sizes, i);

    shape[i] = lstm_json_is_integer (node) ? json_node_get_int (node) : 0;
    if (shape[i] == -1 && unknown < 0)
      unknown = (gint) i;
    else if (shape[i] < 1 || shape[i] > n_values / known)
      return FALSE;
    else
      known *= shape[i];
  }
  if (unknown >= 0)
    shape[unknown] = n_values / known;
  return frame_get_size (*n, shape) == n_values;
}

gboolean
frame_emit_reshape (FrameGraph *graph, const FrameCall *call, FrameValue *output)
{
  const FrameValue *input = &call->inputs[0];
  gint64 n_values = frame_get_size (input->n_dims, input->shape), shape[FRAME_MAX_DIMS];
  guint n;

  if (n_values < 0
      || !read_target_shape (
          keras_get_array (call->layer->config, "target_shape"), n_values, shape, &n))
    return fail_member (graph, call, "target_shape", "the sizes of a shape");
  add_reshape (graph, call, *input, n, shape, output);
  return TRUE;
}

gboolean
frame_emit_permute (FrameGraph *graph, const FrameCall *call, FrameValue *output)
{
  FrameValue value = frame_order_axes (graph, call, &call->inputs[0]);
  JsonArray *dims = keras_get_array (call->layer->config, "dims");
  gint64 axes[FRAME_MAX_DIMS];
  guint found = 0;

  for (guint i = 0; dims && i < value.n_dims && i < json_array_get_length (dims); i++) {
    JsonNode *node = json_array_get_element (dims, i);

    axes[i] = lstm_json_is_integer (node) ? json_node_get_int (node) - 1 : -1;
    if (axes[i] >= 0 && axes[i] < value.n_dims)
      found |= 1u << axes[i];
  }
  if (!dims || json_array_get_length (dims) != value.n_dims
      || found != (1u << value.n_dims) - 1)
    return fail_member (graph, call, "dims", "each dimension once, from 1");
  *output = add_transpose (graph, call, &value, axes);
  return TRUE;
}
