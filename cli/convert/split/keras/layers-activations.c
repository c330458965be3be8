/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activations/activations.h"
#include "container/json.h"
#include "keras/activations.h"
#include "keras/json.h"
#include "split/keras/layers.h"
#include <math.h>

typedef struct {
  const char *name; /* in docs/formats.md */
  const char *(*add) (FrameGraph *graph, const FrameCall *call, const char *x,
      const LstmActivation *parameters);
  const char *op_type;              /* of the only node, if add is NULL */
  const char *alpha_key, *beta_key; /* attributes of that node; nullable */
  gboolean has_axis;                /* the node computes over the last axis */
} FrameFunction;

static const char *
add_binary (
    FrameGraph *graph, const FrameCall *call, const char *op_type, const char *a, const char *b)
{
  return frame_add_node (graph, call, op_type, (const char *[]){a, b, NULL}, NULL);
}

static const char *
add_unary (FrameGraph *graph, const FrameCall *call, const char *op_type, const char *x)
{
  return frame_add_node (graph, call, op_type, (const char *[]){x, NULL}, NULL);
}

static const char *
add_clip (FrameGraph *graph, const FrameCall *call, const char *x, float min, float max)
{
  const char *inputs[] = {x, frame_add_scalar (graph, call, "min", min),
      frame_add_scalar (graph, call, "max", max), NULL};

  return frame_add_node (graph, call, "Clip", inputs, NULL);
}

static const char *
add_scaled (FrameGraph *graph, const FrameCall *call, const char *x, float factor)
{
  return add_binary (graph, call, "Mul", x, frame_add_scalar (graph, call, "factor", factor));
}

static const char *
add_linear (
    FrameGraph *graph, const FrameCall *call, const char *x, const LstmActivation *parameters)
{
  return x;
}

static const char *
add_relu_capped (
    FrameGraph *graph, const FrameCall *call, const char *x, const LstmActivation *parameters)
{
  return add_clip (graph, call, x, 0, parameters->alpha);
}

static const char *
add_hard_tanh (
    FrameGraph *graph, const FrameCall *call, const char *x, const LstmActivation *parameters)
{
  return add_clip (graph, call, x, -1, 1);
}

static const char *
add_silu (
    FrameGraph *graph, const FrameCall *call, const char *x, const LstmActivation *parameters)
{
  return add_binary (graph, call, "Mul", x, add_unary (graph, call, "Sigmoid", x));
}

static const char *
add_mish (
    FrameGraph *graph, const FrameCall *call, const char *x, const LstmActivation *parameters)
{
  const char *softplus = add_unary (graph, call, "Softplus", x);

  return add_binary (graph, call, "Mul", x, add_unary (graph, call, "Tanh", softplus));
}

/* Adds x / 2 · (1 + @s). */
static const char *
add_gate (FrameGraph *graph, const FrameCall *call, const char *x, const char *s)
{
  const char *sum = add_binary (
      graph, call, "Add", s, frame_add_scalar (graph, call, "one", 1));

  return add_scaled (graph, call, add_binary (graph, call, "Mul", x, sum), .5f);
}

static const char *
add_gelu (
    FrameGraph *graph, const FrameCall *call, const char *x, const LstmActivation *parameters)
{
  const char *scaled = add_scaled (graph, call, x, (float) G_SQRT2 / 2);

  return add_gate (graph, call, x, add_unary (graph, call, "Erf", scaled));
}

/* Adds x / 2 · (1 + tanh (√(2 / π) · (x + 0.044715 · x³))). */
static const char *
add_gelu_tanh (
    FrameGraph *graph, const FrameCall *call, const char *x, const LstmActivation *parameters)
{
  const char *square = add_binary (graph, call, "Mul", x, x);
  const char *cube = add_binary (graph, call, "Mul", square, x);
  const char *sum = add_binary (
      graph, call, "Add", x, add_scaled (graph, call, cube, .044715f));

  sum = add_scaled (graph, call, sum, (float) sqrt (2 / G_PI));
  return add_gate (graph, call, x, add_unary (graph, call, "Tanh", sum));
}

