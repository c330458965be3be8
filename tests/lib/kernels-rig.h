/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Checks, memory, values and packed weights for kernels.c. The functions are static, so that the
 * test is one source file. */
#pragma once

#include "kernels/float-mode.h"
#include "kernels/kernels.h"
#include <fenv.h>
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_ELEMENTS(array) (sizeof (array) / sizeof *(array))
#define MAX_K 90
#define MAX_ROWS 20
#define MAX_MESSAGES 5

static unsigned failures;

static void __attribute__ ((format (printf, 2, 3))) check (int ok, const char *format, ...)
{
  va_list args;

  if (ok || failures++ >= MAX_MESSAGES)
    return;
  va_start (args, format);
  printf ("# failed: ");
  vprintf (format, args);
  printf ("\n");
  va_end (args);
}

static void *allocations[160];
static size_t n_allocations;

/* Returns zeroed memory, which free_all() frees. Each call allocates by itself, so that
 * AddressSanitizer watches the ends of the memory. */
static void *
allocate_zeroed (size_t n, size_t size)
{
  void *allocation = n_allocations < N_ELEMENTS (allocations) ? calloc (n, size) : NULL;

  if (!allocation) {
    printf ("Bail out! No memory\n");
    exit (1);
  }
  return allocations[n_allocations++] = allocation;
}

#define NEW(type, n) ((type *) allocate_zeroed ((n), sizeof (type)))

static void
free_all (void)
{
  while (n_allocations > 0)
    free (allocations[--n_allocations]);
}

/* Returns values in [-1, 1). */
static float *
new_filled (size_t n, uint32_t seed)
{
  float *values = NEW (float, n);

  for (size_t i = 0; i < n; i++) {
    seed = seed * 1664525 + 1013904223;
    values[i] = (float) (seed >> 8) / 0x1p23f - 1;
  }
  return values;
}

/* Returns special values, ±110 in small steps, and every 9973rd bit pattern, which includes each
 * exponent, denormals and NaN. Their number is a multiple of @panel. */
static float *
new_sample (size_t panel, size_t *n)
{
  static const float special[] = {0, -0.f, 1e-45f, -1e-45f, 1e-38f, -1e-20f, 1e-4f, 87.3f,
      -87.4f, 88.8f, -88.8f, -103.9f, -104.1f, 1e30f, -1e30f, INFINITY, -INFINITY, NAN};
  const size_t steps = 1 << 18, prime = 9973;
  const size_t all = N_ELEMENTS (special) + steps + UINT32_MAX / prime;
  float *x;

  *n = (all + panel - 1) / panel * panel;
  x = NEW (float, *n);
  memcpy (x, special, sizeof special);
  for (size_t i = 0; i < steps; i++)
    x[N_ELEMENTS (special) + i] = ((float) i / (float) steps - 0.5f) * 220;
  for (size_t i = N_ELEMENTS (special) + steps; i < all; i++) {
    const uint32_t bits = (uint32_t) (i * prime);

    memcpy (x + i, &bits, sizeof bits);
  }
  return x;
}

/* Quantizes values [k] by the definition of a precision: each value becomes to[i] times the
 * returned scale. bfloat16 has 8 significant bits, within the range of the exponent; int8 has 127
 * steps up to the largest magnitude. */
static double
quantize_values (int precision, const float *from, size_t k, double *to)
{
  float max = 0;

  for (size_t i = 0; i < k; i++)
    max = fmaxf (max, fabsf (from[i]));
  for (size_t i = 0; i < k; i++) {
    if (precision == LSTM_INT8) {
      to[i] = max > 0 ? rintf (from[i] * (127 / max)) : 0;
    } else if (precision == LSTM_BFLOAT16 && isfinite (from[i])) {
      int exponent;

      frexp (from[i], &exponent);
      exponent = exponent < -125 ? -125 : exponent;
      to[i] = ldexp (rint (ldexp (from[i], 8 - exponent)), exponent - 8);
    } else {
      to[i] = from[i];
    }
  }
  return precision == LSTM_INT8 ? (double) max / 127 : 1;
}

static uint16_t
get_bfloat16_bits (double value)
{
  const float x = (float) value;
  uint32_t bits;

  memcpy (&bits, &x, sizeof bits);
  return (uint16_t) (bits >> 16);
}

static size_t
count_words (const LstmProduct *product, size_t k)
{
  return (k + product->per_word - 1) / product->per_word;
}

/* Returns the lanes of a row of @n_words words of x. */
static size_t
count_x_lanes (const LstmProduct *product, size_t n_words)
{
  const size_t n = n_words * product->x_lanes + product->n_x_sums;

  return (n + product->x_multiple - 1) / product->x_multiple * product->x_multiple;
}

/* Returns the value that the kernels add to the bytes of an int8 word of x with one lane: a row of zeros
 * consists of that value. */
static int
find_byte_offset (const LstmProduct *product)
{
  const float zero = 0;
  float scale;
  uint8_t words[256];

  product->to_words (&zero, 1, 1, 1, (float *) words, 0, &scale);
  return words[0];
}

/* Packs a matrix [panels * panel, k] by the definitions of kernels.h. @to is the row after the
 * bias of the first panel. @panel: lanes of a row */
static void
pack_matrix (float *to, size_t w_stride, const LstmKernels *kernels, int precision,
    size_t panels, size_t panel, const float *values, size_t k)
{
  const LstmProduct *product = &kernels->products[precision];

  for (size_t column = 0; column < panels * panel; column++, values += k) {
    float *lane = to + column / panel * w_stride + column % panel;
    double q[MAX_K];
    const double scale = quantize_values (precision, values, k, q);

    if (precision == LSTM_INT8) {
      const int offset = find_byte_offset (product);
      int32_t start = 0;

      for (size_t i = 0; i < k; i++)
        start -= (int32_t) q[i] * offset;
      lane[0] = (float) scale;
      memcpy (lane + panel, &start, sizeof start);
    }
    lane += product->n_header_rows * panel;
    for (size_t i = 0; i < k; i++) {
      float *word = lane + i / product->per_word * panel;
      const size_t at = i % product->per_word;

      if (precision == LSTM_INT8)
        ((int8_t *) word)[at] = (int8_t) q[i];
      else if (precision == LSTM_BFLOAT16)
        ((uint16_t *) word)[at] = get_bfloat16_bits (q[i]);
      else
        *word = values[i];
    }
  }
}
