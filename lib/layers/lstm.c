/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layers/lstm.h"
#include <string.h>

/* A layer computes z = bias + x W of all steps in advance, in one product, if it has more inputs
 * and fewer streams than these. Otherwise each step computes its own x W: with so few inputs, or
 * with rows that fill a tile, reading z back would cost as much as the product. */
#define ADVANCE_INPUTS 4
#define ADVANCE_STREAMS 4
#define ADVANCE_ROWS ((gsize) 256) /* of one product: complete sequences can have many more */

/* The parts of the scratch memory; n_rows = streams * rows_per_input */
typedef struct {
  float *z;       /* (n_rows * steps, n_lanes) */
  float *cells;   /* (n_rows, c_stride), with a projection */
  float *h_words; /* (n_rows, h_words), followed by a scale each */
  float *x_words; /* (n_rows or steps, x_words), followed by a scale each */
} Scratch;

static Scratch
lay_out_scratch (const LstmLstm *lstm, const LstmBlock *b)
{
  const gsize n_rows = b->streams * b->rows_per_input;
  float *z = b->scratch, *cells = z + n_rows * b->steps * lstm->matrix.n_lanes;
  float *h_words = cells
                   + (lstm->projection.weights ? n_rows * lstm->memory_layout.c_stride : 0);

  return (Scratch){z, cells, h_words, h_words + n_rows * (lstm->h_words + 1)};
}

/* Returns @n_rows rows of @k values as words. If the words are not the values themselves, writes
 * the words and their scales to @words. */
static LstmRows
make_words (const LstmLstm *lstm, const float *x, gsize x_stride, gsize n_rows, gsize k,
    gsize n_words, float *words)
{
  const LstmProduct *product = lstm->matrix.product;
  float *scales = words + n_rows * n_words;

  if (!product->to_words)
    return (LstmRows){x, x_stride, n_words, NULL};
  product->to_words (x, x_stride, n_rows, k, words, n_words, scales);
  return (LstmRows){words, n_words, n_words, scales};
}

/* --- Steps --- */

/* Computes z [n_rows, 4 m] = bias + x W. */
static void
compute_z_rows (const LstmLayer *layer, const LstmKernels *kernels, const float *x,
    gsize x_stride, gsize n_rows, float *z, float *words)
{
  const LstmLstm *lstm = layer->data;
  const LstmMatrix *matrix = &lstm->matrix;
  const LstmAffine affine = {
      .n_rows = n_rows,
      .n_panels = matrix->n_panels,
      .w = matrix->weights,
      .w_stride = matrix->panel_stride,
      .w_offset = kernels->panel,
      .x = make_words (lstm, x, x_stride, n_rows, layer->in, lstm->x_words, words),
      .y = z,
      .y_stride = matrix->n_lanes,
  };

  matrix->product->run_affine (&affine);
}

/* Computes z [streams, steps, 4 m] of all steps, so that only h U remains for each step. */
static void
compute_z (const LstmLayer *layer, const LstmKernels *kernels, const LstmBlock *b,
    const Scratch *scratch)
{
  const LstmLstm *lstm = layer->data;
  /* single steps of all streams are the rows of one product, like the steps of one stream */
  const gsize n_groups = b->steps == 1 ? 1 : b->streams;
  const gsize n_rows = b->steps == 1 ? b->streams : b->steps;
  const gsize x_stride = b->steps == 1 ? b->x_stride : layer->in;

  for (gsize s = 0; s < n_groups; s++)
    for (gsize r = 0; r < n_rows; r += ADVANCE_ROWS) {
      if (!lstm_block_should_continue (b))
        return;
      compute_z_rows (layer, kernels, b->x + s * b->x_stride + r * x_stride, x_stride,
          MIN (ADVANCE_ROWS, n_rows - r), scratch->z + (s * n_rows + r) * lstm->matrix.n_lanes,
          scratch->x_words);
    }
}

