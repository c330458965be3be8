/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "lstm/lstm.h"

/* Zeroed floats for vector loads, or NULL with LSTM_ERROR_MEMORY. Free with free(). */
float *lstm_floats_new (gsize n, GError **error);

/* A weight matrix [outputs, k], row-major, whose column o of a packed row comes from row o. */
typedef struct {
  const float *values;
  gsize k;
} LstmPackPart;

/* Packs parts side by side along k into @to, [panels][1 + sum of k][panel] (see kernels.h).
 * columns [panels * panel] says which output a lane holds, G_MAXSIZE for padding; @bias and
 * @bias2, [outputs] or NULL, are added. */
void lstm_pack (float *to, gsize panels, gsize panel, const gsize *columns, const float *bias,
    const float *bias2, const LstmPackPart *parts, guint n_parts);
