/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The functions of the operators in the table of ops.c. Columns of the row are in node->op. */
#pragma once

#include "split/onnx/op.h"

/* Elementwise operators of one tensor. The other inputs are constants of the operator. */
OnnxValue *onnx_split_run_unary (Splitter *splitter, SplitNode *node);

/* Refuses the training mode. */
OnnxValue *onnx_split_run_dropout (Splitter *splitter, SplitNode *node);

/* Elementwise operators of tensors that broadcast. */
OnnxValue *onnx_split_run_broadcast (Splitter *splitter, SplitNode *node);

/* QuantizeLinear and DequantizeLinear, whose scale may have a value for each index of an axis. */
OnnxValue *onnx_split_run_quantize (Splitter *splitter, SplitNode *node);

/* Operators of windows that slide along the axes from 2 on: [n, c, spatial …]. */
OnnxValue *onnx_split_run_sliding (Splitter *splitter, SplitNode *node);

/* Operators of pictures that axis 0 numbers: [n, c, spatial …]. */
OnnxValue *onnx_split_run_pictures (Splitter *splitter, SplitNode *node);
OnnxValue *onnx_split_run_global_pool (Splitter *splitter, SplitNode *node);
OnnxValue *onnx_split_run_depth_to_space (Splitter *splitter, SplitNode *node);
OnnxValue *onnx_split_run_space_to_depth (Splitter *splitter, SplitNode *node);
OnnxValue *onnx_split_run_resize (Splitter *splitter, SplitNode *node);

/* Operators along an axis, or along several. */
OnnxValue *onnx_split_run_along (Splitter *splitter, SplitNode *node);
OnnxValue *onnx_split_run_cumulate (Splitter *splitter, SplitNode *node);
OnnxValue *onnx_split_run_softmax (Splitter *splitter, SplitNode *node);
OnnxValue *onnx_split_run_arg (Splitter *splitter, SplitNode *node);
OnnxValue *onnx_split_run_top_k (Splitter *splitter, SplitNode *node);
OnnxValue *onnx_split_run_reduce (Splitter *splitter, SplitNode *node);
OnnxValue *onnx_split_run_moments (Splitter *splitter, SplitNode *node);
OnnxValue *onnx_split_run_layer_norm (Splitter *splitter, SplitNode *node);
OnnxValue *onnx_split_run_batch_norm (Splitter *splitter, SplitNode *node);

/* Products of matrices. */
OnnxValue *onnx_split_run_matmul (Splitter *splitter, SplitNode *node);
OnnxValue *onnx_split_run_quantized_matmul (Splitter *splitter, SplitNode *node);
OnnxValue *onnx_split_run_gemm (Splitter *splitter, SplitNode *node);

/* Operators that move numbers. */
OnnxValue *onnx_split_run_reshape (Splitter *splitter, SplitNode *node);
OnnxValue *onnx_split_run_flatten (Splitter *splitter, SplitNode *node);
OnnxValue *onnx_split_run_squeeze (Splitter *splitter, SplitNode *node);
OnnxValue *onnx_split_run_unsqueeze (Splitter *splitter, SplitNode *node);
OnnxValue *onnx_split_run_transpose (Splitter *splitter, SplitNode *node);
OnnxValue *onnx_split_run_concat (Splitter *splitter, SplitNode *node);
OnnxValue *onnx_split_run_split (Splitter *splitter, SplitNode *node);
OnnxValue *onnx_split_run_gather (Splitter *splitter, SplitNode *node);
OnnxValue *onnx_split_run_slice (Splitter *splitter, SplitNode *node);
OnnxValue *onnx_split_run_reverse_sequence (Splitter *splitter, SplitNode *node);
OnnxValue *onnx_split_run_pad (Splitter *splitter, SplitNode *node);
OnnxValue *onnx_split_run_expand (Splitter *splitter, SplitNode *node);
OnnxValue *onnx_split_run_tile (Splitter *splitter, SplitNode *node);
