/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/keras/operations.h"
#include "container/json.h"
#include "keras/converters.h"
#include "keras/json.h"
#include "split/keras/layers.h"
#include "util/text.h"

#define MAX_OPERANDS 2

typedef struct {
  const char *name; /* of the class in Keras 3, or of the function of TensorFlow */
  guint n_operands;
  const char *op_type;    /* in ONNX; NULL: the operation is an activation */
  const char *activation; /* in docs/formats.md; NULL: get_activation returns it */

  /* Returns: (transfer full): the activation that @config describes */
  JsonNode *(*get_activation) (
      KerasReader *reader, const KerasLayer *layer, JsonObject *config);

  /* Adds the nodes of an operation that has other operands. Nullable */
  gboolean (*emit) (FrameGraph *graph, const FrameCall *call, FrameValue *output);
} Operation;

/* The tensors and the constants to which a call applies an operation */
typedef struct {
  JsonNode *constants[MAX_OPERANDS]; /* NULL: the next input of the call */
  guint n, n_inputs;
} Operands;

static JsonNode *
new_activation (const char *name)
{
  return json_node_init_string (json_node_alloc (), name);
}

static JsonNode *
get_gelu (KerasReader *reader, const KerasLayer *layer, JsonObject *config)
{
  gboolean is_approximate;

  if (!keras_read_bool (reader, layer, config, "approximate", TRUE, &is_approximate))
    return NULL;
  return new_activation (is_approximate ? "gelu_tanh" : "gelu");
}

#define BINARY(name, op_type)                                                                  \
  {                                                                                            \
    name, 2, op_type                                                                           \
  }
#define UNARY(name, op_type)                                                                   \
  {                                                                                            \
    name, 1, op_type                                                                           \
  }
#define ACTIVATION(name, activation)                                                           \
  {                                                                                            \
    name, 1, NULL, activation                                                                  \
  }
#define READ_ACTIVATION(name, get_activation)                                                  \
  {                                                                                            \
    name, 1, NULL, NULL, get_activation                                                        \
  }

static const Operation operations[] = {
    BINARY ("Add", "Add"),
    BINARY ("Subtract", "Sub"),
    BINARY ("Multiply", "Mul"),
    BINARY ("Divide", "Div"),
    BINARY ("TrueDivide", "Div"),
    BINARY ("Maximum", "Max"),
    BINARY ("Minimum", "Min"),
    BINARY ("__operators__.add", "Add"),
    BINARY ("math.add", "Add"),
    BINARY ("nn.bias_add", "Add"),
    BINARY ("math.subtract", "Sub"),
    BINARY ("math.multiply", "Mul"),
    BINARY ("math.truediv", "Div"),
    BINARY ("math.divide", "Div"),
    BINARY ("math.maximum", "Max"),
    BINARY ("math.minimum", "Min"),
    UNARY ("Negative", "Neg"),
    UNARY ("Absolute", "Abs"),
    UNARY ("Exp", "Exp"),
    UNARY ("Sqrt", "Sqrt"),
    UNARY ("math.negative", "Neg"),
    UNARY ("math.abs", "Abs"),
    UNARY ("math.exp", "Exp"),
    UNARY ("math.sqrt", "Sqrt"),
    ACTIVATION ("Relu", "relu"),
    ACTIVATION ("Relu6", "relu_capped"),
    ACTIVATION ("Sigmoid", "sigmoid"),
    ACTIVATION ("Tanh", "tanh"),
    ACTIVATION ("Silu", "silu"),
    ACTIVATION ("HardSilu", "hard_silu"),
    ACTIVATION ("Selu", "selu"),
    ACTIVATION ("Softplus", "softplus"),
    ACTIVATION ("Softsign", "softsign"),
    READ_ACTIVATION ("LeakyRelu", keras_get_leaky_relu),
    READ_ACTIVATION ("Elu", keras_get_elu),
    READ_ACTIVATION ("Gelu", get_gelu),
    {"GetItem", .emit = keras_emit_get_item},
    {"Stack", .emit = keras_emit_stack},
    {"__operators__.getitem", .emit = keras_emit_get_item},
    ACTIVATION ("identity", "linear"),
    ACTIVATION ("nn.relu", "relu"),
    ACTIVATION ("nn.relu6", "relu_capped"),
    ACTIVATION ("nn.sigmoid", "sigmoid"),
    ACTIVATION ("math.sigmoid", "sigmoid"),
    ACTIVATION ("nn.tanh", "tanh"),
    ACTIVATION ("math.tanh", "tanh"),
    ACTIVATION ("nn.silu", "silu"),
    ACTIVATION ("nn.swish", "silu"),
    ACTIVATION ("nn.selu", "selu"),
    ACTIVATION ("nn.elu", "elu"),
    ACTIVATION ("nn.softplus", "softplus"),
    ACTIVATION ("math.softplus", "softplus"),
    ACTIVATION ("nn.softsign", "softsign"),
};

