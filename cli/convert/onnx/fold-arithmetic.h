/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Operators that compute constants. All inputs are constant. */
#pragma once

#include "onnx/op.h"

/* Compute the function in the column "binary" or "unary" of the operator's row. */
OnnxValue *onnx_fold_binary (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_fold_unary (OnnxReader *reader, OnnxNode *node);

OnnxValue *onnx_fold_where (OnnxReader *reader, OnnxNode *node);

/* Clips integers, such as sequence lengths − 1 to at least 0. */
OnnxValue *onnx_fold_clip (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_fold_reduce_prod (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_fold_range (OnnxReader *reader, OnnxNode *node);
