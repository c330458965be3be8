/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Measures the wall time of a call with one thread and with several threads, in turns. The lines
 * have the least time of each, in ns per stream and step, and their quotient. Wall time includes
 * other processes: run the program while the machine is idle. */
#include "bench.h"
#include <stdlib.h>
#include <string.h>

#define SECONDS 0.3 /* of each line */
#define MIN_ROUNDS 10

static const struct {
  const char *name;
  CaseKind kind;
  gsize streams, steps;
} cases[] = {
    {"batch", CASE_CARRIED, 64, 1},
    {"sequence", CASE_CARRIED, 1, 60},
    {"stream", CASE_CARRIED, 1, 1},
    {"gru-batch", CASE_GRU, 64, 1},
    {"gru-sequence", CASE_GRU, 1, 60},
};

static const Size sizes[] = {
    {64, 64}, {128, 128}, {256, 256}, {512, 512}, {1024, 1024}, {2048, 512}};

/* A call of one case, with one thread and with several threads */
typedef struct {
  gsize streams, steps;
  float *x, *y; /* (streams, steps, d), (streams, steps, m) */
  LstmState *states[2];
  gint64 least[2]; /* in ns */
} Calls;

/* Runs each state for at least 1 ms in turns, after a run that is not timed. */
static void
run_round (Calls *calls)
{
  for (guint i = 0; i < G_N_ELEMENTS (calls->states); i++) {
    gint64 start, time;
    guint n = 0;

    lstm_state_run (calls->states[i], calls->steps, calls->x, calls->y);
    start = g_get_monotonic_time ();
    do {
      lstm_state_run (calls->states[i], calls->steps, calls->x, calls->y);
      n++;
      time = g_get_monotonic_time () - start;
    } while (time < 1000);
    calls->least[i] = MIN (calls->least[i], time * 1000 / n);
  }
}

static gboolean
measure_calls (Calls *calls, LstmModel *model, guint n_threads, GError **error)
{
  const gint64 end = g_get_monotonic_time () + (gint64) (SECONDS * G_USEC_PER_SEC);

  for (guint i = 0; i < G_N_ELEMENTS (calls->states); i++) {
    calls->least[i] = G_MAXINT64;
    calls->states[i] = lstm_state_new (model, calls->streams, error);
    if (!calls->states[i]
        || !lstm_state_set_threads (calls->states[i], i == 0 ? 1 : n_threads, error))
      return FALSE;
  }
  for (guint i = 0; i < MIN_ROUNDS || g_get_monotonic_time () < end; i++)
    run_round (calls);
  return TRUE;
}

static gboolean
measure_case (gsize c, Size size, LstmPrecision precision, guint n_threads, GError **error)
{
  static const char *const precisions[] = {"float32", "bfloat16", "int8"};
  g_autoptr (Network) network = network_new (cases[c].kind, size.d, size.m);
  g_autoptr (LstmModel)
      model = lstm_model_load_bytes_full (network->file, "bench", precision, NULL, error);
  const gsize n_steps = cases[c].streams * cases[c].steps;
  Calls calls = {cases[c].streams, cases[c].steps, g_new (float, n_steps *size.d),
      g_new (float, n_steps *size.m)};
  GRand *rand = g_rand_new_with_seed (1);
  gboolean success;

  for (gsize i = 0; i < n_steps * size.d; i++)
    calls.x[i] = (float) g_rand_double_range (rand, -1, 1);
  success = model && measure_calls (&calls, model, n_threads, error);
  if (success)
    g_print ("%s\t%zu\t%zu\t%s\t%.0f\t%.0f\t%.2f\n", cases[c].name, size.d, size.m,
        precisions[precision], (double) calls.least[0] / (double) n_steps,
        (double) calls.least[1] / (double) n_steps,
        (double) calls.least[0] / (double) calls.least[1]);
  for (guint i = 0; i < G_N_ELEMENTS (calls.states); i++)
    g_clear_pointer (&calls.states[i], lstm_state_unref);
  g_rand_free (rand);
  g_free (calls.x);
  g_free (calls.y);
  return success;
}

int
main (int argc, char **argv)
{
  const int n_threads = argc > 1 ? atoi (argv[1]) : 2;
  g_autoptr (GError) error = NULL;

  if (n_threads < 1 || n_threads > LSTM_MAX_THREADS) {
    g_printerr ("bench-threads: N: expected 1 to %d, found %s\n", LSTM_MAX_THREADS, argv[1]);
    return 1;
  }
  g_print ("case\td\tm\tprecision\tns_1_thread\tns_%d_threads\tspeed-up\n", n_threads);
  for (gsize c = 0; c < G_N_ELEMENTS (cases); c++)
    for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
      for (int p = LSTM_PRECISION_FLOAT32; p <= LSTM_PRECISION_INT8; p++)
        if (!measure_case (c, sizes[i], (LstmPrecision) p, (guint) n_threads, &error)) {
          g_printerr ("bench-threads: %s\n", error->message);
          return 1;
        }
  return 0;
}
