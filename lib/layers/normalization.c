/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A normalization of each feature by itself: y = (x - mean) scale + offset. */
#include "layers/normalization.h"
#include "layers/feature-rows.h"
#include "layers/fingerprint.h"
#include "layers/source.h"

static void
free_normalization (gpointer data)
{
  lstm_feature_rows_clear (data);
  g_free (data);
}

static gboolean
set_normalization_size (LstmLayer *layer, const LstmKernels *kernels, gsize n, GError **error)
{
  LstmFeatureRows *rows = layer->data;

  layer->n_weights = rows->n_rows * n;
  return lstm_feature_rows_broadcast (rows, n, error);
}

gboolean
lstm_normalization_append (LstmBuilder *builder, const char *name, const LstmArray *mean,
    const LstmArray *scale, const LstmArray *offset, GError **error)
{
  const LstmArray *const arrays[] = {mean, scale, offset};
  LstmFeatureRows *rows = g_new0 (LstmFeatureRows, 1);
  g_autoptr (LstmLayer) layer = lstm_layer_new (&lstm_kind_normalization, 0, 0, rows);

  lstm_fingerprint_add_layer (
      builder->fingerprint, "normalization", arrays, G_N_ELEMENTS (arrays));
  if (!lstm_feature_rows_init (
          rows, builder, name, arrays, G_N_ELEMENTS (arrays), &layer->in, error))
    return FALSE;
  layer->out = layer->in;
  return lstm_builder_append (builder, g_steal_pointer (&layer), error);
}

static gboolean
load_normalization (const LstmLayerSource *source, GError **error)
{
  g_auto (LstmArray) mean = {0}, scale = {0}, offset = {0};

  return lstm_layer_source_read_row (source, "mean", 0, &mean, error)
         && lstm_layer_source_read_row (source, "scale", 1, &scale, error)
         && lstm_layer_source_read_row (source, "offset", 0, &offset, error)
         && lstm_normalization_append (
             source->builder, source->name, &mean, &scale, &offset, error);
}

static void
run_normalization (const LstmLayer *layer, const LstmKernels *kernels, const LstmBlock *b)
{
  const LstmFeatureRows *rows = layer->data;
  const float *mean = rows->values, *scale = mean + layer->in, *offset = scale + layer->in;

  if (!b->y)
    return;
  for (gsize s = 0; s < b->streams; s++)
    kernels->normalize_rows (b->y + s * b->y_stride, layer->out, b->x + s * b->x_stride,
        layer->in, mean, scale, offset, b->steps, layer->in);
}

const LstmLayerKind lstm_kind_normalization = {
    .name = "normalization",
    .keys = {"mean", "scale", "offset"},
    .load = load_normalization,
    .set_size = set_normalization_size,
    .free = free_normalization,
    .run = run_normalization,
};
