/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Checks the promises of lstm.h about bits, for every instruction set and precision. The numbers of
 * a step have the same bits for any division of the steps into calls, and for any number of streams
 * that run side by side. The numbers of two instruction sets are close. They have the same bits if
 * multiply-adds round once on both. */
#include "network.h"
#include "testutil.h"
#include <string.h>

#define N_SMALL_NETWORKS 70 /* of one layer with 1, 2, … units */
#define N_NETWORKS (N_SMALL_NETWORKS + 60)
#define MAX_STREAMS 70
#define MAX_STEPS 130
#define WORK 2e7 /* weights × steps of all streams in the longest run of a network */

/* The largest difference from "base", for outputs in [-1, 1]. A tiny difference can round h to
 * another value. In a simple recurrent layer, which has no gates, such a difference grows most. */
static const double tolerances[TEST_N_PRECISIONS] = {1e-5, 5e-3, 2e-2};

typedef struct {
  TestNetwork network;
  GBytes *file;
  gsize bs, steps, d, n;
  float *x;            /* (bs, steps, d) */
  GHashTable *outputs; /* "ISA PRECISION" → (bs, steps, n), of instruction sets that others are
                          compared with */
} Series;

typedef struct {
  const char *isa;
  LstmPrecision precision;
} Case;

/* A run of a model over all streams and steps */
typedef struct {
  const Series *series;
  LstmModel *model;
  guint layer;          /* the recurrent layer whose h, c and gates are compared */
  gsize m;              /* its units */
  gsize n_c, n_gates;   /* values of c and of the gates, 0 if the layer has none */
  float *output;        /* (bs, steps, n) */
  float *hidden, *cell; /* (bs, steps, m), (bs, steps, n_c) */
  float *gates;         /* (bs, steps, n_gates) */
} Run;

static Series all_series[N_NETWORKS];

/* Returns a size from 1 to 300, most often next to a multiple of a panel (4, 8 or 16 units) or of
 * a word (2 or 4 values). */
static gsize
pick_size (GRand *rand)
{
  static const gsize edges[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 25, 31, 32, 33, 47, 49};
  const gsize choice = test_pick (rand, 0, 9);

  return choice == 0  ? test_pick (rand, 100, 300)
         : choice < 3 ? test_pick (rand, 1, 100)
                      : edges[test_pick (rand, 0, G_N_ELEMENTS (edges) - 1)];
}

static void
pick_network (TestNetwork *network, GRand *rand)
{
  static const TestLayerKind kinds[] = {TEST_LSTM, TEST_LSTM, TEST_GRU, TEST_RNN};
  const gsize depth = test_pick (rand, 1, 3);
  TestLayer *layer = network->layers;

  network->seed = g_rand_int (rand);
  network->d = pick_size (rand);
  if (test_pick (rand, 0, 2) == 0)
    *layer++ = (TestLayer){TEST_NORMALIZATION};
  for (gsize i = 0; i < depth; i++)
    *layer++ = (TestLayer){kinds[test_pick (rand, 0, 3)], pick_size (rand)};
  if (test_pick (rand, 0, 3) == 0 && test_network_out (network) <= network->d)
    *layer++ = (TestLayer){TEST_RESIDUAL};
  if (test_pick (rand, 0, 3) == 0)
    *layer++ = (TestLayer){TEST_POOLING, 0, test_pick (rand, 0, 1) ? "mean" : "max"};
  if (test_pick (rand, 0, 1) == 0)
    *layer++ = (TestLayer){
        TEST_DENSE, test_pick (rand, 1, 40), test_pick (rand, 0, 1) == 0 ? "tanh" : "softmax"};
}

/* Adds one layer of @m units, whose steps the kernels can run in one call. */
static void
pick_small_network (TestNetwork *network, gsize m, GRand *rand)
{
  network->seed = g_rand_int (rand);
  network->d = test_pick (rand, 0, 1) ? 1 : test_pick (rand, 2, 9);
  network->layers[0] = (TestLayer){test_pick (rand, 0, 2) ? TEST_LSTM : TEST_GRU, m};
}

