/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-npysrc
 * @title: npysrc
 * @short_description: reads feature vectors from a NumPy file
 *
 * Reads a .npy file of shape [size], [length, size] or [streams, length, size], in C order and
 * of any little-endian float, integer or bool type, and pushes its steps as float32
 * `other/tensors`. If the file has streams, a buffer contains the same steps of all streams:
 * [streams, steps, size].
 *
 * #npysrc:framerate determines the timestamps of the steps. A seek moves to the step that
 * contains the requested time, and the segment starts at that step. Steps that begin before the
 * segment's stop are pushed. If #npysrc:steps-per-buffer does not divide the number of steps, new
 * caps announce a shorter last buffer.
 *
 * The file must not change while the element reads it. A file that is truncated in the meantime
 * is an error.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 npysrc location=features.npy framerate=30/1 ! lstm
 *     model-location=action.safetensors ! npysink location=hidden.npy
 * ]|
 */
#include "elements.h"
#include "common/errors.h"
#include "common/metadata.h"
#include "common/properties.h"
#include "common/tensors.h"
#include "npy/npy-reader.h"
#include <gst/base/gstpushsrc.h>

GST_DEBUG_CATEGORY_STATIC (npysrc_debug);
#define GST_CAT_DEFAULT npysrc_debug

typedef struct {
  GstPushSrc parent;

  /* Properties, protected by the object lock and read by start() */
  gchar *location;
  gint framerate[2]; /* numerator, denominator */
  guint steps_per_buffer;

  /* Valid from start() to stop(), while tensors is not empty */
  GstLstmNpyReader *reader;
  guint max_steps;   /* of a buffer */
  guint64 next_step; /* to push */
  guint64 end_step;  /* the step after the last step of the segment */

  /* The negotiated tensors; steps changes for a shorter buffer. The streaming thread writes them
   * under the object lock, since queries read them in other threads. */
  GstLstmTensors tensors;
} GstNpySrc;
typedef GstPushSrcClass GstNpySrcClass;

GType gst_npy_src_get_type (void);
G_DEFINE_TYPE (GstNpySrc, gst_npy_src, GST_TYPE_PUSH_SRC)
GST_ELEMENT_REGISTER_DEFINE (npysrc, "npysrc", GST_RANK_NONE, gst_npy_src_get_type ())
#define NPY_SRC(object) ((GstNpySrc *) (object))
#define MEMBER(name) G_STRUCT_OFFSET (GstNpySrc, name)

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_LSTM_TENSOR_CAPS));

/* --- Times and steps --- */

/* Counts the steps that begin before @time. Step i begins at floor (i * period) ns, which is below
 * the integer @time if and only if i * period is below @time. */
static guint64
count_steps_before (const GstLstmTensors *tensors, GstClockTime time)
{
  return gst_util_uint64_scale_ceil (
      time, (guint64) tensors->fps_n, (guint64) tensors->fps_d * GST_SECOND);
}

/* Returns the last step that begins at @time or earlier. */
static guint64
find_step_at (const GstLstmTensors *tensors, GstClockTime time)
{
  return count_steps_before (tensors, time + 1) - 1;
}

static gboolean
convert_value (
    const GstLstmTensors *tensors, GstFormat from, gint64 value, GstFormat to, gint64 *out)
{
  guint64 result;

  if (from == to || value == -1) {
    *out = value;
    return TRUE;
  }
  if (tensors->fps_n == 0 || value < 0)
    return FALSE;
  if (from == GST_FORMAT_TIME && to == GST_FORMAT_DEFAULT)
    result = find_step_at (tensors, (GstClockTime) value);
  else if (from == GST_FORMAT_DEFAULT && to == GST_FORMAT_TIME)
    result = gst_lstm_tensors_get_step_offset (tensors, (guint64) value);
  else
    return FALSE;
  *out = (gint64) result;
  return result <= G_MAXINT64;
}

static gboolean
answer_convert_query (GstNpySrc *self, GstQuery *query)
{
  GstLstmTensors tensors;
  GstFormat from, to;
  gint64 value, result;

  GST_OBJECT_LOCK (self);
  tensors = self->tensors;
  GST_OBJECT_UNLOCK (self);
  gst_query_parse_convert (query, &from, &value, &to, NULL);
  if (!convert_value (&tensors, from, value, to, &result))
    return FALSE;
  gst_query_set_convert (query, from, value, to, result);
  return TRUE;
}

