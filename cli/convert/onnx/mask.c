/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/mask.h"
#include "onnx/args.h"
#include "onnx/signal.h"

#define LARGE 15 /* exp (-15) < 2⁻²⁴ · 15 */

gboolean
onnx_is_comparison (const OnnxValue *value)
{
  return onnx_value_is (value, ONNX_VALUE_SIGNAL)
         && value->stage->kind == ONNX_STAGE_COMPARISON;
}

static gboolean
has_part (const OnnxValue *value, OnnxComparison comparison)
{
  return onnx_is_comparison (value) && value->stage->comparison == comparison;
}

/* Returns @in as another part of the same comparison. */
static OnnxValue *
new_comparison (
    OnnxReader *reader, const OnnxNode *node, const OnnxValue *in, OnnxComparison comparison)
{
  OnnxStage *stage = onnx_node_new_stage (
      reader, node, ONNX_STAGE_COMPARISON, in->stage->parent);

  stage->comparison = comparison;
  stage->operand = in->stage->operand;
  stage->has_features = in->stage->has_features;
  stage->features = in->stage->features;
  return onnx_signal_new (reader, in, stage);
}

OnnxValue *
onnx_apply_equal (OnnxReader *reader, OnnxNode *node)
{
  guint i_signal = onnx_value_is (onnx_get_input (node, 0), ONNX_VALUE_SIGNAL) ? 0 : 1;
  const OnnxValue *in = onnx_get_input (node, i_signal);
  const OnnxTensor *constant = onnx_get_real_input (node, !i_signal);
  OnnxStage *stage;

  if (!onnx_value_is (in, ONNX_VALUE_SIGNAL) || in->stage->kind == ONNX_STAGE_COMPARISON
      || !constant || constant->n_values != 1)
    return onnx_unsupported (reader, node,
        "inputs: expected features and one constant, found %s and %s",
        onnx_describe_input (reader, node, 0), onnx_describe_input (reader, node, 1));
  stage = onnx_node_new_stage (reader, node, ONNX_STAGE_COMPARISON, in->stage);
  stage->comparison = ONNX_COMPARISON_EQUAL;
  stage->operand = constant;
  return onnx_signal_new (reader, in, stage);
}

OnnxValue *
onnx_apply_not (OnnxReader *reader, OnnxNode *node)
{
  const OnnxValue *in = node->inputs[0];

  return has_part (in, ONNX_COMPARISON_EQUAL)
             ? new_comparison (reader, node, in, ONNX_COMPARISON_NOT_EQUAL)
             : onnx_unsupported_input (reader, node, "X", 0, "the result of Equal");
}

OnnxValue *
onnx_reduce_comparison (OnnxReader *reader, OnnxNode *node)
{
  const OnnxValue *in = node->inputs[0];
  gboolean has_axes, keeps_axis = onnx_get_int (node, "keepdims", 1) != 0;
  OnnxValue *value, *unsupported;
  guint32 mask;

  if ((unsupported = onnx_get_axes (reader, node, in->n_axes, &mask, &has_axes)))
    return unsupported;
  if (!has_part (in, ONNX_COMPARISON_NOT_EQUAL) || !in->n_axes || mask != 1u << (in->n_axes - 1)
      || !onnx_stage_bind_features (
          reader, (OnnxStage *) in->stage->parent, &in->axes[in->n_axes - 1]))
    return onnx_unsupported (reader, node,
        "data: expected the features of a step that do not equal a constant, found axes %s of "
        "%s",
        onnx_describe_argument (reader, node, "axes", 1), onnx_value_describe (reader, in));
  value = new_comparison (reader, node, in, ONNX_COMPARISON_COUNT);
  value->stage->has_features = TRUE;
  value->stage->features.n = 0;
  value->axes[value->n_axes - 1].n = 0;
  return keeps_axis ? value : onnx_value_drop_axis (reader, value, value->n_axes - 1);
}

/* Returns the features of @in for which softplus (x) = x in float32, or NULL if @bound is too low or
 * not one constant. */
