/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-npysink
 * @title: npysink
 * @short_description: writes feature vectors to a NumPy file
 *
 * Writes float32 tensors, static or flexible, to a .npy file of shape [length, size], or [streams, length, size] if
 * buffers contain several streams. If buffers contain several tensors, each tensor has its own
 * file: %s in #npysink:location is replaced by the tensor's name in the caps, or by its index.
 * Any other % is an ordinary character.
 *
 * A file gets its name, and replaces a file of that name, only when it is complete: at EOS, or
 * when the element stops before EOS, with the steps that were written. Until then the file has no
 * name.
 * If caps arrive without a buffer, EOS writes a file of length 0, and a stop writes no file. An
 * error leaves no file. Devices that can seek, such as /dev/null, are written in place.
 *
 * Steps are written in the order of arrival, regardless of their timestamps. A gap adds no step,
 * and a flush removes none. Steps after EOS, for example after a seek, begin a new file.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 npysrc location=features.npy ! lstm model-location=action.safetensors
 *     emit=output+cell ! npysink location=action-%s.npy
 * ]|
 */
#include "elements.h"
#include "common/errors.h"
#include "common/flexible.h"
#include "common/gate.h"
#include "common/metadata.h"
#include "common/properties.h"
#include "common/tensors.h"
#include "npy/npy-writer.h"
#include <gst/base/gstbasesink.h>
#include <string.h>

GST_DEBUG_CATEGORY_STATIC (npysink_debug);
#define GST_CAT_DEFAULT npysink_debug

#define DEFAULT_SYNC FALSE

typedef struct {
  GstBaseSink parent;

  gchar *location; /* property, protected by the object lock */

  /* Used by the streaming thread. Writers exist from caps or the first buffer until EOS. */
  gchar *pattern;       /* the location, as in READY, while PAUSED or PLAYING */
  gboolean has_failed;  /* after an error no step is written: the file would lack steps */
  GError *caps_error;   /* nullable: of the last caps; posted with the first buffer */
  gboolean has_headers; /* the caps are flexible: each buffer describes its tensors */
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

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK,
    GST_PAD_ALWAYS,
    GST_STATIC_CAPS (GST_LSTM_TENSORS_SINK_CAPS ";" GST_LSTM_FLEXIBLE_CAPS
                                                ";" GST_LSTM_ANY_OLD_TENSOR_CAPS));

/* Logs that @action happens to the file of @writer. */
static void
report_file (GstNpySink *self, const gchar *action, const GstLstmNpyWriter *writer)
{
  g_autofree gchar *shape = NULL;

  if (gst_debug_category_get_threshold (GST_CAT_DEFAULT) < GST_LEVEL_INFO)
    return;
  shape = gst_lstm_npy_writer_describe_shape (writer);
  GST_INFO_OBJECT (
      self, "%s %s: <f4 [%s]", action, gst_lstm_npy_writer_get_path (writer), shape);
}

static void
discard_writers (GstNpySink *self)
{
  while (self->n_writers > 0) {
    GstLstmNpyWriter *writer = self->writers[--self->n_writers];

    report_file (self, "discards", writer);
    gst_lstm_npy_writer_discard (writer);
  }
}

static void
abort_writing (GstNpySink *self, const GError *error)
{
  self->has_failed = TRUE;
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

/* --- Files --- */

/* Builds the path for tensor @i. The name of a tensor comes from upstream and is untrusted: it
 * must not select another directory. Returns: (transfer full) */
static gchar *
build_path (const GstLstmTensors *tensors, guint i, const gchar *pattern, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (pattern, "%s", -1);
  g_autofree gchar *index = g_strdup_printf ("%u", i);
  const gchar *name = tensors->name[i] && *tensors->name[i] ? tensors->name[i] : index;

  if (!parts[1] && tensors->n_tensors > 1) {
    gst_lstm_fail (error, FORMAT,
        "property location: expected %%s for the names of %u tensors, found '%s'",
        tensors->n_tensors, pattern);
    return NULL;
  }
  if (parts[1] && strchr (name, G_DIR_SEPARATOR)) {
    gst_lstm_fail (error, FORMAT, "caps field names: expected names without '%c', found '%s'",
        G_DIR_SEPARATOR, name);
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
          "caps field names: expected a different file for each tensor, found %s twice", path);
  self->writers[i] = gst_lstm_npy_writer_new (
      path, tensors->streams, tensors->n_rows[i], tensors->size[i], error);
  if (!self->writers[i])
    return FALSE;
  self->n_writers++;
  report_file (self, "opens", self->writers[i]);
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

    report_file (self, "completes", self->writers[i]);
    if (!gst_lstm_npy_writer_finish (self->writers[i], &error)) {
      /* Finished files stay; the files after this one are discarded. */
      self->n_writers -= i + 1;
      memmove (self->writers, self->writers + i + 1, self->n_writers * sizeof *self->writers);
      abort_writing (self, error);
      return FALSE;
    }
  }
  self->n_writers = 0;
  return TRUE;
}

