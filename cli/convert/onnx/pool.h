/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Mean, maximum and sum over the steps of a sequence. */
#pragma once

#include "onnx/op.h"

/* Returns the signal of @in that is reduced over the axes of @mask, which keep size 1, or NULL if
 * these axes are not time. Axes of size 1 may be in @mask. @function: "mean", "max" or "sum" */
OnnxValue *onnx_signal_pool (OnnxReader *reader, const OnnxNode *node, const OnnxValue *in,
    guint32 mask, const char *function);

/* Returns the mean if @node divides a sum over time by the number of steps, and NULL otherwise. */
OnnxValue *onnx_divide_sum (OnnxReader *reader, const OnnxNode *node);

/* Reduces all axes except batch and channels. */
OnnxValue *onnx_apply_global_pool (OnnxReader *reader, OnnxNode *node);

/* Reduces all axes except batch and channels if the kernel covers them completely. */
OnnxValue *onnx_apply_pool (OnnxReader *reader, OnnxNode *node);
