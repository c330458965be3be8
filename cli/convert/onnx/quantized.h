/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Quantized weights, which become real numbers: (integer − zero point) · scale. Nodes that quantize
 * their input at each step (DynamicQuantizeLinear and nodes that contain it) compute the layer with
 * real inputs, without rounding. A note tells the user. */
#pragma once

#include "onnx/op.h"

OnnxValue *onnx_fold_dequantize (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_apply_dequantize (OnnxReader *reader, OnnxNode *node);

OnnxValue *onnx_fold_quantize (OnnxReader *reader, OnnxNode *node);

/* Returns an unsupported value: a constant scale rounds and clamps the values of a signal. */
OnnxValue *onnx_refuse_quantize (OnnxReader *reader, OnnxNode *node);

/* Returns the input as the quantized values, with scale 1 and zero point 0. */
OnnxValue *onnx_apply_dynamic_quantize (OnnxReader *reader, OnnxNode *node);

OnnxValue *onnx_apply_matmul_integer (OnnxReader *reader, OnnxNode *node);

/* Applies DynamicQuantizeMatMul and MatMulIntegerToFloat. */
OnnxValue *onnx_apply_quantized_matmul (OnnxReader *reader, OnnxNode *node);

/* Returns input @i of DynamicQuantizeLSTM, (directions, inputs, 4 m), as real numbers
 * (directions, 4 m, inputs). Inputs @i_scale and @i_scale + 1 are scales and zero points, of each
 * direction or of each column. Returns NULL with *unsupported. */
const OnnxTensor *onnx_dequantize_recurrent (
    OnnxReader *reader, const OnnxNode *node, guint i, guint i_scale, OnnxValue **unsupported);

/* Adds the note that @node rounds its input and that the layer does not. */
void onnx_note_rounding (OnnxReader *reader, const OnnxNode *node);
