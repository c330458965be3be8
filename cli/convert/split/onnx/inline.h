/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Graphs whose nodes replace a node: a branch of If whose condition is known, and functions of the
 * model. */
#pragma once

#include "split/onnx/graph.h"

typedef struct {
  gboolean is_found;
  Onnx__GraphProto graph; /* the nodes */
  const char **outputs;   /* (n_outputs), the names of the outputs of the node in the graph */
  gsize n_outputs;
  SplitScope scope;
  SplitScope *outer; /* the graph of the node; NULL until the scope exists */
} SplitInner;

/* Finds the graph that replaces @proto, and makes it the current graph. inner->is_found: whether
 * there is such a graph. The caller calls onnx_split_leave_graph() in any case.
 * Returns FALSE with @error if the graph is broken. */
gboolean onnx_split_enter_graph (
    Splitter *splitter, const Onnx__NodeProto *proto, SplitInner *inner, GError **error);

/* Makes the graph of @proto the current graph, and adds the outputs of @proto. */
void onnx_split_leave_graph (
    Splitter *splitter, const Onnx__NodeProto *proto, SplitInner *inner);
