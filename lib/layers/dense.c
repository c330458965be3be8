/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * y = activation (weight x + bias) */
#include "layers/fingerprint.h"
#include "layers/floats.h"
#include "layers/parallel.h"
#include "layers/source.h"
#include <stdlib.h>
#include <string.h>

typedef struct {
  LstmMatrix matrix;
  float *narrow; /* (n, d) and (n): weights and bias of a layer of few outputs; NULL: @matrix */
  LstmActivation activation;
} LstmDense;

static void
free_dense (gpointer data)
{
  LstmDense *dense = data;

  lstm_matrix_clear (&dense->matrix);
  free (dense->narrow);
  g_free (dense);
}

/* Reads the weights and copies the bias, which may be NULL, of a layer of few outputs. */
static gboolean
read_narrow (LstmDense *dense, LstmArray *weight, const LstmArray *bias, GError **error)
{
  const gsize n = weight->shape[0], n_weights = n * weight->shape[1];

  if (!(dense->narrow = lstm_floats_new (n_weights + n, error)))
    return FALSE;
  if (bias)
    memcpy (dense->narrow + n_weights, bias->values, n * sizeof (float));
  return lstm_array_read_next (weight, n_weights, dense->narrow, error);
}

/* Packs or copies the weights and the bias, which may be NULL. */
static gboolean
set_weights (LstmLayer *layer, const LstmKernels *kernels, LstmArray *weight,
    const LstmArray *bias, GError **error)
{
  LstmDense *dense = layer->data;

  if (layer->out <= LSTM_NARROW_OUTPUTS) {
    layer->n_weights = (layer->in + 1) * layer->out;
    layer->scratch_row = kernels->panel;
    return read_narrow (dense, weight, bias, error);
  }
  if (!lstm_matrix_pack_outputs (
          &dense->matrix, kernels, bias ? bias->values : NULL, weight, error))
    return FALSE;
  layer->n_weights = dense->matrix.n_weights;
  layer->scratch_row = dense->matrix.n_lanes;
  return TRUE;
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
  if (!set_weights (layer, builder->kernels, weight, bias, error))
    return FALSE;
  lstm_fingerprint_add_layer (builder->fingerprint, "dense", arrays, G_N_ELEMENTS (arrays));
  lstm_fingerprint_add_activation (builder->fingerprint, activation);
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

/* Computes the rows of y, y_stride apart, without the activation. Panels fill rows that are padded. */
static void
multiply_rows (const LstmLayer *layer, const LstmKernels *kernels, const LstmBlock *b,
    gsize n_rows, const float *x, gsize x_stride, float *y, gsize y_stride)
{
  const LstmDense *dense = layer->data;
  const LstmMatrix *matrix = &dense->matrix;

  if (dense->narrow)
    kernels->run_narrow (&(LstmNarrow){
        .n_rows = n_rows,
        .n = layer->out,
        .k = layer->in,
        .bias = dense->narrow + layer->out * layer->in,
        .w = dense->narrow,
        .x = x,
        .x_stride = x_stride,
        .y = y,
        .y_stride = y_stride,
    });
  else
    lstm_parallel_run_affine (b->threads, matrix,
        &(LstmAffine){
            .n_rows = n_rows,
            .n_panels = matrix->n_panels,
            .w = matrix->weights,
            .w_stride = matrix->panel_stride,
            .w_offset = kernels->panel,
            .x = {x, x_stride, layer->in, NULL},
            .y = y,
            .y_stride = y_stride,
        });
}

/* @x: (n_rows, in), x_stride apart */
static void
run_dense_rows (const LstmLayer *layer, const LstmKernels *kernels, const LstmBlock *b,
    gsize n_rows, const float *x, gsize x_stride, float *y, gsize y_stride)
{
  const LstmDense *dense = layer->data;
  float *const scratch = b->scratch;
  const gboolean is_linear = dense->activation.kind == LSTM_ACTIVATION_LINEAR;
  const gboolean is_padded = !dense->narrow && layer->out < dense->matrix.n_lanes;

  if (is_linear && !is_padded) {
    multiply_rows (layer, kernels, b, n_rows, x, x_stride, y, y_stride);
    return;
  }
  multiply_rows (layer, kernels, b, n_rows, x, x_stride, scratch, layer->scratch_row);
  if (!is_linear)
    kernels->activate_rows (
        &dense->activation, scratch, n_rows, layer->out, layer->scratch_row);
  for (gsize r = 0; r < n_rows; r++)
    memcpy (y + r * y_stride, scratch + r * layer->scratch_row, layer->out * sizeof (float));
}

static void
run_dense (const LstmLayer *layer, const LstmKernels *kernels, const LstmBlock *b)
{
  if (!b->y)
    return;
  if (b->steps == 1) {
    run_dense_rows (layer, kernels, b, b->streams, b->x, b->x_stride, b->y, b->y_stride);
    return;
  }
  for (gsize s = 0; s < b->streams; s++)
    run_dense_rows (layer, kernels, b, b->steps, b->x + s * b->x_stride, layer->in,
        b->y + s * b->y_stride, layer->out);
}

const LstmLayerKind lstm_kind_dense = {
    .name = "dense",
    .keys = {"activation"},
    .load = load_dense,
    .free = free_dense,
    .run = run_dense,
};
