/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The modules of PyTorch whose tensors a state dict holds, known by the names and shapes of these.
 * What they are called, which of them run and in what order, a state dict does not say. */
#pragma once

#include "container/safetensors.h"

#define LSTM_MAX_MODULES 64 /* of a file */

typedef enum {
  LSTM_MODULE_LSTM, /* nn.LSTM, or nn.LSTMCell stepped in a loop */
  LSTM_MODULE_LINEAR,
  LSTM_MODULE_LAYER_NORM,
  LSTM_MODULE_BATCH_NORM,
} LstmModuleKind;

typedef struct {
  LstmModuleKind kind;
  char *prefix;           /* of its tensors' names */
  char *name;             /* the prefix without a dot at its end */
  gsize in, out;          /* as far as shapes say; a builder checks them all */
  gboolean bidirectional; /* of LSTM */
  gboolean has_bias;      /* of LINEAR */
} LstmModule;

void lstm_module_free (LstmModule *module);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LstmModule, lstm_module_free)

/* Returns: (transfer full): LstmModule in the order of the file, LSTM_MODULE_LSTM among them; NULL
 * with LSTM_ERROR_LAYER or LSTM_ERROR_TENSOR where a tensor is of none of these kinds */
GPtrArray *lstm_modules_find (const LstmSafetensors *st, GError **error);