static const FrameFunction functions[] = {
    {"linear", add_linear},
    {"relu", .op_type = "Relu"},
    {"tanh", .op_type = "Tanh"},
    {"sigmoid", .op_type = "Sigmoid"},
    {"hard_sigmoid", .op_type = "HardSigmoid", .alpha_key = "alpha", .beta_key = "beta"},
    {"leaky_relu", .op_type = "LeakyRelu", .alpha_key = "alpha"},
    {"thresholded_relu", .op_type = "ThresholdedRelu", .alpha_key = "alpha"},
    {"relu_capped", add_relu_capped},
    {"hard_tanh", add_hard_tanh},
    {"softsign", .op_type = "Softsign"},
    {"silu", add_silu},
    {"hard_silu", .op_type = "HardSwish"},
    {"gelu", add_gelu},
    {"gelu_tanh", add_gelu_tanh},
    {"exponential", .op_type = "Exp"},
    {"elu", .op_type = "Elu", .alpha_key = "alpha"},
    {"selu", .op_type = "Selu"},
    {"softplus", .op_type = "Softplus"},
    {"mish", add_mish},
    {"softmax", .op_type = "Softmax", .has_axis = TRUE},
    {"log_softmax", .op_type = "LogSoftmax", .has_axis = TRUE},
};

/* Adds the only node of @function. */
static const char *
add_function_node (FrameGraph *graph, const FrameCall *call, const FrameFunction *function,
    const LstmActivation *parameters, const FrameValue *value)
{
  Onnx__NodeProto *node;
  const char *name = frame_add_node (
      graph, call, function->op_type, (const char *[]){value->name, NULL}, &node);

  if (function->alpha_key)
    onnx_builder_set_float (graph->builder, node, function->alpha_key, parameters->alpha);
  if (function->beta_key)
    onnx_builder_set_float (graph->builder, node, function->beta_key, parameters->beta);
  if (function->has_axis)
    onnx_builder_set_int (
        graph->builder, node, "axis", frame_get_onnx_axis (value, value->n_dims - 1));
  return name;
}

gboolean
frame_add_activation (
    FrameGraph *graph, const FrameCall *call, JsonNode *activation, FrameValue *value)
{
  JsonObject *object = lstm_json_get_object (activation);
  const char *name = object ? keras_get_string (object, "name")
                            : lstm_json_get_string (activation);
  LstmActivation parameters;
  double number;

  if (!name || !lstm_activation_find (name, &parameters))
    name = "none";
  if (lstm_json_get_number (keras_get_member (object, "alpha"), &number))
    parameters.alpha = (float) number;
  if (lstm_json_get_number (keras_get_member (object, "beta"), &number))
    parameters.beta = (float) number;
  for (gsize i = 0; i < G_N_ELEMENTS (functions); i++) {
    const FrameFunction *function = &functions[i];

    if (!g_str_equal (function->name, name))
      continue;
    value->name = function->add ? function->add (graph, call, value->name, &parameters)
                                : add_function_node (graph, call, function, &parameters, value);
    return TRUE;
  }
  return keras_fail (graph->reader, call->layer, CONVERT_ERROR_UNSUPPORTED,
      "activation: expected a function that ONNX has, found %s", name);
}

/* Adds @activation, which may be NULL after an error, and frees it. */
static gboolean
add_owned_activation (
    FrameGraph *graph, const FrameCall *call, JsonNode *activation, FrameValue *value)
{
  gboolean is_added = activation && frame_add_activation (graph, call, activation, value);

  g_clear_pointer (&activation, json_node_unref);
  return is_added;
}

gboolean
frame_add_config_activation (FrameGraph *graph, const FrameCall *call, FrameValue *value)
{
  return add_owned_activation (graph, call,
      keras_get_activation (
          graph->reader, call->layer, call->layer->config, "activation", "linear"),
      value);
}

/* --- Layers --- */

gboolean
frame_emit_activation (FrameGraph *graph, const FrameCall *call, FrameValue *output)
{
  *output = call->inputs[0];
  return add_owned_activation (graph, call,
      keras_get_activation (
          graph->reader, call->layer, call->layer->config, "activation", NULL),
      output);
}

gboolean
frame_emit_class_activation (FrameGraph *graph, const FrameCall *call, FrameValue *output)
{
  const KerasClass *class = keras_find_class (graph->reader, call->layer->class_name);

  *output = call->inputs[0];
  return add_owned_activation (graph, call,
      class->get_activation (graph->reader, call->layer, call->layer->config), output);
}

/* Adds the part of a ReLU above the threshold: x above the threshold, otherwise 0, at most @max. */
static const char *
add_upper_part (
    FrameGraph *graph, const FrameCall *call, const char *x, double threshold, double max)
{
  Onnx__NodeProto *node;

  if (threshold == 0)
    return isinf (max) ? add_unary (graph, call, "Relu", x)
                       : add_clip (graph, call, x, 0, (float) max);
  x = frame_add_node (graph, call, "ThresholdedRelu", (const char *[]){x, NULL}, &node);
  onnx_builder_set_float (graph->builder, node, "alpha", (float) threshold);
  return isinf (max) ? x : add_clip (graph, call, x, 0, (float) max);
}

