/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layers/feature-rows.h"
#include "layers/floats.h"
#include <stdlib.h>

/* Finds the number of features, and checks that all arrays have it. */
static gboolean
find_n_features (const LstmBuilder *builder, const char *name, const LstmArray *const *arrays,
    guint n_arrays, gsize *n, GError **error)
{
  const LstmArray *first = NULL;

  *n = lstm_builder_get_output_size (builder);
  for (guint i = 0; i < n_arrays; i++) {
    if (!arrays[i]->n_dims)
      continue;
    first = first ? first : arrays[i];
    *n = first->shape[0];
    if (!lstm_builder_check_shape (builder, arrays[i], 1, *n, 0, error)
        || !lstm_builder_check_sizes (builder, name, *n, *n, error))
      return FALSE;
  }
  return TRUE;
}

gboolean
lstm_feature_rows_init (LstmFeatureRows *rows, const LstmBuilder *builder, const char *name,
    const LstmArray *const *arrays, guint n_arrays, gsize *n, GError **error)
{
  if (!find_n_features (builder, name, arrays, n_arrays, n, error))
    return FALSE;
  rows->n_rows = n_arrays;
  rows->n = MAX (*n, 1);
  if (!(rows->values = lstm_floats_new (n_arrays * rows->n, error)))
    return FALSE;
  for (guint r = 0; r < n_arrays; r++)
    for (gsize i = 0; i < rows->n; i++)
      rows->values[r * rows->n + i] = arrays[r]->values[arrays[r]->n_dims ? i : 0];
  return TRUE;
}

gboolean
lstm_feature_rows_broadcast (LstmFeatureRows *rows, gsize n, GError **error)
{
  float *values;

  if (rows->n == n)
    return TRUE;
  if (!(values = lstm_floats_new (rows->n_rows * n, error)))
    return FALSE;
  for (gsize i = 0; i < rows->n_rows * n; i++)
    values[i] = rows->values[i / n];
  free (rows->values);
  rows->values = values;
  rows->n = n;
  return TRUE;
}

void
lstm_feature_rows_clear (LstmFeatureRows *rows)
{
  free (rows->values);
}
