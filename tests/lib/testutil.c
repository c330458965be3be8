/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "testutil.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

const char *const test_isas[] = {"base", "avx2", "avx512", NULL};

TestArray
test_array_load (const char *dir, const char *file)
{
  g_autofree char *path = g_build_filename (dir, file, NULL);
  g_autofree char *content = NULL;
  g_autofree char *header = NULL;
  g_autoptr (GError) error = NULL;
  TestArray array = {.n = 1};
  gsize size, start;
  const char *shape;

  g_file_get_contents (path, &content, &size, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (content, 8, "\x93NUMPY\x01\x00", 8);
  start = 10 + (guint8) content[8] + 256 * (gsize) (guint8) content[9];
  g_assert_cmpuint (start, <=, size);
  header = g_strndup (content + 10, start - 10);
  g_assert_nonnull (strstr (header, "'descr': '<f4', 'fortran_order': False"));
  shape = strstr (header, "'shape': (");
  g_assert_nonnull (shape);
  array.n_dims = (guint) sscanf (
      shape, "'shape': (%zu, %zu, %zu", &array.shape[0], &array.shape[1], &array.shape[2]);
  g_assert_cmpuint (array.n_dims, >, 0);
  for (guint i = 0; i < array.n_dims; i++)
    array.n *= array.shape[i];
  g_assert_cmpuint (size - start, ==, array.n * sizeof (float));
  array.values = g_memdup2 (content + start, size - start);
  return array;
}

gboolean
test_array_exists (const char *dir, const char *file)
{
  g_autofree char *path = g_build_filename (dir, file, NULL);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

void
test_array_clear (TestArray *array)
{
  g_clear_pointer (&array->values, g_free);
}

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
