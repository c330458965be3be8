/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layers.h"
#include "pack.h"
#include <string.h>

/* Below this many inputs, or with rows enough to fill a tile, reading bias + x W back costs as
 * much as the product: every step takes x by itself. */
#define PROJECT_INPUTS 4
#define PROJECT_STREAMS 4

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

/* z [streams, steps, 4 m] = bias + x W for all steps at once: only h U is left for each. */
static void
project (const LstmLayer *layer, const LstmBlock *b, float *z, float *words)
{
  for (gsize s = 0; s < b->streams; s++) {
    const LstmAffine affine = {
        .rows = b->steps,
        .panels = layer->panels,
        .w = layer->weights,
        .w_stride = layer->w_stride,
        .x = rows_of (layer, b->x + s * b->x_stride, layer->in, b->steps, layer->in,
            layer->x_words, words),
        .y = z + s * b->steps * layer->z_stride,
        .y_stride = layer->z_stride,
    };

    layer->product->affine (&affine);
  }
}

/* Rows of out floats, from a memory's rows to every stream's row of step t. */
static void
copy_out (const LstmLayer *layer, const LstmBlock *b, gsize t, const float *from, float *to,
    gsize to_stride)
{
  if (!to)
    return;
  for (gsize s = 0; s < b->streams; s++)
    memcpy (to + s * to_stride + t * layer->out, from + s * b->memory->stride,
        layer->out * sizeof (float));
}

/* A step of rows [first, first + rows) of the memory, of which @h has the words: from x, or where
 * that has no words from z. */
static void
run_rows (const LstmLayer *layer, const LstmMemory *memory, gsize first, gsize rows,
    const LstmRows *x, const float *z, gsize z_stride, const LstmRows *h)
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
      .h = {h->words + first * h->stride, h->stride, h->n,
          h->factors ? h->factors + first : NULL},
      .h_next = memory->h_next + first * memory->stride,
      .c = memory->c + first * memory->stride,
      .m_stride = memory->stride,
      .backwards = memory->backwards,
  };

  layer->product->step (&step);
}

static void
run (const LstmLayer *layer, const LstmKernels *kernels, const LstmBlock *b)
{
  const gsize rows = b->streams * b->fan;
  const gboolean projected = b->fan > 1
                             || (b->steps > 1 && b->streams < PROJECT_STREAMS
                                 && layer->in > PROJECT_INPUTS);
  LstmMemory *memory = b->memory;
  float *z = b->scratch, *h_words = z + rows * b->steps * layer->z_stride;
  float *x_words = h_words + rows * (layer->h_words + 1);

  (void) kernels;
  if (projected)
    project (layer, b, z, x_words);
  for (gsize t = 0; t < b->steps; t++) {
    const LstmRows h = rows_of (
        layer, memory->h, memory->stride, rows, layer->out, layer->h_words, h_words);
    LstmRows x = {0};

    if (!projected)
      x = rows_of (
          layer, b->x + t * layer->in, b->x_stride, rows, layer->in, layer->x_words, x_words);
    if (b->fan == 1)
      run_rows (
          layer, memory, 0, rows, &x, z + t * layer->z_stride, b->steps * layer->z_stride, &h);
    else
      for (gsize s = 0; s < b->streams; s++)
        run_rows (layer, memory, s * b->fan, b->fan, &x, z + s * layer->z_stride, 0, &h);
    {
      float *last = memory->h;

      memory->h = memory->h_next;
      memory->h_next = last;
      memory->backwards = !memory->backwards;
    }
    copy_out (layer, b, t, memory->h, b->y, b->y_stride);
    copy_out (layer, b, t, memory->h, b->hidden, b->trace_stride);
    copy_out (layer, b, t, memory->c, b->cell, b->trace_stride);
  }
}

const LstmLayerKind lstm_layer_lstm = {
    .has_memory = TRUE,
    .run = run,
};
