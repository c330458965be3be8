/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Simple recurrent layers: h' = act (x W + b + h U). */
#include "layers/parallel.h"
#include <math.h>
#include <string.h>

/* Adds h U to z in h_next, and replaces h_next by its activation. */
static void
run_rnn_step (const LstmRecurrent *rnn, const LstmKernels *kernels, const LstmUnfusedStep *s)
{
  const LstmMatrix *matrix = &rnn->matrix;
  const LstmMemory *memory = s->memory;
  const LstmAffine recurrent = {
      .n_rows = s->n_rows,
      .n_panels = matrix->n_panels,
      .w = matrix->weights,
      .w_stride = matrix->panel_stride,
      .w_offset = rnn->u_offset,
      .base = memory->h_next,
      .x = lstm_recurrent_make_words (rnn, memory->h, memory->h_stride, s->n_rows,
          rnn->memory_layout.n_h, rnn->h_words, s->h_words),
      .y = memory->h_next,
      .y_stride = memory->h_stride,
      .backwards = memory->backwards,
  };

  for (gsize row = 0; row < s->n_rows; row++)
    memcpy (memory->h_next + row * memory->h_stride, s->z + row * s->z_stride,
        memory->h_stride * sizeof (float));
  lstm_parallel_run_affine (s->threads, matrix, &recurrent);
  if (!isinf (rnn->clip))
    kernels->bound_values (memory->h_next, s->n_rows * memory->h_stride, rnn->clip);
  kernels->activate_rows (
      &rnn->activation, memory->h_next, s->n_rows, rnn->memory_layout.n_h, memory->h_stride);
}

static gboolean
pack_rnn (LstmRecurrent *rnn, const LstmBuilder *builder, const LstmRecurrentParams *params,
    LstmRecurrentSizes sizes, GError **error)
{
  static const guint blocks[] = {0};
  const LstmKernels *kernels = builder->kernels;
  const gsize n_panels = (sizes.m + kernels->panel - 1) / kernels->panel;
  LstmArray *const parts[] = {params->weight_ih, params->weight_hh};
  g_autofree gsize *columns = lstm_recurrent_make_columns (
      sizes.m, n_panels, kernels->panel, blocks, G_N_ELEMENTS (blocks));

  if (!lstm_matrix_pack (&rnn->matrix, kernels, (int) builder->precision, LSTM_GATES, n_panels,
          columns, params->bias_ih ? params->bias_ih->values : NULL,
          params->bias_hh ? params->bias_hh->values : NULL, parts, G_N_ELEMENTS (parts), error))
    return FALSE;
  rnn->u_offset = (1 + lstm_product_count_rows (rnn->matrix.product, sizes.d)) * kernels->panel;
  rnn->gate_width = rnn->matrix.n_lanes;
  rnn->memory_layout.h_stride = rnn->matrix.n_lanes;
  rnn->activation = params->activations[0];
  rnn->clip = params->clip;
  return TRUE;
}

const LstmCellType lstm_cell_type_rnn = {
    .gates = "h",
    .n_gates = 1,
    .n_activations = 1,
    .activations = {"tanh"},
    .pack = pack_rnn,
    .run_unfused_step = run_rnn_step,
};

const LstmLayerKind lstm_kind_rnn = {
    .name = "rnn",
    .keys = {"activations", "clip", "zero_masked", "return", "direction", "merge", "order"},
    .load = lstm_recurrent_load,
    .free = lstm_recurrent_free,
    .n_memories = 1,
    .get_memory_layout = lstm_recurrent_get_memory_layout,
    .cell_type = &lstm_cell_type_rnn,
    .run = lstm_recurrent_run,
};
