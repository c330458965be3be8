/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/builder.h"
#include "process/environment.h"
#include "model/fingerprint.h"
#include "model/model.h"
#include "kernels/pack.h"
#include "util/text.h"
#include <math.h>
#include <stdlib.h>

#define KERNEL_GATES "ifgo"
#define INT8_MAX_INPUTS (G_MAXINT32 / (127 * 127))

struct _LstmBuilder {
  char *file;
  const LstmKernels *kernels;
  LstmPrecision precision;
  GPtrArray *layers;
  GString *text; /* of fingerprint.h */
};

G_STATIC_ASSERT ((int) LSTM_PRECISION_FLOAT32 == LSTM_FLOAT32);
G_STATIC_ASSERT ((int) LSTM_PRECISION_BFLOAT16 == LSTM_BFLOAT16);
G_STATIC_ASSERT ((int) LSTM_PRECISION_INT8 == LSTM_INT8);

static void
layer_free (void *data)
{
  LstmLayer *layer = data;

  if (layer->projection)
    free (layer->projection->weights);
  g_free (layer->projection);
  for (guint k = 0; k < G_N_ELEMENTS (layer->directions); k++)
    if (layer->directions[k])
      layer_free (layer->directions[k]);
  free (layer->peepholes);
  free (layer->initial_h);
  free (layer->initial_c);
  g_free (layer->cell);
  free (layer->weights);
  g_free (layer);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (LstmLayer, layer_free)

static const LstmKernels *
choose_kernels (GError **error)
{
  const char *wanted = lstm_getenv ("LSTM_ISA");
  g_autoptr (GString) names = g_string_new (NULL);
  const LstmKernels *kernels;

  for (unsigned i = 0; (kernels = lstm_kernels_at (i)); i++) {
    if (!wanted || g_str_equal (wanted, kernels->name))
      return kernels;
    lstm_text_append_item (names, kernels->name);
  }
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_CPU,
      "LSTM_ISA: expected one of %s, which this machine runs, found '%s'", names->str, wanted);
  return NULL;
}

LstmBuilder *
lstm_builder_new (const char *file, LstmPrecision precision, GError **error)
{
  const LstmKernels *kernels = choose_kernels (error);
  LstmBuilder *builder;

  if (!kernels)
    return NULL;
  builder = g_new0 (LstmBuilder, 1);
  builder->file = g_strdup (file);
  builder->kernels = kernels;
  builder->precision = precision;
  builder->layers = g_ptr_array_new_with_free_func (layer_free);
  builder->text = g_string_new ("lstm 1");
  lstm_fingerprint_size (builder->text, precision);
  return builder;
}

void
lstm_builder_free (LstmBuilder *builder)
{
  g_ptr_array_unref (builder->layers);
  g_string_free (builder->text, TRUE);
  g_free (builder->file);
  g_free (builder);
}

/* FALSE, naming tensor and both shapes, unless @array has exactly this shape. */
static gboolean
check_shape (const LstmBuilder *builder, const LstmArray *array, guint n_dims, gsize rows,
    gsize columns, GError **error)
{
  const gsize expected[2] = {rows, columns};

  if (array->n_dims == n_dims && (n_dims < 1 || array->shape[0] == rows)
      && (n_dims < 2 || array->shape[1] == columns))
    return TRUE;
  g_autofree char *wanted = lstm_text_shape (n_dims, expected);
  g_autofree char *found = lstm_text_shape (array->n_dims, array->shape);
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_SHAPE,
      "%s: tensor \"%s\": expected shape %s, found %s", builder->file, array->name, wanted,
      found);
  return FALSE;
}

/* Features that leave the last layer so far; 0 while that is not known. */
static gsize
size_so_far (const LstmBuilder *builder)
{
  guint n = builder->layers->len;

  return n ? ((LstmLayer *) g_ptr_array_index (builder->layers, n - 1))->out : 0;
}

/* Rows [rows, n] of arrays that have n values or a single one for all */
static float *
make_rows (const LstmArray *const *arrays, guint rows, gsize n, GError **error)
{
  float *values = lstm_floats_new (rows * n, error);

  for (guint r = 0; values && r < rows; r++)
    for (gsize i = 0; i < n; i++)
      values[r * n + i] = arrays[r]->values[arrays[r]->n_dims ? i : 0];
  return values;
}

