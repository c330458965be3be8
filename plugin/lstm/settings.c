/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/settings.h"
#include "common/properties.h"
#include "common/tensors.h"

G_DEFINE_ENUM_TYPE (GstLstmOutputMode, gst_lstm_output_mode,
    GST_LSTM_ENUM_VALUE (GST_LSTM_OUTPUT_SEQUENCE, "sequence", "Every step has an output"),
    GST_LSTM_ENUM_VALUE (
        GST_LSTM_OUTPUT_FINAL, "final", "Only the last step of a sequence has an output"),
    GST_LSTM_ENUM_VALUE (GST_LSTM_OUTPUT_WINDOW, "window",
        "Every window-hop steps, the last window-length steps have an output"))

G_DEFINE_FLAGS_TYPE (GstLstmEmit, gst_lstm_emit,
    GST_LSTM_ENUM_VALUE (GST_LSTM_EMIT_OUTPUT, "output", "Output of the last layer"),
    GST_LSTM_ENUM_VALUE (GST_LSTM_EMIT_HIDDEN, "hidden", "Hidden state h of a recurrent layer"),
    GST_LSTM_ENUM_VALUE (GST_LSTM_EMIT_CELL, "cell", "Cell state c of an LSTM layer"),
    GST_LSTM_ENUM_VALUE (GST_LSTM_EMIT_GATES, "gates", "Gates i, f, g and o of an LSTM layer, or z, r and n of a GRU layer"))

G_DEFINE_FLAGS_TYPE (GstLstmResetOn, gst_lstm_reset_on,
    GST_LSTM_ENUM_VALUE (
        GST_LSTM_RESET_ON_DISCONT, "discont", "A buffer that is marked DISCONT"),
    GST_LSTM_ENUM_VALUE (GST_LSTM_RESET_ON_GAP, "gap", "A GAP event or an empty buffer"),
    GST_LSTM_ENUM_VALUE (
        GST_LSTM_RESET_ON_NAN, "nan", "A step after which h or c is NaN or infinite"))

G_DEFINE_ENUM_TYPE (GstLstmGapPolicy, gst_lstm_gap_policy,
    GST_LSTM_ENUM_VALUE (GST_LSTM_GAP_HOLD, "hold", "h and c stay unchanged"),
    GST_LSTM_ENUM_VALUE (
        GST_LSTM_GAP_ZERO_STEP, "zero-step", "Steps of zeros fill the duration of the gap"))

G_DEFINE_ENUM_TYPE (GstLstmAxes, gst_lstm_axes,
    GST_LSTM_ENUM_VALUE (GST_LSTM_AXES_AUTO, "auto",
        "Steps as [T, d], with a warning if further dimensions could be streams"),
    GST_LSTM_ENUM_VALUE (GST_LSTM_AXES_STEPS, "steps", "Steps of one stream: [T, d]"),
    GST_LSTM_ENUM_VALUE (GST_LSTM_AXES_STREAMS, "streams", "One step of each stream: [bs, d]"),
    GST_LSTM_ENUM_VALUE (
        GST_LSTM_AXES_STEPS_STREAMS, "steps-streams", "Steps of several streams, steps outermost: [T, bs, d]"),
    GST_LSTM_ENUM_VALUE (
        GST_LSTM_AXES_STREAMS_STEPS, "streams-steps", "Steps of several streams, streams outermost: [bs, T, d]"))

G_DEFINE_ENUM_TYPE (GstLstmObjectFeatures, gst_lstm_object_features,
    GST_LSTM_ENUM_VALUE (GST_LSTM_OBJECT_FEATURES_TENSOR, "tensor",
        "A tensor that is related to the object, or a row of a tensor of the frame"),
    GST_LSTM_ENUM_VALUE (GST_LSTM_OBJECT_FEATURES_BOX, "box",
        "The box of the object, and its change since the object's last frame"))

/* The registered names of LstmPrecision in liblstm are its C identifiers, so the property has a
 * type of its own. */
