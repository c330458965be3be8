/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Measures the time of a step of the library, of reading the weights, and of a step of other
 * libraries. Each measurement is one line with fields separated by tabs. The time is in ns per
 * stream and step, and for a window in ns per frame. The engines run in turns within a round, so a
 * disturbance of the machine affects all of them. */
#include "bench.h"
#include "peers.h"
#include <math.h>
#include <sched.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MIN_ROUNDS 5
#define MAX_ROUNDS 301
#define SLICE_NS 1e6 /* least time of one measurement, far above the resolution of the clock */

/* Tolerance between the output of an engine and the output of the library in float32 */
static const struct {
  const char *name;
  float tolerance;
} precisions[] = {
    [LSTM_PRECISION_FLOAT32] = {"float32", 1e-4f},
    [LSTM_PRECISION_BFLOAT16] = {"bfloat16", 0.02f},
    [LSTM_PRECISION_INT8] = {"int8", 0.06f},
};

static const Engine *const own_engines[] = {&engine_lstm, &engine_window, &engine_recompute,
    &engine_silence, &engine_sound, &engine_listed, &engine_unlisted, &engine_read};

#define PRESENT(name, package) &peer_##name, &peer_##name##_gru,
#define ABSENT(name, package)
static const Engine *const peers[] = {BENCH_PEERS (PRESENT, ABSENT) NULL};
#undef PRESENT
#undef ABSENT

#define MAX_ENGINES 64

/* The options and the results of the benchmark */
typedef struct {
  double seconds;
  GPatternSpec *only;
  GPtrArray *engines; /* of const Engine */
  GArray *results;    /* of Result */
  gboolean has_failed;
} Bench;

/* An engine that runs a job */
typedef struct {
  const Engine *engine;
  gpointer self;
  gsize n_runs; /* runs in one measurement */
  double ns[MAX_ROUNDS];
} Runner;

/* Returns the time of @clock in ns. CLOCK_MONOTONIC is wall time. CLOCK_PROCESS_CPUTIME_ID is the
 * CPU time of all threads of this process, without other processes on the same CPU. */
static double
read_clock (clockid_t clock)
{
  struct timespec t;

  clock_gettime (clock, &t);
  return (double) t.tv_sec * 1e9 + (double) t.tv_nsec;
}