/* Gives a layer of single values, which came first, the size of what follows it. */
static gboolean
spread (LstmLayer *layer, gsize n, GError **error)
{
  gsize rows = layer->n_weights;
  float *weights = rows ? lstm_floats_new (rows * n, error) : NULL;

  if (rows && !weights)
    return FALSE;
  for (gsize i = 0; i < rows * n; i++)
    weights[i] = layer->weights[i / n];
  free (layer->weights);
  layer->weights = weights;
  layer->n_weights = rows * n;
  layer->in = layer->out = n;
  return TRUE;
}

/* Takes @layer, whose sizes are known (in = 0 where they are not) and fit the layers before. */
static gboolean
append (LstmBuilder *builder, LstmLayer *layer, GError **error)
{
  for (guint i = 0; layer->in && i < builder->layers->len; i++) {
    LstmLayer *before = g_ptr_array_index (builder->layers, i);

    if (!before->in && !spread (before, layer->in, error)) {
      layer_free (layer);
      return FALSE;
    }
  }
  g_ptr_array_add (builder->layers, layer);
  return TRUE;
}

/* FALSE unless a layer of these sizes fits behind the layers so far. */
static gboolean
check_sizes (const LstmBuilder *builder, const char *name, gsize in, gsize out, GError **error)
{
  gsize before = size_so_far (builder);

  if (before && in != before) {
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_SHAPE,
        "%s: layer \"%s\": expected %" G_GSIZE_FORMAT
        " inputs, what the layer before gives, found %" G_GSIZE_FORMAT,
        builder->file, name, before, in);
    return FALSE;
  }
  if (in == 0 || out == 0) {
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_SHAPE,
        "%s: layer \"%s\": expected at least one input and output, found %" G_GSIZE_FORMAT
        " and %" G_GSIZE_FORMAT,
        builder->file, name, in, out);
    return FALSE;
  }
  return TRUE;
}

static LstmLayer *
layer_new (const LstmLayerKind *kind, gsize in, gsize out)
{
  LstmLayer *layer = g_new0 (LstmLayer, 1);

  layer->kind = kind;
  layer->in = in;
  layer->out = out;
  return layer;
}

/* A layer of @n_arrays rows, each of n values or a single one; n is that of the layer before it
 * where all are single. */
static LstmLayer *
rows_layer (const LstmBuilder *builder, const LstmLayerKind *kind, const char *name,
    const LstmArray *const *arrays, guint n_arrays, GError **error)
{
  gsize n = size_so_far (builder);
  g_autoptr (LstmLayer) layer = layer_new (kind, n, n);

  for (guint i = 0; i < n_arrays; i++) {
    if (!arrays[i]->n_dims)
      continue;
    n = arrays[i]->shape[0];
    break;
  }
  for (guint i = 0; i < n_arrays; i++) {
    if (!arrays[i]->n_dims)
      continue;
    if (!check_shape (builder, arrays[i], 1, n, 0, error)
        || !check_sizes (builder, name, n, n, error))
      return NULL;
  }
  layer->in = layer->out = n;
  layer->n_weights = n_arrays * (n ? n : 1); /* one stands for all until the size is known */
  if (n_arrays && !(layer->weights = make_rows (arrays, n_arrays, n ? n : 1, error)))
    return NULL;
  return g_steal_pointer (&layer);
}

gboolean
lstm_builder_add_normalization (LstmBuilder *builder, const char *name, const LstmArray *mean,
    const LstmArray *scale, const LstmArray *offset, GError **error)
{
  const LstmArray *const arrays[] = {mean, scale, offset};
  LstmLayer *layer = rows_layer (
      builder, &lstm_layer_normalization, name, arrays, G_N_ELEMENTS (arrays), error);

  lstm_fingerprint_layer (builder->text, "normalization", arrays, G_N_ELEMENTS (arrays));
  return layer && append (builder, layer, error);
}

