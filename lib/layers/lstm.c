/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layers/layer.h"
#include "kernels/pack.h"
#include <string.h>

/* Below this many inputs, or with rows enough to fill a tile, reading bias + x W back costs as
 * much as the product: every step takes x by itself. */
#define PROJECT_INPUTS 4
#define PROJECT_STREAMS 4
#define PROJECT_ROWS ((gsize) 256) /* at once: of whole sequences there may be many more */

/* Rows of k values as the products take them. Where those are not the floats themselves, @words
 * has room for @n and a factor per row. */
static LstmRows
rows_of (const LstmLayer *layer, const float *x, gsize x_stride, gsize rows, gsize k, gsize n,
    float *words)
{
  float *factors = words + rows * n;

  if (!layer->product->to_words)
    return (LstmRows){x, x_stride, n, NULL};
  layer->product->to_words (x, x_stride, rows, k, words, n, factors);
  return (LstmRows){words, n, n, factors};
}

/* z [rows, 4 m] = bias + x W */
static void
project_rows (const LstmLayer *layer, const LstmKernels *kernels, const float *x,
    gsize x_stride, gsize rows, float *z, float *words)
{
  const LstmAffine affine = {
      .rows = rows,
      .panels = layer->panels,
      .w = layer->weights,
      .w_stride = layer->w_stride,
      .w_at = kernels->panel,
      .x = rows_of (layer, x, x_stride, rows, layer->in, layer->x_words, words),
      .y = z,
      .y_stride = layer->z_stride,
  };

  layer->product->affine (&affine);
}

/* z [streams, steps, 4 m] of all steps at once: only h U is left for each. */
static void
project_x (const LstmLayer *layer, const LstmKernels *kernels, const LstmBlock *b, float *z,
    float *words)
{
  /* single steps of all streams are rows as well as the steps of a stream are */
  const gsize groups = b->steps == 1 ? 1 : b->streams;
  const gsize rows = b->steps == 1 ? b->streams : b->steps;
  const gsize x_stride = b->steps == 1 ? b->x_stride : layer->in;

  for (gsize s = 0; s < groups; s++)
    for (gsize r = 0; r < rows; r += PROJECT_ROWS) {
      if (!lstm_block_should_continue (b))
        return;
      project_rows (layer, kernels, b->x + s * b->x_stride + r * x_stride, x_stride,
          MIN (PROJECT_ROWS, rows - r), z + (s * rows + r) * layer->z_stride, words);
    }
}

/* Rows of n floats, from a memory's rows to every stream's row of step t. */
static void
copy_out (const LstmBlock *b, gsize t, const float *from, gsize from_stride, gsize n, float *to,
    gsize to_stride)
{
  if (!to)
    return;
  for (gsize s = 0; s < b->streams; s++)
    memcpy (to + s * to_stride + t * n, from + s * from_stride, n * sizeof (float));
}

/* y and the trace after the @i-th step that was run, which was step @t */
static void
give (const LstmLayer *layer, const LstmBlock *b, gsize i, gsize t)
{
  const LstmMemory *memory = b->memory;

  if (!b->whole || !layer->returns_last)
    copy_out (b, layer->processed ? i : t, memory->h, memory->h_stride, layer->out, b->y,
        b->y_stride);
  else if (i + 1 == b->steps)
    copy_out (b, 0, memory->h, memory->h_stride, layer->out, b->y, b->y_stride);
  copy_out (b, t, memory->h, memory->h_stride, layer->out, b->hidden, b->hidden_stride);
  copy_out (b, t, memory->c, memory->c_stride, layer->units, b->cell, b->cell_stride);
}

/* i, f, g and o of step @t, from panels [streams, steps, z_stride] to rows [4, units]: of a step
 * that is masked 0 */
static void
give_gates (const LstmLayer *layer, const LstmBlock *b, gsize t, const float *z)
{
  const gsize width = layer->c_stride / layer->panels;

  for (gsize s = 0; b->gates && s < b->streams; s++) {
    const float *from = z + (s * b->steps + t) * layer->z_stride;
    const gboolean masked = b->mask && b->mask[s * b->steps + t];
    float *to = b->gates + s * b->gates_stride + t * LSTM_GATES * layer->units;

    for (gsize g = 0; g < LSTM_GATES; g++)
      for (gsize i = 0; i < layer->units; i++)
        *to++ = masked ? 0 : from[(i / width * LSTM_GATES + g) * width + i % width];
  }
}

