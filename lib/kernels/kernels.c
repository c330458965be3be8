/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The kernels. Each instruction set of the table in meson.build compiles this file once, with its
 * name as LSTM_ISA. */
#include "kernels/activate.h"
#include "kernels/cells.h"
#include "kernels/kernels.h"
#include "kernels/steps.h"
#include "kernels/tiles.h"
#include "kernels/vec.h"

#define CONCAT_(a, b) a##b
#define CONCAT(a, b) CONCAT_ (a, b)
#define STRING_(a) #a
#define STRING(a) STRING_ (a)

INLINE void
compute_affine_tile (int precision, size_t n_vectors, const LstmAffine *a, size_t row,
    size_t panel, size_t n_rows, size_t n_panels)
{
  const float *w = a->w + panel * a->w_stride;
  const size_t first = row * a->y_stride + panel * n_vectors * VF_WIDTH;
  const float *base = a->base ? a->base + first : NULL;
  float *y = a->y + first;
  Tile sum;

  multiply_tile (
      precision, n_vectors, sum, n_rows, n_panels, &a->x, row, w + a->w_offset, a->w_stride);
  FOR_TILE (r, p, g)
  {
    const size_t at = r * a->y_stride + (p * n_vectors + g) * VF_WIDTH;

    vf_store (y + at,
        vf_load (base ? base + at : w + p * a->w_stride + g * VF_WIDTH) + sum[r][p][g]);
  }
}

INLINE void
run_affine (int precision, size_t n_vectors, const LstmAffine *job)
{
  FOR_TILES (compute_affine_tile)
}

static void
to_words_bfloat16 (const float *x, size_t x_stride, size_t n_rows, size_t k, float *words,
    size_t stride, float *scales)
{
  const size_t in_vectors = k / VF_WIDTH * VF_WIDTH;

  (void) scales;
  for (size_t r = 0; r < n_rows; r++, x += x_stride, words += stride) {
    uint16_t *halves = (uint16_t *) words;

    for (size_t i = 0; i < in_vectors; i += VF_WIDTH) {
      const vf_halves v = vf_to_bfloat16 (vf_load (x + i));

      memcpy (halves + i, &v, sizeof v);
    }
    if (in_vectors < k) {
      const vf_halves v = vf_to_bfloat16 (vf_load_some (x + in_vectors, k - in_vectors));

      memcpy (halves + in_vectors, &v, (k - in_vectors + 1) / 2 * sizeof *words);
    }
  }
}

/* Returns the largest |x| of a row. Compares the values as integers, so that infinities and NaN
 * exceed all numbers. */
static float
row_max_abs (const float *x, size_t k)
{
  const size_t in_vectors = k / VF_WIDTH * VF_WIDTH;
  vi max = {0};

  for (size_t i = 0; i < in_vectors; i += VF_WIDTH)
    max = vi_max (max, (vi) vf_abs (vf_load (x + i)));
  if (in_vectors < k)
    max = vi_max (max, (vi) vf_abs (vf_load_some (x + in_vectors, k - in_vectors)));
  return float_from_bits (vi_max_lane (max));
}

/* Scales each row so that its largest magnitude becomes 127. A NaN or an infinity in a row makes
 * the scale and all sums of the row NaN. */
static void
to_words_int8 (const float *x, size_t x_stride, size_t n_rows, size_t k, float *words,
    size_t stride, float *scales)
{
  const size_t in_vectors = k / VF_WIDTH * VF_WIDTH;

  for (size_t r = 0; r < n_rows; r++, x += x_stride, words += stride) {
    const float max = row_max_abs (x, k);
    const vf inverse = vf_set (max > 0x1p-100f ? 127 / max : 0); /* infinite if max < 2^-121 */
    uint8_t *bytes = (uint8_t *) words;

    scales[r] = max / 127 + 0 * max;
    for (size_t i = 0; i < in_vectors; i += VF_WIDTH) {
      const vf_bytes v = vf_to_bytes (vf_load (x + i) * inverse);

      memcpy (bytes + i, &v, sizeof v);
    }
    if (in_vectors < k) {
      const vf_bytes v = vf_to_bytes (vf_load_some (x + in_vectors, k - in_vectors) * inverse);

      memcpy (bytes + in_vectors, &v, (k - in_vectors + 3) / 4 * sizeof *words);
    }
  }
}

static void
normalize_rows (float *y, size_t y_stride, const float *x, size_t x_stride, const float *mean,
    const float *scale, const float *offset, size_t n_rows, size_t n)
{
  for (size_t r = 0; r < n_rows; r++)
    for (size_t i = 0; i < n; i++)
      y[r * y_stride + i] = (x[r * x_stride + i] - mean[i]) * scale[i] + offset[i];
}

#define PRODUCT(id) \
  static void run_affine_##id (const LstmAffine *a) \
  { \
    run_affine (LSTM_##id, LSTM_GATES, a); \
  } \
  static void run_gru_affine_##id (const LstmAffine *a) \
  { \
    run_affine (LSTM_##id, LSTM_GRU_GATES, a); \
  } \
  static void run_lstm_step_##id (const LstmStep *s) \
  { \
    run_step (LSTM_##id, LSTM_GATES, s); \
  } \
  static void run_gru_step_##id (const LstmStep *s) \
  { \
    run_step (LSTM_##id, LSTM_GRU_GATES, s); \
  }
PRODUCT (FLOAT32)
PRODUCT (BFLOAT16)
PRODUCT (INT8)

#define FUNCTIONS(id) run_affine_##id, run_gru_affine_##id, run_lstm_step_##id, run_gru_step_##id

extern const LstmKernels CONCAT (lstm_kernels_, LSTM_ISA);
const LstmKernels CONCAT (lstm_kernels_, LSTM_ISA) = {
  .name = STRING (LSTM_ISA),
  .panel = PANEL,
  .byte_offset = VF_BYTE_OFFSET,
  .products = {
    [LSTM_FLOAT32] = {1, 0, NULL, FUNCTIONS (FLOAT32)},
    [LSTM_BFLOAT16] = {2, 0, to_words_bfloat16, FUNCTIONS (BFLOAT16)},
    [LSTM_INT8] = {4, 2, to_words_int8, FUNCTIONS (INT8)},
  },
  .normalize_rows = normalize_rows,
  .run_cells = run_cells,
  .run_gru_gates = run_gru_gates,
  .run_gru_candidates = run_gru_candidates,
  .bound_values = bound_values,
  .activate_rows = activate_rows,
};
