/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Layers that normalize or scale values. */
#include "container/json.h"
#include "keras/json.h"
#include "split/keras/layers.h"
#include <math.h>

#define EPSILON 1e-7     /* least standard deviation of Normalization */
#define MAX_ONES 1048576 /* of the scale that a LayerNormalization without scale gets */

/* Marks the axes of the configuration in @has_axis [n_dims]. A missing axis is @default_axis.
 * @is_scalar: (nullable): set to whether the axis is null or an empty array. NULL: the layer needs
 * an axis */
static gboolean
read_axes (FrameGraph *graph, const FrameCall *call, const FrameValue *value,
    gint64 default_axis, gboolean *has_axis, gboolean *is_scalar)
{
  JsonObject *config = call->layer->config;
  JsonNode *node = keras_get_member (config, "axis");
  JsonArray *axes = lstm_json_get_array (node);
  g_autofree char *found = lstm_json_describe (node);
  guint n = axes ? json_array_get_length (axes) : 1, index;

  if (is_scalar) {
    *is_scalar = n == 0 || (json_object_has_member (config, "axis") && !node);
    if (*is_scalar)
      return TRUE;
  }
  for (guint i = 0; i < n; i++) {
    JsonNode *axis = axes ? json_array_get_element (axes, i) : node;

    if (axis && !lstm_json_is_integer (axis))
      return keras_fail (graph->reader, call->layer, CONVERT_ERROR_FILE,
          "axis: expected an integer or an array of integers, found %s", found);
    if (!frame_find_axis (
            graph, call, "axis", value, axis ? json_node_get_int (axis) : default_axis, &index))
      return FALSE;
    has_axis[index] = TRUE;
  }
  return n > 0
         || keras_fail (graph->reader, call->layer, CONVERT_ERROR_FILE,
             "axis: expected at least one axis, found none");
}

/* Sets @shape to the sizes of the marked axes of @value, the shape of a weight in Keras, and
 * @broadcast_shape [n_dims] to the shape with which the weight broadcasts. Returns the number of
 * marked axes. */
static guint
get_factor_shape (
    const FrameValue *value, const gboolean *has_axis, gint64 *shape, gint64 *broadcast_shape)
{
  guint n = 0;

  for (guint i = 0; i < value->n_dims; i++) {
    broadcast_shape[i] = has_axis[i] ? value->shape[i] : 1;
    if (has_axis[i])
      shape[n++] = value->shape[i];
  }
  return n;
}

static const char *
add_binary (
    FrameGraph *graph, const FrameCall *call, const char *op_type, const char *a, const char *b)
{
  return frame_add_node (graph, call, op_type, (const char *[]){a, b, NULL}, NULL);
}

/* --- BatchNormalization --- */

/* The weights of a BatchNormalization, float32 [n] each */
typedef struct {
  gint64 n;
  float *scale, *offset, *mean, *variance;
  double epsilon;
} Statistics;

static void
clear_statistics (Statistics *statistics)
{
  g_free (statistics->scale);
  g_free (statistics->offset);
  g_free (statistics->mean);
  g_free (statistics->variance);
}

/* Returns: (transfer full): the values of weight @index, or @n times @default_value */
static float *
copy_weight (const FrameCall *call, guint index, gsize n, float default_value)
{
  float *values = g_new (float, n);

  for (gsize i = 0; i < n; i++)
    values[i] = call->weights[index].values ? call->weights[index].values[i] : default_value;
  return values;
}

static gboolean
read_statistics (FrameGraph *graph, const FrameCall *call, gint64 n, Statistics *statistics)
{
  static const char *const names[] = {"gamma", "beta", "moving_mean", "moving_variance"};

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (call->weights[i].values && !frame_check_weight (graph, call, names[i], i, 1, &n))
      return FALSE;
  statistics->n = n;
  statistics->scale = copy_weight (call, 0, (gsize) n, 1);
  statistics->offset = copy_weight (call, 1, (gsize) n, 0);
  statistics->mean = copy_weight (call, 2, (gsize) n, 0);
  statistics->variance = copy_weight (call, 3, (gsize) n, 1);
  for (gint64 i = 0; i < n; i++)
    if (!((double) statistics->variance[i] + statistics->epsilon > 0))
      return keras_fail (graph->reader, call->layer, CONVERT_ERROR_FILE,
          "moving_variance: expected values of at least 0, found %g",
          (double) statistics->variance[i]);
  return TRUE;
}

