/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "npy-files.h"
#include <unistd.h>

/* A pipeline `npysrc ! fakesink`, with what left the source's pad as lines of text:
 *
 *   caps DIMENSIONS
 *   segment START-STOP
 *   buffer OFFSET-OFFSET_END PTS+DURATION
 *   flush, eos
 */
typedef struct {
  GstElement *pipeline, *src;
  GstBus *bus;
  GMutex lock;
  GString *log;
  GArray *floats;
  const gchar *truncate; /* a file to shorten behind the first buffer, to so many bytes */
  goffset truncate_to;
} Run;

static inline void
log_caps (Run *run, GstEvent *event)
{
  GstCaps *caps;

  gst_event_parse_caps (event, &caps);
  g_string_append_printf (run->log, "caps %s\n",
      gst_structure_get_string (gst_caps_get_structure (caps, 0), "dimensions"));
}

static inline void
log_event (Run *run, GstEvent *event)
{
  const GstSegment *segment;

  switch (GST_EVENT_TYPE (event)) {
  case GST_EVENT_CAPS:
    log_caps (run, event);
    break;
  case GST_EVENT_SEGMENT:
    gst_event_parse_segment (event, &segment);
    g_assert_cmpint (segment->format, ==, GST_FORMAT_TIME);
    g_assert_cmpuint (segment->time, ==, segment->start);
    g_string_append_printf (run->log, "segment %" G_GUINT64_FORMAT, segment->start);
    if (GST_CLOCK_TIME_IS_VALID (segment->stop))
      g_string_append_printf (run->log, "-%" G_GUINT64_FORMAT, segment->stop);
    g_string_append_c (run->log, '\n');
    break;
  case GST_EVENT_FLUSH_STOP:
    g_string_append (run->log, "flush\n");
    break;
  case GST_EVENT_EOS:
    g_string_append (run->log, "eos\n");
    break;
  default:
    break;
  }
}

static inline void
log_buffer (Run *run, GstBuffer *buffer)
{
  GstMapInfo map;

  g_string_append_printf (run->log, "buffer %" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT,
      GST_BUFFER_OFFSET (buffer), GST_BUFFER_OFFSET_END (buffer));
  if (GST_BUFFER_PTS_IS_VALID (buffer))
    g_string_append_printf (run->log, " %" G_GUINT64_FORMAT "+%" G_GUINT64_FORMAT,
        GST_BUFFER_PTS (buffer), GST_BUFFER_DURATION (buffer));
  g_string_append_c (run->log, '\n');
  g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_READ));
  g_array_append_vals (run->floats, map.data, (guint) (map.size / sizeof (gfloat)));
  gst_buffer_unmap (buffer, &map);
  if (run->truncate)
    g_assert_cmpint (truncate (run->truncate, run->truncate_to), ==, 0);
}

static inline GstPadProbeReturn
on_data (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Run *run = user_data;

  g_mutex_lock (&run->lock);
  if (GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_BUFFER)
    log_buffer (run, GST_PAD_PROBE_INFO_BUFFER (info));
  else
    log_event (run, GST_PAD_PROBE_INFO_EVENT (info));
  g_mutex_unlock (&run->lock);
  return GST_PAD_PROBE_OK;
}

static inline void run_init (Run *run, const gchar *path, const gchar *rest, ...) G_GNUC_PRINTF (3, 4);

/* @rest: properties, and what stands between source and sink. */
static inline void
run_init (Run *run, const gchar *path, const gchar *rest, ...)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstPad) pad = NULL;
  g_autofree gchar *properties = NULL;
  g_autofree gchar *line = NULL;
  va_list args;

  va_start (args, rest);
  properties = g_strdup_vprintf (rest, args);
  va_end (args);
  line = g_strdup_printf ("npysrc name=src location=%s %s ! fakesink", path, properties);
  *run = (Run){NULL};
  run->pipeline = gst_parse_launch (line, &error);
  g_assert_no_error (error);
  run->src = gst_bin_get_by_name (GST_BIN (run->pipeline), "src");
  run->bus = gst_element_get_bus (run->pipeline);
  run->log = g_string_new (NULL);
  run->floats = g_array_new (FALSE, FALSE, sizeof (gfloat));
  g_mutex_init (&run->lock);
  pad = gst_element_get_static_pad (run->src, "src");
  gst_pad_add_probe (pad,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM
          | GST_PAD_PROBE_TYPE_EVENT_FLUSH,
      on_data, run, NULL);
}

/* To @state, which must be reached. */
static inline void
run_to (Run *run, GstState state)
{
  gst_element_set_state (run->pipeline, state);
  g_assert_cmpint (gst_element_get_state (run->pipeline, NULL, NULL, GST_CLOCK_TIME_NONE), ==,
      GST_STATE_CHANGE_SUCCESS);
}

/* Plays until a message of @type, which must come before any error. */
static inline void
run_until (Run *run, GstMessageType type)
{
  g_autoptr (GstMessage) message = NULL;

  gst_element_set_state (run->pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      run->bus, GST_CLOCK_TIME_NONE, type | GST_MESSAGE_ERROR);
  g_assert_cmpstr (GST_MESSAGE_TYPE_NAME (message), ==, gst_message_type_get_name (type));
}

static inline void
run_clear (Run *run)
{
  gst_element_set_state (run->pipeline, GST_STATE_NULL);
  gst_clear_object (&run->src);
  gst_clear_object (&run->bus);
  gst_clear_object (&run->pipeline);
  g_string_free (run->log, TRUE);
  g_array_unref (run->floats);
  g_mutex_clear (&run->lock);
}

/* Takes what was logged so far. */
static inline void
assert_log (Run *run, const gchar *expected)
{
  g_mutex_lock (&run->lock);
  g_assert_cmpstr (run->log->str, ==, expected);
  g_string_truncate (run->log, 0);
  g_mutex_unlock (&run->lock);
}

static inline gfloat
get_float (Run *run, guint i)
{
  return g_array_index (run->floats, gfloat, i);
}

typedef struct {
  gchar *dir, *path;
} Fixture;

static inline void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->dir = test_dir_new ();
  fixture->path = g_build_filename (fixture->dir, "x.npy", NULL);
}

static inline void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_free (fixture->path);
  test_dir_remove (fixture->dir);
}
