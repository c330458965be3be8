/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Loop and Scan whose body is the step of recurrent layers, as tf2onnx writes layers of Keras and
 * TensorFlow. */
#pragma once

#include "onnx/op.h"

OnnxValue *onnx_apply_loop (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_apply_scan (OnnxReader *reader, OnnxNode *node);