/* Adds BatchNormalization, which normalizes the axis that follows the batch. */
static void
add_batch_normalization (
    FrameGraph *graph, const FrameCall *call, const Statistics *statistics, FrameValue *value)
{
  const gint64 *n = &statistics->n;
  const char *inputs[] = {value->name,
      frame_add_floats (graph, call, "gamma", 1, n, statistics->scale),
      frame_add_floats (graph, call, "beta", 1, n, statistics->offset),
      frame_add_floats (graph, call, "moving_mean", 1, n, statistics->mean),
      frame_add_floats (graph, call, "moving_variance", 1, n, statistics->variance), NULL};
  Onnx__NodeProto *node;

  value->name = frame_add_node (graph, call, "BatchNormalization", inputs, &node);
  onnx_builder_set_float (graph->builder, node, "epsilon", (float) statistics->epsilon);
}

/* Adds x · scale + offset for an axis in the middle. */
static void
add_scale_and_offset (FrameGraph *graph, const FrameCall *call, const Statistics *statistics,
    const gint64 *shape, FrameValue *value)
{
  gsize n = (gsize) statistics->n;
  g_autofree float *scale = g_new (float, n), *offset = g_new (float, n);

  for (gsize i = 0; i < n; i++) {
    double factor = (double) statistics->scale[i]
                    / sqrt ((double) statistics->variance[i] + statistics->epsilon);

    scale[i] = (float) factor;
    offset[i] = (float) ((double) statistics->offset[i]
                         - (double) statistics->mean[i] * factor);
  }
  value->name = add_binary (graph, call, "Mul", value->name,
      frame_add_factor (graph, call, "scale", value, shape, scale));
  value->name = add_binary (graph, call, "Add", value->name,
      frame_add_factor (graph, call, "offset", value, shape, offset));
}

gboolean
frame_emit_batch_normalization (FrameGraph *graph, const FrameCall *call, FrameValue *output)
{
  const FrameValue *input = &call->inputs[0];
  gboolean has_axis[FRAME_MAX_DIMS] = {FALSE}, is_valid;
  gint64 shape[FRAME_MAX_DIMS], broadcast_shape[FRAME_MAX_DIMS];
  Statistics statistics = {0};
  guint n;

  if (!keras_read_number (
          graph->reader, call->layer, call->layer->config, "epsilon", 1e-3, &statistics.epsilon)
      || !frame_check_unset (graph, call, "renorm")
      || !read_axes (graph, call, input, -1, has_axis, NULL))
    return FALSE;
  n = get_factor_shape (input, has_axis, shape, broadcast_shape);
  if (n != 1)
    return keras_fail (graph->reader, call->layer, CONVERT_ERROR_UNSUPPORTED,
        "axis: expected one axis, found %u", n);
  is_valid = read_statistics (graph, call, shape[0], &statistics);
  if (is_valid && has_axis[input->n_dims - 1]) {
    *output = frame_move_axes (graph, call, input);
    add_batch_normalization (graph, call, &statistics, output);
  } else if (is_valid && has_axis[0]) {
    *output = frame_order_axes (graph, call, input);
    add_batch_normalization (graph, call, &statistics, output);
  } else if (is_valid) {
    *output = *input;
    add_scale_and_offset (graph, call, &statistics, broadcast_shape, output);
  }
  clear_statistics (&statistics);
  return is_valid;
}

/* --- LayerNormalization --- */

/* Returns the first of the marked axes, if all axes that follow are marked too; otherwise -1. */
static gint
find_first_axis (const FrameValue *value, const gboolean *has_axis)
{
  gint first = -1;

  for (guint i = 0; i < value->n_dims; i++) {
    if (has_axis[i] && first < 0)
      first = (gint) i;
    if (!has_axis[i] && first >= 0)
      return -1;
  }
  return first;
}

