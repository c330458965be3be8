/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "demo-film.h"
#include "demo-camera.h"

struct _DemoFilm {
  GstElement *pipeline;
  GstElement *source;
  gsize bytes; /* of a frame; rows have no padding, since BGRx has none in cairo or GStreamer */
  guint64 frames;
};

/* Ends the stream of @source after an error, because a blocked push would wait forever. */
static GstBusSyncReply
end_after_error (GstBus *bus, GstMessage *message, gpointer source)
{
  GstFlowReturn flow;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
    g_signal_emit_by_name (source, "end-of-stream", &flow);
  return GST_BUS_PASS;
}

DemoFilm *
demo_film_new (
    const gchar *path, guint width, guint height, guint kbit_per_second, GError **error)
{
  g_autofree gchar *caps = g_strdup_printf (
      "video/x-raw,format=%s,width=%u,height=%u,framerate=%d/1",
      G_BYTE_ORDER == G_LITTLE_ENDIAN ? "BGRx" : "xRGB", width, height, DEMO_FPS);
  g_autofree gchar *line = g_strdup_printf (
      "appsrc name=source format=time block=true max-buffers=8 caps=\"%s\" ! videoconvert"
      " ! vp8enc deadline=1 cpu-used=-6 target-bitrate=%u000 keyframe-max-dist=60"
      " ! webmmux ! filesink name=sink",
      caps, kbit_per_second);
  GstElement *pipeline = gst_parse_launch_full (line, NULL, GST_PARSE_FLAG_FATAL_ERRORS, error);
  g_autoptr (GstElement) sink = NULL;
  g_autoptr (GstBus) bus = NULL;
  DemoFilm *film;

  if (!pipeline)
    return NULL;
  film = g_new0 (DemoFilm, 1);
  film->pipeline = pipeline;
  film->bytes = (gsize) width * height * 4;
  film->source = gst_bin_get_by_name (GST_BIN (pipeline), "source");
  sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  g_object_set (sink, "location", path, NULL);
  bus = gst_element_get_bus (pipeline);
  gst_bus_set_sync_handler (bus, end_after_error, film->source, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  return film;
}

void
demo_film_add (DemoFilm *film, cairo_surface_t *frame)
{
  GstBuffer *buffer = gst_buffer_new_memdup (cairo_image_surface_get_data (frame), film->bytes);
  GstFlowReturn flow;

  GST_BUFFER_PTS (buffer) = gst_util_uint64_scale (film->frames, GST_SECOND, DEMO_FPS);
  film->frames++;
  GST_BUFFER_DURATION (buffer) = gst_util_uint64_scale (film->frames, GST_SECOND, DEMO_FPS)
                                 - GST_BUFFER_PTS (buffer);
  g_signal_emit_by_name (film->source, "push-buffer", buffer, &flow);
  gst_buffer_unref (buffer);
}

gboolean
demo_film_close (DemoFilm *film, GError **error)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (film->pipeline);
  g_autoptr (GstMessage) message = NULL;
  GstFlowReturn flow;
  gboolean good;

  g_signal_emit_by_name (film->source, "end-of-stream", &flow);
  message = gst_bus_timed_pop_filtered (
      bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  good = GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS;
  if (!good)
    gst_message_parse_error (message, error, NULL);
  gst_element_set_state (film->pipeline, GST_STATE_NULL);
  gst_object_unref (film->source);
  gst_object_unref (film->pipeline);
  g_free (film);
  return good;
}
