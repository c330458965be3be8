/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/normalization.h"
#include "onnx/args.h"
#include "onnx/directions.h"
#include "onnx/factored-norm.h"
#include "onnx/mask.h"
#include "onnx/moments.h"
#include "onnx/pool.h"
#include "onnx/select.h"
#include "onnx/signal.h"
#include <math.h>

/* Returns NULL, or an unsupported value if @d is 0, or if @features has a known size that is not
 * @d. */
static OnnxValue *
check_size (OnnxReader *reader, OnnxNode *node, const OnnxAxis *features, gsize d)
{
  OnnxInt size = onnx_axis_size (reader, features);

  if (d && (size.factor != ONNX_NO_FACTOR || (gsize) size.offset == d))
    return NULL;
  return onnx_unsupported (reader, node, "scale: expected a value for each of %s, found %s",
      onnx_axis_describe (reader, features), onnx_describe_input (reader, node, 1));
}

static OnnxValue *
check_batch_norm (OnnxReader *reader, OnnxNode *node)
{
  OnnxValue *in = node->inputs[0];

  if (in->n_axes < 2)
    return onnx_unsupported_input (reader, node, "X", 0, "at least 2 dimensions");
  if (onnx_get_int (node, "training_mode", 0)
      || (reader->opset < 7 && !onnx_get_int (node, "is_test", 0)))
    return onnx_unsupported (reader, node,
        "mode: expected evaluation, found training; export the model after model.eval()");
  if (!onnx_get_int (node, "spatial", 1))
    return onnx_unsupported (reader, node, "spatial: expected 1, found 0");
  if (!onnx_stage_bind_features (reader, in->stage, &in->axes[1]))
    return onnx_unsupported (reader, node,
        "X: expected all features of a step along axis 1, found %s in %s",
        onnx_axis_describe (reader, &in->axes[1]), onnx_value_describe (reader, in));
  return NULL;
}

OnnxValue *
onnx_apply_batch_norm (OnnxReader *reader, OnnxNode *node)
{
  static const char *const names[] = {NULL, "scale", "B", "input_mean", "input_var"};
  OnnxValue *in = node->inputs[0], *unsupported = check_batch_norm (reader, node);
  double epsilon = (double) onnx_get_float (node, "epsilon", 1e-5f);
  const OnnxTensor *gamma = onnx_get_tensor_input (node, 1), *vectors[5];
  gsize d = gamma ? gamma->n_values : 0;
  OnnxTensor *scale;

  if (unsupported || (unsupported = check_size (reader, node, &in->axes[1], d)))
    return unsupported;
  for (guint i = 1; i < 5; i++)
    if (!(vectors[i] = onnx_get_vector_input (reader, node, i, d)))
      return onnx_unsupported_input (
          reader, node, names[i], i, "a constant real number for each feature");
  if (!(scale = onnx_tensor_new (reader, FALSE, 1, &d)))
    return onnx_value_from_tensor (reader, node, NULL);
  for (gsize k = 0; k < d; k++)
    scale->reals[k] = (float) ((double) vectors[1]->reals[k]
                               / sqrt ((double) vectors[4]->reals[k] + epsilon));
  in = onnx_signal_apply_arithmetic (reader, node, in, '-', vectors[3]);
  in = onnx_signal_apply_arithmetic (reader, node, in, '*', scale);
  return onnx_signal_apply_arithmetic (reader, node, in, '+', vectors[2]);
}

/* Returns whether all axes from @axis on are the features of a step. */
static gboolean
bind_last_axes (OnnxReader *reader, const OnnxValue *in, guint axis)
{
  OnnxAxis features = {0};

  for (guint i = axis; i < in->n_axes; i++)
    if (!onnx_axis_append (&features, &in->axes[i]))
      return FALSE;
  return onnx_stage_bind_features (reader, in->stage, &features);
}

