/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Runs live pipelines `fakesrc ! ELEMENT ! fakesink` of 30 frames per second in one process, and
 * measures the frames that they reach, the CPU time, and the memory of each additional pipeline. A
 * frame is one step of 64 values; the network is one LSTM layer of 64 units, which all pipelines
 * share. Each row runs in a process of its own. */
#include "bench.h"
#include <gst/gst.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE 64
#define FRAME_RATE 30
#define SOURCE                                                                                 \
  "fakesrc is-live=true sync=true format=time sizetype=fixed sizemax=256 datarate=7680 "       \
  "filltype=zero silent=true ! other/tensors,format=static,num_tensors=1,types=float32,"       \
  "dimensions=(string)64:1,framerate=(fraction)30/1 ! "
#define SINK "fakesink name=sink silent=true sync=false"

static const struct {
  const gchar *name, *element;
} rows[] = {
    {"nothing", ""},
    {"identity", "identity silent=true ! "},
    {"lstm", "lstm name=lstm ! "},
};

static GstElement *
start_pipeline (gsize row, LstmModel *model, GError **error)
{
  g_autofree gchar *text = g_strconcat (SOURCE, rows[row].element, SINK, NULL);
  GstElement *pipeline = gst_parse_launch_full (text, NULL, GST_PARSE_FLAG_FATAL_ERRORS, error);
  g_autoptr (GstElement) lstm = pipeline ? gst_bin_get_by_name (GST_BIN (pipeline), "lstm")
                                         : NULL;

  if (lstm)
    g_object_set (lstm, "model", model, NULL);
  if (pipeline)
    gst_element_set_state (pipeline, GST_STATE_PLAYING);
  return pipeline;
}

/* Returns the number of frames that the sink has received. */
static guint64
count_frames (GstElement *pipeline)
{
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  g_autoptr (GstStructure) stats = NULL;
  guint64 n = 0;

  g_object_get (sink, "stats", &stats, NULL);
  gst_structure_get_uint64 (stats, "rendered", &n);
  return n;
}

static guint64
count_all_frames (GPtrArray *pipelines)
{
  guint64 n = 0;

  for (guint i = 0; i < pipelines->len; i++)
    n += count_frames (g_ptr_array_index (pipelines, i));
  return n;
}

/* Returns the resident memory in kB (1000 bytes), without pages of files. */
static gdouble
read_memory (void)
{
  g_autofree gchar *text = NULL;
  const gchar *found;

  if (!g_file_get_contents ("/proc/self/status", &text, NULL, NULL))
    return 0;
  found = strstr (text, "RssAnon:");
  return found ? g_ascii_strtod (found + strlen ("RssAnon:"), NULL) * 1.024 : 0;
}

static gdouble
read_cpu_seconds (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return (gdouble) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
         + (gdouble) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* Starts pipelines until there are @n, and waits until each has rendered a frame. */
static gboolean
add_pipelines (GPtrArray *pipelines, guint n, gsize row, LstmModel *model, GError **error)
{
  while (pipelines->len < n) {
    GstElement *pipeline = start_pipeline (row, model, error);

    if (!pipeline)
      return FALSE;
    g_ptr_array_add (pipelines, pipeline);
  }
  for (guint i = 0; i < n; i++)
    while (count_frames (g_ptr_array_index (pipelines, i)) == 0)
      g_usleep (10000);
  return TRUE;
}

static void
stop_pipeline (gpointer pipeline)
{
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}

/* Measures @n pipelines of @row for @seconds and prints a line. The memory is the difference between
 * @n and half of @n pipelines. */
static gboolean
measure_row (gsize row, guint n, gdouble seconds, LstmModel *model, GError **error)
{
  g_autoptr (GPtrArray) pipelines = g_ptr_array_new_with_free_func (stop_pipeline);
  gdouble memory, cpu, wall;
  guint64 frames;

  if (!add_pipelines (pipelines, n / 2, row, model, error))
    return FALSE;
  memory = -read_memory ();
  if (!add_pipelines (pipelines, n, row, model, error))
    return FALSE;
  memory += read_memory ();
  g_usleep (G_USEC_PER_SEC); /* the frames of the start */
  frames = count_all_frames (pipelines);
  cpu = read_cpu_seconds ();
  wall = (gdouble) g_get_monotonic_time () / G_USEC_PER_SEC;
  g_usleep ((gulong) (seconds * G_USEC_PER_SEC));
  frames = count_all_frames (pipelines) - frames;
  cpu = read_cpu_seconds () - cpu;
  wall = (gdouble) g_get_monotonic_time () / G_USEC_PER_SEC - wall;
  g_print ("%s\t%u\t%.1f\t%.1f\t%.1f\n", rows[row].name, n, (gdouble) frames / wall / n,
      100 * cpu / wall, memory / (n - n / 2));
  return TRUE;
}

static int
run_row (gsize row, guint n, gdouble seconds)
{
  g_autoptr (Network) network = network_new (CASE_CARRIED, SIZE, SIZE);
  g_autoptr (GError) error = NULL;
  g_autoptr (LstmModel) model = lstm_model_load_bytes (network->file, "bench", &error);

  gst_init (NULL, NULL);
  if (model && measure_row (row, n, seconds, model, &error))
    return 0;
  g_printerr ("bench-pipelines: %s\n", error->message);
  return 1;
}

/* Limits all threads to the CPU @cpu. */
static gboolean
pin_to_cpu (int cpu)
{
  cpu_set_t set;

  CPU_ZERO (&set);
  CPU_SET (cpu, &set);
  return sched_setaffinity (0, sizeof set, &set) == 0;
}

int
main (int argc, char **argv)
{
  const int n = argc == 4 ? atoi (argv[1]) : 0;
  const gdouble seconds = argc == 4 ? g_ascii_strtod (argv[2], NULL) : 0;

  if (n < 2 || seconds <= 0 || !pin_to_cpu (atoi (argv[3]))) {
    g_printerr ("usage: bench-pipelines PIPELINES SECONDS CPU\n");
    return 2;
  }
  g_print ("element\tpipelines\tframes_per_second\tcpu_percent\tkb_per_pipeline\n");
  for (gsize row = 0; row < G_N_ELEMENTS (rows); row++) {
    int status = 0;
    pid_t pid = fork ();

    if (pid == 0)
      return run_row (row, (guint) n, seconds);
    if (pid < 0 || waitpid (pid, &status, 0) != pid || status != 0)
      return 1;
  }
  return 0;
}
