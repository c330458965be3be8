/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kernels/kernels.h"
#include "lstm/lstm.h"

/* Zeroed floats for vector loads, or NULL with LSTM_ERROR_MEMORY. Free with free(). */
float *lstm_floats_new (gsize n, GError **error);

/* A weight matrix [outputs, k], row-major, whose column o of a packed row comes from row o. */
typedef struct {
  const float *values;
  gsize k;
} LstmPackPart;

/* Words that k values of x take */
static inline gsize
lstm_n_words (const LstmProduct *product, gsize k)
{
  return k / product->per_word + (k % product->per_word != 0);
}

/* Rows of a panel that a part takes */
static inline gsize
lstm_pack_rows (const LstmProduct *product, gsize k)
{
  return product->head + lstm_n_words (product, k);
}

/* Packs a bias and parts, one behind the other, into @to: [panels][1 + rows of the parts][panel]
 * (see kernels.h). columns [panels * panel] says which output a lane holds, G_MAXSIZE for
 * padding, which stays zero; @bias and @bias2, [outputs] or NULL, are added. */
void lstm_pack (float *to, const LstmKernels *kernels, const LstmProduct *product, gsize panels,
    const gsize *columns, const float *bias, const float *bias2, const LstmPackPart *parts,
    guint n_parts);
