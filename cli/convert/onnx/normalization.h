/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Normalizations, which exporters write as several nodes before opset 17, and reductions. */
#pragma once

#include "onnx/op.h"

OnnxValue *onnx_apply_batch_norm (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_apply_layer_norm (OnnxReader *reader, OnnxNode *node);

/* Computes the sum of the directions of a recurrent layer. If the column "is_mean" of the
 * operator's row is TRUE, computes the mean of the directions, or the mean of a layer
 * normalization. */
OnnxValue *onnx_apply_reduce (OnnxReader *reader, OnnxNode *node);

/* Computes the square within a layer normalization. */
OnnxValue *onnx_apply_power (OnnxReader *reader, OnnxNode *node);

/* Computes the intermediate result in the column "moment" of the operator's row. */
OnnxValue *onnx_apply_moment (OnnxReader *reader, OnnxNode *node);

/* Continues a layer normalization with an addition, subtraction, multiplication or division.
 * Returns: (nullable): NULL if the node is not a part of a layer normalization */
OnnxValue *onnx_continue_layer_norm (OnnxReader *reader, OnnxNode *node);
