/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layers/recurrent.h"
#include "layers/parallel.h"
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
  float *extra;   /* (n_rows, extra_row) */
  float *h_words; /* (n_rows, lanes of h_words), followed by a scale each */
  float *x_words; /* (n_rows or steps, lanes of x_words), followed by a scale each */
} Scratch;

static Scratch
lay_out_scratch (const LstmRecurrent *recurrent, const LstmBlock *b)
{
  const gsize n_rows = b->streams * b->rows_per_input;
  float *z = b->scratch, *extra = z + n_rows * b->steps * recurrent->matrix.n_lanes;
  float *h_words = extra + n_rows * recurrent->extra_row;
  const gsize h_lanes = lstm_product_count_x_lanes (
      recurrent->matrix.product, recurrent->h_words);

  return (Scratch){z, extra, h_words, h_words + n_rows * (h_lanes + 1)};
}

LstmRows
lstm_recurrent_make_words (const LstmRecurrent *recurrent, const float *x, gsize x_stride,
    gsize n_rows, gsize k, gsize n_words, float *words)
{
  const LstmProduct *product = recurrent->matrix.product;
  const gsize stride = lstm_product_count_x_lanes (product, n_words);
  float *scales = words + n_rows * stride;

  if (!product->to_words)
    return (LstmRows){x, x_stride, n_words, NULL};
  product->to_words (x, x_stride, n_rows, k, words, stride, scales);
  return (LstmRows){words, stride, n_words, scales};
}

/* --- Steps --- */

/* Computes z [n_rows, n_lanes] = bias + x W. */
static void
compute_z_rows (const LstmLayer *layer, const LstmKernels *kernels, const LstmBlock *b,
    const float *x, gsize x_stride, gsize n_rows, float *z, float *words)
{
  const LstmRecurrent *recurrent = layer->data;
  const LstmMatrix *matrix = &recurrent->matrix;
  const LstmAffine affine = {
      .n_rows = n_rows,
      .n_panels = matrix->n_panels,
      .w = matrix->weights,
      .w_stride = matrix->panel_stride,
      .w_offset = kernels->panel,
      .x = lstm_recurrent_make_words (
          recurrent, x, x_stride, n_rows, layer->in, recurrent->x_words, words),
      .y = z,
      .y_stride = matrix->n_lanes,
  };

  lstm_parallel_run_affine (b->threads, matrix, &affine);
}

/* Computes z [streams, steps, n_lanes] of all steps, so that only h U remains for each step. */
static void
compute_z (const LstmLayer *layer, const LstmKernels *kernels, const LstmBlock *b,
    const Scratch *scratch)
{
  const LstmRecurrent *recurrent = layer->data;
  /* single steps of all streams are the rows of one product, like the steps of one stream */
  const gsize n_groups = b->steps == 1 ? 1 : b->streams;
  const gsize n_rows = b->steps == 1 ? b->streams : b->steps;
  const gsize x_stride = b->steps == 1 ? b->x_stride : layer->in;

  for (gsize s = 0; s < n_groups; s++)
    for (gsize r = 0; r < n_rows; r += ADVANCE_ROWS) {
      if (!lstm_block_should_continue (b))
        return;
      compute_z_rows (layer, kernels, b, b->x + s * b->x_stride + r * x_stride, x_stride,
          MIN (ADVANCE_ROWS, n_rows - r),
          scratch->z + (s * n_rows + r) * recurrent->matrix.n_lanes, scratch->x_words);
    }
}

/* Copies each row of z to all state rows that process the same x, from the last row to the
 * first. */
static void
broadcast_z (const LstmRecurrent *recurrent, const LstmBlock *b, float *z)
{
  const gsize n = recurrent->matrix.n_lanes;

  for (gsize row = b->streams * b->rows_per_input; b->rows_per_input > 1 && row-- > 0;)
    memmove (z + row * n, z + row / b->rows_per_input * n, n * sizeof (float));
}

/* Runs a fused step of the state rows [first, first + n_rows), whose words are @h. Without words
 * in @x, the step starts from @z. @gates: see LstmStep */
static void
run_fused_rows (const LstmRecurrent *recurrent, const LstmBlock *b, gsize first, gsize n_rows,
    const LstmRows *x, const float *z, gsize z_stride, float *gates, const LstmRows *h)
{
  const LstmMemory *memory = b->memory;
  const LstmMatrix *matrix = &recurrent->matrix;
  const LstmStep step = {
      .n_rows = n_rows,
      .n_panels = matrix->n_panels,
      .w = matrix->weights,
      .w_stride = matrix->panel_stride,
      .u_offset = recurrent->u_offset,
      .x = *x,
      .z = z,
      .z_stride = z_stride,
      .gates = gates,
      .h = {h->words + first * h->stride, h->stride, h->n,
          h->scales ? h->scales + first : NULL},
      .h_values = memory->h + first * memory->h_stride,
      .h_next = memory->h_next + first * memory->h_stride,
      .c = memory->c + first * memory->c_stride,
      .m_stride = memory->h_stride,
      .backwards = memory->backwards,
      .relu = recurrent->relu,
  };

  lstm_parallel_run_step (b->threads, recurrent, &step);
}

