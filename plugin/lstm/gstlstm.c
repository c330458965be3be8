/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-lstm
 * @title: lstm
 * @short_description: runs a recurrent network and keeps h and c between buffers
 *
 * Each step of the incoming feature vectors (`other/tensors`, dimensions `d:T:bs`) advances the
 * model; hidden and cell state stay from buffer to buffer. Either every step's
 * output goes out, or only the last one of a segment, or that of every window of the last steps
 * (#GstLstm:output-mode).
 *
 * The state begins at zero with each stream, segment and flush; #GstLstm:stateful keeps it
 * across segments. A step that has arrived is never skipped.
 *
 * A model that needs whole sequences, as one with a layer that runs in both directions, is run
 * when the segment ends, with at most #GstLstm:max-steps, or window by window.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 npysrc location=x.npy ! lstm model-location=m.safetensors ! npysink location=y.npy
 * ]|
 */
#include "lstm/gstlstm.h"
#include "elements.h"
#include "common/errors.h"
#include "common/gate.h"
#include "common/in-place.h"
#include "common/properties.h"
#include "lstm/models.h"

GST_DEBUG_CATEGORY (gst_lstm_debug);
#define GST_CAT_DEFAULT gst_lstm_debug

typedef struct {
  GstBaseTransformClass parent;
  void (*reset) (GstLstm *self);
  GBytes *(*get_state) (GstLstm *self);
  gboolean (*set_state) (GstLstm *self, GBytes *bytes);
} GstLstmClass;

static guint prop_stats;

#define GST_TYPE_LSTM (gst_lstm_get_type ())
GType gst_lstm_get_type (void);
G_DEFINE_TYPE (GstLstm, gst_lstm, GST_TYPE_BASE_TRANSFORM)
#define GST_LSTM(object) (G_TYPE_CHECK_INSTANCE_CAST ((object), GST_TYPE_LSTM, GstLstm))
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (lstm, "lstm", GST_RANK_NONE, GST_TYPE_LSTM,
    GST_DEBUG_CATEGORY_INIT (gst_lstm_debug, "lstm", 0, "recurrent network"))

/* Which media are among them, and come unchanged to the other side, queries tell. */
#if HAVE_ANALYTICS
#  define SINK_CAPS "ANY"
#  define SRC_CAPS "ANY"
#else
#  define SINK_CAPS                                                                            \
    GST_LSTM_TENSORS_SINK_CAPS ";" GST_LSTM_FLEXIBLE_SINK_CAPS ";" GST_LSTM_AUDIO_CAPS
#  define SRC_CAPS GST_LSTM_TENSORS_CAPS ";" GST_LSTM_AUDIO_CAPS
#endif

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (SINK_CAPS));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (SRC_CAPS));

/* --- Caps --- */

/* FALSE, naming the field, unless the model can run what comes in: buffers that tell their shape
 * themselves are taken to go on as they are. */
static gboolean
parse_caps (const GstLstm *self, GstLstmInput *input, const GstStructure *s, GError **error)
{
  const GstLstmWanted wanted = {&self->settings, self->sequence.model};

  if (!gst_lstm_input_parse (input, s, &wanted, error))
    return FALSE;
  if (input->varies && input->format == self->input.format && self->input.varies
      && gst_lstm_is_configured (self))
    input->tensors = gst_lstm_input_shape (
        input, self->sequence.in.steps, self->sequence.in.streams);
  return TRUE;
}

/* @caps is one structure; @any_size: do not restrict it to the model's d. Any thread may ask, also
 * while the element stops. */
static GstCaps *
other_caps (GstLstm *self, GstPadDirection direction, const GstCaps *caps, gboolean any_size)
{
  GstLstmWanted wanted = {.settings = &self->settings};
  GstLstmInput input;
  GstLstmTensors out;
  GstCaps *other;

  gst_lstm_lock (self);
  wanted.model = any_size ? NULL : self->sequence.model;
  if (direction == GST_PAD_SRC) {
    other = gst_lstm_formats_take (caps, &wanted);
  } else if (wanted.model
             && parse_caps (self, &input, gst_caps_get_structure (caps, 0), NULL)) {
    gst_lstm_sequence_describe (&self->sequence, &input.tensors, &out);
    other = gst_lstm_formats_give (caps, &out, &wanted);
  } else {
    other = gst_lstm_formats_give (caps, NULL, &wanted);
  }
  gst_lstm_unlock (self);
  return other;
}

static GstCaps *
all_caps (GstLstm *self, GstPadDirection direction)
{
  const GstLstmWanted wanted = {.settings = &self->settings};
  GstCaps *caps;

  gst_lstm_lock (self);
  caps = gst_lstm_formats_all (direction, &wanted);
  gst_lstm_unlock (self);
  return caps;
}