static gboolean
gst_npy_src_query (GstBaseSrc *src, GstQuery *query)
{
  switch (GST_QUERY_TYPE (query)) {
  case GST_QUERY_CONVERT:
    return answer_convert_query (NPY_SRC (src), query);
  case GST_QUERY_FORMATS:
    gst_query_set_formats (query, 3, GST_FORMAT_TIME, GST_FORMAT_DEFAULT, GST_FORMAT_PERCENT);
    return TRUE;
  default:
    return GST_BASE_SRC_CLASS (gst_npy_src_parent_class)->query (src, query);
  }
}

/* --- Seeking --- */

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

  /* A seek that the pad accepts before the element stops may reach this function after the stop. */
  GST_OBJECT_LOCK (self);
  tensors = self->tensors;
  length = tensors.n_tensors > 0 ? self->reader->header.length : 0;
  GST_OBJECT_UNLOCK (self);
  /* The base class always seeks to the start first. */
  if (tensors.n_tensors == 0 || (tensors.fps_n == 0 && segment->position != 0))
    return FALSE;
  self->end_step = length;
  self->next_step = 0;
  if (tensors.fps_n > 0) {
    self->next_step = MIN (length, find_step_at (&tensors, segment->position));
    segment->start = gst_lstm_tensors_get_step_offset (&tensors, self->next_step);
    segment->time = segment->position = segment->start;
    if (GST_CLOCK_TIME_IS_VALID (segment->stop))
      self->end_step = MIN (length, count_steps_before (&tensors, segment->stop));
  }
  GST_DEBUG_OBJECT (self,
      "seek: steps %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT,
      self->next_step, self->end_step, length);
  return TRUE;
}

/* Returns whether a seek can succeed. The base class refuses a seek only after a flush and then
 * continues without a segment. */
static gboolean
can_seek (GstNpySrc *self, GstEvent *event)
{
  gdouble rate;
  gboolean timed;

  gst_event_parse_seek (event, &rate, NULL, NULL, NULL, NULL, NULL, NULL);
  GST_OBJECT_LOCK (self);
  timed = self->framerate[0] > 0;
  GST_OBJECT_UNLOCK (self);
  if (rate != 1.0)
    GST_WARNING_OBJECT (self, "seek: expected rate 1, found %g", rate);
  else if (!timed)
    GST_WARNING_OBJECT (self, "seek: expected a framerate, found 0/1");
  return rate == 1.0 && timed;
}

static gboolean
gst_npy_src_event (GstBaseSrc *src, GstEvent *event)
{
  GST_DEBUG_OBJECT (src, "received %" GST_PTR_FORMAT, event);
  /* Before the element has started, the streaming task would lock a lock that start() needs. */
  if (GST_EVENT_TYPE (event) == GST_EVENT_SEEK
      && (!GST_BASE_SRC_IS_STARTED (src) || !can_seek (NPY_SRC (src), event)))
    return FALSE;
  return GST_BASE_SRC_CLASS (gst_npy_src_parent_class)->event (src, event);
}

/* Handles events that the application sends to the element. gst_npy_src_event() does not see these
 * events. */
static gboolean
gst_npy_src_send_event (GstElement *element, GstEvent *event)
{
  if (GST_EVENT_TYPE (event) == GST_EVENT_SEEK && !can_seek (NPY_SRC (element), event)) {
    gst_event_unref (event);
    return FALSE;
  }
  return GST_ELEMENT_CLASS (gst_npy_src_parent_class)->send_event (element, event);
}

/* --- Streaming --- */

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

static gboolean
gst_npy_src_set_caps (GstBaseSrc *src, GstCaps *caps)
{
  GST_INFO_OBJECT (src, "output caps: %" GST_PTR_FORMAT, caps);
  return TRUE;
}

/* Negotiates caps for buffers of @steps steps. */
static GstFlowReturn
set_buffer_steps (GstNpySrc *self, guint steps)
{
  g_autoptr (GError) error = NULL;

  GST_OBJECT_LOCK (self);
  self->tensors.steps = steps;
  GST_OBJECT_UNLOCK (self);
  if (gst_base_src_negotiate (GST_BASE_SRC (self)))
    return GST_FLOW_OK;
  if (GST_PAD_IS_FLUSHING (GST_BASE_SRC_PAD (self)))
    return GST_FLOW_FLUSHING;
  gst_lstm_fail (&error, GST_LSTM_STREAM (FORMAT),
      "%s: expected downstream to accept a buffer of %u of the %" G_GUINT64_FORMAT
      " steps, found that it refuses the caps; other buffers have %u steps",
      self->reader->path, steps, self->reader->header.length, self->max_steps);
  gst_lstm_post_error (self, error, NULL);
  return GST_FLOW_ERROR;
}