/* Copies each row of z to all state rows that process the same x, from the last row to the
 * first. */
static void
broadcast_z (const LstmLstm *lstm, const LstmBlock *b, float *z)
{
  const gsize n = lstm->matrix.n_lanes;

  for (gsize row = b->streams * b->rows_per_input; b->rows_per_input > 1 && row-- > 0;)
    memmove (z + row * n, z + row / b->rows_per_input * n, n * sizeof (float));
}

/* Runs a fused step of the state rows [first, first + n_rows), whose words are @h. Without words
 * in @x, the step starts from @z. @gates: see LstmStep */
static void
run_fused_rows (const LstmLstm *lstm, const LstmMemory *memory, gsize first, gsize n_rows,
    const LstmRows *x, const float *z, gsize z_stride, float *gates, const LstmRows *h)
{
  const LstmMatrix *matrix = &lstm->matrix;
  const LstmStep step = {
      .n_rows = n_rows,
      .n_panels = matrix->n_panels,
      .w = matrix->weights,
      .w_stride = matrix->panel_stride,
      .u_offset = lstm->u_offset,
      .x = *x,
      .z = z,
      .z_stride = z_stride,
      .gates = gates,
      .h = {h->words + first * h->stride, h->stride, h->n,
          h->scales ? h->scales + first : NULL},
      .h_next = memory->h_next + first * memory->h_stride,
      .c = memory->c + first * memory->c_stride,
      .m_stride = memory->c_stride,
      .backwards = memory->backwards,
      .relu = lstm->relu,
  };

  matrix->product->run_step (&step);
}

/* Computes h_next from the outputs of the cells. */
static void
project_cells (const LstmLstm *lstm, const LstmKernels *kernels, const LstmMemory *memory,
    gsize n_rows, const float *cells)
{
  const LstmAffine projection = {
      .n_rows = n_rows,
      .n_panels = lstm->projection.n_panels,
      .w = lstm->projection.weights,
      .w_stride = lstm->projection.panel_stride,
      .w_offset = kernels->panel,
      .x = {cells, memory->c_stride, lstm->memory_layout.n_c, NULL},
      .y = memory->h_next,
      .y_stride = memory->h_stride,
  };

  lstm->projection.product->run_affine (&projection);
}

/* Runs a step in separate passes: z, which contains bias + x W, becomes the pre-activations, the
 * cells compute m values, and a projection computes h from them. */
static void
run_unfused_step (const LstmLstm *lstm, const LstmKernels *kernels, const LstmMemory *memory,
    gsize n_rows, float *z, gsize z_stride, const LstmRows *h, float *cells)
{
  const LstmMatrix *matrix = &lstm->matrix;
  const gboolean has_projection = lstm->projection.weights != NULL;
  const LstmAffine recurrent = {
      .n_rows = n_rows,
      .n_panels = matrix->n_panels,
      .w = matrix->weights,
      .w_stride = matrix->panel_stride,
      .w_offset = lstm->u_offset,
      .base = z,
      .x = *h,
      .y = z,
      .y_stride = z_stride,
      .backwards = memory->backwards,
  };
  const LstmCell cell = {
      .params = lstm->cell,
      .n_rows = n_rows,
      .n_panels = matrix->n_panels,
      .n_units = lstm->memory_layout.n_c,
      .z = z,
      .z_stride = z_stride,
      .h = has_projection ? cells : memory->h_next,
      .c = memory->c,
      .m_stride = memory->c_stride,
  };

  matrix->product->run_affine (&recurrent);
  kernels->run_cells (&cell);
  if (has_projection)
    project_cells (lstm, kernels, memory, n_rows, cells);
}

/* Computes h_next and c of step @t from h and c. If the gates are traced, replaces z of the step by
 * the gates. @has_z: z contains bias + x W */
