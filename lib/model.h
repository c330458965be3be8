/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "layers.h"
#include "lstm/lstm.h"

struct _LstmModel {
  gatomicrefcount refs;
  const LstmKernels *kernels;
  LstmPrecision precision;
  char *fingerprint;
  gsize in, out;          /* of the first layer, of the last */
  GPtrArray *layers;      /* LstmLayer, input to output; never empty */
  GPtrArray *lstm_layers; /* those of them that are LSTM layers; not owned */
};

static inline const LstmLayer *
lstm_model_layer (const LstmModel *model, guint i)
{
  return g_ptr_array_index (model->layers, i);
}
