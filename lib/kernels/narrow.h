/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Products with a matrix of few outputs, in which a panel would consist of padding. The rows of x
 * are the lanes of a vector. The order of addition is that of a panel: bias + (the sum from zero
 * along k), so that the bits are the same. */
#pragma once

#include "kernels/tiles.h"

#if VF_WIDTH == 16
# define NARROW_ROWS 8 /* a transposition of 16 rows needs twice as many operations per value */
typedef float Lanes __attribute__ ((vector_size (4 * NARROW_ROWS)));
#else
# define NARROW_ROWS VF_WIDTH
typedef vf Lanes;
#endif

#define NARROW_CHAIN_ROWS 4

INLINE float
add_scalar_product (float sum, float x, float w)
{
#if VF_HAS_FMA
  return __builtin_fmaf (x, w, sum);
#else
  return x * w + sum;
#endif
}

/* Adds the products of x and of a weight, which all rows share. */
INLINE Lanes
add_lane_products (Lanes sum, Lanes x, float w)
{
#if VF_WIDTH == 16
  return (Lanes) _mm256_fmadd_ps ((__m256) x, _mm256_set1_ps (w), (__m256) sum);
#else
  return vf_fma (x, vf_set (w), sum);
#endif
}

/* Transposes a square matrix. */
INLINE void
transpose_lanes (Lanes v[NARROW_ROWS])
{
#if NARROW_ROWS == 8
  __m256 pairs[8], fours[8];

  UNROLL for (int i = 0; i < 8; i += 2) {
    pairs[i] = _mm256_unpacklo_ps ((__m256) v[i], (__m256) v[i + 1]);
    pairs[i + 1] = _mm256_unpackhi_ps ((__m256) v[i], (__m256) v[i + 1]);
  }
  UNROLL for (int i = 0; i < 8; i += 4) {
    fours[i] = _mm256_shuffle_ps (pairs[i], pairs[i + 2], 0x44);
    fours[i + 1] = _mm256_shuffle_ps (pairs[i], pairs[i + 2], 0xee);
    fours[i + 2] = _mm256_shuffle_ps (pairs[i + 1], pairs[i + 3], 0x44);
    fours[i + 3] = _mm256_shuffle_ps (pairs[i + 1], pairs[i + 3], 0xee);
  }
  UNROLL for (int i = 0; i < 4; i++) {
    v[i] = (Lanes) _mm256_permute2f128_ps (fours[i], fours[i + 4], 0x20);
    v[i + 4] = (Lanes) _mm256_permute2f128_ps (fours[i], fours[i + 4], 0x31);
  }
#else
  const Lanes copy[NARROW_ROWS] = {v[0], v[1], v[2], v[3]};

  for (int i = 0; i < NARROW_ROWS; i++)
    v[i] = (Lanes) {copy[0][i], copy[1][i], copy[2][i], copy[3][i]};
#endif
}

/* Computes NARROW_ROWS rows of y from @row on. */
INLINE void
compute_narrow_rows (const LstmNarrow *job, size_t n, size_t row)
{
  const size_t k = job->k;
  const float *x = job->x + row * job->x_stride, *w = job->w;
  Lanes sum[LSTM_NARROW_OUTPUTS];
  size_t i = 0;

  UNROLL for (size_t o = 0; o < n; o++)
    sum[o] = (Lanes) {0};
  for (; i + NARROW_ROWS <= k; i += NARROW_ROWS) {
    Lanes v[NARROW_ROWS];

    UNROLL for (size_t r = 0; r < NARROW_ROWS; r++)
      memcpy (&v[r], x + r * job->x_stride + i, sizeof v[r]);
    transpose_lanes (v);
    UNROLL for (size_t j = 0; j < NARROW_ROWS; j++)
      UNROLL for (size_t o = 0; o < n; o++)
        sum[o] = add_lane_products (sum[o], v[j], w[o * k + i + j]);
  }
  for (; i < k; i++) {
    Lanes v = {0};

    UNROLL for (size_t r = 0; r < NARROW_ROWS; r++)
      v[r] = x[r * job->x_stride + i];
    UNROLL for (size_t o = 0; o < n; o++)
      sum[o] = add_lane_products (sum[o], v, w[o * k + i]);
  }
  UNROLL for (size_t o = 0; o < n; o++) {
    const Lanes y = job->bias[o] + sum[o];

    UNROLL for (size_t r = 0; r < NARROW_ROWS; r++)
      job->y[(row + r) * job->y_stride + o] = y[r];
  }
}

/* Computes @n_rows rows of y from @row on as @n * @n_rows independent chains of additions. */
INLINE void
compute_narrow_chains (const LstmNarrow *job, size_t n, size_t row, size_t n_rows)
{
  const float *x = job->x + row * job->x_stride;
  float *y = job->y + row * job->y_stride;
  float sum[NARROW_CHAIN_ROWS][LSTM_NARROW_OUTPUTS] = {0};

  for (size_t i = 0; i < job->k; i++)
    UNROLL for (size_t o = 0; o < n; o++)
      UNROLL for (size_t r = 0; r < n_rows; r++)
        sum[r][o] = add_scalar_product (
            sum[r][o], x[r * job->x_stride + i], job->w[o * job->k + i]);
  UNROLL for (size_t r = 0; r < n_rows; r++)
    UNROLL for (size_t o = 0; o < n; o++)
      y[r * job->y_stride + o] = job->bias[o] + sum[r][o];
}

INLINE void
compute_narrow (const LstmNarrow *job, size_t n)
{
  const size_t chain_rows = n <= 2 ? NARROW_CHAIN_ROWS : 2; /* whose sums fit into the registers */
  size_t row = 0;

  for (; row + NARROW_ROWS <= job->n_rows; row += NARROW_ROWS)
    compute_narrow_rows (job, n, row);
  for (; row + chain_rows <= job->n_rows; row += chain_rows)
    compute_narrow_chains (job, n, row, chain_rows);
  for (; row < job->n_rows; row++)
    compute_narrow_chains (job, n, row, 1);
}

static void
run_narrow (const LstmNarrow *job)
{
  switch (job->n) {
  case 1:
    compute_narrow (job, 1);
    break;
  case 2:
    compute_narrow (job, 2);
    break;
  case 3:
    compute_narrow (job, 3);
    break;
  case 4:
    compute_narrow (job, 4);
    break;
  }
}
