/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-lstmlabel
 * @title: lstmlabel
 * @short_description: the best label of each vector of scores, as text and as a message
 *
 * Takes vectors of n scores and gives, for each of their steps, the label of the greatest one
 * as text, `pan-left 0.97`, with the step's time. #GstLstmLabel:labels-location names a UTF-8
 * text file with one label per line; without it the labels are the numbers from 0.
 *
 * A step whose best score is below #GstLstmLabel:threshold, or in which a score is not a
 * number, has no label: a GAP event takes the place of its text.
 *
 * Whenever the label is another than the step before had, and at the first step, an element
 * message named `lstm-label` is posted with these fields:
 *
 * * #gchararray `label`: the label, or an empty string for none
 * * #gint `index`: its index among the scores, or -1 for none
 * * #gdouble `score`: the greatest score, whether it has a label or not, or NaN
 * * #GstClockTime `timestamp`, `stream-time`, `running-time`: the step's time
 * * #GstClockTime `duration`: the step's duration
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 textoverlay name=overlay ! videoconvert ! autovideosink
 *   filesrc location=film.webm ! decodebin ! tee name=t ! queue ! overlay.video_sink
 *   t. ! queue ! lstmfeatures ! lstm model-location=motion.safetensors !
 *   lstmlabel labels-location=motion.labels threshold=0.5 ! overlay.text_sink
 * ]| Writes the camera's motion on the picture; add -m to see the messages too.
 */
#include "elements.h"
#include "common/errors.h"
#include "common/gate.h"
#include "util/input-file.h"
#include "label/label-media.h"
#include <gst/base/gstbasetransform.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

GST_DEBUG_CATEGORY_STATIC (lstmlabel_debug);
#define GST_CAT_DEFAULT lstmlabel_debug

#define DEFAULT_THRESHOLD 0.0f
#define DEFAULT_TENSOR_ID GST_LSTM_TENSOR_ID
#define MAX_FILE_SIZE (1 << 20) /* bytes */

#define NO_LABEL (-1)
#define NOT_YET (-2) /* no step was seen that a label could differ from */

struct _GstLstmLabel {
  GstBaseTransform parent;
  gchar *location; /* the object lock guards these four */
  gfloat threshold;
  gchar *input_tensor_id; /* these two count when the element starts */
  gboolean region;

  /* from here on: of the streaming thread */
  GStrv labels;           /* from start() to stop(); NULL: the indices are the labels */
  GstLstmTensors tensors; /* one, of n scores; streams is 1 */
  gint last;              /* the index of the step before, NO_LABEL or NOT_YET */
  GstCaps *refused;       /* caps whose error is posted */
  GstBuffer *scores;      /* what the next step is read from, or NULL */
  guint step;
  gboolean passes; /* video, with labels beside it; */
  GstLstmLabelMedia media;
  GstLstmSteps steps; /* of the frame that is read */
};

#define GST_TYPE_LSTM_LABEL (gst_lstm_label_get_type ())
G_DECLARE_FINAL_TYPE (GstLstmLabel, gst_lstm_label, GST, LSTM_LABEL, GstBaseTransform)
G_DEFINE_TYPE (GstLstmLabel, gst_lstm_label, GST_TYPE_BASE_TRANSFORM)
GST_ELEMENT_REGISTER_DEFINE (lstmlabel, "lstmlabel", GST_RANK_NONE, GST_TYPE_LSTM_LABEL)

enum {
  PROP_0,
  PROP_LABELS_LOCATION,
  PROP_THRESHOLD,
  PROP_TENSOR_ID,
  PROP_REGION,
};

#if HAVE_ANALYTICS
#  define VIDEO ";video/x-raw(ANY)"
#else
#  define VIDEO ""
#endif

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_LSTM_TENSOR_SINK_CAPS VIDEO));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC,
    GST_PAD_ALWAYS, GST_STATIC_CAPS ("text/x-raw, format = (string) utf8" VIDEO));

