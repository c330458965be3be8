/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/onnx/unrolled.h"

OnnxValue *
onnx_split_join (Splitter *splitter, SplitNode *node, guint axis)
{
  return onnx_unsupported (&splitter->reader, &node->base,
      "inputs: expected frames that one node computes, found %" G_GINT64_FORMAT
      " branches along axis %u",
      splitter->n_steps, axis);
}

OnnxValue *
onnx_split_roll (Splitter *splitter, OnnxBuilder *builder, SplitRolled *rolled)
{
  (void) builder;
  (void) rolled;
  return onnx_unsupported (&splitter->reader, &splitter->recurrent->base,
      "expected a recurrent node over all steps, found one of one step");
}
