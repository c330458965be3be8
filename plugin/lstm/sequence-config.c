/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/sequence-config.h"
#include "common/errors.h"
#include "util/text.h"

#define STATE_TENSORS (GST_LSTM_EMIT_HIDDEN | GST_LSTM_EMIT_CELL | GST_LSTM_EMIT_GATES)
#define SETTINGS_ERROR GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS

static const gchar *const tensor_names[GST_LSTM_N_TENSORS] = {
    [GST_LSTM_TENSOR_OUTPUT] = "output",
    [GST_LSTM_TENSOR_HIDDEN] = "hidden",
    [GST_LSTM_TENSOR_CELL] = "cell",
    [GST_LSTM_TENSOR_GATES] = GST_LSTM_GATES,
};

const gchar *
gst_lstm_sequence_config_get_tensor_name (guint kind)
{
  return tensor_names[kind];
}

/* --- Properties --- */

/* Sets @error to an error of the property emit, from which @expected is expected because of
 * @reason. */
static gboolean
refuse_emit (guint emit, const gchar *expected, const gchar *reason, GError **error)
{
  g_autoptr (GString) found = g_string_new (NULL);

  for (guint kind = 0; kind < GST_LSTM_N_TENSORS; kind++)
    if (emit & 1 << kind)
      lstm_text_append_item (found, tensor_names[kind]);
  return gst_lstm_fail (error, SETTINGS_ERROR,
      "property emit: expected %s, because %s, found %s", expected, reason, found->str);
}

/* Sets @error to an error of the property emit, which must be only `output` because of @reason. */
static gboolean
fail_for_emit (guint emit, const gchar *reason, GError **error)
{
  return refuse_emit (emit, "only output", reason, error);
}

static gboolean
check_emit (
    const GstLstmSequenceConfig *config, const GstLstmSettings *settings, GError **error)
{
  const gint n_layers = (gint) lstm_model_get_n_lstm_layers (config->model);

  if (!settings->emit)
    return gst_lstm_fail (error, SETTINGS_ERROR,
        "property emit: expected at least one of output, hidden, cell, gates, found none");
  if (n_layers == 0 && settings->emit & STATE_TENSORS)
    return fail_for_emit (settings->emit, "the model has no recurrent layer", error);
  return settings->emit_layer < n_layers
         || gst_lstm_fail (error, SETTINGS_ERROR,
             "property emit-layer: expected -1 to %d, the recurrent layers of the model, found "
             "%d",
             n_layers - 1, settings->emit_layer);
}