OnnxValue *
onnx_apply_layer_norm (OnnxReader *reader, OnnxNode *node)
{
  OnnxValue *in = node->inputs[0], *value, *unsupported;
  const OnnxTensor *gamma = onnx_get_tensor_input (node, 1);
  gsize d = gamma ? gamma->n_values : 0;
  guint axis;

  if ((unsupported = onnx_get_axis (reader, node, -1, in->n_axes, &axis)))
    return unsupported;
  if (!bind_last_axes (reader, in, axis))
    return onnx_unsupported (reader, node,
        "axis: expected the features of a step from axis %u on, found %s", axis,
        onnx_value_describe (reader, in));
  if ((unsupported = check_size (reader, node, &in->stage->features, d)))
    return unsupported;
  value = onnx_new_layer_norm (
      reader, node, in, in->stage, (double) onnx_get_float (node, "epsilon", 1e-5f));
  value->stage->scale = onnx_get_vector_input (reader, node, 1, d);
  value->stage->bias = onnx_get_vector_input (reader, node, 2, d);
  if (!value->stage->scale)
    return onnx_unsupported_input (
        reader, node, "scale", 1, "a constant real number for each feature");
  if (onnx_get_input (node, 2) && !value->stage->bias)
    return onnx_unsupported_input (
        reader, node, "B", 2, "a constant real number for each feature");
  return value;
}

/* Returns the sum or mean of both directions over their axis, or NULL. */
static OnnxValue *
reduce_directions (OnnxReader *reader, OnnxNode *node, guint axis, gboolean keeps_axis)
{
  OnnxValue *parts[2], *value;

  for (gint64 i = 0; i < 2; i++) {
    const OnnxRange range = {onnx_int_constant (i), onnx_int_constant (i + 1), 1};

    parts[i] = onnx_value_slice (reader, node, node->inputs[0], axis, range);
    if (parts[i]->kind != ONNX_VALUE_SIGNAL || parts[i]->stage->kind != ONNX_STAGE_RECURRENT)
      return NULL;
  }
  value = onnx_signal_merge (reader, parts[0], parts[1], "sum", 0);
  if (value && g_str_equal (node->op->reduction, "mean"))
    value = onnx_signal_scale (reader, node, value, .5f);
  if (!value || keeps_axis)
    return value;
  return onnx_value_drop_axis (reader, value, axis);
}

/* Returns the mean or variance of a layer normalization, or NULL. */
static OnnxValue *
reduce_features (OnnxReader *reader, OnnxNode *node)
{
  OnnxValue *in = node->inputs[0];

  if (onnx_is_moment (in, ONNX_MOMENT_SQUARED))
    return onnx_new_moment (reader, node, in, in->stage->parent, ONNX_MOMENT_VARIANCE);
  return bind_last_axes (reader, in, in->n_axes - 1)
             ? onnx_new_moment (reader, node, in, in->stage, ONNX_MOMENT_MEAN)
             : NULL;
}

/* Removes the axes of @mask, which have size 1. */
static OnnxValue *
drop_axes (OnnxReader *reader, OnnxValue *value, guint32 mask)
{
  for (guint i = value->n_axes; i-- > 0;)
    if (mask >> i & 1)
      value = onnx_value_drop_axis (reader, value, i);
  return value;
}

OnnxValue *
onnx_apply_reduce (OnnxReader *reader, OnnxNode *node)
{
  OnnxValue *in = node->inputs[0], *value = NULL, *unsupported;
  gboolean has_axes, keeps_axis = onnx_get_int (node, "keepdims", 1) != 0;
  gboolean is_mean = g_str_equal (node->op->reduction, "mean");
  guint32 mask;

  if (onnx_is_comparison (in) && !is_mean)
    return onnx_reduce_comparison (reader, node);
  if ((unsupported = onnx_get_axes (reader, node, in->n_axes, &mask, &has_axes)))
    return unsupported;
  for (guint i = 0; i < in->n_axes && !g_str_equal (node->op->reduction, "max"); i++)
    if (mask == 1u << i && onnx_stage_has_both_directions (in->stage) && in->axes[i].n == 1)
      value = reduce_directions (reader, node, i, keeps_axis);
  if (!value && mask
      && (value = onnx_signal_pool (reader, node, in, mask, node->op->reduction)))
    value = keeps_axis ? value : drop_axes (reader, value, mask);
  if (!value && in->n_axes && mask == 1u << (in->n_axes - 1) && keeps_axis && is_mean)
    value = reduce_features (reader, node);
  return value ? value
               : onnx_unsupported (reader, node,
                   "%s is supported only over time%s%s; found axes %s of %s",
                   node->proto->op_type,
                   g_str_equal (node->op->reduction, "max")
                       ? ""
                       : ", for the directions of a recurrent layer",
                   is_mean ? " and inside a layer normalization" : "",
                   onnx_describe_argument (reader, node, "axes", 1),
                   onnx_value_describe (reader, in));
}

