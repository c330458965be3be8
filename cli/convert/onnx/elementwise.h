/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Arithmetic on signals. */
#pragma once

#include "onnx/op.h"

/* Computes the operation in the column "arithmetic" of the operator's row. The second operand is a
 * constant or the other direction of a recurrent layer, or the node is a part of an activation or
 * of a layer normalization. */
OnnxValue *onnx_apply_arithmetic (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_apply_sum (OnnxReader *reader, OnnxNode *node);