/* ReLU subtracts slope · max (threshold − x, 0) from the upper part. */
gboolean
frame_emit_relu (FrameGraph *graph, const FrameCall *call, FrameValue *output)
{
  JsonObject *config = call->layer->config;
  const char *x = call->inputs[0].name, *lower;
  double max, slope, threshold;

  *output = call->inputs[0];
  if (!keras_read_number (graph->reader, call->layer, config, "max_value", INFINITY, &max)
      || !keras_read_number (graph->reader, call->layer, config, "negative_slope", 0, &slope)
      || !keras_read_number (graph->reader, call->layer, config, "threshold", 0, &threshold))
    return FALSE;
  if (!(max >= 0) || !(slope >= 0) || !(threshold >= 0))
    return keras_fail (graph->reader, call->layer, CONVERT_ERROR_FILE,
        "max_value, negative_slope, threshold: expected numbers of at least 0, found %g, %g "
        "and "
        "%g",
        max, slope, threshold);
  output->name = add_upper_part (graph, call, x, threshold, max);
  if (slope == 0)
    return TRUE;
  lower = add_binary (
      graph, call, "Sub", frame_add_scalar (graph, call, "threshold", (float) threshold), x);
  lower = add_scaled (graph, call, add_unary (graph, call, "Relu", lower), (float) slope);
  output->name = add_binary (graph, call, "Sub", output->name, lower);
  return TRUE;
}

/* Sets the sizes of the shared axes of @shape to 1. */
static gboolean
read_shared_axes (FrameGraph *graph, const FrameCall *call, gint64 *shape)
{
  JsonNode *node = keras_get_member (call->layer->config, "shared_axes");
  JsonArray *axes = lstm_json_get_array (node);
  g_autofree char *found = lstm_json_describe (node);
  guint n = axes ? json_array_get_length (axes) : 0;

  if (node && !axes)
    return keras_fail (graph->reader, call->layer, CONVERT_ERROR_FILE,
        "shared_axes: expected an array of axes, found %s", found);
  for (guint i = 0; i < n; i++) {
    JsonNode *axis = json_array_get_element (axes, i);
    guint index;

    if (!lstm_json_is_integer (axis))
      return keras_fail (graph->reader, call->layer, CONVERT_ERROR_FILE,
          "shared_axes: expected an array of axes, found %s", found);
    if (!frame_find_axis (
            graph, call, "shared_axes", &call->inputs[0], json_node_get_int (axis), &index))
      return FALSE;
    shape[index] = 1;
  }
  return TRUE;
}

gboolean
frame_emit_prelu (FrameGraph *graph, const FrameCall *call, FrameValue *output)
{
  gint64 shape[FRAME_MAX_DIMS];

  *output = call->inputs[0];
  for (guint i = 0; i < output->n_dims; i++)
    shape[i] = output->shape[i];
  if (!read_shared_axes (graph, call, shape)
      || !frame_check_weight (graph, call, "alpha", 0, output->n_dims, shape))
    return FALSE;
  output->name = add_binary (graph, call, "PRelu", output->name,
      frame_add_factor (graph, call, "alpha", output, shape, call->weights[0].values));
  return TRUE;
}

gboolean
frame_emit_softmax (FrameGraph *graph, const FrameCall *call, FrameValue *output)
{
  JsonNode *axis = keras_get_member (call->layer->config, "axis");
  JsonArray *array = lstm_json_get_array (axis);
  g_autofree char *found = lstm_json_describe (axis);
  Onnx__NodeProto *node;
  guint index = call->inputs[0].n_dims - 1;

  *output = call->inputs[0];
  if (array && json_array_get_length (array) == 1)
    axis = json_array_get_element (array, 0);
  if (axis && !lstm_json_is_integer (axis))
    return keras_fail (graph->reader, call->layer, CONVERT_ERROR_UNSUPPORTED,
        "axis: expected one axis, found %s", found);
  if (axis && !frame_find_axis (graph, call, "axis", output, json_node_get_int (axis), &index))
    return FALSE;
  output->name = frame_add_node (
      graph, call, "Softmax", (const char *[]){output->name, NULL}, &node);
  onnx_builder_set_int (graph->builder, node, "axis", frame_get_onnx_axis (output, index));
  return TRUE;
}
