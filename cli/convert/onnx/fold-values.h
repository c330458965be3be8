/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Operators that return, convert, select and join constants. All inputs are constant. */
#pragma once

#include "onnx/op.h"

OnnxValue *onnx_fold_constant (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_fold_identity (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_fold_cast (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_fold_gather (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_fold_slice (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_fold_split (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_fold_concat (OnnxReader *reader, OnnxNode *node);