G_DEFINE_ENUM_TYPE (GstLstmPrecision, gst_lstm_precision,
    GST_LSTM_ENUM_VALUE (
        LSTM_PRECISION_FLOAT32, "float32", "Four bytes per weight, no further rounding"),
    GST_LSTM_ENUM_VALUE (
        LSTM_PRECISION_BFLOAT16, "bfloat16", "Two bytes per weight, 8 significant bits"),
    GST_LSTM_ENUM_VALUE (
        LSTM_PRECISION_INT8, "int8", "One byte per weight, integers with a scale"))

#define READY GST_LSTM_PARAM_READY
#define PLAYING GST_LSTM_PARAM_PLAYING
#define MEMBER(name) G_STRUCT_OFFSET (GstLstmSettings, name)

static guint
install_model_properties (GObjectClass *klass, gsize settings)
{
  const GstLstmProperty properties[] = {
      {g_param_spec_string ("model-location", "Model location",
           "File of the model (safetensors, Keras, ONNX, PyTorch, RTNeural, NAM), opened when the element goes to "
           "PAUSED, and at once if the element runs",
           NULL, PLAYING),
          MEMBER (model_location)},
      {g_param_spec_boxed ("model", "Model",
           "Model that the application has loaded; takes precedence over model-location",
           LSTM_TYPE_MODEL, PLAYING),
          MEMBER (model)},
      {g_param_spec_enum ("precision", "Precision",
           "Number format to which the weights of model-location are rounded; ignored if model "
           "is set",
           gst_lstm_precision_get_type (), LSTM_PRECISION_FLOAT32, READY),
          MEMBER (precision)},
      {g_param_spec_string ("module-chain", "Module chain",
           "Order of the modules if model-location is a PyTorch file that does not show it, as "
           "in: lstm last relu, fc",
           NULL, READY),
          MEMBER (module_chain)},
      {g_param_spec_uint ("threads", "Threads",
           "Number of threads that compute the steps; every number has the same output", 1,
           LSTM_MAX_THREADS, 1, READY),
          MEMBER (threads)},
  };

  return gst_lstm_properties_install (klass, settings, properties, G_N_ELEMENTS (properties));
}

static guint
install_tensor_properties (GObjectClass *klass, gsize settings)
{
  const GstLstmProperty properties[] = {
    {g_param_spec_enum ("output-mode", "Output mode",
         "Steps that have an output: every step, the last step of a sequence, or the last step "
         "of each window",
         gst_lstm_output_mode_get_type (), GST_LSTM_OUTPUT_SEQUENCE, READY),
        MEMBER (output_mode)},
    {g_param_spec_flags ("emit", "Emit", "Tensors of an output buffer, in this order",
         gst_lstm_emit_get_type (), GST_LSTM_EMIT_OUTPUT, READY),
        MEMBER (emit)},
    {g_param_spec_int ("emit-layer", "Emit layer",
         "Recurrent layer whose hidden state, cell state and gates are emitted, counted from 0 "
         "at the input; -1: the last recurrent layer",
         -1, G_MAXINT, -1, READY),
        MEMBER (emit_layer)},
    {g_param_spec_int ("input-tensor-index", "Input tensor index",
         "Index from 0 of the tensor whose vectors are the steps, if a buffer has several "
         "tensors; -1: a buffer has one tensor",
         -1, GST_LSTM_MAX_TENSORS - 1, -1, READY),
        MEMBER (input_tensor_index)},
#if HAVE_ANALYTICS
    {g_param_spec_string ("input-tensor-id", "Input tensor id",
         "Id of the tensor in a buffer's GstTensorMeta whose vectors are the steps, for any "
         "media; none: the only tensor of raw video that has as many values as the model's "
         "input",
         NULL, READY),
        MEMBER (input_tensor_id)},
    {g_param_spec_string ("output-tensor-id", "Output tensor id",
         "Id of the output in the GstTensorMeta of media; the ids of hidden, cell and gates "
         "append -hidden, -cell and -gates",
         GST_LSTM_TENSOR_ID, READY),
        MEMBER (output_tensor_id)},
    {g_param_spec_enum ("axes", "Axes",
         "Dimensions of a tensor of media that are steps and streams, before the vectors of d "
         "values",
         gst_lstm_axes_get_type (), GST_LSTM_AXES_AUTO, READY),
        MEMBER (axes)},
#endif
  };

  return gst_lstm_properties_install (klass, settings, properties, G_N_ELEMENTS (properties));
}

