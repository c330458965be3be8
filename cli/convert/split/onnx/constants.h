/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Nodes that compute constants, with the functions of the reader of ONNX that fold constants. */
#pragma once

#include "split/onnx/graph.h"

/* Computes Shape and Size of a tensor that depends on frames.
 * Returns NULL, or an unsupported value. */
OnnxValue *onnx_split_run_shape (Splitter *splitter, SplitNode *node);

/* Sets the outputs of @node, whose inputs are constants. A constant that depends on no shape of a
 * clip may stay without numbers: the new models copy its node. */
void onnx_split_run_constant (Splitter *splitter, SplitNode *node);
