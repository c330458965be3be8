/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Measures the wall time of a buffer in `fakesrc ! ELEMENT ! fakesink`, and of a step of the library
 * without a pipeline. The rows are measured in turns. A buffer is one step of 64 values; the network
 * is one LSTM layer of 64 units. */
#include "bench.h"
#include <gst/gst.h>
#include <stdlib.h>

#define ROUNDS 7
#define SIZE 64
#define SOURCE                                                                                 \
  "fakesrc num-buffers=%d sizetype=fixed sizemax=256 filltype=zero silent=true ! "             \
  "other/tensors,format=static,num_tensors=1,types=float32,dimensions=(string)64:1,"           \
  "framerate=(fraction)0/1 ! "
#define SINK "fakesink silent=true"

static const struct {
  const gchar *name, *element; /* NULL: the library without a pipeline */
} lines[] = {
    {"nothing", ""},
    {"identity", "identity silent=true ! "},
    {"lstm", "lstm name=lstm ! "},
    {"core", NULL},
};

static gint
compare_times (gconstpointer a, gconstpointer b)
{
  gdouble x = *(const gdouble *) a, y = *(const gdouble *) b;

  return (x > y) - (x < y);
}

static gdouble
run_core (LstmModel *model, gint steps)
{
  g_autoptr (LstmState) state = lstm_state_new (model, 1, NULL);
  gfloat x[SIZE] = {0}, y[SIZE];
  gint64 start = g_get_monotonic_time ();

  for (gint i = 0; i < steps; i++)
    lstm_state_run (state, 1, x, y);
  return (gdouble) (g_get_monotonic_time () - start) * 1000 / steps;
}

static GstElement *
make_pipeline (const gchar *element, LstmModel *model, gint buffers, GError **error)
{
  g_autofree gchar *source = g_strdup_printf (SOURCE, buffers);
  g_autofree gchar *text = g_strconcat (source, element, SINK, NULL);
  GstElement *pipeline = gst_parse_launch_full (text, NULL, GST_PARSE_FLAG_FATAL_ERRORS, error);
  g_autoptr (GstElement) lstm = pipeline ? gst_bin_get_by_name (GST_BIN (pipeline), "lstm")
                                         : NULL;

  if (lstm)
    g_object_set (lstm, "model", model, NULL);
  return pipeline;
}

/* Returns the ns per buffer of one run, or a negative number with @error set. */
static gdouble
run_buffers (const gchar *element, LstmModel *model, gint buffers, GError **error)
{
  g_autoptr (GstElement) pipeline = make_pipeline (element, model, buffers, error);
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GstBus) bus = NULL;
  gint64 start, end;

  if (!pipeline)
    return -1;
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
    gst_message_parse_error (message, error, NULL);
    return -1;
  }
  return (gdouble) (end - start) * 1000 / buffers;
}

int
main (int argc, char **argv)
{
  g_autoptr (Network) network = network_new (CASE_CARRIED, SIZE, SIZE);
  g_autoptr (GError) error = NULL;
  g_autoptr (LstmModel) model = NULL;
  gdouble ns[G_N_ELEMENTS (lines)][ROUNDS];
  gint buffers;

  gst_init (&argc, &argv);
  if (argc != 2 || (buffers = atoi (argv[1])) < 1) {
    g_printerr ("usage: bench-pipeline BUFFERS\n");
    return 2;
  }
  model = lstm_model_load_bytes (network->file, "bench", &error);
  for (guint i = 0; model && i < ROUNDS * G_N_ELEMENTS (lines); i++) {
    const gchar *element = lines[i % G_N_ELEMENTS (lines)].element;
    gdouble *result = &ns[i % G_N_ELEMENTS (lines)][i / G_N_ELEMENTS (lines)];

    *result = element ? run_buffers (element, model, buffers, &error) : run_core (model, buffers);
    if (*result < 0)
      break;
  }
  if (error) {
    g_printerr ("bench-pipeline: %s\n", error->message);
    return 1;
  }
  g_print ("element\tbuffers\tns_median\tns_min\tbuffers_per_second\n");
  for (guint i = 0; i < G_N_ELEMENTS (lines); i++) {
    qsort (ns[i], ROUNDS, sizeof ns[i][0], compare_times);
    g_print ("%s\t%d\t%.0f\t%.0f\t%.0f\n", lines[i].name, buffers, ns[i][ROUNDS / 2], ns[i][0],
        1e9 / ns[i][ROUNDS / 2]);
  }
  return 0;
}