static void
set_timestamps (GstNpySrc *self, GstBuffer *buffer)
{
  const GstLstmTensors *tensors = &self->tensors;
  guint64 end = self->next_step + tensors->steps;

  GST_BUFFER_OFFSET (buffer) = self->next_step;
  GST_BUFFER_OFFSET_END (buffer) = end;
  if (tensors->fps_n > 0) {
    GST_BUFFER_PTS (buffer) = gst_lstm_tensors_get_step_offset (tensors, self->next_step);
    GST_BUFFER_DURATION (buffer) = gst_lstm_tensors_get_step_offset (tensors, end)
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

  /* A seek during the stop may have restarted the task. */
  if (!GST_BASE_SRC_IS_STARTED (src))
    return GST_FLOW_FLUSHING;
  if (self->next_step >= self->end_step)
    return GST_FLOW_EOS;
  steps = (guint) MIN (self->max_steps, self->end_step - self->next_step);
  if (steps != self->tensors.steps) {
    GstFlowReturn flow = set_buffer_steps (self, steps);

    if (flow != GST_FLOW_OK)
      return flow;
  }
  bytes = gst_lstm_tensors_get_bytes (&self->tensors, 0);
  items = g_try_malloc (bytes);
  if (!items)
    gst_lstm_fail (&error, GST_LSTM_RESOURCE (NO_SPACE_LEFT),
        "%s: expected memory for a buffer of %" G_GSIZE_FORMAT " bytes, found none",
        self->reader->path, bytes);
  if (!items
      || !gst_lstm_npy_reader_read (self->reader, items, self->next_step, steps, &error)) {
    gst_lstm_post_error (self, error, NULL);
    return GST_FLOW_ERROR;
  }
  *buffer = gst_buffer_new_wrapped (g_steal_pointer (&items), bytes);
  set_timestamps (self, *buffer);
  GST_LOG_OBJECT (
      self, "steps from %" G_GUINT64_FORMAT ": %" GST_PTR_FORMAT, self->next_step, *buffer);
  self->next_step += steps;
  return GST_FLOW_OK;
}

/* --- Starting and stopping --- */

/* Sets @tensors and the steps of a buffer, which has @steps steps (0: all). Returns FALSE and
 * sets @error if caps or a buffer cannot have that size. */
static gboolean
set_shape (GstNpySrc *self, guint steps, GstLstmTensors *tensors, GError **error)
{
  const GstLstmNpyHeader *header = &self->reader->header;
  const guint64 max_steps = steps > 0 ? MIN (steps, header->length) : header->length;
  /* Size and streams are at most 2^31 - 1. */
  const guint64 step_bytes = header->size * header->streams * sizeof (gfloat);

  if (max_steps > G_MAXINT32 || MAX (max_steps, 1) > G_MAXSSIZE / step_bytes)
    return gst_lstm_fail (error, GST_LSTM_STREAM (FORMAT),
        "%s: property steps-per-buffer: expected at most %d steps and %" G_GSSIZE_FORMAT
        " bytes, found %" G_GUINT64_FORMAT " steps of %" G_GUINT64_FORMAT
        " streams of %" G_GUINT64_FORMAT " values",
        self->reader->path, G_MAXINT32, G_MAXSSIZE, max_steps, header->streams, header->size);
  self->max_steps = (guint) MAX (max_steps, 1);
  tensors->n_tensors = 1;
  tensors->size[0] = (guint) header->size;
  tensors->n_rows[0] = 1;
  tensors->steps = self->max_steps;
  tensors->streams = (guint) header->streams;
  return TRUE;
}

/* Logs the shape of the file, and the buffers of @tensors. */
static void
report_file (GstNpySrc *self, const GstLstmTensors *tensors)
{
  const GstLstmNpyHeader *header = &self->reader->header;
  g_autofree gchar *streams = NULL;

  if (gst_debug_category_get_threshold (GST_CAT_DEFAULT) < GST_LEVEL_INFO)
    return;
  if (header->streams > 1)
    streams = g_strdup_printf ("%" G_GUINT64_FORMAT ", ", header->streams);
  GST_INFO_OBJECT (self,
      "opens %s: %s [%s%" G_GUINT64_FORMAT ", %" G_GUINT64_FORMAT
      "], %d/%d steps per second, %u steps per buffer",
      self->reader->path, header->type->npy, streams ? streams : "", header->length,
      header->size, tensors->fps_n, tensors->fps_d, tensors->steps);
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
  tensors.fps_n = self->framerate[0];
  tensors.fps_d = self->framerate[1];
  steps = self->steps_per_buffer;
  GST_OBJECT_UNLOCK (self);

  if (!location)
    gst_lstm_fail (&error, GST_LSTM_RESOURCE (NOT_FOUND),
        "property location: expected a path, found none");
  else
    self->reader = gst_lstm_npy_reader_new (location, &error);
  if (!self->reader || !set_shape (self, steps, &tensors, &error)) {
    gst_lstm_post_error (self, error, NULL);
    g_clear_pointer (&self->reader, gst_lstm_npy_reader_free);
    return FALSE;
  }
  report_file (self, &tensors);

  GST_OBJECT_LOCK (self);
  self->tensors = tensors;
  src->segment.duration = tensors.fps_n > 0 ? gst_lstm_tensors_get_step_offset (
                              &tensors, self->reader->header.length)
                                            : GST_CLOCK_TIME_NONE;
  GST_OBJECT_UNLOCK (self);
  return TRUE;
}

static gboolean
gst_npy_src_stop (GstBaseSrc *src)
{
  GstNpySrc *self = NPY_SRC (src);

  /* The base class has joined the task, but a seek may have restarted the task. The stream lock
   * waits for create(). */
  GST_PAD_STREAM_LOCK (GST_BASE_SRC_PAD (src));
  GST_OBJECT_LOCK (self);
  self->tensors = (GstLstmTensors){0};
  GST_OBJECT_UNLOCK (self);
  if (self->reader)
    GST_INFO_OBJECT (self, "closes %s after step %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT,
        self->reader->path, self->next_step, self->reader->header.length);
  g_clear_pointer (&self->reader, gst_lstm_npy_reader_free);
  GST_PAD_STREAM_UNLOCK (GST_BASE_SRC_PAD (src));
  return TRUE;
}

/* --- Object --- */

static void
gst_npy_src_finalize (GObject *object)
{
  gst_lstm_properties_clear (object);
  G_OBJECT_CLASS (gst_npy_src_parent_class)->finalize (object);
}

static void
gst_npy_src_init (GstNpySrc *self)
{
  gst_lstm_properties_init (self);
  gst_base_src_set_format (GST_BASE_SRC (self), GST_FORMAT_TIME);
}

static void
install_properties (GObjectClass *object_class)
{
  const GstLstmProperty properties[] = {
      {g_param_spec_string (
           "location", "Location", "Path of the .npy file to read", NULL, GST_LSTM_PARAM_READY),
          MEMBER (location)},
      {gst_param_spec_fraction ("framerate", "Framerate",
           "Steps per second; 0/1: buffers have no timestamps", 0, 1, G_MAXINT, 1, 30, 1,
           GST_LSTM_PARAM_READY),
          MEMBER (framerate)},
      {g_param_spec_uint ("steps-per-buffer", "Steps per buffer",
           "Steps in a buffer, fewer in the last one; 0: the complete file in one buffer", 0,
           G_MAXINT32, 1, GST_LSTM_PARAM_READY),
          MEMBER (steps_per_buffer)},
  };

  gst_lstm_properties_install (object_class, 0, properties, G_N_ELEMENTS (properties));
}

static void
gst_npy_src_class_init (GstNpySrcClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseSrcClass *src_class = GST_BASE_SRC_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (npysrc_debug, "npysrc", 0, "feature vectors from NumPy files");
  object_class->finalize = gst_npy_src_finalize;
  install_properties (object_class);

  element_class->send_event = gst_npy_src_send_event;
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_lstm_set_metadata (element_class, "npysrc", "NumPy file source", "Source/File",
      "Reads feature vectors from a .npy file");

  src_class->start = gst_npy_src_start;
  src_class->stop = gst_npy_src_stop;
  src_class->is_seekable = gst_npy_src_is_seekable;
  src_class->do_seek = gst_npy_src_do_seek;
  src_class->event = gst_npy_src_event;
  src_class->query = gst_npy_src_query;
  src_class->set_caps = gst_npy_src_set_caps;
  src_class->get_caps = gst_npy_src_get_caps;
  GST_PUSH_SRC_CLASS (klass)->create = gst_npy_src_create;
}