static gsize
count_weights (const TestNetwork *network)
{
  gsize n = 0, in = network->d;

  for (const TestLayer *layer = network->layers; layer->kind != TEST_END; layer++) {
    n += test_layer_count_gates (layer->kind) * layer->out * (in + layer->out);
    in = test_layer_out (layer, in);
  }
  return n;
}

static void
series_init (Series *series, guint32 seed)
{
  GRand *rand = g_rand_new_with_seed (seed);
  gsize rows;

  if (seed < N_SMALL_NETWORKS)
    pick_small_network (&series->network, seed + 1, rand);
  else
    pick_network (&series->network, rand);
  rows = (gsize) (WORK / (double) count_weights (&series->network));
  series->bs = test_pick (rand, 0, 1) == 0 ? test_pick (rand, 1, 5)
                                           : test_pick (rand, 1, MAX_STREAMS);
  series->bs = MIN (series->bs, MAX (rows / 6, 1));
  series->steps = test_pick (rand, 6, MAX_STEPS);
  series->steps = CLAMP (rows / series->bs, 6, series->steps);
  series->d = series->network.d;
  series->n = test_network_out (&series->network);
  series->file = test_network_file (&series->network);
  series->outputs = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  series->x = g_new (float, series->bs * series->steps * series->d);
  test_fill (series->x, series->bs * series->steps * series->d, seed);
  g_rand_free (rand);
}

static void
series_clear (Series *series)
{
  g_bytes_unref (series->file);
  g_free (series->x);
  g_hash_table_unref (series->outputs);
}

/* Checks that @rows are the rows [at, at + count) of a stream in @all_rows, the rows of all
 * streams. */
static void
check_rows (const Run *run, const float *rows, const float *all_rows, gsize stream, gsize at,
    gsize count, gsize n)
{
  const gsize size = count * n * sizeof *rows;

  g_assert_cmpmem (rows, size, all_rows + (stream * run->series->steps + at) * n, size);
}

/* Checks that the state has h and c of step t. */
static void
check_memory (
    const Run *run, const LstmState *state, const gsize *streams, gsize n_streams, gsize t)
{
  g_autofree float *h = g_new (float, n_streams * run->m);
  g_autofree float *c = g_new (float, n_streams * run->n_c);

  lstm_state_get_hidden (state, run->layer, h);
  if (run->n_c)
    lstm_state_get_cell (state, run->layer, c);
  for (gsize s = 0; s < n_streams; s++) {
    check_rows (run, h + s * run->m, run->hidden, streams[s], t, 1, run->m);
    check_rows (run, c + s * run->n_c, run->cell, streams[s], t, 1, run->n_c);
  }
}

enum { HIDDEN_AND_CELL = 1, GATES = 2, N_TRACES = 4 };

/* Runs steps [at, at + count) of some streams in one call, and compares the bits with @run.
 * @traced: flags of the traces that the call requests */
static void
run_piece (const Run *run, LstmState *state, const gsize *streams, gsize n_streams, gsize at,
    gsize count, guint traced)
{
  const Series *series = run->series;
  const gsize d = series->d, n = series->n, m = run->m;
  g_autofree float *x = g_new (float, n_streams *count *d);
  g_autofree float *y = g_new (float, n_streams *count *n);
  g_autofree float *h = g_new (float, n_streams *count *m);
  g_autofree float *c = g_new (float, n_streams *count * run->n_c);
  g_autofree float *gates = g_new (float, n_streams *count * run->n_gates);

  for (gsize s = 0; s < n_streams; s++)
    memcpy (x + s * count * d, series->x + (streams[s] * series->steps + at) * d,
        count * d * sizeof *x);
  if (traced)
    lstm_state_run_full (state, &(LstmRun){.size = sizeof (LstmRun),
                                    .steps = count,
                                    .input = x,
                                    .output = y,
                                    .layer = run->layer,
                                    .hidden = traced & HIDDEN_AND_CELL ? h : NULL,
                                    .cell = traced & HIDDEN_AND_CELL && run->n_c ? c : NULL,
                                    .gates = traced & GATES && run->n_gates ? gates : NULL});
  else
    lstm_state_run (state, count, x, y);
  for (gsize s = 0; s < n_streams; s++) {
    check_rows (run, y + s * count * n, run->output, streams[s], at, count, n);
    if (traced & GATES)
      check_rows (run, gates + s * count * run->n_gates, run->gates, streams[s], at, count,
          run->n_gates);
    if (!(traced & HIDDEN_AND_CELL))
      continue;
    check_rows (run, h + s * count * m, run->hidden, streams[s], at, count, m);
    check_rows (run, c + s * count * run->n_c, run->cell, streams[s], at, count, run->n_c);
  }
  check_memory (run, state, streams, n_streams, at + count - 1);
}