static OnnxValue *
compare_large (
    OnnxReader *reader, const OnnxNode *node, const OnnxValue *in, const OnnxTensor *bound)
{
  OnnxStage *stage;

  if (!onnx_value_is (in, ONNX_VALUE_SIGNAL) || onnx_is_comparison (in) || !bound
      || bound->is_int || bound->n_values != 1 || !(bound->reals[0] >= LARGE))
    return NULL;
  stage = onnx_node_new_stage (reader, node, ONNX_STAGE_COMPARISON, in->stage);
  stage->comparison = ONNX_COMPARISON_LARGE;
  stage->operand = bound;
  return onnx_signal_new (reader, in, stage);
}

OnnxValue *
onnx_apply_where (OnnxReader *reader, OnnxNode *node)
{
  const OnnxValue *large = node->inputs[0], *x = onnx_get_input (node, 1);
  OnnxValue *softplus = onnx_get_input (node, 2);

  if (has_part (large, ONNX_COMPARISON_LARGE) && onnx_value_is (x, ONNX_VALUE_SIGNAL)
      && x->stage == large->stage->parent && onnx_value_is (softplus, ONNX_VALUE_SIGNAL)
      && softplus->stage->kind == ONNX_STAGE_ACTIVATION && softplus->stage->parent == x->stage
      && g_str_equal (softplus->stage->activation.name, "softplus"))
    return softplus;
  return onnx_unsupported (reader, node,
      "condition: %s is supported only for x or softplus (x), found %s for %s and %s",
      node->proto->op_type, onnx_describe_input (reader, node, 0),
      onnx_describe_input (reader, node, 1), onnx_describe_input (reader, node, 2));
}

OnnxValue *
onnx_apply_greater (OnnxReader *reader, OnnxNode *node)
{
  const OnnxValue *in = node->inputs[0];
  const OnnxTensor *bound = onnx_get_tensor_input (node, 1);
  gboolean is_zero = bound && bound->n_values == 1
                     && (bound->is_int ? bound->ints[0].factor == ONNX_NO_FACTOR
                                             && bound->ints[0].offset == 0
                                       : bound->reals[0] == 0);
  OnnxValue *large = compare_large (reader, node, in, bound);

  if (large)
    return large;
  return has_part (in, ONNX_COMPARISON_COUNT) && is_zero
             ? new_comparison (reader, node, in, ONNX_COMPARISON_ANY)
             : onnx_unsupported (reader, node,
                 "inputs: expected a count of features and 0, found %s and %s",
                 onnx_describe_input (reader, node, 0), onnx_describe_input (reader, node, 1));
}

/* Returns whether the axes of @mask are the axes of @x with size 1 in place of the features. */
static gboolean
has_mask_axes (const OnnxValue *x, const OnnxValue *mask)
{
  if (x->n_axes != mask->n_axes || mask->axes[mask->n_axes - 1].n)
    return FALSE;
  for (guint i = 0; i + 1 < x->n_axes; i++)
    if (!onnx_axis_equal (&x->axes[i], &mask->axes[i]))
      return FALSE;
  return TRUE;
}

OnnxValue *
onnx_apply_mask (OnnxReader *reader, OnnxNode *node, const OnnxValue *x, const OnnxValue *mask)
{
  OnnxStage *stage;

  if (!has_part (mask, ONNX_COMPARISON_ANY) || mask->stage->parent != x->stage
      || !has_mask_axes (x, mask))
    return NULL;
  stage = onnx_node_new_stage (reader, node, ONNX_STAGE_MASKING, x->stage);
  stage->operand = mask->stage->operand;
  return onnx_signal_new (reader, x, stage);
}

const OnnxStage *
onnx_find_mask (const OnnxStage *stage, gboolean *is_reversed)
{
  *is_reversed = stage->kind == ONNX_STAGE_FLIP;
  if (*is_reversed)
    stage = stage->parent;
  return stage->kind == ONNX_STAGE_COMPARISON && stage->comparison == ONNX_COMPARISON_ANY
             ? stage
             : NULL;
}

gboolean
onnx_mask_equal (const OnnxStage *a, const OnnxStage *b)
{
  return a == b
         || (a && b && a->parent == b->parent && a->operand->reals[0] == b->operand->reals[0]);
}
