/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * LSTM layers: i, f and o = act0 (x W + b + h U), g = act1 (x W + b + h U), c' = f c + i g,
 * h' = o act2 (c'). */
#include "layers/parallel.h"
#include <math.h>

/* Computes h_next from the outputs of the cells. */
static void
project_cells (const LstmRecurrent *lstm, const LstmKernels *kernels, const LstmUnfusedStep *s)
{
  const LstmMemory *memory = s->memory;
  const LstmAffine projection = {
      .n_rows = s->n_rows,
      .n_panels = lstm->projection.n_panels,
      .w = lstm->projection.weights,
      .w_stride = lstm->projection.panel_stride,
      .w_offset = kernels->panel,
      .x = {s->extra, memory->c_stride, lstm->memory_layout.n_c, NULL},
      .y = memory->h_next,
      .y_stride = memory->h_stride,
  };

  lstm_parallel_run_affine (s->threads, &lstm->projection, &projection);
}

/* Runs a step in separate passes: z becomes the pre-activations, the cells compute m values, and a
 * projection computes h from them. */
static void
run_unfused_step (
    const LstmRecurrent *lstm, const LstmKernels *kernels, const LstmUnfusedStep *s)
{
  const LstmMatrix *matrix = &lstm->matrix;
  const LstmMemory *memory = s->memory;
  const gboolean has_projection = lstm->projection.weights != NULL;
  const LstmAffine recurrent = {
      .n_rows = s->n_rows,
      .n_panels = matrix->n_panels,
      .w = matrix->weights,
      .w_stride = matrix->panel_stride,
      .w_offset = lstm->u_offset,
      .base = s->z,
      .x = lstm_recurrent_make_words (lstm, memory->h, memory->h_stride, s->n_rows,
          lstm->memory_layout.n_h, lstm->h_words, s->h_words),
      .y = s->z,
      .y_stride = s->z_stride,
      .backwards = memory->backwards,
  };
  const LstmCell cell = {
      .params = lstm->lstm_cell,
      .n_rows = s->n_rows,
      .n_panels = matrix->n_panels,
      .n_units = lstm->memory_layout.n_c,
      .z = s->z,
      .z_stride = s->z_stride,
      .h = has_projection ? s->extra : memory->h_next,
      .c = memory->c,
      .m_stride = memory->c_stride,
  };

  lstm_parallel_run_affine (s->threads, matrix, &recurrent);
  kernels->run_cells (&cell);
  if (has_projection)
    project_cells (lstm, kernels, s);
}

/* Returns whether the fused kernel can compute the step, with sigmoid for i, f and o. Sets @relu to
 * whether the activation of g and c is relu. */
static gboolean
can_use_fused_kernel (const LstmRecurrentParams *params, gboolean *relu)
{
  static const struct {
    LstmActivationKind kind; /* of g and c */
    gboolean relu;
  } fused_activations[] = {{LSTM_ACTIVATION_TANH, FALSE}, {LSTM_ACTIVATION_RELU, TRUE}};

  if (params->activations[0].kind != LSTM_ACTIVATION_SIGMOID || params->peephole
      || params->projection || params->input_forget || !isinf (params->clip)
      || !isinf (params->cell_clip))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (fused_activations); i++) {
    *relu = fused_activations[i].relu;
    if (params->activations[1].kind == fused_activations[i].kind
        && params->activations[2].kind == fused_activations[i].kind)
      return TRUE;
  }
  return FALSE;
}

static gboolean
set_cell (LstmRecurrent *lstm, const LstmRecurrentParams *params, gsize m, GError **error)
{
  if (can_use_fused_kernel (params, &lstm->relu)) {
    lstm->run_fused = lstm->matrix.product->run_lstm_step;
    if (!lstm->relu && lstm->memory_layout.c_stride <= LSTM_MAX_STREAM_UNITS)
      lstm->run_stream = lstm->matrix.product->run_lstm_stream;
    return TRUE;
  }
  if (!lstm_recurrent_copy_rows (
          params->peephole, 3, m, lstm->memory_layout.c_stride, &lstm->peepholes, error))
    return FALSE;
  lstm->lstm_cell = g_new (LstmCellParams, 1);
  *lstm->lstm_cell = (LstmCellParams){
      .gates = params->activations[0],
      .candidate = params->activations[1],
      .output = params->activations[2],
      .peepholes = lstm->peepholes,
      .clip = params->clip,
      .cell_clip = params->cell_clip,
      .input_forget = params->input_forget,
  };
  return TRUE;
}

/* Packs panels of the four gates of panel / 4 units. */
static gboolean
pack_lstm (LstmRecurrent *lstm, const LstmBuilder *builder, const LstmRecurrentParams *params,
    LstmRecurrentSizes sizes, GError **error)
{
  static const guint blocks[LSTM_GATES] = {0, 1, 2, 3};
  const LstmKernels *kernels = builder->kernels;
  const gsize gate_width = kernels->panel / LSTM_GATES;
  const gsize n_panels = (sizes.m + gate_width - 1) / gate_width;
  LstmArray *const parts[] = {params->weight_ih, params->weight_hh};
  g_autofree gsize *columns = lstm_recurrent_make_columns (
      sizes.m, n_panels, gate_width, blocks, LSTM_GATES);

  if (!lstm_matrix_pack (&lstm->matrix, kernels, (int) builder->precision, LSTM_GATES, n_panels,
          columns, params->bias_ih ? params->bias_ih->values : NULL,
          params->bias_hh ? params->bias_hh->values : NULL, parts, G_N_ELEMENTS (parts), error)
      || (params->projection
          && !lstm_matrix_pack_outputs (
              &lstm->projection, kernels, NULL, params->projection, error)))
    return FALSE;
  lstm->gate_width = gate_width;
  lstm->u_offset = (1 + lstm_product_count_rows (lstm->matrix.product, sizes.d))
                   * kernels->panel;
  lstm->memory_layout.c_stride = n_panels * gate_width;
  lstm->memory_layout.h_stride = params->projection ? lstm->projection.n_lanes
                                                    : lstm->memory_layout.c_stride;
  lstm->extra_row = params->projection ? lstm->memory_layout.c_stride : 0;
  return set_cell (lstm, params, sizes.m, error);
}

const LstmCellType lstm_cell_type_lstm = {
    .gates = "ifgo",
    .n_gates = LSTM_GATES,
    .n_traced_gates = LSTM_GATES,
    .has_c = TRUE,
    .n_activations = 3,
    .activations = {"sigmoid", "tanh", "tanh"}, /* of i, f and o; of g; of c */
    .pack = pack_lstm,
    .run_unfused_step = run_unfused_step,
};

const LstmLayerKind lstm_kind_lstm = {
    .name = "lstm",
    .keys = {"activations", "clip", "cell_clip", "input_forget", "zero_masked", "return",
        "direction", "merge", "order"},
    .load = lstm_recurrent_load,
    .free = lstm_recurrent_free,
    .n_memories = 1,
    .get_memory_layout = lstm_recurrent_get_memory_layout,
    .cell_type = &lstm_cell_type_lstm,
    .run = lstm_recurrent_run,
};