static void
run_fused_step (
    const LstmLayer *layer, const LstmBlock *b, gsize t, gboolean has_z, const Scratch *scratch)
{
  const LstmRecurrent *recurrent = layer->data;
  const LstmMemory *memory = b->memory;
  const gsize n_rows = b->streams * b->rows_per_input;
  const gsize z_stride = b->steps * recurrent->matrix.n_lanes;
  float *z = scratch->z + t * recurrent->matrix.n_lanes;
  const LstmRows h = lstm_recurrent_make_words (recurrent, memory->h, memory->h_stride, n_rows,
      layer->out, recurrent->h_words, scratch->h_words);
  LstmRows x = {0};

  if (!has_z)
    x = lstm_recurrent_make_words (recurrent, b->x + t * layer->in, b->x_stride, n_rows,
        layer->in, recurrent->x_words, scratch->x_words);
  if (b->rows_per_input == 1)
    run_fused_rows (recurrent, b, 0, n_rows, &x, z, z_stride, b->gates ? z : NULL, &h);
  else
    for (gsize s = 0; s < b->streams; s++)
      run_fused_rows (recurrent, b, s * b->rows_per_input, b->rows_per_input, &x,
          z + s * z_stride, 0, NULL, &h);
}

/* Computes h_next and c of step @t from h and c. If the gates are traced, replaces z of the step by
 * the gates. @has_z: z contains bias + x W */
static void
run_step (const LstmLayer *layer, const LstmKernels *kernels, const LstmBlock *b, gsize t,
    gboolean has_z, const Scratch *scratch)
{
  const LstmRecurrent *recurrent = layer->data;
  const LstmUnfusedStep step = {
      .memory = b->memory,
      .n_rows = b->streams * b->rows_per_input,
      .z = scratch->z + t * recurrent->matrix.n_lanes,
      .z_stride = b->steps * recurrent->matrix.n_lanes,
      .extra = scratch->extra,
      .h_words = scratch->h_words,
      .threads = b->threads,
  };

  if (recurrent->run_fused)
    run_fused_step (layer, b, t, has_z, scratch);
  else
    recurrent->type->run_unfused_step (recurrent, kernels, &step);
}

/* --- Steps of one stream in a single call of a kernel --- */

/* Returns whether the kernel can run the loop over the steps: nothing but y is stored, and no step is
 * masked. */
static gboolean
can_run_stream (const LstmRecurrent *recurrent, const LstmBlock *b)
{
  return recurrent->run_stream && b->streams == 1 && b->rows_per_input == 1 && !b->mask
         && !b->hidden && !b->cell && !b->gates
         && (b->steps > 1 || !recurrent->matrix.product->to_words);
}

/* Runs @n steps from the @i-th step on, in the order of processing. @has_z: see run_step(). @y: NULL
 * if the output of these steps is not needed */
static void
run_stream_steps (const LstmLayer *layer, const LstmBlock *b, gsize i, gsize n, gboolean has_z,
    const float *z, float *y)
{
  const LstmRecurrent *recurrent = layer->data;
  const LstmMatrix *matrix = &recurrent->matrix;
  LstmMemory *memory = b->memory;
  float *const h = memory->h;
  const gboolean reverse = recurrent->reverse;
  const gboolean reverse_y = reverse && !recurrent->keep_processing_order;
  const gsize t = reverse ? b->steps - 1 - i : i;
  const LstmStreamSteps steps = {
      .n_steps = n,
      .n_panels = matrix->n_panels,
      .n_units = layer->out,
      .w = matrix->weights,
      .w_stride = matrix->panel_stride,
      .u_offset = recurrent->u_offset,
      .x = has_z ? NULL : b->x + t * layer->in,
      .n_inputs = layer->in,
      .x_stride = (reverse ? -1 : 1) * (gssize) layer->in,
      .z = z + t * matrix->n_lanes,
      .z_stride = (reverse ? -1 : 1) * (gssize) matrix->n_lanes,
      .h = h,
      .h_next = memory->h_next,
      .c = memory->c,
      .y = y ? y + (reverse_y ? t : i) * layer->out : NULL,
      .y_stride = (reverse_y ? -1 : 1) * (gssize) layer->out,
      .backwards = memory->backwards,
  };

  recurrent->run_stream (&steps);
  if (n % 2) {
    memory->h = memory->h_next;
    memory->h_next = h;
    memory->backwards = !memory->backwards;
  }
}

