/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "bench.h"

/* Inputs and outputs of the model, in order. A model with a zero initial state has only ONNX_X and
 * ONNX_Y. */
enum { ONNX_X, ONNX_H_IN, ONNX_C_IN, ONNX_Y, ONNX_H_OUT, ONNX_C_OUT, ONNX_N_VALUES };

typedef struct {
  const char *name;
  gint64 dims[5]; /* terminated by 0 */
} OnnxValue;

OnnxValue onnx_value (const Job *job, int value);
gboolean onnx_has_value (const Job *job, int value);

/* Returns an ONNX file of one LSTM or GRU node with the weights of @job, and the Dense layer of @job. */
GByteArray *onnx_model_new (const Job *job);
