/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Operators that repeat one step of a signal, as an autoencoder does. */
#pragma once

#include "onnx/op.h"

OnnxValue *onnx_apply_expand (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_apply_tile (OnnxReader *reader, OnnxNode *node);
