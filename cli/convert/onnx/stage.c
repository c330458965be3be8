/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/stage.h"

OnnxStage *
onnx_stage_new_input (OnnxReader *reader, const char *label)
{
  OnnxStage *stage = g_new0 (OnnxStage, 1);

  g_ptr_array_add (reader->arena, stage);
  stage->label = label;
  return stage;
}

OnnxStage *
onnx_stage_copy (OnnxReader *reader, const OnnxStage *stage)
{
  OnnxStage *copy = g_memdup2 (stage, sizeof *stage);

  g_ptr_array_add (reader->arena, copy);
  return copy;
}

gboolean
onnx_stage_bind_features (OnnxReader *reader, OnnxStage *stage, const OnnxAxis *axis)
{
  if (stage->has_features)
    return onnx_axis_equal (axis, &stage->features);
  for (guint i = 1; i < axis->n; i++)
    if (axis->factors[i] <= axis->factors[i - 1])
      return FALSE;
  if (!onnx_axis_bind (reader, axis, ONNX_ROLE_FEATURE))
    return FALSE;
  for (OnnxStage *at = stage; at; at = (OnnxStage *) at->parent) {
    at->has_features = TRUE;
    at->features = *axis;
  }
  return TRUE;
}

gboolean
onnx_stage_has_both_directions (const OnnxStage *stage)
{
  return stage->kind == ONNX_STAGE_RECURRENT && stage->cells[0] && stage->cells[1];
}
