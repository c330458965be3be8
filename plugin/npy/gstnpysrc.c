/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-npysrc
 * @title: npysrc
 * @short_description: feature vectors from a NumPy file
 *
 * Reads a .npy file of shape [size], [length, size] or [streams, length, size], in C order and
 * of any little-endian float, integer or bool type, and sends its steps as float32
 * `other/tensors`. With streams, a buffer holds the same steps of all of them:
 * [streams, steps, size].
 *
 * #npysrc:framerate gives the steps their times. A seek goes back to the step in which its
 * time lies, segment start included; steps that begin before the segment's stop are sent.
 * Where #npysrc:steps-per-buffer does not divide what is to be sent, new caps announce a
 * shorter last buffer.
 *
 * The file must stay as it is while it is read; one that is truncated meanwhile is an error.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 npysrc location=features.npy framerate=30/1 ! lstm
 *     model-location=action.safetensors ! npysink location=hidden.npy
 * ]|
 */
#include "elements.h"
#include "common/errors.h"
#include "npy/npy.h"
#include "common/tensors.h"
#include <gst/base/gstpushsrc.h>

GST_DEBUG_CATEGORY_STATIC (npysrc_debug);
#define GST_CAT_DEFAULT npysrc_debug

#define DEFAULT_FPS_N 30
#define DEFAULT_FPS_D 1
#define DEFAULT_STEPS_PER_BUFFER 1

enum { PROP_LOCATION = 1, PROP_FRAMERATE, PROP_STEPS_PER_BUFFER };

typedef struct {
  GstPushSrc parent;

  /* Properties, under the object lock; what start() found there counts. */
  gchar *location;
  gint fps_n, fps_d;
  guint steps_per_buffer;

  /* From start() to stop(), and of use while there are tensors. */
  GstLstmNpyReader *reader;
  guint max_steps; /* of a buffer */
  guint64 step;    /* the next one to send */
  guint64 end;     /* the step before which the segment ends */

  /* As negotiated; steps changes for a shorter buffer. Written under the object lock by the
   * streaming thread, since queries come from others. */
  GstLstmTensors tensors;
} GstNpySrc;
typedef GstPushSrcClass GstNpySrcClass;

GType gst_npy_src_get_type (void);
G_DEFINE_TYPE (GstNpySrc, gst_npy_src, GST_TYPE_PUSH_SRC)
GST_ELEMENT_REGISTER_DEFINE (npysrc, "npysrc", GST_RANK_NONE, gst_npy_src_get_type ())
#define NPY_SRC(object) ((GstNpySrc *) (object))

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_LSTM_TENSOR_CAPS));

/* Times and steps. Step i begins at floor (i * period) ns, so before @time if i * period does. */

static guint64
steps_before (const GstLstmTensors *tensors, GstClockTime time)
{
  return gst_util_uint64_scale_ceil (
      time, (guint64) tensors->fps_n, (guint64) tensors->fps_d * GST_SECOND);
}

/* The last step that begins at @time or before it. */
static guint64
step_at (const GstLstmTensors *tensors, GstClockTime time)
{
  return steps_before (tensors, time + 1) - 1;
}

static gboolean
convert (const GstLstmTensors *tensors, GstFormat from, gint64 value, GstFormat to, gint64 *out)
{
  guint64 result;

  if (from == to || value == -1) {
    *out = value;
    return TRUE;
  }
  if (tensors->fps_n == 0 || value < 0)
    return FALSE;
  if (from == GST_FORMAT_TIME && to == GST_FORMAT_DEFAULT)
    result = step_at (tensors, (GstClockTime) value);
  else if (from == GST_FORMAT_DEFAULT && to == GST_FORMAT_TIME)
    result = gst_lstm_tensors_step_offset (tensors, (guint64) value);
  else
    return FALSE;
  *out = (gint64) result;
  return result <= G_MAXINT64;
}

static gboolean
query_convert (GstNpySrc *self, GstQuery *query)
{
  GstLstmTensors tensors;
  GstFormat from, to;
  gint64 value, result;

  GST_OBJECT_LOCK (self);
  tensors = self->tensors;
  GST_OBJECT_UNLOCK (self);
  gst_query_parse_convert (query, &from, &value, &to, NULL);
  if (!convert (&tensors, from, value, to, &result))
    return FALSE;
  gst_query_set_convert (query, from, value, to, result);
  return TRUE;
}

static gboolean
gst_npy_src_query (GstBaseSrc *src, GstQuery *query)
{
  switch (GST_QUERY_TYPE (query)) {
  case GST_QUERY_CONVERT:
    return query_convert (NPY_SRC (src), query);
  case GST_QUERY_FORMATS:
    gst_query_set_formats (query, 3, GST_FORMAT_TIME, GST_FORMAT_DEFAULT, GST_FORMAT_PERCENT);
    return TRUE;
  default:
    return GST_BASE_SRC_CLASS (gst_npy_src_parent_class)->query (src, query);
  }
}

