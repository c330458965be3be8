/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-lstmlabel
 * @title: lstmlabel
 * @short_description: labels the greatest score of each step, as text and as a message
 *
 * Accepts vectors of n scores. For each step, the element pushes the label of the greatest score
 * as text, such as `pan-left 0.97`, with the timestamp of the step. #GstLstmLabel:labels-location
 * names a UTF-8 text file with one label per line. Without a file the labels are the numbers from
 * 0.
 *
 * A step has no label if its greatest score is below #GstLstmLabel:threshold or if a score is
 * NaN. The element pushes a GAP event for such a step.
 *
 * The element posts an element message named `lstm-label` at the first step and at each step whose
 * label differs from the label of the previous step. The message has these fields:
 *
 * * #gchararray `label`: the label, or an empty string without a label
 * * #gint `index`: the index of the label among the scores, or -1 without a label
 * * #gdouble `score`: the greatest score, also without a label, or NaN
 * * #GstClockTime `timestamp`, `stream-time`, `running-time`: the time of the step
 * * #GstClockTime `duration`: the duration of the step
 * * #guint64 `object`: the tracking id of the object that has the label, if the scores belong to an
 *   object
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 textoverlay name=overlay ! videoconvert ! autovideosink
 *   filesrc location=film.webm ! decodebin ! tee name=t ! queue ! overlay.video_sink
 *   t. ! queue ! lstmfeatures ! lstm model-location=motion.safetensors !
 *   lstmlabel labels-location=motion.labels threshold=0.5 ! overlay.text_sink
 * ]| Draws the label of the camera's motion on the picture. The option -m also prints the messages.
 */
#include "elements.h"
#include "common/errors.h"
#include "common/flexible.h"
#include "common/gate.h"
#include "common/in-place.h"
#if HAVE_ANALYTICS
#  include "common/media.h"
#endif
#include "common/metadata.h"
#include "common/properties.h"
#include "common/refusal.h"
#include "common/tensor-id.h"
#include "common/tensors.h"
#include "label/label-media.h"
#include "label/label-objects.h"
#include "label/labels-file.h"
#include "label/step-label.h"
#include <gst/base/gstbasetransform.h>

GST_DEBUG_CATEGORY_STATIC (lstmlabel_debug);
#define GST_CAT_DEFAULT lstmlabel_debug

#define NO_PREVIOUS_STEP (-2) /* differs from each index and from GST_LSTM_NO_LABEL */

struct _GstLstmLabel {
  GstBaseTransform parent;

  /* Properties, protected by the object lock. start() reads all of them except threshold. */
  gchar *labels_location;
  gfloat threshold;
  gchar *input_tensor_id;
  gboolean region;

  /* Used by the streaming thread */
  GStrv labels; /* (nullable): valid after start(); NULL: the indices are the labels */
  GstLstmTensors tensors;  /* one tensor of n scores; streams is 1 */
  gint previous_index;     /* label of the previous step, or NO_PREVIOUS_STEP */
  GstLstmRefusal refusal;  /* of the last caps */
  GstBuffer *score_buffer; /* (nullable): contains the next step */
  guint next_step;         /* in score_buffer */
  gboolean is_video;       /* frames pass with labels in their metas */
  gboolean has_headers;    /* the caps are flexible: each buffer describes its tensor */
  GstLstmLabelMedia media;
  GstLstmSteps steps; /* scores of the current frame or object */
  GstLstmLabelObjects objects;
};

#define GST_TYPE_LSTM_LABEL (gst_lstm_label_get_type ())
G_DECLARE_FINAL_TYPE (GstLstmLabel, gst_lstm_label, GST, LSTM_LABEL, GstBaseTransform)
G_DEFINE_TYPE (GstLstmLabel, gst_lstm_label, GST_TYPE_BASE_TRANSFORM)
GST_ELEMENT_REGISTER_DEFINE (lstmlabel, "lstmlabel", GST_RANK_NONE, GST_TYPE_LSTM_LABEL)
#define MEMBER(name) G_STRUCT_OFFSET (GstLstmLabel, name)

