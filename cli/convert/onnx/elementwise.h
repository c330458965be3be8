/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Arithmetic on signals. */
#pragma once

#include "onnx/op.h"

/* Computes with the column "arithmetic" of the operator's row: with a constant, with the other
 * direction of an LSTM, or as a part of an activation or a layer normalization. */
OnnxValue *onnx_apply_arithmetic (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_apply_sum (OnnxReader *reader, OnnxNode *node);
