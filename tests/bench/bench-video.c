/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Measures a video model, whose window of T frames ONNX Runtime computes again for each frame, next
 * to the same model after lstm-convert --split: ONNX Runtime computes the features of the new
 * frame, and liblstm runs the memory. Both ways take turns within a round, and their outputs must
 * agree. The time is the CPU time of the process. */
#include "video-models.h"
#include <math.h>
#include <string.h>
#include <time.h>

#define MIN_ROUNDS 9
#define MAX_ROUNDS 301
#define SECONDS 5.0

typedef struct {
  VideoModels models;
  gsize next_frame;  /* of the split model */
  double clock_time; /* see measure_clock() */
} Bench;

/* The times of a frame in one round, in ns */
typedef struct {
  double whole, split, memory;
} Round;

static double
read_clock (void)
{
  struct timespec t;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double) t.tv_sec * 1e9 + (double) t.tv_nsec;
}

/* Returns the least time between two readings of the clock, which a measured time contains. */
static double
measure_clock (void)
{
  double least = INFINITY;

  for (guint i = 0; i < 1000; i++) {
    const double start = read_clock ();

    least = fmin (least, read_clock () - start);
  }
  return least;
}

/* Runs the next frame of the split model, and adds its times to @round. */
static void
run_split (Bench *bench, Round *round)
{
  double start, middle, end;

  video_models_fill_frame (&bench->models, bench->next_frame++);
  start = read_clock ();
  video_network_run (&bench->models.features);
  middle = read_clock ();
  video_memory_run (&bench->models.memory, bench->models.features.output, bench->models.output);
  end = read_clock ();
  round->split += end - start - 2 * bench->clock_time;
  round->memory += end - middle - bench->clock_time;
}

/* Runs one window of the whole model and T frames of the split model, after one frame each that
 * reloads the caches. */
static Round
measure_round (Bench *bench)
{
  Round round = {0}, ignored;
  double start;

  video_models_fill_window (&bench->models, bench->next_frame);
  video_network_run (&bench->models.whole);
  start = read_clock ();
  video_network_run (&bench->models.whole);
  round.whole = read_clock () - start - bench->clock_time;
  run_split (bench, &ignored);
  for (gsize i = 0; i < bench->models.n_steps; i++)
    run_split (bench, &round);
  round.split /= (double) bench->models.n_steps;
  round.memory /= (double) bench->models.n_steps;
  return round;
}

static int
compare_times (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

/* Returns the median of the member of @rounds at @offset. */
static double
get_median (const Round *rounds, gsize n, gsize offset)
{
  double times[MAX_ROUNDS];

  for (gsize i = 0; i < n; i++)
    memcpy (&times[i], (const char *) (rounds + i) + offset, sizeof times[i]);
  qsort (times, n, sizeof *times, compare_times);
  return times[n / 2];
}

/* Prints a line of the table. */
static void
print_times (const VideoModels *models, const char *path, const Round *median)
{
  g_autofree char *name = g_path_get_basename (path);
  const double ratio = median->whole / median->split;

  g_print ("model\tsteps\twhole_fps\tsplit_fps\tratio\tratio_per_step\twindow_us\t"
           "window_share\tdifference\n");
  g_print ("%s\t%zu\t%.4g\t%.4g\t%.1f\t%.2f\t%.3g\t%.3f\t%.1e\n", name, models->n_steps,
      1e9 / median->whole, 1e9 / median->split, ratio, ratio / (double) models->n_steps,
      median->memory / 1e3, median->memory / median->split, models->difference);
}

static void
measure_model (Bench *bench, const char *path)
{
  const double start = read_clock ();
  Round rounds[MAX_ROUNDS], median;
  gsize n = 0;

  while (n < MAX_ROUNDS && (n < MIN_ROUNDS || read_clock () - start < SECONDS * 1e9))
    rounds[n++] = measure_round (bench);
  median = (Round){
      .whole = get_median (rounds, n, G_STRUCT_OFFSET (Round, whole)),
      .split = get_median (rounds, n, G_STRUCT_OFFSET (Round, split)),
      .memory = get_median (rounds, n, G_STRUCT_OFFSET (Round, memory)),
  };
  print_times (&bench->models, path, &median);
}

int
main (int argc, char **argv)
{
  int steps = 0;
  gboolean is_check = FALSE;
  const GOptionEntry entries[] = {
      {"steps", 0, 0, G_OPTION_ARG_INT, &steps, "T, if the model does not have it", "T"},
      {"check", 0, 0, G_OPTION_ARG_NONE, &is_check, "Only compare the outputs", NULL}, {0}};
  g_autoptr (GOptionContext) context = g_option_context_new ("MODEL.onnx FOLDER");
  g_autoptr (GError) error = NULL;
  Bench bench = {.clock_time = measure_clock ()};

  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_set_ignore_unknown_options (context, TRUE);
  if (g_option_context_parse (context, &argc, &argv, &error) && argc < 3)
    g_set_error_literal (&error, BENCH_ERROR, 0, "expected MODEL.onnx and FOLDER");
  if (!error
      && video_models_open (&bench.models, argv[1], argv[2], (gsize) MAX (steps, 0), &error)
      && !is_check)
    measure_model (&bench, argv[1]);
  if (error)
    g_printerr ("bench-video: %s\n", error->message);
  else
    video_models_close (&bench.models);
  return error != NULL;
}