static int
compare_times (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

/* --- Selection --- */

static gboolean
is_wanted (const Bench *bench, const Engine *engine, const Job *job)
{
  g_autofree char *key = g_strdup_printf (
      "%s %s %zux%zu", engine->name, job->c->name, job->d, job->m);
  g_autofree char *full = g_strdup_printf ("%s %s", key, precisions[job->precision].name);

  return engine->kinds & BENCH_BIT (job->c->kind)
         && engine->precisions & BENCH_BIT (job->precision)
         && (!bench->only || g_pattern_spec_match_string (bench->only, key)
             || g_pattern_spec_match_string (bench->only, full));
}

/* Selects the engines that run @job by the option --only. */
static gsize
choose_engines (const Bench *bench, const Job *job, Runner *runners)
{
  gsize n = 0;

  for (guint i = 0; i < bench->engines->len; i++) {
    const Engine *engine = g_ptr_array_index (bench->engines, i);

    if (is_wanted (bench, engine, job))
      runners[n++].engine = engine;
  }
  return n;
}

/* --- Comparison of the outputs --- */

/* Runs an engine several times, so that the state depends on several steps and a window is
 * complete. Sets @y to the last output. */
static void
run_for_check (const Engine *engine, gpointer self, const Job *job, float *y)
{
  gsize runs = job->c->kind == CASE_WINDOW ? job->c->steps : 8;

  for (gsize i = 0; i < runs; i++)
    engine->run (self);
  engine->output (self, y);
}

/* Returns the output of the library in float32, [steps, streams, n]. */
static float *
make_reference (const Job *job, GBytes *file, GError **error)
{
  g_autoptr (LstmModel) model = lstm_model_load_bytes (file, "bench", error);
  const Engine *engine = job->c->kind == CASE_WINDOW ? &engine_recompute : &engine_lstm;
  Job plain = *job;
  gpointer self;
  float *y;

  plain.model = model;
  self = model ? engine->create (&plain, error) : NULL;
  if (!self)
    return NULL;
  y = g_new (float, job->c->steps * job->c->streams * job->n);
  run_for_check (engine, self, job, y);
  engine->free (self);
  return y;
}

static gboolean
check_output (const Runner *runner, const Job *job, const float *reference, GError **error)
{
  gsize n = job->c->steps * job->c->streams * job->n;
  gsize first = job->c->kind == CASE_WINDOW ? n - job->n : 0;
  g_autofree float *y = g_new0 (float, n);

  if (!runner->engine->output)
    return TRUE;
  run_for_check (runner->engine, runner->self, job, y);
  for (gsize i = first; i < n; i++)
    if (!(fabsf (y[i] - reference[i]) <= precisions[job->precision].tolerance)) {
      g_set_error (error, BENCH_ERROR, 0, "output: expected %g at index %zu, found %g",
          (double) reference[i], i, (double) y[i]);
      return FALSE;
    }
  return TRUE;
}

/* --- Measuring --- */

/* Returns the ns of a run. A run before the measurement loads the data that other engines have
 * evicted from the cache. */
static double
measure_runs (const Runner *runner, gsize n_runs)
{
  double start;

  runner->engine->run (runner->self);
  start = read_clock (CLOCK_PROCESS_CPUTIME_ID);
  for (gsize i = 0; i < n_runs; i++)
    runner->engine->run (runner->self);
  return (read_clock (CLOCK_PROCESS_CPUTIME_ID) - start) / (double) n_runs;
}

/* Returns the number of runs that take SLICE_NS. The runs also warm up the engine. */
static gsize
calibrate_runs (const Runner *runner)
{
  gsize n_runs = 1;

  while (measure_runs (runner, n_runs) * (double) n_runs < SLICE_NS)
    n_runs *= 2;
  return n_runs;
}

/* Sorts the times of @runner. Returns: the median of a stream and step, and the minimum */
static Result
make_result (const Job *job, Runner *runner, gsize rounds)
{
  const Case *c = job->c;
  double per = c->kind == CASE_WINDOW ? 1 : (double) (c->streams * c->steps);

  qsort (runner->ns, rounds, sizeof runner->ns[0], compare_times);
  return (Result){.engine = runner->engine->name,
      .kind = c->name,
      .precision = precisions[job->precision].name,
      .d = job->d,
      .m = job->m,
      .streams = c->streams,
      .steps = c->steps,
      .median = runner->ns[rounds / 2] / per,
      .min = runner->ns[0] / per};
}

/* Returns whether another variant of the engine @i is faster. */
static gboolean
has_faster_variant (const Runner *runners, const Result *results, gsize n, gsize i)
{
  if (!runners[i].engine->variant)
    return FALSE;
  for (gsize k = 0; k < n; k++)
    if (g_str_equal (results[k].engine, results[i].engine)
        && (results[k].median < results[i].median
            || (results[k].median == results[i].median && k < i)))
      return TRUE;
  return FALSE;
}

/* Reports the medians of all variants of the engine of @result on stderr. */
static void
report_variants (const Runner *runners, const Result *results, gsize n, const Result *result)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (gsize i = 0; i < n; i++)
    if (runners[i].engine->variant && g_str_equal (results[i].engine, result->engine))
      g_string_append_printf (text, "%s %s %.1f", text->len ? "," : "",
          runners[i].engine->variant, results[i].median);
  if (text->len)
    g_printerr ("bench: %s %s %zux%zu, ns of each variant:%s\n", result->engine, result->kind,
        result->d, result->m, text->str);
}

static void
print_results (Bench *bench, const Job *job, Runner *runners, gsize n, gsize rounds)
{
  Result results[MAX_ENGINES];

  for (gsize i = 0; i < n; i++)
    results[i] = make_result (job, &runners[i], rounds);
  for (gsize i = 0; i < n; i++) {
    const Result *r = &results[i];

    if (has_faster_variant (runners, results, n, i))
      continue;
    report_variants (runners, results, n, r);
    g_array_append_val (bench->results, *r);
    g_print ("%s\t%s\t%zu\t%zu\t%s\t%zu\t%zu\t%.1f\t%.1f\n", r->engine, r->kind, r->d, r->m,
        r->precision, r->streams, r->steps, r->median, r->min);
  }
}

/* Runs all engines once in a random order, so that a periodic disturbance does not always affect
 * the same engine. */
