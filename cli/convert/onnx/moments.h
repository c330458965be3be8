/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Intermediate results of a layer normalization that a model computes in several nodes. */
#pragma once

#include "onnx/node.h"

/* Returns the intermediate result @moment of a layer normalization of @x, with the axes of @like. */
OnnxValue *onnx_new_moment (OnnxReader *reader, OnnxNode *node, const OnnxValue *like,
    const OnnxStage *x, OnnxMoment moment);
gboolean onnx_is_moment (const OnnxValue *value, OnnxMoment moment);

/* Returns the layer normalization of @x without gamma and beta, with the axes of @like. */
OnnxValue *onnx_new_layer_norm (OnnxReader *reader, OnnxNode *node, const OnnxValue *like,
    const OnnxStage *x, double epsilon);
