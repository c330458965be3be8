/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A normalization over the features of each step (Ba, Kiros and Hinton 2016):
 * y = (x - mean) / sqrt (variance + epsilon) gamma + beta. */
#include "layers/feature-rows.h"
#include "layers/fingerprint.h"
#include "layers/source.h"
#include <math.h>

typedef struct {
  LstmFeatureRows rows; /* gamma and beta */
  float epsilon;
} LstmLayerNormalization;

static void
free_layer_normalization (gpointer data)
{
  LstmLayerNormalization *norm = data;

  lstm_feature_rows_clear (&norm->rows);
  g_free (norm);
}

static gboolean
set_layer_normalization_size (
    LstmLayer *layer, const LstmKernels *kernels, gsize n, GError **error)
{
  LstmLayerNormalization *norm = layer->data;

  layer->n_weights = norm->rows.n_rows * n;
  return lstm_feature_rows_broadcast (&norm->rows, n, error);
}

/* Returns @pytorch if the layer has a tensor of that name, else @own. */
static const char *
choose_tensor_name (const LstmLayerSource *source, const char *own, const char *pytorch)
{
  return lstm_layer_source_has_tensor (source, pytorch) ? pytorch : own;
}

static gboolean
append_layer_normalization (const LstmLayerSource *source, float epsilon,
    const LstmArray *gamma, const LstmArray *beta, GError **error)
{
  LstmBuilder *builder = source->builder;
  const LstmArray *const arrays[] = {gamma, beta};
  LstmLayerNormalization *norm = g_new0 (LstmLayerNormalization, 1);
  g_autoptr (LstmLayer) layer = lstm_layer_new (&lstm_kind_layer_normalization, 0, 0, norm);

  norm->epsilon = epsilon;
  lstm_fingerprint_add_layer (
      builder->fingerprint, "layer_normalization", arrays, G_N_ELEMENTS (arrays));
  lstm_fingerprint_add_number (builder->fingerprint, epsilon);
  if (!lstm_feature_rows_init (
          &norm->rows, builder, source->name, arrays, G_N_ELEMENTS (arrays), &layer->in, error))
    return FALSE;
  layer->out = layer->in;
  return lstm_builder_append (builder, g_steal_pointer (&layer), error);
}

static gboolean
load_layer_normalization (const LstmLayerSource *source, GError **error)
{
  const char *gamma_name = choose_tensor_name (source, "gamma", "weight");
  const char *beta_name = choose_tensor_name (source, "beta", "bias");
  g_auto (LstmArray) gamma = {0}, beta = {0};
  float epsilon;

  return lstm_layer_source_read_row (source, gamma_name, 1, &gamma, error)
         && lstm_layer_source_read_row (source, beta_name, 0, &beta, error)
         && lstm_layer_source_read_number (source, "epsilon", 1e-5, &epsilon, error)
         && append_layer_normalization (source, epsilon, &gamma, &beta, error);
}

static void
normalize_step (const LstmLayerNormalization *norm, const float *x, gsize n, float *y)
{
  const float *gamma = norm->rows.values, *beta = gamma + n;
  double mean = 0, variance = 0, scale;

  for (gsize i = 0; i < n; i++)
    mean += x[i];
  mean /= (double) n;
  for (gsize i = 0; i < n; i++)
    variance += (x[i] - mean) * (x[i] - mean);
  scale = 1 / sqrt (variance / (double) n + norm->epsilon);
  for (gsize i = 0; i < n; i++)
    y[i] = (float) ((x[i] - mean) * scale * gamma[i] + beta[i]);
}

static void
run_layer_normalization (const LstmLayer *layer, const LstmKernels *kernels, const LstmBlock *b)
{
  for (gsize s = 0; b->y && s < b->streams; s++)
    for (gsize t = 0; t < b->steps; t++)
      normalize_step (layer->data, b->x + s * b->x_stride + t * layer->in, layer->in,
          b->y + s * b->y_stride + t * layer->in);
}

const LstmLayerKind lstm_kind_layer_normalization = {
    .name = "layer_normalization",
    .keys = {"epsilon"},
    .load = load_layer_normalization,
    .set_size = set_layer_normalization_size,
    .free = free_layer_normalization,
    .run = run_layer_normalization,
};
