/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The interpreter of an ONNX graph, which computes the value of each name. */
#pragma once

#include "onnx/scope.h"

/* Computes the values of the outputs of all nodes. Returns FALSE with @error if the graph is
 * broken. A node that cannot be converted is not an error, see value.h. */
gboolean onnx_graph_run (
    OnnxReader *reader, OnnxScope *scope, const Onnx__GraphProto *graph, GError **error);