static guint
install_stream_properties (GObjectClass *klass, gsize settings)
{
  const GstLstmProperty properties[] = {
      {gst_param_spec_array ("parameters", "Parameters",
           "Last inputs of the model, which are the same for all audio frames of a buffer, "
           "such "
           "as the knobs of an amplifier: <0.5,0.25>",
           NULL, PLAYING),
          MEMBER (parameters)},
      {g_param_spec_boolean ("stateful", "Stateful",
           "Keep h and c at the end of a sequence; a flush and READY still reset both", FALSE,
           PLAYING),
          MEMBER (stateful)},
      {g_param_spec_flags ("reset-on", "Reset on",
           "Events that reset h and c in addition to a new stream, a new segment and a flush",
           gst_lstm_reset_on_get_type (), 0, PLAYING),
          MEMBER (reset_on)},
      {g_param_spec_enum ("gap-policy", "Gap policy", "Effect of a GAP event on h and c",
           gst_lstm_gap_policy_get_type (), GST_LSTM_GAP_HOLD, PLAYING),
          MEMBER (gap_policy)},
      {g_param_spec_int ("max-errors", "Maximum errors",
           "Maximum count of bad buffers: each bad buffer is dropped with a warning and adds "
           "one, each good buffer subtracts one; -1: no limit",
           -1, G_MAXINT, 0, PLAYING),
          MEMBER (max_errors)},
      {g_param_spec_uint ("window-length", "Window length",
           "Steps of a window in output-mode window", 1, G_MAXINT, 30, READY),
          MEMBER (window_length)},
      {g_param_spec_uint ("window-hop", "Window hop",
           "Steps from the output of a window to the output of the next window in output-mode "
           "window",
           1, G_MAXINT, 1, READY),
          MEMBER (window_hop)},
      {g_param_spec_uint ("max-steps", "Maximum steps",
           "Maximum steps of a sequence if the model needs all of them before its first output",
           1, G_MAXINT, 10000, READY),
          MEMBER (max_steps)},
      {g_param_spec_string ("state-location", "State location",
           "File that keeps h and c after the process ends; read when the element goes to "
           "PAUSED, written at EOS and when the element goes to READY",
           NULL, READY),
          MEMBER (state_location)},
      {g_param_spec_uint64 ("state-interval", "State interval",
           "Running time in ns after which state-location is written again; 0: only at the end",
           0, G_MAXUINT64, 0, PLAYING),
          MEMBER (state_interval)},
  };

  return gst_lstm_properties_install (klass, settings, properties, G_N_ELEMENTS (properties));
}

#if HAVE_OBJECTS
static void
install_object_properties (GObjectClass *klass, gsize settings)
{
  const GstLstmProperty properties[] = {
      {g_param_spec_boolean ("per-object", "Per object",
           "Keep h and c for each tracked object of a video: each object detection with tracking "
           "data of the frame takes a step",
           FALSE, READY),
          MEMBER (per_object)},
      {g_param_spec_enum ("object-features", "Object features",
           "Vectors that are the steps of an object if per-object is true",
           gst_lstm_object_features_get_type (), GST_LSTM_OBJECT_FEATURES_TENSOR, READY),
          MEMBER (object_features)},
      {g_param_spec_uint64 ("object-timeout", "Object timeout",
           "Running time in ns after which an object that is not seen is forgotten, if per-object "
           "is true",
           0, G_MAXUINT64, GST_SECOND, PLAYING),
          MEMBER (object_timeout)},
  };

  gst_lstm_properties_install (klass, settings, properties, G_N_ELEMENTS (properties));
}
#else
/* GStreamer below 1.28 has no tensors that are related to objects. */
static void
install_object_properties (GObjectClass *klass, gsize settings)
{
}
#endif

guint
gst_lstm_settings_install (GObjectClass *klass, gsize settings)
{
  install_model_properties (klass, settings);
  install_tensor_properties (klass, settings);
  install_object_properties (klass, settings);
  return install_stream_properties (klass, settings);
}
