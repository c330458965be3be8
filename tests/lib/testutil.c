/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "testutil.h"
#include <math.h>
#include <string.h>

const char *const test_isas[] = {"base", "avx2", "avx512bf16", "avx512vnni", "avx512", NULL};

double
test_error (const float *got, const float *expected, gsize n)
{
  double worst = 0;

  for (gsize i = 0; i < n; i++) {
    double error = fabs ((double) got[i] - expected[i]) / fmax (1, fabs (expected[i]));

    if (isnan (error))
      error = isnan (got[i]) && isnan (expected[i]) ? 0 : INFINITY;
    worst = fmax (worst, error);
  }
  return worst;
}

LstmModel *
test_model_load (const char *path, const char *isa)
{
  g_autoptr (GError) error = NULL;
  LstmModel *model;

  g_setenv ("LSTM_ISA", isa, TRUE);
  model = lstm_model_load (path, &error);
  g_unsetenv ("LSTM_ISA");
  if (g_error_matches (error, LSTM_ERROR, LSTM_ERROR_CPU))
    return NULL;
  g_assert_no_error (error);
  g_assert_cmpstr (lstm_model_get_isa (model), ==, isa);
  return model;
}

void
test_fill (float *values, gsize n, guint32 seed)
{
  GRand *rand = g_rand_new_with_seed (seed);

  for (gsize i = 0; i < n; i++)
    values[i] = (float) g_rand_double_range (rand, -1, 1);
  g_rand_free (rand);
}
