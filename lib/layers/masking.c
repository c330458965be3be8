/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layers/layer.h"
#include <string.h>

/* A step is masked if all its features equal mask_value; they become 0 then. */
static void
run (const LstmLayer *layer, const LstmKernels *kernels, const LstmBlock *b)
{
  for (gsize s = 0; s < b->streams; s++) {
    for (gsize t = 0; t < b->steps; t++) {
      const float *x = b->x + s * b->x_stride + t * layer->in;
      gboolean masked = TRUE;

      for (gsize i = 0; i < layer->in && masked; i++)
        masked = x[i] == layer->mask_value;
      b->mask[s * b->steps + t] = (guint8) masked;
      if (!b->y)
        continue;
      if (masked)
        memset (b->y + s * b->y_stride + t * layer->in, 0, layer->in * sizeof (float));
      else
        memcpy (b->y + s * b->y_stride + t * layer->in, x, layer->in * sizeof (float));
    }
  }
}

const LstmLayerKind lstm_layer_masking = {
    .masks = TRUE,
    .run = run,
};
