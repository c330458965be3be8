/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Operations that select channels. preprocess_input of VGG and ResNet in keras.applications orders
 * the channels as blue, green, red: x[..., ::-1] in Keras 2, a stack of x[..., 2], x[..., 1] and
 * x[..., 0] in Keras 3. */
#include "container/json.h"
#include "keras/json.h"
#include "split/keras/operations.h"

/* Returns the index in brackets: of Keras 3 the second argument, of TensorFlow the keyword
 * slice_spec.
 * Returns: (transfer none) (nullable) */
static JsonArray *
find_index (JsonNode *node)
{
  JsonArray *args = keras_get_array (lstm_json_get_object (node), "args");
  JsonArray *array = lstm_json_get_array (node);
  JsonNode *last;

  if (args)
    return json_array_get_length (args) == 2
               ? lstm_json_get_array (json_array_get_element (args, 1))
               : NULL;
  while (array && json_array_get_length (array) == 1)
    array = lstm_json_get_array (json_array_get_element (array, 0));
  last = array && json_array_get_length (array) == 4 ? json_array_get_element (array, 3) : NULL;
  return keras_get_array (lstm_json_get_object (last), "slice_spec");
}

/* Returns whether @node is ::-1. */
static gboolean
is_reversal (JsonNode *node)
{
  JsonObject *slice = lstm_json_get_object (node);
  JsonNode *step = keras_get_member (slice, "step");

  return lstm_json_is_integer (step) && json_node_get_int (step) == -1
         && !keras_get_member (slice, "start") && !keras_get_member (slice, "stop");
}

/* Adds a Slice of the channels of @value, which are the axis 1 in ONNX. */
static const char *
add_slice (FrameGraph *graph, const FrameCall *call, const FrameValue *value, gint64 start,
    gint64 end, gint64 step)
{
  const gint64 one = 1, axis = 1;
  const char *inputs[] = {value->name, frame_add_ints (graph, call, "start", 1, &one, &start),
      frame_add_ints (graph, call, "end", 1, &one, &end),
      frame_add_ints (graph, call, "axis", 1, &one, &axis),
      frame_add_ints (graph, call, "step", 1, &one, &step), NULL};

  return frame_add_node (graph, call, "Slice", inputs, NULL);
}

/* Replaces @value (channels, …) by the values of one channel. */
static void
drop_channels (FrameGraph *graph, const FrameCall *call, FrameValue value, const char *name,
    FrameValue *output)
{
  gint64 shape[FRAME_MAX_DIMS];

  for (guint i = 0; i + 1 < value.n_dims; i++)
    shape[i] = value.shape[i];
  /* With one channel, both orders of the axes have the same order of values. */
  value.name = name;
  value.is_moved = FALSE;
  frame_add_reshape (graph, call, &value, value.n_dims - 1, shape, output);
}

gboolean
keras_emit_get_item (FrameGraph *graph, const FrameCall *call, FrameValue *output)
{
  FrameValue value = frame_move_axes (graph, call, &call->inputs[0]);
  gint64 n = value.shape[value.n_dims - 1], channel;
  JsonArray *index = find_index (call->node);
  JsonNode *first = NULL, *last = NULL;
  g_autofree char *found = lstm_json_describe (call->node);

  if (index && json_array_get_length (index) == 2) {
    first = json_array_get_element (index, 0);
    last = json_array_get_element (index, 1);
  }
  if (g_strcmp0 (keras_get_string (lstm_json_get_object (first), "class_name"), "__ellipsis__")
      == 0) {
    *output = value;
    if (is_reversal (last)) {
      output->name = add_slice (graph, call, &value, -1, G_MININT32, -1);
      return TRUE;
    }
    channel = lstm_json_is_integer (last) ? json_node_get_int (last) : G_MAXINT64;
    if (channel < 0)
      channel += n;
    if (value.n_dims > 1 && channel >= 0 && channel < n) {
      drop_channels (
          graph, call, value, add_slice (graph, call, &value, channel, channel + 1, 1), output);
      return TRUE;
    }
  }
  return keras_fail (graph->reader, call->layer, CONVERT_ERROR_UNSUPPORTED,
      "index: expected [..., ::-1] or [..., CHANNEL] of %" G_GINT64_FORMAT
      " channels, found %s",
      n, found);
}

/* Joins values along a new last axis. */
gboolean
keras_emit_stack (FrameGraph *graph, const FrameCall *call, FrameValue *output)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  const FrameValue *first = &call->inputs[0];
  gint64 shape[FRAME_MAX_DIMS] = {1};
  g_autofree char *expected = frame_describe_shape (first);
  g_autofree char *axis = keras_describe_member (call->layer->config, "axis");
  Onnx__NodeProto *node;

  if (g_strcmp0 (axis, "-1") != 0 || first->n_dims == FRAME_MAX_DIMS)
    return keras_fail (graph->reader, call->layer, CONVERT_ERROR_UNSUPPORTED,
        "axis: expected -1, found %s", axis);
  for (guint i = 0; i < first->n_dims; i++)
    shape[i + 1] = first->shape[i];
  for (guint i = 0; i < call->n_inputs; i++) {
    g_autofree char *found = frame_describe_shape (&call->inputs[i]);
    FrameValue value;

    if (!g_str_equal (found, expected))
      return keras_fail (graph->reader, call->layer, CONVERT_ERROR_FILE,
          "input %u: expected shape %s, found %s", i, expected, found);
    frame_add_reshape (graph, call, &call->inputs[i], first->n_dims + 1, shape, &value);
    g_ptr_array_add (names, (gpointer) value.name);
  }
  g_ptr_array_add (names, NULL);
  *output = *first;
  output->shape[output->n_dims++] = call->n_inputs;
  output->is_moved = TRUE;
  output->name = frame_add_node (
      graph, call, "Concat", (const char *const *) names->pdata, &node);
  onnx_builder_set_int (graph->builder, node, "axis", 1);
  return TRUE;
}
