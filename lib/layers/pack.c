/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layers/pack.h"
#include "container/safetensors.h"
#include "layers/floats.h"
#include "lstm/lstm.h"
#include <stdlib.h>
#include <string.h>

#define BLOCK 32768    /* values that are read at a time; they fit in an L2 cache */
#define VECTOR 4       /* words of the vectors that every CPU has */
#define LINE_WORDS 16u /* words of a cache line */

typedef guint32 Words __attribute__ ((vector_size (VECTOR * sizeof (guint32))));

/* A block of rows of a weight matrix on its way to the lanes of a part */
typedef struct {
  const LstmMatrix *matrix;
  const gsize *lanes; /* of the outputs: floats from the first weight to the lane in its bias row */
  gsize offset;       /* floats from the bias row of a panel to its rows of the part */
  gsize k;
  gsize n_rows;  /* of a complete block */
  gsize n_words; /* of a row */
  float *values; /* (n_rows, k) */
  float *words;  /* (n_rows, n_words); @values, if the words are the values */
  float *scales; /* (n_rows), for the header rows */
  guint32 *sums; /* (n_rows), like @scales */
} Block;

static void
block_clear (Block *block)
{
  if (block->words != block->values)
    g_free (block->words);
  g_free (block->values);
  g_free (block->scales);
  g_free (block->sums);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Block, block_clear)

/* Allocates the block of a matrix of @n_outputs rows. Returns FALSE with LSTM_ERROR_MEMORY. */
static gboolean
block_init (Block *block, gsize n_outputs, GError **error)
{
  const LstmProduct *product = block->matrix->product;

  block->n_words = lstm_product_count_words (product, block->k);
  block->n_rows = CLAMP (BLOCK / MAX (block->k, 1), 1, MAX (n_outputs, 1));
  block->values = g_try_new (float, block->n_rows *MAX (block->k, 1));
  block->words = product->pack ? g_try_new (float, block->n_rows *MAX (block->n_words, 1))
                                   : block->values;
  block->scales = g_new (float, block->n_rows);
  block->sums = g_new (guint32, block->n_rows);
  if (block->values && block->words)
    return TRUE;
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_MEMORY,
      "no memory for %" G_GSIZE_FORMAT " float32 values", block->n_rows * block->k);
  return FALSE;
}

/* --- Lanes --- */

/* Returns the vectors [a0 b0 a1 b1] and [a2 b2 a3 b3]. */
static void
interleave (Words a, Words b, Words *low, Words *high)
{
#if __has_builtin(__builtin_shufflevector)
  *low = __builtin_shufflevector (a, b, 0, 4, 1, 5);
  *high = __builtin_shufflevector (a, b, 2, 6, 3, 7);
#else
  *low = __builtin_shuffle (a, b, (Words){0, 4, 1, 5});
  *high = __builtin_shuffle (a, b, (Words){2, 6, 3, 7});
#endif
}

/* Copies VECTOR words of VECTOR rows, @stride apart, into adjacent lanes of VECTOR packed rows,
 * @panel apart. */
static void
transpose (const float *words, gsize stride, float *lanes, gsize panel)
{
  Words row[VECTOR], low[2], high[2], lane[VECTOR];

  for (gsize i = 0; i < VECTOR; i++)
    memcpy (&row[i], words + i * stride, sizeof row[i]);
  interleave (row[0], row[2], &low[0], &high[0]);
  interleave (row[1], row[3], &low[1], &high[1]);
  interleave (low[0], low[1], &lane[0], &lane[1]);
  interleave (high[0], high[1], &lane[2], &lane[3]);
  for (gsize i = 0; i < VECTOR; i++)
    memcpy (lanes + i * panel, &lane[i], sizeof lane[i]);
}

/* Copies the words [@from, @to) of @n_rows rows into adjacent lanes, [k][panel]. */
static void
copy_words (
    const Block *block, const float *words, gsize n_rows, gsize from, gsize to, float *lanes)
{
  const gsize stride = block->n_words, panel = block->matrix->panel;
  gsize row = 0;

  for (; n_rows - row >= VECTOR; row += VECTOR) {
    gsize i = from;

    for (; to - i >= VECTOR; i += VECTOR)
      transpose (words + row * stride + i, stride, lanes + i * panel + row, panel);
    for (; i < to; i++)
      for (gsize r = row; r < row + VECTOR; r++)
        memcpy (lanes + i * panel + r, words + r * stride + i, sizeof *lanes);
  }
  for (; row < n_rows; row++)
    for (gsize i = from; i < to; i++)
      memcpy (lanes + i * panel + row, words + row * stride + i, sizeof *lanes);
}

/* Packs @n_rows rows of the block from @row on into adjacent lanes. The loop copies one cache line of
 * each row at a time, so that the L1 cache keeps the packed lines until they are full. */
static void
pack_lanes (const Block *block, gsize row, gsize n_rows, float *lanes)
{
  const gsize panel = block->matrix->panel;
  const float *words = block->words + row * block->n_words;

  if (block->matrix->product->n_header_rows) {
    memcpy (lanes, block->scales + row, n_rows * sizeof *lanes);
    memcpy (lanes + panel, block->sums + row, n_rows * sizeof *lanes);
    lanes += block->matrix->product->n_header_rows * panel;
  }
  for (gsize i = 0; i < block->n_words; i += LINE_WORDS)
    copy_words (block, words, n_rows, i, MIN (i + LINE_WORDS, block->n_words), lanes);
}