/* The whole file as a string without NULs and without a byte order mark, or NULL. */
static gchar *
read_text (const gchar *location, GError **error)
{
  g_autoptr (GError) cause = NULL;
  g_autoptr (GBytes) bytes = NULL;
  gchar *result = NULL;
  guint64 length;
  gint file = lstm_input_file_open (location, &length, &cause);
  const gchar *text;
  gsize size;

  if (file >= 0 && length <= MAX_FILE_SIZE)
    bytes = lstm_input_file_read_all (file, location, length, &cause);
  if (file >= 0)
    close (file);
  text = bytes && g_bytes_get_size (bytes) ? g_bytes_get_data (bytes, NULL) : "";
  size = bytes ? g_bytes_get_size (bytes) : 0;
  if (cause)
    g_set_error (error, GST_RESOURCE_ERROR,
        g_error_matches (cause, G_FILE_ERROR, G_FILE_ERROR_NOENT)
            ? GST_RESOURCE_ERROR_NOT_FOUND
            : GST_RESOURCE_ERROR_OPEN_READ,
        "Cannot read labels file: %s.", cause->message);
  else if (!bytes)
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ,
        "Labels file '%s' is larger than %d bytes.", location, MAX_FILE_SIZE);
  else if (!g_utf8_validate (text, (gssize) size, NULL))
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ,
        "Labels file '%s' is not UTF-8 text.", location);
  else
    result = g_strndup (text, size);
  if (result && g_str_has_prefix (result, "\xef\xbb\xbf"))
    memmove (result, result + 3, size - 3 + 1);
  return result;
}

/* One label per line, or NULL. */
static GStrv
read_labels (const gchar *location, GError **error)
{
  g_autofree gchar *text = read_text (location, error);
  g_auto (GStrv) lines = NULL;

  if (!text)
    return NULL;
  lines = g_strsplit (g_strchomp (text), "\n", -1);
  if (!lines[0]) {
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ,
        "Labels file '%s' is empty.", location);
    return NULL;
  }
  for (guint i = 0; lines[i]; i++) {
    if (g_strchomp (lines[i])[0] == '\0') { /* of a message it would mean: no label */
      g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ,
          "Labels file '%s': line %u is blank.", location, i + 1);
      return NULL;
    }
  }
  return g_steal_pointer (&lines);
}

/* Nothing that was seen so far counts any more. */
static void
forget (GstLstmLabel *self)
{
  self->last = NOT_YET;
  gst_clear_buffer (&self->scores);
}

static gboolean
gst_lstm_label_start (GstBaseTransform *trans)
{
  GstLstmLabel *self = GST_LSTM_LABEL (trans);
  g_autofree gchar *location = NULL;
  g_autoptr (GError) error = NULL;

  GST_OBJECT_LOCK (self);
  location = g_strdup (self->location);
  self->media.id = g_quark_from_string (self->input_tensor_id);
  self->media.region = self->region;
  GST_OBJECT_UNLOCK (self);
  forget (self);
  if (!location)
    return TRUE;
  self->labels = read_labels (location, &error);
  if (error) {
    gst_lstm_post_error (self, error, NULL);
    return FALSE;
  }
  GST_DEBUG_OBJECT (self, "%u labels from '%s'", g_strv_length (self->labels), location);
  return TRUE;
}

static gboolean
gst_lstm_label_stop (GstBaseTransform *trans)
{
  GstLstmLabel *self = GST_LSTM_LABEL (trans);

  forget (self);
  gst_lstm_steps_clear (&self->steps);
  gst_caps_replace (&self->refused, NULL);
  g_clear_pointer (&self->labels, g_strfreev);
  return TRUE;
}

static gboolean
is_video (const GstCaps *caps, guint i)
{
  return gst_structure_has_name (gst_caps_get_structure (caps, i), "video/x-raw");
}

