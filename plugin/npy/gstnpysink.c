/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-npysink
 * @title: npysink
 * @short_description: feature vectors into a NumPy file
 *
 * Writes the float32 tensors that come to a .npy file of shape [length, size], or
 * [streams, length, size] where buffers hold several streams. Buffers of several tensors make
 * a file of each: %s in #npysink:location stands for the tensor's name in the caps, or for its
 * index. No other % means anything.
 *
 * A file appears under its name, and replaces one that had it, only when it is complete: at
 * EOS, or with what came so far when the element stops before. Until then it has no name. Caps
 * without a buffer make a file of length 0 at EOS and none when the element stops. After an
 * error nothing is left. Devices that can seek, as /dev/null, are written in place.
 *
 * Steps are written as they come, whatever their times. Gaps give no step, and a flush takes
 * back none. What comes after EOS, say after a seek back, begins the file anew.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 npysrc location=features.npy ! lstm model-location=action.safetensors
 *     emit=output+cell ! npysink location=action-%s.npy
 * ]|
 */
#include "elements.h"
#include "common/errors.h"
#include "common/gate.h"
#include "npy/npy.h"
#include "common/tensors.h"
#include <gst/base/gstbasesink.h>
#include <string.h>

GST_DEBUG_CATEGORY_STATIC (npysink_debug);
#define GST_CAT_DEFAULT npysink_debug

#define DEFAULT_SYNC FALSE

enum { PROP_LOCATION = 1 };

typedef struct {
  GstBaseSink parent;

  gchar *location; /* property, under the object lock; what it was in READY counts */

  /* Of the streaming thread. The writers are there from caps or the first buffer until EOS. */
  gchar *pattern;  /* the location, while PAUSED or PLAYING */
  gboolean failed; /* nothing is written any more, since the rest alone would be no file */
  GstLstmTensors tensors;
  GstLstmNpyWriter *writers[GST_LSTM_MAX_TENSORS];
  guint n_writers;
} GstNpySink;
typedef GstBaseSinkClass GstNpySinkClass;

GType gst_npy_sink_get_type (void);
G_DEFINE_TYPE (GstNpySink, gst_npy_sink, GST_TYPE_BASE_SINK)
GST_ELEMENT_REGISTER_DEFINE (npysink, "npysink", GST_RANK_NONE, gst_npy_sink_get_type ())
#define NPY_SINK(object) ((GstNpySink *) (object))

#define FORMAT GST_LSTM_STREAM (FORMAT)

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_LSTM_TENSORS_SINK_CAPS));

static void
discard_writers (GstNpySink *self)
{
  while (self->n_writers > 0)
    gst_lstm_npy_writer_discard (self->writers[--self->n_writers]);
}

static void
give_up (GstNpySink *self, const GError *error)
{
  self->failed = TRUE;
  discard_writers (self);
  gst_lstm_post_error (self, error, NULL);
}

static gchar *
dup_location (GstNpySink *self)
{
  gchar *location;

  GST_OBJECT_LOCK (self);
  location = g_strdup (self->location);
  GST_OBJECT_UNLOCK (self);
  return location;
}

/* Files */

/* Returns: (transfer full): where tensor @i goes. The name came with the stream: it must not
 * lead into another directory. */
static gchar *
build_path (const GstLstmTensors *tensors, guint i, const gchar *pattern, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (pattern, "%s", -1);
  g_autofree gchar *index = g_strdup_printf ("%u", i);
  const gchar *name = tensors->name[i] && *tensors->name[i] ? tensors->name[i] : index;

  if (!parts[1] && tensors->n_tensors > 1) {
    gst_lstm_fail (error, FORMAT,
        "property location: expected %%s for the names of %u tensors, got '%s'",
        tensors->n_tensors, pattern);
    return NULL;
  }
  if (parts[1] && strchr (name, G_DIR_SEPARATOR)) {
    gst_lstm_fail (
        error, FORMAT, "caps field names: expected names fit for a file, got '%s'", name);
    return NULL;
  }
  return g_strjoinv (name, parts);
}

