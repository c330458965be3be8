/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reshape of signals: the factors of all axes, in order, are divided among the new axes. */
#pragma once

#include "onnx/op.h"

OnnxValue *onnx_apply_reshape (OnnxReader *reader, OnnxNode *node);
