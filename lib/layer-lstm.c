/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layers.h"

/* z [streams, steps, 4 m] = bias + x W for all steps at once: only h U is left for each. */
static void
project (const LstmLayer *layer, const LstmKernels *kernels, const LstmBlock *b)
{
  for (gsize s = 0; s < b->streams; s++) {
    const LstmAffine affine = {
        .rows = b->steps,
        .k = layer->in,
        .panels = layer->panels,
        .w = layer->weights,
        .w_stride = (1 + layer->in + layer->out) * kernels->panel,
        .x = b->x + s * b->x_stride,
        .x_stride = layer->in,
        .y = b->scratch + s * b->steps * layer->scratch_row,
        .y_stride = layer->scratch_row,
    };

    kernels->affine (&affine);
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

static void
run (const LstmLayer *layer, const LstmKernels *kernels, const LstmBlock *b)
{
  LstmMemory *memory = b->memory;
  const gboolean projected = b->steps > 1;

  if (projected)
    project (layer, kernels, b);
  for (gsize t = 0; t < b->steps; t++) {
    const LstmStep step = {
        .rows = b->streams,
        .d = layer->in,
        .m = layer->out,
        .panels = layer->panels,
        .w = layer->weights,
        .x = projected ? NULL : b->x,
        .x_stride = b->x_stride,
        .z = projected ? b->scratch + t * layer->scratch_row : NULL,
        .z_stride = b->steps * layer->scratch_row,
        .h = memory->h,
        .h_next = memory->h_next,
        .c = memory->c,
        .h_stride = memory->stride,
    };

    kernels->step (&step);
    memory->h = step.h_next;
    memory->h_next = (float *) step.h;
    copy_out (layer, b, t, memory->h, b->y, b->y_stride);
    copy_out (layer, b, t, memory->h, b->hidden, b->trace_stride);
    copy_out (layer, b, t, memory->c, b->cell, b->trace_stride);
  }
}

const LstmLayerKind lstm_layer_lstm = {
    .has_memory = TRUE,
    .run = run,
};