gboolean
lstm_builder_add_layer_normalization (LstmBuilder *builder, const char *name, double epsilon,
    const LstmArray *gamma, const LstmArray *beta, GError **error)
{
  const LstmArray *const arrays[] = {gamma, beta};
  LstmLayer *layer = rows_layer (
      builder, &lstm_layer_layer_normalization, name, arrays, G_N_ELEMENTS (arrays), error);

  lstm_fingerprint_layer (builder->text, "layer_normalization", arrays, G_N_ELEMENTS (arrays));
  lstm_fingerprint_number (builder->text, (float) epsilon);
  if (layer)
    layer->epsilon = (float) epsilon;
  return layer && append (builder, layer, error);
}

gboolean
lstm_builder_add_activation (
    LstmBuilder *builder, const char *name, const LstmActivation *activation, GError **error)
{
  LstmLayer *layer = rows_layer (builder, &lstm_layer_activation, name, NULL, 0, error);

  layer->activation = *activation;
  lstm_fingerprint_layer (builder->text, "activation", NULL, 0);
  lstm_fingerprint_activation (builder->text, activation);
  return append (builder, layer, error);
}

gboolean
lstm_builder_add_masking (
    LstmBuilder *builder, const char *name, double mask_value, GError **error)
{
  LstmLayer *layer = rows_layer (builder, &lstm_layer_masking, name, NULL, 0, error);

  layer->mask_value = (float) mask_value;
  lstm_fingerprint_layer (builder->text, "masking", NULL, 0);
  lstm_fingerprint_number (builder->text, layer->mask_value);
  return append (builder, layer, error);
}

gboolean
lstm_builder_find_activation (const LstmBuilder *builder, const char *layer, const char *name,
    LstmActivation *activation, GError **error)
{
  g_autoptr (GString) known = g_string_new (NULL);

  if (lstm_activation_find (name, activation))
    return TRUE;
  for (guint i = 0; i < LSTM_N_ACTIVATIONS; i++)
    lstm_text_append_item (known, lstm_activation_get_name ((LstmActivationKind) i));
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_LAYER,
      "%s: layer \"%s\": expected an activation of %s, found \"%s\"", builder->file, layer,
      known->str, name);
  return FALSE;
}

/* How many panels of @width each @outputs take, in which precision */
static void
set_panels (
    const LstmBuilder *builder, LstmLayer *layer, gsize outputs, gsize width, int precision)
{
  layer->product = &builder->kernels->products[precision];
  layer->panels = (outputs + width - 1) / width;
  layer->z_stride = layer->panels * builder->kernels->panel;
}

/* Packs a bias and parts into @layer. */
static gboolean
pack (const LstmBuilder *builder, LstmLayer *layer, const gsize *columns, const float *bias,
    const float *bias2, const LstmPackPart *parts, guint n_parts, GError **error)
{
  gsize rows = 1;

  for (guint i = 0; i < n_parts; i++)
    rows += lstm_pack_rows (layer->product, parts[i].k);
  layer->w_stride = rows * builder->kernels->panel;
  if (!g_size_checked_mul (&layer->n_weights, layer->panels, layer->w_stride))
    layer->n_weights = G_MAXSIZE;
  if (!(layer->weights = lstm_floats_new (layer->n_weights, error)))
    return FALSE;
  lstm_pack (layer->weights, builder->kernels, layer->product, layer->panels, columns, bias,
      bias2, parts, n_parts);
  return TRUE;
}

gboolean
lstm_builder_add_dense (LstmBuilder *builder, const char *name, const LstmArray *weight,
    const LstmArray *bias, const LstmActivation *activation, GError **error)
{
  gsize n = weight->shape[0], d = weight->shape[1];
  const LstmArray *const arrays[] = {weight, bias};
  const LstmPackPart part = {weight->values, d};
  g_autoptr (LstmLayer) layer = layer_new (&lstm_layer_dense, d, n);
  g_autofree gsize *columns = NULL;

  if (!check_shape (builder, weight, 2, n, d, error)
      || (bias && !check_shape (builder, bias, 1, n, 0, error))
      || !check_sizes (builder, name, d, n, error))
    return FALSE;

  lstm_fingerprint_layer (builder->text, "dense", arrays, G_N_ELEMENTS (arrays));
  lstm_fingerprint_activation (builder->text, activation);
  layer->activation = *activation;
  set_panels (builder, layer, n, builder->kernels->panel, LSTM_FLOAT32);
  layer->scratch_row = layer->z_stride;
  columns = g_new (gsize, layer->z_stride);
  for (gsize i = 0; i < layer->z_stride; i++)
    columns[i] = i < n ? i : G_MAXSIZE;
  return pack (builder, layer, columns, bias ? bias->values : NULL, NULL, &part, 1, error)
         && append (builder, g_steal_pointer (&layer), error);
}

