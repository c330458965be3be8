/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layers/fingerprint.h"
#include "layers/floats.h"
#include "layers/recurrent.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define INT8_MAX_INPUTS (G_MAXINT32 / (127 * 127)) /* more products of bytes could overflow */

void
lstm_recurrent_free (gpointer data)
{
  LstmRecurrent *recurrent = data;

  lstm_matrix_clear (&recurrent->matrix);
  lstm_matrix_clear (&recurrent->projection);
  lstm_matrix_clear (&recurrent->recurrent);
  free (recurrent->peepholes);
  free (recurrent->memory_layout.initial_h);
  free (recurrent->memory_layout.initial_c);
  g_free (recurrent->lstm_cell);
  g_free (recurrent->gru_cell);
  g_free (recurrent);
}

static LstmRecurrentSizes
get_sizes (const LstmRecurrentParams *params)
{
  const gsize m = params->weight_ih->shape[0] / params->type->n_gates;

  return (LstmRecurrentSizes){
      params->weight_ih->shape[1], m, params->projection ? params->projection->shape[0] : m};
}

/* --- Checks --- */

static gboolean
check_shapes (const LstmBuilder *builder, const LstmRecurrentParams *params,
    LstmRecurrentSizes sizes, GError **error)
{
  const gsize n = params->type->n_gates * sizes.m;
  const struct {
    const LstmArray *array;
    guint n_dims;
    gsize n_rows, n_columns;
  } arrays[] = {
      {params->weight_ih, 2, n, sizes.d},
      {params->weight_hh, 2, n, sizes.p},
      {params->bias_ih, 1, n, 0},
      {params->bias_hh, 1, n, 0},
      {params->peephole, 1, 3 * sizes.m, 0},
      {params->projection, 2, sizes.p, sizes.m},
      {params->initial_h, 1, sizes.p, 0},
      {params->initial_c, 1, sizes.m, 0},
  };

  for (guint i = 0; i < G_N_ELEMENTS (arrays); i++)
    if (arrays[i].array
        && !lstm_builder_check_shape (builder, arrays[i].array, arrays[i].n_dims,
            arrays[i].n_rows, arrays[i].n_columns, error))
      return FALSE;
  return TRUE;
}

static gboolean
check_int8_sizes (
    const LstmBuilder *builder, const char *name, LstmRecurrentSizes sizes, GError **error)
{
  const gsize units = MAX (sizes.m, sizes.p);

  if (builder->precision != LSTM_PRECISION_INT8 || MAX (sizes.d, units) <= INT8_MAX_INPUTS)
    return TRUE;
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_SHAPE,
      "%s: layer \"%s\": expected at most %d inputs and units in int8, found %" G_GSIZE_FORMAT
      " and %" G_GSIZE_FORMAT,
      builder->file, name, INT8_MAX_INPUTS, sizes.d, units);
  return FALSE;
}

/* Refuses an initial state after a masking layer, unless masked outputs are 0. The frameworks do
 * not define the output of a masked first step with an initial state, except 0. */
static gboolean
check_initial_state (
    const LstmBuilder *builder, const LstmRecurrentParams *params, GError **error)
{
  const LstmArray *initial = params->initial_h ? params->initial_h : params->initial_c;

  if (!initial || params->zero_masked || !lstm_builder_has_mask (builder))
    return TRUE;
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_LAYER,
      "%s: layer \"%s\": expected no initial state after a masking layer, or \"zero_masked\", "
      "found tensor \"%s\"",
      builder->file, params->name, initial->name);
  return FALSE;
}

static gboolean
check_params (const LstmBuilder *builder, const LstmRecurrentParams *params,
    LstmRecurrentSizes sizes, GError **error)
{
  return lstm_builder_check_steps (builder, params->name, error)
         && check_shapes (builder, params, sizes, error)
         && lstm_builder_check_sizes (builder, params->name, sizes.d, sizes.p, error)
         && lstm_builder_check_sizes (builder, params->name, sizes.d, sizes.m, error)
         && check_int8_sizes (builder, params->name, sizes, error)
         && check_initial_state (builder, params, error);
}

/* --- Fingerprint --- */

