/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An activation as a layer of its own. */
#include "layers/fingerprint.h"
#include "layers/source.h"
#include <string.h>

/* Sets the size of a row of scratch memory, which consists of full panels. */
static gboolean
set_activation_size (LstmLayer *layer, const LstmKernels *kernels, gsize n, GError **error)
{
  layer->scratch_row = (n + kernels->panel - 1) / kernels->panel * kernels->panel;
  return TRUE;
}

static gboolean
load_activation (const LstmLayerSource *source, GError **error)
{
  JsonNode *node = json_object_get_member (source->object, "activation");
  const gsize n = lstm_builder_get_output_size (source->builder);
  LstmActivation activation;

  if (!lstm_layer_source_read_activation (source, node, "linear", &activation, error))
    return FALSE;
  lstm_fingerprint_add_layer (source->builder->fingerprint, "activation", NULL, 0);
  lstm_fingerprint_add_activation (source->builder->fingerprint, &activation);
  return lstm_builder_append (source->builder,
      lstm_layer_new (&lstm_kind_activation, n, n, g_memdup2 (&activation, sizeof activation)),
      error);
}

/* Runs in scratch memory, because the kernel writes up to the end of a padded row. */
static void
run_activation (const LstmLayer *layer, const LstmKernels *kernels, const LstmBlock *b)
{
  const gsize size = layer->in * sizeof (float);

  if (!b->y)
    return;
  for (gsize s = 0; s < b->streams; s++) {
    for (gsize t = 0; t < b->steps; t++)
      memcpy (
          b->scratch + t * layer->scratch_row, b->x + s * b->x_stride + t * layer->in, size);
    kernels->activate_rows (layer->data, b->scratch, b->steps, layer->in, layer->scratch_row);
    for (gsize t = 0; t < b->steps; t++)
      memcpy (
          b->y + s * b->y_stride + t * layer->in, b->scratch + t * layer->scratch_row, size);
  }
}

const LstmLayerKind lstm_kind_activation = {
    .name = "activation",
    .keys = {"activation"},
    .load = load_activation,
    .set_size = set_activation_size,
    .free = g_free,
    .run = run_activation,
};
