/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Functions that compute signals from signals. */
#pragma once

#include "onnx/node.h"

/* Returns the signal that @stage computes, with the axes of @like. */
OnnxValue *onnx_signal_new (OnnxReader *reader, const OnnxValue *like, OnnxStage *stage);

/* Applies an arithmetic operation, one of - * / +, to @in. A multiplication by 1 / s after a
 * multiplication by s removes both. @operand: (1) or (d) */
OnnxValue *onnx_signal_apply_arithmetic (OnnxReader *reader, const OnnxNode *node,
    OnnxValue *in, char arithmetic, const OnnxTensor *operand);

/* Returns @in multiplied by @factor, or NULL if memory is insufficient. */
OnnxValue *onnx_signal_scale (
    OnnxReader *reader, const OnnxNode *node, OnnxValue *in, float factor);
