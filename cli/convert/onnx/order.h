/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The order in which the nodes of a graph run. */
#pragma once

#include "onnx/scope.h"

typedef struct {
  guint *nodes; /* (n), indices: a node follows the nodes whose outputs it reads */
  guint n;      /* less than the number of nodes if the graph has a cycle */
  const Onnx__NodeProto *cyclic; /* a node that is not in @nodes because of a cycle, or NULL */
} OnnxOrder;

void onnx_order_clear (OnnxOrder *order);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (OnnxOrder, onnx_order_clear)

/* Orders the nodes of @graph. A node reads its inputs, and the inputs of the graphs within it.
 * Returns FALSE with @error if two nodes have an output of the same name. */
gboolean onnx_order_nodes (OnnxReader *reader, const OnnxScope *scope,
    const Onnx__GraphProto *graph, OnnxOrder *order, GError **error);
