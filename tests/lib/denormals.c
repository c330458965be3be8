/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Checks inputs, weights, sums and states next to and below the least normal number, 2^-126. A
 * number below 2^-126 is 0. The bits are the same on all instruction sets that round multiply-adds
 * once, and for any division of the steps into calls. */
#include "network.h"
#include "testutil.h"
#include <math.h>
#include <string.h>

#define STEPS 40
#define D 11
#define M 19

static const TestNetwork network = {D, {{TEST_LSTM, M}, {TEST_LSTM, M}}, .seed = 1};

/* The powers of 2, from 2^-least to 2^-most, with which weights and inputs are multiplied */
typedef struct {
  struct {
    guint least, most;
  } weights, inputs;
} Range;

/* All magnitudes, denormal inputs, denormal weights, and denormal products */
static const Range ranges[] = {
    {{0, 149}, {0, 149}},
    {{0, 2}, {120, 149}},
    {{120, 149}, {0, 2}},
    {{50, 70}, {50, 80}},
};

/* Multiplies each value with a random power of 2, from 2^-@least down to 2^-@most. */
static void
scale_down (float *values, gsize n, guint least, guint most, guint32 seed)
{
  GRand *rand = g_rand_new_with_seed (seed);

  for (gsize i = 0; i < n; i++)
    values[i] = ldexpf (values[i], -(int) test_pick (rand, least, most));
  g_rand_free (rand);
}

/* Returns the file of the network, with small weights. The biases are 0, as the small products
 * would vanish in a sum with them. */
static GBytes *
make_file (const Range *range)
{
  g_autoptr (GBytes) file = test_network_file (&network);
  gsize size;
  const char *content = g_bytes_get_data (file, &size);
  const gsize data = 8 + (gsize) GUINT64_FROM_LE (*(const guint64 *) content);
  const gsize n = (size - data) / sizeof (float);
  char *edited = g_memdup2 (content, size);
  g_autofree float *weights = g_memdup2 (content + data, size - data);

  for (gsize i = 0; i < n; i++) /* each within ± 4, in any layer */
    weights[i] = 8 * remainderf (8 * weights[i], 1);
  scale_down (weights, n, range->weights.least, range->weights.most, 2);
  memset (weights + 4 * M * (D + M), 0, 8 * M * sizeof *weights);
  memset (weights + n - 8 * M, 0, 8 * M * sizeof *weights);
  memcpy (edited + data, weights, size - data);
  return g_bytes_new_take (edited, size);
}

static float *
make_input (const Range *range)
{
  float *x = g_new (float, STEPS *D);

  test_fill (x, STEPS * D, 3);
  scale_down (x, STEPS * D, range->inputs.least, range->inputs.most, 4);
  for (gsize i = 0; i < STEPS * D; i += 3) /* a denormal that rounds to a normal number */
    x[i] = range->inputs.most > 126 ? 0x1.fffffcp-127f : x[i];
  return x;
}

/* Returns h and c of each layer at all steps, (2, 2, STEPS, M), from calls of @piece steps. */
static float *
run_model (LstmModel *model, const float *x, gsize piece)
{
  float *traces = g_new (float, 4 * STEPS * M);

  for (guint layer = 0; layer < 2; layer++) {
    g_autoptr (LstmState) state = test_state_new (model, 1);
    float *h = traces + layer * 2 * STEPS * M, *c = h + STEPS * M;

    for (gsize t = 0; t < STEPS; t += piece)
      lstm_state_run_full (state, &(LstmRun){.size = sizeof (LstmRun),
                                      .steps = MIN (piece, STEPS - t),
                                      .input = x + t * D,
                                      .layer = layer,
                                      .hidden = h + t * M,
                                      .cell = c + t * M});
  }
  return traces;
}

static void
check_windows (LstmModel *model, const float *x)
{
  enum { LENGTH = 9, COUNT = STEPS - LENGTH + 1 };
  g_autoptr (LstmWindow) window = lstm_window_new (model, 1, LENGTH, 1, NULL);
  g_autofree float *found = g_new (float, COUNT *M);
  float expected[LENGTH * M];

  g_assert_cmpuint (lstm_window_run (window, STEPS, x, found), ==, COUNT);
  for (gsize t = 0; t < COUNT; t++) {
    g_autoptr (LstmState) state = test_state_new (model, 1);

    lstm_state_run (state, LENGTH, x + t * D, expected);
    g_assert_cmpmem (
        found + t * M, M * sizeof *found, expected + (LENGTH - 1) * M, M * sizeof *found);
  }
}

static void
check_precision (GBytes *file, const float *x, const char *isa, LstmPrecision precision)
{
  const gsize n = 4 * STEPS * M;
  g_autoptr (LstmModel) model = test_model_load_bytes (file, isa, precision);
  const char *same = test_get_same_isa (isa);
  g_autoptr (LstmModel) other = same ? test_model_load_bytes (file, same, precision) : NULL;
  g_autofree float *uncut = NULL;
  g_autofree float *cut = NULL;

  if (!model)
    return;
  uncut = run_model (model, x, STEPS);
  cut = run_model (model, x, 7);
  g_assert_cmpmem (cut, n * sizeof *cut, uncut, n * sizeof *uncut);
  for (gsize i = 0; i < n; i++)
    g_assert_cmpint (fpclassify (uncut[i]), !=, FP_SUBNORMAL);
  check_windows (model, x);
  if (other) {
    g_autofree float *expected = run_model (other, x, STEPS);

    g_assert_cmpmem (uncut, n * sizeof *uncut, expected, n * sizeof *expected);
  }
}

static void
test_isa (gconstpointer isa)
{
  for (gsize i = 0; i < G_N_ELEMENTS (ranges); i++) {
    g_autoptr (GBytes) file = make_file (&ranges[i]);
    g_autofree float *x = make_input (&ranges[i]);

    for (guint p = 0; p < TEST_N_PRECISIONS; p++)
      check_precision (file, x, isa, (LstmPrecision) p);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; test_isas[i]; i++) {
    g_autofree char *path = g_strdup_printf ("/denormals/%s", test_isas[i]);

    g_test_add_data_func (path, test_isas[i], test_isa);
  }
  return g_test_run ();
}
