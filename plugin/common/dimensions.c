/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/dimensions.h"

gboolean
gst_lstm_dimensions_add (GstLstmDimensions *dims, guint n, gboolean is_gates, gsize d)
{
  guint *const fields[] = {&dims->size, &dims->n_rows, &dims->steps, &dims->streams};
  guint at = dims->n_added;

  if (at == 0 && n == 1 && d > 1 && !is_gates)
    return TRUE;
  if (at > 0 && !is_gates)
    at++; /* only gates have rows */
  if (at < G_N_ELEMENTS (fields)) {
    *fields[at] = n;
    dims->n_added++;
    return TRUE;
  }
  if (n == 1)
    return TRUE;
  if (dims->steps > 1 || dims->streams > 1)
    return FALSE;
  dims->steps = n;
  return TRUE;
}