/* Video stays what it is, and tensors become text. */
static GstCaps *
gst_lstm_label_transform_caps (
    GstBaseTransform *trans, GstPadDirection direction, GstCaps *caps, GstCaps *filter)
{
  GstPad *other_pad = direction == GST_PAD_SINK ? trans->srcpad : trans->sinkpad;
  g_autoptr (GstCaps) other = gst_pad_get_pad_template_caps (other_pad);
  GstCaps *result = gst_caps_is_any (caps) ? gst_caps_ref (other) : gst_caps_new_empty ();

  for (guint i = 0; i < gst_caps_get_size (caps); i++)
    result = gst_caps_merge (result,
        is_video (caps, i) ? gst_caps_copy_nth (caps, i) : gst_caps_copy_nth (other, 0));
  return gst_lstm_caps_filter (result, filter);
}

/* Scores come beside each frame. */
static void
take_video (GstLstmLabel *self, const GstCaps *caps)
{
  const GstStructure *s = gst_caps_get_structure (caps, 0);

  gst_lstm_tensors_init (&self->tensors, 0, s);
  self->tensors.fps_n = 0; /* steps of a frame share its duration */
  self->media.width = self->media.height = 0;
  gst_structure_get_int (s, "width", &self->media.width);
  gst_structure_get_int (s, "height", &self->media.height);
}

/* FALSE, naming what does not fit, unless @caps are of one stream and as many scores as labels. */
static gboolean
parse_caps (GstLstmLabel *self, GstLstmTensors *tensors, GstCaps *caps, GError **error)
{
  g_autofree gchar *location = NULL;

  if (!gst_lstm_tensors_from_caps (tensors, caps, error))
    return FALSE;
  if (tensors->rows[0] != 1)
    return gst_lstm_fail (error, GST_LSTM_STREAM (FORMAT),
        "caps field names: expected a vector of scores, got '%s'", tensors->name[0]);
  if (tensors->streams != 1)
    return gst_lstm_fail (error, GST_LSTM_STREAM (FORMAT),
        "caps field dimensions: streams expected 1, got %u", tensors->streams);
  if (!self->labels || g_strv_length (self->labels) == tensors->size[0])
    return TRUE;
  g_object_get (self, "labels-location", &location, NULL);
  return gst_lstm_fail (error, GST_LSTM_STREAM (FORMAT),
      "Labels file '%s' has %u labels, but the vectors have %u scores.", location,
      g_strv_length (self->labels), tensors->size[0]);
}

static gboolean
gst_lstm_label_set_caps (GstBaseTransform *trans, GstCaps *in_caps, GstCaps *out_caps)
{
  GstLstmLabel *self = GST_LSTM_LABEL (trans);
  const gboolean passes = is_video (in_caps, 0);
  g_autoptr (GError) error = NULL;
  GstLstmTensors tensors;

  if (!passes && !parse_caps (self, &tensors, in_caps, &error)) {
    gst_lstm_refuse_caps (self, &self->refused, in_caps, error);
    return FALSE;
  }
  if (passes)
    take_video (self, in_caps);
  else
    self->tensors = tensors;
  self->passes = passes;
  gst_base_transform_set_in_place (trans, passes);
  return TRUE;
}

static gboolean
gst_lstm_label_sink_event (GstBaseTransform *trans, GstEvent *event)
{
  gst_lstm_forget_refused_caps (&GST_LSTM_LABEL (trans)->refused, event);
  if (GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_STOP
      || GST_EVENT_TYPE (event) == GST_EVENT_STREAM_START)
    forget (GST_LSTM_LABEL (trans));
  return GST_BASE_TRANSFORM_CLASS (gst_lstm_label_parent_class)->sink_event (trans, event);
}

/* Time from the buffer's first step to step @i, which may be one past its last: by the
 * framerate, or as a share of the buffer's duration. */
static GstClockTime
step_offset (const GstLstmTensors *tensors, const GstBuffer *buffer, guint i)
{
  if (i == 0)
    return 0;
  if (i == tensors->steps && tensors->steps == 1 && GST_BUFFER_DURATION_IS_VALID (buffer))
    return GST_BUFFER_DURATION (buffer);
  if (tensors->fps_n > 0)
    return gst_lstm_tensors_step_offset (tensors, i);
  if (GST_BUFFER_DURATION_IS_VALID (buffer))
    return gst_util_uint64_scale_int (
        GST_BUFFER_DURATION (buffer), (gint) i, (gint) tensors->steps);
  return GST_CLOCK_TIME_NONE;
}

