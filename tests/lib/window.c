/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Checks that the output of a window has the same bits as a run of the window alone, in each
 * precision on each instruction set, for any division of the steps into calls. */
#include "network.h"
#include "testutil.h"
#include <math.h>
#include <string.h>

#define GUARD 12345.f
#define MAX_STREAMS 3

static const struct {
  gsize length, hop;
} shapes[] = {
    {1, 1}, {30, 1}, {30, 7}, {5, 5}, {3, 10}, {7, 3}, {2, 1}, {64, 63}, {1, 4}, {16, 4}};

static const struct {
  const char *name;
  TestNetwork network;
} networks[] = {
    {"lstm", {5, {{TEST_LSTM, 20}}}},
    {"wide", {33, {{TEST_LSTM, 65}}, .seed = 1}},
    {"head", {7, {{TEST_LSTM, 16}, {TEST_DENSE, 3, "softmax"}}, .seed = 2}},
    {"stack", {1, {{TEST_LSTM, 9}, {TEST_LSTM, 17}, {TEST_LSTM, 4}}, .seed = 3}},
    {"between", {6,
                    {{TEST_NORMALIZATION}, {TEST_DENSE, 8, "tanh"}, {TEST_LSTM, 12},
                        {TEST_DENSE, 5, "relu"}, {TEST_LSTM, 10}},
                    .seed = 4}},
    {"after", {4,
                  {{TEST_LSTM, 8}, {TEST_NORMALIZATION}, {TEST_LSTM, 33}, {TEST_NORMALIZATION},
                      {TEST_DENSE, 70, "sigmoid"}},
                  .seed = 5}},
    {"gru", {5, {{TEST_GRU, 20}}, .seed = 13}},
    {"rnn", {5, {{TEST_RNN, 20}, {TEST_DENSE, 3, "softmax"}}, .seed = 14}},
    {"mixed",
        {33, {{TEST_GRU, 65}, {TEST_LSTM, 9}, {TEST_RNN, 17}, {TEST_GRU, 4}}, .seed = 15}},
    {"dense", {6, {{TEST_DENSE, 11, "tanh"}, {TEST_DENSE, 3, "softmax"}}, .seed = 6}},
    {"pooling-mean",
        {3, {{TEST_LSTM, 5}, {TEST_POOLING, 0, "mean"}, {TEST_DENSE, 4, "tanh"}}, .seed = 8}},
    {"pooling-max",
        {2, {{TEST_LSTM, 5}, {TEST_LSTM, 17}, {TEST_POOLING, 0, "max"}}, .seed = 9}},
    {"pooling-only",
        {17, {{TEST_NORMALIZATION}, {TEST_DENSE, 5, "tanh"}, {TEST_POOLING, 0, "sum"}},
            .seed = 10}},
    {"residual", {9,
                     {{TEST_DENSE, 8, "tanh"}, {TEST_RESIDUAL}, {TEST_LSTM, 9}, {TEST_RESIDUAL},
                         {TEST_LSTM, 5}, {TEST_RESIDUAL}},
                     .seed = 11}},
    {"residual-pooling",
        {5, {{TEST_LSTM, 5}, {TEST_RESIDUAL}, {TEST_POOLING, 0, "mean"}}, .seed = 12}},
    {"normalization-last", {3, {{TEST_LSTM, 5}, {TEST_NORMALIZATION}}, .seed = 7}},
};

typedef struct {
  guint network;
  const char *isa;
} Case;

/* A sequence, and the outputs of its windows */
typedef struct {
  LstmModel *model;
  gsize bs, length, hop, steps, windows, d, n;
  float *x;        /* (bs, steps, d) */
  float *expected; /* (windows, bs, n) */
} Run;

static LstmWindow *
make_window (LstmModel *model, gsize streams, gsize length, gsize hop)
{
  g_autoptr (GError) error = NULL;
  LstmWindow *window = lstm_window_new (model, streams, length, hop, &error);

  g_assert_no_error (error);
  return window;
}

