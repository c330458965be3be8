/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Masks a step for the later layers if each feature of the step equals mask_value. The features of
 * a masked step become 0. */
#include "layers/fingerprint.h"
#include "layers/source.h"
#include <string.h>

typedef struct {
  float mask_value;
} LstmMasking;

static gboolean
load_masking (const LstmLayerSource *source, GError **error)
{
  const gsize n = lstm_builder_get_output_size (source->builder);
  LstmMasking masking;

  if (!lstm_layer_source_read_number (source, "mask_value", 0, &masking.mask_value, error))
    return FALSE;
  lstm_fingerprint_add_layer (source->builder->fingerprint, "masking", NULL, 0);
  lstm_fingerprint_add_number (source->builder->fingerprint, masking.mask_value);
  return lstm_builder_append (source->builder,
      lstm_layer_new (&lstm_kind_masking, n, n, g_memdup2 (&masking, sizeof masking)), error);
}

static gboolean
is_masked (const LstmMasking *masking, const float *x, gsize n)
{
  for (gsize i = 0; i < n; i++)
    if (x[i] != masking->mask_value)
      return FALSE;
  return TRUE;
}

static void
run_masking (const LstmLayer *layer, const LstmKernels *kernels, const LstmBlock *b)
{
  const gsize size = layer->in * sizeof (float);

  for (gsize s = 0; s < b->streams; s++) {
    for (gsize t = 0; t < b->steps; t++) {
      const float *x = b->x + s * b->x_stride + t * layer->in;
      const gboolean masked = is_masked (layer->data, x, layer->in);

      b->mask[s * b->steps + t] = (guint8) masked;
      if (b->y && masked)
        memset (b->y + s * b->y_stride + t * layer->in, 0, size);
      else if (b->y)
        memcpy (b->y + s * b->y_stride + t * layer->in, x, size);
    }
  }
}

const LstmLayerKind lstm_kind_masking = {
    .name = "masking",
    .keys = {"mask_value"},
    .load = load_masking,
    .free = g_free,
    .writes_mask = TRUE,
    .run = run_masking,
};
