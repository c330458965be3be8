/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstmlabel-rig.h"
#include <string.h>

LabelRig
label_rig_new (const gchar *location, const gchar *dimensions, const gchar *framerate)
{
  LabelRig rig = {gst_harness_new ("lstmlabel"), gst_bus_new ()};
  g_autofree gchar *caps = g_strdup_printf (
      "other/tensors, format=static, num_tensors=1, types=float32, "
      "dimensions=(string)%s, framerate=%s",
      dimensions, framerate);

  if (location) {
    gst_element_set_state (rig.harness->element, GST_STATE_READY);
    g_object_set (rig.harness->element, "labels-location", location, NULL);
    gst_harness_play (rig.harness);
  }
  gst_element_set_bus (rig.harness->element, rig.bus);
  gst_harness_set_src_caps_str (rig.harness, caps);
  return rig;
}

void
label_rig_clear (LabelRig *rig)
{
  gst_element_set_bus (rig->harness->element, NULL);
  gst_harness_teardown (rig->harness);
  gst_object_unref (rig->bus);
}

gchar *
write_labels (const gchar *dir, const gchar *text, gssize size)
{
  gchar *path = g_build_filename (dir, "labels.txt", NULL);

  g_assert_true (g_file_set_contents (path, text, size, NULL));
  return path;
}

GstFlowReturn
label_rig_push_scores (
    LabelRig *rig, const gfloat *scores, guint n, GstClockTime pts, GstClockTime duration)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, n * sizeof (gfloat), NULL);

  gst_buffer_fill (buffer, 0, scores, n * sizeof (gfloat));
  GST_BUFFER_PTS (buffer) = pts;
  GST_BUFFER_DURATION (buffer) = duration;
  return gst_harness_push (rig->harness, buffer);
}

gchar *
label_rig_pull_text (LabelRig *rig, GstClockTime *pts, GstClockTime *duration)
{
  g_autoptr (GstBuffer) buffer = gst_harness_try_pull (rig->harness);
  GstMapInfo map;
  gchar *text;

  if (!buffer)
    return NULL;
  g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_READ));
  g_assert_null (
      memchr (map.data, '\0', map.size)); /* no terminator: the size is that of the text */
  text = g_strndup ((const gchar *) map.data, map.size);
  gst_buffer_unmap (buffer, &map);
  if (pts)
    *pts = GST_BUFFER_PTS (buffer);
  if (duration)
    *duration = GST_BUFFER_DURATION (buffer);
  return text;
}

gboolean
label_rig_pull_gap (LabelRig *rig, GstClockTime *pts, GstClockTime *duration)
{
  GstEvent *event;

  while ((event = gst_harness_try_pull_event (rig->harness))) {
    gboolean is_gap = GST_EVENT_TYPE (event) == GST_EVENT_GAP;

    if (is_gap)
      gst_event_parse_gap (event, pts, duration);
    gst_event_unref (event);
    if (is_gap)
      return TRUE;
  }
  return FALSE;
}

gint
label_rig_pull_index (LabelRig *rig)
{
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (rig->bus, GST_MESSAGE_ELEMENT);
  gint index = -9;

  if (message)
    g_assert_true (
        gst_structure_get_int (gst_message_get_structure (message), "index", &index));
  return index;
}

void
assert_error_has (GstBus *bus, const gchar *const *parts)
{
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  for (; *parts; parts++)
    if (!strstr (error->message, *parts))
      g_error ("expected '%s' in '%s'", *parts, error->message);
}