/* Seeking */

static gboolean
gst_npy_src_is_seekable (GstBaseSrc *src)
{
  GstNpySrc *self = NPY_SRC (src);
  gboolean timed;

  GST_OBJECT_LOCK (self);
  timed = self->tensors.fps_n > 0;
  GST_OBJECT_UNLOCK (self);
  return timed;
}

static gboolean
gst_npy_src_do_seek (GstBaseSrc *src, GstSegment *segment)
{
  GstNpySrc *self = NPY_SRC (src);
  GstLstmTensors tensors;
  guint64 length;

  /* A seek may have passed the pad before the element stopped, and may come here later. */
  GST_OBJECT_LOCK (self);
  tensors = self->tensors;
  length = tensors.n_tensors > 0 ? self->reader->length : 0;
  GST_OBJECT_UNLOCK (self);
  /* The base class asks for the start in any case, before it begins. */
  if (tensors.n_tensors == 0 || (tensors.fps_n == 0 && segment->position != 0))
    return FALSE;
  self->end = length;
  self->step = 0;
  if (tensors.fps_n > 0) {
    self->step = MIN (length, step_at (&tensors, segment->position));
    segment->start = gst_lstm_tensors_step_offset (&tensors, self->step);
    segment->time = segment->position = segment->start;
    if (GST_CLOCK_TIME_IS_VALID (segment->stop))
      self->end = MIN (length, steps_before (&tensors, segment->stop));
  }
  GST_DEBUG_OBJECT (self,
      "from step %" G_GUINT64_FORMAT " up to %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT,
      self->step, self->end, length);
  return TRUE;
}

/* The base class would refuse after it has flushed, and then go on without a segment. */
static gboolean
can_seek (GstNpySrc *self, GstEvent *event)
{
  gdouble rate;
  gboolean timed;

  gst_event_parse_seek (event, &rate, NULL, NULL, NULL, NULL, NULL, NULL);
  GST_OBJECT_LOCK (self);
  timed = self->fps_n > 0;
  GST_OBJECT_UNLOCK (self);
  if (rate != 1.0)
    GST_WARNING_OBJECT (self, "seek: expected rate 1, got %g", rate);
  else if (!timed)
    GST_WARNING_OBJECT (self, "seek: expected a framerate, got 0/1");
  return rate == 1.0 && timed;
}

static gboolean
gst_npy_src_event (GstBaseSrc *src, GstEvent *event)
{
  /* Before the element has started, a task would hold the lock that its start still takes. */
  if (GST_EVENT_TYPE (event) == GST_EVENT_SEEK
      && (!GST_BASE_SRC_IS_STARTED (src) || !can_seek (NPY_SRC (src), event)))
    return FALSE;
  return GST_BASE_SRC_CLASS (gst_npy_src_parent_class)->event (src, event);
}

/* Sent to the element itself, events do not come by the method above. */
static gboolean
gst_npy_src_send_event (GstElement *element, GstEvent *event)
{
  if (GST_EVENT_TYPE (event) == GST_EVENT_SEEK && !can_seek (NPY_SRC (element), event)) {
    gst_event_unref (event);
    return FALSE;
  }
  return GST_ELEMENT_CLASS (gst_npy_src_parent_class)->send_event (element, event);
}

/* Streaming */

static GstCaps *
gst_npy_src_get_caps (GstBaseSrc *src, GstCaps *filter)
{
  GstNpySrc *self = NPY_SRC (src);
  GstCaps *caps = NULL;

  GST_OBJECT_LOCK (self);
  if (self->tensors.n_tensors > 0)
    caps = gst_lstm_tensors_to_caps (&self->tensors);
  GST_OBJECT_UNLOCK (self);
  if (!caps)
    caps = gst_pad_get_pad_template_caps (GST_BASE_SRC_PAD (src));
  return gst_lstm_caps_filter (caps, filter);
}

/* Caps for buffers of @steps, as downstream likes them spelled. */
static GstFlowReturn
set_steps (GstNpySrc *self, guint steps)
{
  GST_OBJECT_LOCK (self);
  self->tensors.steps = steps;
  GST_OBJECT_UNLOCK (self);
  if (gst_base_src_negotiate (GST_BASE_SRC (self)))
    return GST_FLOW_OK;
  if (GST_PAD_IS_FLUSHING (GST_BASE_SRC_PAD (self)))
    return GST_FLOW_FLUSHING;
  GST_ELEMENT_ERROR (self, STREAM, FORMAT,
      ("%s: expected a downstream that takes a buffer of %u of the %" G_GUINT64_FORMAT
       " steps, got none; buffers are of %u",
          self->reader->path, steps, self->reader->length, self->max_steps),
      (NULL));
  return GST_FLOW_ERROR;
}