/* --- Streaming --- */

/* Returns FALSE and sets @error unless steps of @now can follow the steps in the files. */
static gboolean
check_compatible (const GstNpySink *self, const GstLstmTensors *now, GError **error)
{
  const GstLstmTensors *before = &self->tensors;
  const gboolean by_name = strstr (self->pattern, "%s") != NULL;
  const gchar *dimensions = self->has_headers ? "buffer: header field dimension"
                                              : "caps field dimensions";

  if (now->n_tensors != before->n_tensors)
    return gst_lstm_fail (error, FORMAT, "%s: expected %u within a file, found %u",
        self->has_headers ? "buffer: number of tensors" : "caps field num_tensors",
        before->n_tensors, now->n_tensors);
  if (now->streams != before->streams)
    return gst_lstm_fail (error, FORMAT, "%s: expected %u streams within a file, found %u",
        dimensions, before->streams, now->streams);
  for (guint i = 0; i < now->n_tensors; i++) {
    if (now->size[i] != before->size[i] || now->n_rows[i] != before->n_rows[i])
      return gst_lstm_fail (error, FORMAT,
          "%s: tensor %u: expected size %u within a file, found %u", dimensions, i,
          before->size[i] * before->n_rows[i], now->size[i] * now->n_rows[i]);
    if (by_name && now->name[i] != before->name[i]) /* interned */
      return gst_lstm_fail (error, FORMAT,
          "caps field names: tensor %u: expected '%s' within a file, found '%s'", i,
          GST_STR_NULL (before->name[i]), GST_STR_NULL (now->name[i]));
  }
  return TRUE;
}

/* Sets the tensors of the next buffers. Returns FALSE and sets @error if they cannot follow the
 * steps in the files. */
static gboolean
set_tensors (GstNpySink *self, const GstLstmTensors *tensors, GError **error)
{
  if (self->n_writers > 0 && !check_compatible (self, tensors, error))
    return FALSE;
  self->tensors = *tensors;
  return TRUE;
}

/* Accepts all caps. A buffer must follow caps that do not fit to make them an error: some elements
 * send placeholder caps first. */
static gboolean
gst_npy_sink_set_caps (GstBaseSink *sink, GstCaps *caps)
{
  GstNpySink *self = NPY_SINK (sink);
  g_autoptr (GError) error = NULL;
  GstLstmTensors tensors;

  if (self->has_failed)
    return FALSE;
  GST_INFO_OBJECT (self, "input caps: %" GST_PTR_FORMAT, caps);
  g_clear_error (&self->caps_error);
  self->has_headers = gst_lstm_flexible_matches (gst_caps_get_structure (caps, 0));
  if (self->has_headers)
    return TRUE;
  if (!gst_lstm_tensors_from_caps (&tensors, caps, &self->caps_error)
      || !set_tensors (self, &tensors, &self->caps_error))
    return TRUE;
  if (self->n_writers > 0 || open_writers (self, &error))
    return TRUE;
  abort_writing (self, error);
  return FALSE;
}

static gboolean
fail_to_map (const GstNpySink *self, guint i, GError **error)
{
  g_autofree gchar *purpose = g_strdup_printf ("for reading tensor %u", i);

  return gst_lstm_fail_to_map (
      error, FORMAT, purpose, gst_lstm_tensors_get_bytes (&self->tensors, i));
}

static gboolean
write_tensor (GstNpySink *self, guint i, GstBuffer *buffer, GError **error)
{
  /* A single tensor may occupy several memories. */
  const gint n_memories = self->tensors.n_tensors > 1 ? 1 : -1;
  GstMapInfo map;
  gboolean ok;

  if (!gst_buffer_map_range (buffer, i, n_memories, &map, GST_MAP_READ))
    return fail_to_map (self, i, error);
  ok = gst_lstm_npy_writer_write (self->writers[i], map.data, self->tensors.steps, error);
  gst_buffer_unmap (buffer, &map);
  return ok;
}

/* Writes the steps of @buffer, which has no headers. */
static gboolean
write_buffer (GstNpySink *self, GstBuffer *buffer, GError **error)
{
  if (!gst_lstm_tensors_check_buffer (&self->tensors, buffer, error)
      || (self->n_writers == 0 && !open_writers (self, error)))
    return FALSE;
  for (guint i = 0; i < self->n_writers; i++)
    if (!write_tensor (self, i, buffer, error))
      return FALSE;
  return TRUE;
}

/* Writes the steps of a buffer of flexible tensors. */
static gboolean
write_flexible_buffer (GstNpySink *self, GstBuffer *buffer, GError **error)
{
  GstLstmTensors tensors = {.fps_d = 1};
  g_autoptr (GstBuffer) values = gst_lstm_flexible_remove_headers (buffer, &tensors, error);

  return values && set_tensors (self, &tensors, error) && write_buffer (self, values, error);
}