/* Returns steps [at, at + count) of all streams, (bs, count, d). */
static float *
get_input (const Run *run, gsize at, gsize count)
{
  float *x = g_new (float, run->bs *count * run->d + 1); /* not NULL without steps */

  for (gsize s = 0; s < run->bs; s++)
    memcpy (x + s * count * run->d, run->x + (s * run->steps + at) * run->d,
        count * run->d * sizeof *x);
  return x;
}

/* Runs a window alone, from the initial state, and returns the output of its last step. */
static void
run_alone (const Run *run, LstmState *state, gsize at, float *expected)
{
  g_autofree float *x = get_input (run, at, run->length);
  g_autofree float *y = g_new (float, run->bs * run->length * run->n);

  lstm_state_reset (state);
  lstm_state_run (state, run->length, x, y);
  for (gsize s = 0; s < run->bs; s++)
    memcpy (expected + s * run->n, y + ((s + 1) * run->length - 1) * run->n,
        run->n * sizeof *expected);
}

static void
run_init (Run *run, LstmModel *model, gsize bs, gsize length, gsize hop)
{
  g_autoptr (LstmState) state = test_state_new (model, bs);

  *run = (Run){model, bs, length, hop, .steps = 2 * length + 5 * hop + 3};
  run->windows = 1 + (run->steps - length) / hop;
  run->d = lstm_model_get_input_size (model);
  run->n = lstm_model_get_output_size (model);
  run->x = g_new (float, bs * run->steps * run->d);
  run->expected = g_new (float, run->windows *bs * run->n);
  test_fill (run->x, bs * run->steps * run->d, (guint32) (length + hop));
  for (gsize w = 0; w < run->windows; w++)
    run_alone (run, state, w * hop, run->expected + w * bs * run->n);
}

static void
run_clear (Run *run)
{
  g_free (run->x);
  g_free (run->expected);
}

static void
check_guards (const float *values, gsize n)
{
  for (gsize i = 0; i < n; i++)
    g_assert_cmpfloat (values[i], ==, GUARD);
}

/* Returns the number of windows that are complete after @steps steps. */
static gsize
count_complete (const Run *run, gsize steps)
{
  return steps < run->length ? 0 : 1 + (steps - run->length) / run->hop;
}

/* Runs steps [at, at + count) in one call. Checks that the call outputs the windows that these
 * steps complete, and that it writes nothing before and after these outputs. */
static void
run_piece (const Run *run, LstmWindow *window, gsize at, gsize count)
{
  const gsize before = count_complete (run, at),
              windows = count_complete (run, at + count) - before;
  const gsize size = run->bs * windows * run->n;
  g_autofree float *x = get_input (run, at, count);
  g_autofree float *y = g_new (float, size + 2 * run->n);

  for (gsize i = 0; i < size + 2 * run->n; i++)
    y[i] = GUARD;
  g_assert_cmpuint (lstm_window_get_n_outputs (window, count), ==, windows);
  g_assert_cmpuint (lstm_window_run (window, count, x, y + run->n), ==, windows);
  check_guards (y, run->n);
  check_guards (y + run->n + size, run->n);
  for (gsize s = 0; s < run->bs; s++)
    for (gsize w = 0; w < windows; w++)
      g_assert_cmpmem (y + (1 + s * windows + w) * run->n, run->n * sizeof *y,
          run->expected + ((before + w) * run->bs + s) * run->n, run->n * sizeof *y);
}

/* Runs all steps in pieces of at most @longest steps, some of which are empty. */
static void
run_pieces (const Run *run, LstmWindow *window, gsize longest, GRand *rand)
{
  for (gsize at = 0, count; at < run->steps; at += count) {
    count = test_pick (rand, longest > 1 ? 0 : 1, MIN (longest, run->steps - at));
    run_piece (run, window, at, count);
  }
}

static void
check_shape (LstmModel *model, gsize bs, gsize length, gsize hop)
{
  g_autoptr (LstmWindow) window = make_window (model, bs, length, hop);
  GRand *rand = g_rand_new_with_seed ((guint32) (bs + length));
  Run run;

  run_init (&run, model, bs, length, hop);
  run_piece (&run, window, 0, run.steps);
  lstm_window_reset (window);
  run_pieces (&run, window, 1, rand);
  for (guint i = 0; i < 3; i++) { /* a reset while windows are open */
    lstm_window_reset (window);
    run_pieces (&run, window, run.steps / (i + 1), rand);
    lstm_window_reset (window);
    run_piece (&run, window, 0, test_pick (rand, 1, length + 1));
  }
  run_clear (&run);
  g_rand_free (rand);
}

