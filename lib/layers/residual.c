/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Adds the first features of the model's input at the same step: y = x + input. */
#include "layers/fingerprint.h"
#include "layers/source.h"

/* Checks that each step of the layer's input has a step of the model's input, which has at least
 * as many features. */
static gboolean
check_residual (const LstmLayerSource *source, gsize n, GError **error)
{
  const LstmLayer *change = lstm_builder_find_step_change (source->builder);
  const gsize d = lstm_builder_get_input_size (source->builder);

  if (change) {
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_LAYER,
        "%s: layer \"%s\": residual is supported only after layers that output every step; "
        "found a layer that outputs %" G_GSIZE_FORMAT " step(s) of any sequence",
        source->st->file, source->name, change->n_output_steps);
    return FALSE;
  }
  if (n > d) {
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_SHAPE,
        "%s: layer \"%s\": expected at most %" G_GSIZE_FORMAT
        " features, the number of inputs of the model, found %" G_GSIZE_FORMAT,
        source->st->file, source->name, d, n);
    return FALSE;
  }
  return TRUE;
}

static gboolean
load_residual (const LstmLayerSource *source, GError **error)
{
  const gsize n = lstm_builder_get_output_size (source->builder);

  if (!check_residual (source, n, error))
    return FALSE;
  lstm_fingerprint_add_layer (source->builder->fingerprint, "residual", NULL, 0);
  return lstm_builder_append (
      source->builder, lstm_layer_new (&lstm_kind_residual, n, n, NULL), error);
}

static void
run_residual (const LstmLayer *layer, const LstmKernels *kernels, const LstmBlock *b)
{
  for (gsize s = 0; b->y && s < b->streams; s++) {
    const gsize row = (b->model_rows ? b->model_rows[s] : s) / b->rows_per_model_input;
    const float *input = b->model_input + row * b->model_input_stride;

    for (gsize t = 0; t < b->steps; t++) {
      const float *x = b->x + s * b->x_stride + t * layer->in;
      float *y = b->y + s * b->y_stride + t * layer->in;

      for (gsize i = 0; i < layer->in; i++)
        y[i] = x[i] + input[t * b->model_in + i];
    }
  }
}

const LstmLayerKind lstm_kind_residual = {
    .name = "residual",
    .load = load_residual,
    .run = run_residual,
};