/* Runs all steps of some streams side by side, in random pieces. */
static void
run_pieces (const Run *run, const gsize *streams, gsize n_streams, GRand *rand)
{
  const gsize steps = run->series->steps;
  g_autoptr (LstmState) state = lstm_state_new_for_steps (
      run->model, n_streams, test_pick (rand, 1, steps), NULL);
  gsize longest = test_pick (rand, 1, steps);

  for (gsize at = 0, count; at < steps; at += count) {
    count = test_pick (rand, 1, MIN (longest, steps - at));
    run_piece (
        run, state, streams, n_streams, at, count, (guint) test_pick (rand, 0, N_TRACES - 1));
  }
}

static void
run_all (Run *run)
{
  const Series *series = run->series;
  g_autoptr (LstmState) state = test_state_new (run->model, series->bs);
  const gsize rows = series->bs * series->steps;

  run->m = lstm_model_get_hidden_size (run->model, run->layer);
  run->output = g_new (float, rows * series->n);
  run->hidden = g_new (float, rows * run->m);
  run->n_c = lstm_model_get_cell_size (run->model, run->layer);
  run->n_gates = lstm_model_get_n_gates (run->model, run->layer) * run->m;
  run->cell = run->n_c ? g_new (float, rows * run->n_c) : NULL;
  run->gates = run->n_gates ? g_new (float, rows * run->n_gates) : NULL;
  lstm_state_run_full (state, &(LstmRun){.size = sizeof (LstmRun),
                                  .steps = series->steps,
                                  .input = series->x,
                                  .output = run->output,
                                  .layer = run->layer,
                                  .hidden = run->hidden,
                                  .cell = run->cell,
                                  .gates = run->gates});
}

/* Runs all streams together, then in random groups, then each stream alone. */
static void
check_pieces (const Run *run, GRand *rand)
{
  const gsize bs = run->series->bs;
  gsize streams[MAX_STREAMS] = {0};

  for (gsize s = 0; s < bs; s++)
    streams[s] = s;
  run_pieces (run, streams, bs, rand);
  test_shuffle (rand, streams, bs);
  for (gsize s = 0, size; s < bs; s += size) {
    size = test_pick (rand, 1, MIN (9, bs - s));
    run_pieces (run, streams + s, size, rand);
  }
  for (gsize s = 0; s < bs; s++)
    run_pieces (run, &streams[s], 1, rand);
}

