/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a buffer costs in `fakesrc ! ELEMENT ! fakesink`: wall time of many buffers, the lines in
 * turns. A buffer is a step of 64 values. */
#include <gst/gst.h>
#include <stdlib.h>

#define ROUNDS 7
#define SOURCE                                                                                 \
  "fakesrc num-buffers=%d sizetype=fixed sizemax=256 filltype=zero silent=true ! "             \
  "other/tensors,format=static,num_tensors=1,types=float32,dimensions=(string)64:1,"           \
  "framerate=(fraction)0/1 ! "
#define SINK "fakesink silent=true"

static const struct {
  const gchar *name, *element; /* %s: the model */
} lines[] = {
    {"nothing", ""},
    {"identity", "identity silent=true ! "},
    {"lstm", "lstm model-location=%s ! "},
};

static gint
compare (gconstpointer a, gconstpointer b)
{
  gdouble x = *(const gdouble *) a, y = *(const gdouble *) b;

  return (x > y) - (x < y);
}

/* ns per buffer of one run, or a negative number and a message on stderr */
static gdouble
run (guint line, const gchar *model, gint buffers)
{
  g_autofree gchar *source = g_strdup_printf (SOURCE, buffers);
  g_autoptr (GString) text = g_string_new (lines[line].element);
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = NULL;
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GstBus) bus = NULL;
  gint64 start, end;

  g_string_replace (text, "%s", model, 0);
  g_string_prepend (text, source);
  g_string_append (text, SINK);
  pipeline = gst_parse_launch (text->str, &error);
  if (error) {
    g_printerr ("bench-pipeline: %s\n", error->message);
    return -1;
  }
  bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  gst_element_get_state (pipeline, NULL, NULL, GST_CLOCK_TIME_NONE);
  start = g_get_monotonic_time ();
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  end = g_get_monotonic_time ();
  gst_element_set_state (pipeline, GST_STATE_NULL);
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    gst_message_parse_error (message, &error, NULL);
    g_printerr ("bench-pipeline: %s\n", error->message);
    return -1;
  }
  return (gdouble) (end - start) * 1000 / buffers;
}

int
main (int argc, char **argv)
{
  gdouble ns[G_N_ELEMENTS (lines)][ROUNDS];
  gint buffers;

  gst_init (&argc, &argv);
  if (argc != 3 || (buffers = atoi (argv[2])) < 1) {
    g_printerr ("usage: bench-pipeline MODEL BUFFERS\n");
    return 2;
  }
  for (guint round = 0; round < ROUNDS; round++)
    for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
      if ((ns[i][round] = run (i, argv[1], buffers)) < 0)
        return 1;
  g_print ("element\tbuffers\tns_median\tns_min\tbuffers_per_second\n");
  for (guint i = 0; i < G_N_ELEMENTS (lines); i++) {
    qsort (ns[i], ROUNDS, sizeof ns[i][0], compare);
    g_print ("%s\t%d\t%.0f\t%.0f\t%.0f\n", lines[i].name, buffers, ns[i][ROUNDS / 2], ns[i][0],
        1e9 / ns[i][ROUNDS / 2]);
  }
  return 0;
}