/* Lane l of a gate's vector in panel p is unit p * units + l, gates in the kernels' order. */
static gsize *
gate_columns (const LstmLayer *layer, gsize units, const char *gates)
{
  gsize *columns = g_new (gsize, layer->z_stride);
  gsize *at = columns;

  for (gsize p = 0; p < layer->panels; p++) {
    for (guint g = 0; g < LSTM_GATES; g++) {
      gsize block = (gsize) (strchr (gates, KERNEL_GATES[g]) - gates) * layer->units;

      for (gsize unit = p * units; unit < (p + 1) * units; unit++)
        *at++ = unit < layer->units ? block + unit : G_MAXSIZE;
    }
  }
  return columns;
}

/* FALSE where a sum of products of bytes could overflow. */
static gboolean
check_int8 (const LstmBuilder *builder, const char *name, gsize d, gsize m, GError **error)
{
  if (builder->precision != LSTM_PRECISION_INT8 || MAX (d, m) <= INT8_MAX_INPUTS)
    return TRUE;
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_SHAPE,
      "%s: layer \"%s\": expected at most %d inputs and units in int8, found %" G_GSIZE_FORMAT
      " and %" G_GSIZE_FORMAT,
      builder->file, name, INT8_MAX_INPUTS, d, m);
  return FALSE;
}

/* NULL where @array is; else its rows [rows, n], each padded to @stride. */
static gboolean
copy_padded (
    const LstmArray *array, gsize rows, gsize n, gsize stride, float **to, GError **error)
{
  if (!array)
    return TRUE;
  if (!(*to = lstm_floats_new (rows * stride, error)))
    return FALSE;
  for (gsize r = 0; r < rows; r++)
    memcpy (*to + r * stride, array->values + r * n, n * sizeof (float));
  return TRUE;
}

/* h = projection of what the cells give */
static gboolean
add_projection (
    const LstmBuilder *builder, LstmLayer *layer, const LstmArray *weight, GError **error)
{
  const LstmKernels *kernels = builder->kernels;
  const LstmPackPart part = {weight->values, layer->units};
  LstmProjection *projection = g_new0 (LstmProjection, 1);
  g_autofree gsize *columns = NULL;

  layer->projection = projection;
  projection->panels = (layer->out + kernels->panel - 1) / kernels->panel;
  projection->w_stride = (1 + layer->units) * kernels->panel;
  layer->h_stride = projection->panels * kernels->panel;
  if (!g_size_checked_mul (&projection->n_weights, projection->panels, projection->w_stride))
    projection->n_weights = G_MAXSIZE;
  if (!(projection->weights = lstm_floats_new (projection->n_weights, error)))
    return FALSE;
  columns = g_new (gsize, layer->h_stride);
  for (gsize i = 0; i < layer->h_stride; i++)
    columns[i] = i < layer->out ? i : G_MAXSIZE;
  lstm_pack (projection->weights, kernels, &kernels->products[LSTM_FLOAT32], projection->panels,
      columns, NULL, NULL, &part, 1);
  return TRUE;
}

/* sigmoid, and twice tanh or twice relu, and nothing besides: the kernels have that in one piece */
static gboolean
is_usual (const LstmRecurrent *r)
{
  const LstmActivationKind bend = r->activations[1].kind;

  return r->activations[0].kind == LSTM_ACTIVATION_SIGMOID && r->activations[2].kind == bend
         && (bend == LSTM_ACTIVATION_TANH || bend == LSTM_ACTIVATION_RELU) && !r->peephole
         && !r->projection && !r->input_forget && isinf (r->clip) && isinf (r->cell_clip);
}