/* A step of rows [first, first + rows) of the memory, of which @h has the words: from x, or where
 * that has no words from z. @gates: see LstmStep */
static void
run_rows (const LstmLayer *layer, const LstmMemory *memory, gsize first, gsize rows,
    const LstmRows *x, const float *z, gsize z_stride, float *gates, const LstmRows *h)
{
  const LstmStep step = {
      .rows = rows,
      .panels = layer->panels,
      .w = layer->weights,
      .w_stride = layer->w_stride,
      .u = layer->u,
      .x = *x,
      .z = z,
      .z_stride = z_stride,
      .gates = gates,
      .h = {h->words + first * h->stride, h->stride, h->n,
          h->factors ? h->factors + first : NULL},
      .h_next = memory->h_next + first * memory->h_stride,
      .c = memory->c + first * memory->c_stride,
      .m_stride = memory->c_stride,
      .backwards = memory->backwards,
      .relu = layer->relu,
  };

  layer->product->step (&step);
}

/* A step of a layer that is not the usual one, piece by piece: z, which holds bias + x W, becomes
 * the pre-activations, the cells give m values, and a projection makes h of them. */
static void
run_pieces (const LstmLayer *layer, const LstmKernels *kernels, const LstmMemory *memory,
    gsize rows, float *z, gsize z_stride, const LstmRows *h, float *cells)
{
  const LstmAffine recurrent = {
      .rows = rows,
      .panels = layer->panels,
      .w = layer->weights,
      .w_stride = layer->w_stride,
      .w_at = layer->u,
      .base = z,
      .x = *h,
      .y = z,
      .y_stride = z_stride,
      .backwards = memory->backwards,
  };
  const LstmCell cell = {
      .kind = layer->cell,
      .rows = rows,
      .panels = layer->panels,
      .units = layer->units,
      .z = z,
      .z_stride = z_stride,
      .h = layer->projection ? cells : memory->h_next,
      .c = memory->c,
      .m_stride = memory->c_stride,
  };

  layer->product->affine (&recurrent);
  kernels->cell (&cell);
  if (layer->projection) {
    const LstmAffine projection = {
        .rows = rows,
        .panels = layer->projection->panels,
        .w = layer->projection->weights,
        .w_stride = layer->projection->w_stride,
        .w_at = kernels->panel,
        .x = {cells, memory->c_stride, layer->units, NULL},
        .y = memory->h_next,
        .y_stride = memory->h_stride,
    };

    kernels->products[LSTM_FLOAT32].affine (&projection);
  }
}

/* Rows of z for every row of memory that takes the same x, from the last to the first. */
static void
spread_z (const LstmLayer *layer, const LstmBlock *b, float *z)
{
  for (gsize row = b->streams * b->fan; b->fan > 1 && row-- > 0;)
    memmove (z + row * layer->z_stride, z + row / b->fan * layer->z_stride,
        layer->z_stride * sizeof (float));
}

/* What a masked step leaves: h and c as they were, of which @c has a copy. */
static void
hold (const LstmBlock *b, gsize t, const float *c)
{
  const LstmMemory *memory = b->memory;

  for (gsize row = 0; b->mask && row < b->streams * b->fan; row++) {
    if (!b->mask[row / b->fan * b->steps + t])
      continue;
    memcpy (memory->h_next + row * memory->h_stride, memory->h + row * memory->h_stride,
        memory->h_stride * sizeof (float));
    memcpy (memory->c + row * memory->c_stride, c + row * memory->c_stride,
        memory->c_stride * sizeof (float));
  }
}

static void
zero_masked (const LstmLayer *layer, const LstmBlock *b)
{
  const gboolean last = b->whole && layer->returns_last;

  if (!layer->zero_masked || !b->mask || !b->y)
    return;
  for (gsize s = 0; s < b->streams; s++) {
    for (gsize i = last ? b->steps - 1 : 0; i < b->steps; i++) {
      const gsize t = layer->reverse ? b->steps - 1 - i : i;
      const gsize at = last ? 0 : layer->processed ? i : t;

      if (b->mask[s * b->steps + t])
        memset (b->y + s * b->y_stride + at * layer->out, 0, layer->out * sizeof (float));
    }
  }
}

