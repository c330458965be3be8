/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "layers/builder.h"
#include "lstm/lstm.h"

struct _LstmModel {
  gatomicrefcount refs;
  const LstmKernels *kernels;
  LstmPrecision precision;
  char *fingerprint;
  char *load_report; /* see lstm_model_get_load_report() */
  gsize in, out;     /* features of the first layer's input and the last layer's output */
  GPtrArray *layers; /* LstmLayer, input to output; never empty */
  /* LstmMemoryLayout of each recurrent layer or direction, then of each pooling layer; not owned */
  GPtrArray *memory_layouts;
  guint n_lstm_layers; /* see lstm_model_get_n_lstm_layers() */
  double rate;         /* see lstm_model_get_rate() */
};

static inline const LstmLayer *
lstm_model_get_layer (const LstmModel *model, guint i)
{
  return g_ptr_array_index (model->layers, i);
}

static inline const LstmMemoryLayout *
lstm_model_get_memory_layout (const LstmModel *model, guint i)
{
  return g_ptr_array_index (model->memory_layouts, i);
}

/* Returns whether the recurrent layer @layer has c if @cell is TRUE, and gates if @gates is TRUE. Else
 * logs a critical message, because the caller made a programming error. */
gboolean lstm_model_check_trace (
    const LstmModel *model, guint layer, gboolean cell, gboolean gates);

/* Returns whether lstm_model_is_causal(); else sets @error. */
gboolean lstm_model_check_causal (const LstmModel *model, GError **error);

/* Makes a model of the layers of @builder, which has no layers afterwards.
 * Returns: (transfer full) (nullable): the model, or NULL with LSTM_ERROR_LAYER */
LstmModel *lstm_model_new_from_builder (LstmBuilder *builder, GError **error);

/* Makes the message of @error valid UTF-8, which bindings need: file names can contain any bytes.
 * Does nothing if no error is set. Each public function whose error names a file calls this
 * function. */
void lstm_error_make_valid (GError **error);
