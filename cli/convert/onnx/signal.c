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

OnnxValue *
onnx_signal_apply_arithmetic (OnnxReader *reader, const OnnxNode *node, OnnxValue *in,
    char arithmetic, const OnnxTensor *operand)
{
  OnnxStage *stage = onnx_node_new_stage (reader, node, ONNX_STAGE_AFFINE, in->stage);

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
