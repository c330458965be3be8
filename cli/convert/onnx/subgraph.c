/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/subgraph.h"
#include "onnx/graph.h"
#include <string.h>

OnnxValue *
onnx_subgraph_enter (OnnxReader *reader, const OnnxNode *node, const char *field,
    const Onnx__GraphProto *graph, GHashTable *values, OnnxScope *scope)
{
  const char *duplicate;

  *scope = (OnnxScope){node->scope, values, node->scope->depth + 1};
  if (scope->depth > ONNX_MAX_DEPTH)
    return onnx_unsupported (reader, node,
        "%s: expected at most %d graphs within each other, found %u", field, ONNX_MAX_DEPTH,
        scope->depth);
  duplicate = onnx_scope_add_initializers (reader, scope, graph);
  return duplicate ? onnx_unsupported (reader, node,
             "%s: expected initializers of different names, found two named \"%s\"", field,
             onnx_shorten_text (reader, duplicate))
                   : NULL;
}

OnnxValue *
onnx_subgraph_run (OnnxReader *reader, const OnnxNode *node, const char *field,
    const Onnx__GraphProto *graph, OnnxScope *scope)
{
  g_autoptr (GError) error = NULL;

  if (onnx_graph_run (reader, scope, graph, &error))
    return NULL;
  return onnx_unsupported (reader, node, "%s: %s", field,
      error->message + strlen (reader->input->path) + strlen (": "));
}
