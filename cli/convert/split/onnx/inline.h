/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Nodes that the nodes of another graph replace: If with a constant condition, and functions of the
 * model. */
#pragma once

#include "split/onnx/graph.h"

/* Runs the nodes that replace @proto. *is_inlined: whether there are such nodes
 * Returns FALSE with @error if they are broken. */
gboolean onnx_split_inline_node (
    Splitter *splitter, const Onnx__NodeProto *proto, gboolean *is_inlined, GError **error);