static void
test_outputs (gconstpointer data)
{
  const Case *test = data;
  g_autoptr (GBytes) file = test_network_file (&networks[test->network].network);

  for (guint p = 0; p < TEST_N_PRECISIONS; p++) {
    g_autoptr (LstmModel) model = test_model_load_bytes (file, test->isa, (LstmPrecision) p);

    if (!model) {
      g_test_skip ("this machine lacks the instruction set");
      return;
    }
    for (gsize i = 0; i < G_N_ELEMENTS (shapes); i++) {
      check_shape (model, 1, shapes[i].length, shapes[i].hop);
      check_shape (model, MAX_STREAMS, shapes[i].length, shapes[i].hop);
    }
  }
}

static LstmModel *
load_model (guint network, LstmPrecision precision)
{
  g_autoptr (GBytes) file = test_network_file (&networks[network].network);

  return test_model_load_bytes (file, "base", precision);
}

/* A NaN or an infinity changes the windows that contain it, and no other window: the next window
 * of its slot is unaffected. */
static void
test_not_finite (void)
{
  enum { STEPS = 40, LENGTH = 8, HOP = 3, BAD = 11, WINDOWS = 1 + (STEPS - LENGTH) / HOP };
  static const float values[] = {NAN, INFINITY};

  for (guint p = 0; p < TEST_N_PRECISIONS; p++) {
    g_autoptr (LstmModel) model = load_model (0, (LstmPrecision) p);
    g_autoptr (LstmWindow) window = make_window (model, 1, LENGTH, HOP);
    float x[STEPS][5], good[WINDOWS][20], bad[WINDOWS][20];

    test_fill (x[0], STEPS * 5, 9);
    g_assert_cmpuint (lstm_window_run (window, STEPS, x[0], good[0]), ==, WINDOWS);
    for (gsize v = 0; v < G_N_ELEMENTS (values); v++) {
      x[BAD][2] = values[v];
      lstm_window_reset (window);
      lstm_window_run (window, STEPS, x[0], bad[0]);
      for (gsize w = 0; w < WINDOWS; w++) {
        const gboolean within = w * HOP <= BAD && BAD < w * HOP + LENGTH;

        g_assert_true (within == (memcmp (bad[w], good[w], sizeof good[w]) != 0));
      }
    }
  }
}

/* LstmWindow is finite unless an open window contains the NaN, for any length and hop, even if
 * the NaN remains in the slot of a complete window. */
static void
test_finite (void)
{
  enum { STEPS = 150, BAD = 70 };
  g_autoptr (LstmModel) model = load_model (3, LSTM_PRECISION_FLOAT32);
  float x[STEPS * 2], y[2 * 4];

  test_fill (x, STEPS * 2, 9);
  x[BAD * 2 + 1] = NAN;
  for (gsize i = 0; i < G_N_ELEMENTS (shapes); i++) {
    const gsize length = shapes[i].length, hop = shapes[i].hop;
    g_autoptr (LstmWindow) window = make_window (model, 2, length, hop);

    for (gsize t = 1; t <= STEPS; t++) {
      gboolean finite = TRUE;

      lstm_window_run (window, 1, x + (t - 1) * 2, y);
      for (gsize k = 0; k < t; k += hop) /* the first steps of windows */
        finite &= t >= k + length || BAD < k || BAD >= t;
      g_assert_true (lstm_window_is_finite (window) == finite);
    }
    lstm_window_run (window, BAD + 1, x, g_newa (float, 8 * (BAD + 1)));
    lstm_window_reset (window);
    g_assert_true (lstm_window_is_finite (window));
  }
}

