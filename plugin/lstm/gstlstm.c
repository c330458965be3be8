/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-lstm
 * @title: lstm
 * @short_description: runs a recurrent network and keeps h and c between buffers
 *
 * Each step of the input vectors (`other/tensors`, dimensions `d:T:bs`) advances the model. The
 * hidden and the cell state stay from buffer to buffer. The element outputs a vector for every
 * step, or only for the last step of a segment, or for every window of the last steps
 * (#GstLstm:output-mode).
 *
 * A new stream, a new segment and a flush reset h and c to the model's initial state.
 * #GstLstm:stateful keeps h and c across segments. No step of the input is skipped.
 *
 * #GstLstm:per-object keeps h and c for each tracked object of a video.
 *
 * A model that needs complete sequences, such as a model with a bidirectional layer, runs when
 * the segment ends, with at most #GstLstm:max-steps, or window by window.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 npysrc location=x.npy ! lstm model-location=m.safetensors ! npysink location=y.npy
 * ]|
 */
#include "elements.h"
#include "common/gate.h"
#include "common/in-place.h"
#if HAVE_ANALYTICS
#  include "common/media.h"
#endif
#include "common/metadata.h"
#include "common/properties.h"
#include "lstm/buffers.h"
#include "lstm/bytes.h"
#include "lstm/caps.h"
#include "lstm/configure.h"
#include "lstm/events.h"
#include "lstm/lifecycle.h"
#include "lstm/output.h"
#include "lstm/overwrite.h"
#include "lstm/report.h"
#include "lstm/state.h"

#define GST_CAT_DEFAULT gst_lstm_debug

typedef struct {
  GstBaseTransformClass parent;
  void (*reset) (GstLstm *self);
  GBytes *(*get_state) (GstLstm *self);
  gboolean (*set_state) (GstLstm *self, GBytes *bytes);
} GstLstmClass;

static guint prop_stats, prop_model_info;

#define GST_TYPE_LSTM (gst_lstm_get_type ())
GType gst_lstm_get_type (void);
G_DEFINE_TYPE (GstLstm, gst_lstm, GST_TYPE_BASE_TRANSFORM)
#define GST_LSTM(object) ((GstLstm *) (object)) /* unchecked, because it runs for each buffer */
#define PARENT_CLASS ((GstBaseTransformClass *) gst_lstm_parent_class)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (lstm, "lstm", GST_RANK_NONE, GST_TYPE_LSTM,
    GST_DEBUG_CATEGORY_INIT (gst_lstm_debug, "lstm", 0, "recurrent network"))

/* --- Caps --- */

static GstCaps *
transform_caps (
    GstBaseTransform *trans, GstPadDirection direction, GstCaps *caps, GstCaps *filter)
{
  return gst_lstm_transform_caps (GST_LSTM (trans), direction, caps, filter);
}

static GstCaps *
fixate_caps (
    GstBaseTransform *trans, GstPadDirection direction, GstCaps *caps, GstCaps *other_caps)
{
  return gst_lstm_fixate_caps (GST_LSTM (trans), direction, caps, other_caps);
}

/* The base class would check only the template, which may be any caps. */
static gboolean
accept_caps (GstBaseTransform *trans, GstPadDirection direction, GstCaps *caps)
{
  return gst_lstm_can_have_caps (GST_LSTM (trans), direction, caps)
         && PARENT_CLASS->accept_caps (trans, direction, caps);
}

static gboolean
set_caps (GstBaseTransform *trans, GstCaps *incaps, GstCaps *outcaps)
{
  return gst_lstm_set_caps (GST_LSTM (trans), incaps, outcaps);
}

/* The base class configures downstream's pool. */
static gboolean
decide_allocation (GstBaseTransform *trans, GstQuery *query)
{
  GstLstm *self = GST_LSTM (trans);

  self->has_pool = self->sequence.out.n_tensors == 1 && !self->adds_headers
                   && gst_query_get_n_allocation_pools (query) > 0;
  self->overwritable = gst_lstm_find_overwritable (self, query);
  GST_DEBUG_OBJECT (self, "outputs %s",
      self->has_pool       ? "are allocated from downstream's pool"
      : self->overwritable ? "overwrite inputs"
                           : "are allocated without a pool");
  return PARENT_CLASS->decide_allocation (trans, query);
}

