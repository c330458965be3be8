/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layers/layer.h"
#include <string.h>

/* a [n] and b [n] to y: [2 n] side by side, or [n] */
static void
merge (LstmMerge how, const float *a, const float *b, gsize n, float *y)
{
  if (how == LSTM_MERGE_CONCAT) {
    memcpy (y, a, n * sizeof (float));
    memcpy (y + n, b, n * sizeof (float));
    return;
  }
  for (gsize i = 0; i < n; i++)
    y[i] = how == LSTM_MERGE_MUL ? a[i] * b[i]
                                 : (a[i] + b[i]) * (how == LSTM_MERGE_AVE ? 0.5f : 1);
}

/* Both directions one after the other into scratch, then together into y */
static void
run (const LstmLayer *layer, const LstmKernels *kernels, const LstmBlock *b)
{
  const gsize n = layer->directions[0]->out, steps = lstm_layer_steps (layer, b);
  const gsize size = b->streams * steps * n;
  float *const outputs[] = {b->scratch, b->scratch + size};

  for (guint k = 0; k < 2; k++) {
    const LstmLayer *direction = layer->directions[k];
    LstmBlock block = *b;

    block.y = outputs[k];
    block.y_stride = steps * n;
    block.hidden = b->traced == k ? b->hidden : NULL;
    block.cell = b->traced == k ? b->cell : NULL;
    block.gates = b->traced == k ? b->gates : NULL;
    block.traced = 0;
    block.scratch = b->scratch + 2 * b->streams * b->steps * n;
    block.memory = b->memory + k;
    direction->kind->run (direction, kernels, &block);
  }
  for (gsize s = 0; b->y && s < b->streams; s++)
    for (gsize t = 0; t < steps; t++)
      merge (layer->merge, outputs[0] + (s * steps + t) * n, outputs[1] + (s * steps + t) * n,
          n, b->y + s * b->y_stride + t * layer->out);
}

const LstmLayerKind lstm_layer_bidirectional = {
    .n_memories = 2,
    .run = run,
};
