/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "layers/layer.h"
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

/* Makes the message valid UTF-8, as bindings need it: names of files may be of any bytes. For the
 * public functions that name one. Nothing is to be done where there is no error. */
void lstm_error_make_valid (GError **error);
