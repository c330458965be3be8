/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lifecycle-rig.h"
#include <string.h>

const LifecycleElement lifecycle_elements[N_LIFECYCLE_ELEMENTS] = {
    {"lstm", "lstm model-location={m}", VECTOR ("1"), 1, TRUE},
    {"lstmfeatures", "lstmfeatures",
        "video/x-raw,format=GRAY8,width=32,height=24,framerate=30/1", 32 * 24 / 4, FALSE},
    {"lstmlabel", "lstmlabel", VECTOR ("4"), 4, FALSE},
    {"npysink", "npysink async=false location={d}/npysink.npy", VECTOR ("4"), 4, FALSE},
};

/* Returns: (transfer full) */
static GstElement *
element_new (const LifecycleElement *kind, const gchar *model, const gchar *dir)
{
  g_autoptr (GString) line = g_string_new (kind->line);

  g_string_replace (line, "{m}", model, 0);
  g_string_replace (line, "{d}", dir, 0);
  return parse_pipeline ("%s", line->str);
}

GstBuffer *
lifecycle_buffer_new (const LifecycleElement *kind, guint i)
{
  gfloat *items = g_new (gfloat, kind->n_floats);
  GstBuffer *buffer;

  for (guint k = 0; k < kind->n_floats; k++)
    items[k] = (gfloat) ((i * 7 + k * 3) % 11) / 8;
  buffer = gst_buffer_new_wrapped (items, kind->n_floats * sizeof (gfloat));
  GST_BUFFER_PTS (buffer) = i * (GST_SECOND / 30);
  GST_BUFFER_DURATION (buffer) = GST_SECOND / 30;
  return buffer;
}

static gboolean
is_fatal_warning (
    const gchar *domain, GLogLevelFlags level, const gchar *message, gpointer data)
{
  return !strstr (message, "Got data flow before");
}

static void
handle_warning (const gchar *domain, GLogLevelFlags level, const gchar *message, gpointer data)
{
  if (is_fatal_warning (domain, level, message, data))
    g_log_default_handler (domain, level, message, data);
}

void
lifecycle_allow_data_before_events (void)
{
  g_log_set_handler ("GStreamer", G_LOG_LEVEL_WARNING | G_LOG_FLAG_FATAL, handle_warning, NULL);
  g_test_log_set_fatal_handler (is_fatal_warning, NULL);
}

static GstPadProbeReturn
record_item (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  const gboolean is_known = gst_pad_has_current_caps (pad);
  LifecycleRig *rig = data;

  g_mutex_lock (&rig->lock);
  rig->n_items++;
  if (GST_IS_BUFFER (info->data) && is_known)
    g_ptr_array_add (rig->inputs, gst_buffer_ref (info->data));
  g_cond_broadcast (&rig->changed);
  g_mutex_unlock (&rig->lock);
  return GST_PAD_PROBE_OK;
}

static GstFlowReturn
record_output (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  LifecycleRig *rig = gst_pad_get_element_private (pad);
  GstMapInfo map;

  g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_READ));
  g_mutex_lock (&rig->lock);
  g_byte_array_append (rig->output_bytes, map.data, (guint) map.size);
  rig->n_outputs++;
  g_cond_broadcast (&rig->changed);
  g_mutex_unlock (&rig->lock);
  gst_buffer_unmap (buffer, &map);
  gst_buffer_unref (buffer);
  return GST_FLOW_OK;
}

void
lifecycle_rig_clear_records (LifecycleRig *rig)
{
  g_mutex_lock (&rig->lock);
  g_ptr_array_set_size (rig->inputs, 0);
  g_byte_array_set_size (rig->output_bytes, 0);
  rig->n_outputs = rig->n_items = 0;
  g_mutex_unlock (&rig->lock);
}