#if HAVE_ANALYTICS
#  define VIDEO ";video/x-raw(ANY)"
#else
#  define VIDEO ""
#endif

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK,
    GST_PAD_ALWAYS,
    GST_STATIC_CAPS (GST_LSTM_ONE_TENSOR_CAPS ";" GST_LSTM_FLEXIBLE_CAPS
                                              ";" GST_LSTM_ANY_OLD_TENSOR_CAPS VIDEO));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC,
    GST_PAD_ALWAYS, GST_STATIC_CAPS ("text/x-raw, format = (string) utf8" VIDEO));

/* Drops the previous label and the buffer of scores. */
static void
reset_steps (GstLstmLabel *self)
{
  self->previous_index = NO_PREVIOUS_STEP;
#if HAVE_OBJECTS
  gst_lstm_label_objects_reset (&self->objects);
#endif
  gst_clear_buffer (&self->score_buffer);
}

static gboolean
gst_lstm_label_start (GstBaseTransform *trans)
{
  GstLstmLabel *self = GST_LSTM_LABEL (trans);
  g_autofree gchar *location = NULL;
  g_autoptr (GError) error = NULL;
  gboolean ok;

  GST_OBJECT_LOCK (self);
  location = g_strdup (self->labels_location);
  ok = gst_lstm_tensor_id_check ("input-tensor-id", self->input_tensor_id, &error);
  self->media.id = g_quark_from_string (self->input_tensor_id);
  self->media.add_region = self->region;
  GST_OBJECT_UNLOCK (self);
  reset_steps (self);
  if (!ok) {
    gst_lstm_post_error (self, error, NULL);
    return FALSE;
  }
  if (!location) {
    GST_INFO_OBJECT (self, "labels: the indices of the scores");
    return TRUE;
  }
  self->labels = gst_lstm_labels_file_read (location, &error);
  if (!self->labels) {
    g_prefix_error (&error, "property labels-location: ");
    gst_lstm_post_error (self, error, NULL);
    return FALSE;
  }
  GST_INFO_OBJECT (self, "labels: %u from %s", g_strv_length (self->labels), location);
  return TRUE;
}

static gboolean
gst_lstm_label_stop (GstBaseTransform *trans)
{
  GstLstmLabel *self = GST_LSTM_LABEL (trans);

  reset_steps (self);
  gst_lstm_steps_clear (&self->steps);
#if HAVE_OBJECTS
  gst_lstm_label_objects_clear (&self->objects);
#endif
  gst_lstm_refusal_clear (&self->refusal);
  g_clear_pointer (&self->labels, g_strfreev);
  return TRUE;
}

static gboolean
is_video_structure (const GstCaps *caps, guint i)
{
  return gst_structure_has_name (gst_caps_get_structure (caps, i), "video/x-raw");
}

/* Returns: (transfer full): the structures of @caps that are no video */
static GstCaps *
copy_other_caps (const GstCaps *caps)
{
  GstCaps *result = gst_caps_new_empty ();

  for (guint i = 0; i < gst_caps_get_size (caps); i++)
    if (!is_video_structure (caps, i))
      gst_caps_append (result, gst_caps_copy_nth (caps, i));
  return result;
}

/* Video caps are equal at both pads. Tensors become text. */
static GstCaps *
gst_lstm_label_transform_caps (
    GstBaseTransform *trans, GstPadDirection direction, GstCaps *caps, GstCaps *filter)
{
  GstPad *other_pad = direction == GST_PAD_SINK ? trans->srcpad : trans->sinkpad;
  g_autoptr (GstCaps) other = gst_pad_get_pad_template_caps (other_pad);
  GstCaps *result = gst_caps_is_any (caps) ? gst_caps_ref (other) : gst_caps_new_empty ();

  for (guint i = 0; i < gst_caps_get_size (caps); i++)
    result = gst_caps_merge (result,
        is_video_structure (caps, i) ? gst_caps_copy_nth (caps, i) : copy_other_caps (other));
  return gst_lstm_caps_filter (result, filter);
}

/* Prepares for frames that contain the scores in a GstTensorMeta. */
static void
configure_video (GstLstmLabel *self, const GstCaps *caps)
{
  const GstStructure *s = gst_caps_get_structure (caps, 0);

  gst_lstm_tensors_init (&self->tensors, 0, s);
  self->tensors.fps_n = 0; /* the steps of a frame divide its duration */
  self->media.width = self->media.height = 0;
  gst_structure_get_int (s, "width", &self->media.width);
  gst_structure_get_int (s, "height", &self->media.height);
}

