/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Products of signals and constant weights: dense layers. */
#pragma once

#include "onnx/op.h"

/* Returns the dense layer of input 0, which is a signal. @weight: (n, d), or NULL if memory is
 * insufficient. @bias: (n), nullable */
OnnxValue *onnx_make_dense (
    OnnxReader *reader, OnnxNode *node, const OnnxTensor *weight, const OnnxTensor *bias);

OnnxValue *onnx_apply_matmul (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_apply_gemm (OnnxReader *reader, OnnxNode *node);
