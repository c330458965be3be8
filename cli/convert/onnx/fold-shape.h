/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Operators that read or change the shape of constants. All inputs are constant. */
#pragma once

#include "onnx/op.h"

OnnxValue *onnx_fold_shape (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_fold_size (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_fold_constant_of_shape (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_fold_squeeze (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_fold_unsqueeze (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_fold_reshape (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_fold_transpose (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_fold_expand (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_fold_tile (OnnxReader *reader, OnnxNode *node);
