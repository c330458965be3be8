/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "npysrc-rig.h"
#include <unistd.h>

static void
log_caps (NpysrcRig *rig, GstEvent *event)
{
  GstCaps *caps;

  gst_event_parse_caps (event, &caps);
  g_string_append_printf (rig->log, "caps %s\n",
      gst_structure_get_string (gst_caps_get_structure (caps, 0), "dimensions"));
}

static void
log_event (NpysrcRig *rig, GstEvent *event)
{
  const GstSegment *segment;

  switch (GST_EVENT_TYPE (event)) {
  case GST_EVENT_CAPS:
    log_caps (rig, event);
    break;
  case GST_EVENT_SEGMENT:
    gst_event_parse_segment (event, &segment);
    g_assert_cmpint (segment->format, ==, GST_FORMAT_TIME);
    g_assert_cmpuint (segment->time, ==, segment->start);
    g_string_append_printf (rig->log, "segment %" G_GUINT64_FORMAT, segment->start);
    if (GST_CLOCK_TIME_IS_VALID (segment->stop))
      g_string_append_printf (rig->log, "-%" G_GUINT64_FORMAT, segment->stop);
    g_string_append_c (rig->log, '\n');
    break;
  case GST_EVENT_FLUSH_STOP:
    g_string_append (rig->log, "flush\n");
    break;
  case GST_EVENT_EOS:
    g_string_append (rig->log, "eos\n");
    break;
  default:
    break;
  }
}

static void
log_buffer (NpysrcRig *rig, GstBuffer *buffer)
{
  GstMapInfo map;

  g_string_append_printf (rig->log, "buffer %" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT,
      GST_BUFFER_OFFSET (buffer), GST_BUFFER_OFFSET_END (buffer));
  if (GST_BUFFER_PTS_IS_VALID (buffer))
    g_string_append_printf (rig->log, " %" G_GUINT64_FORMAT "+%" G_GUINT64_FORMAT,
        GST_BUFFER_PTS (buffer), GST_BUFFER_DURATION (buffer));
  g_string_append_c (rig->log, '\n');
  g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_READ));
  g_array_append_vals (rig->items, map.data, (guint) (map.size / sizeof (gfloat)));
  gst_buffer_unmap (buffer, &map);
  if (rig->truncated_path)
    g_assert_cmpint (truncate (rig->truncated_path, rig->truncated_size), ==, 0);
}

static GstPadProbeReturn
record_data (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  NpysrcRig *rig = user_data;

  g_mutex_lock (&rig->lock);
  if (GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_BUFFER)
    log_buffer (rig, GST_PAD_PROBE_INFO_BUFFER (info));
  else
    log_event (rig, GST_PAD_PROBE_INFO_EVENT (info));
  g_mutex_unlock (&rig->lock);
  return GST_PAD_PROBE_OK;
}

void
npysrc_rig_init (NpysrcRig *rig, const gchar *path, const gchar *rest, ...)
{
  g_autoptr (GstPad) pad = NULL;
  g_autofree gchar *properties = NULL;
  va_list args;

  va_start (args, rest);
  properties = g_strdup_vprintf (rest, args);
  va_end (args);
  *rig = (NpysrcRig){NULL};
  rig->pipeline = parse_pipeline (
      "npysrc name=src location=%s %s ! fakesink", path, properties);
  rig->src = gst_bin_get_by_name (GST_BIN (rig->pipeline), "src");
  rig->bus = gst_element_get_bus (rig->pipeline);
  rig->log = g_string_new (NULL);
  rig->items = g_array_new (FALSE, FALSE, sizeof (gfloat));
  g_mutex_init (&rig->lock);
  pad = gst_element_get_static_pad (rig->src, "src");
  gst_pad_add_probe (pad,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM
          | GST_PAD_PROBE_TYPE_EVENT_FLUSH,
      record_data, rig, NULL);
}

void
npysrc_rig_set_state (NpysrcRig *rig, GstState state)
{
  gst_element_set_state (rig->pipeline, state);
  g_assert_cmpint (gst_element_get_state (rig->pipeline, NULL, NULL, GST_CLOCK_TIME_NONE), ==,
      GST_STATE_CHANGE_SUCCESS);
}

void
npysrc_rig_play_until (NpysrcRig *rig, GstMessageType type)
{
  g_autoptr (GstMessage) message = NULL;

  gst_element_set_state (rig->pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      rig->bus, GST_CLOCK_TIME_NONE, type | GST_MESSAGE_ERROR);
  g_assert_cmpstr (GST_MESSAGE_TYPE_NAME (message), ==, gst_message_type_get_name (type));
}

void
npysrc_rig_clear (NpysrcRig *rig)
{
  gst_element_set_state (rig->pipeline, GST_STATE_NULL);
  gst_clear_object (&rig->src);
  gst_clear_object (&rig->bus);
  gst_clear_object (&rig->pipeline);
  g_string_free (rig->log, TRUE);
  g_array_unref (rig->items);
  g_mutex_clear (&rig->lock);
}

void
npysrc_rig_assert_log (NpysrcRig *rig, const gchar *expected)
{
  g_mutex_lock (&rig->lock);
  g_assert_cmpstr (rig->log->str, ==, expected);
  g_string_truncate (rig->log, 0);
  g_mutex_unlock (&rig->lock);
}

gfloat
npysrc_rig_get_float (NpysrcRig *rig, guint i)
{
  return g_array_index (rig->items, gfloat, i);
}

void
npysrc_rig_init_paused (NpysrcRig *rig, const gchar *path, const gchar *properties)
{
  npysrc_rig_init (rig, path, "%s", properties);
  npysrc_rig_set_state (rig, GST_STATE_PAUSED);
}

void
npysrc_rig_finish (NpysrcRig *rig, const gchar *expected)
{
  npysrc_rig_play_until (rig, GST_MESSAGE_EOS);
  npysrc_rig_assert_log (rig, expected);
  npysrc_rig_clear (rig);
}
