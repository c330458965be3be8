/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The kernels. Each instruction set of the table in meson.build compiles this file once, with its
 * name as LSTM_ISA. */
#include "kernels/activate.h"
#include "kernels/cells.h"
#include "kernels/kernels.h"
#include "kernels/narrow.h"
#include "kernels/steps.h"
#include "kernels/stream-steps.h"
#include "kernels/tiles.h"
#include "kernels/vec.h"
#include "kernels/words.h"

#define CONCAT_(a, b) a##b
#define CONCAT(a, b) CONCAT_ (a, b)
#define STRING_(a) #a
#define STRING(a) STRING_ (a)

INLINE void
compute_affine_tile (int precision, size_t n_vectors, const LstmAffine *a, size_t row,
    size_t panel, size_t n_rows, size_t n_panels, Prefetch *prefetch)
{
  const float *w = a->w + panel * a->w_stride;
  const size_t first = row * a->y_stride + panel * n_vectors * VF_WIDTH;
  const float *base = a->base ? a->base + first : NULL;
  float *y = a->y + first;
  Tile sum;

  multiply_tile (precision, n_vectors, sum, n_rows, n_panels, &a->x, row, w + a->w_offset,
      a->w_stride, prefetch);
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
  } \
  static void run_lstm_stream_##id (const LstmStreamSteps *s) \
  { \
    run_stream (LSTM_##id, LSTM_GATES, s); \
  } \
  static void run_gru_stream_##id (const LstmStreamSteps *s) \
  { \
    run_stream (LSTM_##id, LSTM_GRU_GATES, s); \
  }
PRODUCT (FLOAT32)
PRODUCT (BFLOAT16)
PRODUCT (INT8)

#define FUNCTIONS(id) \
  run_affine_##id, run_gru_affine_##id, run_lstm_step_##id, run_gru_step_##id, \
      run_lstm_stream_##id, run_gru_stream_##id

extern const LstmKernels CONCAT (lstm_kernels_, LSTM_ISA);
const LstmKernels CONCAT (lstm_kernels_, LSTM_ISA) = {
  .name = STRING (LSTM_ISA),
  .panel = PANEL,
  .products = {
    [LSTM_FLOAT32] = {1, 0, 1, 0, 1, NULL, NULL, FUNCTIONS (FLOAT32)},
    [LSTM_BFLOAT16] = {2, 0, BFLOAT16_X_LANES, 0, VF_WIDTH, to_words_bfloat16,
        pack_bfloat16, FUNCTIONS (BFLOAT16)},
    [LSTM_INT8] = {4, 2, INT8_X_LANES, INT8_X_SUMS, VF_WIDTH, to_words_int8, pack_int8,
        FUNCTIONS (INT8)},
  },
  .run_narrow = run_narrow,
  .normalize_rows = normalize_rows,
  .run_cells = run_cells,
  .run_gru_gates = run_gru_gates,
  .run_gru_candidates = run_gru_candidates,
  .bound_values = bound_values,
  .activate_rows = activate_rows,
};
