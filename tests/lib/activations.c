/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Measures the errors of the activations against float64, in the mode of the kernels, for a table
 * of docs/numerics.md, and checks the bounds of the table. With -m thorough the inputs are all
 * floats, which takes about ten minutes. Otherwise the inputs are every 129th float. */
#include "kernel-tests.h"
#include <float.h>
#include <glib.h>
#include <math.h>
#include <string.h>

#define STRIDE 129 /* odd: 3 10^7 of all 2^32 bit patterns, with all values of the low bits */
#define CALL_SIZE 4096 /* values in one call; a multiple of every panel */

typedef struct {
  const char *name;
  LstmActivationKind activation;
  double (*exact) (double x);
  double bound, base; /* in units of the last place; base: of "base", which can round twice */
  float low;          /* the least result; the largest is 1 */
} Function;

/* The errors of a function */
typedef struct {
  guint64 n;
  double ulps; /* the largest error */
  double tiny; /* the largest absolute error of results below FLT_MIN */
  float at;    /* the x of the largest error */
} Errors;

static double
exact_sigmoid (double x)
{
  return 1 / (1 + exp (-x));
}

static float
from_bits (guint32 bits)
{
  float x;

  memcpy (&x, &bits, sizeof x);
  return x;
}

static guint32
to_bits (float x)
{
  guint32 bits;

  memcpy (&bits, &x, sizeof bits);
  return bits;
}

/* Returns the distance of x, a normal number, to the next float of its exponent. */
static double
get_last_place (float x)
{
  return (double) from_bits (to_bits (x) & 0x7f800000) * (double) FLT_EPSILON;
}

static void
add_error (Errors *errors, float x, float found, double expected)
{
  double error = fabs ((double) found - expected);

  g_assert_false (isnan (found));
  errors->n++;
  if (fabs (expected) < (double) FLT_MIN) {
    errors->tiny = fmax (errors->tiny, error);
    return;
  }
  error /= get_last_place ((float) expected);
  if (error > errors->ulps) {
    errors->ulps = error;
    errors->at = x;
  }
}

static void
sweep_floats (const LstmKernels *kernels, const Function *f, Errors *errors)
{
  const guint64 stride = g_test_thorough () ? 1 : STRIDE;
  const guint64 n = (G_GUINT64_CONSTANT (1) << 32) / stride;
  g_autofree float *x = g_new (float, CALL_SIZE);
  g_autofree float *y = g_new (float, CALL_SIZE);

  for (guint64 at = 0; at < n; at += CALL_SIZE) {
    for (guint64 i = 0; i < CALL_SIZE; i++)
      x[i] = from_bits ((guint32) ((at + i) * stride));
    memcpy (y, x, CALL_SIZE * sizeof *y);
    kernels->activate_rows (
        &(LstmActivation){.kind = f->activation}, y, 1, CALL_SIZE, CALL_SIZE);
    for (gsize i = 0; i < CALL_SIZE; i++) {
      if (isnan (x[i])) {
        g_assert_true (isnan (y[i]));
        continue;
      }
      g_assert_true (y[i] >= f->low && y[i] <= 1);
      add_error (errors, x[i], y[i], f->exact ((double) x[i]));
    }
  }
}

/* The softmax of the pair (0, x) is e^x / (1 + e^x). x goes from @high down to a result of 0. */
static void
sweep_pairs (const LstmKernels *kernels, float high, guint32 stride, Errors *errors)
{
  const guint32 first = to_bits (high), last = to_bits (-110);
  const guint32 by = g_test_thorough () ? 1 : stride;
  const guint32 panel = (guint32) kernels->panel, n_pairs = CALL_SIZE / panel;
  g_autofree float *y = g_new0 (float, CALL_SIZE);

  for (guint32 at = first; at <= last; at += n_pairs * by) {
    for (guint32 r = 0; r < n_pairs; r++) {
      y[r * panel] = 0;
      y[r * panel + 1] = from_bits (at + r * by);
    }
    kernels->activate_rows (
        &(LstmActivation){.kind = LSTM_ACTIVATION_SOFTMAX}, y, n_pairs, 2, panel);
    for (guint32 r = 0; r < n_pairs; r++) {
      const float x = from_bits (at + r * by);

      add_error (errors, x, y[r * panel + 1], exp ((double) x) / (1 + exp ((double) x)));
    }
  }
}