/* Returns input @i if the input is one constant, or NaN. */
static float
get_number (const OnnxNode *node, guint i)
{
  const OnnxTensor *tensor = onnx_get_tensor_input (node, i);

  if (!tensor || tensor->n_values != 1)
    return NAN;
  return tensor->is_int ? (float) tensor->ints[0].offset : tensor->reals[0];
}

OnnxValue *
onnx_apply_power (OnnxReader *reader, OnnxNode *node)
{
  const OnnxValue *in = node->inputs[0];

  if (!onnx_is_moment (in, ONNX_MOMENT_CENTRED) || get_number (node, 1) != 2)
    return onnx_unsupported (reader, node,
        "%s is supported only as the square inside a layer normalization; found %s to the "
        "power of %s",
        node->proto->op_type, onnx_describe_input (reader, node, 0),
        onnx_describe_input (reader, node, 1));
  return onnx_new_moment (reader, node, in, in->stage->parent, ONNX_MOMENT_SQUARED);
}

OnnxValue *
onnx_apply_moment (OnnxReader *reader, OnnxNode *node)
{
  const OnnxValue *in = node->inputs[0];
  OnnxValue *value;

  if (!onnx_is_moment (in, node->op->moment.from))
    return onnx_unsupported (reader, node,
        "%s is supported only inside a layer normalization; found input %s",
        node->proto->op_type, onnx_value_describe (reader, in));
  value = onnx_new_moment (reader, node, in, in->stage->parent, node->op->moment.to);
  value->stage->epsilon = in->stage->epsilon;
  return value;
}

/* Returns the result of two intermediate results of the same layer normalization, or NULL. */
static OnnxValue *
combine_moments (OnnxReader *reader, OnnxNode *node)
{
  OnnxValue *a = node->inputs[0], *b = node->inputs[1];
  char arithmetic = node->op->arithmetic;

  if (onnx_is_moment (b, ONNX_MOMENT_MEAN) && a->stage == b->stage->parent && arithmetic == '-')
    return onnx_new_moment (reader, node, a, a->stage, ONNX_MOMENT_CENTRED);
  if (arithmetic == '*' && onnx_is_moment (b, ONNX_MOMENT_CENTRED)
      && onnx_is_moment (a, ONNX_MOMENT_INVERSE_DEVIATION)
      && a->stage->parent == b->stage->parent)
    return onnx_new_layer_norm (reader, node, b, b->stage->parent, a->stage->epsilon);
  if (!onnx_is_moment (a, ONNX_MOMENT_CENTRED) || a->stage->parent != b->stage->parent)
    return NULL;
  if (arithmetic == '*' && a->stage == b->stage)
    return onnx_new_moment (reader, node, a, a->stage->parent, ONNX_MOMENT_SQUARED);
  if ((arithmetic == '*' && onnx_is_moment (b, ONNX_MOMENT_INVERSE_DEVIATION))
      || (arithmetic == '/' && onnx_is_moment (b, ONNX_MOMENT_DEVIATION)))
    return onnx_new_layer_norm (reader, node, a, a->stage->parent, b->stage->epsilon);
  return NULL;
}

OnnxValue *
onnx_continue_layer_norm (OnnxReader *reader, OnnxNode *node)
{
  OnnxValue *variance, *value;
  gboolean is_second;

  if (node->n_inputs != 2 || !node->inputs[0] || !node->inputs[1])
    return NULL;
  if ((value = onnx_continue_factored_norm (reader, node)))
    return value;
  if (node->inputs[0]->kind == ONNX_VALUE_SIGNAL && node->inputs[1]->kind == ONNX_VALUE_SIGNAL)
    return combine_moments (reader, node);
  is_second = onnx_is_moment (node->inputs[1], ONNX_MOMENT_VARIANCE);
  variance = node->inputs[is_second];
  if (!onnx_is_moment (variance, ONNX_MOMENT_VARIANCE) || node->op->arithmetic != '+'
      || !(get_number (node, !is_second) >= 0))
    return NULL;
  value = onnx_new_moment (
      reader, node, variance, variance->stage->parent, ONNX_MOMENT_VARIANCE_EPSILON);
  value->stage->epsilon = (double) get_number (node, !is_second);
  return value;
}
