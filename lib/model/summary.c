/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/model.h"

static const char *
describe_steps (const LstmModel *model)
{
  if (!lstm_model_is_causal (model))
    return "complete sequences";
  return lstm_model_returns_last_step (model) ? "the last step of a sequence" : "every step";
}

static const char *
get_precision_name (const LstmModel *model)
{
  g_autoptr (GEnumClass) precisions = g_type_class_ref (LSTM_TYPE_PRECISION);

  return g_enum_get_value (precisions, (gint) model->precision)->value_nick;
}

char *
lstm_model_get_summary (const LstmModel *model)
{
  GString *text = g_string_new (NULL);

  g_string_printf (text,
      "d = %" G_GSIZE_FORMAT ", n = %" G_GSIZE_FORMAT ", %s, %" G_GSIZE_FORMAT
      " parameters, %s, %s",
      model->in, model->out, describe_steps (model), lstm_model_get_n_parameters (model),
      get_precision_name (model), lstm_model_get_isa (model));
  if (model->rate > 0)
    g_string_append_printf (text, ", %.10g Hz", model->rate);
  for (guint i = 0; i < model->layers->len; i++) {
    const LstmLayer *layer = lstm_model_get_layer (model, i);

    g_string_append_printf (text,
        "\n%3u  %-19s %6" G_GSIZE_FORMAT " to %-6" G_GSIZE_FORMAT " %9" G_GSIZE_FORMAT
        " parameters",
        i, lstm_layer_kind_get_label (layer->kind), layer->in, layer->out, layer->n_parameters);
  }
  return g_string_free (text, FALSE);
}
