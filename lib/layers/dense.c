/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * y = activation (weight x + bias) */
#include "layers/fingerprint.h"
#include "layers/pack.h"
#include "layers/source.h"
#include <string.h>

typedef struct {
  LstmMatrix matrix;
  LstmActivation activation;
} LstmDense;

static void
free_dense (gpointer data)
{
  LstmDense *dense = data;

  lstm_matrix_clear (&dense->matrix);
  g_free (dense);
}

/* @weight: (n, d); @bias: (n), or NULL */
static gboolean
append_dense (const LstmLayerSource *source, LstmArray *weight, const LstmArray *bias,
    const LstmActivation *activation, GError **error)
{
  LstmBuilder *builder = source->builder;
  const gsize n = weight->shape[0], d = weight->shape[1];
  const LstmArray *const arrays[] = {weight, bias};
  LstmDense *dense = g_new0 (LstmDense, 1);
  g_autoptr (LstmLayer) layer = lstm_layer_new (&lstm_kind_dense, d, n, dense);

  if (!lstm_builder_check_shape (builder, weight, 2, n, d, error)
      || (bias && !lstm_builder_check_shape (builder, bias, 1, n, 0, error))
      || !lstm_builder_check_sizes (builder, source->name, d, n, error))
    return FALSE;
  dense->activation = *activation;
  if (!lstm_matrix_pack_outputs (
          &dense->matrix, builder->kernels, bias ? bias->values : NULL, weight, error))
    return FALSE;
  lstm_fingerprint_add_layer (builder->fingerprint, "dense", arrays, G_N_ELEMENTS (arrays));
  lstm_fingerprint_add_activation (builder->fingerprint, activation);
  layer->n_weights = dense->matrix.n_weights;
  layer->scratch_row = dense->matrix.n_lanes;
  return lstm_builder_append (builder, g_steal_pointer (&layer), error);
}

static gboolean
load_dense (const LstmLayerSource *source, GError **error)
{
  JsonNode *node = json_object_get_member (source->object, "activation");
  g_auto (LstmArray) weight = {0}, bias = {0};
  LstmActivation activation;
  gboolean has_bias;

  return lstm_layer_source_open_tensor (source, "weight", NULL, &weight, error)
         && lstm_layer_source_read_tensor (source, "bias", &has_bias, &bias, error)
         && lstm_layer_source_read_activation (source, node, "linear", &activation, error)
         && append_dense (source, &weight, has_bias ? &bias : NULL, &activation, error);
}

/* @x: (n_rows, in), x_stride apart */
static void
run_dense_rows (const LstmLayer *layer, const LstmKernels *kernels, gsize n_rows,
    const float *x, gsize x_stride, float *y, gsize y_stride, float *scratch)
{
  const LstmDense *dense = layer->data;
  const LstmMatrix *matrix = &dense->matrix;
  const LstmAffine affine = {
      .n_rows = n_rows,
      .n_panels = matrix->n_panels,
      .w = matrix->weights,
      .w_stride = matrix->panel_stride,
      .w_offset = kernels->panel,
      .x = {x, x_stride, layer->in, NULL},
      .y = scratch,
      .y_stride = layer->scratch_row,
  };

  matrix->run_affine (&affine);
  kernels->activate_rows (&dense->activation, scratch, n_rows, layer->out, layer->scratch_row);
  for (gsize r = 0; r < n_rows; r++)
    memcpy (y + r * y_stride, scratch + r * layer->scratch_row, layer->out * sizeof (float));
}

static void
run_dense (const LstmLayer *layer, const LstmKernels *kernels, const LstmBlock *b)
{
  if (!b->y)
    return;
  if (b->steps == 1) {
    run_dense_rows (
        layer, kernels, b->streams, b->x, b->x_stride, b->y, b->y_stride, b->scratch);
    return;
  }
  for (gsize s = 0; s < b->streams; s++)
    run_dense_rows (layer, kernels, b->steps, b->x + s * b->x_stride, layer->in,
        b->y + s * b->y_stride, layer->out, b->scratch);
}

const LstmLayerKind lstm_kind_dense = {
    .name = "dense",
    .keys = {"activation"},
    .load = load_dense,
    .free = free_dense,
    .run = run_dense,
};