static void
test_nothing (void)
{
  g_autoptr (LstmModel) model = load_model (2, LSTM_PRECISION_FLOAT32);
  g_autoptr (LstmWindow) window = make_window (model, 1, 4, 2);
  float x[4 * 7], y[3], z[3];

  test_fill (x, 4 * 7, 1);
  g_assert_cmpuint (lstm_window_get_n_outputs (window, 0), ==, 0);
  g_assert_cmpuint (lstm_window_run (window, 0, NULL, NULL), ==, 0);
  g_assert_cmpuint (lstm_window_run (window, 3, x, NULL), ==, 0);
  g_assert_cmpuint (lstm_window_run (window, 1, x + 3 * 7, y), ==, 1);
  lstm_window_reset (window);
  g_assert_cmpuint (lstm_window_run (window, 4, x, z), ==, 1);
  g_assert_cmpmem (y, sizeof y, z, sizeof z);
}

/* With the largest possible hop there is one window. */
static void
test_longest_hop (void)
{
  g_autoptr (LstmModel) model = load_model (0, LSTM_PRECISION_FLOAT32);
  g_autoptr (LstmWindow) window = make_window (model, 1, 2, G_MAXSIZE);
  float x[6][5], y[20];

  test_fill (x[0], 30, 1);
  g_assert_cmpuint (lstm_window_get_n_outputs (window, 6), ==, 1);
  g_assert_cmpuint (lstm_window_run (window, 6, x[0], y), ==, 1);
  g_assert_cmpuint (lstm_window_get_n_outputs (window, 1000), ==, 0);
}

static void
test_too_many_streams (void)
{
  static const struct {
    gsize streams, length, hop;
  } table[] = {{G_MAXSIZE, 1, 1}, {G_MAXSIZE / 2 + 1, 2, 1}, {1, G_MAXSIZE, 1},
      {G_MAXSIZE / 64, 1, 1}, {3, G_MAXSIZE, 2}};
  g_autoptr (LstmModel) model = load_model (0, LSTM_PRECISION_FLOAT32);

  for (gsize i = 0; i < G_N_ELEMENTS (table); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (
        lstm_window_new (model, table[i].streams, table[i].length, table[i].hop, &error));
    g_assert_error (error, LSTM_ERROR, LSTM_ERROR_MEMORY);
  }
}

/* A window keeps its model alive, and a reference keeps the window alive. */
static void
test_lifetime (void)
{
  LstmModel *model = load_model (0, LSTM_PRECISION_FLOAT32);
  LstmWindow *window = make_window (model, 1, 1, 1);
  float x[5] = {1}, y[20], z[20];

  lstm_model_unref (model);
  g_assert_true (lstm_window_ref (window) == window);
  lstm_window_run (window, 1, x, y);
  lstm_window_unref (window);
  lstm_window_run (window, 1, x, z);
  g_assert_cmpmem (y, sizeof y, z, sizeof z);
  lstm_window_unref (window);
}

static void
test_boxed (void)
{
  g_autoptr (LstmModel) model = load_model (0, LSTM_PRECISION_FLOAT32);
  g_autoptr (LstmWindow) window = make_window (model, 1, 1, 1);
  GValue value = G_VALUE_INIT;

  g_value_init (&value, LSTM_TYPE_WINDOW);
  g_value_set_boxed (&value, window);
  g_assert_true (g_value_get_boxed (&value) == window);
  g_value_unset (&value);
  g_assert_cmpuint (lstm_window_get_n_outputs (window, 2), ==, 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; test_isas[i]; i++) {
    for (guint n = 0; n < G_N_ELEMENTS (networks); n++) {
      g_autofree char *path = g_strdup_printf ("/window/%s/%s", networks[n].name, test_isas[i]);
      Case *test = g_new (Case, 1);

      *test = (Case){n, test_isas[i]};
      g_test_add_data_func_full (path, test, test_outputs, g_free);
    }
  }
  g_test_add_func ("/window/not-finite", test_not_finite);
  g_test_add_func ("/window/finite", test_finite);
  g_test_add_func ("/window/nothing", test_nothing);
  g_test_add_func ("/window/longest-hop", test_longest_hop);
  g_test_add_func ("/window/too-many-streams", test_too_many_streams);
  g_test_add_func ("/window/lifetime", test_lifetime);
  g_test_add_func ("/window/boxed", test_boxed);
  return g_test_run ();
}