static void
step_time (GstLstmLabel *self, GstClockTime *pts, GstClockTime *duration)
{
  GstClockTime from = step_offset (&self->tensors, self->scores, self->step);
  GstClockTime to = step_offset (&self->tensors, self->scores, self->step + 1);

  *pts = GST_BUFFER_PTS_IS_VALID (self->scores) && GST_CLOCK_TIME_IS_VALID (from)
             ? GST_BUFFER_PTS (self->scores) + from
             : GST_CLOCK_TIME_NONE;
  *duration = GST_CLOCK_TIME_IS_VALID (from) && GST_CLOCK_TIME_IS_VALID (to)
                  ? to - from
                  : GST_CLOCK_TIME_NONE;
}

/* The index of the first of the greatest @scores (n), or NO_LABEL if one is NaN. */
static gint
greatest (const gfloat *scores, guint n, gdouble *score)
{
  guint best = 0;

  for (guint i = 0; i < n; i++) {
    if (isnan (scores[i])) {
      *score = NAN;
      return NO_LABEL;
    }
    if (scores[i] > scores[best])
      best = i;
  }
  *score = scores[best];
  return (gint) best;
}

/* Returns: (transfer full) */
static gchar *
label_text (GstLstmLabel *self, gint index)
{
  if (index == NO_LABEL)
    return g_strdup ("");
  return self->labels ? g_strdup (self->labels[index]) : g_strdup_printf ("%d", index);
}

static void
post_label (GstLstmLabel *self, const gchar *label, gint index, gdouble score, GstClockTime pts,
    GstClockTime duration)
{
  const GstSegment *segment = &GST_BASE_TRANSFORM (self)->segment;
  const gboolean timed = segment->format == GST_FORMAT_TIME;
  guint64 stream_time = timed ? gst_segment_to_stream_time (segment, GST_FORMAT_TIME, pts)
                              : GST_CLOCK_TIME_NONE;
  guint64 running_time = timed ? gst_segment_to_running_time (segment, GST_FORMAT_TIME, pts)
                               : GST_CLOCK_TIME_NONE;
  GstStructure *s = gst_structure_new ("lstm-label", "label", G_TYPE_STRING, label, "index",
      G_TYPE_INT, index, "score", G_TYPE_DOUBLE, score, "timestamp", GST_TYPE_CLOCK_TIME, pts,
      "stream-time", GST_TYPE_CLOCK_TIME, stream_time, "running-time", GST_TYPE_CLOCK_TIME,
      running_time, "duration", GST_TYPE_CLOCK_TIME, duration, NULL);

  gst_element_post_message (GST_ELEMENT (self), gst_message_new_element (GST_OBJECT (self), s));
}

/* The label of a step, or "" for none, and a message if it is another than before.
 * Returns: (transfer full) */
static gchar *
choose_label (GstLstmLabel *self, const gfloat *scores, gdouble *score, GstClockTime *pts,
    GstClockTime *duration)
{
  gint index = greatest (scores, self->tensors.size[0], score);
  gchar *label;
  gfloat threshold;

  GST_OBJECT_LOCK (self);
  threshold = self->threshold;
  GST_OBJECT_UNLOCK (self);
  if (index != NO_LABEL && *score < threshold)
    index = NO_LABEL;
  label = label_text (self, index);
  step_time (self, pts, duration);
  if (index != self->last) {
    self->last = index;
    post_label (self, label, index, *score, *pts, *duration);
  }
  return label;
}

