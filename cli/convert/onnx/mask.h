/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Masks, as tf2onnx writes the layer Masking of Keras: a comparison of the features of a step with
 * a constant, which masks the steps whose features all equal the constant. */
#pragma once

#include "onnx/op.h"

/* Apply Equal and Greater of features and a constant, and Not of their results. */
OnnxValue *onnx_apply_equal (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_apply_greater (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_apply_not (OnnxReader *reader, OnnxNode *node);

/* Applies Where to the branches of softplus of PyTorch: x if x is large, else softplus (x). */
OnnxValue *onnx_apply_where (OnnxReader *reader, OnnxNode *node);

/* Returns whether @value is a result of a comparison. */
gboolean onnx_is_comparison (const OnnxValue *value);

/* Applies ReduceSum or ReduceMax to a comparison. */
OnnxValue *onnx_reduce_comparison (OnnxReader *reader, OnnxNode *node);

/* Returns the features @x multiplied by their mask @mask, or NULL if @mask is not the mask of @x.
 * */
OnnxValue *onnx_apply_mask (
    OnnxReader *reader, OnnxNode *node, const OnnxValue *x, const OnnxValue *mask);

/* Returns the stage of the mask that @stage computes, also over reversed time, or NULL.
 * @is_reversed: set to whether time is reversed */
const OnnxStage *onnx_find_mask (const OnnxStage *stage, gboolean *is_reversed);

/* Returns whether the mask of the stage @a, which may be NULL, equals the mask of the stage @b. */
gboolean onnx_mask_equal (const OnnxStage *a, const OnnxStage *b);
