/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Activations: operators of ONNX, functions of recurrent nodes, and activations that exporters write
 * as several nodes. */
#pragma once

#include "onnx/op.h"

/* Finds a function of a recurrent node by its name in ONNX, in upper or lower case.
 * Returns FALSE if no function has the name. */
gboolean onnx_find_recurrent_activation (const char *name, OnnxActivation *activation);

/* Returns whether the table of activations has an operator @name. */
gboolean onnx_is_activation_op (const char *name);

OnnxValue *onnx_apply_activation (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_apply_softmax (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_apply_clip (OnnxReader *reader, OnnxNode *node);

/* Gets the bounds of Clip. A bound that is not constant is NaN, an omitted bound is infinite. */
void onnx_get_clip_bounds (const OnnxNode *node, float *low, float *high);

/* Supports PRelu with one slope for all features. */

/* Accepts the maximum of a signal and 0, which is relu. */
OnnxValue *onnx_apply_max (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_apply_prelu (OnnxReader *reader, OnnxNode *node);

/* Returns the product x · f (x), if y is f (x), as one activation: silu, hard_silu, mish or gelu.
 * Returns: (nullable): NULL if the product is not an activation */
OnnxValue *onnx_match_self_gated (
    OnnxReader *reader, OnnxNode *node, OnnxValue *x, const OnnxValue *y);
