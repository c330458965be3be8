/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Measures the errors of networks against float64, in each precision on each instruction set, for
 * a table of docs/numerics.md, and checks the bounds of the table. */
#include "network.h"
#include "testutil.h"
#include <math.h>

typedef struct {
  const char *name;
  const char *model; /* a file of the source tree; NULL: random weights */
  TestNetwork network;
  gsize steps;
  void (*fill) (float *x, gsize steps, gsize d);
  double bounds[TEST_N_PRECISIONS]; /* of the largest error */
} Case;

static void
fill_random (float *x, gsize steps, gsize d)
{
  test_fill (x, steps * d, 1);
}

/* Imitates the output of lstmfeatures for a moving camera: grids of 16 × 12 luma averages of
 * waves, whose velocity and zoom change every 40 frames. */
static void
fill_motion (float *x, gsize steps, gsize d)
{
  GRand *rand = g_rand_new_with_seed (1);
  double across = 0, down = 0, size = 1, right = 0, below = 0, zoom = 1;

  for (gsize t = 0; t < steps; t++, across += right, down += below, size *= zoom) {
    if (t % 40 == 0) {
      right = g_rand_double_range (rand, -0.6, 0.6);
      below = g_rand_double_range (rand, -0.6, 0.6);
      zoom = exp (g_rand_double_range (rand, -0.03, 0.03));
      size = 1;
    }
    for (gsize i = 0; i < d; i++) {
      const double column = across + size * ((double) (i % 16) - 7.5);
      const double row = down + size * ((double) (i / 16) - 5.5);

      x[t * d + i] = (float) (0.5 + 0.2 * sin (0.7 * column + 0.3 * row)
                              + 0.15 * sin (0.9 * row - 0.2 * column)
                              + 0.1 * sin (0.31 * column + 1.7));
    }
  }
  g_rand_free (rand);
}

#define MOTION                                                                                 \
  {                                                                                            \
    192,                                                                                       \
    {                                                                                          \
      {TEST_NORMALIZATION}, {TEST_DENSE, 48, "tanh", "projection"},                            \
          {TEST_LSTM, 96, NULL, "lstm"}, {TEST_DENSE, 7, "softmax", "head"},                   \
    }                                                                                          \
  }

/* The bounds are about three times the measured errors. */
static const Case cases[] = {
    {"16 > 32", NULL, {16, {{TEST_LSTM, 32}}, .seed = 1}, 10000, fill_random,
        {3e-7, 3e-3, 8e-3}},
    {"64 > 64", NULL, {64, {{TEST_LSTM, 64}}, .seed = 2}, 10000, fill_random,
        {5e-7, 5e-3, 1e-2}},
    {"128 > 128", NULL, {128, {{TEST_LSTM, 128}}, .seed = 3}, 10000, fill_random,
        {6e-7, 5e-3, 1.2e-2}},
    {"32 > 48 > 48 > 10", NULL,
        {32, {{TEST_LSTM, 48}, {TEST_LSTM, 48}, {TEST_DENSE, 10, "softmax"}}, .seed = 4}, 10000,
        fill_random, {1e-7, 6e-5, 1.5e-4}},
    {"64 > 64, weights x 2", NULL, {64, {{TEST_LSTM, 64}}, .gain = 2, .seed = 5}, 10000,
        fill_random, {1e-6, 1.2e-2, 3e-2}},
    {"64 > 64, weights x 4", NULL, {64, {{TEST_LSTM, 64}}, .gain = 4, .seed = 6}, 10000,
        fill_random, {3e-6, 5e-2, 0.1}},
    {"GRU, 64 > 64", NULL, {64, {{TEST_GRU, 64}}, .seed = 2}, 10000, fill_random,
        {8e-7, 6e-3, 1.7e-2}},
    {"GRU, 128 > 128", NULL, {128, {{TEST_GRU, 128}}, .seed = 3}, 10000, fill_random,
        {1.1e-6, 7e-3, 1.9e-2}},
    {"RNN, 64 > 64", NULL, {64, {{TEST_RNN, 64}}, .seed = 2}, 10000, fill_random,
        {1.5e-6, 1.4e-2, 3.6e-2}},
    {"motion", "models/motion.safetensors", MOTION, 4000, fill_motion, {5e-6, 2.5e-2, 0.13}},
};

static gsize
find_largest (const float *y, gsize n)
{
  gsize at = 0;

  for (gsize i = 1; i < n; i++)
    at = y[i] > y[at] ? i : at;
  return at;
}

static gsize
find_largest_exact (const double *y, gsize n)
{
  gsize at = 0;

  for (gsize i = 1; i < n; i++)
    at = y[i] > y[at] ? i : at;
  return at;
}

static void
check_precision (const Case *test, GBytes *file, LstmPrecision precision, const char *isa,
    const float *x, const double *expected)
{
  const gsize n = test_network_out (&test->network);
  g_autoptr (LstmModel) model = test_model_load_bytes (file, isa, precision);
  g_autofree float *y = g_new (float, test->steps *n);
  g_autoptr (LstmState) state = NULL;
  double worst = 0, squares = 0;
  gsize others = 0;

  if (!model)
    return;
  state = test_state_new (model, 1);
  lstm_state_run (state, test->steps, x, y);
  for (gsize i = 0; i < test->steps * n; i++) {
    const double error = fabs ((double) y[i] - expected[i]);

    g_assert_true (isfinite (y[i]));
    worst = fmax (worst, error);
    squares += error * error;
  }
  for (gsize t = 0; t < test->steps; t++)
    others += find_largest (y + t * n, n) != find_largest_exact (expected + t * n, n);
  g_test_message ("%-20s  %-8s  %-10s  worst %.1e  rms %.1e  other maximum %5.2f %%",
      test->name, test_precision_name (precision), isa, worst,
      sqrt (squares / (double) (test->steps * n)),
      100. * (double) others / (double) test->steps);
  g_assert_cmpfloat (worst, <, test->bounds[precision]);
}

static void
test_case (gconstpointer data)
{
  const Case *test = data;
  const gsize d = test->network.d;
  g_autofree float *x = g_new (float, test->steps *d);
  g_autofree double *expected = g_new (double, test->steps *test_network_out (&test->network));
  g_autoptr (GBytes) file = NULL;

  if (test->model) {
    g_autofree char *path = g_build_filename (g_getenv ("LSTM_TEST_SOURCE"), test->model, NULL);
    g_autoptr (GMappedFile) mapped = g_mapped_file_new (path, FALSE, NULL);

    g_assert_nonnull (mapped);
    file = g_mapped_file_get_bytes (mapped);
  } else {
    file = test_network_file (&test->network);
  }
  test->fill (x, test->steps, d);
  test_network_run (&test->network, file, test->steps, x, expected);
  for (guint p = 0; p < TEST_N_PRECISIONS; p++)
    for (gsize i = 0; test_isas[i]; i++)
      check_precision (test, file, (LstmPrecision) p, test_isas[i], x, expected);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *path = g_strdup_printf ("/numerics/%" G_GSIZE_FORMAT, i);

    g_test_add_data_func (path, &cases[i], test_case);
  }
  return g_test_run ();
}
