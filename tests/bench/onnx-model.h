/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "bench.h"

/* What goes into the model and comes out of it, in the order of its values. A model that begins
 * from zero has no more than ONNX_X and ONNX_Y. */
enum { ONNX_X, ONNX_H_IN, ONNX_C_IN, ONNX_Y, ONNX_H_OUT, ONNX_C_OUT, ONNX_N_VALUES };

typedef struct {
  const char *name;
  gint64 dims[5]; /* a 0 ends them */
} OnnxValue;

OnnxValue onnx_value (const Job *job, int value);
gboolean onnx_has_value (const Job *job, int value);

/* An ONNX file of one LSTM node with the job's weights. */
GByteArray *onnx_model_new (const Job *job);