/* Returns: (transfer full): the text of the step, or NULL after a GAP event in its place. */
static GstBuffer *
label_step (GstLstmLabel *self, const gfloat *scores)
{
  GstClockTime pts, duration;
  gdouble score;
  g_autofree gchar *label = choose_label (self, scores, &score, &pts, &duration);
  GstBuffer *text = NULL;

  if (*label) {
    gchar number[64]; /* -G_MAXFLOAT has 39 digits before the point */
    gchar *line = g_strconcat (
        label, " ", g_ascii_formatd (number, sizeof number, "%.2f", score), NULL);

    text = gst_buffer_new_wrapped (line, strlen (line));
    GST_BUFFER_PTS (text) = pts;
    GST_BUFFER_DURATION (text) = duration;
  } else if (GST_CLOCK_TIME_IS_VALID (pts)) {
    gst_pad_push_event (GST_BASE_TRANSFORM_SRC_PAD (self), gst_event_new_gap (pts, duration));
  }
  return text;
}

#if HAVE_ANALYTICS
/* @frame (transfer full) has the label of its last step. */
static GstFlowReturn
label_frame (GstLstmLabel *self, GstBuffer *frame, GstBuffer **out)
{
  gsize n = self->labels ? g_strv_length (self->labels) : 0;
  g_autofree gchar *label = NULL;
  g_autoptr (GError) error = NULL;
  GstClockTime pts, duration;
  gdouble score = 0;

  if (!gst_lstm_label_media_open (&self->media, frame, &self->steps, &n, &error)) {
    gst_buffer_unref (frame);
    gst_lstm_post_error (self, error, NULL);
    return GST_FLOW_ERROR;
  }
  self->scores = frame;
  self->tensors.size[0] = (guint) n;
  self->tensors.steps = self->steps.x ? self->steps.n_steps : 0;
  for (self->step = 0; self->step < self->tensors.steps; self->step++) {
    g_free (label);
    label = choose_label (self, self->steps.x + self->step * n, &score, &pts, &duration);
  }
  gst_lstm_steps_close (&self->steps);
  *out = g_steal_pointer (&self->scores);
  if (label && *label)
    *out = gst_lstm_label_media_attach (&self->media, *out, label, (gfloat) score);
  return GST_FLOW_OK;
}

/* generate_output() comes before both: that there are two lets one choose whether buffers pass. */
static GstFlowReturn
gst_lstm_label_transform (GstBaseTransform *trans, GstBuffer *inbuf, GstBuffer *outbuf)
{
  return GST_FLOW_NOT_SUPPORTED;
}

static GstFlowReturn
gst_lstm_label_transform_ip (GstBaseTransform *trans, GstBuffer *buffer)
{
  return GST_FLOW_NOT_SUPPORTED;
}
#endif

/* Called again and again until it gives no buffer: one for each step that has a label. */
static GstFlowReturn
gst_lstm_label_generate_output (GstBaseTransform *trans, GstBuffer **out)
{
  GstLstmLabel *self = GST_LSTM_LABEL (trans);
  GstBuffer *arrived = g_steal_pointer (&trans->queued_buf);
  GstMapInfo map;

#if HAVE_ANALYTICS
  if (arrived && self->passes)
    return label_frame (self, arrived, out);
#endif
  if (arrived) {
    g_autoptr (GError) error = NULL;

    gst_buffer_replace (&self->scores, NULL);
    if (!gst_lstm_tensors_check_buffer (&self->tensors, arrived, &error)) {
      gst_buffer_unref (arrived);
      gst_lstm_post_error (self, error, NULL);
      return GST_FLOW_ERROR;
    }
    self->scores = arrived;
    self->step = 0;
  }
  if (!self->scores)
    return GST_FLOW_OK;
  if (!gst_buffer_map (self->scores, &map, GST_MAP_READ)) {
    gst_clear_buffer (&self->scores);
    GST_ELEMENT_ERROR (self, RESOURCE, READ, ("The scores' memory cannot be read."), (NULL));
    return GST_FLOW_ERROR;
  }
  for (; !*out && self->step < self->tensors.steps; self->step++)
    *out = label_step (
        self, (const gfloat *) map.data + (gsize) self->step * self->tensors.size[0]);
  gst_buffer_unmap (self->scores, &map);
  if (!*out)
    gst_clear_buffer (&self->scores);
  return GST_FLOW_OK;
}