static GstCaps *
transform_all (
    GstLstm *self, GstPadDirection direction, GstCaps *caps, GstCaps *filter, gboolean any_size)
{
  g_autoptr (GstCaps) known = gst_caps_is_any (caps) ? all_caps (self, direction)
                                                     : gst_caps_ref (caps);
  GstCaps *result = gst_caps_is_any (known) ? gst_caps_new_any () : gst_caps_new_empty ();

  for (guint i = 0; i < gst_caps_get_size (known); i++) {
    g_autoptr (GstCaps) one = gst_caps_copy_nth (known, i);

    result = gst_caps_merge (result, other_caps (self, direction, one, any_size));
  }
  return gst_lstm_caps_filter (result, filter);
}

static GstCaps *
gst_lstm_transform_caps (
    GstBaseTransform *trans, GstPadDirection direction, GstCaps *caps, GstCaps *filter)
{
  return transform_all (GST_LSTM (trans), direction, caps, filter, FALSE);
}

/* The base class would look at the template alone, which may be any caps. */
static gboolean
gst_lstm_accept_caps (GstBaseTransform *trans, GstPadDirection direction, GstCaps *caps)
{
  g_autoptr (GstCaps) all = all_caps (GST_LSTM (trans), direction);

  return gst_caps_is_subset (caps, all)
         && GST_BASE_TRANSFORM_CLASS (gst_lstm_parent_class)
                ->accept_caps (trans, direction, caps);
}

/* The base class would name downstream's own caps first, as if steps could be outputs. Where upstream
 * has no caps of the model's d, all its caps are let through, for set_caps() to name the d that is
 * wrong; a converter upstream has some. */
GstCaps *
gst_lstm_get_sink_caps (GstLstm *self, GstCaps *filter)
{
  GstBaseTransform *trans = GST_BASE_TRANSFORM (self);
  g_autoptr (GstCaps) all = all_caps (self, GST_PAD_SRC);
  g_autoptr (GstCaps) peer = gst_pad_peer_query_caps (GST_BASE_TRANSFORM_SRC_PAD (trans), all);
  GstCaps *caps = transform_all (self, GST_PAD_SRC, peer, filter, FALSE);

  if (!gst_caps_is_empty (caps))
    return caps;
  gst_caps_unref (caps);
  return transform_all (self, GST_PAD_SRC, peer, filter, TRUE);
}

gboolean
gst_lstm_take_shape (GstLstm *self, const GstLstmTensors *in, GError **error)
{
  GstLstmTensors before;
  gboolean continues, ok;

  gst_lstm_lock (self);
  before = self->sequence.in;
  continues = gst_lstm_sequence_continues (&self->sequence, in);
  gst_lstm_unlock (self);
  if (!continues)
    gst_lstm_drain (self); /* in its own shape */
  gst_lstm_lock (self);
  if (!continues && !self->sequence.restored) {
    gst_lstm_forget (self);
    g_clear_pointer (&self->initial, g_bytes_unref); /* of other streams */
  }
  ok = gst_lstm_sequence_configure (&self->sequence, in, error);
  if (!ok && !gst_lstm_sequence_configure (&self->sequence, &before, NULL))
    self->sequence.in.n_tensors = 0; /* not configured */
  gst_lstm_unlock (self);
  return ok;
}

static gboolean
gst_lstm_set_caps (GstBaseTransform *trans, GstCaps *incaps, GstCaps *outcaps)
{
  GstLstm *self = GST_LSTM (trans);
  g_autoptr (GError) error = NULL;
  GstLstmInput input;
  gboolean ok = parse_caps (self, &input, gst_caps_get_structure (incaps, 0), &error);

  if (ok)
    ok = gst_lstm_take_shape (self, &input.tensors, &error);
  else
    gst_lstm_drain (self); /* the sequence before is good */
  if (!ok) {
    gst_lstm_refuse_caps (self, &self->refused, incaps, error);
    return FALSE;
  }
  gst_lstm_lock (self);
  self->input = input;
  gst_lstm_unlock (self);
  gst_base_transform_set_in_place (trans, input.format->attach != NULL);
  self->describes = gst_structure_has_name (
      gst_caps_get_structure (outcaps, 0), "other/tensors");
  self->has_pool = FALSE; /* until there was a word with downstream */
  return TRUE;
}

/* --- Life --- */