/* Returns FALSE and sets @error, which begins with @field, unless @tensors have one stream and as
 * many scores as labels. */
static gboolean
check_tensors (
    GstLstmLabel *self, const GstLstmTensors *tensors, const gchar *field, GError **error)
{
  g_autofree gchar *location = NULL;

  if (tensors->streams != 1)
    return gst_lstm_fail (error, GST_LSTM_STREAM (FORMAT), "%s: expected 1 stream, found %u",
        field, tensors->streams);
  if (!self->labels || g_strv_length (self->labels) == tensors->size[0])
    return TRUE;
  g_object_get (self, "labels-location", &location, NULL);
  return gst_lstm_fail (error, GST_LSTM_STREAM (FORMAT),
      "%s: expected %u scores, one per label of %s, found %u", field,
      g_strv_length (self->labels), location, tensors->size[0]);
}

/* Returns FALSE and sets @error unless static @caps have vectors of scores that fit the labels. */
static gboolean
parse_caps (GstLstmLabel *self, GstLstmTensors *tensors, GstCaps *caps, GError **error)
{
  const GstStructure *s = gst_caps_get_structure (caps, 0);

  if (gst_lstm_flexible_matches (s)) {
    gst_lstm_tensors_init (tensors, 0, s);
    return TRUE;
  }
  if (!gst_lstm_tensors_from_caps (tensors, caps, error))
    return FALSE;
  if (tensors->n_rows[0] != 1)
    return gst_lstm_fail (error, GST_LSTM_STREAM (FORMAT),
        "caps field names: expected a vector of scores, found '%s'", tensors->name[0]);
  return check_tensors (self, tensors, "caps field dimensions", error);
}

static gboolean
gst_lstm_label_set_caps (GstBaseTransform *trans, GstCaps *in_caps, GstCaps *out_caps)
{
  GstLstmLabel *self = GST_LSTM_LABEL (trans);
  const gboolean is_video = is_video_structure (in_caps, 0);
  g_autoptr (GError) error = NULL;
  GstLstmTensors tensors;

  if (!is_video && !parse_caps (self, &tensors, in_caps, &error)) {
    gst_lstm_refusal_set (&self->refusal, in_caps, g_steal_pointer (&error));
    return FALSE;
  }
  if (is_video)
    configure_video (self, in_caps);
  else
    self->tensors = tensors;
  self->is_video = is_video;
  self->has_headers = gst_lstm_flexible_matches (gst_caps_get_structure (in_caps, 0));
  gst_base_transform_set_in_place (trans, is_video);
  GST_INFO_OBJECT (self, "input caps: %" GST_PTR_FORMAT, in_caps);
  GST_INFO_OBJECT (self, "output caps: %" GST_PTR_FORMAT, out_caps);
  return TRUE;
}

static gboolean
handle_accepted_event (GstBaseTransform *trans, GstEvent *event)
{
  if (GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_STOP
      || GST_EVENT_TYPE (event) == GST_EVENT_STREAM_START)
    reset_steps (GST_LSTM_LABEL (trans));
  return GST_BASE_TRANSFORM_CLASS (gst_lstm_label_parent_class)->sink_event (trans, event);
}

static gboolean
gst_lstm_label_sink_event (GstBaseTransform *trans, GstEvent *event)
{
  GST_DEBUG_OBJECT (trans, "received %" GST_PTR_FORMAT, event);
  return gst_lstm_refusal_handle_event (
      &GST_LSTM_LABEL (trans)->refusal, trans, event, handle_accepted_event);
}

static GstFlowReturn
gst_lstm_label_submit_input_buffer (
    GstBaseTransform *trans, gboolean is_discont, GstBuffer *buffer)
{
  return gst_lstm_refusal_submit_buffer (&GST_LSTM_LABEL (trans)->refusal, trans, is_discont,
      buffer, GST_BASE_TRANSFORM_CLASS (gst_lstm_label_parent_class)->submit_input_buffer);
}

