/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tests of to_words() for kernels.c: the words of bfloat16 and int8, and the sums that follow int8
 * words. */
#pragma once

#include "kernels-rig.h"

/* Returns the @i-th value of a row of int8 words. */
static int
read_int8_value (const LstmProduct *product, const uint8_t *row, size_t i)
{
  const uint8_t *word = row + i / 4 * 4 * product->x_lanes;

  if (product->x_lanes == 1)
    return (int8_t) (word[i % 4] - find_byte_offset (product));
  return word[i % 4] ? -word[4 + i % 4] : word[4 + i % 4];
}

/* Checks the sum of the magnitudes of the negative values. */
static void
check_negative_sum (const LstmProduct *product, const uint8_t *row, size_t n_words)
{
  int32_t sum, expected = 0;

  for (size_t i = 0; i < 4 * n_words; i++)
    if (read_int8_value (product, row, i) < 0)
      expected -= read_int8_value (product, row, i);
  memcpy (&sum, row + 4 * product->x_lanes * n_words, sizeof sum);
  check (sum == expected, "the sum is %d, not %d", sum, expected);
}

/* Checks int8 rows of many magnitudes, of zeros, and of values whose reciprocal overflows. */
static void
check_int8_words (const LstmKernels *kernels, size_t k)
{
  static const float magnitudes[] = {
      1, 0, 1e-29f, 1e-31f, 1e-44f, 1e30f, FLT_MAX, NAN, INFINITY};
  enum { ROWS = N_ELEMENTS (magnitudes), MARK = 0x5a };
  const LstmProduct *product = &kernels->products[LSTM_INT8];
  const size_t n = count_words (product, k), n_lanes = count_x_lanes (product, n);
  const size_t stride = n_lanes + 1;
  float *x = new_filled (ROWS * k, (uint32_t) k), *scales = NEW (float, ROWS);
  uint8_t *words = NEW (uint8_t, 4 * ROWS * stride);

  for (size_t r = 0; r < ROWS; r++) {
    for (size_t i = 0; i + 1 < k; i++)
      x[r * k + i] *= isfinite (magnitudes[r]) ? magnitudes[r] : 1;
    x[r * k + k - 1] = magnitudes[r];
  }
  memset (words, MARK, 4 * ROWS * stride);
  product->to_words (x, k, ROWS, k, (float *) words, stride, scales);
  for (size_t r = 0; r < ROWS; r++) {
    const uint8_t *row = words + 4 * r * stride;
    double q[MAX_K];
    const float scale = (float) quantize_values (LSTM_INT8, x + r * k, k, q);
    const int tiny = magnitudes[r] < 1e-30f; /* all becomes 0 */

    if (!isfinite (magnitudes[r])) {
      check (isnan (scales[r]), "scale %a", scales[r]);
    } else {
      check (scales[r] == scale, "scale %a, not %a", scales[r], scale);
      for (size_t i = 0; i < 4 * n; i++) {
        const int value = read_int8_value (product, row, i);
        const int expected = i < k && !tiny ? (int) q[i] : 0;

        check (
            value == expected, "row %zu of %zu, %zu is %d, not %d", r, k, i, value, expected);
      }
      if (product->n_x_sums)
        check_negative_sum (product, row, n);
    }
    check (row[4 * n_lanes] == MARK, "row %zu of %zu is longer than its words", r, k);
  }
  free_all ();
}

/* Returns the bits of the @i-th value of a row of bfloat16 words. */
static uint32_t
read_bfloat16_bits (const LstmProduct *product, const float *words, size_t i)
{
  uint16_t half;
  uint32_t bits;

  if (product->x_lanes == 1) {
    memcpy (&half, (const uint16_t *) words + i, sizeof half);
    return half;
  }
  memcpy (&bits, words + i, sizeof bits);
  return bits & 0xffff ? bits : bits >> 16;
}

static void
test_words (const LstmKernels *kernels)
{
  const LstmProduct *product = &kernels->products[LSTM_BFLOAT16];
  size_t n;
  float *x = new_sample (kernels->panel, &n), *words;
  double *q = NEW (double, n);

  quantize_values (LSTM_BFLOAT16, x, n, q);
  words = NEW (float, count_x_lanes (product, count_words (product, n)));
  product->to_words (x, n, 1, n, words, 0, NULL);
  for (size_t i = 0; i < n; i++) {
    const uint32_t bits = read_bfloat16_bits (product, words, i), magnitude = bits & 0x7fff;

    if (isnan (x[i]))
      check (magnitude > 0x7f80, "a NaN becomes %#x", bits);
    else if (fabsf (x[i]) >= FLT_MIN)
      check (bits == get_bfloat16_bits (q[i]), "%a becomes %#x", x[i], bits);
    else
      check (magnitude == 0, "%a becomes %#x", x[i], bits);
  }
  free_all ();

  for (size_t k = 1; k <= MAX_K; k++) {
    const size_t n_words = count_words (product, k);
    const size_t n_lanes = count_x_lanes (product, n_words);

    x = new_filled (k, (uint32_t) k);
    q = NEW (double, k);
    words = NEW (float, n_lanes);
    memset (words, 0xff, n_lanes * sizeof *words);
    quantize_values (LSTM_BFLOAT16, x, k, q);
    product->to_words (x, k, 1, k, words, 0, NULL);
    for (size_t i = 0; i < 2 * n_words; i++) {
      const uint32_t bits = read_bfloat16_bits (product, words, i);

      check (
          bits == (i < k ? get_bfloat16_bits (q[i]) : 0), "%zu of %zu is %#x", i, k, bits);
    }
    free_all ();
    check_int8_words (kernels, k);
  }
}
