/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Layers that compute one value from several. */
#include "container/json.h"
#include "keras/json.h"
#include "split/keras/layers.h"

/* Returns whether ONNX has the axes of an input moved. */
static gboolean
has_moved_input (const FrameCall *call)
{
  for (guint i = 0; i < call->n_inputs; i++)
    if (call->inputs[i].is_moved && call->inputs[i].n_dims > 1)
      return TRUE;
  return FALSE;
}

/* Returns input @index with its axes in order, or moved. */
static FrameValue
order_input (FrameGraph *graph, const FrameCall *call, guint index, gboolean is_moved)
{
  return is_moved ? frame_move_axes (graph, call, &call->inputs[index])
                  : frame_order_axes (graph, call, &call->inputs[index]);
}

static gboolean
fail_shape (FrameGraph *graph, const FrameCall *call, guint index, const FrameValue *expected)
{
  g_autofree char *first = frame_describe_shape (expected);
  g_autofree char *found = frame_describe_shape (&call->inputs[index]);

  return keras_fail (graph->reader, call->layer, CONVERT_ERROR_UNSUPPORTED,
      "input %u: expected a shape that fits %s, found %s", index, first, found);
}

/* Sets the shape of @output to the shape to which all inputs broadcast. */
static gboolean
broadcast_inputs (FrameGraph *graph, const FrameCall *call, FrameValue *output)
{
  *output = call->inputs[0];
  for (guint i = 1; i < call->n_inputs; i++) {
    const FrameValue *input = &call->inputs[i];

    if (input->n_dims != output->n_dims)
      return fail_shape (graph, call, i, output);
    for (guint axis = 0; axis < output->n_dims; axis++) {
      if (output->shape[axis] == 1)
        output->shape[axis] = input->shape[axis];
      else if (input->shape[axis] != 1 && input->shape[axis] != output->shape[axis])
        return fail_shape (graph, call, i, output);
    }
  }
  return frame_check_size (graph, call, output);
}

static gboolean
check_count (FrameGraph *graph, const FrameCall *call, guint least, guint most)
{
  return (call->n_inputs >= least && call->n_inputs <= most)
         || keras_fail (graph->reader, call->layer, CONVERT_ERROR_FILE,
             "inputs: expected %s %u, found %u",
             call->n_inputs < least ? "at least" : "at most",
             call->n_inputs < least ? least : most, call->n_inputs);
}

/* Adds a node for all inputs, or with @is_binary nodes for two values each. */
static gboolean
emit_merge (FrameGraph *graph, const FrameCall *call, const char *op_type, gboolean is_binary,
    guint most, FrameValue *output)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  gboolean is_moved = has_moved_input (call);

  if (!check_count (graph, call, most == 2 ? 2 : 1, most)
      || !broadcast_inputs (graph, call, output))
    return FALSE;
  for (guint i = 0; i < call->n_inputs; i++)
    g_ptr_array_add (names, (gpointer) order_input (graph, call, i, is_moved).name);
  g_ptr_array_add (names, NULL);
  output->is_moved = is_moved;
  output->name = g_ptr_array_index (names, 0);
  if (call->n_inputs > 1 && !is_binary)
    output->name = frame_add_node (
        graph, call, op_type, (const char *const *) names->pdata, NULL);
  for (guint i = 1; i < call->n_inputs && is_binary; i++)
    output->name = frame_add_node (graph, call, op_type,
        (const char *[]){output->name, g_ptr_array_index (names, i), NULL}, NULL);
  return TRUE;
}

#define EMIT_MERGE(name, op_type, is_binary, most)                                             \
  gboolean frame_emit_##name (FrameGraph *graph, const FrameCall *call, FrameValue *output)    \
  {                                                                                            \
    return emit_merge (graph, call, op_type, is_binary, most, output);                         \
  }

EMIT_MERGE (subtract, "Sub", TRUE, 2)
EMIT_MERGE (average, "Mean", FALSE, G_MAXUINT)
EMIT_MERGE (maximum, "Max", FALSE, G_MAXUINT)
EMIT_MERGE (minimum, "Min", FALSE, G_MAXUINT)
EMIT_MERGE (add, "Add", TRUE, G_MAXUINT)
EMIT_MERGE (multiply, "Mul", TRUE, G_MAXUINT)

/* Sets @output to the shape of all inputs one after another along @axis. */
static gboolean
join_shapes (FrameGraph *graph, const FrameCall *call, guint axis, FrameValue *output)
{
  *output = call->inputs[0];
  for (guint i = 1; i < call->n_inputs; i++) {
    const FrameValue *input = &call->inputs[i];

    if (input->n_dims != output->n_dims)
      return fail_shape (graph, call, i, output);
    for (guint k = 0; k < output->n_dims; k++)
      if (k != axis && input->shape[k] != output->shape[k])
        return fail_shape (graph, call, i, output);
    output->shape[axis] += input->shape[axis];
    if (!frame_check_size (graph, call, output))
      return FALSE;
  }
  return TRUE;
}

gboolean
frame_emit_concatenate (FrameGraph *graph, const FrameCall *call, FrameValue *output)
{
  JsonNode *axis = keras_get_member (call->layer->config, "axis");
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autofree char *found = lstm_json_describe (axis);
  gboolean is_moved = has_moved_input (call);
  Onnx__NodeProto *node;
  guint index;

  if (axis && !lstm_json_is_integer (axis))
    return keras_fail (graph->reader, call->layer, CONVERT_ERROR_FILE,
        "axis: expected an integer, found %s", found);
  if (!frame_find_axis (
          graph, call, "axis", &call->inputs[0], axis ? json_node_get_int (axis) : -1, &index)
      || !join_shapes (graph, call, index, output))
    return FALSE;
  for (guint i = 0; i < call->n_inputs; i++)
    g_ptr_array_add (names, (gpointer) order_input (graph, call, i, is_moved).name);
  g_ptr_array_add (names, NULL);
  output->is_moved = is_moved;
  output->name = frame_add_node (
      graph, call, "Concat", (const char *const *) names->pdata, &node);
  onnx_builder_set_int (graph->builder, node, "axis", frame_get_onnx_axis (output, index));
  return TRUE;
}

/* A class of keras.applications, in InceptionResNetV2: input 0 + scale · input 1 */
gboolean
frame_emit_custom_scale (FrameGraph *graph, const FrameCall *call, FrameValue *output)
{
  gboolean is_moved = has_moved_input (call);
  const char *scaled;
  double scale;

  if (!check_count (graph, call, 2, 2)
      || !keras_read_number (
          graph->reader, call->layer, call->layer->config, "scale", 1, &scale)
      || !broadcast_inputs (graph, call, output))
    return FALSE;
  scaled = frame_add_node (graph, call, "Mul",
      (const char *[]){order_input (graph, call, 1, is_moved).name,
          frame_add_scalar (graph, call, "scale", (float) scale), NULL},
      NULL);
  output->is_moved = is_moved;
  output->name = frame_add_node (graph, call, "Add",
      (const char *[]){order_input (graph, call, 0, is_moved).name, scaled, NULL}, NULL);
  return TRUE;
}