/* Posts the message of @label. @tracking_id: (nullable): the object that has the label */
static void
post_label (GstLstmLabel *self, const GstLstmStepLabel *label, const guint64 *tracking_id)
{
  GstStructure *s = gst_lstm_step_label_to_structure (
      label, &GST_BASE_TRANSFORM (self)->segment);

  if (tracking_id)
    gst_structure_set (s, "object", G_TYPE_UINT64, *tracking_id, NULL);
  GST_DEBUG_OBJECT (self, "new label at %" GST_TIME_FORMAT ": %" GST_PTR_FORMAT,
      GST_TIME_ARGS (label->pts), s);
  gst_element_post_message (GST_ELEMENT (self), gst_message_new_element (GST_OBJECT (self), s));
}

/* Sets @label for the next step, which has @scores. Returns whether the label differs from
 * *@previous_index, and updates *@previous_index. @previous_index: (nullable) */
static gboolean
label_next_step (
    GstLstmLabel *self, const gfloat *scores, gint *previous_index, GstLstmStepLabel *label)
{
  gboolean is_new;
  gfloat threshold;

  GST_OBJECT_LOCK (self);
  threshold = self->threshold;
  GST_OBJECT_UNLOCK (self);
  gst_lstm_step_label_init (label, scores, self->tensors.size[0], threshold, self->labels);
  gst_lstm_step_label_set_times (label, &self->tensors, self->score_buffer, self->next_step);
  self->next_step++;
  GST_LOG_OBJECT (self, "step at %" GST_TIME_FORMAT ": label %d '%s', score %g",
      GST_TIME_ARGS (label->pts), label->index, label->text, label->score);
  is_new = previous_index && *previous_index != label->index;
  if (is_new)
    *previous_index = label->index;
  return is_new;
}

/* Labels the next step. Pushes a GAP event if the step has no label. Returns: (transfer full)
 * (nullable): the text, or NULL without a label */
static GstBuffer *
create_text (GstLstmLabel *self, const gfloat *scores)
{
  g_auto (GstLstmStepLabel) label = {0};

  if (label_next_step (self, scores, &self->previous_index, &label))
    post_label (self, &label, NULL);
  if (label.index != GST_LSTM_NO_LABEL)
    return gst_lstm_step_label_to_buffer (&label);
  if (GST_CLOCK_TIME_IS_VALID (label.pts))
    gst_pad_push_event (
        GST_BASE_TRANSFORM_SRC_PAD (self), gst_event_new_gap (label.pts, label.duration));
  return NULL;
}

static GstFlowReturn
post_error (GstLstmLabel *self, const GError *error)
{
  gst_lstm_post_error (self, error, NULL);
  return GST_FLOW_ERROR;
}

#if HAVE_ANALYTICS
static gsize
get_n_scores (const GstLstmLabel *self)
{
  return self->labels ? g_strv_length (self->labels) : 0;
}

/* Labels the open steps of @n scores and closes the steps. Sets @label to the label of the last
 * step. @previous_index and @tracking_id: (nullable) */
static void
label_steps (GstLstmLabel *self, gsize n, gint *previous_index, const guint64 *tracking_id,
    GstLstmStepLabel *label)
{
  self->tensors.size[0] = (guint) n;
  self->tensors.steps = self->steps.x ? self->steps.n_steps : 0;
  for (self->next_step = 0; self->next_step < self->tensors.steps;) {
    const gfloat *scores = self->steps.x + self->next_step * n;

    gst_lstm_step_label_clear (label);
    if (label_next_step (self, scores, previous_index, label))
      post_label (self, label, tracking_id);
  }
  gst_lstm_steps_close (&self->steps);
}

/* Adds the label of the frame in score_buffer to the frame. */
static gboolean
label_picture (GstLstmLabel *self, GError **error)
{
  g_auto (GstLstmStepLabel) label = {.index = GST_LSTM_NO_LABEL};
  const GByteArray *object_mtds = NULL;
  gsize n = get_n_scores (self);

#  if HAVE_OBJECTS
  object_mtds = self->objects.scores_mtds;
#  endif
  if (!gst_lstm_label_media_open (
          &self->media, self->score_buffer, object_mtds, &self->steps, &n, error))
    return FALSE;
  label_steps (self, n, &self->previous_index, NULL, &label);
  if (label.index != GST_LSTM_NO_LABEL)
    self->score_buffer = gst_lstm_label_media_attach (
        &self->media, self->score_buffer, label.text, (gfloat) label.score);
  return TRUE;
}