static void
stamp (GstNpySrc *self, GstBuffer *buffer)
{
  const GstLstmTensors *tensors = &self->tensors;
  guint64 end = self->step + tensors->steps;

  GST_BUFFER_OFFSET (buffer) = self->step;
  GST_BUFFER_OFFSET_END (buffer) = end;
  if (tensors->fps_n > 0) {
    GST_BUFFER_PTS (buffer) = gst_lstm_tensors_step_offset (tensors, self->step);
    GST_BUFFER_DURATION (buffer) = gst_lstm_tensors_step_offset (tensors, end)
                                   - GST_BUFFER_PTS (buffer);
  }
}

static GstFlowReturn
gst_npy_src_create (GstPushSrc *src, GstBuffer **buffer)
{
  GstNpySrc *self = NPY_SRC (src);
  g_autoptr (GError) error = NULL;
  g_autofree gfloat *items = NULL;
  guint steps;
  gsize bytes;

  /* A seek that came while the element stopped may have begun the task anew. */
  if (!GST_BASE_SRC_IS_STARTED (src))
    return GST_FLOW_FLUSHING;
  if (self->step >= self->end)
    return GST_FLOW_EOS;
  steps = (guint) MIN (self->max_steps, self->end - self->step);
  if (steps != self->tensors.steps) {
    GstFlowReturn flow = set_steps (self, steps);

    if (flow != GST_FLOW_OK)
      return flow;
  }
  bytes = gst_lstm_tensors_bytes (&self->tensors, 0);
  items = g_try_malloc (bytes);
  if (!items) {
    GST_ELEMENT_ERROR (self, RESOURCE, NO_SPACE_LEFT,
        ("%s: no memory for a buffer of %" G_GSIZE_FORMAT " bytes", self->reader->path, bytes),
        (NULL));
    return GST_FLOW_ERROR;
  }
  if (!gst_lstm_npy_reader_read (self->reader, items, self->step, steps, &error)) {
    gst_lstm_post_error (self, error, NULL);
    return GST_FLOW_ERROR;
  }
  *buffer = gst_buffer_new_wrapped (g_steal_pointer (&items), bytes);
  stamp (self, *buffer);
  self->step += steps;
  return GST_FLOW_OK;
}

/* Starting and stopping */

/* FALSE, and an error, when a buffer of @steps (0: all) is more than caps can tell of. */
static gboolean
set_shape (GstNpySrc *self, guint steps, GstLstmTensors *tensors, GError **error)
{
  const GstLstmNpyReader *reader = self->reader;
  guint64 most = steps > 0 ? MIN (steps, reader->length) : reader->length;
  /* Size and streams are at most 2^31 - 1. */
  guint64 step_bytes = reader->size * reader->streams * sizeof (gfloat);

  if (most > G_MAXINT32 || MAX (most, 1) > G_MAXSSIZE / step_bytes)
    return gst_lstm_fail (error, GST_LSTM_STREAM (FORMAT),
        "%s: property steps-per-buffer: expected what a buffer can hold, got %" G_GUINT64_FORMAT
        " steps of %" G_GUINT64_FORMAT " x %" G_GUINT64_FORMAT,
        reader->path, most, reader->streams, reader->size);
  self->max_steps = (guint) MAX (most, 1);
  tensors->n_tensors = 1;
  tensors->size[0] = (guint) reader->size;
  tensors->rows[0] = 1;
  tensors->steps = self->max_steps;
  tensors->streams = (guint) reader->streams;
  return TRUE;
}

static gboolean
gst_npy_src_start (GstBaseSrc *src)
{
  GstNpySrc *self = NPY_SRC (src);
  GstLstmTensors tensors = {0};
  g_autoptr (GError) error = NULL;
  g_autofree gchar *location = NULL;
  guint steps;

  GST_OBJECT_LOCK (self);
  location = g_strdup (self->location);
  tensors.fps_n = self->fps_n;
  tensors.fps_d = self->fps_d;
  steps = self->steps_per_buffer;
  GST_OBJECT_UNLOCK (self);

  if (!location)
    gst_lstm_fail (&error, GST_LSTM_RESOURCE (NOT_FOUND),
        "property location: expected a .npy file, got nothing");
  else
    self->reader = gst_lstm_npy_reader_new (location, &error);
  if (!self->reader || !set_shape (self, steps, &tensors, &error)) {
    gst_lstm_post_error (self, error, NULL);
    g_clear_pointer (&self->reader, gst_lstm_npy_reader_free);
    return FALSE;
  }
  GST_INFO_OBJECT (self,
      "%s: %" G_GUINT64_FORMAT " streams of %" G_GUINT64_FORMAT " steps of %" G_GUINT64_FORMAT
      " %s",
      location, self->reader->streams, self->reader->length, self->reader->size,
      self->reader->type->npy);

  GST_OBJECT_LOCK (self);
  self->tensors = tensors;
  src->segment.duration = tensors.fps_n > 0
                              ? gst_lstm_tensors_step_offset (&tensors, self->reader->length)
                              : GST_CLOCK_TIME_NONE;
  GST_OBJECT_UNLOCK (self);
  return TRUE;
}

