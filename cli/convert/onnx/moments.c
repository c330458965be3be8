/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/moments.h"
#include "onnx/signal.h"

OnnxValue *
onnx_new_layer_norm (OnnxReader *reader, OnnxNode *node, const OnnxValue *like,
    const OnnxStage *x, double epsilon)
{
  OnnxStage *stage = onnx_node_new_stage (reader, node, ONNX_STAGE_LAYER_NORM, x);

  stage->epsilon = epsilon;
  return onnx_signal_new (reader, like, stage);
}

OnnxValue *
onnx_new_moment (OnnxReader *reader, OnnxNode *node, const OnnxValue *like, const OnnxStage *x,
    OnnxMoment moment)
{
  OnnxStage *stage = onnx_node_new_stage (reader, node, ONNX_STAGE_MOMENT, x);

  stage->moment = moment;
  return onnx_signal_new (reader, like, stage);
}

gboolean
onnx_is_moment (const OnnxValue *value, OnnxMoment moment)
{
  return onnx_value_is (value, ONNX_VALUE_SIGNAL) && value->stage->kind == ONNX_STAGE_MOMENT
         && value->stage->moment == moment;
}
