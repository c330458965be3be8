/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "builder.h"
#include "model.h"
#include "pack.h"
#include <stdlib.h>

#define GATES 4
#define KERNEL_GATES "ifgo"
#define INT8_MAX_INPUTS (G_MAXINT32 / (127 * 127))

struct _LstmBuilder {
  char *file;
  const LstmKernels *kernels;
  LstmPrecision precision;
  GPtrArray *layers;
};

G_STATIC_ASSERT ((int) LSTM_PRECISION_FLOAT32 == LSTM_FLOAT32);
G_STATIC_ASSERT ((int) LSTM_PRECISION_BFLOAT16 == LSTM_BFLOAT16);
G_STATIC_ASSERT ((int) LSTM_PRECISION_INT8 == LSTM_INT8);

static const char *const activation_names[] = {
#define EACH(id, name, expression) name,
#define ROW(id, name) name,
    LSTM_ACTIVATIONS (EACH, ROW)
#undef EACH
#undef ROW
        NULL,
};

static void
layer_free (void *data)
{
  LstmLayer *layer = data;

  free (layer->weights);
  g_free (layer);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (LstmLayer, layer_free)

static const LstmKernels *
choose_kernels (GError **error)
{
  const char *wanted = g_getenv ("LSTM_ISA");
  g_autoptr (GString) names = g_string_new (NULL);
  const LstmKernels *kernels;

  for (unsigned i = 0; (kernels = lstm_kernels_at (i)); i++) {
    if (!wanted || g_str_equal (wanted, kernels->name))
      return kernels;
    g_string_append_printf (names, i ? ", %s" : "%s", kernels->name);
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
  return builder;
}

void
lstm_builder_free (LstmBuilder *builder)
{
  g_ptr_array_unref (builder->layers);
  g_free (builder->file);
  g_free (builder);
}

static char *
shape_text (guint n_dims, const gsize *shape)
{
  GString *text = g_string_new ("[");

  for (guint i = 0; i < n_dims; i++)
    g_string_append_printf (text, i ? ", %" G_GSIZE_FORMAT : "%" G_GSIZE_FORMAT, shape[i]);
  return g_string_free (g_string_append_c (text, ']'), FALSE);
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
  g_autofree char *wanted = shape_text (n_dims, expected);
  g_autofree char *found = shape_text (array->n_dims, array->shape);
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

/* Gives a normalization by single values, which came first, the size of what follows it. */
static gboolean
spread (const LstmBuilder *builder, LstmLayer *layer, gsize n, GError **error)
{
  float *weights = lstm_floats_new (2 * n, error);

  if (!weights)
    return FALSE;
  for (gsize i = 0; i < n; i++) {
    weights[i] = layer->weights[0];
    weights[n + i] = layer->weights[1];
  }
  free (layer->weights);
  layer->weights = weights;
  layer->n_weights = 2 * n;
  layer->in = layer->out = n;
  return TRUE;
}

/* Takes @layer, whose sizes are known (in = 0 where they are not) and fit the layers before. */
static gboolean
append (LstmBuilder *builder, LstmLayer *layer, GError **error)
{
  for (guint i = 0; layer->in && i < builder->layers->len; i++) {
    LstmLayer *before = g_ptr_array_index (builder->layers, i);

    if (!before->in && !spread (builder, before, layer->in, error)) {
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

gboolean
lstm_builder_add_normalization (LstmBuilder *builder, const char *name, const LstmArray *mean,
    const LstmArray *scale, GError **error)
{
  gboolean single = !mean->n_dims && !scale->n_dims;
  gsize n = mean->n_dims    ? mean->shape[0]
            : scale->n_dims ? scale->shape[0]
                            : size_so_far (builder);
  gsize values = n ? n : 1; /* one stands for all until the size is known */
  g_autoptr (LstmLayer) layer = layer_new (&lstm_layer_normalization, n, n);

  if ((mean->n_dims && !check_shape (builder, mean, 1, n, 0, error))
      || (scale->n_dims && !check_shape (builder, scale, 1, n, 0, error))
      || (!single && !check_sizes (builder, name, n, n, error)))
    return FALSE;
  if (!(layer->weights = lstm_floats_new (2 * values, error)))
    return FALSE;
  for (gsize i = 0; i < values; i++) {
    layer->weights[i] = mean->values[mean->n_dims ? i : 0];
    layer->weights[values + i] = scale->values[scale->n_dims ? i : 0];
  }
  layer->n_weights = 2 * values;
  return append (builder, g_steal_pointer (&layer), error);
}

static gboolean
find_activation (const LstmBuilder *builder, const char *layer, const char *name,
    LstmActivation *activation, GError **error)
{
  g_autofree char *known = NULL;

  for (guint i = 0; i < LSTM_N_ACTIVATIONS; i++) {
    if (g_str_equal (name, activation_names[i])) {
      *activation = (LstmActivation) i;
      return TRUE;
    }
  }
  known = g_strjoinv (", ", (char **) activation_names);
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_LAYER,
      "%s: layer \"%s\": expected an activation of %s, found \"%s\"", builder->file, layer,
      known, name);
  return FALSE;
}

/* How many panels of @units outputs @layer takes, in which precision */
static void
set_panels (const LstmBuilder *builder, LstmLayer *layer, gsize units, int precision)
{
  layer->product = &builder->kernels->products[precision];
  layer->panels = (layer->out + units - 1) / units;
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
    const LstmArray *bias, const char *activation, GError **error)
{
  gsize n = weight->shape[0], d = weight->shape[1];
  const LstmPackPart part = {weight->values, d};
  g_autoptr (LstmLayer) layer = layer_new (&lstm_layer_dense, d, n);
  g_autofree gsize *columns = NULL;

  if (!check_shape (builder, weight, 2, n, d, error)
      || (bias && !check_shape (builder, bias, 1, n, 0, error))
      || !check_sizes (builder, name, d, n, error)
      || !find_activation (builder, name, activation, &layer->activation, error))
    return FALSE;

  set_panels (builder, layer, builder->kernels->panel, LSTM_FLOAT32);
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
    for (guint g = 0; g < GATES; g++) {
      gsize block = (gsize) (strchr (gates, KERNEL_GATES[g]) - gates) * layer->out;

      for (gsize unit = p * units; unit < (p + 1) * units; unit++)
        *at++ = unit < layer->out ? block + unit : G_MAXSIZE;
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

gboolean
lstm_builder_add_lstm (LstmBuilder *builder, const char *name, const LstmArray *weight_ih,
    const LstmArray *weight_hh, const LstmArray *bias_ih, const LstmArray *bias_hh,
    const char *gates, GError **error)
{
  gsize d = weight_ih->shape[1], m = weight_ih->shape[0] / GATES;
  gsize units = builder->kernels->panel / GATES;
  const LstmPackPart parts[] = {{weight_ih->values, d}, {weight_hh->values, m}};
  g_autoptr (LstmLayer) layer = layer_new (&lstm_layer_lstm, d, m);
  g_autofree gsize *columns = NULL;

  if (!check_shape (builder, weight_ih, 2, GATES * m, d, error)
      || !check_shape (builder, weight_hh, 2, GATES * m, m, error)
      || (bias_ih && !check_shape (builder, bias_ih, 1, GATES * m, 0, error))
      || (bias_hh && !check_shape (builder, bias_hh, 1, GATES * m, 0, error))
      || !check_sizes (builder, name, d, m, error) || !check_int8 (builder, name, d, m, error))
    return FALSE;

  set_panels (builder, layer, units, (int) builder->precision);
  layer->x_words = lstm_n_words (layer->product, d);
  layer->h_words = lstm_n_words (layer->product, m);
  layer->u = (1 + lstm_pack_rows (layer->product, d)) * builder->kernels->panel;
  layer->scratch_row = layer->z_stride;
  if (layer->product->to_words)
    layer->scratch_row += layer->x_words + 1 + layer->h_words + 1;
  columns = gate_columns (layer, units, gates);
  return pack (builder, layer, columns, bias_ih ? bias_ih->values : NULL,
             bias_hh ? bias_hh->values : NULL, parts, G_N_ELEMENTS (parts), error)
         && append (builder, g_steal_pointer (&layer), error);
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
  model->layers = g_steal_pointer (&builder->layers);
  model->lstm_layers = g_ptr_array_new ();
  model->in = lstm_model_layer (model, 0)->in;
  model->out = lstm_model_layer (model, model->layers->len - 1)->out;
  for (guint i = 0; i < model->layers->len; i++) {
    LstmLayer *layer = g_ptr_array_index (model->layers, i);

    if (layer->kind->has_memory)
      g_ptr_array_add (model->lstm_layers, layer);
  }
  builder->layers = g_ptr_array_new_with_free_func (layer_free);
  return model;
}
