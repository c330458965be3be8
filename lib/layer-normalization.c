/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layers.h"

static void
run (const LstmLayer *layer, const LstmKernels *kernels, const LstmBlock *b)
{
  const float *mean = layer->weights, *scale = mean + layer->in;

  if (!b->y)
    return;
  for (gsize s = 0; s < b->streams; s++)
    kernels->normalize (b->y + s * b->y_stride, layer->out, b->x + s * b->x_stride, layer->in,
        mean, scale, b->steps, layer->in);
}

const LstmLayerKind lstm_layer_normalization = {
    .run = run,
};
