/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pushes feature vectors into the pipeline appsrc ! lstm ! appsink, and prints the output and the
 * time of each step.
 *
 * Usage: lstm-app MODEL RATE < STEPS
 *
 * STEPS has d numbers per line and RATE lines per second. The program prints the time of each step
 * in seconds and n numbers. */
#include "numbers.h"
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <stdlib.h>

#define LINE "appsrc name=src format=time ! lstm name=lstm ! appsink name=sink sync=false"

/* Caps of a buffer: one float32 tensor of d numbers, one step */
#define STEP_CAPS                                                                              \
  "other/tensors,format=static,num_tensors=1,types=float32,dimensions=(string)%u:1,"           \
  "framerate=%" G_GUINT64_FORMAT "/1"

typedef struct {
  GMainLoop *loop;
  GstElement *pipeline;
  guint64 rate;  /* steps per second */
  guint64 steps; /* number of pushed steps */
  guint d;       /* numbers of a step, as in the caps */
  int status;    /* exit status */
} App;

static void
push_step (App *app, GstAppSrc *src, GArray *x)
{
  GstBuffer *buffer = gst_buffer_new_memdup (x->data, x->len * sizeof (float));

  if (x->len != app->d) { /* lstm compares d with its model when it receives the caps */
    g_autofree char *text = g_strdup_printf (STEP_CAPS, x->len, app->rate);
    g_autoptr (GstCaps) caps = gst_caps_from_string (text);

    gst_app_src_set_caps (src, caps);
    app->d = x->len;
  }
  /* The time follows from the number of the step, so rounding errors do not accumulate. */
  GST_BUFFER_PTS (buffer) = gst_util_uint64_scale (app->steps++, GST_SECOND, app->rate);
  GST_BUFFER_DURATION (buffer) = gst_util_uint64_scale (app->steps, GST_SECOND, app->rate)
                                 - GST_BUFFER_PTS (buffer);
  gst_app_src_push_buffer (src, buffer); /* takes ownership of the buffer, also on failure */
}

/* Pushes the next vector when the queue of appsrc is empty. The same thread runs the model, so the
 * queue does not grow. An application with a live source pushes from its own thread and sets the
 * property max-buffers of appsrc. */
static void
on_need_data (GstAppSrc *src, guint bytes, gpointer data)
{
  App *app = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) x = NULL;
  char *line = NULL;
  gsize capacity = 0;

  if (getline (&line, &capacity, stdin) >= 0)
    x = numbers_parse (line, &error);
  free (line);
  if (error) /* posts the error on the bus, as an element does */
    gst_element_post_message (
        app->pipeline, gst_message_new_error (GST_OBJECT (src), error, NULL));
  if (x)
    push_step (app, src, x);
  else
    gst_app_src_end_of_stream (src);
}

/* Prints an output. The streaming thread calls the function. The sample owns the buffer. */
static GstFlowReturn
on_new_sample (GstAppSink *sink, gpointer data)
{
  g_autoptr (GstSample) sample = gst_app_sink_pull_sample (sink);
  GstBuffer *buffer = sample ? gst_sample_get_buffer (sample) : NULL;
  GstMapInfo map;

  if (!buffer || !gst_buffer_map (buffer, &map, GST_MAP_READ))
    return GST_FLOW_ERROR;
  printf ("%.3f: ", (double) GST_BUFFER_PTS (buffer) / GST_SECOND);
  numbers_print ((const float *) map.data, map.size / sizeof (float));
  gst_buffer_unmap (buffer, &map);
  return GST_FLOW_OK;
}

/* Handles a message in the main loop. EOS arrives after appsink has received every output. */
static gboolean
on_message (GstBus *bus, GstMessage *message, gpointer data)
{
  App *app = data;
  g_autoptr (GError) error = NULL;

  if (!(GST_MESSAGE_TYPE (message) & (GST_MESSAGE_ERROR | GST_MESSAGE_EOS)))
    return G_SOURCE_CONTINUE;
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    gst_message_parse_error (message, &error, NULL);
    g_printerr ("lstm-app: %s: %s\n", GST_MESSAGE_SRC_NAME (message), error->message);
    app->status = 1;
  }
  g_main_loop_quit (app->loop);
  return G_SOURCE_REMOVE; /* the first error is the cause of later errors */
}

/* Sets the callbacks and the model. lstm loads the model when the pipeline starts. */
static void
configure_pipeline (App *app, const char *model)
{
  static GstAppSrcCallbacks src_callbacks = {.need_data = on_need_data};
  static GstAppSinkCallbacks sink_callbacks = {.new_sample = on_new_sample};
  g_autoptr (GstElement) src = gst_bin_get_by_name (GST_BIN (app->pipeline), "src");
  g_autoptr (GstElement) lstm = gst_bin_get_by_name (GST_BIN (app->pipeline), "lstm");
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (app->pipeline), "sink");
  g_autoptr (GstBus) bus = gst_element_get_bus (app->pipeline);

  gst_app_src_set_callbacks (GST_APP_SRC (src), &src_callbacks, app, NULL);
  g_object_set (lstm, "model-location", model, NULL);
  gst_app_sink_set_callbacks (GST_APP_SINK (sink), &sink_callbacks, app, NULL);
  gst_bus_add_watch (bus, on_message, app);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  App app = {0};

  gst_init (&argc, &argv);
  if (argc != 3 || !g_ascii_string_to_unsigned (argv[2], 10, 1, G_MAXINT, &app.rate, NULL)) {
    g_printerr ("usage: lstm-app MODEL RATE < STEPS\n");
    return 2;
  }
  app.pipeline = gst_parse_launch_full (LINE, NULL, GST_PARSE_FLAG_FATAL_ERRORS, &error);
  if (!app.pipeline) { /* an element is missing */
    g_printerr ("lstm-app: %s\n", error->message);
    return 1;
  }
  app.loop = g_main_loop_new (NULL, FALSE);
  configure_pipeline (&app, argv[1]);
  gst_element_set_state (
      app.pipeline, GST_STATE_PLAYING); /* on failure the bus has an error message */
  g_main_loop_run (app.loop);
  gst_element_set_state (app.pipeline, GST_STATE_NULL); /* joins the streaming thread */
  g_object_unref (app.pipeline);
  g_main_loop_unref (app.loop);
  return app.status;
}
