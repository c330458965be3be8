/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Compares the fused LSTM and GRU steps of each instruction set with double precision, for all
 * combinations of pre-activations at which gates saturate or divisors overflow, with and without
 * traced gates. */
#include "kernel-tests.h"
#include <float.h>
#include <glib.h>
#include <math.h>
#include <string.h>

/* around the ends of e^x in float32, and of tanh */
static const float levels[] = {-INFINITY, -1000, -88.73f, -88.7f, -88.66f, -87.34f, -40, -9,
    -0.6f, -0.f, 1e-6f, 0.3f, 5, 8.9f, 17.4f, 87.4f, 88.7f, FLT_MAX, INFINITY};
static const float cells[] = {0, -1, 0.75f, 1e-37f, -3e38f};

typedef struct {
  const LstmKernels *kernels;
  gboolean is_lstm, relu;
  gsize width;         /* units of a panel */
  float z[LSTM_GATES]; /* of all units of a row */
  float memory;        /* c of an LSTM or h of a GRU before the step */
  float h, c;          /* the results of the step */
  float gates[LSTM_GATES];
} Step;

/* Runs one step of one panel, whose units are all equal. h U is 0. */
static void
run_step (Step *s, gboolean is_traced)
{
  const LstmProduct *product = &s->kernels->products[LSTM_FLOAT32];
  const gsize n_gates = s->is_lstm ? LSTM_GATES : LSTM_GRU_GATES;
  const gsize n = n_gates * s->width;
  g_autofree float *w = g_new0 (float, s->kernels->panel + n);
  g_autofree float *z = g_new (float, n);
  g_autofree float *memory = g_new0 (float, 3 * s->width);
  float *const old = memory, *const h_next = old + s->width, *const zeros = h_next + s->width;
  const LstmStep step = {.n_rows = 1,
      .n_panels = 1,
      .w = w,
      .u_offset = s->kernels->panel,
      .z = z,
      .gates = is_traced ? z : NULL,
      .h = {zeros, 1, 1, NULL},
      .h_values = old,
      .h_next = h_next,
      .c = old,
      .m_stride = s->width,
      .relu = s->relu};

  for (gsize i = 0; i < n; i++)
    z[i] = s->z[i / s->width];
  for (gsize i = 0; i < s->width; i++)
    old[i] = s->memory;
  (s->is_lstm ? product->run_lstm_step : product->run_gru_step) (&step);
  for (gsize i = 1; i < s->width; i++) {
    g_assert_cmpmem (&h_next[i], sizeof *h_next, h_next, sizeof *h_next);
    g_assert_cmpmem (&old[i], sizeof *old, old, sizeof *old);
  }
  s->h = h_next[0];
  s->c = old[0];
  for (gsize g = 0; g < n_gates; g++)
    s->gates[g] = z[g * s->width];
}

static double
get_sigmoid (double x)
{
  return 1 / (1 + exp (-x));
}

static double
activate_exactly (const Step *s, double x)
{
  return s->relu ? fmax (x, 0) : tanh (x);
}

/* Checks that @found is @expected. @terms: the sum of the magnitudes of the exact terms; @factors: of
 * the factors of gates, which can be too large by 2^-126 */
static void
check_value (
    const Step *s, const char *name, float found, double expected, double terms, double factors)
{
  if (fabs ((double) found - expected) <= 4e-7 * terms + (double) FLT_MIN * (1 + factors))
    return;
  g_error ("%s: %s of z = %g, %g, %g, %g and %g is %.9g, not %.9g", s->kernels->name, name,
      (double) s->z[0], (double) s->z[1], (double) s->z[2], (double) s->z[3],
      (double) s->memory, (double) found, expected);
}

static void
check_step (Step *s)
{
  const float *z = s->z;
  const gsize third = s->is_lstm ? LSTM_GATES : LSTM_GRU_GATES;
  const double old = (double) s->memory;
  double gates[LSTM_GATES];
  float h, c;

  run_step (s, FALSE);
  h = s->h;
  c = s->c;
  run_step (s, TRUE);
  g_assert_cmpmem (&h, sizeof h, &s->h, sizeof h);
  g_assert_cmpmem (&c, sizeof c, &s->c, sizeof c);
  for (gsize g = 0; g < third; g++) {
    gates[g] = g == 2 ? activate_exactly (s, (double) z[g]) : get_sigmoid ((double) z[g]);
    check_value (s, "a gate", s->gates[g], gates[g], fabs (gates[g]), 0);
    if (fabs (gates[g]) < (double) FLT_MIN)
      g_assert_cmpfloat (s->gates[g], ==, 0);
  }
  if (s->is_lstm) {
    const double kept = gates[1] * old, added = gates[0] * gates[2];
    const double activated = activate_exactly (s, (double) c), expected = gates[3] * activated;

    check_value (
        s, "c", c, kept + added, fabs (kept) + fabs (added), fabs (old) + fabs (gates[2]));
    check_value (s, "h", h, expected, fabs (expected), fabs (activated));
  } else {
    const double added = (1 - gates[0]) * gates[2], kept = gates[0] * old;

    check_value (s, "h", h, added + kept, fabs (gates[2]) + fabs (old), 0);
  }
  if (!s->relu && (s->is_lstm || fabsf (s->memory) <= 1))
    g_assert_cmpfloat (fabsf (h), <=, 1);
}

/* Runs all combinations of levels, except relu of infinity. */
static void
test_levels (const LstmKernels *kernels, gboolean is_lstm, gboolean relu)
{
  const gsize n = G_N_ELEMENTS (levels), n_gates = is_lstm ? LSTM_GATES : LSTM_GRU_GATES;
  gsize n_cases = G_N_ELEMENTS (cells);

  for (gsize g = 0; g < n_gates; g++)
    n_cases *= n;
  for (gsize i = 0; i < n_cases; i++) {
    Step step = {.kernels = kernels,
        .is_lstm = is_lstm,
        .relu = relu,
        .width = kernels->panel / LSTM_GATES,
        .memory = cells[i % G_N_ELEMENTS (cells)]};
    gsize at = i / G_N_ELEMENTS (cells);

    for (gsize g = 0; g < n_gates; g++, at /= n)
      step.z[g] = levels[at % n];
    if (!relu || step.z[2] < 1e30f)
      check_step (&step);
  }
}

static void
test_lstm (gconstpointer kernels)
{
  test_levels (kernels, TRUE, FALSE);
}

static void
test_lstm_relu (gconstpointer kernels)
{
  test_levels (kernels, TRUE, TRUE);
}

static void
test_gru (gconstpointer kernels)
{
  test_levels (kernels, FALSE, FALSE);
}

static void
test_gru_relu (gconstpointer kernels)
{
  test_levels (kernels, FALSE, TRUE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  kernel_tests_add ("saturation", "lstm", test_lstm);
  kernel_tests_add ("saturation", "lstm-relu", test_lstm_relu);
  kernel_tests_add ("saturation", "gru", test_gru);
  kernel_tests_add ("saturation", "gru-relu", test_gru_relu);
  return kernel_tests_run ();
}
