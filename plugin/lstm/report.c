/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/report.h"

#define GST_CAT_DEFAULT gst_lstm_debug

/* Returns: (transfer full): the nick of @value of the enum @type */
static gchar *
get_nick (GType type, gint value)
{
  g_auto (GValue) v = G_VALUE_INIT;

  g_value_init (&v, type);
  g_value_set_enum (&v, value);
  return gst_value_serialize (&v);
}

/* Returns: (transfer full): the nicks of the flags @emit, as in output+cell */
static gchar *
describe_emit (guint emit)
{
  g_autoptr (GFlagsClass) values = g_type_class_ref (gst_lstm_emit_get_type ());
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < values->n_values; i++)
    if (emit & values->values[i].value)
      g_string_append_printf (text, "%s%s", text->len ? "+" : "", values->values[i].value_nick);
  return g_string_free (text, FALSE);
}

/* Appends the numbers of units of all recurrent layers, as in 64+32. A layer without c has as many
 * units as values of h. */
static void
append_units (GString *text, const LstmModel *model)
{
  for (guint i = 0; i < lstm_model_get_n_lstm_layers (model); i++) {
    const gsize m = lstm_model_get_cell_size (model, i);

    g_string_append_printf (text, "%s%" G_GSIZE_FORMAT,
        i ? "+" : " m=", m ? m : lstm_model_get_hidden_size (model, i));
  }
}

/* Returns: (transfer full): d, m, n and the output mode */
static gchar *
describe_sizes (const GstLstmSequenceConfig *config)
{
  const LstmModel *model = config->model;
  g_autofree gchar *mode = get_nick (gst_lstm_output_mode_get_type (), config->mode);
  GString *text = g_string_new (NULL);

  g_string_append_printf (text, "d=%" G_GSIZE_FORMAT, lstm_model_get_input_size (model));
  append_units (text, model);
  g_string_append_printf (
      text, " n=%" G_GSIZE_FORMAT " mode=%s", lstm_model_get_output_size (model), mode);
  return g_string_free (text, FALSE);
}

gchar *
gst_lstm_describe_model (GstLstm *self)
{
  const GstLstmSettings *settings = &self->settings;
  g_autofree gchar *sizes = NULL, *file = NULL;

  if (!self->sequence.config.model)
    return NULL;
  sizes = describe_sizes (&self->sequence.config);
  if (!settings->model)
    file = g_filename_display_basename (settings->model_location);
  return g_strdup_printf ("%s model=%s", sizes, file ? file : "(application)");
}

/* Logs the source of the model. */
static void
report_source (GstLstm *self, gint64 load_time)
{
  const GstLstmSettings *settings = &self->settings;
  const gchar *report = lstm_model_get_load_report (self->sequence.config.model);

  if (settings->model)
    GST_INFO_OBJECT (self, "uses the model of the application: %s", report);
  else if (load_time < 0)
    GST_INFO_OBJECT (
        self, "shares %s with another element: %s", settings->model_location, report);
  else
    GST_INFO_OBJECT (self, "loads %s in %.2f ms: %s", settings->model_location,
        (gdouble) load_time / 1000, report);
}

/* Logs the sizes of the model, and the outputs that the properties request. */
static void
report_sizes (GstLstm *self)
{
  const GstLstmSequenceConfig *config = &self->sequence.config;
  const LstmModel *model = config->model;
  g_autofree gchar *sizes = describe_sizes (config);
  g_autofree gchar *emit = describe_emit (config->emit);
  g_autofree gchar *precision = get_nick (
      gst_lstm_precision_get_type (), (gint) lstm_model_get_precision (model));

  GST_INFO_OBJECT (self, "model: %s emit=%s, %" G_GSIZE_FORMAT " parameters, %s, %s%s", sizes,
      emit, lstm_model_get_n_parameters (model), precision, lstm_model_get_isa (model),
      config->non_causal ? ", needs complete sequences" : "");
}

void
gst_lstm_report_model (GstLstm *self, gint64 load_time)
{
  if (gst_debug_category_get_threshold (GST_CAT_DEFAULT) < GST_LEVEL_INFO)
    return;
  report_source (self, load_time);
  report_sizes (self);
}

void
gst_lstm_report_end (GstLstm *self)
{
  const GstLstmStats *stats = &self->stats;

  GST_INFO_OBJECT (self,
      "stopped: steps=%" G_GUINT64_FORMAT " outputs=%" G_GUINT64_FORMAT
      " resets=%" G_GUINT64_FORMAT " gaps=%" G_GUINT64_FORMAT " errors=%" G_GUINT64_FORMAT
      " non-finite=%" G_GUINT64_FORMAT " mean-step-time=%" G_GUINT64_FORMAT
      " max-step-time=%" G_GUINT64_FORMAT,
      stats->steps, stats->outputs, stats->resets, stats->gaps, stats->errors,
      stats->non_finite, stats->steps ? stats->total_step_time / stats->steps : 0,
      stats->longest_step_time);
}