/* --- Streaming --- */

static gboolean
start_transform (GstBaseTransform *trans)
{
  return gst_lstm_start (GST_LSTM (trans));
}

static gboolean
stop_transform (GstBaseTransform *trans)
{
  gst_lstm_stop (GST_LSTM (trans));
  return TRUE;
}

static GstFlowReturn
generate_output (GstBaseTransform *trans, GstBuffer **outbuf)
{
  return gst_lstm_generate_output (GST_LSTM (trans), outbuf);
}

static GstFlowReturn
submit_input_buffer (GstBaseTransform *trans, gboolean is_discont, GstBuffer *buffer)
{
  GstLstm *self = GST_LSTM (trans);

  if (self->refusal.error)
    gst_lstm_drain_sequence (self); /* the error ends the sequence of the previous caps */
  return gst_lstm_refusal_submit_buffer (
      &self->refusal, trans, is_discont, buffer, PARENT_CLASS->submit_input_buffer);
}

#if HAVE_ANALYTICS
/* Buffers of other/tensors have no tensors and objects of the media from which they result. */
static gboolean
transform_meta (GstBaseTransform *trans, GstBuffer *outbuf, GstMeta *meta, GstBuffer *inbuf)
{
  return !(gst_lstm_has_media_input (GST_LSTM (trans)) && gst_lstm_media_is_analysis (meta))
         && PARENT_CLASS->transform_meta (trans, outbuf, meta, inbuf);
}
#endif

static gboolean
handle_accepted_event (GstBaseTransform *trans, GstEvent *event)
{
  GstLstm *self = GST_LSTM (trans);
  g_autoptr (GstCaps) caps = NULL;

  if (GST_EVENT_TYPE (event) == GST_EVENT_CAPS) {
    gst_event_parse_caps (event, &caps);
    gst_caps_ref (caps);
  }
  if (PARENT_CLASS->sink_event (trans, gst_lstm_handle_sink_event (self, event)))
    return TRUE;
  if (caps && !self->refusal.caps)
    gst_lstm_refuse_media (self, caps);
  return FALSE;
}

static gboolean
handle_sink_event (GstBaseTransform *trans, GstEvent *event)
{
  return gst_lstm_refusal_handle_event (
      &GST_LSTM (trans)->refusal, trans, event, handle_accepted_event);
}

static gboolean
handle_src_event (GstBaseTransform *trans, GstEvent *event)
{
  if (GST_EVENT_TYPE (event) == GST_EVENT_SEEK)
    event = gst_lstm_bytes_convert_seek (GST_LSTM (trans), event);
  return PARENT_CLASS->src_event (trans, event);
}

/* Answers a caps query without the base class. Once tensors arrive, the source caps depend on them
 * alone: the base class would ask upstream, whose elements may answer with their templates. Returns
 * whether the query was answered. */
static gboolean
answer_caps_query (GstLstm *self, GstPadDirection direction, GstQuery *query)
{
  g_autoptr (GstCaps) caps = NULL;
  GstCaps *filter;

  gst_query_parse_caps (query, &filter);
  caps = direction == GST_PAD_SINK ? gst_lstm_get_sink_caps (self, filter)
                                   : gst_lstm_get_known_src_caps (self, filter);
  if (caps)
    gst_query_set_caps_result (query, caps);
  return caps != NULL;
}

static gboolean
answer_query (GstBaseTransform *trans, GstPadDirection direction, GstQuery *query)
{
  GstLstm *self = GST_LSTM (trans);
  GstFormat format;

  if (GST_QUERY_TYPE (query) == GST_QUERY_CAPS && answer_caps_query (self, direction, query))
    return TRUE;
  if (direction == GST_PAD_SRC && GST_QUERY_TYPE (query) == GST_QUERY_SEEKING) {
    gst_query_parse_seeking (query, &format, NULL, NULL, NULL);
    if (format == GST_FORMAT_TIME && gst_lstm_bytes_answer_seeking (self, query))
      return TRUE; /* a source of bytes would answer that it cannot seek in time */
  }
  if (PARENT_CLASS->query (trans, direction, query))
    return TRUE;
  if (direction != GST_PAD_SRC || GST_QUERY_TYPE (query) != GST_QUERY_DURATION)
    return FALSE;
  gst_query_parse_duration (query, &format, NULL);
  return format == GST_FORMAT_TIME && gst_lstm_bytes_answer_duration (self, query);
}

