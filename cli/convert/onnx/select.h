/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Operators that select a part of a signal: one step, one direction, or a part of a
 * concatenation. */
#pragma once

#include "onnx/args.h"
#include "onnx/op.h"

/* Returns the part @range of an axis. The result has as many axes as @in. */
OnnxValue *onnx_value_slice (
    OnnxReader *reader, const OnnxNode *node, OnnxValue *in, guint axis, OnnxRange range);

OnnxValue *onnx_apply_slice (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_apply_split (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_apply_gather (OnnxReader *reader, OnnxNode *node);

/* Selects the step of each sequence at the index length − 1, which is the last step. */
OnnxValue *onnx_apply_gather_elements (OnnxReader *reader, OnnxNode *node);