/* Checks that the selected layer has the requested tensors. */
static gboolean
check_layer (
    const GstLstmSequenceConfig *config, const GstLstmSettings *settings, GError **error)
{
  const struct {
    guint emit;
    gsize size;
    const gchar *expected, *thing;
  } tensors[] = {
      {GST_LSTM_EMIT_CELL, lstm_model_get_cell_size (config->model, config->layer), "no cell",
          "cell state"},
      {GST_LSTM_EMIT_GATES, lstm_model_get_n_gates (config->model, config->layer), "no gates",
          "gates"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (tensors); i++) {
    g_autofree gchar *reason = g_strdup_printf (
        "recurrent layer %u has no %s", config->layer, tensors[i].thing);

    if (settings->emit & tensors[i].emit && !tensors[i].size)
      return refuse_emit (settings->emit, tensors[i].expected, reason, error);
  }
  return TRUE;
}

/* Sets `fixed_output_steps`, which is not 0 if sequences of one step and of two steps have the same
 * number of output steps. */
static gboolean
find_fixed_output_steps (GstLstmSequenceConfig *config, GError **error)
{
  g_autoptr (LstmState) state = lstm_state_new_for_sequences (config->model, 1, 2, error);

  if (!state)
    return FALSE;
  config->fixed_output_steps = lstm_state_get_output_steps (state, 1);
  if (config->fixed_output_steps != lstm_state_get_output_steps (state, 2))
    config->fixed_output_steps = 0;
  return TRUE;
}

/* Sets @error to an error of the property axes, which does not apply to objects. */
static gboolean
fail_for_axes (gint axes, GError **error)
{
  g_autoptr (GEnumClass) values = g_type_class_ref (gst_lstm_axes_get_type ());

  return gst_lstm_fail (error, SETTINGS_ERROR,
      "property axes: expected auto, because per-object is true and an object is one stream, "
      "found %s",
      g_enum_get_value (values, axes)->value_nick);
}

/* Checks that the model can have a memory for each object. */
static gboolean
check_objects (
    const GstLstmSequenceConfig *config, const GstLstmSettings *settings, GError **error)
{
  const gsize d = lstm_model_get_input_size (config->model);

  if (config->non_causal)
    return gst_lstm_fail (error, SETTINGS_ERROR,
        "property per-object: expected false, because the model needs complete sequences, "
        "found true");
  if (settings->state_location)
    return gst_lstm_fail (error, SETTINGS_ERROR,
        "property state-location: expected none, because per-object is true and the ids of "
        "objects are different in each run, found %s",
        settings->state_location);
  if (settings->axes != GST_LSTM_AXES_AUTO)
    return fail_for_axes (settings->axes, error);
  return settings->object_features != GST_LSTM_OBJECT_FEATURES_BOX || d == GST_LSTM_BOX_FEATURES
         || gst_lstm_fail (error, SETTINGS_ERROR,
             "property object-features: expected tensor, because the model has %" G_GSIZE_FORMAT
             " inputs and a box has %d values, found box",
             d, GST_LSTM_BOX_FEATURES);
}

static gboolean
check_mode (
    const GstLstmSequenceConfig *config, const GstLstmSettings *settings, GError **error)
{
  const gboolean window = config->mode == GST_LSTM_OUTPUT_WINDOW;

  if (window && settings->emit & STATE_TENSORS)
    return fail_for_emit (settings->emit, "output-mode is window", error);
  if (!config->non_causal)
    return TRUE;
  if (config->fixed_output_steps && settings->emit & STATE_TENSORS)
    return fail_for_emit (settings->emit,
        "the model needs complete sequences and does not have an output for each step", error);
  if (settings->state_location)
    return gst_lstm_fail (error, SETTINGS_ERROR,
        "property state-location: expected none, because the model needs complete sequences "
        "and has no state between buffers, found %s",
        settings->state_location);
  return !window || settings->window_length <= settings->max_steps
         || gst_lstm_fail (error, SETTINGS_ERROR,
             "property window-length: expected at most %u (property max-steps), because the "
             "model needs complete windows, found %u",
             settings->max_steps, settings->window_length);
}

gboolean
gst_lstm_sequence_config_init (GstLstmSequenceConfig *config, LstmModel *model,
    const GstLstmSettings *settings, GError **error)
{
  *config = (GstLstmSequenceConfig){
      .model = model,
      .mode = (GstLstmOutputMode) settings->output_mode,
      .emit = settings->emit,
      .window_length = settings->window_length,
      .window_hop = settings->window_hop,
      .max_steps = settings->max_steps,
      .n_threads = settings->threads,
      .non_causal = !lstm_model_is_causal (model),
      .per_object = settings->per_object,
  };
  if (!check_emit (config, settings, error)
      || (config->non_causal && !find_fixed_output_steps (config, error))
      || !check_mode (config, settings, error)
      || (config->per_object && !check_objects (config, settings, error)))
    return FALSE;
  if (!(settings->emit & STATE_TENSORS))
    return TRUE;
  config->layer = settings->emit_layer < 0 ? lstm_model_get_n_lstm_layers (model) - 1
                                           : (guint) settings->emit_layer;
  return check_layer (config, settings, error);
}

/* --- Shapes --- */

static guint
get_n_rows (const GstLstmSequenceConfig *config, guint kind)
{
  return kind == GST_LSTM_TENSOR_GATES ? lstm_model_get_n_gates (config->model, config->layer)
                                       : 1;
}

/* Returns the number of values of one row of a step. */
static gsize
get_row_size (const GstLstmSequenceConfig *config, guint kind)
{
  gsize m;

  if (kind == GST_LSTM_TENSOR_OUTPUT)
    return lstm_model_get_output_size (config->model);
  if (kind == GST_LSTM_TENSOR_HIDDEN)
    return lstm_model_get_hidden_size (config->model, config->layer);
  /* A layer without c has as many units as values of h. */
  m = lstm_model_get_cell_size (config->model, config->layer);
  return m ? m : lstm_model_get_hidden_size (config->model, config->layer);
}

gsize
gst_lstm_sequence_config_get_step_values (const GstLstmSequenceConfig *config, guint kind)
{
  return get_n_rows (config, kind) * get_row_size (config, kind);
}

/* Returns the number of steps of the output buffer of @n_steps input steps. */
static gsize
get_output_steps (const GstLstmSequenceConfig *config, gsize n_steps)
{
  if (config->mode == GST_LSTM_OUTPUT_FINAL)
    return 1;
  if (config->mode == GST_LSTM_OUTPUT_WINDOW)
    n_steps = config->non_causal ? config->window_length : 1;
  return config->fixed_output_steps ? config->fixed_output_steps : n_steps;
}

void
gst_lstm_sequence_config_describe_output (
    const GstLstmSequenceConfig *config, const GstLstmTensors *in, GstLstmTensors *out)
{
  *out = *in;
  out->n_tensors = 0;
  out->steps = (guint) get_output_steps (config, in->steps);
  for (guint kind = 0; kind < GST_LSTM_N_TENSORS; kind++) {
    if (!gst_lstm_sequence_config_emits (config, kind))
      continue;
    out->size[out->n_tensors] = (guint) get_row_size (config, kind);
    out->n_rows[out->n_tensors] = get_n_rows (config, kind);
    out->name[out->n_tensors++] = tensor_names[kind];
  }
}

/* --- Runs --- */

LstmRun
gst_lstm_sequence_config_make_run (const GstLstmSequenceConfig *config, const gfloat *x,
    gsize n_steps, gsize stride, gfloat *const *outputs)
{
  return (LstmRun){
      .size = sizeof (LstmRun),
      .steps = n_steps,
      .stream_stride = stride,
      .input = x,
      .output = outputs[GST_LSTM_TENSOR_OUTPUT],
      .layer = config->layer,
      .hidden = outputs[GST_LSTM_TENSOR_HIDDEN],
      .cell = outputs[GST_LSTM_TENSOR_CELL],
      .gates = outputs[GST_LSTM_TENSOR_GATES],
  };
}