static void
run_round (Runner *runners, gsize n, gsize round)
{
  Runner *order[MAX_ENGINES] = {NULL};

  for (gsize i = 0; i < n; i++) {
    gsize k = (gsize) g_random_int_range (0, (gint32) i + 1);

    order[i] = order[k];
    order[k] = &runners[i];
  }
  for (gsize i = 0; i < n; i++)
    order[i]->ns[round] = measure_runs (order[i], order[i]->n_runs);
}

static void
measure_job (Bench *bench, const Job *job, Runner *runners, gsize n)
{
  double start;
  gsize rounds = 0;

  for (gsize i = 0; i < n; i++)
    runners[i].n_runs = calibrate_runs (&runners[i]);
  start = read_clock (CLOCK_MONOTONIC);
  while (
      rounds < MIN_ROUNDS
      || (rounds < MAX_ROUNDS && read_clock (CLOCK_MONOTONIC) - start < bench->seconds * 1e9))
    run_round (runners, n, rounds++);
  print_results (bench, job, runners, n, rounds);
}

/* --- Jobs --- */

static float *
make_input (const Job *job)
{
  gsize n = job->c->steps * job->c->streams * job->d;
  float *x = g_new (float, n);

  for (gsize i = 0; i < n; i++)
    x[i] = (float) (i % 13) / 13 - 0.5f;
  return x;
}

/* Reports @error. An engine that does not implement the job is no failure of the program. */
static void
report_failure (Bench *bench, const Job *job, const char *engine, GError *error)
{
  g_printerr ("bench: %s %s %zux%zu %s: %s\n", engine, job->c->name, job->d, job->m,
      precisions[job->precision].name, error->message);
  if (!g_error_matches (error, BENCH_ERROR, BENCH_UNSUPPORTED))
    bench->has_failed = TRUE;
}

/* Makes the runners. Reports and skips an engine that cannot run the job or whose output is wrong.
 * Reports an engine of several variants that cannot run the job once. Returns: the number of
 * runners */
static gsize
create_runners (Bench *bench, const Job *job, Runner *runners, gsize n, const float *reference)
{
  const char *unsupported = NULL;
  gsize n_runners = 0;

  for (gsize i = 0; i < n; i++) {
    g_autoptr (GError) error = NULL;
    Runner *runner = &runners[n_runners];

    runner->engine = runners[i].engine;
    runner->self = runner->engine->create (job, &error);
    if (runner->self && check_output (runner, job, reference, &error)) {
      n_runners++;
      continue;
    }
    if (g_strcmp0 (unsupported, runner->engine->name) != 0)
      report_failure (bench, job, runner->engine->name, error);
    if (g_error_matches (error, BENCH_ERROR, BENCH_UNSUPPORTED))
      unsupported = runner->engine->name;
    if (runner->self)
      runner->engine->free (runner->self);
  }
  return n_runners;
}

static gboolean
run_engines (Bench *bench, Job *job, Runner *runners, gsize n, GError **error)
{
  g_autoptr (Network) network = network_new (job->c->kind, job->d, job->m);
  g_autoptr (LstmModel)
      model = lstm_model_load_bytes_full (network->file, "bench", job->precision, NULL, error);
  g_autofree float *x = make_input (job), *reference = NULL;

  if (!model)
    return FALSE;
  job->model = model;
  job->n = lstm_model_get_output_size (model);
  job->w_x = network->w_x;
  job->w_h = network->w_h;
  job->bias = network->bias;
  job->w_dense = network->w_dense;
  job->x = x;
  reference = make_reference (job, network->file, error);
  if (!reference)
    return FALSE;
  n = create_runners (bench, job, runners, n, reference);
  measure_job (bench, job, runners, n);
  for (gsize i = 0; i < n; i++)
    runners[i].engine->free (runners[i].self);
  return TRUE;
}

static void
run_job (Bench *bench, Job *job)
{
  g_autofree Runner *runners = g_new (Runner, MAX_ENGINES);
  gsize n = choose_engines (bench, job, runners);
  g_autoptr (GError) error = NULL;

  if (n && !run_engines (bench, job, runners, n, &error))
    report_failure (bench, job, "all engines", error);
}

static void
run_jobs (Bench *bench)
{
  for (gsize i = 0; i < bench_n_cases; i++)
    for (const Size *size = bench_cases[i].sizes; size->d; size++)
      for (gsize p = 0; p < G_N_ELEMENTS (precisions); p++) {
        Job job = {.c = &bench_cases[i],
            .d = size->d,
            .m = size->m,
            .precision = p,
            .n_gates = bench_is_gru (bench_cases[i].kind) ? 3 : 4};

        run_job (bench, &job);
      }
}

