/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/factored-norm.h"
#include "onnx/moments.h"
#include "onnx/signal.h"

OnnxValue *
onnx_apply_neg (OnnxReader *reader, OnnxNode *node)
{
  OnnxValue *in = node->inputs[0], *value;

  if (in->kind != ONNX_VALUE_SIGNAL)
    return onnx_unsupported_input (reader, node, "X", 0, "one tensor");
  if (onnx_is_moment (in, ONNX_MOMENT_MEAN))
    return onnx_new_moment (reader, node, in, in->stage->parent, ONNX_MOMENT_NEGATIVE_MEAN);
  value = onnx_signal_scale (reader, node, in, -1);
  return value ? value : onnx_value_from_tensor (reader, node, NULL);
}

/* Returns: (nullable): @value if it is f, with or without gamma */
static const OnnxStage *
get_factor (const OnnxValue *value)
{
  return onnx_is_moment (value, ONNX_MOMENT_FACTOR)
                 || onnx_is_moment (value, ONNX_MOMENT_INVERSE_DEVIATION)
             ? value->stage
             : NULL;
}

/* Returns input @i as (d), if it is a constant for each feature of @stage, or NULL. */
static const OnnxTensor *
get_parameter (OnnxReader *reader, const OnnxNode *node, guint i, const OnnxStage *stage)
{
  OnnxInt size = onnx_axis_size (reader, &stage->features);

  return size.factor == ONNX_NO_FACTOR && size.offset > 0
             ? onnx_get_vector_input (reader, node, i, (gsize) size.offset)
             : NULL;
}

/* Returns f, x · f or mean · f, from two of x, a mean, f and gamma. */
static OnnxValue *
multiply_parts (OnnxReader *reader, OnnxNode *node)
{
  for (guint i = 0; i < 2; i++) {
    const OnnxValue *other = node->inputs[!i];
    const OnnxStage *factor = get_factor (node->inputs[i]);
    OnnxMoment moment = ONNX_MOMENT_NONE;
    const OnnxTensor *gamma;
    OnnxValue *value;

    if (!factor)
      continue;
    gamma = get_parameter (reader, node, !i, factor);
    if (gamma && factor->moment == ONNX_MOMENT_INVERSE_DEVIATION) {
      value = onnx_new_moment (
          reader, node, node->inputs[i], factor->parent, ONNX_MOMENT_FACTOR);
      value->stage->scale = gamma;
      value->stage->epsilon = factor->epsilon;
      return value;
    }
    if (!onnx_value_is (other, ONNX_VALUE_SIGNAL))
      continue;
    if (other->stage == factor->parent)
      moment = ONNX_MOMENT_SCALED;
    else if (other->stage->parent == factor->parent && onnx_is_moment (other, ONNX_MOMENT_MEAN))
      moment = ONNX_MOMENT_SCALED_MEAN;
    else if (other->stage->parent == factor->parent
             && onnx_is_moment (other, ONNX_MOMENT_NEGATIVE_MEAN))
      moment = ONNX_MOMENT_SHIFT;
    if (!moment)
      continue;
    value = onnx_new_moment (reader, node, node->inputs[i], factor->parent, moment);
    value->stage->factor = factor;
    return value;
  }
  return NULL;
}

/* Returns beta − mean · f, or NULL. */
static OnnxValue *
add_beta (OnnxReader *reader, OnnxNode *node)
{
  gboolean adds = node->op->arithmetic == '+';

  for (guint i = 0; i < 2; i++) {
    const OnnxValue *in = node->inputs[i];
    const OnnxTensor *beta;
    OnnxValue *value;

    if (adds ? !onnx_is_moment (in, ONNX_MOMENT_SHIFT) || in->stage->bias
             : i == 0 || !onnx_is_moment (in, ONNX_MOMENT_SCALED_MEAN))
      continue;
    if (!(beta = get_parameter (reader, node, !i, in->stage)))
      continue;
    value = onnx_new_moment (reader, node, in, in->stage->parent, ONNX_MOMENT_SHIFT);
    value->stage->factor = in->stage->factor;
    value->stage->bias = beta;
    return value;
  }
  return NULL;
}

/* Returns the layer normalization x · f + shift or x · f − mean · f, or NULL. */
static OnnxValue *
add_shift (OnnxReader *reader, OnnxNode *node)
{
  gboolean adds = node->op->arithmetic == '+';

  for (guint i = 0; i < 1u + adds; i++) {
    const OnnxValue *scaled = node->inputs[i], *shift = node->inputs[!i];
    const OnnxStage *factor;
    OnnxValue *value;

    if (!onnx_is_moment (scaled, ONNX_MOMENT_SCALED)
        || !onnx_is_moment (shift, adds ? ONNX_MOMENT_SHIFT : ONNX_MOMENT_SCALED_MEAN)
        || scaled->stage->factor != shift->stage->factor)
      continue;
    factor = scaled->stage->factor;
    value = onnx_new_layer_norm (reader, node, scaled, factor->parent, factor->epsilon);
    value->stage->scale = factor->scale;
    value->stage->bias = shift->stage->bias;
    return value;
  }
  return NULL;
}

OnnxValue *
onnx_continue_factored_norm (OnnxReader *reader, OnnxNode *node)
{
  OnnxValue *value;

  if (node->op->arithmetic == '*')
    return multiply_parts (reader, node);
  if (node->op->arithmetic == '/')
    return NULL;
  value = add_shift (reader, node);
  return value ? value : add_beta (reader, node);
}
