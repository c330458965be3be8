/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Weight matrices in the panels of the kernels. */
#pragma once

#include "container/array.h"
#include "kernels/kernels.h"

/* A bias and the parts of a matrix that share their panels, see kernels.h */
typedef struct {
  const LstmProduct *product;
  void (*run_affine) (const LstmAffine *affine); /* of the product, for these panels */
  float *weights;                                /* NULL: no matrix */
  gsize n_weights;                               /* floats */
  gsize n_panels;
  gsize panel;        /* lanes of a row of a part */
  gsize panel_stride; /* lanes from panel to panel */
  gsize n_lanes;      /* of all panels: a padded row of outputs */
} LstmMatrix;

/* Returns the number of words of @k values of x. */
static inline gsize
lstm_product_count_words (const LstmProduct *product, gsize k)
{
  return k / product->per_word + (k % product->per_word != 0);
}

/* Returns the lanes of a row of @n_words words of x. */
static inline gsize
lstm_product_count_x_lanes (const LstmProduct *product, gsize n_words)
{
  const gsize n = n_words * product->x_lanes + product->n_x_sums;

  return (n + product->x_multiple - 1) & ~(product->x_multiple - 1);
}

/* Returns the number of packed rows of a part. */
static inline gsize
lstm_product_count_rows (const LstmProduct *product, gsize k)
{
  return product->n_header_rows + lstm_product_count_words (product, k);
}

/* Packs a matrix in panels of @n_vectors vectors: LSTM_GATES or LSTM_GRU_GATES. @columns [n_panels,
 * n_vectors * panel / 4] is the output of each lane, G_MAXSIZE for padding, which stays zero. @bias
 * and @bias2, [outputs] or NULL, are added. @parts, each [outputs, k], share the panels. The
 * function reads all their values, once and in their order. Clear @matrix also after a failure. */
gboolean lstm_matrix_pack (LstmMatrix *matrix, const LstmKernels *kernels, int precision,
    guint n_vectors, gsize n_panels, const gsize *columns, const float *bias,
    const float *bias2, LstmArray *const *parts, guint n_parts, GError **error);

/* Packs @weights, [outputs, k], as float32 without reordering the outputs. @bias may be NULL. */
gboolean lstm_matrix_pack_outputs (LstmMatrix *matrix, const LstmKernels *kernels,
    const float *bias, LstmArray *weights, GError **error);

void lstm_matrix_clear (LstmMatrix *matrix);