/* Runs all steps of @b, in one call unless the caller can end the sequence between two steps. */
static void
run_stream (const LstmLayer *layer, const LstmBlock *b, gboolean has_z, const float *z)
{
  const LstmRecurrent *recurrent = layer->data;
  const gboolean only_last = b->is_complete_sequence && recurrent->returns_last;
  const gsize n = b->should_continue ? 1 : b->steps;

  for (gsize i = 0; i < b->steps; i += n) {
    if (!lstm_block_should_continue (b))
      return;
    run_stream_steps (layer, b, i, n, has_z, z, only_last ? NULL : b->y);
  }
  if (only_last && b->y)
    memcpy (b->y, b->memory->h, layer->out * sizeof (float));
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
  const LstmRecurrent *recurrent = layer->data;
  const gboolean only_last = b->is_complete_sequence && recurrent->returns_last;

  if (!recurrent->zero_masked || !b->mask || !b->y)
    return;
  for (gsize row = 0; row < b->streams * b->rows_per_input; row++) {
    for (gsize i = only_last ? b->steps - 1 : 0; i < b->steps; i++) {
      const gsize t = recurrent->reverse ? b->steps - 1 - i : i;
      const gsize at = only_last ? 0 : recurrent->keep_processing_order ? i : t;

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
  const LstmRecurrent *recurrent = layer->data;
  const LstmMemory *memory = b->memory;

  if (!b->is_complete_sequence || !recurrent->returns_last)
    copy_state_rows (b, recurrent->keep_processing_order ? i : t, memory->h, memory->h_stride,
        layer->out, b->y, b->y_stride);
  else if (i + 1 == b->steps)
    copy_state_rows (b, 0, memory->h, memory->h_stride, layer->out, b->y, b->y_stride);
  copy_state_rows (b, t, memory->h, memory->h_stride, layer->out, b->hidden, b->hidden_stride);
  copy_state_rows (
      b, t, memory->c, memory->c_stride, recurrent->memory_layout.n_c, b->cell, b->cell_stride);
}

/* Stores the gates of step @t, from z [streams, steps, n_lanes] to rows [n_gates, m]; 0 for a masked
 * step. */
static void
store_gates (const LstmRecurrent *recurrent, const LstmBlock *b, gsize t, const float *z)
{
  const gsize width = recurrent->gate_width, m = recurrent->memory_layout.n_units;
  const gsize n_gates = recurrent->memory_layout.n_gates;

  for (gsize s = 0; s < b->streams; s++) {
    const float *row = z + (s * b->steps + t) * recurrent->matrix.n_lanes;
    const gboolean is_masked = b->mask && b->mask[s * b->steps + t];
    float *gates = b->gates + s * b->gates_stride + t * n_gates * m;

    for (gsize g = 0; g < n_gates; g++)
      for (gsize i = 0; i < m; i++)
        *gates++ = is_masked ? 0 : row[(i / width * n_gates + g) * width + i % width];
  }
}

void
lstm_recurrent_run (const LstmLayer *layer, const LstmKernels *kernels, const LstmBlock *b)
{
  const LstmRecurrent *recurrent = layer->data;
  const gboolean runs_stream = can_run_stream (recurrent, b);
  const gboolean has_z = !recurrent->run_fused || b->rows_per_input > 1
                         || (runs_stream && recurrent->matrix.product->to_words)
                         || (b->steps > 1 && b->streams < ADVANCE_STREAMS
                             && layer->in > ADVANCE_INPUTS);
  Scratch scratch;

  if (runs_stream && !has_z) { /* the common case of a small model needs no scratch memory */
    run_stream (layer, b, FALSE, b->scratch);
    return;
  }
  scratch = lay_out_scratch (recurrent, b);
  if (has_z)
    compute_z (layer, kernels, b, &scratch);
  if (runs_stream) {
    run_stream (layer, b, TRUE, scratch.z);
    return;
  }
  if (!recurrent->run_fused)
    broadcast_z (recurrent, b, scratch.z);
  for (gsize i = 0; i < b->steps; i++) {
    const gsize t = recurrent->reverse ? b->steps - 1 - i : i;

    if (!lstm_block_should_continue (b))
      return;
    if (!is_masked_in_all_streams (b, t))
      advance_memory (layer, kernels, b, t, has_z, &scratch);
    store_outputs (layer, b, i, t);
    if (b->gates)
      store_gates (recurrent, b, t, scratch.z);
  }
  zero_masked_outputs (layer, b);
}

const LstmMemoryLayout *
lstm_recurrent_get_memory_layout (const LstmLayer *layer, guint index)
{
  const LstmRecurrent *recurrent = layer->data;

  return &recurrent->memory_layout;
}