static void
check_errors (const char *isa, const char *name, const Errors *errors, double bound)
{
  g_test_message ("%-10s  %-8s  %10" G_GUINT64_FORMAT
                  " values: at most %.3f ulp (x = %.9g), below 2^-126 at most %.1e",
      isa, name, errors->n, errors->ulps, (double) errors->at, errors->tiny);
  g_assert_cmpfloat (errors->ulps, <, bound);
  g_assert_cmpfloat (errors->tiny, <, (double) FLT_MIN);
}

static void
test_each (gconstpointer data)
{
  static const Function functions[] = {
      {"sigmoid", LSTM_ACTIVATION_SIGMOID, exact_sigmoid, 3.2, 3.2, 0},
      {"tanh", LSTM_ACTIVATION_TANH, tanh, 2.8, 3.5, -1},
  };
  const LstmKernels *kernels = data;

  for (gsize i = 0; i < G_N_ELEMENTS (functions); i++) {
    Errors errors = {0};

    sweep_floats (kernels, &functions[i], &errors);
    check_errors (kernels->name, functions[i].name, &errors,
        g_str_equal (kernels->name, "base") ? functions[i].base : functions[i].bound);
  }
}

/* For x < -17.4 the sum is 1 in float32, so that the pair has the errors of exp alone. */
static void
test_softmax (gconstpointer data)
{
  const LstmKernels *kernels = data;
  Errors exponential = {0}, pair = {0};

  sweep_pairs (kernels, -17.4f, 2, &exponential);
  check_errors (kernels->name, "exp", &exponential, 1.9);
  sweep_pairs (kernels, -0x1p-24f, 25, &pair);
  check_errors (kernels->name, "softmax", &pair, 3.3);
}

/* Checks inputs whose results are defined to the bit. */
static void
test_special (gconstpointer data)
{
  static const struct {
    float x, sigmoid, tanh;
  } table[] = {
      {0.f, 0.5f, 0.f},
      {-0.f, 0.5f, -0.f},
      {1e-45f, 0.5f, 0.f}, /* a denormal is 0 */
      {-1e-45f, 0.5f, -0.f},
      {1e-30f, 0.5f, 1e-30f},
      {17.4f, 1, 1},
      {88.8f, 1, 1},
      {-104, 0, -1},
      {FLT_MAX, 1, 1},
      {-FLT_MAX, 0, -1},
      {INFINITY, 1, 1},
      {-INFINITY, 0, -1},
  };
  const LstmKernels *kernels = data;

  for (gsize i = 0; i < G_N_ELEMENTS (table); i++) {
    g_autofree float *y = g_new0 (float, kernels->panel);

    y[0] = table[i].x;
    kernels->activate_rows (
        &(LstmActivation){.kind = LSTM_ACTIVATION_SIGMOID}, y, 1, 1, kernels->panel);
    g_assert_cmphex (to_bits (y[0]), ==, to_bits (table[i].sigmoid));
    y[0] = table[i].x;
    kernels->activate_rows (
        &(LstmActivation){.kind = LSTM_ACTIVATION_TANH}, y, 1, 1, kernels->panel);
    g_assert_cmphex (to_bits (y[0]), ==, to_bits (table[i].tanh));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  kernel_tests_add ("activations", "special", test_special);
  kernel_tests_add ("activations", "each", test_each);
  kernel_tests_add ("activations", "softmax", test_softmax);
  return kernel_tests_run ();
}
