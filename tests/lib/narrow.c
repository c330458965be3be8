/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Compares the products of few outputs with the products of a panel, bit by bit, on each
 * instruction set. */
#include "kernel-tests.h"
#include "testutil.h"
#include <string.h>

#define SPACE 3 /* floats between the rows */

static void
check_bits (const LstmKernels *kernels, gsize n, gsize rows, gsize k)
{
  const gsize panel = kernels->panel, x_stride = k + SPACE, y_stride = n + SPACE;
  g_autofree float *bias = g_new (float, n);
  g_autofree float *w = g_new (float, n *k);
  g_autofree float *x = g_new (float, rows *x_stride);
  g_autofree float *packed = g_new0 (float, (1 + k) * panel);
  g_autofree float *expected = g_new (float, rows *panel);
  g_autofree float *y = g_new0 (float, rows *y_stride);
  const LstmAffine affine = {.n_rows = rows,
      .n_panels = 1,
      .w = packed,
      .w_offset = panel,
      .x = {x, x_stride, k, NULL},
      .y = expected,
      .y_stride = panel};
  const LstmNarrow narrow = {rows, n, k, bias, w, x, x_stride, y, y_stride};

  test_fill (bias, n, 1);
  test_fill (w, n * k, 1);
  test_fill (x, rows * x_stride, 1);
  memcpy (packed, bias, n * sizeof *bias);
  for (gsize o = 0; o < n; o++)
    for (gsize i = 0; i < k; i++)
      packed[(1 + i) * panel + o] = w[o * k + i];
  kernels->products[LSTM_FLOAT32].run_affine (&affine);
  kernels->run_narrow (&narrow);
  for (gsize r = 0; r < rows; r++) {
    g_assert_cmpmem (
        y + r * y_stride, n * sizeof *y, expected + r * panel, n * sizeof *expected);
    for (gsize i = n; i < y_stride; i++)
      g_assert_cmpfloat (y[r * y_stride + i], ==, 0);
  }
}

static void
test_bits (gconstpointer kernels)
{
  for (gsize n = 1; n <= LSTM_NARROW_OUTPUTS; n++)
    for (gsize rows = 1; rows <= 19; rows++)
      for (gsize k = 1; k <= 70; k++)
        check_bits (kernels, n, rows, k);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  kernel_tests_add ("narrow", "bits", test_bits);
  return kernel_tests_run ();
}
