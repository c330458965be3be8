/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pack.h"
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT 64 /* bytes: a cache line, and the widest vector */

float *
lstm_floats_new (gsize n, GError **error)
{
  void *floats = NULL;

  if (n > G_MAXSSIZE / sizeof (float)
      || posix_memalign (&floats, ALIGNMENT, MAX (n, 1) * sizeof (float)) != 0) {
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_MEMORY,
        "no memory for %" G_GSIZE_FORMAT " float32 values", n);
    return NULL;
  }
  return memset (floats, 0, n * sizeof (float));
}

void
lstm_pack (float *to, gsize panels, gsize panel, const gsize *columns, const float *bias,
    const float *bias2, const LstmPackPart *parts, guint n_parts)
{
  for (gsize p = 0; p < panels; p++, columns += panel) {
    for (gsize lane = 0; lane < panel; lane++)
      if (columns[lane] != G_MAXSIZE)
        to[lane] = (bias ? bias[columns[lane]] : 0) + (bias2 ? bias2[columns[lane]] : 0);
    to += panel;
    for (guint i = 0; i < n_parts; i++)
      for (gsize k = 0; k < parts[i].k; k++, to += panel)
        for (gsize lane = 0; lane < panel; lane++)
          if (columns[lane] != G_MAXSIZE)
            to[lane] = parts[i].values[columns[lane] * parts[i].k + k];
  }
}