static void
add_fingerprint (GString *text, const char *kind, const LstmRecurrentParams *params)
{
  const LstmArray *const arrays[] = {params->weight_ih, params->weight_hh, params->bias_ih,
      params->bias_hh, params->peephole, params->projection, params->initial_h,
      params->initial_c};
  const gboolean options[] = {params->input_forget, params->zero_masked, params->returns_last,
      params->reverse, params->keep_processing_order};

  lstm_fingerprint_add_layer (text, kind, arrays, G_N_ELEMENTS (arrays));
  g_string_append_printf (text, " %s", params->type->gates); /* and their order */
  for (guint i = 0; i < params->type->n_activations; i++)
    lstm_fingerprint_add_activation (text, &params->activations[i]);
  lstm_fingerprint_add_number (text, params->clip);
  lstm_fingerprint_add_number (text, params->cell_clip);
  for (guint i = 0; i < G_N_ELEMENTS (options); i++)
    lstm_fingerprint_add_boolean (text, options[i]);
  if (!params->reset_after)
    g_string_append (text, " reset-before");
}

/* --- The layer --- */

gsize *
lstm_recurrent_make_columns (
    gsize m, gsize n_groups, gsize gate_width, const guint *blocks, guint n_gates)
{
  gsize *columns = g_new (gsize, n_groups * n_gates * gate_width);
  gsize *at = columns;

  for (gsize k = 0; k < n_groups; k++)
    for (guint g = 0; g < n_gates; g++)
      for (gsize unit = k * gate_width; unit < (k + 1) * gate_width; unit++)
        *at++ = unit < m ? blocks[g] * m + unit : G_MAXSIZE;
  return columns;
}

gboolean
lstm_recurrent_copy_rows (
    const LstmArray *array, gsize n_rows, gsize n, gsize stride, float **copy, GError **error)
{
  if (!array)
    return TRUE;
  if (!(*copy = lstm_floats_new (n_rows * stride, error)))
    return FALSE;
  for (gsize r = 0; r < n_rows; r++)
    memcpy (*copy + r * stride, array->values + r * n, n * sizeof (float));
  return TRUE;
}

static gboolean
set_memory_layout (LstmRecurrent *recurrent, const char *type,
    const LstmRecurrentParams *params, LstmRecurrentSizes sizes, GError **error)
{
  LstmMemoryLayout *layout = &recurrent->memory_layout;

  layout->type = type;
  layout->n_h = sizes.p;
  layout->n_c = params->type->has_c ? sizes.m : 0;
  layout->n_units = sizes.m;
  layout->n_gates = params->type->n_traced_gates;
  return lstm_recurrent_copy_rows (
             params->initial_h, 1, sizes.p, layout->h_stride, &layout->initial_h, error)
         && lstm_recurrent_copy_rows (
             params->initial_c, 1, sizes.m, layout->c_stride, &layout->initial_c, error);
}

static void
set_options (LstmLayer *layer, const LstmRecurrentParams *params)
{
  LstmRecurrent *recurrent = layer->data;
  const LstmProduct *product = recurrent->matrix.product;

  recurrent->zero_masked = params->zero_masked;
  recurrent->returns_last = params->returns_last;
  recurrent->reverse = params->reverse;
  recurrent->keep_processing_order = params->keep_processing_order;
  layer->needs_complete_sequence = params->reverse;
  layer->n_output_steps = params->returns_last ? 1 : 0;
  layer->returns_last = params->returns_last;
  layer->ends_mask = params->returns_last;
  layer->output_is_h = !params->zero_masked;
  layer->n_weights = recurrent->matrix.n_weights + recurrent->recurrent.n_weights
                     + recurrent->projection.n_weights;
  layer->scratch_row = recurrent->matrix.n_lanes + recurrent->extra_row;
  if (product->to_words) /* words of x and h, and a scale for each */
    layer->scratch_row += lstm_product_count_x_lanes (product, recurrent->x_words) + 1
                          + lstm_product_count_x_lanes (product, recurrent->h_words) + 1;
}

LstmLayer *
lstm_recurrent_layer_new (const LstmLayerKind *kind, LstmBuilder *builder,
    const LstmRecurrentParams *params, GError **error)
{
  const LstmRecurrentSizes sizes = get_sizes (params);
  LstmRecurrent *recurrent = g_new0 (LstmRecurrent, 1);
  g_autoptr (LstmLayer) layer = lstm_layer_new (kind, sizes.d, sizes.p, recurrent);

  recurrent->type = params->type;
  if (!check_params (builder, params, sizes, error))
    return NULL;
  if (!params->type->pack (recurrent, builder, params, sizes, error)
      || !set_memory_layout (recurrent, kind->name, params, sizes, error))
    return NULL;
  add_fingerprint (builder->fingerprint, kind->name, params);
  recurrent->x_words = lstm_product_count_words (recurrent->matrix.product, sizes.d);
  recurrent->h_words = lstm_product_count_words (recurrent->matrix.product, sizes.p);
  set_options (layer, params);
  return g_steal_pointer (&layer);
}
