/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-lstm
 * @title: lstm
 * @short_description: runs a recurrent network and keeps h and c between buffers
 *
 * Each step of the incoming feature vectors (`other/tensors`, float32, dimensions `d:T:bs`)
 * advances the model; hidden and cell state stay from buffer to buffer. Either every step's
 * output goes out, or only the last one of a segment (#GstLstm:output-mode).
 *
 * The state begins at zero with each stream, segment and flush; #GstLstm:stateful keeps it
 * across segments. A step that has arrived is never skipped.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 npysrc location=x.npy ! lstm model-location=m.safetensors ! npysink location=y.npy
 * ]|
 */
#include "elements.h"
#include "errors.h"
#include "sequence.h"
#include <gst/base/gstbasetransform.h>

GST_DEBUG_CATEGORY_STATIC (gst_lstm_debug);
#define GST_CAT_DEFAULT gst_lstm_debug

typedef enum {
  GST_LSTM_OUTPUT_SEQUENCE,
  GST_LSTM_OUTPUT_FINAL,
} GstLstmOutputMode;

/* Which tensors a buffer holds: bits of their kinds */
typedef enum {
  GST_LSTM_EMIT_OUTPUT = 1 << GST_LSTM_TENSOR_OUTPUT,
  GST_LSTM_EMIT_HIDDEN = 1 << GST_LSTM_TENSOR_HIDDEN,
  GST_LSTM_EMIT_CELL = 1 << GST_LSTM_TENSOR_CELL,
} GstLstmEmit;

#define DEFAULT_OUTPUT_MODE GST_LSTM_OUTPUT_SEQUENCE
#define DEFAULT_EMIT GST_LSTM_EMIT_OUTPUT
#define DEFAULT_STATEFUL FALSE
#define DEFAULT_PRECISION LSTM_PRECISION_FLOAT32

typedef struct {
  GstBaseTransform parent;

  /* properties, under the object lock */
  gchar *model_location;
  LstmModel *given_model;
  LstmPrecision precision;
  GstLstmOutputMode output_mode;
  GstLstmEmit emit;
  gboolean stateful;

  gint reset_wanted; /* atomic: set by the signal from any thread */

  GstCaps *refused;         /* caps whose error is posted */
  GstLstmSequence sequence; /* streaming thread only; with a model from start() to stop().
                             * start() and stop() hold the object lock for caps queries. */
} GstLstm;

typedef struct {
  GstBaseTransformClass parent;
  void (*reset) (GstLstm *self);
} GstLstmClass;

enum {
  PROP_0,
  PROP_MODEL_LOCATION,
  PROP_MODEL,
  PROP_PRECISION,
  PROP_OUTPUT_MODE,
  PROP_EMIT,
  PROP_STATEFUL
};

#define GST_TYPE_LSTM (gst_lstm_get_type ())
GType gst_lstm_get_type (void);
G_DEFINE_TYPE (GstLstm, gst_lstm, GST_TYPE_BASE_TRANSFORM)
#define GST_LSTM(object) (G_TYPE_CHECK_INSTANCE_CAST ((object), GST_TYPE_LSTM, GstLstm))
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (lstm, "lstm", GST_RANK_NONE, GST_TYPE_LSTM,
    GST_DEBUG_CATEGORY_INIT (gst_lstm_debug, "lstm", 0, "recurrent network"))

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_LSTM_TENSOR_CAPS));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_LSTM_TENSORS_CAPS));