static void
gst_lstm_label_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstLstmLabel *self = GST_LSTM_LABEL (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
  case PROP_LABELS_LOCATION:
    g_free (self->location);
    self->location = g_value_dup_string (value);
    break;
  case PROP_THRESHOLD:
    self->threshold = g_value_get_float (value);
    break;
  case PROP_TENSOR_ID:
    g_free (self->input_tensor_id);
    self->input_tensor_id = g_value_dup_string (value);
    break;
  case PROP_REGION:
    self->region = g_value_get_boolean (value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_lstm_label_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstLstmLabel *self = GST_LSTM_LABEL (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
  case PROP_LABELS_LOCATION:
    g_value_set_string (value, self->location);
    break;
  case PROP_THRESHOLD:
    g_value_set_float (value, self->threshold);
    break;
  case PROP_TENSOR_ID:
    g_value_set_string (value, self->input_tensor_id);
    break;
  case PROP_REGION:
    g_value_set_boolean (value, self->region);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_lstm_label_finalize (GObject *object)
{
  GstLstmLabel *self = GST_LSTM_LABEL (object);

  g_free (self->location);
  g_free (self->input_tensor_id);
  G_OBJECT_CLASS (gst_lstm_label_parent_class)->finalize (object);
}

static void
gst_lstm_label_class_init (GstLstmLabelClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *transform_class = GST_BASE_TRANSFORM_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (lstmlabel_debug, "lstmlabel", 0, "scores to labels");
  object_class->set_property = gst_lstm_label_set_property;
  object_class->get_property = gst_lstm_label_get_property;
  object_class->finalize = gst_lstm_label_finalize;
  g_object_class_install_property (object_class, PROP_LABELS_LOCATION,
      g_param_spec_string ("labels-location", "Labels location",
          "Text file in UTF-8 with one label per line, as many as a vector has scores "
          "(unset: the labels are numbers from 0)",
          NULL, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));
  g_object_class_install_property (object_class, PROP_THRESHOLD,
      g_param_spec_float ("threshold", "Threshold",
          "Least score that gives a label, in the unit of the scores (0 to 1 after a softmax)",
          -G_MAXFLOAT, G_MAXFLOAT, DEFAULT_THRESHOLD,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));
#if HAVE_ANALYTICS
  g_object_class_install_property (object_class, PROP_TENSOR_ID,
      g_param_spec_string ("input-tensor-id", "Input tensor id",
          "The tensor of a frame's GstTensorMeta that has the scores", DEFAULT_TENSOR_ID,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));
  g_object_class_install_property (object_class, PROP_REGION,
      g_param_spec_boolean ("region", "Region",
          "Whether the label of a frame comes with a region, which is the whole frame: "
          "overlays "
          "write labels of regions alone",
          TRUE, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));
  transform_class->transform = gst_lstm_label_transform;
  transform_class->transform_ip = gst_lstm_label_transform_ip;
#endif
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "LSTM label", "Converter/Text",
      "Names the greatest score of each vector, as text and as element messages",
      "The gst-lstm developers");
  transform_class->start = gst_lstm_label_start;
  transform_class->stop = gst_lstm_label_stop;
  transform_class->transform_caps = gst_lstm_label_transform_caps;
  transform_class->set_caps = gst_lstm_label_set_caps;
  transform_class->sink_event = gst_lstm_label_sink_event;
  transform_class->generate_output = gst_lstm_label_generate_output;
}

static void
gst_lstm_label_init (GstLstmLabel *self)
{
  /* What the base class takes for granted of an element without transform(). */
  gst_base_transform_set_passthrough (GST_BASE_TRANSFORM (self), FALSE);
  self->threshold = DEFAULT_THRESHOLD;
  self->input_tensor_id = g_strdup (DEFAULT_TENSOR_ID);
  self->region = TRUE;
  self->last = NOT_YET;
  gst_lstm_gate_install (GST_BASE_TRANSFORM_SINK_PAD (self));
}
