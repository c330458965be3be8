/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Arrays with a value for each feature, or with a single value for all. */
#pragma once

#include "layers/builder.h"

typedef struct {
  guint n_rows;
  gsize n;       /* features; 1 if all values are single and the number is not known yet */
  float *values; /* (n_rows, n) */
} LstmFeatureRows;

/* Makes a row of each of @arrays, which are [n] or single values, and sets @n: 0 if all values
 * are single and the builder does not know the number of features yet. Clear @rows also after a
 * failure.
 * @name: the name of the layer, for messages */
gboolean lstm_feature_rows_init (LstmFeatureRows *rows, const LstmBuilder *builder,
    const char *name, const LstmArray *const *arrays, guint n_arrays, gsize *n, GError **error);

/* Broadcasts rows of single values to @n features. */
gboolean lstm_feature_rows_broadcast (LstmFeatureRows *rows, gsize n, GError **error);

void lstm_feature_rows_clear (LstmFeatureRows *rows);
