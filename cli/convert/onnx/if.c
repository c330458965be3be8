/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/if.h"
#include "onnx/subgraph.h"

static OnnxValue *
run_branch (OnnxReader *reader, OnnxNode *node, const Onnx__GraphProto *graph)
{
  g_autoptr (GHashTable) values = g_hash_table_new (g_str_hash, g_str_equal);
  OnnxValue *unsupported;
  OnnxScope scope;

  if ((unsupported = onnx_subgraph_enter (reader, node, "branch", graph, values, &scope)))
    return unsupported;
  if (graph->n_output != node->n_outputs)
    return onnx_unsupported (reader, node,
        "branch: expected %u outputs, as the node has, found %" G_GSIZE_FORMAT, node->n_outputs,
        graph->n_output);
  if ((unsupported = onnx_subgraph_run (reader, node, "branch", graph, &scope)))
    return unsupported;
  for (guint i = 0; i < node->n_outputs; i++)
    node->outputs[i] = onnx_scope_find (reader, &scope, onnx_string (graph->output[i]->name));
  return node->outputs[0];
}

OnnxValue *
onnx_run_if (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *condition = onnx_get_tensor_input (node, 0);
  const Onnx__AttributeProto *branch;
  const char *name;

  if (!condition || !condition->is_int || condition->n_values != 1
      || condition->ints[0].factor != ONNX_NO_FACTOR)
    return onnx_unsupported_input (reader, node, "condition", 0,
        "a condition that follows from constants and known sizes");
  name = condition->ints[0].offset ? "then_branch" : "else_branch";
  branch = onnx_find_attribute (node, name);
  if (!branch || !branch->g)
    return onnx_unsupported (reader, node, "%s: expected a graph, found none", name);
  return run_branch (reader, node, branch->g);
}