/* --- The program --- */

/* Adds the engines of the library, the engines of the build if @with_peers, and the engines of
 * @modules, a list of files. */
static gboolean
add_engines (GPtrArray *engines, gboolean with_peers, char **modules, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (own_engines); i++)
    g_ptr_array_add (engines, (gpointer) own_engines[i]);
  for (gsize i = 0; with_peers && peers[i]; i++)
    g_ptr_array_add (engines, (gpointer) peers[i]);
  for (gsize i = 0; modules && modules[i]; i++) {
    const Engine *engine = bench_load_module (modules[i], error);

    if (!engine)
      return FALSE;
    g_ptr_array_add (engines, (gpointer) engine);
  }
  if (engines->len <= MAX_ENGINES)
    return TRUE;
  g_set_error (error, BENCH_ERROR, 0, "--module: expected at most %u modules, found %u",
      MAX_ENGINES - (engines->len - g_strv_length (modules)), g_strv_length (modules));
  return FALSE;
}

static gboolean
pin_to_cpu (int cpu)
{
  cpu_set_t set;

  CPU_ZERO (&set);
  CPU_SET (cpu, &set);
  return cpu < 0 || sched_setaffinity (0, sizeof set, &set) == 0;
}

/* Limits the libraries to one thread. The libraries read the environment before main(), so the
 * program starts itself again. */
static void
allow_one_thread (char **argv)
{
  if (g_strcmp0 (g_getenv ("OMP_NUM_THREADS"), "1") == 0)
    return;
  g_setenv ("OMP_NUM_THREADS", "1", TRUE);
  execv ("/proc/self/exe", argv);
}

static void
report_absent_peers (void)
{
#define PRESENT(name, package)
#define ABSENT(name, package)                                                                  \
  g_printerr ("bench: " #name " is left out: built without " package "\n");
  BENCH_PEERS (PRESENT, ABSENT)
#undef PRESENT
#undef ABSENT
}

static gboolean
draw_plot (const Bench *bench, const char *path, GError **error)
{
#ifdef HAVE_PLOT
  return plot_write ((const Result *) bench->results->data, bench->results->len, path, error);
#else
  g_set_error (error, BENCH_ERROR, 0,
      "%s: expected a build with libcairo2-dev to draw, found a build without", path);
  return FALSE;
#endif
}

int
main (int argc, char **argv)
{
  Bench bench = {.seconds = 0.3};
  int cpu = -1;
  gboolean with_peers = FALSE;
  g_autofree char *pattern = NULL, *plot = NULL;
  g_auto (GStrv) modules = NULL;
  const GOptionEntry options[] = {
      {"only", 0, 0, G_OPTION_ARG_STRING, &pattern,
          "Measure lines that match, such as 'lstm stream *'", "GLOB"},
      {"cpu", 0, 0, G_OPTION_ARG_INT, &cpu, "Run on CPU N", "N"},
      {"seconds", 0, 0, G_OPTION_ARG_DOUBLE, &bench.seconds, "Time for each job (0.3)", "S"},
      {"peers", 0, 0, G_OPTION_ARG_NONE, &with_peers, "Measure other libraries too", NULL},
      {"module", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &modules,
          "Measure the engine of a shared object too", "FILE.so"},
      {"plot", 0, 0, G_OPTION_ARG_FILENAME, &plot, "Draw the figures", "FILE.png"}, {NULL}};
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GArray) results = g_array_new (FALSE, FALSE, sizeof (Result));
  g_autoptr (GPtrArray) engines = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;

  allow_one_thread (argv);
  g_option_context_add_main_entries (context, options, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc > 1 || !pin_to_cpu (cpu)
      || !add_engines (engines, with_peers, modules, &error)) {
    g_printerr ("bench: %s\n", error ? error->message : "see --help");
    return 2;
  }
  bench.only = pattern ? g_pattern_spec_new (pattern) : NULL;
  bench.results = results;
  bench.engines = engines;
  if (with_peers)
    report_absent_peers ();
  g_print ("engine\tcase\td\tm\tprecision\tstreams\tsteps\tns_median\tns_min\n");
  run_jobs (&bench);
  if (plot && !draw_plot (&bench, plot, &error)) {
    g_printerr ("bench: %s\n", error->message);
    bench.has_failed = TRUE;
  }
  g_clear_pointer (&bench.only, g_pattern_spec_free);
  return bench.has_failed;
}