#  if HAVE_OBJECTS
/* Adds the label of object detection @i to the frame in score_buffer. */
static gboolean
label_object (GstLstmLabel *self, guint i, GError **error)
{
  const GstLstmLabelObject *object = gst_lstm_label_objects_get (&self->objects, i);
  g_auto (GstLstmStepLabel) label = {.index = GST_LSTM_NO_LABEL};
  gsize n = get_n_scores (self);

  if (!gst_lstm_label_objects_open (
          &self->objects, i, self->score_buffer, &self->steps, &n, error))
    return FALSE;
  label_steps (self, n,
      gst_lstm_label_objects_get_previous (&self->objects, i, NO_PREVIOUS_STEP),
      &object->tracking_id, &label);
  if (label.index != GST_LSTM_NO_LABEL)
    gst_lstm_label_objects_attach (
        &self->objects, i, self->score_buffer, label.text, (gfloat) label.score);
  return TRUE;
}
#  endif

/* Adds the labels of the objects of the frame in score_buffer to the frame. */
static gboolean
label_objects (GstLstmLabel *self, GError **error)
{
#  if HAVE_OBJECTS
  guint n;

  /* A copy of a frame may have other ids of mtds. */
  if (gst_buffer_get_analytics_relation_meta (self->score_buffer))
    self->score_buffer = gst_lstm_media_make_writable (self->score_buffer);
  n = gst_lstm_label_objects_find (&self->objects, self->score_buffer, self->media.id);
  for (guint i = 0; i < n; i++)
    if (!label_object (self, i, error))
      return FALSE;
#  endif
  return TRUE;
}

/* Sets *@out to @frame (transfer full) with its labels. */
static GstFlowReturn
label_frame (GstLstmLabel *self, GstBuffer *frame, GstBuffer **out)
{
  g_autoptr (GError) error = NULL;

  self->score_buffer = frame;
  if (!label_objects (self, &error) || !label_picture (self, &error)) {
    gst_clear_buffer (&self->score_buffer);
    return post_error (self, error);
  }
  *out = g_steal_pointer (&self->score_buffer);
  return GST_FLOW_OK;
}
#endif

/* Reads the header of *@buffer (transfer full), and replaces *@buffer by its scores. */
static gboolean
remove_header (GstLstmLabel *self, GstBuffer **buffer, GError **error)
{
  GstBuffer *scores = gst_lstm_flexible_remove_headers (*buffer, &self->tensors, error);

  if (!scores)
    return FALSE;
  gst_buffer_unref (*buffer);
  *buffer = scores;
  if (self->tensors.n_tensors > 1)
    return gst_lstm_fail (error, GST_LSTM_STREAM (FORMAT),
        "buffer: expected 1 tensor, found %u", self->tensors.n_tensors);
  return check_tensors (self, &self->tensors, "buffer: header field dimension", error);
}

/* Makes @buffer (transfer full) the buffer of scores. */
static gboolean
set_score_buffer (GstLstmLabel *self, GstBuffer *buffer, GError **error)
{
  gst_clear_buffer (&self->score_buffer);
  if ((self->has_headers && !remove_header (self, &buffer, error))
      || !gst_lstm_tensors_check_buffer (&self->tensors, buffer, error)) {
    gst_buffer_unref (buffer);
    return FALSE;
  }
  self->score_buffer = buffer;
  self->next_step = 0;
  return TRUE;
}

/* Sets *@out to the text of the next step that has a label, or to NULL after the last step. */
static gboolean
create_next_text (GstLstmLabel *self, GstBuffer **out, GError **error)
{
  const guint n = self->tensors.size[0];
  GstMapInfo map;

  if (!gst_buffer_map (self->score_buffer, &map, GST_MAP_READ)) {
    gst_lstm_fail_to_map (error, GST_LSTM_RESOURCE (READ), "for reading",
        gst_buffer_get_size (self->score_buffer));
    gst_clear_buffer (&self->score_buffer);
    return FALSE;
  }
  while (!*out && self->next_step < self->tensors.steps)
    *out = create_text (self, (const gfloat *) map.data + (gsize) self->next_step * n);
  gst_buffer_unmap (self->score_buffer, &map);
  if (!*out)
    gst_clear_buffer (&self->score_buffer);
  return TRUE;
}

