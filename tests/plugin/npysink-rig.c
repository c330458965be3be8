/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "npysink-rig.h"

void
sink_rig_set_location (SinkRig *rig, const gchar *name)
{
  g_free (rig->path);
  rig->path = g_build_filename (rig->dir, name, NULL);
  g_object_set (rig->harness->element, "location", rig->path, NULL);
}

void
sink_rig_init (SinkRig *rig, gconstpointer data)
{
  GstElement *element = gst_object_ref_sink (gst_element_factory_make ("npysink", NULL));

  rig->dir = test_dir_new ();
  rig->path = g_build_filename (rig->dir, "y.npy", NULL);
  rig->bus = gst_bus_new ();
  g_object_set (element, "location", rig->path, NULL);
  rig->harness = gst_harness_new_with_element (element, "sink", NULL);
  gst_element_set_bus (element, rig->bus);
  gst_element_set_state (element, GST_STATE_NULL); /* the harness has started the element */
  gst_object_unref (element);
}

void
sink_rig_clear (SinkRig *rig, gconstpointer data)
{
  gst_element_set_bus (
      rig->harness->element, NULL); /* messages on the bus hold references of the element */
  gst_harness_teardown (rig->harness);
  gst_object_unref (rig->bus);
  g_free (rig->path);
  test_dir_remove (rig->dir);
}

void
sink_rig_push_caps (SinkRig *rig, const gchar *caps)
{
  g_autoptr (GstCaps) parsed = gst_caps_from_string (caps);

  g_assert_nonnull (parsed);
  gst_harness_push_event (rig->harness, gst_event_new_caps (parsed));
}

void
sink_rig_push_segment (SinkRig *rig)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (rig->harness, gst_event_new_segment (&segment));
}

void
sink_rig_push_flush (SinkRig *rig)
{
  gst_harness_push_event (rig->harness, gst_event_new_flush_start ());
  gst_harness_push_event (rig->harness, gst_event_new_flush_stop (TRUE));
  sink_rig_push_segment (rig);
}

void
sink_rig_start (SinkRig *rig, const gchar *caps)
{
  GstPad *pad = rig->harness->srcpad;

  gst_pad_set_active (pad, FALSE); /* clears EOS and caps */
  gst_pad_set_active (pad, TRUE);
  gst_element_set_state (rig->harness->element, GST_STATE_PLAYING);
  gst_harness_push_event (rig->harness, gst_event_new_stream_start ("npysink"));
  if (caps)
    sink_rig_push_caps (rig, caps);
  sink_rig_push_segment (rig);
}

void
sink_rig_stop (SinkRig *rig)
{
  gst_element_set_state (rig->harness->element, GST_STATE_READY);
}

void
append_numbers (GstBuffer *buffer, gint first, guint n)
{
  GstMemory *memory = gst_allocator_alloc (NULL, n * sizeof (gfloat), NULL);
  GstMapInfo map;

  g_assert_true (gst_memory_map (memory, &map, GST_MAP_WRITE));
  for (guint i = 0; i < n; i++)
    ((gfloat *) map.data)[i] = (gfloat) (first + (gint) i);
  gst_memory_unmap (memory, &map);
  gst_buffer_append_memory (buffer, memory);
}

GstFlowReturn
sink_rig_push_numbers (SinkRig *rig, gint first, guint n)
{
  GstBuffer *buffer = gst_buffer_new ();

  append_numbers (buffer, first, n);
  return gst_harness_push (rig->harness, buffer);
}

void
sink_rig_push_eos (SinkRig *rig)
{
  g_assert_true (gst_harness_push_event (rig->harness, gst_event_new_eos ()));
}

gfloat
get_npy_float (const gchar *contents, gsize i)
{
  return GST_READ_FLOAT_LE ((const guint8 *) contents + 128 + i * sizeof (gfloat));
}

void
assert_npy_file (const gchar *path, const gchar *shape, gint first, gsize n)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *contents = NULL;
  g_autofree gchar *text = g_strdup_printf (
      "\x93NUMPY\x01%cv%c{'descr': '<f4', 'fortran_order': False, 'shape': %s, }", 1, 1, shape);
  g_autofree gchar *header = g_strdup_printf ("%-127s\n", text);
  gsize length;

  header[7] = header[9] = '\0'; /* minor version, and upper byte of the length */
  g_file_get_contents (path, &contents, &length, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (contents, MIN (length, 128), header, 128);
  g_assert_cmpuint (length, ==, 128 + n * sizeof (gfloat));
  for (gsize i = 0; i < n; i++)
    g_assert_cmpfloat (get_npy_float (contents, i), ==, (gfloat) (first + (gint) i));
}

static guint
count_files (const gchar *dir)
{
  g_autoptr (GDir) entries = g_dir_open (dir, 0, NULL);
  guint n = 0;

  while (g_dir_read_name (entries))
    n++;
  return n;
}

void
sink_rig_assert_n_files (SinkRig *rig, guint n)
{
  g_assert_cmpuint (count_files (rig->dir), ==, n);
}
