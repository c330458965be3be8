/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/model.h"

G_DEFINE_BOXED_TYPE (LstmModel, lstm_model, lstm_model_ref, lstm_model_unref)

/* A string, as clang-format takes the hyphens in G_DEFINE_QUARK's argument for minus signs. It is
 * copied, as the quark may outlive the library. */
GQuark
lstm_error_quark (void)
{
  return g_quark_from_string ("lstm-error-quark");
}

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

GType
lstm_precision_get_type (void)
{
  static const GEnumValue values[] = {
      {LSTM_PRECISION_FLOAT32, "LSTM_PRECISION_FLOAT32", "float32"},
      {LSTM_PRECISION_BFLOAT16, "LSTM_PRECISION_BFLOAT16", "bfloat16"},
      {LSTM_PRECISION_INT8, "LSTM_PRECISION_INT8", "int8"},
      {0, NULL, NULL},
  };
  static gsize type = 0;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("LstmPrecision", values));
  return type;
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
  g_ptr_array_unref (model->lstm_layers);
  g_ptr_array_unref (model->layers);
  g_free (model->fingerprint);
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
    if (lstm_layer_needs_whole (lstm_model_layer (model, i)))
      return FALSE;
  return TRUE;
}

guint
lstm_model_get_n_lstm_layers (const LstmModel *model)
{
  return model->lstm_layers->len;
}

gsize
lstm_model_get_hidden_size (const LstmModel *model, guint layer)
{
  const LstmLayer *lstm;

  g_return_val_if_fail (layer < model->lstm_layers->len, 0);
  lstm = g_ptr_array_index (model->lstm_layers, layer);
  return lstm->out;
}

gsize
lstm_model_get_cell_size (const LstmModel *model, guint layer)
{
  const LstmLayer *lstm;

  g_return_val_if_fail (layer < model->lstm_layers->len, 0);
  lstm = g_ptr_array_index (model->lstm_layers, layer);
  return lstm->units;
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

const char *
lstm_model_get_isa (const LstmModel *model)
{
  return model->kernels->name;
}

static gsize
layer_floats (const LstmLayer *layer)
{
  gsize floats = layer->n_weights;

  if (layer->projection)
    floats += layer->projection->n_weights;
  for (guint k = 0; k < G_N_ELEMENTS (layer->directions); k++)
    floats += layer->directions[k] ? layer_floats (layer->directions[k]) : 0;
  return floats;
}

gsize
lstm_model_get_packed_size (const LstmModel *model)
{
  gsize floats = 0;

  for (guint i = 0; i < model->layers->len; i++)
    floats += layer_floats (lstm_model_layer (model, i));
  return floats * sizeof (float);
}
