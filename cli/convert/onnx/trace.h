/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Operators in the body of a loop: functions that compute expressions (step.h) from expressions. */
#pragma once

#include "onnx/step.h"

/* Traces Add, Sub, Mul and Div. node->op->arithmetic is the operation. */
OnnxValue *onnx_trace_arithmetic (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_trace_neg (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_trace_matmul (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_trace_gemm (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_trace_activation (OnnxReader *reader, OnnxNode *node);

/* Traces Clip, Max and Min that are Relu or HardSigmoid. */
OnnxValue *onnx_trace_clip (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_trace_max (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_trace_min (OnnxReader *reader, OnnxNode *node);

/* Trace Where and Not of the mask of the current step. */
OnnxValue *onnx_trace_where (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_trace_not (OnnxReader *reader, OnnxNode *node);

/* Trace operators that move features. */
OnnxValue *onnx_trace_concat (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_trace_split (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_trace_slice (OnnxReader *reader, OnnxNode *node);

/* Trace operators that change only the type, or the axes. */
OnnxValue *onnx_trace_cast (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_trace_tile (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_trace_squeeze (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_trace_unsqueeze (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_trace_reshape (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_trace_transpose (OnnxReader *reader, OnnxNode *node);

/* Returns whether input 1 of @node, a Gather, is the number of the iteration of the loop. */
gboolean onnx_reads_step (const OnnxReader *reader, const OnnxNode *node);

/* Returns the current step of input 0, a signal or a mask, along @axis. */
OnnxValue *onnx_trace_step (
    OnnxReader *reader, const OnnxNode *node, const OnnxValue *in, guint axis);