gboolean
frame_emit_layer_normalization (FrameGraph *graph, const FrameCall *call, FrameValue *output)
{
  static const char *const names[] = {"gamma", "beta"};
  FrameValue value = frame_order_axes (graph, call, &call->inputs[0]);
  gboolean has_axis[FRAME_MAX_DIMS] = {FALSE};
  gint64 shape[FRAME_MAX_DIMS], broadcast_shape[FRAME_MAX_DIMS];
  const char *inputs[] = {value.name, NULL, NULL, NULL};
  g_autofree float *gamma = NULL;
  Onnx__NodeProto *node;
  double epsilon;
  gint64 n_values;
  gint first;
  guint n;

  if (!keras_read_number (
          graph->reader, call->layer, call->layer->config, "epsilon", 1e-3, &epsilon)
      || !frame_check_unset (graph, call, "rms_scaling")
      || !read_axes (graph, call, &value, -1, has_axis, NULL))
    return FALSE;
  first = find_first_axis (&value, has_axis);
  n = get_factor_shape (&value, has_axis, shape, broadcast_shape);
  if (first < 0)
    return keras_fail (graph->reader, call->layer, CONVERT_ERROR_UNSUPPORTED,
        "axis: expected the last axes, found other axes");
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (call->weights[i].values && !frame_check_weight (graph, call, names[i], i, n, shape))
      return FALSE;
  n_values = frame_get_size (n, shape);
  if (!call->weights[0].values && (n_values < 0 || n_values > MAX_ONES))
    return keras_fail (graph->reader, call->layer, CONVERT_ERROR_UNSUPPORTED,
        "axis: expected at most %d values without scale, found more", MAX_ONES);
  gamma = copy_weight (call, 0, (gsize) n_values, 1);
  inputs[1] = frame_add_floats (graph, call, "gamma", n, shape, gamma);
  if (call->weights[1].values)
    inputs[2] = frame_add_floats (graph, call, "beta", n, shape, call->weights[1].values);
  *output = value;
  output->name = frame_add_node (graph, call, "LayerNormalization", inputs, &node);
  onnx_builder_set_int (graph->builder, node, "axis", first + 1);
  onnx_builder_set_float (graph->builder, node, "epsilon", (float) epsilon);
  return TRUE;
}

/* --- Rescaling and Normalization --- */

/* Rescaling computes x · scale + offset. */
gboolean
frame_emit_rescaling (FrameGraph *graph, const FrameCall *call, FrameValue *output)
{
  static const char *const keys[] = {"scale", "offset"}, *const op_types[] = {"Mul", "Add"};

  *output = call->inputs[0];
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++) {
    g_autoptr (GArray) numbers = g_array_new (FALSE, FALSE, sizeof (float));
    const char *factor;

    if (i == 1 && !keras_get_member (call->layer->config, keys[i]))
      continue;
    if (!frame_read_numbers (
            graph, call, keys[i], keras_get_member (call->layer->config, keys[i]), numbers))
      return FALSE;
    if (i == 1 && numbers->len == 1 && g_array_index (numbers, float, 0) == 0)
      continue;
    factor = frame_add_numbers (graph, call, keys[i], output, numbers);
    if (!factor)
      return FALSE;
    output->name = add_binary (graph, call, op_types[i], output->name, factor);
  }
  return TRUE;
}

/* Replaces variances by standard deviations. */
static gboolean
compute_deviations (FrameGraph *graph, const FrameCall *call, float *variances, gsize n)
{
  for (gsize i = 0; i < n; i++) {
    if (!(variances[i] >= 0))
      return keras_fail (graph->reader, call->layer, CONVERT_ERROR_FILE,
          "variance: expected values of at least 0, found %g", (double) variances[i]);
    variances[i] = (float) MAX (sqrt ((double) variances[i]), EPSILON);
  }
  return TRUE;
}

static gboolean
fail_axis (FrameGraph *graph, const FrameCall *call)
{
  g_autofree char *found = keras_describe_member (call->layer->config, "axis");

  return keras_fail (graph->reader, call->layer, CONVERT_ERROR_UNSUPPORTED,
      "axis: expected the last axis for an array of means or variances, found %s", found);
}

