/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Measures the CPU time and the peak memory of loading a model of one LSTM layer: as safetensors, as
 * ONNX through lstm-convert, and as a session of ONNX Runtime. Each load runs in a process of its
 * own. The rows of a size take turns. */
#include "onnx-model.h"
#ifdef HAVE_ONNXRUNTIME
#  include "onnx-session.h"
#endif
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 5
#define MEGABYTE 1e6
#define WRITE_ERROR "bench-load: %s: expected to write the file, found: %s\n"

/* The result of a load, which the process of the load passes to the main process */
typedef struct {
  double ms;     /* of CPU time, of the process and of its child processes */
  double packed; /* MB of packed weights; 0: unknown */
  double peak;   /* MB by which the resident memory of the process grows at most */
  double child;  /* peak of the resident memory of the child process in MB; 0: none */
} Load;

static gboolean
load_library (const char *path, double *packed, GError **error)
{
  LstmModel *model = lstm_model_load (path, error);

  if (model)
    *packed = (double) lstm_model_get_packed_size (model) / MEGABYTE;
  return model != NULL;
}

#ifdef HAVE_ONNXRUNTIME
static gboolean
load_session (const char *path, double *packed, GError **error)
{
  static OnnxSession session;

  *packed = 0;
  return onnx_session_open (&session, NULL, path, error);
}
#endif

static const struct {
  const char *engine, *format;
  gboolean (*load) (const char *path, double *packed, GError **error);
} rows[] = {
    {"lstm", "safetensors", load_library},
    {"lstm", "onnx", load_library},
#ifdef HAVE_ONNXRUNTIME
    {"onnxruntime", "onnx", load_session},
#endif
};

/* Returns a field of /proc/self/status in MB. */
static double
read_status (const char *field)
{
  g_autofree char *text = NULL;
  const char *found;

  if (!g_file_get_contents ("/proc/self/status", &text, NULL, NULL))
    return 0;
  found = strstr (text, field);
  return found ? g_ascii_strtod (found + strlen (field), NULL) * 1024 / MEGABYTE : 0;
}

static double
read_cpu_ms (int who)
{
  struct rusage usage;

  getrusage (who, &usage);
  return (double) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3
         + (double) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
}

/* Loads the file @path as @row, in the process of the load, whose peak of the memory (VmHWM) begins with
 * the memory at the fork. */
static Load
measure_load (gsize row, const char *path)
{
  g_autoptr (GError) error = NULL;
  struct rusage children;
  Load load = {0};
  double memory;

  memory = read_status ("VmRSS:");
  load.ms = -read_cpu_ms (RUSAGE_SELF);
  if (!rows[row].load (path, &load.packed, &error)) {
    g_printerr ("bench-load: %s\n", error->message);
    exit (1);
  }
  load.ms += read_cpu_ms (RUSAGE_SELF) + read_cpu_ms (RUSAGE_CHILDREN);
  load.peak = read_status ("VmHWM:") - memory;
  getrusage (RUSAGE_CHILDREN, &children);
  load.child = (double) children.ru_maxrss * 1024 / MEGABYTE;
  return load;
}

/* Runs measure_load() in a process of its own. */
static gboolean
run_load (gsize row, const char *path, Load *load)
{
  int ends[2], status;
  gboolean is_read;
  pid_t pid;

  if (pipe (ends) != 0 || (pid = fork ()) < 0)
    return FALSE;
  if (pid == 0) {
    *load = measure_load (row, path);
    _exit (write (ends[1], load, sizeof *load) != sizeof *load);
  }
  close (ends[1]);
  is_read = read (ends[0], load, sizeof *load) == sizeof *load;
  close (ends[0]);
  return waitpid (pid, &status, 0) == pid && status == 0 && is_read;
}

static int
write_file (const char *path, gconstpointer data, gsize size)
{
  g_autoptr (GError) error = NULL;

  if (g_file_set_contents (path, data, (gssize) size, &error))
    return 0;
  g_printerr (WRITE_ERROR, path, error->message);
  return 1;
}

/* Writes the same model of m inputs and m units as both files. Runs in a process of its own, whose
 * memory is freed before the first load. */
static int
write_models (gsize m, const char *safetensors, const char *onnx)
{
  static const Case c = {"load", CASE_CARRIED, 1, 1, NULL};
  g_autoptr (Network) network = network_new (c.kind, m, m);
  const Job job = {.c = &c,
      .d = m,
      .m = m,
      .n = m,
      .n_gates = 4,
      .w_x = network->w_x,
      .w_h = network->w_h,
      .bias = network->bias};
  g_autoptr (GByteArray) model = onnx_model_new (&job);
  gsize size;
  gconstpointer data = g_bytes_get_data (network->file, &size);

  return write_file (safetensors, data, size) || write_file (onnx, model->data, model->len);
}

static gboolean
make_models (gsize m, const char *safetensors, const char *onnx)
{
  int status;
  pid_t pid = fork ();

  if (pid == 0)
    _exit (write_models (m, safetensors, onnx));
  return pid > 0 && waitpid (pid, &status, 0) == pid && status == 0;
}

static int
compare_loads (const void *a, const void *b)
{
  double x = ((const Load *) a)->ms, y = ((const Load *) b)->ms;

  return (x > y) - (x < y);
}

static void
print_row (gsize row, double megabytes, Load *loads)
{
  Load most = {0};

  qsort (loads, ROUNDS, sizeof *loads, compare_loads);
  for (gsize i = 0; i < ROUNDS; i++) {
    most.peak = MAX (most.peak, loads[i].peak);
    most.child = MAX (most.child, loads[i].child);
  }
  g_print ("%s\t%s\t%.0f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\n", rows[row].engine, rows[row].format,
      megabytes, loads[ROUNDS / 2].ms, loads[0].ms, loads[0].packed, most.peak, most.child);
}

/* Measures a model of about @megabytes MB of weights. */
static gboolean
measure_size (double megabytes, const char *folder)
{
  const gsize m = (gsize) sqrt (megabytes * MEGABYTE / (8 * sizeof (float)));
  g_autofree char *safetensors = g_build_filename (folder, "model.safetensors", NULL);
  g_autofree char *onnx = g_build_filename (folder, "model.onnx", NULL);
  Load loads[G_N_ELEMENTS (rows)][ROUNDS];

  if (!make_models (m, safetensors, onnx))
    return FALSE;
  for (gsize round = 0; round < ROUNDS; round++)
    for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
      if (!run_load (
              i, g_str_equal (rows[i].format, "onnx") ? onnx : safetensors, &loads[i][round]))
        return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    print_row (i, megabytes, loads[i]);
  return TRUE;
}

int
main (int argc, char **argv)
{
  if (argc < 3) {
    g_printerr ("usage: bench-load FOLDER MEGABYTES...\n");
    return 2;
  }
  g_print ("engine\tformat\tmb\tms_median\tms_min\tpacked_mb\tpeak_mb\tchild_mb\n");
  for (int i = 2; i < argc; i++)
    if (!measure_size (g_ascii_strtod (argv[i], NULL), argv[1]))
      return 1;
  return 0;
}