static GType
gst_lstm_output_mode_get_type (void)
{
  static gsize type;
  static const GEnumValue values[] = {
      {GST_LSTM_OUTPUT_SEQUENCE, "Every step gives an output", "sequence"},
      {GST_LSTM_OUTPUT_FINAL, "The last step of a segment gives the only output", "final"},
      {0, NULL, NULL},
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstLstmOutputMode", values));
  return type;
}

static GType
gst_lstm_emit_get_type (void)
{
  static gsize type;
  static const GFlagsValue values[] = {
      {GST_LSTM_EMIT_OUTPUT, "What the last layer gives", "output"},
      {GST_LSTM_EMIT_HIDDEN, "Hidden state h of the last LSTM layer", "hidden"},
      {GST_LSTM_EMIT_CELL, "Cell state c of the last LSTM layer", "cell"},
      {0, NULL, NULL},
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_flags_register_static ("GstLstmEmit", values));
  return type;
}

/* --- Caps --- */

/* Reads the shape from a structure whose framerate may still be open. */
static gboolean
parse_structure (const GstStructure *s, GstLstmTensors *tensors)
{
  g_autoptr (GstCaps) caps = gst_caps_new_full (gst_structure_copy (s), NULL);

  gst_caps_set_simple (caps, "framerate", GST_TYPE_FRACTION, 0, 1, NULL);
  return gst_lstm_tensors_from_caps (tensors, caps, NULL);
}

/* Any thread may ask, also while the element stops. */
static GstCaps *
source_caps (GstLstm *self, const GstStructure *sink)
{
  GstLstmTensors in, out;
  gboolean known = parse_structure (sink, &in);

  GST_OBJECT_LOCK (self);
  known = known && self->sequence.model;
  if (known)
    gst_lstm_sequence_describe (&self->sequence, &in, &out);
  GST_OBJECT_UNLOCK (self);
  return known ? gst_lstm_tensors_to_caps (&out)
               : gst_static_pad_template_get_caps (&src_template);
}

/* Only the framerate passes both ways. A wrong d is let through, for set_caps() to name it. */
static GstCaps *
gst_lstm_transform_caps (
    GstBaseTransform *trans, GstPadDirection direction, GstCaps *caps, GstCaps *filter)
{
  GstLstm *self = GST_LSTM (trans);
  GstCaps *result = gst_caps_new_empty ();

  for (guint i = 0; i < gst_caps_get_size (caps); i++) {
    const GstStructure *s = gst_caps_get_structure (caps, i);
    const GValue *framerate = gst_structure_get_value (s, "framerate");
    GstCaps *other = direction == GST_PAD_SINK
                         ? source_caps (self, s)
                         : gst_static_pad_template_get_caps (&sink_template);

    other = gst_caps_make_writable (other);
    if (framerate)
      gst_caps_set_value (other, "framerate", framerate);
    result = gst_caps_merge (result, other);
  }
  return gst_lstm_caps_filter (result, filter);
}

/* --- Steps --- */

/* The signal came from another thread, perhaps amid a buffer: it counts before the next one. */
static void
honour_reset (GstLstm *self)
{
  if (g_atomic_int_compare_and_exchange (&self->reset_wanted, TRUE, FALSE)) {
    GST_DEBUG_OBJECT (self, "reset");
    gst_lstm_sequence_forget (&self->sequence);
  }
}

/* A buffer for what leaves, one memory a tensor. */
static GstBuffer *
allocate_output (GstLstm *self)
{
  const GstLstmTensors *out = &self->sequence.out;
  GstBuffer *buffer = gst_buffer_new ();
  GstAllocator *allocator;
  GstAllocationParams params;

  gst_base_transform_get_allocator (GST_BASE_TRANSFORM (self), &allocator, &params);
  for (guint i = 0; i < out->n_tensors; i++)
    gst_buffer_append_memory (
        buffer, gst_allocator_alloc (allocator, gst_lstm_tensors_bytes (out, i), &params));
  if (allocator)
    gst_object_unref (allocator);
  return buffer;
}

/* Pushes the final vector of the sequence, if it had a step. */
static void
push_final (GstLstm *self)
{
  GstBuffer *buffer;
  GstFlowReturn ret;

  if (!self->sequence.pending)
    return;
  buffer = allocate_output (self);
  if (!gst_lstm_sequence_take_final (&self->sequence, buffer)) {
    gst_buffer_unref (buffer);
    GST_ELEMENT_ERROR (self, RESOURCE, WRITE, ("The output buffer cannot be mapped."), (NULL));
    return;
  }
  ret = gst_pad_push (GST_BASE_TRANSFORM_SRC_PAD (self), buffer);
  GST_DEBUG_OBJECT (self, "pushed the final vector: %s", gst_flow_get_name (ret));
}

/* The sequence is over: its last word, and a new beginning unless it shall go on. */
static void
end_sequence (GstLstm *self)
{
  gboolean stateful;

  honour_reset (self);
  push_final (self);
  GST_OBJECT_LOCK (self);
  stateful = self->stateful;
  GST_OBJECT_UNLOCK (self);
  if (!stateful)
    gst_lstm_sequence_forget (&self->sequence);
}

/* In final mode nothing leaves before the end: a GAP lets sinks preroll meanwhile. */
static void
push_gap (GstLstm *self, GstBuffer *inbuf)
{
  if (GST_BUFFER_PTS_IS_VALID (inbuf))
    gst_pad_push_event (GST_BASE_TRANSFORM_SRC_PAD (self),
        gst_event_new_gap (GST_BUFFER_PTS (inbuf), GST_BUFFER_DURATION (inbuf)));
}

/* Runs the steps of @inbuf; *outbuf stays NULL in final mode. */
static GstFlowReturn
process (GstLstm *self, GstBuffer *inbuf, GstBuffer **outbuf)
{
  GstBaseTransform *trans = GST_BASE_TRANSFORM (self);
  g_autoptr (GstBuffer) buffer = NULL;
  g_autoptr (GError) error = NULL;

  if (!self->sequence.state)
    return GST_FLOW_NOT_NEGOTIATED;
  if (!gst_lstm_tensors_check_buffer (&self->sequence.in, inbuf, &error)) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT, ("%s", error->message), (NULL));
    return GST_FLOW_ERROR;
  }
  honour_reset (self);
  if (!self->sequence.final_only)
    buffer = allocate_output (self);
  if (!gst_lstm_sequence_run (&self->sequence, inbuf, buffer)) {
    GST_ELEMENT_ERROR (self, RESOURCE, FAILED, ("A buffer cannot be mapped."), (NULL));
    return GST_FLOW_ERROR;
  }
  if (buffer)
    GST_BASE_TRANSFORM_GET_CLASS (self)->copy_metadata (trans, inbuf, buffer);
  else
    push_gap (self, inbuf);
  *outbuf = g_steal_pointer (&buffer);
  return GST_FLOW_OK;
}

