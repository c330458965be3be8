/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Two recurrent layers that run over the same sequence in opposite directions. */
#include "layers/bidirectional.h"
#include "layers/fingerprint.h"
#include <string.h>

typedef struct {
  LstmLayer *directions[2]; /* forward and reverse */
  LstmMerge merge;
} LstmBidirectional;

static void
free_bidirectional (gpointer data)
{
  LstmBidirectional *bidirectional = data;

  for (guint k = 0; k < G_N_ELEMENTS (bidirectional->directions); k++)
    lstm_layer_free (bidirectional->directions[k]);
  g_free (bidirectional);
}

/* Adds a line for the merge to the fingerprint, after the lines of the two directions. */
gboolean
lstm_bidirectional_append (LstmBuilder *builder, const LstmLayerKind *kind,
    const LstmRecurrentParams *forward, const LstmRecurrentParams *reverse, LstmMerge merge,
    GError **error)
{
  g_autoptr (LstmLayer) a = lstm_recurrent_layer_new (kind, builder, forward, error);
  g_autoptr (LstmLayer) b = a ? lstm_recurrent_layer_new (kind, builder, reverse, error) : NULL;
  LstmBidirectional *bidirectional;
  LstmLayer *layer;

  if (!b)
    return FALSE;
  if (a->in != b->in || a->out != b->out) {
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_SHAPE,
        "%s: layer \"%s\": expected %" G_GSIZE_FORMAT " inputs and %" G_GSIZE_FORMAT
        " outputs in the reverse direction, as in the forward one, found %" G_GSIZE_FORMAT
        " and %" G_GSIZE_FORMAT,
        builder->file, forward->name, a->in, a->out, b->in, b->out);
    return FALSE;
  }
  lstm_fingerprint_add_layer (builder->fingerprint, "bidirectional", NULL, 0);
  lstm_fingerprint_add_size (builder->fingerprint, merge);
  bidirectional = g_new0 (LstmBidirectional, 1);
  bidirectional->merge = merge;
  layer = lstm_layer_new (&lstm_kind_bidirectional, a->in,
      a->out * (merge == LSTM_MERGE_CONCAT ? 2 : 1), bidirectional);
  layer->scratch_row = 2 * a->out + MAX (a->scratch_row, b->scratch_row);
  layer->n_weights = a->n_weights + b->n_weights;
  layer->needs_complete_sequence = TRUE;
  layer->n_output_steps = a->n_output_steps;
  layer->returns_last = a->returns_last;
  layer->ends_mask = a->ends_mask;
  bidirectional->directions[0] = g_steal_pointer (&a);
  bidirectional->directions[1] = g_steal_pointer (&b);
  return lstm_builder_append (builder, layer, error);
}

static const LstmMemoryLayout *
get_direction_memory_layout (const LstmLayer *layer, guint index)
{
  const LstmBidirectional *bidirectional = layer->data;
  const LstmLayer *direction = bidirectional->directions[index];

  return direction->kind->get_memory_layout (direction, 0);
}

/* Merges a [n] and b [n] into y, [2 n] side by side or [n]. */
static void
merge_step (LstmMerge merge, const float *a, const float *b, gsize n, float *y)
{
  if (merge == LSTM_MERGE_CONCAT) {
    memcpy (y, a, n * sizeof (float));
    memcpy (y + n, b, n * sizeof (float));
    return;
  }
  for (gsize i = 0; i < n; i++)
    y[i] = merge == LSTM_MERGE_MUL ? a[i] * b[i]
                                   : (a[i] + b[i]) * (merge == LSTM_MERGE_AVE ? 0.5f : 1);
}

/* Runs both directions one after the other into scratch memory, and merges them into y. */
static void
run_bidirectional (const LstmLayer *layer, const LstmKernels *kernels, const LstmBlock *b)
{
  const LstmBidirectional *bidirectional = layer->data;
  const gsize n = bidirectional->directions[0]->out;
  const gsize steps = lstm_layer_get_output_steps (layer, b->steps, b->is_complete_sequence);
  const gsize size = b->streams * steps * n;
  float *const outputs[] = {b->scratch, b->scratch + size};

  for (guint k = 0; k < G_N_ELEMENTS (outputs); k++) {
    const LstmLayer *direction = bidirectional->directions[k];
    LstmBlock block = *b;

    block.y = outputs[k];
    block.y_stride = steps * n;
    block.hidden = b->traced_direction == k ? b->hidden : NULL;
    block.cell = b->traced_direction == k ? b->cell : NULL;
    block.gates = b->traced_direction == k ? b->gates : NULL;
    block.traced_direction = 0;
    block.scratch = b->scratch + 2 * b->streams * b->steps * n;
    block.memory = b->memory + k;
    direction->kind->run (direction, kernels, &block);
  }
  for (gsize s = 0; b->y && s < b->streams; s++)
    for (gsize t = 0; t < steps; t++)
      merge_step (bidirectional->merge, outputs[0] + (s * steps + t) * n,
          outputs[1] + (s * steps + t) * n, n, b->y + s * b->y_stride + t * layer->out);
}

/* Model files name the kind of the directions, with the key "direction". */
const LstmLayerKind lstm_kind_bidirectional = {
    .free = free_bidirectional,
    .n_memories = 2,
    .get_memory_layout = get_direction_memory_layout,
    .run = run_bidirectional,
};