/* Adds the factors from the configuration. */
static gboolean
add_config_moments (
    FrameGraph *graph, const FrameCall *call, const FrameValue *value, const char **factors)
{
  g_autoptr (GArray) means = g_array_new (FALSE, FALSE, sizeof (float));
  g_autoptr (GArray) variances = g_array_new (FALSE, FALSE, sizeof (float));
  gboolean has_axis[FRAME_MAX_DIMS] = {FALSE}, is_scalar;
  JsonObject *config = call->layer->config;

  if (!frame_read_numbers (graph, call, "mean", keras_get_member (config, "mean"), means)
      || !frame_read_numbers (
          graph, call, "variance", keras_get_member (config, "variance"), variances)
      || !read_axes (graph, call, value, -1, has_axis, &is_scalar)
      || !compute_deviations (
          graph, call, (float *) (gpointer) variances->data, variances->len))
    return FALSE;
  if ((means->len > 1 || variances->len > 1)
      && (is_scalar || find_first_axis (value, has_axis) != (gint) value->n_dims - 1))
    return fail_axis (graph, call);
  factors[0] = frame_add_numbers (graph, call, "mean", value, means);
  factors[1] = factors[0] ? frame_add_numbers (graph, call, "variance", value, variances)
                          : NULL;
  return factors[1] != NULL;
}

/* Adds the factors from the weights, which have the sizes of the axes of the configuration. */
static gboolean
add_weight_moments (
    FrameGraph *graph, const FrameCall *call, const FrameValue *value, const char **factors)
{
  static const char *const names[] = {"mean", "variance"};
  gint64 shape[FRAME_MAX_DIMS], broadcast_shape[FRAME_MAX_DIMS];
  gboolean has_axis[FRAME_MAX_DIMS] = {FALSE}, is_scalar;
  g_autofree float *deviations = NULL;
  guint n;

  if (!read_axes (graph, call, value, -1, has_axis, &is_scalar))
    return FALSE;
  n = get_factor_shape (value, has_axis, shape, broadcast_shape);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (!frame_check_weight (graph, call, names[i], i, n, shape))
      return FALSE;
  deviations = copy_weight (call, 1, call->weights[1].size, 1);
  if (!compute_deviations (graph, call, deviations, call->weights[1].size))
    return FALSE;
  factors[0] = frame_add_factor (
      graph, call, "mean", value, broadcast_shape, call->weights[0].values);
  factors[1] = frame_add_factor (graph, call, "deviation", value, broadcast_shape, deviations);
  return TRUE;
}

/* Normalization computes (x − mean) / deviation, or with invert x · deviation + mean. */
gboolean
frame_emit_normalization (FrameGraph *graph, const FrameCall *call, FrameValue *output)
{
  gboolean has_config = keras_get_member (call->layer->config, "mean") != NULL, is_inverse;
  const char *factors[2] = {NULL, NULL};

  *output = call->inputs[0];
  if (!keras_read_bool (
          graph->reader, call->layer, call->layer->config, "invert", FALSE, &is_inverse)
      || !(has_config ? add_config_moments (graph, call, output, factors)
                      : add_weight_moments (graph, call, output, factors)))
    return FALSE;
  if (is_inverse) {
    output->name = add_binary (graph, call, "Mul", output->name, factors[1]);
    output->name = add_binary (graph, call, "Add", output->name, factors[0]);
    return TRUE;
  }
  output->name = add_binary (graph, call, "Sub", output->name, factors[0]);
  output->name = add_binary (graph, call, "Div", output->name, factors[1]);
  return TRUE;
}

/* A class of keras.applications, in ConvNeXt: x · gamma */
gboolean
frame_emit_layer_scale (FrameGraph *graph, const FrameCall *call, FrameValue *output)
{
  gint64 shape[FRAME_MAX_DIMS];
  guint last;

  *output = call->inputs[0];
  last = output->n_dims - 1;
  if (!frame_check_weight (graph, call, "gamma", 0, 1, &output->shape[last]))
    return FALSE;
  for (guint i = 0; i < last; i++)
    shape[i] = 1;
  shape[last] = output->shape[last];
  output->name = add_binary (graph, call, "Mul", output->name,
      frame_add_factor (graph, call, "gamma", output, shape, call->weights[0].values));
  return TRUE;
}