static GstFlowReturn
gst_lstm_generate_output (GstBaseTransform *trans, GstBuffer **outbuf)
{
  GstBuffer *inbuf = g_steal_pointer (&trans->queued_buf);
  GstFlowReturn ret = GST_FLOW_OK;

  *outbuf = NULL;
  if (inbuf) {
    ret = process (GST_LSTM (trans), inbuf, outbuf);
    gst_buffer_unref (inbuf);
  }
  return ret;
}

/* --- Caps and events --- */

/* FALSE, naming the field, unless the model can run what comes in. */
static gboolean
check_caps (const GstLstm *self, GstCaps *incaps, GstCaps *outcaps, GstLstmTensors *in,
    GstLstmTensors *out, GError **error)
{
  const gsize d = lstm_model_get_input_size (self->sequence.model);

  if (!gst_lstm_tensors_from_caps (in, incaps, error)
      || !gst_lstm_tensors_from_caps (out, outcaps, error))
    return FALSE;
  return in->size[0] == d
         || gst_lstm_fail (error, GST_LSTM_STREAM (FORMAT),
             "caps field dimensions: expected vectors of %" G_GSIZE_FORMAT
             " values, which the model takes, got %u",
             d, in->size[0]);
}

/* The same d and bs keep the state, whatever T and framerate become. */
static gboolean
gst_lstm_set_caps (GstBaseTransform *trans, GstCaps *incaps, GstCaps *outcaps)
{
  GstLstm *self = GST_LSTM (trans);
  g_autoptr (GError) error = NULL;
  GstLstmTensors in, out;

  honour_reset (self);
  if (check_caps (self, incaps, outcaps, &in, &out, &error)) {
    if (in.streams != self->sequence.in.streams)
      push_final (self);
    if (gst_lstm_sequence_configure (&self->sequence, &in, &out, &error)) {
      gst_caps_replace (&self->refused, NULL);
      return TRUE;
    }
  }
  push_final (self); /* the sequence before is good */
  gst_lstm_refuse_caps (self, &self->refused, incaps, error);
  return FALSE;
}

