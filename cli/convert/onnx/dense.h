/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Products of signals and constant weights: dense layers. */
#pragma once

#include "onnx/op.h"

OnnxValue *onnx_apply_matmul (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_apply_gemm (OnnxReader *reader, OnnxNode *node);
