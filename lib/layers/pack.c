/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layers/pack.h"
#include "layers/floats.h"
#include <stdlib.h>
#include <string.h>

/* Packs the weights of one output, values [k], into a lane of its panel. to_words() converts the
 * weights like x. The offset that to_words() adds to each byte is subtracted again. */
static void
pack_lane (float *lane, const LstmKernels *kernels, const LstmMatrix *matrix,
    const LstmMatrixPart *part, gsize column, float *words)
{
  const LstmProduct *product = matrix->product;
  const float *values = part->values + column * part->k;
  const gsize n = lstm_product_count_words (product, part->k);
  guint32 start = 0; /* -offset times the sum of the weights, modulo 2^32 like the product */
  float scale;

  if (product->to_words)
    product->to_words (values, 0, 1, part->k, words, 0, &scale);
  if (product->n_header_rows) {
    gint8 *bytes = (gint8 *) words;

    for (gsize i = 0; i < n * product->per_word; i++) {
      bytes[i] = (gint8) (guint8) (bytes[i] - kernels->byte_offset);
      start -= (guint32) (bytes[i] * kernels->byte_offset);
    }
    lane[0] = scale;
    memcpy (lane + matrix->panel, &start, sizeof start);
    lane += product->n_header_rows * matrix->panel;
  }
  for (gsize i = 0; i < n; i++)
    memcpy (lane + i * matrix->panel, (product->to_words ? words : values) + i, sizeof *lane);
}

static void
pack_panels (const LstmMatrix *matrix, const LstmKernels *kernels, const gsize *columns,
    const float *bias, const float *bias2, const LstmMatrixPart *parts, guint n_parts)
{
  const gsize panel = matrix->panel;
  g_autofree float *words = NULL;
  float *to = matrix->weights;
  gsize max_words = 0;

  for (guint i = 0; i < n_parts; i++)
    max_words = MAX (max_words, lstm_product_count_words (matrix->product, parts[i].k));
  words = g_new (float, max_words);
  for (gsize p = 0; p < matrix->n_panels; p++, columns += panel) {
    for (gsize lane = 0; lane < panel; lane++)
      if (columns[lane] != G_MAXSIZE)
        to[lane] = (bias ? bias[columns[lane]] : 0) + (bias2 ? bias2[columns[lane]] : 0);
    to += kernels->panel;
    for (guint i = 0; i < n_parts; i++) {
      for (gsize lane = 0; lane < panel; lane++)
        if (columns[lane] != G_MAXSIZE)
          pack_lane (to + lane, kernels, matrix, &parts[i], columns[lane], words);
      to += lstm_product_count_rows (matrix->product, parts[i].k) * panel;
    }
  }
}

gboolean
lstm_matrix_pack (LstmMatrix *matrix, const LstmKernels *kernels, int precision,
    guint n_vectors, gsize n_panels, const gsize *columns, const float *bias,
    const float *bias2, const LstmMatrixPart *parts, guint n_parts, GError **error)
{
  gsize n_rows = 0;

  matrix->product = &kernels->products[precision];
  matrix->run_affine = n_vectors == LSTM_GATES ? matrix->product->run_affine
                                               : matrix->product->run_gru_affine;
  matrix->panel = n_vectors * (kernels->panel / LSTM_GATES);
  for (guint i = 0; i < n_parts; i++)
    n_rows += lstm_product_count_rows (matrix->product, parts[i].k);
  matrix->n_panels = n_panels;
  matrix->n_lanes = n_panels * matrix->panel;
  matrix->panel_stride = kernels->panel + n_rows * matrix->panel; /* the bias row is first */
  if (!g_size_checked_mul (&matrix->n_weights, n_panels, matrix->panel_stride))
    matrix->n_weights = G_MAXSIZE;
  if (!(matrix->weights = lstm_floats_new (matrix->n_weights, error)))
    return FALSE;
  pack_panels (matrix, kernels, columns, bias, bias2, parts, n_parts);
  return TRUE;
}

gboolean
lstm_matrix_pack_outputs (LstmMatrix *matrix, const LstmKernels *kernels, gsize n_outputs,
    const float *bias, const LstmMatrixPart *part, GError **error)
{
  const gsize n_panels = (n_outputs + kernels->panel - 1) / kernels->panel;
  g_autofree gsize *columns = g_new (gsize, n_panels * kernels->panel);

  for (gsize i = 0; i < n_panels * kernels->panel; i++)
    columns[i] = i < n_outputs ? i : G_MAXSIZE;
  return lstm_matrix_pack (
      matrix, kernels, LSTM_FLOAT32, LSTM_GATES, n_panels, columns, bias, NULL, part, 1, error);
}

void
lstm_matrix_clear (LstmMatrix *matrix)
{
  free (matrix->weights);
}
