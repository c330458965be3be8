/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Layers that a model computes step by step, as TimeDistributed of Keras does: each step of a
 * sequence is selected, passes the same layers, and is concatenated with the other steps. */
#pragma once

#include "onnx/op.h"

/* Returns the sequence of the inputs of @node, a Concat along @axis, or NULL if the inputs are not
 * all steps of one sequence, in order, which pass the same layers. */
OnnxValue *onnx_join_steps (OnnxReader *reader, const OnnxNode *node, guint axis);