/* Where a layer's scratch is, rows = streams * fan */
typedef struct {
  float *z;       /* (rows * steps, z_stride) */
  float *cells;   /* (rows, c_stride), where a projection follows */
  float *h_words; /* (rows, h_words), and a factor each */
  float *x_words; /* (rows or steps, x_words), and a factor each */
} Scratch;

static Scratch
lay_out (const LstmLayer *layer, const LstmBlock *b)
{
  const gsize rows = b->streams * b->fan;
  float *z = b->scratch, *cells = z + rows * b->steps * layer->z_stride;
  float *h_words = cells + (layer->projection ? rows * layer->c_stride : 0);

  return (Scratch){z, cells, h_words, h_words + rows * (layer->h_words + 1)};
}

/* One step: h_next and c from h and c; z has the gates afterwards where they are wanted. */
static void
run_step (const LstmLayer *layer, const LstmKernels *kernels, const LstmBlock *b, gsize t,
    gboolean projected, const Scratch *scratch)
{
  const gsize rows = b->streams * b->fan, z_stride = b->steps * layer->z_stride;
  const LstmMemory *memory = b->memory;
  float *z = scratch->z + t * layer->z_stride;
  const LstmRows h = rows_of (
      layer, memory->h, memory->h_stride, rows, layer->out, layer->h_words, scratch->h_words);
  LstmRows x = {0};

  if (layer->cell) {
    run_pieces (layer, kernels, memory, rows, z, z_stride, &h, scratch->cells);
    return;
  }
  if (!projected)
    x = rows_of (layer, b->x + t * layer->in, b->x_stride, rows, layer->in, layer->x_words,
        scratch->x_words);
  if (b->fan == 1)
    run_rows (layer, memory, 0, rows, &x, z, z_stride, b->gates ? z : NULL, &h);
  else
    for (gsize s = 0; s < b->streams; s++)
      run_rows (layer, memory, s * b->fan, b->fan, &x, z + s * z_stride, 0, NULL, &h);
}

/* One step, after which h and c are those of it in all rows where it counts. */
static void
advance_memory (const LstmLayer *layer, const LstmKernels *kernels, const LstmBlock *b, gsize t,
    gboolean projected, const Scratch *scratch)
{
  LstmMemory *memory = b->memory;
  float *last = memory->h;

  if (b->mask)
    memcpy (b->held, memory->c, b->streams * b->fan * memory->c_stride * sizeof (float));
  run_step (layer, kernels, b, t, projected, scratch);
  hold (b, t, b->held);
  memory->h = memory->h_next;
  memory->h_next = last;
  memory->backwards = !memory->backwards;
}

/* Returns whether no stream's step @t counts, so that there is nothing to compute */
static gboolean
is_masked_in_all (const LstmBlock *b, gsize t)
{
  for (gsize s = 0; b->mask && s < b->streams; s++)
    if (!b->mask[s * b->steps + t])
      return FALSE;
  return b->mask != NULL;
}

static void
run (const LstmLayer *layer, const LstmKernels *kernels, const LstmBlock *b)
{
  const gboolean projected = layer->cell || b->fan > 1
                             || (b->steps > 1 && b->streams < PROJECT_STREAMS
                                 && layer->in > PROJECT_INPUTS);
  const Scratch scratch = lay_out (layer, b);

  if (projected)
    project_x (layer, kernels, b, scratch.z, scratch.x_words);
  if (layer->cell)
    spread_z (layer, b, scratch.z);
  for (gsize i = 0; i < b->steps; i++) {
    const gsize t = layer->reverse ? b->steps - 1 - i : i;

    if (!lstm_block_should_continue (b))
      return;
    if (!is_masked_in_all (b, t))
      advance_memory (layer, kernels, b, t, projected, &scratch);
    give (layer, b, i, t);
    give_gates (layer, b, t, scratch.z);
  }
  zero_masked (layer, b);
}

const LstmLayerKind lstm_layer_lstm = {
    .n_memories = 1,
    .run = run,
};