/* Posts the error of the caps. */
static GstFlowReturn
gst_npy_sink_preroll (GstBaseSink *sink, GstBuffer *buffer)
{
  GstNpySink *self = NPY_SINK (sink);

  if (self->has_failed)
    return GST_FLOW_ERROR;
  if (!self->caps_error)
    return GST_FLOW_OK;
  abort_writing (self, self->caps_error);
  return GST_FLOW_NOT_NEGOTIATED;
}

static GstFlowReturn
gst_npy_sink_render (GstBaseSink *sink, GstBuffer *buffer)
{
  GstNpySink *self = NPY_SINK (sink);
  const GstFlowReturn ret = gst_npy_sink_preroll (sink, buffer);
  g_autoptr (GError) error = NULL;

  GST_LOG_OBJECT (self, "writes %" GST_PTR_FORMAT, buffer);
  if (ret != GST_FLOW_OK)
    return ret;
  if (self->tensors.n_tensors == 0 && !self->has_headers) /* no caps */
    return GST_FLOW_NOT_NEGOTIATED;
  if (self->has_headers ? write_flexible_buffer (self, buffer, &error)
                        : write_buffer (self, buffer, &error))
    return GST_FLOW_OK;
  abort_writing (self, error);
  return GST_FLOW_ERROR;
}

static gboolean
gst_npy_sink_event (GstBaseSink *sink, GstEvent *event)
{
  GST_DEBUG_OBJECT (sink, "received %" GST_PTR_FORMAT, event);
  /* Files are complete before the base class posts EOS: the application then expects them. */
  if (GST_EVENT_TYPE (event) == GST_EVENT_EOS && !finish_writers (NPY_SINK (sink))) {
    gst_event_unref (event);
    return FALSE;
  }
  return GST_BASE_SINK_CLASS (gst_npy_sink_parent_class)->event (sink, event);
}

/* Prepares the element for files. Runs from READY to PAUSED, because a location may change in
 * READY. The base class calls start() from NULL to READY. */
static gboolean
start_writing (GstNpySink *self)
{
  g_autoptr (GError) error = NULL;

  self->pattern = dup_location (self);
  self->has_failed = FALSE;
  self->tensors.n_tensors = 0;
  self->has_headers = FALSE;
  if (self->pattern && *self->pattern)
    return TRUE;
  g_clear_pointer (&self->pattern, g_free);
  gst_lstm_fail (
      &error, GST_LSTM_RESOURCE (NOT_FOUND), "property location: expected a path, found none");
  gst_lstm_post_error (self, error, NULL);
  return FALSE;
}

static void
stop_writing (GstNpySink *self)
{
  /* Caps without a step do not replace an existing file. */
  if (self->n_writers > 0 && gst_lstm_npy_writer_get_length (self->writers[0]) == 0)
    discard_writers (self);
  finish_writers (self);
  g_clear_pointer (&self->pattern, g_free);
  g_clear_error (&self->caps_error);
}

static GstStateChangeReturn
gst_npy_sink_change_state (GstElement *element, GstStateChange transition)
{
  GstNpySink *self = NPY_SINK (element);
  GstStateChangeReturn result;

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !start_writing (self))
    return GST_STATE_CHANGE_FAILURE;
  result = GST_ELEMENT_CLASS (gst_npy_sink_parent_class)->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY
      || (transition == GST_STATE_CHANGE_READY_TO_PAUSED && result == GST_STATE_CHANGE_FAILURE))
    stop_writing (self);
  return result;
}

/* --- Object --- */

static void
gst_npy_sink_finalize (GObject *object)
{
  gst_lstm_properties_clear (object);
  G_OBJECT_CLASS (gst_npy_sink_parent_class)->finalize (object);
}

static void
gst_npy_sink_init (GstNpySink *self)
{
  gst_lstm_properties_init (self);
  gst_base_sink_set_sync (GST_BASE_SINK (self), DEFAULT_SYNC);
  gst_lstm_gate_install (GST_BASE_SINK_PAD (self));
}

static void
gst_npy_sink_class_init (GstNpySinkClass *klass)
{
  const GstLstmProperty properties[] = {
      {g_param_spec_string ("location", "Location",
           "Path of the .npy file to write; %s is replaced by the name or index of the tensor",
           NULL, GST_LSTM_PARAM_READY),
          G_STRUCT_OFFSET (GstNpySink, location)},
  };
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseSinkClass *sink_class = GST_BASE_SINK_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (npysink_debug, "npysink", 0, "feature vectors into NumPy files");
  object_class->finalize = gst_npy_sink_finalize;
  gst_lstm_properties_install (object_class, 0, properties, G_N_ELEMENTS (properties));

  element_class->change_state = gst_npy_sink_change_state;
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_lstm_set_metadata (element_class, "npysink", "NumPy file sink", "Sink/File",
      "Writes feature vectors to a .npy file");

  sink_class->set_caps = gst_npy_sink_set_caps;
  sink_class->preroll = gst_npy_sink_preroll;
  sink_class->render = gst_npy_sink_render;
  sink_class->event = gst_npy_sink_event;
}