static const char *
get_name (const KerasLayer *layer)
{
  const char *function = keras_get_string (layer->config, "function");

  return g_str_has_suffix (layer->class_name, "OpLambda") ? function : layer->class_name;
}

/* Returns: (nullable): the row of the operation */
static const Operation *
find_operation (const KerasLayer *layer)
{
  for (guint i = 0; i < G_N_ELEMENTS (operations); i++)
    if (g_strcmp0 (operations[i].name, get_name (layer)) == 0)
      return &operations[i];
  return NULL;
}

/* --- Operands --- */

/* @constant: (nullable): NULL: an input of the call */
static gboolean
add_operand (Operands *operands, JsonNode *constant)
{
  if (operands->n == MAX_OPERANDS)
    return FALSE;
  operands->n_inputs += constant == NULL;
  operands->constants[operands->n++] = constant;
  return TRUE;
}

/* Reads a call of Keras 3: {"args": [OPERAND, …], "kwargs": {}} */
static gboolean
read_arguments (JsonObject *call, Operands *operands)
{
  JsonArray *args = keras_get_array (call, "args");
  JsonObject *kwargs = keras_get_object (call, "kwargs");

  for (guint i = 0; args && i < json_array_get_length (args); i++) {
    JsonNode *node = json_array_get_element (args, i);
    const char *class = keras_get_string (lstm_json_get_object (node), "class_name");

    if (!add_operand (operands, g_strcmp0 (class, "__keras_tensor__") == 0 ? NULL : node))
      return FALSE;
  }
  return args && (!kwargs || json_object_get_size (kwargs) == 0);
}

/* Returns whether @node is the output of a layer in TensorFlow: [LAYER, NODE, TENSOR] */
static gboolean
is_output (JsonNode *node)
{
  JsonArray *array = lstm_json_get_array (node);

  return array && json_array_get_length (array) >= 3
         && lstm_json_get_string (json_array_get_element (array, 0));
}

/* Reads the arguments of TensorFlow that follow the first one: the second operand, the name of the
 * result, and the format of nn.bias_add. */
static gboolean
read_keywords (JsonObject *kwargs, Operands *operands)
{
  const char *format = keras_get_string (kwargs, "data_format");
  JsonNode *y = keras_get_member (kwargs, "y");
  guint n_known = 0;
  static const char *const known[] = {"name", "data_format", "y", "bias"};

  for (guint i = 0; kwargs && i < G_N_ELEMENTS (known); i++)
    n_known += json_object_has_member (kwargs, known[i]) ? 1 : 0;
  if (!y)
    y = keras_get_member (kwargs, "bias");
  return (!kwargs || n_known == json_object_get_size (kwargs))
         && (!format || g_str_equal (format, "NHWC"))
         && (!y || add_operand (operands, is_output (y) ? NULL : y));
}

/* Reads a call of TensorFlow: [LAYER, NODE, TENSOR, KWARGS], in which the first three elements are
 * a number in ["_CONSTANT_VALUE", -1, NUMBER, KWARGS]. */
static gboolean
read_history (JsonNode *node, Operands *operands)
{
  JsonArray *array = lstm_json_get_array (node);
  JsonNode *first = array && json_array_get_length (array) > 0
                        ? json_array_get_element (array, 0)
                        : NULL;
  JsonNode *constant = NULL;

  if (lstm_json_get_array (first))
    return json_array_get_length (array) == 1 && read_history (first, operands);
  if (!is_output (node))
    return FALSE;
  if (g_str_equal (lstm_json_get_string (first), "_CONSTANT_VALUE"))
    constant = json_array_get_element (array, 2);
  return add_operand (operands, constant)
         && read_keywords (json_array_get_length (array) > 3
                               ? lstm_json_get_object (json_array_get_element (array, 3))
                               : NULL,
             operands);
}

