/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/elementwise.h"
#include "onnx/activation.h"
#include "onnx/directions.h"
#include "onnx/mask.h"
#include "onnx/normalization.h"
#include "onnx/pool.h"
#include "onnx/signal.h"

/* Returns whether the axes along which @constant has several values are all features of a step. */
static gboolean
bind_operand (OnnxReader *reader, const OnnxValue *in, const OnnxTensor *constant)
{
  OnnxAxis features = {0};

  for (guint i = 0; i < constant->n_dims; i++) {
    const OnnxAxis *axis = &in->axes[in->n_axes - constant->n_dims + i];

    if (constant->shape[i] == 1)
      continue;
    if (!axis->n || !onnx_axis_append (&features, axis)
        || !onnx_axis_bind (reader, axis, ONNX_ROLE_FEATURE)
        || !onnx_axis_set_size (reader, axis, constant->shape[i]))
      return FALSE;
  }
  return onnx_stage_bind_features (reader, in->stage, &features);
}

/* Returns @constant as (1) if it has one value, as (d) if it has a value for each feature, and NULL
 * otherwise. If @constant has more axes than *value, *value gets axes of size 1. */
static const OnnxTensor *
get_operand (OnnxReader *reader, OnnxValue **value, const OnnxTensor *constant)
{
  OnnxValue *in = *value;
  gsize n = constant->n_values;

  if (!n)
    return NULL;
  if (constant->n_dims > in->n_axes)
    in = onnx_value_prepend_axes (reader, in, constant->n_dims);
  if (n > 1 && !bind_operand (reader, in, constant))
    return NULL;
  *value = in;
  return onnx_tensor_alias (reader, constant, 1, &n);
}

/* Computes constant − x as x · −1 + constant. No layer computes constant / x. */
static OnnxValue *
apply_to_constant (OnnxReader *reader, OnnxNode *node, OnnxValue *in, const OnnxTensor *operand)
{
  char arithmetic = node->op->arithmetic;
  OnnxValue *negated;

  if (arithmetic == '*' || arithmetic == '+')
    return onnx_signal_apply_arithmetic (reader, node, in, arithmetic, operand);
  if (arithmetic == '/')
    return onnx_unsupported (reader, node,
        "inputs: division is supported only by a constant; found %s divided by %s",
        onnx_describe_input (reader, node, 0), onnx_describe_input (reader, node, 1));
  negated = onnx_signal_scale (reader, node, in, -1);
  return negated ? onnx_signal_apply_arithmetic (reader, node, negated, '+', operand)
                 : onnx_value_from_tensor (reader, node, NULL);
}

static OnnxValue *
combine_signals (OnnxReader *reader, OnnxNode *node, char arithmetic)
{
  OnnxValue *a = node->inputs[0], *b = node->inputs[1], *value = NULL;

  if (arithmetic == '*' && !(value = onnx_match_self_gated (reader, node, a, b))
      && !(value = onnx_match_self_gated (reader, node, b, a))
      && !(value = onnx_apply_mask (reader, node, a, b)))
    value = onnx_apply_mask (reader, node, b, a);
  if (!value && (arithmetic == '+' || arithmetic == '*'))
    value = onnx_signal_merge (reader, a, b, arithmetic == '+' ? "sum" : "mul", 0);
  return value
             ? value
             : onnx_unsupported (reader, node,
                 "inputs: expected a constant, or the two directions of a recurrent layer, "
                 "found %s and "
                 "%s",
                 onnx_describe_input (reader, node, 0), onnx_describe_input (reader, node, 1));
}

OnnxValue *
onnx_apply_arithmetic (OnnxReader *reader, OnnxNode *node)
{
  OnnxValue *value = onnx_continue_layer_norm (reader, node);
  const OnnxTensor *operand;
  gboolean is_first;

  if (value || (value = onnx_divide_sum (reader, node)))
    return value;
  if (node->n_inputs != 2 || !node->inputs[0] || !node->inputs[1])
    return onnx_unsupported (reader, node, "inputs: expected 2, found %u", node->n_inputs);
  if (node->inputs[0]->kind == ONNX_VALUE_SIGNAL && node->inputs[1]->kind == ONNX_VALUE_SIGNAL)
    return combine_signals (reader, node, node->op->arithmetic);
  if (onnx_find_attribute (node, "axis"))
    return onnx_unsupported (reader, node,
        "axis: expected no attribute axis, found %" G_GINT64_FORMAT,
        onnx_get_int (node, "axis", 0));
  is_first = node->inputs[0]->kind == ONNX_VALUE_TENSOR;
  value = node->inputs[is_first];
  operand = onnx_get_real_input (node, !is_first);
  if (value->kind != ONNX_VALUE_SIGNAL || !operand)
    return onnx_unsupported (reader, node,
        "inputs: expected a tensor and constant real numbers, found %s and %s",
        onnx_describe_input (reader, node, 0), onnx_describe_input (reader, node, 1));
  if (!(operand = get_operand (reader, &value, operand)))
    return onnx_unsupported (reader, node,
        "inputs: expected a constant of one value or one for each feature, found %s and %s",
        onnx_describe_input (reader, node, 0), onnx_describe_input (reader, node, 1));
  return is_first ? apply_to_constant (reader, node, value, operand)
                  : onnx_signal_apply_arithmetic (
                      reader, node, value, node->op->arithmetic, operand);
}

OnnxValue *
onnx_apply_sum (OnnxReader *reader, OnnxNode *node)
{
  if (node->n_inputs != 2 || !onnx_value_is (node->inputs[0], ONNX_VALUE_SIGNAL)
      || !onnx_value_is (node->inputs[1], ONNX_VALUE_SIGNAL))
    return onnx_unsupported (reader, node,
        "inputs: expected the two directions of a recurrent layer, found %u inputs, the first "
        "two of "
        "which are %s and %s",
        node->n_inputs, onnx_describe_input (reader, node, 0),
        onnx_describe_input (reader, node, 1));
  return combine_signals (reader, node, '+');
}