void
lifecycle_rig_add_element (LifecycleRig *rig, const gchar *model)
{
  static GstStaticPadTemplate any = GST_STATIC_PAD_TEMPLATE (
      "to", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
  g_autoptr (GstPad) out = NULL;

  rig->element = element_new (rig->kind, model, rig->dir);
  rig->sink_pad = gst_element_get_static_pad (rig->element, "sink");
  gst_pad_add_probe (rig->sink_pad,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM
          | GST_PAD_PROBE_TYPE_EVENT_FLUSH | GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM
          | GST_PAD_PROBE_TYPE_PUSH,
      record_item, rig, NULL);
  out = gst_element_get_static_pad (rig->element, "src");
  if (!out)
    return;
  rig->test_sink = gst_pad_new_from_static_template (&any, "to");
  gst_pad_set_element_private (rig->test_sink, rig);
  gst_pad_set_chain_function (rig->test_sink, record_output);
  gst_pad_set_active (rig->test_sink, TRUE);
  g_assert_cmpint (gst_pad_link (out, rig->test_sink), ==, GST_PAD_LINK_OK);
}

void
lifecycle_rig_link (LifecycleRig *rig)
{
  g_assert_cmpint (gst_pad_link (rig->test_src, rig->sink_pad), ==, GST_PAD_LINK_OK);
}

void
lifecycle_rig_remove_element (LifecycleRig *rig)
{
  gst_element_set_state (rig->element, GST_STATE_NULL);
  if (rig->test_sink)
    gst_pad_set_active (rig->test_sink, FALSE);
  g_clear_pointer (&rig->test_sink, gst_object_unref);
  g_clear_pointer (&rig->sink_pad, gst_object_unref);
  g_clear_pointer (&rig->element, gst_object_unref);
}

void
lifecycle_rig_push_events (LifecycleRig *rig)
{
  g_autoptr (GstCaps) caps = gst_caps_from_string (rig->kind->caps);
  GstSegment segment;

  gst_segment_init (&segment, rig->segment_format);
  gst_pad_push_event (rig->test_src, gst_event_new_stream_start ("stream"));
  gst_pad_push_event (rig->test_src, gst_event_new_caps (caps));
  gst_pad_push_event (rig->test_src, gst_event_new_segment (&segment));
}

void
lifecycle_rig_init (LifecycleRig *rig, const LifecycleElement *kind, const gchar *dir)
{
  *rig = (LifecycleRig){.kind = kind,
      .dir = dir,
      .segment_format = GST_FORMAT_TIME,
      .inputs = g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref),
      .output_bytes = g_byte_array_new ()};
  g_mutex_init (&rig->lock);
  g_cond_init (&rig->changed);
  lifecycle_allow_data_before_events ();
  rig->test_src = gst_pad_new ("from", GST_PAD_SRC);
  gst_pad_set_active (rig->test_src, TRUE);
}

void
lifecycle_rig_clear (LifecycleRig *rig)
{
  if (rig->element)
    lifecycle_rig_remove_element (rig);
  gst_pad_set_active (rig->test_src, FALSE);
  gst_object_unref (rig->test_src);
  g_ptr_array_unref (rig->inputs);
  g_byte_array_unref (rig->output_bytes);
  g_mutex_clear (&rig->lock);
  g_cond_clear (&rig->changed);
}

/* Reads the file of a sink that has stopped as the output of the element. */
static void
read_sink_file (LifecycleRig *rig)
{
  g_autofree gchar *path = g_build_filename (rig->dir, "npysink.npy", NULL);
  g_autofree gchar *content = NULL;
  gsize size;

  if (rig->test_sink)
    return;
  g_assert_true (g_file_get_contents (path, &content, &size, NULL));
  g_byte_array_append (rig->output_bytes, (const guint8 *) content, (guint) size);
}

void
lifecycle_rig_assert_complete (LifecycleRig *rig, const gchar *model)
{
  LifecycleRig undisturbed;

  g_assert_cmpuint (rig->inputs->len, >, 0);
  read_sink_file (rig);
  lifecycle_rig_init (&undisturbed, rig->kind, rig->dir);
  undisturbed.segment_format = rig->segment_format;
  lifecycle_rig_add_element (&undisturbed, model);
  lifecycle_rig_link (&undisturbed);
  g_assert_cmpint (gst_element_set_state (undisturbed.element, GST_STATE_PLAYING), !=,
      GST_STATE_CHANGE_FAILURE);
  lifecycle_rig_push_events (&undisturbed);
  for (guint i = 0; i < rig->inputs->len; i++)
    g_assert_cmpint (
        gst_pad_push (undisturbed.test_src, gst_buffer_ref (rig->inputs->pdata[i])), ==,
        GST_FLOW_OK);
  gst_element_set_state (undisturbed.element, GST_STATE_READY);
  read_sink_file (&undisturbed);
  g_assert_cmpuint (rig->n_outputs, ==, undisturbed.n_outputs);
  g_assert_cmpmem (rig->output_bytes->data, rig->output_bytes->len,
      undisturbed.output_bytes->data, undisturbed.output_bytes->len);
  lifecycle_rig_clear (&undisturbed);
}
