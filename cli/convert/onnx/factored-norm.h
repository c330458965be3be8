/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A layer normalization in the form x · f + (beta − mean · f), where f = gamma / deviation, as
 * Keras 3 and TensorFlow compute it. */
#pragma once

#include "onnx/op.h"

/* Returns the next intermediate result, or the layer normalization. Returns NULL if @node, an
 * arithmetic operator of two inputs, does not continue this form. */
OnnxValue *onnx_continue_factored_norm (OnnxReader *reader, OnnxNode *node);

/* Applies Neg: −mean, or else a factor of −1. */
OnnxValue *onnx_apply_neg (OnnxReader *reader, OnnxNode *node);
