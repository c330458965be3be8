/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/settings.h"
#include "common/tensors.h"

static GType
output_mode_get_type (void)
{
  static gsize type;
  static const GEnumValue values[] = {
      {GST_LSTM_OUTPUT_SEQUENCE, "Every step gives an output", "sequence"},
      {GST_LSTM_OUTPUT_FINAL, "The last step of a sequence gives the only output", "final"},
      {GST_LSTM_OUTPUT_WINDOW, "Every window-hop steps, the last window-length give an output",
          "window"},
      {0, NULL, NULL},
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstLstmOutputMode", values));
  return type;
}

static GType
emit_get_type (void)
{
  static gsize type;
  static const GFlagsValue values[] = {
      {GST_LSTM_EMIT_OUTPUT, "What the last layer gives", "output"},
      {GST_LSTM_EMIT_HIDDEN, "Hidden state h of an LSTM layer", "hidden"},
      {GST_LSTM_EMIT_CELL, "Cell state c of an LSTM layer", "cell"},
      {GST_LSTM_EMIT_GATES, "Gates i, f, g and o of an LSTM layer", "gates"},
      {0, NULL, NULL},
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_flags_register_static ("GstLstmEmit", values));
  return type;
}

static GType
reset_on_get_type (void)
{
  static gsize type;
  static const GFlagsValue values[] = {
      {GST_LSTM_RESET_ON_DISCONT, "A buffer that is marked DISCONT", "discont"},
      {GST_LSTM_RESET_ON_GAP, "A GAP event or an empty buffer", "gap"},
      {GST_LSTM_RESET_ON_NAN, "A step after which h or c is NaN or infinite", "nan"},
      {0, NULL, NULL},
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_flags_register_static ("GstLstmResetOn", values));
  return type;
}

static GType
gap_policy_get_type (void)
{
  static gsize type;
  static const GEnumValue values[] = {
      {GST_LSTM_GAP_HOLD, "h and c stay as they are", "hold"},
      {GST_LSTM_GAP_ZERO_STEP, "Steps of zeros, as many as the gap is long", "zero-step"},
      {0, NULL, NULL},
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstLstmGapPolicy", values));
  return type;
}

/* LstmPrecision, of which inspecting tools would show the names in C */
static GType
precision_get_type (void)
{
  static gsize type;
  static const GEnumValue values[] = {
      {LSTM_PRECISION_FLOAT32, "Four bytes a weight, not rounded further", "float32"},
      {LSTM_PRECISION_BFLOAT16, "Two bytes a weight, 8 significant bits", "bfloat16"},
      {LSTM_PRECISION_INT8, "One byte a weight, integers with a scale", "int8"},
      {0, NULL, NULL},
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstLstmPrecision", values));
  return type;
}

#define READY (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY)
#define PLAYING (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING)

static GParamSpec *
model_location_spec (void)
{
  return g_param_spec_string ("model-location", "Model location",
      "The model's file (safetensors, Keras, ONNX); opened when the element goes to PAUSED",
      NULL, READY);
}

static GParamSpec *
model_spec (void)
{
  return g_param_spec_boxed ("model", "Model",
      "A model that the application has loaded; comes before model-location", LSTM_TYPE_MODEL,
      READY);
}

static GParamSpec *
precision_spec (void)
{
  return g_param_spec_enum ("precision", "Precision",
      "What the weights of model-location are rounded to; a given model has its own",
      precision_get_type (), LSTM_PRECISION_FLOAT32, READY);
}

static GParamSpec *
module_chain_spec (void)
{
  return g_param_spec_string ("module-chain", "Module chain",
      "The chain of the modules where model-location is a state dict of PyTorch with more than "
      "an LSTM, as in: lstm last relu, fc",
      NULL, READY);
}

static GParamSpec *
output_mode_spec (void)
{
  return g_param_spec_enum ("output-mode", "Output mode",
      "Whether every step gives an output, only the last one of a sequence, or every window",
      output_mode_get_type (), GST_LSTM_OUTPUT_SEQUENCE, READY);
}

static GParamSpec *
emit_spec (void)
{
  return g_param_spec_flags ("emit", "Emit",
      "What a buffer holds, one tensor each in this order", emit_get_type (),
      GST_LSTM_EMIT_OUTPUT, READY);
}

static GParamSpec *
emit_layer_spec (void)
{
  return g_param_spec_int ("emit-layer", "Emit layer",
      "The LSTM layer whose hidden, cell and gates are emitted, from 0 at the input; -1: the "
      "last",
      -1, G_MAXINT, -1, READY);
}

static GParamSpec *
input_tensor_index_spec (void)
{
  return g_param_spec_int ("input-tensor-index", "Input tensor index",
      "The tensor whose vectors are the steps where a buffer has several, from 0; -1: there is "
      "one",
      -1, GST_LSTM_MAX_TENSORS - 1, -1, READY);
}

static GParamSpec *
window_length_spec (void)
{
  return g_param_spec_uint ("window-length", "Window length",
      "Steps of a window, in output-mode window", 1, G_MAXINT, 30, READY);
}

static GParamSpec *
window_hop_spec (void)
{
  return g_param_spec_uint ("window-hop", "Window hop",
      "Steps from one window's output to the next one's, in output-mode window", 1, G_MAXINT, 1,
      READY);
}

static GParamSpec *
max_steps_spec (void)
{
  return g_param_spec_uint ("max-steps", "Most steps",
      "Steps that a sequence may have where the model needs all of them before its first "
      "output",
      1, G_MAXINT, 10000, READY);
}

static GParamSpec *
state_location_spec (void)
{
  return g_param_spec_string ("state-location", "State location",
      "A file that keeps h and c beyond the process: read when the element goes to PAUSED, "
      "written at EOS and when it goes to READY",
      NULL, READY);
}

static GParamSpec *
stateful_spec (void)
{
  return g_param_spec_boolean ("stateful", "Stateful",
      "Keep h and c at the end of a sequence; a flush and READY zero them all the same", FALSE,
      PLAYING);
}

static GParamSpec *
reset_on_spec (void)
{
  return g_param_spec_flags ("reset-on", "Reset on",
      "Events that reset h and c besides a new stream, segment and flush", reset_on_get_type (),
      0, PLAYING);
}

static GParamSpec *
gap_policy_spec (void)
{
  return g_param_spec_enum ("gap-policy", "Gap policy", "What a GAP event does to h and c",
      gap_policy_get_type (), GST_LSTM_GAP_HOLD, PLAYING);
}

static GParamSpec *
max_errors_spec (void)
{
  return g_param_spec_int ("max-errors", "Most errors",
      "Bad buffers that are tolerated: each is dropped with a warning and counts one, each "
      "good "
      "buffer takes one off; -1: any number",
      -1, G_MAXINT, 0, PLAYING);
}

static GParamSpec *
state_interval_spec (void)
{
  return g_param_spec_uint64 ("state-interval", "State interval",
      "Running time in ns after which state-location is written again; 0: at the end only", 0,
      G_MAXUINT64, 0, PLAYING);
}

#if HAVE_ANALYTICS
static GParamSpec *
input_tensor_id_spec (void)
{
  return g_param_spec_string ("input-tensor-id", "Input tensor id",
      "The tensor of a buffer's GstTensorMeta whose vectors are the steps, whatever the media; "
      "none: "
      "the only one of as many values as the model takes, of raw video",
      NULL, READY);
}

static GParamSpec *
output_tensor_id_spec (void)
{
  return g_param_spec_string ("output-tensor-id", "Output tensor id",
      "The id of the output in the GstTensorMeta that media get; of hidden, cell and gates the "
      "same with -hidden, -cell and -gates behind it",
      GST_LSTM_TENSOR_ID, READY);
}
#endif

#define MEMBER(name) G_STRUCT_OFFSET (GstLstmSettings, name)

static const struct {
  GParamSpec *(*spec) (void);
  gsize offset; /* of the value in GstLstmSettings */
} rows[] = {
    {model_location_spec, MEMBER (model_location)},
    {model_spec, MEMBER (model)},
    {precision_spec, MEMBER (precision)},
    {module_chain_spec, MEMBER (module_chain)},
    {output_mode_spec, MEMBER (output_mode)},
    {emit_spec, MEMBER (emit)},
    {emit_layer_spec, MEMBER (emit_layer)},
    {input_tensor_index_spec, MEMBER (input_tensor_index)},
#if HAVE_ANALYTICS
    {input_tensor_id_spec, MEMBER (input_tensor_id)},
    {output_tensor_id_spec, MEMBER (output_tensor_id)},
#endif
    {stateful_spec, MEMBER (stateful)},
    {reset_on_spec, MEMBER (reset_on)},
    {gap_policy_spec, MEMBER (gap_policy)},
    {max_errors_spec, MEMBER (max_errors)},
    {window_length_spec, MEMBER (window_length)},
    {window_hop_spec, MEMBER (window_hop)},
    {max_steps_spec, MEMBER (max_steps)},
    {state_location_spec, MEMBER (state_location)},
    {state_interval_spec, MEMBER (state_interval)},
};

static GParamSpec *specs[G_N_ELEMENTS (rows)];

guint
gst_lstm_settings_install (GObjectClass *klass, guint first)
{
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    specs[i] = rows[i].spec ();
    g_object_class_install_property (klass, first + i, specs[i]);
  }
  gst_type_mark_as_plugin_api (output_mode_get_type (), 0);
  gst_type_mark_as_plugin_api (emit_get_type (), 0);
  gst_type_mark_as_plugin_api (reset_on_get_type (), 0);
  gst_type_mark_as_plugin_api (gap_policy_get_type (), 0);
  gst_type_mark_as_plugin_api (precision_get_type (), 0);
  return first + G_N_ELEMENTS (rows);
}

void
gst_lstm_settings_init (GstLstmSettings *settings)
{
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    gst_lstm_settings_set (settings, i, g_param_spec_get_default_value (specs[i]));
}

void
gst_lstm_settings_clear (GstLstmSettings *settings)
{
  g_free (settings->model_location);
  g_free (settings->module_chain);
  g_free (settings->state_location);
  g_free (settings->input_tensor_id);
  g_free (settings->output_tensor_id);
  g_clear_pointer (&settings->model, lstm_model_unref);
}

void
gst_lstm_settings_set (GstLstmSettings *settings, guint index, const GValue *value)
{
  gpointer member = (guint8 *) settings + rows[index].offset;

  switch (G_TYPE_FUNDAMENTAL (G_VALUE_TYPE (value))) {
  case G_TYPE_STRING:
    g_free (*(gchar **) member);
    *(gchar **) member = g_value_dup_string (value);
    break;
  case G_TYPE_BOXED:
    g_clear_pointer ((LstmModel **) member, lstm_model_unref);
    *(LstmModel **) member = g_value_dup_boxed (value);
    break;
  case G_TYPE_BOOLEAN:
    *(gboolean *) member = g_value_get_boolean (value);
    break;
  case G_TYPE_INT:
    *(gint *) member = g_value_get_int (value);
    break;
  case G_TYPE_UINT:
    *(guint *) member = g_value_get_uint (value);
    break;
  case G_TYPE_UINT64:
    *(guint64 *) member = g_value_get_uint64 (value);
    break;
  case G_TYPE_ENUM:
    *(gint *) member = g_value_get_enum (value);
    break;
  case G_TYPE_FLAGS:
    *(guint *) member = g_value_get_flags (value);
    break;
  default:
    g_assert_not_reached ();
  }
}

void
gst_lstm_settings_get (const GstLstmSettings *settings, guint index, GValue *value)
{
  gconstpointer member = (const guint8 *) settings + rows[index].offset;

  switch (G_TYPE_FUNDAMENTAL (G_VALUE_TYPE (value))) {
  case G_TYPE_STRING:
    g_value_set_string (value, *(gchar *const *) member);
    break;
  case G_TYPE_BOXED:
    g_value_set_boxed (value, *(LstmModel *const *) member);
    break;
  case G_TYPE_BOOLEAN:
    g_value_set_boolean (value, *(const gboolean *) member);
    break;
  case G_TYPE_INT:
    g_value_set_int (value, *(const gint *) member);
    break;
  case G_TYPE_UINT:
    g_value_set_uint (value, *(const guint *) member);
    break;
  case G_TYPE_UINT64:
    g_value_set_uint64 (value, *(const guint64 *) member);
    break;
  case G_TYPE_ENUM:
    g_value_set_enum (value, *(const gint *) member);
    break;
  case G_TYPE_FLAGS:
    g_value_set_flags (value, *(const guint *) member);
    break;
  default:
    g_assert_not_reached ();
  }
}