static GstStateChangeReturn
change_state (GstElement *element, GstStateChange transition)
{
  if (transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING
      || transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED)
    gst_lstm_set_playing (GST_LSTM (element), transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING);
  return GST_ELEMENT_CLASS (gst_lstm_parent_class)->change_state (element, transition);
}

static void
reset_state (GstLstm *self)
{
  gst_lstm_lock (self);
  if (self->sequence.config.model) {
    gst_lstm_reset_sequence (self, GST_LSTM_RESET_APPLICATION);
    gst_lstm_set_preroll_state (self, NULL, TRUE);
  }
  gst_lstm_unlock (self);
}

/* --- Object --- */

static GstStructure *
get_stats (GstLstm *self)
{
  GstLstmStats stats;

  gst_lstm_lock (self);
  stats = self->stats;
  gst_lstm_unlock (self);
  return gst_structure_new ("application/x-lstm-stats", "steps", G_TYPE_UINT64, stats.steps,
      "outputs", G_TYPE_UINT64, stats.outputs, "resets", G_TYPE_UINT64, stats.resets, "gaps",
      G_TYPE_UINT64, stats.gaps, "errors", G_TYPE_UINT64, stats.errors, "non-finite",
      G_TYPE_UINT64, stats.non_finite, "mean-step-time", G_TYPE_UINT64,
      stats.steps ? stats.total_step_time / stats.steps : 0, "max-step-time", G_TYPE_UINT64,
      stats.longest_step_time, NULL);
}

/* Returns whether @spec determines the model, which may change while the element runs. */
static gboolean
is_model_property (const GParamSpec *spec)
{
  return g_str_equal (spec->name, "model") || g_str_equal (spec->name, "model-location");
}

/* Returns whether a new value of a property has a size that a running element accepts: the number
 * of parameters is that of the model's inputs. */
static gboolean
has_fitting_size (const GstLstm *self, const GValue *value)
{
  return !GST_VALUE_HOLDS_ARRAY (value)
         || gst_value_array_get_size (value) == self->settings.parameters->len;
}

static void
set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstLstm *self = GST_LSTM (object);
  gboolean late, fits;

  if (is_model_property (pspec) && gst_lstm_change_model (self, pspec, value))
    return;
  gst_lstm_lock (self); /* queries read settings */
  GST_OBJECT_LOCK (self);
  late = self->started
         && (is_model_property (pspec) || !(pspec->flags & GST_PARAM_MUTABLE_PLAYING));
  fits = !self->started || has_fitting_size (self, value);
  if (!late && fits)
    gst_lstm_property_set (self, pspec, value);
  GST_OBJECT_UNLOCK (self);
  gst_lstm_unlock (self);
  if (late)
    g_warning ("%s: property %s: expected state NULL or READY, found the element running",
        GST_OBJECT_NAME (self), pspec->name);
  else if (!fits)
    g_warning ("%s: property %s: expected as many values as before, because the element is "
               "running, found %u",
        GST_OBJECT_NAME (self), pspec->name, gst_value_array_get_size (value));
}

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstLstm *self = GST_LSTM (object);

  if (id == prop_stats) {
    g_value_take_boxed (value, get_stats (self));
    return;
  }
  if (id == prop_model_info) {
    gst_lstm_lock (self);
    g_value_take_string (value, gst_lstm_describe_model (self));
    gst_lstm_unlock (self);
    return;
  }
  GST_OBJECT_LOCK (self);
  gst_lstm_property_get (self, pspec, value);
  GST_OBJECT_UNLOCK (self);
}

static void
finalize_object (GObject *object)
{
  GstLstm *self = GST_LSTM (object);

  gst_lstm_properties_clear (self);
  g_mutex_clear (&self->lock);
  g_mutex_clear (&self->turn_lock);
  gst_lstm_state_file_clear (&self->state_file);
  G_OBJECT_CLASS (gst_lstm_parent_class)->finalize (object);
}

static void
gst_lstm_init (GstLstm *self)
{
  /* Source caps of media may equal the sink caps, but the element adds tensors to the buffers. */
  gst_base_transform_set_prefer_passthrough (GST_BASE_TRANSFORM (self), FALSE);
  g_mutex_init (&self->lock);
  g_mutex_init (&self->turn_lock);
  gst_lstm_state_file_init (&self->state_file);
  gst_lstm_properties_init (self);
  gst_lstm_gate_install (GST_BASE_TRANSFORM_SINK_PAD (self));
}

