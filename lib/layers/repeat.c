/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layers/layer.h"
#include <string.h>

/* The last step, layer->repeat times */
static void
run (const LstmLayer *layer, const LstmKernels *kernels, const LstmBlock *b)
{
  (void) kernels;
  for (gsize s = 0; b->y && s < b->streams; s++)
    for (gsize t = 0; t < layer->repeat; t++)
      memcpy (b->y + s * b->y_stride + t * layer->out,
          b->x + s * b->x_stride + (b->steps - 1) * layer->in, layer->out * sizeof (float));
}

const LstmLayerKind lstm_layer_repeat = {
    .run = run,
};
