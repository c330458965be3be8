/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * GRU layers: z and r = act0 (x W + b + h U), h' = (1 - z) n + z h. With reset_after
 * n = act1 (x W + b + r (h U + b')), otherwise n = act1 (x W + b + (r h) U + b'). */
#include "layers/parallel.h"
#include <math.h>
#include <string.h>

/* The order of the gates in panels and in the trace: z, r and n. The gates of files are r, z, n. */
static const guint gate_blocks[LSTM_GRU_GATES] = {1, 0, 2};
#define N_SIGMOID_GATES 2 /* z and r */

/* --- The unfused step. A row of z contains all units of z, then of r, then of n. --- */

/* Computes y = base + @x U, or bias + @x U if @base is NULL, of the gates from @gate on. */
static void
multiply_gates (const LstmRecurrent *gru, const LstmKernels *kernels, const LstmUnfusedStep *s,
    guint gate, guint n_gates, const LstmRows *x, const float *base, float *y, gsize y_stride)
{
  const LstmMatrix *matrix = &gru->recurrent;
  const gsize n_panels = gru->gate_width / kernels->panel; /* of a gate */
  const LstmAffine affine = {
      .n_rows = s->n_rows,
      .n_panels = n_gates * n_panels,
      .w = matrix->weights + gate * n_panels * matrix->panel_stride,
      .w_stride = matrix->panel_stride,
      .w_offset = kernels->panel,
      .base = base,
      .x = *x,
      .y = y,
      .y_stride = y_stride,
      .backwards = s->memory->backwards,
  };

  lstm_parallel_run_affine (s->threads, matrix, &affine);
}

/* Runs a step in separate passes. The gates z and r come first, because n needs r. */
static void
run_unfused_step (
    const LstmRecurrent *gru, const LstmKernels *kernels, const LstmUnfusedStep *s)
{
  const LstmMemory *memory = s->memory;
  const gsize m = gru->memory_layout.n_h, width = gru->gate_width;
  float *const n = s->z + N_SIGMOID_GATES * width;
  const LstmGruCell cell = {
      .params = gru->gru_cell,
      .n_rows = s->n_rows,
      .n_units = m,
      .z = s->z,
      .z_stride = s->z_stride,
      .h = memory->h,
      .h_next = memory->h_next,
      .candidate = s->extra,
      .m_stride = width,
  };
  LstmRows h = lstm_recurrent_make_words (
      gru, memory->h, memory->h_stride, s->n_rows, m, gru->h_words, s->h_words);

  multiply_gates (gru, kernels, s, 0, N_SIGMOID_GATES, &h, s->z, s->z, s->z_stride);
  if (gru->gru_cell->reset_after)
    multiply_gates (gru, kernels, s, N_SIGMOID_GATES, 1, &h, NULL, s->extra, width);
  kernels->run_gru_gates (&cell);
  if (!gru->gru_cell->reset_after) {
    h = lstm_recurrent_make_words (
        gru, s->extra, width, s->n_rows, m, gru->h_words, s->h_words);
    multiply_gates (gru, kernels, s, N_SIGMOID_GATES, 1, &h, n, n, s->z_stride);
  }
  kernels->run_gru_candidates (&cell);
}

/* --- Packing --- */

/* The biases of the two products, [3 m] in the order of files. With reset_after, b' of n belongs to
 * h U; all others are added to x W. */
typedef struct {
  float *x, *h;
} Biases;

static void
biases_clear (Biases *biases)
{
  g_free (biases->x);
  g_free (biases->h);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Biases, biases_clear)

static void
add_values (float *sum, const LstmArray *array, gsize first, gsize n)
{
  for (gsize i = first; array && i < first + n; i++)
    sum[i] += array->values[i];
}

static void
init_biases (Biases *biases, const LstmRecurrentParams *params, gsize m)
{
  const gsize n_first = N_SIGMOID_GATES * m;

  biases->x = g_new0 (float, LSTM_GRU_GATES *m);
  biases->h = g_new0 (float, LSTM_GRU_GATES *m);
  add_values (biases->x, params->bias_ih, 0, LSTM_GRU_GATES * m);
  add_values (biases->x, params->bias_hh, 0, n_first);
  add_values (params->reset_after ? biases->h : biases->x, params->bias_hh, n_first, m);
}

/* Packs x W and h U into matrices of their own, whose gates begin at full panels, so that each gate
 * is a product by itself. */
static gboolean
pack_unfused (LstmRecurrent *gru, const LstmBuilder *builder, const LstmRecurrentParams *params,
    LstmRecurrentSizes sizes, GError **error)
{
  const LstmKernels *kernels = builder->kernels;
  const gsize n_gate_panels = (sizes.m + kernels->panel - 1) / kernels->panel;
  const gsize n_panels = LSTM_GRU_GATES * n_gate_panels;
  const int precision = (int) builder->precision;
  g_auto (Biases) biases = {0};
  g_autofree gsize *columns = NULL;

  gru->gate_width = n_gate_panels * kernels->panel;
  gru->memory_layout.h_stride = gru->extra_row = gru->gate_width;
  gru->gru_cell = g_new (LstmGruCellParams, 1);
  *gru->gru_cell = (LstmGruCellParams){
      .gates = params->activations[0],
      .candidate = params->activations[1],
      .clip = params->clip,
      .reset_after = params->reset_after,
  };
  init_biases (&biases, params, sizes.m);
  columns = lstm_recurrent_make_columns (
      sizes.m, 1, gru->gate_width, gate_blocks, LSTM_GRU_GATES);
  return lstm_matrix_pack (&gru->matrix, kernels, precision, LSTM_GATES, n_panels, columns,
             biases.x, NULL, &params->weight_ih, 1, error)
         && lstm_matrix_pack (&gru->recurrent, kernels, precision, LSTM_GATES, n_panels,
             columns, biases.h, NULL, &params->weight_hh, 1, error);
}

/* Packs panels of the three gates of panel / 4 units. The last vector of their bias rows is the bias
 * of h U of n. */
static gboolean
pack_fused (LstmRecurrent *gru, const LstmBuilder *builder, const LstmRecurrentParams *params,
    LstmRecurrentSizes sizes, GError **error)
{
  const LstmKernels *kernels = builder->kernels;
  const gsize width = kernels->panel / LSTM_GATES;
  const gsize n_panels = (sizes.m + width - 1) / width;
  LstmArray *const parts[] = {params->weight_ih, params->weight_hh};
  g_auto (Biases) biases = {0};
  g_autofree gsize *columns = lstm_recurrent_make_columns (
      sizes.m, n_panels, width, gate_blocks, LSTM_GRU_GATES);

  init_biases (&biases, params, sizes.m);
  if (!lstm_matrix_pack (&gru->matrix, kernels, (int) builder->precision, LSTM_GRU_GATES,
          n_panels, columns, biases.x, NULL, parts, G_N_ELEMENTS (parts), error))
    return FALSE;
  for (gsize i = 0; i < sizes.m; i++)
    gru->matrix.weights[i / width * gru->matrix.panel_stride + gru->matrix.panel + i % width] =
        biases.h[N_SIGMOID_GATES * sizes.m + i];
  gru->gate_width = width;
  gru->u_offset = kernels->panel
                  + lstm_product_count_rows (gru->matrix.product, sizes.d) * gru->matrix.panel;
  gru->memory_layout.h_stride = n_panels * width;
  gru->run_fused = gru->matrix.product->run_gru_step;
  gru->relu = params->activations[1].kind == LSTM_ACTIVATION_RELU;
  if (!gru->relu && gru->memory_layout.h_stride <= LSTM_MAX_STREAM_UNITS)
    gru->run_stream = gru->matrix.product->run_gru_stream;
  return TRUE;
}

static gboolean
pack_gru (LstmRecurrent *gru, const LstmBuilder *builder, const LstmRecurrentParams *params,
    LstmRecurrentSizes sizes, GError **error)
{
  const gboolean can_fuse = params->activations[0].kind == LSTM_ACTIVATION_SIGMOID
                            && (params->activations[1].kind == LSTM_ACTIVATION_TANH
                                || params->activations[1].kind == LSTM_ACTIVATION_RELU)
                            && params->reset_after && isinf (params->clip);

  return (can_fuse ? pack_fused : pack_unfused) (gru, builder, params, sizes, error);
}

const LstmCellType lstm_cell_type_gru = {
    .gates = "rzn",
    .n_gates = LSTM_GRU_GATES,
    .n_traced_gates = LSTM_GRU_GATES,
    .n_activations = 2,
    .activations = {"sigmoid", "tanh"}, /* of r and z; of n */
    .pack = pack_gru,
    .run_unfused_step = run_unfused_step,
};

const LstmLayerKind lstm_kind_gru = {
    .name = "gru",
    .keys = {"activations", "reset_after", "clip", "zero_masked", "return", "direction",
        "merge", "order"},
    .load = lstm_recurrent_load,
    .free = lstm_recurrent_free,
    .n_memories = 1,
    .get_memory_layout = lstm_recurrent_get_memory_layout,
    .cell_type = &lstm_cell_type_gru,
    .run = lstm_recurrent_run,
};