/* The base class calls this function until it returns no buffer. */
static GstFlowReturn
gst_lstm_label_generate_output (GstBaseTransform *trans, GstBuffer **out)
{
  GstLstmLabel *self = GST_LSTM_LABEL (trans);
  GstBuffer *input = g_steal_pointer (&trans->queued_buf);
  g_autoptr (GError) error = NULL;

  if (input)
    GST_LOG_OBJECT (self, "scores: %" GST_PTR_FORMAT, input);
#if HAVE_ANALYTICS
  if (input && self->is_video)
    return label_frame (self, input, out);
#endif
  if (input && !set_score_buffer (self, input, &error))
    return post_error (self, error);
  if (self->score_buffer && !create_next_text (self, out, &error))
    return post_error (self, error);
  return GST_FLOW_OK;
}

static void
gst_lstm_label_finalize (GObject *object)
{
  gst_lstm_properties_clear (object);
  G_OBJECT_CLASS (gst_lstm_label_parent_class)->finalize (object);
}

static void
install_properties (GObjectClass *object_class)
{
  const GstLstmProperty properties[] = {
    {g_param_spec_string ("labels-location", "Labels location",
         "UTF-8 text file with one label per line and per score (unset: the labels are the "
         "numbers from 0)",
         NULL, GST_LSTM_PARAM_READY),
        MEMBER (labels_location)},
    {g_param_spec_float ("threshold", "Threshold",
         "Minimum score that has a label, in the unit of the scores (0 to 1 after a softmax)",
         -G_MAXFLOAT, G_MAXFLOAT, 0.0f, GST_LSTM_PARAM_PLAYING),
        MEMBER (threshold)},
#if HAVE_ANALYTICS
    {g_param_spec_string ("input-tensor-id", "Input tensor id",
         "Id of the tensor that contains the scores, in a frame's GstTensorMeta or related to "
         "an "
         "object (GStreamer 1.28)",
         GST_LSTM_TENSOR_ID, GST_LSTM_PARAM_READY),
        MEMBER (input_tensor_id)},
    {g_param_spec_boolean ("region", "Region",
         "Add a region of the frame with its label, since overlays draw only labels of regions",
         TRUE, GST_LSTM_PARAM_READY),
        MEMBER (region)},
#endif
  };

  gst_lstm_properties_install (object_class, 0, properties, G_N_ELEMENTS (properties));
}

static void
gst_lstm_label_class_init (GstLstmLabelClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *transform_class = GST_BASE_TRANSFORM_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (lstmlabel_debug, "lstmlabel", 0, "scores to labels");
  object_class->finalize = gst_lstm_label_finalize;
  install_properties (object_class);
#if HAVE_ANALYTICS
  gst_lstm_in_place_enable (transform_class);
#endif
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_lstm_set_metadata (element_class, "lstmlabel", "LSTM label", "Converter/Text",
      "Labels the greatest score of each vector, as text and as element messages");
  transform_class->start = gst_lstm_label_start;
  transform_class->stop = gst_lstm_label_stop;
  transform_class->transform_caps = gst_lstm_label_transform_caps;
  transform_class->set_caps = gst_lstm_label_set_caps;
  transform_class->sink_event = gst_lstm_label_sink_event;
  transform_class->submit_input_buffer = gst_lstm_label_submit_input_buffer;
  transform_class->generate_output = gst_lstm_label_generate_output;
}

static void
gst_lstm_label_init (GstLstmLabel *self)
{
  /* Without transform(), the base class enables passthrough. */
  gst_base_transform_set_passthrough (GST_BASE_TRANSFORM (self), FALSE);
  gst_lstm_properties_init (self);
  self->previous_index = NO_PREVIOUS_STEP;
  gst_lstm_gate_install (GST_BASE_TRANSFORM_SINK_PAD (self));
}
