/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An application that has features of its own: each line of numbers that it reads is a step, which
 * it pushes into appsrc, and each output that lstm gives is printed as it comes out of appsink.
 *
 *     push-pull MODEL < steps.txt */
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <lstm/lstm.h>
#include <stdio.h>

#define FPS 30

/* In appsink's own thread: the bytes are n floats of the step at its time. */
static GstFlowReturn
on_output (GstAppSink *sink, gpointer data)
{
  g_autoptr (GstSample) sample = gst_app_sink_pull_sample (sink);
  GstBuffer *buffer = gst_sample_get_buffer (sample);
  GstMapInfo map;

  if (!gst_buffer_map (buffer, &map, GST_MAP_READ))
    return GST_FLOW_ERROR;
  g_print ("%" GST_TIME_FORMAT, GST_TIME_ARGS (GST_BUFFER_PTS (buffer)));
  for (gsize i = 0; i < map.size / sizeof (float); i++)
    g_print (" %.6f", ((const float *) map.data)[i]);
  g_print ("\n");
  gst_buffer_unmap (buffer, &map);
  return GST_FLOW_OK;
}

/* The next line's numbers as a buffer of d floats; NULL at the end. Returns: (transfer full) */
static GstBuffer *
read_step (gsize d, guint64 step)
{
  g_autofree float *x = g_new (float, d);
  GstBuffer *buffer;

  for (gsize i = 0; i < d; i++)
    if (scanf ("%f", &x[i]) != 1)
      return NULL;
  buffer = gst_buffer_new_wrapped (g_steal_pointer (&x), d * sizeof (float));
  GST_BUFFER_PTS (buffer) = gst_util_uint64_scale (step, GST_SECOND, FPS);
  GST_BUFFER_DURATION (buffer) = gst_util_uint64_scale (1, GST_SECOND, FPS);
  return buffer;
}

/* Pushes all lines, and waits until the last output is out. FALSE, with an error said, if the pipeline
 * failed. */
static gboolean
run (GstElement *pipeline, gsize d)
{
  g_autoptr (GstElement) source = gst_bin_get_by_name (GST_BIN (pipeline), "source");
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;
  GstBuffer *buffer;

  for (guint64 step = 0; (buffer = read_step (d, step)); step++)
    if (gst_app_src_push_buffer (GST_APP_SRC (source), buffer) != GST_FLOW_OK)
      break; /* the bus says why */
  gst_app_src_end_of_stream (GST_APP_SRC (source));
  message = gst_bus_timed_pop_filtered (
      bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS)
    return TRUE;
  gst_message_parse_error (message, &error, NULL);
  g_printerr ("push-pull: %s\n", error->message);
  return FALSE;
}

/* @model: its d goes into the caps, and lstm need not load it again */
static GstElement *
make_pipeline (LstmModel *model, GError **error)
{
  g_autofree char *line = g_strdup_printf (
      "appsrc name=source format=time block=true "
      "caps=\"other/tensors,format=static,num_tensors=1,"
      "types=float32,dimensions=(string)%zu,framerate=%d/1\" ! lstm name=lstm ! "
      "appsink name=sink sync=false",
      lstm_model_get_input_size (model), FPS);
  GstElement *pipeline = gst_parse_launch_full (line, NULL, GST_PARSE_FLAG_FATAL_ERRORS, error);
  g_autoptr (GstElement) lstm = NULL;
  g_autoptr (GstElement) sink = NULL;

  if (!pipeline)
    return NULL;
  lstm = gst_bin_get_by_name (GST_BIN (pipeline), "lstm");
  g_object_set (lstm, "model", model, NULL);
  sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  gst_app_sink_set_callbacks (
      GST_APP_SINK (sink), &(GstAppSinkCallbacks){.new_sample = on_output}, NULL, NULL);
  return pipeline;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (LstmModel) model = NULL;
  g_autoptr (GstElement) pipeline = NULL;
  gboolean ok;

  gst_init (&argc, &argv);
  if (argc != 2) {
    g_printerr ("usage: push-pull MODEL < steps.txt\n");
    return 2;
  }
  model = lstm_model_load (argv[1], &error);
  pipeline = model ? make_pipeline (model, &error) : NULL;
  if (!pipeline) {
    g_printerr ("push-pull: %s\n", error->message);
    return 1;
  }
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  ok = run (pipeline, lstm_model_get_input_size (model));
  gst_element_set_state (pipeline, GST_STATE_NULL);
  return ok ? 0 : 1;
}
