/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * LSTM, GRU and RNN nodes. A recurrence (recurrence.h) states how they differ. */
#pragma once

#include "onnx/op.h"

OnnxValue *onnx_apply_recurrent (OnnxReader *reader, OnnxNode *node);

/* Returns whether input @i of a recurrent node is a matrix of weights. */
gboolean onnx_is_recurrent_weight (guint i);
