/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The two directions of a recurrent layer. A model may compute the directions with two recurrent
 * nodes, of which one is reverse or reads reversed time. */
#pragma once

#include "onnx/op.h"

/* Returns @in with reversed time. @axis: the axis of time, or else the value is unsupported */
OnnxValue *onnx_signal_flip (
    OnnxReader *reader, const OnnxNode *node, const OnnxValue *in, guint axis);

/* Merges two directions of the same input into one layer. @merge: "sum" or "mul", or NULL to
 * concatenate the units along @axis.
 * Returns: (nullable): NULL if @a and @b are not two directions of one recurrent layer */
OnnxValue *onnx_signal_merge (
    OnnxReader *reader, const OnnxValue *a, const OnnxValue *b, const char *merge, guint axis);

/* Merges two directions. Concatenates other signals, from which other nodes may select parts. */
OnnxValue *onnx_apply_concat (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_apply_reverse_sequence (OnnxReader *reader, OnnxNode *node);
