/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Graphs within nodes: branches of If, bodies of Loop and Scan. */
#pragma once

#include "onnx/scope.h"

/* Makes *scope the scope of @graph, an attribute of @node. @values: (transfer none): empty; becomes
 * scope->values. @field: names the graph in messages
 * Returns NULL, or an unsupported value. */
OnnxValue *onnx_subgraph_enter (OnnxReader *reader, const OnnxNode *node, const char *field,
    const Onnx__GraphProto *graph, GHashTable *values, OnnxScope *scope);

/* Runs the nodes of @graph. Returns NULL, or an unsupported value. */
OnnxValue *onnx_subgraph_run (OnnxReader *reader, const OnnxNode *node, const char *field,
    const Onnx__GraphProto *graph, OnnxScope *scope);
