/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layers/builder.h"
#include "layers/fingerprint.h"
#include "process/environment.h"
#include "util/text.h"

G_STATIC_ASSERT ((int) LSTM_PRECISION_FLOAT32 == LSTM_FLOAT32);
G_STATIC_ASSERT ((int) LSTM_PRECISION_BFLOAT16 == LSTM_BFLOAT16);
G_STATIC_ASSERT ((int) LSTM_PRECISION_INT8 == LSTM_INT8);
G_STATIC_ASSERT ((int) LSTM_PRECISION_INT8 + 1 == LSTM_N_PRECISIONS);

LstmLayer *
lstm_layer_new (const LstmLayerKind *kind, gsize in, gsize out, gpointer data)
{
  LstmLayer *layer = g_new0 (LstmLayer, 1);

  layer->kind = kind;
  layer->in = in;
  layer->out = out;
  layer->data = data;
  return layer;
}

void
lstm_layer_free (LstmLayer *layer)
{
  if (layer->kind->free)
    layer->kind->free (layer->data);
  g_free (layer);
}

static void
free_element (gpointer layer)
{
  lstm_layer_free (layer);
}

static const LstmKernels *
choose_kernels (GError **error)
{
  const char *isa = lstm_getenv ("LSTM_ISA");
  g_autoptr (GString) names = g_string_new (NULL);
  const LstmKernels *kernels;

  for (unsigned i = 0; (kernels = lstm_kernels_at (i)); i++) {
    if (!isa || g_str_equal (isa, kernels->name))
      return kernels;
    lstm_text_append_item (names, kernels->name);
  }
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_CPU,
      "LSTM_ISA: expected one of %s, which this machine runs, found '%s'", names->str, isa);
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
  builder->layers = g_ptr_array_new_with_free_func (free_element);
  builder->fingerprint = g_string_new ("lstm 1");
  lstm_fingerprint_add_size (builder->fingerprint, precision);
  builder->n_fingerprint = builder->fingerprint->len;
  return builder;
}

void
lstm_builder_free (LstmBuilder *builder)
{
  g_ptr_array_unref (builder->layers);
  g_string_free (builder->fingerprint, TRUE);
  g_free (builder->file);
  g_free (builder);
}

gsize
lstm_builder_get_output_size (const LstmBuilder *builder)
{
  guint n = builder->layers->len;

  return n ? ((LstmLayer *) g_ptr_array_index (builder->layers, n - 1))->out : 0;
}

gsize
lstm_builder_get_input_size (const LstmBuilder *builder)
{
  return builder->layers->len ? ((LstmLayer *) g_ptr_array_index (builder->layers, 0))->in : 0;
}

const LstmLayer *
lstm_builder_find_step_change (const LstmBuilder *builder)
{
  for (guint i = builder->layers->len; i-- > 0;) {
    const LstmLayer *layer = g_ptr_array_index (builder->layers, i);

    if (layer->n_output_steps)
      return layer;
  }
  return NULL;
}

gboolean
lstm_builder_check_steps (const LstmBuilder *builder, const char *name, GError **error)
{
  const LstmLayer *change = lstm_builder_find_step_change (builder);

  if (!change || !change->returns_last)
    return TRUE;
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_LAYER,
      "%s: layer \"%s\": a layer with memory is supported only after layers that output every "
      "step, or after repeat_vector; found a layer that outputs only one step",
      builder->file, name);
  return FALSE;
}

gboolean
lstm_builder_has_mask (const LstmBuilder *builder)
{
  for (guint i = 0; i < builder->layers->len; i++)
    if (((LstmLayer *) g_ptr_array_index (builder->layers, i))->kind->writes_mask)
      return TRUE;
  return FALSE;
}

gboolean
lstm_builder_check_shape (const LstmBuilder *builder, const LstmArray *array, guint n_dims,
    gsize n_rows, gsize n_columns, GError **error)
{
  const gsize shape[2] = {n_rows, n_columns};

  if (array->n_dims == n_dims && (n_dims < 1 || array->shape[0] == n_rows)
      && (n_dims < 2 || array->shape[1] == n_columns))
    return TRUE;
  g_autofree char *expected = lstm_text_shape (n_dims, shape);
  g_autofree char *found = lstm_text_shape (array->n_dims, array->shape);
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_SHAPE,
      "%s: tensor \"%s\": expected shape %s, found %s", builder->file, array->name, expected,
      found);
  return FALSE;
}

gboolean
lstm_builder_check_sizes (
    const LstmBuilder *builder, const char *name, gsize in, gsize out, GError **error)
{
  gsize expected = lstm_builder_get_output_size (builder);

  if (expected && in != expected) {
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_SHAPE,
        "%s: layer \"%s\": expected %" G_GSIZE_FORMAT
        " inputs, the number of outputs of the previous layer, found %" G_GSIZE_FORMAT,
        builder->file, name, expected, in);
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

static gboolean
set_layer_size (const LstmBuilder *builder, LstmLayer *layer, gsize n, GError **error)
{
  layer->in = layer->out = n;
  return !layer->kind->set_size || layer->kind->set_size (layer, builder->kernels, n, error);
}

/* Sets the size of all layers that were appended before it was known. */
static gboolean
set_earlier_sizes (const LstmBuilder *builder, gsize n, GError **error)
{
  for (guint i = 0; i < builder->layers->len; i++) {
    LstmLayer *layer = g_ptr_array_index (builder->layers, i);

    if (!layer->in && !set_layer_size (builder, layer, n, error))
      return FALSE;
  }
  return TRUE;
}

gboolean
lstm_builder_append (LstmBuilder *builder, LstmLayer *layer, GError **error)
{
  g_autoptr (LstmLayer) owned = layer;

  if (!layer)
    return FALSE;
  /* Without a line of the layer, models with different layers would have the same fingerprint. */
  g_assert (builder->fingerprint->len > builder->n_fingerprint);
  builder->n_fingerprint = builder->fingerprint->len;
  layer->n_parameters = builder->n_parameters;
  builder->n_parameters = 0;
  if (layer->in && !set_earlier_sizes (builder, layer->in, error))
    return FALSE;
  if (layer->in && layer->in == layer->out
      && !set_layer_size (builder, layer, layer->in, error))
    return FALSE;
  g_ptr_array_add (builder->layers, g_steal_pointer (&owned));
  return TRUE;
}

GPtrArray *
lstm_builder_steal_layers (LstmBuilder *builder)
{
  GPtrArray *layers = builder->layers;

  builder->layers = g_ptr_array_new_with_free_func (free_element);
  return layers;
}