static gboolean
gst_lstm_sink_event (GstBaseTransform *trans, GstEvent *event)
{
  GstLstm *self = GST_LSTM (trans);

  switch (GST_EVENT_TYPE (event)) {
  case GST_EVENT_STREAM_START:
  case GST_EVENT_SEGMENT:
  case GST_EVENT_SEGMENT_DONE:
  case GST_EVENT_EOS:
    end_sequence (self);
    break;
  case GST_EVENT_FLUSH_STOP:
    gst_lstm_sequence_forget (&self->sequence);
    break;
  default:
    break;
  }
  return GST_BASE_TRANSFORM_CLASS (gst_lstm_parent_class)->sink_event (trans, event);
}

/* --- Life --- */

/* Returns: (transfer full): the model that the properties ask for */
static LstmModel *
open_model (GstLstm *self, GError **error)
{
  g_autofree gchar *path = NULL;
  LstmModel *model = NULL;
  LstmPrecision precision;

  GST_OBJECT_LOCK (self);
  if (self->given_model)
    model = lstm_model_ref (self->given_model);
  path = g_strdup (self->model_location);
  precision = self->precision;
  GST_OBJECT_UNLOCK (self);
  if (!model && !path)
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_FILE,
        "property model-location: expected a path, found none");
  return model || !path ? model : lstm_model_load_full (path, precision, error);
}

static gboolean
gst_lstm_start (GstBaseTransform *trans)
{
  GstLstm *self = GST_LSTM (trans);
  g_autoptr (GError) error = NULL;
  LstmModel *model = open_model (self, &error);
  gboolean ok;

  if (!model) {
    GST_ELEMENT_ERROR (self, RESOURCE, OPEN_READ, ("%s", error->message), (NULL));
    return FALSE;
  }
  g_atomic_int_set (&self->reset_wanted, FALSE);
  GST_OBJECT_LOCK (self);
  ok = gst_lstm_sequence_start (
      &self->sequence, model, self->emit, self->output_mode == GST_LSTM_OUTPUT_FINAL, &error);
  if (!ok)
    gst_lstm_sequence_stop (&self->sequence);
  GST_OBJECT_UNLOCK (self);
  if (!ok) {
    GST_ELEMENT_ERROR (self, LIBRARY, SETTINGS, ("%s", error->message), (NULL));
    return FALSE;
  }
  GST_INFO_OBJECT (self,
      "d %" G_GSIZE_FORMAT ", output %" G_GSIZE_FORMAT ", %u LSTM layers, %s",
      lstm_model_get_input_size (model), lstm_model_get_output_size (model),
      lstm_model_get_n_lstm_layers (model), lstm_model_get_isa (model));
  return TRUE;
}

static gboolean
gst_lstm_stop (GstBaseTransform *trans)
{
  GstLstm *self = GST_LSTM (trans);

  GST_OBJECT_LOCK (self);
  gst_lstm_sequence_stop (&self->sequence);
  GST_OBJECT_UNLOCK (self);
  gst_caps_replace (&self->refused, NULL);
  return TRUE;
}

static void
gst_lstm_reset (GstLstm *self)
{
  g_atomic_int_set (&self->reset_wanted, TRUE);
}

