/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/signal.h"

OnnxValue *
onnx_signal_new (OnnxReader *reader, const OnnxValue *like, OnnxStage *stage)
{
  OnnxValue *value = onnx_value_copy (reader, like);

  value->kind = ONNX_VALUE_SIGNAL;
  value->state_part = ONNX_STATE_PART_NONE;
  value->stage = stage;
  return value;
}

static gboolean
is_scale (const OnnxStage *stage)
{
  return stage->kind == ONNX_STAGE_AFFINE && stage->arithmetic == '*'
         && stage->operand->n_values == 1;
}

/* Returns @stage, which is dense, with the outputs multiplied by @scale, (1) or (n), or NULL if
 * memory is insufficient. */
static OnnxStage *
scale_weights (OnnxReader *reader, const OnnxStage *stage, const OnnxTensor *scale)
{
  OnnxStage *scaled = onnx_stage_copy (reader, stage);
  OnnxTensor *weight = onnx_tensor_new (reader, FALSE, 2, stage->weight->shape);
  gsize d = stage->weight->shape[1];

  for (gsize k = 0; weight && k < weight->n_values; k++)
    weight->reals[k] = stage->weight->reals[k] * scale->reals[scale->n_values == 1 ? 0 : k / d];
  scaled->weight = weight;
  return weight ? scaled : NULL;
}

OnnxValue *
onnx_signal_apply_arithmetic (OnnxReader *reader, const OnnxNode *node, OnnxValue *in,
    char arithmetic, const OnnxTensor *operand)
{
  OnnxStage *stage;

  if (in->stage->is_unscaled && arithmetic == '*') {
    stage = scale_weights (reader, in->stage, operand);
    return stage ? onnx_signal_new (reader, in, stage)
                 : onnx_value_from_tensor (reader, node, NULL);
  }
  stage = onnx_node_new_stage (reader, node, ONNX_STAGE_AFFINE, in->stage);
  stage->arithmetic = arithmetic;
  stage->operand = operand;
  if (is_scale (stage) && is_scale (in->stage)
      && operand->reals[0] * in->stage->operand->reals[0] == 1)
    stage = (OnnxStage *) in->stage->parent;
  return onnx_signal_new (reader, in, stage);
}

OnnxValue *
onnx_signal_scale (OnnxReader *reader, const OnnxNode *node, OnnxValue *in, float factor)
{
  OnnxTensor *operand = onnx_tensor_from_reals (reader, &factor, 1);

  return operand ? onnx_signal_apply_arithmetic (reader, node, in, '*', operand) : NULL;
}