static gboolean
gst_npy_src_stop (GstBaseSrc *src)
{
  GstNpySrc *self = NPY_SRC (src);

  /* The task has been joined, but a seek may have begun it anew: create() ends first. */
  GST_PAD_STREAM_LOCK (GST_BASE_SRC_PAD (src));
  GST_OBJECT_LOCK (self);
  self->tensors = (GstLstmTensors){0};
  GST_OBJECT_UNLOCK (self);
  g_clear_pointer (&self->reader, gst_lstm_npy_reader_free);
  GST_PAD_STREAM_UNLOCK (GST_BASE_SRC_PAD (src));
  return TRUE;
}

/* Object */

static void
gst_npy_src_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstNpySrc *self = NPY_SRC (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
  case PROP_LOCATION:
    g_free (self->location);
    self->location = g_value_dup_string (value);
    break;
  case PROP_FRAMERATE:
    self->fps_n = gst_value_get_fraction_numerator (value);
    self->fps_d = gst_value_get_fraction_denominator (value);
    break;
  case PROP_STEPS_PER_BUFFER:
    self->steps_per_buffer = g_value_get_uint (value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_npy_src_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstNpySrc *self = NPY_SRC (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
  case PROP_LOCATION:
    g_value_set_string (value, self->location);
    break;
  case PROP_FRAMERATE:
    gst_value_set_fraction (value, self->fps_n, self->fps_d);
    break;
  case PROP_STEPS_PER_BUFFER:
    g_value_set_uint (value, self->steps_per_buffer);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_npy_src_finalize (GObject *object)
{
  g_free (NPY_SRC (object)->location);
  G_OBJECT_CLASS (gst_npy_src_parent_class)->finalize (object);
}

static void
gst_npy_src_init (GstNpySrc *self)
{
  self->fps_n = DEFAULT_FPS_N;
  self->fps_d = DEFAULT_FPS_D;
  self->steps_per_buffer = DEFAULT_STEPS_PER_BUFFER;
  gst_base_src_set_format (GST_BASE_SRC (self), GST_FORMAT_TIME);
}

static void
install_properties (GObjectClass *object_class)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS
                            | GST_PARAM_MUTABLE_READY;

  g_object_class_install_property (object_class, PROP_LOCATION,
      g_param_spec_string ("location", "Location", "The .npy file to read", NULL, flags));
  g_object_class_install_property (object_class, PROP_FRAMERATE,
      gst_param_spec_fraction ("framerate", "Framerate",
          "Steps per second; 0/1: the buffers have no times", 0, 1, G_MAXINT, 1, DEFAULT_FPS_N,
          DEFAULT_FPS_D, flags));
  g_object_class_install_property (object_class, PROP_STEPS_PER_BUFFER,
      g_param_spec_uint ("steps-per-buffer", "Steps per buffer",
          "Time steps in a buffer, fewer in the last one; 0: the whole file in one buffer", 0,
          G_MAXINT32, DEFAULT_STEPS_PER_BUFFER, flags));
}

static void
gst_npy_src_class_init (GstNpySrcClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseSrcClass *src_class = GST_BASE_SRC_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (npysrc_debug, "npysrc", 0, "feature vectors from NumPy files");
  object_class->set_property = gst_npy_src_set_property;
  object_class->get_property = gst_npy_src_get_property;
  object_class->finalize = gst_npy_src_finalize;
  install_properties (object_class);

  element_class->send_event = gst_npy_src_send_event;
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "NumPy file source", "Source/File",
      "Reads feature vectors from a .npy file", "The gst-lstm developers");

  src_class->start = gst_npy_src_start;
  src_class->stop = gst_npy_src_stop;
  src_class->is_seekable = gst_npy_src_is_seekable;
  src_class->do_seek = gst_npy_src_do_seek;
  src_class->event = gst_npy_src_event;
  src_class->query = gst_npy_src_query;
  src_class->get_caps = gst_npy_src_get_caps;
  GST_PUSH_SRC_CLASS (klass)->create = gst_npy_src_create;
}