/* Returns: (transfer full): the model that the properties ask for */
static LstmModel *
open_model (const GstLstmSettings *settings, GError **error)
{
  if (settings->model)
    return lstm_model_ref (settings->model);
  if (settings->model_location)
    return gst_lstm_models_open (
        settings->model_location, (LstmPrecision) settings->precision, settings->module_chain, error);
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_FILE,
      "property model-location: expected a path, found none");
  return NULL;
}

static gboolean
start_sequence (GstLstm *self, LstmModel *model, GError **error)
{
  gboolean ok;

  gst_lstm_lock (self);
  ok = gst_lstm_sequence_start (&self->sequence, model, &self->settings, error);
  gst_lstm_sequence_set_proceed (&self->sequence, gst_lstm_give_way, self);
  if (!ok)
    gst_lstm_sequence_stop (&self->sequence);
  self->stats = (GstLstmStats){0};
  self->n_steps = 0;
  self->next_time = GST_CLOCK_TIME_NONE;
  self->from_bytes = FALSE;
  gst_lstm_set_initial (self, NULL, FALSE);
  gst_lstm_unlock (self);
  return ok && gst_lstm_restore_file (self, error);
}

static gboolean
gst_lstm_stop (GstBaseTransform *trans)
{
  GstLstm *self = GST_LSTM (trans);

  gst_lstm_save_at_stop (self);
  gst_lstm_state_file_close (&self->state_file);
  gst_lstm_lock (self);
  if (self->sequence.model)
    gst_lstm_sequence_stop (&self->sequence);
  gst_lstm_unlock (self);
  gst_lstm_steps_clear (&self->steps);
  gst_caps_replace (&self->refused, NULL);
  GST_OBJECT_LOCK (self);
  self->started = FALSE;
  GST_OBJECT_UNLOCK (self);
  return TRUE;
}

static gboolean
gst_lstm_start (GstBaseTransform *trans)
{
  GstLstm *self = GST_LSTM (trans);
  g_autoptr (GError) error = NULL;
  LstmModel *model;

  /* From here on the settings that are read below cannot change. */
  GST_OBJECT_LOCK (self);
  self->started = TRUE;
  GST_OBJECT_UNLOCK (self);
  model = open_model (&self->settings, &error);
  if (!model) {
    GST_ELEMENT_ERROR (self, RESOURCE, OPEN_READ, ("%s", error->message), (NULL));
    gst_lstm_stop (trans);
    return FALSE;
  }
  if (!start_sequence (self, model, &error)) {
    GST_ELEMENT_ERROR (self, LIBRARY, SETTINGS, ("%s", error->message), (NULL));
    gst_lstm_stop (trans);
    return FALSE;
  }
  gst_segment_init (&self->upstream, GST_FORMAT_UNDEFINED);
  self->has_pool = FALSE;
  self->next_step = 0;
  self->saved_at = GST_CLOCK_TIME_NONE;
  self->ran_to = 0;
  self->warned_not_saved = FALSE;
  self->pending_flow = GST_FLOW_OK;
  self->broken = self->discont = self->marks = self->warned_non_finite = FALSE;
  self->bad_buffers = 0;
  self->slice = 1;
  GST_INFO_OBJECT (self,
      "d %" G_GSIZE_FORMAT ", output %" G_GSIZE_FORMAT ", %u LSTM layers, %s",
      lstm_model_get_input_size (model), lstm_model_get_output_size (model),
      lstm_model_get_n_lstm_layers (model), lstm_model_get_isa (model));
  return TRUE;
}

static GstStateChangeReturn
gst_lstm_change_state (GstElement *element, GstStateChange transition)
{
  if (transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING
      || transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED)
    gst_lstm_set_plays (GST_LSTM (element), transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING);
  return GST_ELEMENT_CLASS (gst_lstm_parent_class)->change_state (element, transition);
}

static void
gst_lstm_reset (GstLstm *self)
{
  gst_lstm_lock (self);
  if (self->sequence.model) {
    gst_lstm_forget (self);
    gst_lstm_set_initial (self, NULL, TRUE);
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
      stats.steps ? stats.total / stats.steps : 0, "max-step-time", G_TYPE_UINT64,
      stats.longest, NULL);
}

static void
gst_lstm_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstLstm *self = GST_LSTM (object);
  gboolean late;

  gst_lstm_lock (self); /* for queries that read them */
  GST_OBJECT_LOCK (self);
  late = self->started && !(pspec->flags & GST_PARAM_MUTABLE_PLAYING);
  if (!late)
    gst_lstm_property_set (self, pspec, value);
  GST_OBJECT_UNLOCK (self);
  gst_lstm_unlock (self);
  if (late)
    g_warning (
        "%s: property %s: expected to be set in NULL or READY, found the element running",
        GST_OBJECT_NAME (self), pspec->name);
}