static void
run_step (const LstmLayer *layer, const LstmKernels *kernels, const LstmBlock *b, gsize t,
    gboolean has_z, const Scratch *scratch)
{
  const LstmLstm *lstm = layer->data;
  const gsize n_rows = b->streams * b->rows_per_input,
              z_stride = b->steps * lstm->matrix.n_lanes;
  const LstmMemory *memory = b->memory;
  float *z = scratch->z + t * lstm->matrix.n_lanes;
  const LstmRows h = make_words (
      lstm, memory->h, memory->h_stride, n_rows, layer->out, lstm->h_words, scratch->h_words);
  LstmRows x = {0};

  if (lstm->cell) {
    run_unfused_step (lstm, kernels, memory, n_rows, z, z_stride, &h, scratch->cells);
    return;
  }
  if (!has_z)
    x = make_words (lstm, b->x + t * layer->in, b->x_stride, n_rows, layer->in, lstm->x_words,
        scratch->x_words);
  if (b->rows_per_input == 1)
    run_fused_rows (lstm, memory, 0, n_rows, &x, z, z_stride, b->gates ? z : NULL, &h);
  else
    for (gsize s = 0; s < b->streams; s++)
      run_fused_rows (lstm, memory, s * b->rows_per_input, b->rows_per_input, &x,
          z + s * z_stride, 0, NULL, &h);
}

/* --- Masks --- */

static gboolean
is_masked_in_all_streams (const LstmBlock *b, gsize t)
{
  for (gsize s = 0; b->mask && s < b->streams; s++)
    if (!b->mask[s * b->steps + t])
      return FALSE;
  return b->mask != NULL;
}

/* Undoes step @t in the state rows in which it is masked: h_next becomes h, and c its saved
 * copy. */
static void
restore_masked_rows (const LstmBlock *b, gsize t)
{
  const LstmMemory *memory = b->memory;

  for (gsize row = 0; b->mask && row < b->streams * b->rows_per_input; row++) {
    if (!b->mask[row / b->rows_per_input * b->steps + t])
      continue;
    memcpy (memory->h_next + row * memory->h_stride, memory->h + row * memory->h_stride,
        memory->h_stride * sizeof (float));
    memcpy (memory->c + row * memory->c_stride, b->saved_c + row * memory->c_stride,
        memory->c_stride * sizeof (float));
  }
}

/* Advances h and c by step @t, in all state rows in which it is not masked. */
static void
advance_memory (const LstmLayer *layer, const LstmKernels *kernels, const LstmBlock *b, gsize t,
    gboolean has_z, const Scratch *scratch)
{
  LstmMemory *memory = b->memory;
  float *previous = memory->h;

  if (b->mask)
    memcpy (b->saved_c, memory->c,
        b->streams * b->rows_per_input * memory->c_stride * sizeof (float));
  run_step (layer, kernels, b, t, has_z, scratch);
  restore_masked_rows (b, t);
  memory->h = memory->h_next;
  memory->h_next = previous;
  memory->backwards = !memory->backwards;
}

static void
zero_masked_outputs (const LstmLayer *layer, const LstmBlock *b)
{
  const LstmLstm *lstm = layer->data;
  const gboolean only_last = b->is_complete_sequence && lstm->returns_last;

  if (!lstm->zero_masked || !b->mask || !b->y)
    return;
  for (gsize row = 0; row < b->streams * b->rows_per_input; row++) {
    for (gsize i = only_last ? b->steps - 1 : 0; i < b->steps; i++) {
      const gsize t = lstm->reverse ? b->steps - 1 - i : i;
      const gsize at = only_last ? 0 : lstm->keep_processing_order ? i : t;

      if (b->mask[row / b->rows_per_input * b->steps + t])
        memset (b->y + row * b->y_stride + at * layer->out, 0, layer->out * sizeof (float));
    }
  }
}

/* --- Outputs --- */