static gboolean
open_writer (GstNpySink *self, guint i, GError **error)
{
  const GstLstmTensors *tensors = &self->tensors;
  g_autofree gchar *path = build_path (tensors, i, self->pattern, error);

  if (!path)
    return FALSE;
  for (guint k = 0; k < i; k++)
    if (g_str_equal (path, gst_lstm_npy_writer_get_path (self->writers[k])))
      return gst_lstm_fail (error, FORMAT,
          "caps field names: expected another file for each tensor, got %s twice", path);
  self->writers[i] = gst_lstm_npy_writer_new (
      path, tensors->streams, tensors->rows[i], tensors->size[i], error);
  if (!self->writers[i])
    return FALSE;
  self->n_writers++;
  return TRUE;
}

static gboolean
open_writers (GstNpySink *self, GError **error)
{
  for (guint i = 0; i < self->tensors.n_tensors; i++)
    if (!open_writer (self, i, error))
      return FALSE;
  return TRUE;
}

static gboolean
finish_writers (GstNpySink *self)
{
  for (guint i = 0; i < self->n_writers; i++) {
    g_autoptr (GError) error = NULL;

    GST_INFO_OBJECT (self, "%s: complete with %" G_GUINT64_FORMAT " steps",
        gst_lstm_npy_writer_get_path (self->writers[i]),
        gst_lstm_npy_writer_get_length (self->writers[i]));
    if (!gst_lstm_npy_writer_finish (self->writers[i], &error)) {
      /* Finished ones stand; those after this one go. */
      self->n_writers -= i + 1;
      memmove (self->writers, self->writers + i + 1, self->n_writers * sizeof *self->writers);
      give_up (self, error);
      return FALSE;
    }
  }
  self->n_writers = 0;
  return TRUE;
}

/* Streaming */

/* FALSE, and an error, unless what @now describes can follow in the same files. */
static gboolean
check_unchanged (
    const GstLstmTensors *before, const GstLstmTensors *now, gboolean by_name, GError **error)
{
  if (now->n_tensors != before->n_tensors)
    return gst_lstm_fail (error, FORMAT,
        "caps field num_tensors: changed within a file, expected %u, got %u", before->n_tensors,
        now->n_tensors);
  if (now->streams != before->streams)
    return gst_lstm_fail (error, FORMAT,
        "caps field dimensions: streams changed within a file, expected %u, got %u",
        before->streams, now->streams);
  for (guint i = 0; i < now->n_tensors; i++) {
    if (now->size[i] != before->size[i] || now->rows[i] != before->rows[i])
      return gst_lstm_fail (error, FORMAT,
          "caps field dimensions: size of tensor %u changed within a file, expected %u, got %u",
          i, before->size[i] * before->rows[i], now->size[i] * now->rows[i]);
    if (by_name && now->name[i] != before->name[i]) /* interned */
      return gst_lstm_fail (error, FORMAT,
          "caps field names: tensor %u changed within a file, expected '%s', got '%s'", i,
          GST_STR_NULL (before->name[i]), GST_STR_NULL (now->name[i]));
  }
  return TRUE;
}

static gboolean
gst_npy_sink_set_caps (GstBaseSink *sink, GstCaps *caps)
{
  GstNpySink *self = NPY_SINK (sink);
  g_autoptr (GError) error = NULL;
  GstLstmTensors tensors;
  gboolean ok;

  if (self->failed)
    return FALSE;
  ok = gst_lstm_tensors_from_caps (&tensors, caps, &error)
       && (self->n_writers == 0
           || check_unchanged (
               &self->tensors, &tensors, strstr (self->pattern, "%s") != NULL, &error));
  if (ok) {
    self->tensors = tensors;
    ok = self->n_writers > 0 || open_writers (self, &error);
  }
  if (!ok)
    give_up (self, error);
  return ok;
}

static gboolean
write_tensor (GstNpySink *self, guint i, GstBuffer *buffer, GError **error)
{
  const gint memories = self->tensors.n_tensors > 1 ? 1 : -1; /* one tensor may have several */
  GstMapInfo map;
  gboolean ok;

  if (!gst_buffer_map_range (buffer, i, memories, &map, GST_MAP_READ))
    return gst_lstm_fail (
        error, FORMAT, "buffer: tensor %u: expected memory to read, got none", i);
  ok = gst_lstm_npy_writer_write (self->writers[i], map.data, self->tensors.steps, error);
  gst_buffer_unmap (buffer, &map);
  return ok;
}