static void
gst_lstm_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstLstm *self = GST_LSTM (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
  case PROP_MODEL_LOCATION:
    g_free (self->model_location);
    self->model_location = g_value_dup_string (value);
    break;
  case PROP_MODEL:
    g_clear_pointer (&self->given_model, lstm_model_unref);
    self->given_model = g_value_dup_boxed (value);
    break;
  case PROP_PRECISION:
    self->precision = g_value_get_enum (value);
    break;
  case PROP_OUTPUT_MODE:
    self->output_mode = g_value_get_enum (value);
    break;
  case PROP_EMIT:
    self->emit = g_value_get_flags (value);
    break;
  case PROP_STATEFUL:
    self->stateful = g_value_get_boolean (value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_lstm_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstLstm *self = GST_LSTM (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
  case PROP_MODEL_LOCATION:
    g_value_set_string (value, self->model_location);
    break;
  case PROP_MODEL:
    g_value_set_boxed (value, self->given_model);
    break;
  case PROP_PRECISION:
    g_value_set_enum (value, self->precision);
    break;
  case PROP_OUTPUT_MODE:
    g_value_set_enum (value, self->output_mode);
    break;
  case PROP_EMIT:
    g_value_set_flags (value, self->emit);
    break;
  case PROP_STATEFUL:
    g_value_set_boolean (value, self->stateful);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_lstm_finalize (GObject *object)
{
  GstLstm *self = GST_LSTM (object);

  g_free (self->model_location);
  g_clear_pointer (&self->given_model, lstm_model_unref);
  G_OBJECT_CLASS (gst_lstm_parent_class)->finalize (object);
}

static void
gst_lstm_init (GstLstm *self)
{
  /* The base class would pass buffers through an element without transform(). */
  gst_base_transform_set_passthrough (GST_BASE_TRANSFORM (self), FALSE);
  self->precision = DEFAULT_PRECISION;
  self->output_mode = DEFAULT_OUTPUT_MODE;
  self->emit = DEFAULT_EMIT;
  self->stateful = DEFAULT_STATEFUL;
}

static void
install_properties (GObjectClass *klass)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;

  g_object_class_install_property (klass, PROP_MODEL_LOCATION,
      g_param_spec_string ("model-location", "Model location",
          "The model's file (safetensors, Keras, ONNX); opened when the element goes to PAUSED",
          NULL, flags | GST_PARAM_MUTABLE_READY));
  g_object_class_install_property (klass, PROP_MODEL,
      g_param_spec_boxed ("model", "Model",
          "A model that the application has loaded; comes before model-location",
          LSTM_TYPE_MODEL, flags | GST_PARAM_MUTABLE_READY));
  g_object_class_install_property (klass, PROP_PRECISION,
      g_param_spec_enum ("precision", "Precision",
          "What the weights of model-location are rounded to; a given model has its own",
          LSTM_TYPE_PRECISION, DEFAULT_PRECISION, flags | GST_PARAM_MUTABLE_READY));
  g_object_class_install_property (klass, PROP_OUTPUT_MODE,
      g_param_spec_enum ("output-mode", "Output mode",
          "Whether every step gives an output or only the last one of a segment",
          gst_lstm_output_mode_get_type (), DEFAULT_OUTPUT_MODE,
          flags | GST_PARAM_MUTABLE_READY));
  g_object_class_install_property (klass, PROP_EMIT,
      g_param_spec_flags ("emit", "Emit", "What a buffer holds, one tensor each in this order",
          gst_lstm_emit_get_type (), DEFAULT_EMIT, flags | GST_PARAM_MUTABLE_READY));
  g_object_class_install_property (klass, PROP_STATEFUL,
      g_param_spec_boolean ("stateful", "Stateful",
          "Keep h and c at the end of a segment; a flush and READY zero them all the same",
          DEFAULT_STATEFUL, flags | GST_PARAM_MUTABLE_PLAYING));
}

static void
gst_lstm_class_init (GstLstmClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *trans_class = GST_BASE_TRANSFORM_CLASS (klass);

  object_class->set_property = gst_lstm_set_property;
  object_class->get_property = gst_lstm_get_property;
  object_class->finalize = gst_lstm_finalize;
  install_properties (object_class);

  /**
   * GstLstm::reset:
   *
   * Zeroes h and c of every stream and drops a final vector that is pending, before the next
   * buffer or event. May be emitted from any thread.
   */
  klass->reset = gst_lstm_reset;
  g_signal_new ("reset", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION,
      G_STRUCT_OFFSET (GstLstmClass, reset), NULL, NULL, NULL, G_TYPE_NONE, 0);

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "LSTM", "Filter/Analyzer",
      "Runs a recurrent network over feature vectors and keeps h and c between buffers",
      "gst-lstm developers");
  gst_type_mark_as_plugin_api (gst_lstm_output_mode_get_type (), 0);
  gst_type_mark_as_plugin_api (gst_lstm_emit_get_type (), 0);
  gst_type_mark_as_plugin_api (LSTM_TYPE_PRECISION, 0);

  trans_class->start = gst_lstm_start;
  trans_class->stop = gst_lstm_stop;
  trans_class->transform_caps = gst_lstm_transform_caps;
  trans_class->set_caps = gst_lstm_set_caps;
  trans_class->sink_event = gst_lstm_sink_event;
  trans_class->generate_output = gst_lstm_generate_output;
}