/* Copies @n floats of each state row to step @t of @outputs, unless @outputs is NULL. */
static void
copy_state_rows (const LstmBlock *b, gsize t, const float *rows, gsize row_stride, gsize n,
    float *outputs, gsize output_stride)
{
  if (!outputs)
    return;
  for (gsize row = 0; row < b->streams * b->rows_per_input; row++)
    memcpy (outputs + row * output_stride + t * n, rows + row * row_stride, n * sizeof (float));
}

/* Stores y and the trace of h and c after step @t, which is the @i-th step in the order of
 * processing. */
static void
store_outputs (const LstmLayer *layer, const LstmBlock *b, gsize i, gsize t)
{
  const LstmLstm *lstm = layer->data;
  const LstmMemory *memory = b->memory;

  if (!b->is_complete_sequence || !lstm->returns_last)
    copy_state_rows (b, lstm->keep_processing_order ? i : t, memory->h, memory->h_stride,
        layer->out, b->y, b->y_stride);
  else if (i + 1 == b->steps)
    copy_state_rows (b, 0, memory->h, memory->h_stride, layer->out, b->y, b->y_stride);
  copy_state_rows (b, t, memory->h, memory->h_stride, layer->out, b->hidden, b->hidden_stride);
  copy_state_rows (
      b, t, memory->c, memory->c_stride, lstm->memory_layout.n_c, b->cell, b->cell_stride);
}

/* Stores i, f, g and o of step @t, from panels [streams, steps, n_lanes] to rows [4, m]; 0 for a
 * masked step. */
static void
store_gates (const LstmLstm *lstm, const LstmBlock *b, gsize t, const float *z)
{
  const gsize units_per_panel = lstm->memory_layout.c_stride / lstm->matrix.n_panels;
  const gsize m = lstm->memory_layout.n_c;

  for (gsize s = 0; s < b->streams; s++) {
    const float *panels = z + (s * b->steps + t) * lstm->matrix.n_lanes;
    const gboolean is_masked = b->mask && b->mask[s * b->steps + t];
    float *gates = b->gates + s * b->gates_stride + t * LSTM_GATES * m;

    for (gsize g = 0; g < LSTM_GATES; g++)
      for (gsize i = 0; i < m; i++)
        *gates++ = is_masked ? 0
                             : panels[(i / units_per_panel * LSTM_GATES + g) * units_per_panel
                                      + i % units_per_panel];
  }
}

static void
run_lstm (const LstmLayer *layer, const LstmKernels *kernels, const LstmBlock *b)
{
  const LstmLstm *lstm = layer->data;
  const gboolean has_z = lstm->cell || b->rows_per_input > 1
                         || (b->steps > 1 && b->streams < ADVANCE_STREAMS
                             && layer->in > ADVANCE_INPUTS);
  const Scratch scratch = lay_out_scratch (lstm, b);

  if (has_z)
    compute_z (layer, kernels, b, &scratch);
  if (lstm->cell)
    broadcast_z (lstm, b, scratch.z);
  for (gsize i = 0; i < b->steps; i++) {
    const gsize t = lstm->reverse ? b->steps - 1 - i : i;

    if (!lstm_block_should_continue (b))
      return;
    if (!is_masked_in_all_streams (b, t))
      advance_memory (layer, kernels, b, t, has_z, &scratch);
    store_outputs (layer, b, i, t);
    if (b->gates)
      store_gates (lstm, b, t, scratch.z);
  }
  zero_masked_outputs (layer, b);
}

static const LstmMemoryLayout *
get_memory_layout (const LstmLayer *layer, guint index)
{
  const LstmLstm *lstm = layer->data;

  return &lstm->memory_layout;
}

const LstmLayerKind lstm_kind_lstm = {
    .name = "lstm",
    .keys = {"activations", "clip", "cell_clip", "input_forget", "zero_masked", "return",
        "direction", "merge", "order"},
    .load = lstm_lstm_load,
    .free = lstm_lstm_free,
    .n_memories = 1,
    .get_memory_layout = get_memory_layout,
    .run = run_lstm,
};
