/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Repeats the last step of a complete sequence. */
#include "layers/repeat-vector.h"
#include "layers/fingerprint.h"
#include "layers/source.h"
#include <math.h>
#include <string.h>

static gboolean
load_repeat_vector (const LstmLayerSource *source, GError **error)
{
  const gsize size = lstm_builder_get_output_size (source->builder);
  LstmLayer *layer;
  float n;

  if (!lstm_layer_source_read_number (source, "n", 0, &n, error))
    return FALSE;
  if (!(n >= 1 && n <= LSTM_MAX_REPEAT && n == floorf (n)))
    return lstm_layer_source_refuse_value (source, source->object, "n",
        "an integer from 1 to " G_STRINGIFY (LSTM_MAX_REPEAT), error);
  lstm_fingerprint_add_layer (source->builder->fingerprint, "repeat_vector", NULL, 0);
  lstm_fingerprint_add_size (source->builder->fingerprint, (gsize) n);
  layer = lstm_layer_new (&lstm_kind_repeat_vector, size, size, NULL);
  layer->n_output_steps = (gsize) n;
  layer->needs_complete_sequence = layer->ends_mask = TRUE;
  return lstm_builder_append (source->builder, layer, error);
}

static void
run_repeat_vector (const LstmLayer *layer, const LstmKernels *kernels, const LstmBlock *b)
{
  for (gsize s = 0; b->y && s < b->streams; s++)
    for (gsize t = 0; t < layer->n_output_steps; t++)
      memcpy (b->y + s * b->y_stride + t * layer->out,
          b->x + s * b->x_stride + (b->steps - 1) * layer->in, layer->out * sizeof (float));
}

const LstmLayerKind lstm_kind_repeat_vector = {
    .name = "repeat_vector",
    .keys = {"n"},
    .load = load_repeat_vector,
    .run = run_repeat_vector,
};
