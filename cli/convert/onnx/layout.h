/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Operators on signals that permute, add or remove axes, and do not change numbers. */
#pragma once

#include "onnx/op.h"

OnnxValue *onnx_apply_cast (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_apply_dropout (OnnxReader *reader, OnnxNode *node);

/* Accepts a padding of 0 only, which PyTorch writes before AveragePool. */
OnnxValue *onnx_apply_pad (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_apply_transpose (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_apply_squeeze (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_apply_unsqueeze (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_apply_flatten (OnnxReader *reader, OnnxNode *node);

/* Returns the sizes of the axes as integers, which may be unknown. */
OnnxValue *onnx_apply_shape (OnnxReader *reader, OnnxNode *node);
