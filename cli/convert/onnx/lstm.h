/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The LSTM node. */
#pragma once

#include "onnx/op.h"

OnnxValue *onnx_apply_lstm (OnnxReader *reader, OnnxNode *node);
