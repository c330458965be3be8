/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "demo-recogniser.h"
#include <string.h>
#if HAVE_ANALYTICS
#  include <gst/analytics/analytics.h>
#endif

typedef struct {
  DemoLabelFunc func;
  gpointer user_data;
} Watch;

GstElement *
demo_find_element (GstElement *pipeline, const gchar *factory)
{
  GstIterator *elements = gst_bin_iterate_all_by_element_factory_name (
      GST_BIN (pipeline), factory);
  GValue value = G_VALUE_INIT;
  GstElement *element = NULL;

  if (gst_iterator_next (elements, &value) == GST_ITERATOR_OK) {
    element = g_value_dup_object (&value);
    g_value_unset (&value);
  }
  gst_iterator_free (elements);
  return element;
}

/* Splits the text of a buffer into the label and, after the last space, the score. */
static void
read_text (GstBuffer *buffer, DemoLabel *label)
{
  gchar text[64];
  gchar *space;

  text[gst_buffer_extract (buffer, 0, text, sizeof text - 1)] = '\0';
  space = strrchr (text, ' ');
  if (space) {
    *space = '\0';
    label->score = g_ascii_strtod (space + 1, NULL);
  }
  g_strlcpy (label->label, text, sizeof label->label);
}

/* Reads the classification of a frame. */
static void
read_classification (GstBuffer *buffer, DemoLabel *label)
{
#if HAVE_ANALYTICS
  GstAnalyticsRelationMeta *meta = gst_buffer_get_analytics_relation_meta (buffer);
  gpointer state = NULL;
  GstAnalyticsClsMtd classes;

  if (!meta
      || !gst_analytics_relation_meta_iterate (
          meta, &state, gst_analytics_cls_mtd_get_mtd_type (), &classes))
    return;
  label->score = gst_analytics_cls_mtd_get_level (&classes, 0);
  g_strlcpy (label->label, g_quark_to_string (gst_analytics_cls_mtd_get_quark (&classes, 0)),
      sizeof label->label);
#endif
}

static GstPadProbeReturn
on_buffer (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  const Watch *watch = user_data;
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
  DemoLabel label = {.pts = GST_BUFFER_PTS (buffer), .duration = GST_BUFFER_DURATION (buffer)};
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);
  const GstStructure *structure = caps ? gst_caps_get_structure (caps, 0) : NULL;

  if (structure && gst_structure_has_name (structure, "text/x-raw"))
    read_text (buffer, &label);
  else
    read_classification (buffer, &label);
  watch->func (&label, watch->user_data);
  return GST_PAD_PROBE_OK;
}

gboolean
demo_watch_labels (GstElement *pipeline, DemoLabelFunc func, gpointer user_data)
{
  g_autoptr (GstElement) element = demo_find_element (pipeline, "lstmlabel");
  g_autoptr (GstPad) pad = element ? gst_element_get_static_pad (element, "src") : NULL;
  Watch *watch;

  if (!pad)
    return FALSE;
  watch = g_new (Watch, 1);
  *watch = (Watch){func, user_data};
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, on_buffer, watch, g_free);
  return TRUE;
}

gboolean
demo_play (GstElement *pipeline, GError **error)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = NULL;
  gboolean good;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  good = GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS;
  if (!good)
    gst_message_parse_error (message, error, NULL);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  return good;
}
