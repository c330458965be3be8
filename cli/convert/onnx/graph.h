/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The interpreter of an ONNX graph: it gives each name a value. An If runs a graph within it. */
#pragma once

#include "onnx/scope.h"

/* Computes the values of the outputs of all nodes. Returns FALSE with @error if the graph is
 * broken. A node that cannot be converted is not an error: see value.h. */
gboolean onnx_run_graph (
    OnnxReader *reader, OnnxScope *scope, const Onnx__GraphProto *graph, GError **error);

/* Runs the branch of an If whose condition is constant. */
OnnxValue *onnx_run_if (OnnxReader *reader, OnnxNode *node);
