/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The operator Reshape on signals, which divides the factors of all axes, in order, among the new
 * axes. */
#pragma once

#include "onnx/op.h"

OnnxValue *onnx_apply_reshape (OnnxReader *reader, OnnxNode *node);