static void
add_cell (LstmLayer *layer, const LstmRecurrent *r)
{
  layer->cell = g_new (LstmCellKind, 1);
  *layer->cell = (LstmCellKind){
      .gates = r->activations[0],
      .candidate = r->activations[1],
      .output = r->activations[2],
      .peepholes = layer->peepholes,
      .clip = r->clip,
      .cell_clip = r->cell_clip,
      .input_forget = r->input_forget,
  };
}

/* Unless it is 0, what a masked first step would give is not defined by anybody who has initial
 * states. */
static gboolean
check_mask (const LstmBuilder *builder, const LstmRecurrent *r, GError **error)
{
  const gboolean initial = r->initial_h || r->initial_c;

  for (guint i = 0; initial && !r->zero_masked && i < builder->layers->len; i++) {
    const LstmLayer *layer = g_ptr_array_index (builder->layers, i);

    if (!layer->kind->masks)
      continue;
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_LAYER,
        "%s: layer \"%s\": expected no initial state behind a masking layer, or "
        "\"zero_masked\", found one",
        builder->file, r->name);
    return FALSE;
  }
  return TRUE;
}

static gboolean
check_recurrent (const LstmBuilder *builder, const LstmRecurrent *r, gsize d, gsize m, gsize p,
    GError **error)
{
  const struct {
    const LstmArray *array;
    guint n_dims;
    gsize rows, columns;
  } arrays[] = {
      {r->weight_ih, 2, LSTM_GATES * m, d},
      {r->weight_hh, 2, LSTM_GATES * m, p},
      {r->bias_ih, 1, LSTM_GATES * m, 0},
      {r->bias_hh, 1, LSTM_GATES * m, 0},
      {r->peephole, 1, 3 * m, 0},
      {r->projection, 2, p, m},
      {r->initial_h, 1, p, 0},
      {r->initial_c, 1, m, 0},
  };

  for (guint i = 0; i < G_N_ELEMENTS (arrays); i++)
    if (arrays[i].array
        && !check_shape (builder, arrays[i].array, arrays[i].n_dims, arrays[i].rows,
            arrays[i].columns, error))
      return FALSE;
  return check_sizes (builder, r->name, d, p, error)
         && check_sizes (builder, r->name, d, m, error)
         && check_int8 (builder, r->name, d, MAX (m, p), error)
         && check_mask (builder, r, error);
}

static LstmLayer *
make_lstm (LstmBuilder *builder, const LstmRecurrent *r, GError **error)
{
  const gsize d = r->weight_ih->shape[1], m = r->weight_ih->shape[0] / LSTM_GATES;
  const gsize p = r->projection ? r->projection->shape[0] : m;
  const gsize units = builder->kernels->panel / LSTM_GATES;
  const LstmPackPart parts[] = {{r->weight_ih->values, d}, {r->weight_hh->values, p}};
  g_autoptr (LstmLayer) layer = layer_new (&lstm_layer_lstm, d, p);
  g_autofree gsize *columns = NULL;

  if (!check_recurrent (builder, r, d, m, p, error))
    return NULL;
  lstm_fingerprint_recurrent (builder->text, r);
  layer->units = m;
  layer->zero_masked = r->zero_masked;
  layer->returns_last = r->returns_last;
  layer->reverse = r->reverse;
  layer->processed = r->processed;
  set_panels (builder, layer, m, units, (int) builder->precision);
  layer->h_stride = layer->c_stride = layer->panels * units;
  layer->x_words = lstm_n_words (layer->product, d);
  layer->h_words = lstm_n_words (layer->product, p);
  layer->u = (1 + lstm_pack_rows (layer->product, d)) * builder->kernels->panel;
  layer->scratch_row = layer->z_stride + (r->projection ? layer->c_stride : 0);
  if (layer->product->to_words)
    layer->scratch_row += layer->x_words + 1 + layer->h_words + 1;
  columns = gate_columns (layer, units, r->gates);
  if (!pack (builder, layer, columns, r->bias_ih ? r->bias_ih->values : NULL,
          r->bias_hh ? r->bias_hh->values : NULL, parts, G_N_ELEMENTS (parts), error)
      || (r->projection && !add_projection (builder, layer, r->projection, error))
      || !copy_padded (r->peephole, 3, m, layer->c_stride, &layer->peepholes, error)
      || !copy_padded (r->initial_h, 1, p, layer->h_stride, &layer->initial_h, error)
      || !copy_padded (r->initial_c, 1, m, layer->c_stride, &layer->initial_c, error))
    return NULL;
  layer->relu = r->activations[1].kind == LSTM_ACTIVATION_RELU;
  if (!is_usual (r))
    add_cell (layer, r);
  return g_steal_pointer (&layer);
}

