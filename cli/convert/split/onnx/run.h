/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Runs the nodes of a graph: constants are folded, and a tensor that depends on frames gets its
 * dimensions. */
#pragma once

#include "split/onnx/graph.h"

/* Runs the nodes of @graph in the current scope.
 * Returns FALSE with @error if the graph is broken. */
gboolean onnx_split_run_graph (
    Splitter *splitter, const Onnx__GraphProto *graph, GError **error);