static void
install_signals (GstLstmClass *klass)
{
  klass->reset = reset_state;
  klass->get_state = gst_lstm_get_state;
  klass->set_state = gst_lstm_set_state;

  /**
   * GstLstm::reset:
   *
   * Sets h and c of every stream to the model's initial state, and discards pending input and
   * output, at once, between two buffers. May be emitted from any thread.
   */
  g_signal_new ("reset", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION,
      G_STRUCT_OFFSET (GstLstmClass, reset), NULL, NULL, NULL, G_TYPE_NONE, 0);
  /**
   * GstLstm::get-state:
   *
   * Gets h and c between two buffers, in the format of #GstLstm:state-location. May be emitted
   * from any thread.
   *
   * Returns: (transfer full) (nullable): %NULL before there are h and c, and, with a warning on
   *   the bus, if they are not finite
   */
  g_signal_new ("get-state", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION,
      G_STRUCT_OFFSET (GstLstmClass, get_state), NULL, NULL, NULL, G_TYPE_BYTES, 0);
  /**
   * GstLstm::set-state:
   * @bytes: a state from get-state
   *
   * Sets h and c between two buffers, in PAUSED and PLAYING. In PAUSED a flush returns to them.
   * May be emitted from any thread.
   *
   * Returns: %FALSE, and posts a warning, if @bytes are damaged, not finite, of another model,
   *   or of another number of streams
   */
  g_signal_new ("set-state", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION,
      G_STRUCT_OFFSET (GstLstmClass, set_state), NULL, NULL, NULL, G_TYPE_BOOLEAN, 1,
      G_TYPE_BYTES);
}

/* Adds a template with the caps of all kinds. If media is a kind, the template has any caps,
 * and caps queries return the possible media. */
static void
add_pad_template (GstElementClass *element_class, const gchar *name, GstPadDirection direction)
{
  g_autoptr (GstCaps) caps = gst_lstm_caps_kinds_get_template_caps (direction, NULL);

  gst_element_class_add_pad_template (
      element_class, gst_pad_template_new (name, direction, GST_PAD_ALWAYS, caps));
}

static void
gst_lstm_class_init (GstLstmClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *trans_class = GST_BASE_TRANSFORM_CLASS (klass);

  object_class->finalize = finalize_object;
  prop_stats = gst_lstm_settings_install (object_class, G_STRUCT_OFFSET (GstLstm, settings));
  /* Replaces functions that lock only the object lock. */
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  g_object_class_install_property (object_class, prop_stats,
      g_param_spec_boxed ("stats", "Statistics",
          "Numbers of steps, outputs, resets, gaps, errors and non-finite buffers since "
          "PAUSED, and the mean and maximum time of a step in ns",
          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  prop_model_info = prop_stats + 1;
  g_object_class_install_property (object_class, prop_model_info,
      g_param_spec_string ("model-info", "Model information",
          "Input size d, units m of each recurrent layer, output size n, output mode and name of "
          "the "
          "loaded model",
          NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  install_signals (klass);

  element_class->change_state = change_state;
  add_pad_template (element_class, "sink", GST_PAD_SINK);
  add_pad_template (element_class, "src", GST_PAD_SRC);
  gst_lstm_set_metadata (element_class, "lstm", "LSTM", "Filter/Analyzer",
      "Runs a recurrent network over feature vectors and keeps h and c between buffers");

  trans_class->start = start_transform;
  trans_class->stop = stop_transform;
  trans_class->transform_caps = transform_caps;
  trans_class->fixate_caps = fixate_caps;
  trans_class->accept_caps = accept_caps;
  trans_class->set_caps = set_caps;
  trans_class->decide_allocation = decide_allocation;
#if HAVE_ANALYTICS
  trans_class->transform_meta = transform_meta;
#endif
  trans_class->query = answer_query;
  trans_class->sink_event = handle_sink_event;
  trans_class->src_event = handle_src_event;
  trans_class->submit_input_buffer = submit_input_buffer;
  gst_lstm_in_place_enable (trans_class);
  trans_class->generate_output = generate_output;
}