gboolean
lstm_builder_add_lstm (LstmBuilder *builder, const LstmRecurrent *recurrent, GError **error)
{
  LstmLayer *layer = make_lstm (builder, recurrent, error);

  return layer && append (builder, layer, error);
}

gboolean
lstm_builder_add_bidirectional (LstmBuilder *builder, const LstmRecurrent *forward,
    const LstmRecurrent *reverse, LstmMerge merge, GError **error)
{
  g_autoptr (LstmLayer) a = make_lstm (builder, forward, error);
  g_autoptr (LstmLayer) b = a ? make_lstm (builder, reverse, error) : NULL;
  LstmLayer *layer;

  if (!b)
    return FALSE;
  if (a->in != b->in || a->out != b->out) {
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_SHAPE,
        "%s: layer \"%s\": expected as many inputs and units backwards as forwards, "
        "%" G_GSIZE_FORMAT " and %" G_GSIZE_FORMAT ", found %" G_GSIZE_FORMAT
        " and %" G_GSIZE_FORMAT,
        builder->file, forward->name, a->in, a->out, b->in, b->out);
    return FALSE;
  }
  layer = layer_new (
      &lstm_layer_bidirectional, a->in, a->out * (merge == LSTM_MERGE_CONCAT ? 2 : 1));
  layer->merge = merge;
  lstm_fingerprint_layer (builder->text, "bidirectional", NULL, 0);
  lstm_fingerprint_size (builder->text, merge);
  layer->returns_last = forward->returns_last;
  layer->scratch_row = 2 * a->out + MAX (a->scratch_row, b->scratch_row);
  layer->directions[0] = g_steal_pointer (&a);
  layer->directions[1] = g_steal_pointer (&b);
  return append (builder, layer, error);
}

gboolean
lstm_builder_add_repeat (LstmBuilder *builder, const char *name, gsize steps, GError **error)
{
  LstmLayer *layer = rows_layer (builder, &lstm_layer_repeat, name, NULL, 0, error);

  layer->repeat = steps;
  lstm_fingerprint_layer (builder->text, "repeat_vector", NULL, 0);
  lstm_fingerprint_size (builder->text, steps);
  return append (builder, layer, error);
}

LstmModel *
lstm_builder_finish (LstmBuilder *builder, GError **error)
{
  LstmModel *model;

  if (size_so_far (builder) == 0) {
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_LAYER,
        "%s: expected at least one layer that has a size, found none", builder->file);
    return NULL;
  }
  model = g_new0 (LstmModel, 1);
  g_atomic_ref_count_init (&model->refs);
  model->kernels = builder->kernels;
  model->precision = builder->precision;
  model->fingerprint = lstm_fingerprint_make (builder->text);
  model->layers = g_steal_pointer (&builder->layers);
  model->lstm_layers = g_ptr_array_new ();
  model->in = lstm_model_layer (model, 0)->in;
  model->out = lstm_model_layer (model, model->layers->len - 1)->out;
  for (guint i = 0; i < model->layers->len; i++) {
    LstmLayer *layer = g_ptr_array_index (model->layers, i);

    for (guint k = 0; k < layer->kind->n_memories; k++)
      g_ptr_array_add (model->lstm_layers, layer->directions[k] ? layer->directions[k] : layer);
    if (layer->kind == &lstm_layer_activation)
      layer->scratch_row = (layer->in + model->kernels->panel - 1) / model->kernels->panel
                           * model->kernels->panel;
  }
  builder->layers = g_ptr_array_new_with_free_func (layer_free);
  return model;
}
