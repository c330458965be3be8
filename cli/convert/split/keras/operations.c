/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/keras/operations.h"
#include "container/json.h"
#include "keras/json.h"
#include "util/text.h"
#include <math.h>

#define N_OPERANDS 2

/* The operations with two operands */
static const struct {
  const char *name; /* of the class in Keras 3, or of the function of TensorFlow */
  const char *op_type;
} operations[] = {
    {"Add", "Add"},
    {"Subtract", "Sub"},
    {"Multiply", "Mul"},
    {"Divide", "Div"},
    {"TrueDivide", "Div"},
    {"__operators__.add", "Add"},
    {"math.add", "Add"},
    {"math.subtract", "Sub"},
    {"math.multiply", "Mul"},
    {"math.truediv", "Div"},
    {"math.divide", "Div"},
};

/* An operand: a number or a result of another layer */
typedef struct {
  gboolean is_number;
  double number;
} Operand;

static const char *
get_name (const KerasLayer *layer)
{
  const char *function = keras_get_string (layer->config, "function");

  return g_str_equal (layer->class_name, "TFOpLambda") ? function : layer->class_name;
}

/* Returns: (nullable): the op in ONNX. @name: (nullable) */
static const char *
find_op_type (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (operations); i++)
    if (g_strcmp0 (operations[i].name, name) == 0)
      return operations[i].op_type;
  return NULL;
}

/* Finds the operands in a call of Keras 3, {"args": [X, Y], "kwargs": {…}}, or of TensorFlow,
 * [LAYER, NODE, TENSOR, {"y": Y}], in which the first three elements are a number in
 * ["_CONSTANT_VALUE", -1, NUMBER, …]. */
static void
find_operands (JsonNode *node, JsonNode *operands[N_OPERANDS])
{
  JsonArray *args = keras_get_array (lstm_json_get_object (node), "args");
  JsonArray *array = lstm_json_get_array (node);

  for (guint i = 0; args && i < N_OPERANDS; i++)
    if (i < json_array_get_length (args))
      operands[i] = json_array_get_element (args, i);
  while (array && json_array_get_length (array) > 0
         && lstm_json_get_array (json_array_get_element (array, 0)))
    array = lstm_json_get_array (json_array_get_element (array, 0));
  if (!array || json_array_get_length (array) < 4)
    return;
  operands[0] = g_strcmp0 (
                    lstm_json_get_string (json_array_get_element (array, 0)), "_CONSTANT_VALUE")
                        == 0
                    ? json_array_get_element (array, 2)
                    : json_array_get_element (array, 0);
  operands[1] = keras_get_member (
      lstm_json_get_object (json_array_get_element (array, 3)), "y");
}

/* Sets @operands to the two operands. Returns FALSE without an error if the call has other operands than
 * numbers and the @n_inputs inputs. */
static gboolean
parse_operands (JsonNode *node, guint n_inputs, Operand operands[N_OPERANDS])
{
  JsonNode *nodes[N_OPERANDS] = {NULL};

  if (node)
    find_operands (node, nodes);
  for (guint i = 0; i < N_OPERANDS; i++) {
    operands[i].is_number = lstm_json_get_number (nodes[i], &operands[i].number);
    if (operands[i].is_number ? !isfinite ((float) operands[i].number)
                              : !nodes[i] || n_inputs-- == 0)
      return FALSE;
  }
  return n_inputs == 0;
}

gboolean
keras_check_operation (KerasReader *reader, const KerasCall *call)
{
  const char *name = get_name (call->layer);
  g_autoptr (GString) names = g_string_new (NULL);
  Operand operands[N_OPERANDS];

  for (guint i = 0; i < G_N_ELEMENTS (operations); i++)
    lstm_text_append_item (names, operations[i].name);
  if (!find_op_type (name))
    return keras_fail (reader, call->layer, CONVERT_ERROR_UNSUPPORTED,
        "operation: expected a supported operation before the recurrent layer, found %s "
        "(supported: %s)",
        name ? name : "none", names->str);
  return parse_operands (call->node, call->inputs->len, operands)
         || keras_fail (reader, call->layer, CONVERT_ERROR_UNSUPPORTED,
             "operands: expected two, each a number or the output of a layer, found others");
}

gboolean
keras_get_operation_scale (const KerasCall *call, double *scale)
{
  const char *op_type = find_op_type (get_name (call->layer));
  Operand operands[N_OPERANDS];

  if (!op_type || !parse_operands (call->node, call->inputs->len, operands)
      || operands[0].is_number || !operands[1].is_number)
    return FALSE;
  *scale = g_str_equal (op_type, "Div") ? 1 / operands[1].number : operands[1].number;
  return g_str_equal (op_type, "Div") || g_str_equal (op_type, "Mul");
}

/* Sets the shape of @output to that of the two inputs of @call, of which one may have sizes of 1. */
static gboolean
broadcast_shapes (FrameGraph *graph, const FrameCall *call, FrameValue *output)
{
  const FrameValue *a = &call->inputs[0], *b = &call->inputs[1];
  gboolean fits = a->n_dims == b->n_dims;
  g_autofree char *first = NULL, *second = NULL;

  for (guint i = 0; fits && i < a->n_dims; i++) {
    fits = a->shape[i] == b->shape[i] || a->shape[i] == 1 || b->shape[i] == 1;
    output->shape[i] = MAX (a->shape[i], b->shape[i]);
  }
  if (fits)
    return TRUE;
  first = frame_describe_shape (a);
  second = frame_describe_shape (b);
  return keras_fail (graph->reader, call->layer, CONVERT_ERROR_UNSUPPORTED,
      "inputs: expected frames of one number of dimensions and of equal sizes, found %s and %s",
      first, second);
}

gboolean
keras_emit_operation (FrameGraph *graph, const FrameCall *call, FrameValue *output)
{
  const char *names[N_OPERANDS + 1] = {NULL};
  Operand operands[N_OPERANDS] = {0};
  guint n_used = 0;

  *output = call->inputs[0];
  if (call->n_inputs == N_OPERANDS && !broadcast_shapes (graph, call, output))
    return FALSE;
  parse_operands (call->node, call->n_inputs, operands);
  for (guint i = 0; i < N_OPERANDS; i++) {
    FrameValue value;

    if (operands[i].is_number) {
      names[i] = frame_add_scalar (graph, call, "number", (float) operands[i].number);
      continue;
    }
    value = output->is_moved ? frame_move_axes (graph, call, &call->inputs[n_used++])
                             : frame_order_axes (graph, call, &call->inputs[n_used++]);
    names[i] = value.name;
  }
  output->name = frame_add_node (
      graph, call, find_op_type (get_name (call->layer)), names, NULL);
  return TRUE;
}
