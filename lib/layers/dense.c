/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layers/layer.h"

/* Rows x [rows, in] that lie x_stride apart: y = activation (b + x W). */
static void
run_rows (const LstmLayer *layer, const LstmKernels *kernels, gsize rows, const float *x,
    gsize x_stride, float *y, gsize y_stride, float *scratch)
{
  const LstmAffine affine = {
      .rows = rows,
      .panels = layer->panels,
      .w = layer->weights,
      .w_stride = layer->w_stride,
      .w_at = kernels->panel,
      .x = {x, x_stride, layer->in, NULL},
      .y = scratch,
      .y_stride = layer->scratch_row,
  };

  layer->product->affine (&affine);
  kernels->activate (&layer->activation, scratch, rows, layer->out, layer->scratch_row);
  for (gsize r = 0; r < rows; r++)
    memcpy (y + r * y_stride, scratch + r * layer->scratch_row, layer->out * sizeof (float));
}

static void
run (const LstmLayer *layer, const LstmKernels *kernels, const LstmBlock *b)
{
  if (!b->y)
    return;
  if (b->steps == 1) {
    run_rows (layer, kernels, b->streams, b->x, b->x_stride, b->y, b->y_stride, b->scratch);
    return;
  }
  for (gsize s = 0; s < b->streams; s++)
    run_rows (layer, kernels, b->steps, b->x + s * b->x_stride, layer->in,
        b->y + s * b->y_stride, layer->out, b->scratch);
}

const LstmLayerKind lstm_layer_dense = {
    .run = run,
};
