/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lifecycle-actions.h"

static const GstQueryType queries[] = {GST_QUERY_POSITION, GST_QUERY_DURATION,
    GST_QUERY_LATENCY, GST_QUERY_SEEKING, GST_QUERY_SEGMENT, GST_QUERY_CONVERT,
    GST_QUERY_FORMATS, GST_QUERY_BUFFERING, GST_QUERY_URI, GST_QUERY_SCHEDULING,
    GST_QUERY_ACCEPT_CAPS, GST_QUERY_CAPS, GST_QUERY_ALLOCATION, GST_QUERY_DRAIN,
    GST_QUERY_CONTEXT};

/* Returns: (transfer full) */
static GstQuery *
query_new (GstQueryType type, GstCaps *caps)
{
  switch (type) {
  case GST_QUERY_POSITION:
    return gst_query_new_position (GST_FORMAT_TIME);
  case GST_QUERY_DURATION:
    return gst_query_new_duration (GST_FORMAT_TIME);
  case GST_QUERY_LATENCY:
    return gst_query_new_latency ();
  case GST_QUERY_SEEKING:
    return gst_query_new_seeking (GST_FORMAT_TIME);
  case GST_QUERY_SEGMENT:
    return gst_query_new_segment (GST_FORMAT_TIME);
  case GST_QUERY_CONVERT:
    return gst_query_new_convert (GST_FORMAT_TIME, 1, GST_FORMAT_DEFAULT);
  case GST_QUERY_FORMATS:
    return gst_query_new_formats ();
  case GST_QUERY_BUFFERING:
    return gst_query_new_buffering (GST_FORMAT_TIME);
  case GST_QUERY_URI:
    return gst_query_new_uri ();
  case GST_QUERY_SCHEDULING:
    return gst_query_new_scheduling ();
  case GST_QUERY_ACCEPT_CAPS:
    return gst_query_new_accept_caps (caps);
  case GST_QUERY_CAPS:
    return gst_query_new_caps (NULL);
  case GST_QUERY_ALLOCATION:
    return gst_query_new_allocation (caps, TRUE);
  case GST_QUERY_DRAIN:
    return gst_query_new_drain ();
  default:
    return gst_query_new_context ("context");
  }
}

void
query_all (GstElement *element, const gchar *text, gboolean with_serialized)
{
  g_autoptr (GstCaps) caps = gst_caps_from_string (text);

  for (guint i = 0; i < G_N_ELEMENTS (queries); i++) {
    g_autoptr (GstQuery) query = query_new (queries[i], caps);

    if (GST_QUERY_IS_UPSTREAM (query))
      gst_element_query (element, query);
    for (GList *link = element->pads; link; link = link->next) {
      const GstQueryTypeFlags direction = gst_pad_get_direction (link->data) == GST_PAD_SRC
                                              ? GST_QUERY_TYPE_UPSTREAM
                                              : GST_QUERY_TYPE_DOWNSTREAM;
      g_autoptr (GstQuery) for_pad = query_new (queries[i], caps);

      if (gst_query_type_get_flags (queries[i]) & direction
          && (with_serialized || !GST_QUERY_IS_SERIALIZED (for_pad)))
        gst_pad_query (link->data, for_pad);
    }
  }
}

void
read_all_properties (GstElement *element)
{
  guint n;
  g_autofree GParamSpec **specs = g_object_class_list_properties (
      G_OBJECT_GET_CLASS (element), &n);

  for (guint i = 0; i < n; i++) {
    GValue value = G_VALUE_INIT;

    if (!(specs[i]->flags & G_PARAM_READABLE))
      continue;
    g_value_init (&value, specs[i]->value_type);
    g_object_get_property (G_OBJECT (element), specs[i]->name, &value);
    g_value_unset (&value);
  }
}

void
emit_all_signals (GstElement *element)
{
  g_autoptr (GBytes) state = NULL;
  g_autoptr (GBytes) bytes = g_bytes_new_static ("state", 5);
  gboolean set;

  if (!g_signal_lookup ("get-state", G_OBJECT_TYPE (element)))
    return;
  g_signal_emit_by_name (element, "reset");
  g_signal_emit_by_name (element, "get-state", &state);
  g_signal_emit_by_name (element, "set-state", state, &set);
  g_signal_emit_by_name (element, "set-state", bytes, &set);
  g_assert_false (set);
}

/* Returns: (transfer full) (nullable): upstream event @i of a list of all types; NULL at the end */
static GstEvent *
upstream_event_new (guint i)
{
  switch (i) {
  case 0:
  case 1:
    return gst_event_new_seek (1, GST_FORMAT_TIME, i ? GST_SEEK_FLAG_FLUSH : GST_SEEK_FLAG_NONE,
        GST_SEEK_TYPE_SET, 0, GST_SEEK_TYPE_NONE, -1);
  case 2:
    return gst_event_new_qos (GST_QOS_TYPE_UNDERFLOW, 1, 1, 1);
  case 3:
    return gst_event_new_latency (1);
  case 4:
    return gst_event_new_reconfigure ();
  case 5:
    return gst_event_new_navigation (gst_structure_new_empty ("key"));
  case 6:
    return gst_event_new_custom (
        GST_EVENT_CUSTOM_UPSTREAM, gst_structure_new_empty ("anything"));
  default:
    return NULL;
  }
}

/* Returns: (transfer full) (nullable): downstream event @i of a list of all types; NULL at the
 * end */
static GstEvent *
downstream_event_new (guint i)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  switch (i) {
  case 0:
  case 5:
  case 10:
    return gst_event_new_flush_start ();
  case 1:
  case 6:
  case 11:
    return gst_event_new_flush_stop (TRUE);
  case 2:
    return gst_event_new_segment (&segment);
  case 3:
    return gst_event_new_gap (0, GST_SECOND);
  case 4:
    return gst_event_new_segment_done (GST_FORMAT_TIME, 0);
  case 7:
    return gst_event_new_custom (
        GST_EVENT_CUSTOM_DOWNSTREAM_OOB, gst_structure_new_empty ("anything"));
  case 8:
    return gst_event_new_stream_start ("other");
  case 9:
    return gst_event_new_eos ();
  default:
    return NULL;
  }
}

void
send_all_events (GstPad *pad)
{
  const gboolean is_src = gst_pad_get_direction (pad) == GST_PAD_SRC;
  GstEvent *event;

  for (guint i = 0; (event = is_src ? upstream_event_new (i) : downstream_event_new (i)); i++)
    gst_pad_send_event (pad, event);
}

void
perform_all_actions (GstElement *element, const gchar *caps)
{
  GstEvent *event;

  for (guint i = 0; (event = upstream_event_new (i)); i++)
    gst_element_send_event (element, event);
  for (GList *link = element->pads; link; link = link->next)
    send_all_events (link->data);
  query_all (element, caps, TRUE);
  emit_all_signals (element);
  read_all_properties (element);
}
