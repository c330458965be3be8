/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The operator If, which runs a graph within the graph that the operator is in. */
#pragma once

#include "onnx/op.h"

/* Runs the branch of an If whose condition is constant. */
OnnxValue *onnx_run_if (OnnxReader *reader, OnnxNode *node);
