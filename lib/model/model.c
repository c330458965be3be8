/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/model.h"
#include "layers/fingerprint.h"

G_DEFINE_BOXED_TYPE (LstmModel, lstm_model, lstm_model_ref, lstm_model_unref)

void
lstm_error_make_valid (GError **error)
{
  char *valid;

  if (!error || !*error)
    return;
  valid = g_utf8_make_valid ((*error)->message, -1);
  g_free ((*error)->message);
  (*error)->message = valid;
}

G_DEFINE_ENUM_TYPE (LstmPrecision, lstm_precision,
    G_DEFINE_ENUM_VALUE (LSTM_PRECISION_FLOAT32, "float32"),
    G_DEFINE_ENUM_VALUE (LSTM_PRECISION_BFLOAT16, "bfloat16"),
    G_DEFINE_ENUM_VALUE (LSTM_PRECISION_INT8, "int8"))

/* Appends the memory layouts of all pooling layers, or of all other layers. */
static void
collect_memory_layouts (LstmModel *model, gboolean of_pooling)
{
  for (guint i = 0; i < model->layers->len; i++) {
    LstmLayer *layer = g_ptr_array_index (model->layers, i);

    if (layer->kind->is_pooling != of_pooling)
      continue;
    layer->memory = model->memory_layouts->len;
    for (guint k = 0; k < layer->kind->n_memories; k++)
      g_ptr_array_add (
          model->memory_layouts, (gpointer) layer->kind->get_memory_layout (layer, k));
  }
}

LstmModel *
lstm_model_new_from_builder (LstmBuilder *builder, GError **error)
{
  LstmModel *model;

  if (lstm_builder_get_output_size (builder) == 0) {
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_LAYER,
        "%s: expected at least one layer that has a size, found none", builder->file);
    return NULL;
  }
  model = g_new0 (LstmModel, 1);
  g_atomic_ref_count_init (&model->refs);
  model->kernels = builder->kernels;
  model->precision = builder->precision;
  model->fingerprint = lstm_fingerprint_make (builder->fingerprint);
  model->layers = lstm_builder_steal_layers (builder);
  model->in = lstm_model_get_layer (model, 0)->in;
  model->out = lstm_model_get_layer (model, model->layers->len - 1)->out;
  model->memory_layouts = g_ptr_array_new ();
  collect_memory_layouts (model, FALSE);
  model->n_lstm_layers = model->memory_layouts->len;
  collect_memory_layouts (model, TRUE);
  return model;
}

LstmModel *
lstm_model_ref (LstmModel *model)
{
  g_atomic_ref_count_inc (&model->refs);
  return model;
}

void
lstm_model_unref (LstmModel *model)
{
  if (!g_atomic_ref_count_dec (&model->refs))
    return;
  g_ptr_array_unref (model->memory_layouts);
  g_ptr_array_unref (model->layers);
  g_free (model->fingerprint);
  g_free (model->load_report);
  g_free (model);
}

gsize
lstm_model_get_input_size (const LstmModel *model)
{
  return model->in;
}

gsize
lstm_model_get_output_size (const LstmModel *model)
{
  return model->out;
}

gboolean
lstm_model_is_causal (const LstmModel *model)
{
  for (guint i = 0; i < model->layers->len; i++)
    if (lstm_model_get_layer (model, i)->needs_complete_sequence)
      return FALSE;
  return TRUE;
}

gboolean
lstm_model_check_causal (const LstmModel *model, GError **error)
{
  if (lstm_model_is_causal (model))
    return TRUE;
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_LAYER,
      "model: expected each output to depend only on the same and previous steps, found "
      "a model that needs complete sequences: a layer runs backwards or in both directions, "
      "or repeats its last step");
  return FALSE;
}

guint
lstm_model_get_n_lstm_layers (const LstmModel *model)
{
  return model->n_lstm_layers;
}

gsize
lstm_model_get_hidden_size (const LstmModel *model, guint layer)
{
  g_return_val_if_fail (layer < model->n_lstm_layers, 0);
  return lstm_model_get_memory_layout (model, layer)->n_h;
}

gsize
lstm_model_get_cell_size (const LstmModel *model, guint layer)
{
  g_return_val_if_fail (layer < model->n_lstm_layers, 0);
  return lstm_model_get_memory_layout (model, layer)->n_c;
}

guint
lstm_model_get_n_gates (const LstmModel *model, guint layer)
{
  g_return_val_if_fail (layer < model->n_lstm_layers, 0);
  return lstm_model_get_memory_layout (model, layer)->n_gates;
}

gboolean
lstm_model_check_trace (const LstmModel *model, guint layer, gboolean cell, gboolean gates)
{
  const LstmMemoryLayout *layout = lstm_model_get_memory_layout (model, layer);

  if (cell && !layout->n_c)
    g_critical ("cell: expected a layer with a cell state, found layer %u, of type %s", layer,
        layout->type);
  else if (gates && !layout->n_gates)
    g_critical (
        "gates: expected a layer with gates, found layer %u, of type %s", layer, layout->type);
  else
    return TRUE;
  return FALSE;
}

gboolean
lstm_model_returns_last_step (const LstmModel *model)
{
  for (guint i = model->layers->len; i-- > 0;) {
    const LstmLayer *layer = lstm_model_get_layer (model, i);

    if (layer->n_output_steps)
      return layer->returns_last;
  }
  return FALSE;
}

LstmPrecision
lstm_model_get_precision (const LstmModel *model)
{
  return model->precision;
}

const char *
lstm_model_get_fingerprint (const LstmModel *model)
{
  return model->fingerprint;
}

double
lstm_model_get_rate (const LstmModel *model)
{
  return model->rate;
}

const char *
lstm_model_get_isa (const LstmModel *model)
{
  return model->kernels->name;
}

const char *
lstm_model_get_load_report (const LstmModel *model)
{
  return model->load_report;
}

gsize
lstm_model_get_n_parameters (const LstmModel *model)
{
  gsize n = 0;

  for (guint i = 0; i < model->layers->len; i++)
    n += lstm_model_get_layer (model, i)->n_parameters;
  return n;
}

gsize
lstm_model_get_packed_size (const LstmModel *model)
{
  gsize floats = 0;

  for (guint i = 0; i < model->layers->len; i++)
    floats += lstm_model_get_layer (model, i)->n_weights;
  return floats * sizeof (float);
}