static GstFlowReturn
gst_npy_sink_render (GstBaseSink *sink, GstBuffer *buffer)
{
  GstNpySink *self = NPY_SINK (sink);
  g_autoptr (GError) error = NULL;
  gboolean ok;

  if (self->failed)
    return GST_FLOW_ERROR;
  if (self->tensors.n_tensors == 0) /* no caps */
    return GST_FLOW_NOT_NEGOTIATED;
  ok = gst_lstm_tensors_check_buffer (&self->tensors, buffer, &error)
       && (self->n_writers > 0 || open_writers (self, &error));
  for (guint i = 0; ok && i < self->n_writers; i++)
    ok = write_tensor (self, i, buffer, &error);
  if (ok)
    return GST_FLOW_OK;
  give_up (self, error);
  return GST_FLOW_ERROR;
}

static gboolean
gst_npy_sink_event (GstBaseSink *sink, GstEvent *event)
{
  /* Before the base class tells the application, which will look for the file. */
  if (GST_EVENT_TYPE (event) == GST_EVENT_EOS && !finish_writers (NPY_SINK (sink))) {
    gst_event_unref (event);
    return FALSE;
  }
  return GST_BASE_SINK_CLASS (gst_npy_sink_parent_class)->event (sink, event);
}

/* The base class's start and stop are for NULL and READY, which is too far apart. */
static gboolean
start (GstNpySink *self)
{
  self->pattern = dup_location (self);
  self->failed = FALSE;
  self->tensors.n_tensors = 0;
  if (self->pattern && *self->pattern)
    return TRUE;
  g_clear_pointer (&self->pattern, g_free);
  GST_ELEMENT_ERROR (self, RESOURCE, NOT_FOUND,
      ("property location: expected a file to write, got nothing"), (NULL));
  return FALSE;
}

static void
stop (GstNpySink *self)
{
  /* Merely prerolled: no reason to replace a file. */
  if (self->n_writers > 0 && gst_lstm_npy_writer_get_length (self->writers[0]) == 0)
    discard_writers (self);
  finish_writers (self);
  g_clear_pointer (&self->pattern, g_free);
}

static GstStateChangeReturn
gst_npy_sink_change_state (GstElement *element, GstStateChange transition)
{
  GstNpySink *self = NPY_SINK (element);
  GstStateChangeReturn result;

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !start (self))
    return GST_STATE_CHANGE_FAILURE;
  result = GST_ELEMENT_CLASS (gst_npy_sink_parent_class)->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY
      || (transition == GST_STATE_CHANGE_READY_TO_PAUSED && result == GST_STATE_CHANGE_FAILURE))
    stop (self);
  return result;
}

/* Object */

static void
gst_npy_sink_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstNpySink *self = NPY_SINK (object);

  if (id != PROP_LOCATION) {
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    return;
  }
  GST_OBJECT_LOCK (self);
  g_free (self->location);
  self->location = g_value_dup_string (value);
  GST_OBJECT_UNLOCK (self);
}

static void
gst_npy_sink_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_LOCATION)
    g_value_take_string (value, dup_location (NPY_SINK (object)));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
gst_npy_sink_finalize (GObject *object)
{
  g_free (NPY_SINK (object)->location);
  G_OBJECT_CLASS (gst_npy_sink_parent_class)->finalize (object);
}

static void
gst_npy_sink_init (GstNpySink *self)
{
  gst_base_sink_set_sync (GST_BASE_SINK (self), DEFAULT_SYNC);
  gst_lstm_gate_install (GST_BASE_SINK_PAD (self));
}

static void
gst_npy_sink_class_init (GstNpySinkClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseSinkClass *sink_class = GST_BASE_SINK_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (npysink_debug, "npysink", 0, "feature vectors into NumPy files");
  object_class->set_property = gst_npy_sink_set_property;
  object_class->get_property = gst_npy_sink_get_property;
  object_class->finalize = gst_npy_sink_finalize;
  g_object_class_install_property (object_class, PROP_LOCATION,
      g_param_spec_string ("location", "Location",
          "The .npy file to write; %s stands for the tensor's name or index", NULL,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));

  element_class->change_state = gst_npy_sink_change_state;
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_set_static_metadata (element_class, "NumPy file sink", "Sink/File",
      "Writes feature vectors to a .npy file", "The gst-lstm developers");

  sink_class->set_caps = gst_npy_sink_set_caps;
  sink_class->render = gst_npy_sink_render;
  sink_class->event = gst_npy_sink_event;
}