/* Runs random parts of the steps, with stream_stride, into arrays of all steps. */
static void
check_stride (const Run *run, GRand *rand)
{
  const Series *series = run->series;
  const gsize steps = series->steps, rows = series->bs * steps, n = series->n, m = run->m;
  g_autoptr (LstmState) state = test_state_new (run->model, series->bs);
  g_autofree float *output = g_new (float, rows *n);
  g_autofree float *hidden = g_new (float, rows *m);
  g_autofree float *cell = g_new (float, rows * run->n_c);
  g_autofree float *gates = g_new (float, rows * run->n_gates);

  for (gsize at = 0, count; at < steps; at += count) {
    count = test_pick (rand, 1, steps - at);
    lstm_state_run_full (state, &(LstmRun){.size = sizeof (LstmRun),
                                    .steps = count,
                                    .stream_stride = steps,
                                    .input = series->x + at * series->d,
                                    .output = output + at * n,
                                    .layer = run->layer,
                                    .hidden = hidden + at * m,
                                    .cell = run->n_c ? cell + at * m : NULL,
                                    .gates = run->n_gates ? gates + at * run->n_gates : NULL});
  }
  g_assert_cmpmem (output, rows * n * 4, run->output, rows * n * 4);
  g_assert_cmpmem (hidden, rows * m * 4, run->hidden, rows * m * 4);
  g_assert_cmpmem (cell, rows * run->n_c * 4, run->cell, rows * run->n_c * 4);
  g_assert_cmpmem (gates, rows * run->n_gates * 4, run->gates, rows * run->n_gates * 4);
}

static void
run_clear (Run *run)
{
  g_free (run->output);
  g_free (run->hidden);
  g_free (run->cell);
  g_free (run->gates);
  lstm_model_unref (run->model);
}

/* Returns the output of @isa. Later calls return the same array. */
static const float *
get_reference (Series *series, const char *isa, LstmPrecision precision)
{
  g_autofree char *key = g_strdup_printf ("%s %d", isa, (int) precision);
  const float *output = g_hash_table_lookup (series->outputs, key);

  if (!output) {
    Run run = {series, test_model_load_bytes (series->file, isa, precision)};

    g_assert_nonnull (run.model);
    run_all (&run);
    output = run.output;
    g_hash_table_insert (
        series->outputs, g_steal_pointer (&key), g_steal_pointer (&run.output));
    run_clear (&run);
  }
  return output;
}

/* Returns FALSE if this machine lacks the instruction set. */
static gboolean
check_series (Series *series, const Case *test, double *worst)
{
  Run run = {series, test_model_load_bytes (series->file, test->isa, test->precision)};
  const char *same = test_get_same_isa (test->isa);
  const gsize n = series->bs * series->steps * series->n;
  GRand *rand;

  if (!run.model)
    return FALSE;
  rand = g_rand_new_with_seed (series->network.seed);
  run.layer = (guint) test_pick (rand, 0, lstm_model_get_n_lstm_layers (run.model) - 1);
  run_all (&run);
  check_pieces (&run, rand);
  check_stride (&run, rand);
  *worst = MAX (
      *worst, test_error (run.output, get_reference (series, "base", test->precision), n));
  if (same)
    g_assert_cmpmem (run.output, n * sizeof (float),
        get_reference (series, same, test->precision), n * sizeof (float));
  g_rand_free (rand);
  run_clear (&run);
  return TRUE;
}

static void
test_case (gconstpointer data)
{
  const Case *test = data;
  double worst = 0;

  for (gsize i = 0; i < N_NETWORKS; i++) {
    if (!check_series (&all_series[i], test, &worst)) {
      g_test_skip ("this machine lacks the instruction set");
      return;
    }
  }
  g_test_message ("%s, %s: at most %.1e from base", test->isa,
      test_precision_name (test->precision), worst);
  g_assert_cmpfloat (worst, <, tolerances[test->precision]);
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  for (guint32 i = 0; i < N_NETWORKS; i++)
    series_init (&all_series[i], i);
  for (gsize i = 0; test_isas[i]; i++) {
    for (guint p = 0; p < TEST_N_PRECISIONS; p++) {
      g_autofree char *path = g_strdup_printf (
          "/invariance/%s/%s", test_isas[i], test_precision_name ((LstmPrecision) p));
      Case *test = g_new (Case, 1);

      *test = (Case){test_isas[i], (LstmPrecision) p};
      g_test_add_data_func_full (path, test, test_case, g_free);
    }
  }
  status = g_test_run ();
  for (gsize i = 0; i < N_NETWORKS; i++)
    series_clear (&all_series[i]);
  return status;
}