static void
gst_lstm_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstLstm *self = GST_LSTM (object);

  if (id == prop_stats) {
    g_value_take_boxed (value, get_stats (self));
    return;
  }
  GST_OBJECT_LOCK (self);
  gst_lstm_property_get (self, pspec, value);
  GST_OBJECT_UNLOCK (self);
}

static void
gst_lstm_finalize (GObject *object)
{
  GstLstm *self = GST_LSTM (object);

  gst_lstm_properties_clear (self);
  g_mutex_clear (&self->lock);
  g_mutex_clear (&self->turn);
  gst_lstm_state_file_clear (&self->state_file);
  G_OBJECT_CLASS (gst_lstm_parent_class)->finalize (object);
}

static void
gst_lstm_init (GstLstm *self)
{
  /* Caps of media may come back from downstream as they came, but tensors were added to them. */
  gst_base_transform_set_prefer_passthrough (GST_BASE_TRANSFORM (self), FALSE);
  g_mutex_init (&self->lock);
  g_mutex_init (&self->turn);
  gst_lstm_state_file_init (&self->state_file);
  gst_lstm_properties_init (self);
  gst_lstm_gate_install (GST_BASE_TRANSFORM_SINK_PAD (self));
}

static void
install_signals (GstLstmClass *klass)
{
  klass->reset = gst_lstm_reset;
  klass->get_state = gst_lstm_get_state;
  klass->set_state = gst_lstm_set_state;

  /**
   * GstLstm::reset:
   *
   * Zeroes h and c of every stream and drops what is pending, at once and between two buffers.
   * May be emitted from any thread.
   */
  g_signal_new ("reset", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION,
      G_STRUCT_OFFSET (GstLstmClass, reset), NULL, NULL, NULL, G_TYPE_NONE, 0);
  /**
   * GstLstm::get-state:
   *
   * h and c as they are between two buffers, in the format of #GstLstm:state-location. May be
   * emitted from any thread.
   *
   * Returns: (transfer full) (nullable): %NULL before there are any, and, with a warning on the bus,
   *   where they are not finite
   */
  g_signal_new ("get-state", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION,
      G_STRUCT_OFFSET (GstLstmClass, get_state), NULL, NULL, NULL, G_TYPE_BYTES, 0);
  /**
   * GstLstm::set-state:
   * @bytes: what get-state gave
   *
   * Sets h and c between two buffers, from PAUSED on; in PAUSED a flush leads back to them. May be
   * emitted from any thread.
   *
   * Returns: %FALSE, and a warning on the bus, if they are damaged, not finite, or not of this model and
   *   as many streams
   */
  g_signal_new ("set-state", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION,
      G_STRUCT_OFFSET (GstLstmClass, set_state), NULL, NULL, NULL, G_TYPE_BOOLEAN, 1,
      G_TYPE_BYTES);
}

static void
gst_lstm_class_init (GstLstmClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *trans_class = GST_BASE_TRANSFORM_CLASS (klass);

  object_class->finalize = gst_lstm_finalize;
  prop_stats = gst_lstm_settings_install (object_class, G_STRUCT_OFFSET (GstLstm, settings));
  object_class->set_property = gst_lstm_set_property; /* these two need another lock too */
  object_class->get_property = gst_lstm_get_property;
  g_object_class_install_property (object_class, prop_stats,
      g_param_spec_boxed ("stats", "Statistics",
          "Numbers of steps, outputs, resets, gaps, errors and non-finite buffers since PAUSED, and "
          "the mean and maximum time of a step in ns",
          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  install_signals (klass);

  element_class->change_state = gst_lstm_change_state;
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "LSTM", "Filter/Analyzer",
      "Runs a recurrent network over feature vectors and keeps h and c between buffers",
      "The gst-lstm developers");

  gst_lstm_stream_init (gst_lstm_parent_class);
  trans_class->start = gst_lstm_start;
  trans_class->stop = gst_lstm_stop;
  trans_class->transform_caps = gst_lstm_transform_caps;
  trans_class->accept_caps = gst_lstm_accept_caps;
  trans_class->set_caps = gst_lstm_set_caps;
  trans_class->decide_allocation = gst_lstm_decide_allocation;
  trans_class->query = gst_lstm_query;
  trans_class->sink_event = gst_lstm_sink_event;
  trans_class->src_event = gst_lstm_src_event;
  gst_lstm_in_place_enable (trans_class);
  trans_class->generate_output = gst_lstm_generate_output;
}
