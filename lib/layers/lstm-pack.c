/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layers/fingerprint.h"
#include "layers/floats.h"
#include "layers/lstm.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define INT8_MAX_INPUTS (G_MAXINT32 / (127 * 127)) /* more products of bytes could overflow */

void
lstm_lstm_free (gpointer data)
{
  LstmLstm *lstm = data;

  lstm_matrix_clear (&lstm->matrix);
  lstm_matrix_clear (&lstm->projection);
  free (lstm->peepholes);
  free (lstm->memory_layout.initial_h);
  free (lstm->memory_layout.initial_c);
  g_free (lstm->cell);
  g_free (lstm);
}

/* The sizes of a layer */
typedef struct {
  gsize d, m, p;
} Sizes;

static Sizes
get_sizes (const LstmLstmParams *params)
{
  const gsize m = params->weight_ih->shape[0] / LSTM_GATES;

  return (Sizes){
      params->weight_ih->shape[1], m, params->projection ? params->projection->shape[0] : m};
}

/* --- Checks --- */

static gboolean
check_shapes (
    const LstmBuilder *builder, const LstmLstmParams *params, Sizes sizes, GError **error)
{
  const struct {
    const LstmArray *array;
    guint n_dims;
    gsize n_rows, n_columns;
  } arrays[] = {
      {params->weight_ih, 2, LSTM_GATES * sizes.m, sizes.d},
      {params->weight_hh, 2, LSTM_GATES * sizes.m, sizes.p},
      {params->bias_ih, 1, LSTM_GATES * sizes.m, 0},
      {params->bias_hh, 1, LSTM_GATES * sizes.m, 0},
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
check_int8_sizes (const LstmBuilder *builder, const char *name, Sizes sizes, GError **error)
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
check_initial_state (const LstmBuilder *builder, const LstmLstmParams *params, GError **error)
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
check_params (
    const LstmBuilder *builder, const LstmLstmParams *params, Sizes sizes, GError **error)
{
  return check_shapes (builder, params, sizes, error)
         && lstm_builder_check_sizes (builder, params->name, sizes.d, sizes.p, error)
         && lstm_builder_check_sizes (builder, params->name, sizes.d, sizes.m, error)
         && check_int8_sizes (builder, params->name, sizes, error)
         && check_initial_state (builder, params, error);
}

/* --- Fingerprint --- */

static void
add_fingerprint (GString *text, const LstmLstmParams *params)
{
  const LstmArray *const arrays[] = {params->weight_ih, params->weight_hh, params->bias_ih,
      params->bias_hh, params->peephole, params->projection, params->initial_h,
      params->initial_c};
  const gboolean options[] = {params->input_forget, params->zero_masked, params->returns_last,
      params->reverse, params->keep_processing_order};

  lstm_fingerprint_add_layer (text, "lstm", arrays, G_N_ELEMENTS (arrays));
  g_string_append (text, " ifgo"); /* the order of the gates */
  for (guint i = 0; i < G_N_ELEMENTS (params->activations); i++)
    lstm_fingerprint_add_activation (text, &params->activations[i]);
  lstm_fingerprint_add_number (text, params->clip);
  lstm_fingerprint_add_number (text, params->cell_clip);
  for (guint i = 0; i < G_N_ELEMENTS (options); i++)
    lstm_fingerprint_add_boolean (text, options[i]);
}

/* --- Packing --- */

/* Returns the output of each lane, or G_MAXSIZE for padding: lane l of the vector of a gate in
 * panel p is unit p * units_per_panel + l. */
static gsize *
make_gate_columns (gsize m, gsize n_panels, gsize units_per_panel)
{
  gsize *columns = g_new (gsize, n_panels * LSTM_GATES * units_per_panel);
  gsize *at = columns;

  for (gsize p = 0; p < n_panels; p++)
    for (guint g = 0; g < LSTM_GATES; g++)
      for (gsize unit = p * units_per_panel; unit < (p + 1) * units_per_panel; unit++)
        *at++ = unit < m ? g * m + unit : G_MAXSIZE;
  return columns;
}

static gboolean
pack_weights (LstmLstm *lstm, const LstmBuilder *builder, const LstmLstmParams *params,
    Sizes sizes, GError **error)
{
  const LstmKernels *kernels = builder->kernels;
  const gsize units_per_panel = kernels->panel / LSTM_GATES;
  const gsize n_panels = (sizes.m + units_per_panel - 1) / units_per_panel;
  const LstmMatrixPart parts[] = {
      {params->weight_ih->values, sizes.d}, {params->weight_hh->values, sizes.p}};
  const LstmMatrixPart projection = {
      params->projection ? params->projection->values : NULL, sizes.m};
  g_autofree gsize *columns = make_gate_columns (sizes.m, n_panels, units_per_panel);

  if (!lstm_matrix_pack (&lstm->matrix, kernels, (int) builder->precision, n_panels, columns,
          params->bias_ih ? params->bias_ih->values : NULL,
          params->bias_hh ? params->bias_hh->values : NULL, parts, G_N_ELEMENTS (parts), error)
      || (params->projection
          && !lstm_matrix_pack_outputs (
              &lstm->projection, kernels, sizes.p, NULL, &projection, error)))
    return FALSE;
  lstm->x_words = lstm_product_count_words (lstm->matrix.product, sizes.d);
  lstm->h_words = lstm_product_count_words (lstm->matrix.product, sizes.p);
  lstm->u_offset = (1 + lstm_product_count_rows (lstm->matrix.product, sizes.d))
                   * kernels->panel;
  return TRUE;
}

/* Sets @copy to the rows [n_rows, n] of @array, each padded to @stride. Does nothing if @array is
 * NULL. */
static gboolean
copy_padded_rows (
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
set_memory_layout (LstmLstm *lstm, const LstmLstmParams *params, Sizes sizes, GError **error)
{
  LstmMemoryLayout *layout = &lstm->memory_layout;

  layout->n_h = sizes.p;
  layout->n_c = sizes.m;
  layout->c_stride = lstm->matrix.n_lanes / LSTM_GATES;
  layout->h_stride = params->projection ? lstm->projection.n_lanes : layout->c_stride;
  return copy_padded_rows (
             params->initial_h, 1, sizes.p, layout->h_stride, &layout->initial_h, error)
         && copy_padded_rows (
             params->initial_c, 1, sizes.m, layout->c_stride, &layout->initial_c, error)
         && copy_padded_rows (
             params->peephole, 3, sizes.m, layout->c_stride, &lstm->peepholes, error);
}

/* Returns whether the fused kernel can compute the step, with sigmoid for i, f and o. Sets @relu to
 * whether the activation of g and c is relu. */
static gboolean
can_use_fused_kernel (const LstmLstmParams *params, gboolean *relu)
{
  static const struct {
    LstmActivationKind kind; /* of g and c */
    gboolean relu;
  } fused_activations[] = {{LSTM_ACTIVATION_TANH, FALSE}, {LSTM_ACTIVATION_RELU, TRUE}};

  if (params->activations[0].kind != LSTM_ACTIVATION_SIGMOID || params->peephole
      || params->projection || params->input_forget || !isinf (params->clip)
      || !isinf (params->cell_clip))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (fused_activations); i++) {
    *relu = fused_activations[i].relu;
    if (params->activations[1].kind == fused_activations[i].kind
        && params->activations[2].kind == fused_activations[i].kind)
      return TRUE;
  }
  return FALSE;
}

static void
set_cell (LstmLstm *lstm, const LstmLstmParams *params)
{
  if (can_use_fused_kernel (params, &lstm->relu))
    return;
  lstm->cell = g_new (LstmCellParams, 1);
  *lstm->cell = (LstmCellParams){
      .gates = params->activations[0],
      .candidate = params->activations[1],
      .output = params->activations[2],
      .peepholes = lstm->peepholes,
      .clip = params->clip,
      .cell_clip = params->cell_clip,
      .input_forget = params->input_forget,
  };
}

static void
set_options (LstmLayer *layer, const LstmLstmParams *params)
{
  LstmLstm *lstm = layer->data;

  lstm->zero_masked = params->zero_masked;
  lstm->returns_last = params->returns_last;
  lstm->reverse = params->reverse;
  lstm->keep_processing_order = params->keep_processing_order;
  layer->needs_complete_sequence = params->reverse;
  layer->n_output_steps = params->returns_last ? 1 : 0;
  layer->returns_last = params->returns_last;
  layer->ends_mask = params->returns_last;
  layer->output_is_h = !params->zero_masked;
  layer->n_weights = lstm->matrix.n_weights + lstm->projection.n_weights;
  layer->scratch_row = lstm->matrix.n_lanes;
  if (lstm->projection.weights)
    layer->scratch_row += lstm->memory_layout.c_stride;
  if (lstm->matrix.product->to_words) /* words of x and h, and a scale for each */
    layer->scratch_row += lstm->x_words + 1 + lstm->h_words + 1;
}

LstmLayer *
lstm_lstm_layer_new (const LstmLayerKind *kind, LstmBuilder *builder,
    const LstmLstmParams *params, GError **error)
{
  const Sizes sizes = get_sizes (params);
  LstmLstm *lstm = g_new0 (LstmLstm, 1);
  g_autoptr (LstmLayer) layer = lstm_layer_new (kind, sizes.d, sizes.p, lstm);

  if (!check_params (builder, params, sizes, error))
    return NULL;
  add_fingerprint (builder->fingerprint, params);
  if (!pack_weights (lstm, builder, params, sizes, error)
      || !set_memory_layout (lstm, params, sizes, error))
    return NULL;
  set_cell (lstm, params);
  set_options (layer, params);
  return g_steal_pointer (&layer);
}