/* --- Rows --- */

/* Packs the rows of the block, which are the outputs from @first on. */
static void
pack_block (const Block *block, gsize first, gsize n_rows)
{
  const LstmProduct *product = block->matrix->product;
  const gsize *lanes = block->lanes + first;

  if (product->pack)
    product->pack (block->values, n_rows, block->k, block->words, block->scales, block->sums);
  for (gsize row = 0, n; row < n_rows; row += n) {
    for (n = 1; row + n < n_rows && lanes[row + n] == lanes[row] + n; n++)
      ;
    pack_lanes (block, row, n, block->matrix->weights + lanes[row] + block->offset);
  }
}

/* Reads and packs @weights, [outputs, k], block by block in the order of the file. */
static gboolean
pack_part (const LstmMatrix *matrix, const gsize *lanes, gsize offset, LstmArray *weights,
    GError **error)
{
  const gsize n_outputs = weights->shape[0];
  g_auto (Block) block = {matrix, lanes, offset, .k = weights->shape[1]};

  if (!block_init (&block, n_outputs, error))
    return FALSE;
  for (gsize first = 0; first < n_outputs; first += block.n_rows) {
    const gsize n_rows = MIN (block.n_rows, n_outputs - first);

    if (!lstm_array_read_next (weights, n_rows * block.k, block.values, error))
      return FALSE;
    pack_block (&block, first, n_rows);
  }
  return TRUE;
}

/* --- The matrix --- */

/* Writes the bias rows, and zeros to all lanes that get no weight.
 * @lanes: set to the lane of each output, see Block */
static void
pack_biases (const LstmMatrix *matrix, const LstmKernels *kernels, const gsize *columns,
    const float *bias, const float *bias2, gsize *lanes)
{
  for (gsize p = 0; p < matrix->n_panels; p++, columns += matrix->panel) {
    float *to = matrix->weights + p * matrix->panel_stride;
    gboolean has_padding = FALSE;

    for (gsize lane = 0; lane < matrix->panel; lane++)
      has_padding |= columns[lane] == G_MAXSIZE;
    memset (to, 0, (has_padding ? matrix->panel_stride : kernels->panel) * sizeof *to);
    for (gsize lane = 0; lane < matrix->panel; lane++) {
      if (columns[lane] == G_MAXSIZE)
        continue;
      to[lane] = (bias ? bias[columns[lane]] : 0) + (bias2 ? bias2[columns[lane]] : 0);
      lanes[columns[lane]] = p * matrix->panel_stride + lane;
    }
  }
}

static gboolean
pack_panels (const LstmMatrix *matrix, const LstmKernels *kernels, const gsize *columns,
    const float *bias, const float *bias2, LstmArray *const *parts, guint n_parts,
    GError **error)
{
  g_autofree gsize *lanes = g_new (gsize, parts[0]->shape[0]);
  gsize offset = kernels->panel;

  pack_biases (matrix, kernels, columns, bias, bias2, lanes);
  for (guint i = 0; i < n_parts; i++) {
    if (!pack_part (matrix, lanes, offset, parts[i], error))
      return FALSE;
    offset += lstm_product_count_rows (matrix->product, parts[i]->shape[1]) * matrix->panel;
  }
  return TRUE;
}

gboolean
lstm_matrix_pack (LstmMatrix *matrix, const LstmKernels *kernels, int precision,
    guint n_vectors, gsize n_panels, const gsize *columns, const float *bias,
    const float *bias2, LstmArray *const *parts, guint n_parts, GError **error)
{
  gsize n_rows = 0;

  matrix->product = &kernels->products[precision];
  matrix->run_affine = n_vectors == LSTM_GATES ? matrix->product->run_affine
                                               : matrix->product->run_gru_affine;
  matrix->panel = n_vectors * (kernels->panel / LSTM_GATES);
  for (guint i = 0; i < n_parts; i++)
    n_rows += lstm_product_count_rows (matrix->product, parts[i]->shape[1]);
  matrix->n_panels = n_panels;
  matrix->n_lanes = n_panels * matrix->panel;
  matrix->panel_stride = kernels->panel + n_rows * matrix->panel; /* the bias row is first */
  if (!g_size_checked_mul (&matrix->n_weights, n_panels, matrix->panel_stride))
    matrix->n_weights = G_MAXSIZE;
  if (!(matrix->weights = lstm_floats_allocate (matrix->n_weights, error)))
    return FALSE;
  return pack_panels (matrix, kernels, columns, bias, bias2, parts, n_parts, error);
}

gboolean
lstm_matrix_pack_outputs (LstmMatrix *matrix, const LstmKernels *kernels, const float *bias,
    LstmArray *weights, GError **error)
{
  const gsize n_outputs = weights->shape[0];
  const gsize n_panels = (n_outputs + kernels->panel - 1) / kernels->panel;
  g_autofree gsize *columns = g_new (gsize, n_panels * kernels->panel);

  for (gsize i = 0; i < n_panels * kernels->panel; i++)
    columns[i] = i < n_outputs ? i : G_MAXSIZE;
  return lstm_matrix_pack (matrix, kernels, LSTM_FLOAT32, LSTM_GATES, n_panels, columns, bias,
      NULL, &weights, 1, error);
}

void
lstm_matrix_clear (LstmMatrix *matrix)
{
  free (matrix->weights);
}
