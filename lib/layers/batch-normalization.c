/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A batch normalization after training. It is loaded as a normalization, whose scale is
 * weight / sqrt (variance + epsilon). */
#include "layers/normalization.h"
#include "layers/source.h"
#include "util/text.h"
#include <math.h>

/* Checks that @variance is [d], and @weight [d] or a single value. */
static gboolean
check_shapes (const LstmLayerSource *source, const LstmArray *variance, const LstmArray *weight,
    GError **error)
{
  const gboolean is_flat = variance->n_dims == 1;
  const LstmArray *wrong = is_flat ? weight : variance;
  g_autofree char *expected = is_flat ? lstm_text_shape (1, variance->shape) : g_strdup ("[d]");
  g_autofree char *found = lstm_text_shape (wrong->n_dims, wrong->shape);

  if (is_flat
      && (!weight->n_dims || (weight->n_dims == 1 && weight->shape[0] == variance->shape[0])))
    return TRUE;
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_SHAPE,
      "%s: tensor \"%s\": expected shape %s, found %s", source->st->file, wrong->name, expected,
      found);
  return FALSE;
}

/* Replaces @variance by weight / sqrt (variance + epsilon). */
static gboolean
convert_to_scale (const LstmLayerSource *source, LstmArray *variance, const LstmArray *weight,
    float epsilon, GError **error)
{
  if (!check_shapes (source, variance, weight, error))
    return FALSE;
  for (gsize i = 0; i < variance->shape[0]; i++) {
    const double value = (double) variance->values[i];

    variance->values[i] = (float) ((double) weight->values[weight->n_dims ? i : 0]
                                   / sqrt (value + (double) epsilon));
    if (isfinite (variance->values[i]))
      continue;
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_VALUE,
        "%s: tensor \"%s\": expected a variance with a finite scale, "
        "found %g at index %" G_GSIZE_FORMAT,
        source->st->file, variance->name, value, i);
    return FALSE;
  }
  return TRUE;
}

/* Marks the tensor of the counter of batches as used. Only training needs its value. */
static void
mark_counter_used (const LstmLayerSource *source)
{
  g_autofree char *name = g_strconcat (source->prefix, "num_batches_tracked", NULL);
  LstmTensor *counter = lstm_safetensors_find (source->st, name);

  if (counter)
    counter->is_used = TRUE;
}

static gboolean
load_batch_normalization (const LstmLayerSource *source, GError **error)
{
  g_auto (LstmArray) mean = {0}, variance = {0}, weight = {0}, bias = {0};
  float epsilon;

  mark_counter_used (source);
  return lstm_layer_source_read_tensor (source, "running_mean", NULL, &mean, error)
         && lstm_layer_source_read_tensor (source, "running_var", NULL, &variance, error)
         && lstm_layer_source_read_row (source, "weight", 1, &weight, error)
         && lstm_layer_source_read_row (source, "bias", 0, &bias, error)
         && lstm_layer_source_read_number (source, "epsilon", 1e-5, &epsilon, error)
         && convert_to_scale (source, &variance, &weight, epsilon, error)
         && lstm_normalization_append (
             source->builder, source->name, &mean, &variance, &bias, error);
}

const LstmLayerKind lstm_kind_batch_normalization = {
    .name = "batch_normalization",
    .keys = {"epsilon"},
    .load = load_batch_normalization,
};
