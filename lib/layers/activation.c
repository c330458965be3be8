/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layers/layer.h"
#include <string.h>

/* Through scratch, whose rows are whole vectors */
static void
run (const LstmLayer *layer, const LstmKernels *kernels, const LstmBlock *b)
{
  const gsize size = layer->in * sizeof (float);

  if (!b->y)
    return;
  for (gsize s = 0; s < b->streams; s++) {
    for (gsize t = 0; t < b->steps; t++)
      memcpy (
          b->scratch + t * layer->scratch_row, b->x + s * b->x_stride + t * layer->in, size);
    kernels->activate (&layer->activation, b->scratch, b->steps, layer->in, layer->scratch_row);
    for (gsize t = 0; t < b->steps; t++)
      memcpy (
          b->y + s * b->y_stride + t * layer->in, b->scratch + t * layer->scratch_row, size);
  }
}

const LstmLayerKind lstm_layer_activation = {
    .run = run,
};