/* Reads the operands of @operation. Returns FALSE without an error if the call has other operands,
 * or another number of inputs than @n_inputs. */
static gboolean
read_operands (const Operation *operation, JsonNode *node, guint n_inputs, Operands *operands)
{
  JsonObject *call = lstm_json_get_object (node);

  *operands = (Operands){0};
  return (call ? read_arguments (call, operands) : read_history (node, operands))
         && operands->n == operation->n_operands && operands->n_inputs == n_inputs;
}

gboolean
keras_check_operation (KerasReader *reader, const KerasCall *call)
{
  const Operation *operation = find_operation (call->layer);
  const char *name = get_name (call->layer);
  g_autoptr (GString) names = g_string_new (NULL);
  g_autofree char *found = lstm_json_describe (call->node);
  Operands operands;

  for (guint i = 0; i < G_N_ELEMENTS (operations); i++)
    lstm_text_append_item (names, operations[i].name);
  if (!operation)
    return keras_fail (reader, call->layer, CONVERT_ERROR_UNSUPPORTED,
        "operation: expected a supported operation before the recurrent layer, found %s "
        "(supported: %s)",
        name ? name : "none", names->str);
  return operation->emit || read_operands (operation, call->node, call->inputs->len, &operands)
         || keras_fail (reader, call->layer, CONVERT_ERROR_UNSUPPORTED,
             "operands: expected %u, each a constant or the output of a layer, found %s",
             operation->n_operands, found);
}

gboolean
keras_get_operation_scale (const KerasCall *call, double *scale)
{
  const Operation *operation = find_operation (call->layer);
  gboolean is_quotient = operation && g_strcmp0 (operation->op_type, "Div") == 0;
  Operands operands;

  if (!operation || operation->emit
      || !read_operands (operation, call->node, call->inputs->len, &operands)
      || operands.constants[0] || !lstm_json_get_number (operands.constants[1], scale))
    return FALSE;
  if (is_quotient)
    *scale = 1 / *scale;
  return is_quotient || g_strcmp0 (operation->op_type, "Mul") == 0;
}

/* --- Nodes --- */

/* Sets the shape of @output to that of the two inputs of @call, of which one may have sizes of
 * 1. */
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

static gboolean
emit_activation (
    FrameGraph *graph, const FrameCall *call, const Operation *operation, FrameValue *output)
{
  g_autoptr (JsonNode) activation = operation->activation
                                        ? new_activation (operation->activation)
                                        : operation->get_activation (
                                            graph->reader, call->layer, call->layer->config);

  return activation && frame_add_activation (graph, call, activation, output);
}

/* Adds a constant. Returns: (transfer none) (nullable): its name; NULL with an error */
static const char *
add_constant (
    FrameGraph *graph, const FrameCall *call, JsonNode *constant, const FrameValue *value)
{
  g_autoptr (GArray) numbers = g_array_new (FALSE, FALSE, sizeof (float));

  if (!frame_read_numbers (graph, call, "operands", constant, numbers))
    return NULL;
  return frame_add_numbers (graph, call, "operands", value, numbers);
}

gboolean
keras_emit_operation (FrameGraph *graph, const FrameCall *call, FrameValue *output)
{
  const Operation *operation = find_operation (call->layer);
  const char *names[MAX_OPERANDS + 1] = {NULL};
  Operands operands;
  guint n_used = 0;

  if (operation->emit)
    return operation->emit (graph, call, output);
  *output = call->inputs[0];
  if (call->n_inputs == 2 && !broadcast_shapes (graph, call, output))
    return FALSE;
  if (!operation->op_type)
    return emit_activation (graph, call, operation, output);
  read_operands (operation, call->node, call->n_inputs, &operands);
  for (guint i = 0; i < operands.n; i++) {
    FrameValue value;

    if (operands.constants[i]) {
      names[i] = add_constant (graph, call, operands.constants[i], output);
    } else {
      value = output->is_moved ? frame_move_axes (graph, call, &call->inputs[n_used++])
                               : frame_order_axes (graph, call, &call->inputs[n_used++]);
      names[i] = value.name;
    }
    if (!names[i])
      return FALSE;
  }
  output->name = frame_add_node (graph, call, operation->op_type, names, NULL);
  return TRUE;
}
