/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Checks the precision of the value of many steps, and values that are not finite. */
#include "../safetensors.h"
#include "testutil.h"
#include <math.h>

#define N_STEPS 300000 /* a float32 sum of so many steps is off by 1e-3 */

/* Returns a model of one feature that computes @function of its inputs. */
static LstmState *
make_state (const char *function)
{
  static const float one = 1;
  static const gsize shape[] = {1, 1};
  g_autofree char *metadata = g_strdup_printf (
      "{\"lstm.version\":\"1\",\"lstm.layers\":\"[{\\\"type\\\":\\\"dense\\\"},"
      "{\\\"type\\\":\\\"pooling\\\",\\\"function\\\":\\\"%s\\\"}]\"}",
      function);
  TestSafetensors st = test_safetensors_begin (metadata);
  g_autoptr (LstmModel) model = NULL;
  g_autoptr (GBytes) file = NULL;

  test_safetensors_add (&st, "weight", 2, shape, &one);
  file = test_safetensors_finish (&st);
  model = test_model_load_bytes (file, "base", LSTM_PRECISION_FLOAT32);
  return test_state_new (model, 1);
}

static void
test_many_steps (void)
{
  g_autoptr (LstmState) mean = make_state ("mean"), sum = make_state ("sum");
  g_autofree float *x = g_new (float, N_STEPS), *y = g_new (float, N_STEPS);

  for (gsize t = 0; t < N_STEPS; t++)
    x[t] = .1f;
  lstm_state_run (mean, N_STEPS, x, y);
  for (gsize t = 0; t < N_STEPS; t++)
    g_assert_cmpfloat (y[t], ==, .1f);
  lstm_state_run (sum, N_STEPS, x, y);
  g_assert_cmpfloat (y[N_STEPS - 1], ==, (float) (N_STEPS * (double) .1f));
}

/* NaN is the result of every function from then on. */
static const struct {
  const char *function;
  float input[4], output[4];
} sequences[] = {
    {"mean", {1, 2, 6, -1}, {1, 1.5f, 3, 2}},
    {"mean", {1, NAN, 2, 3}, {1, NAN, NAN, NAN}},
    {"mean", {1, INFINITY, 2, 3}, {1, INFINITY, INFINITY, INFINITY}},
    {"mean", {INFINITY, 2, -INFINITY, 1}, {INFINITY, INFINITY, NAN, NAN}},
    {"max", {-2, -1, -3, 0}, {-2, -1, -1, 0}},
    {"max", {1, NAN, 2, 3}, {1, NAN, NAN, NAN}},
    {"max", {-INFINITY, 1, INFINITY, 2}, {-INFINITY, 1, INFINITY, INFINITY}},
    {"sum", {1, 2, 6, -1}, {1, 3, 9, 8}},
    {"sum", {3e38f, 3e38f, -1, 1}, {3e38f, INFINITY, INFINITY, INFINITY}},
};

static void
test_sequences (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (sequences); i++) {
    g_autoptr (LstmState) state = make_state (sequences[i].function);
    float y[4];

    for (guint k = 0; k < 2; k++) {
      lstm_state_run (state, 4, sequences[i].input, y);
      for (gsize t = 0; t < 4; t++)
        if (!isnan (y[t]) || !isnan (sequences[i].output[t]))
          g_assert_cmpfloat (y[t], ==, sequences[i].output[t]);
      g_assert_true (lstm_state_is_finite (state) == (isfinite (y[3]) != 0));
      lstm_state_reset (state);
      g_assert_true (lstm_state_is_finite (state));
    }
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pooling/many-steps", test_many_steps);
  g_test_add_func ("/pooling/sequences", test_sequences);
  return g_test_run ();
}
