/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Conversion of values to the words of bfloat16 and int8. Weights are packed: 2 bfloat16 or 4 int8
 * fill a lane. Words of x are packed as well if the instruction set has a dot product of such
 * lanes. Otherwise a word of x has two lanes, which low-precision.h multiplies faster:
 *
 * - bfloat16: the two values as float32.
 * - int8: the signs and the magnitudes of the four values, as bytes. A byte of the signs is -1 for a
 *   negative value and 0 for others. A lane after the words of a row contains the sum of the
 *   magnitudes of the negative values, as int32. */
#pragma once

#include "kernels/tiles.h"
#include "kernels/vec.h"

#if defined(__AVX512BF16__)
# define BFLOAT16_X_LANES 1
#else
# define BFLOAT16_X_LANES 2
#endif

#if defined(__AVX2__) && !defined(__AVX512VNNI__)
# define INT8_X_LANES 2
#else
# define INT8_X_LANES 1
#endif
#define INT8_X_SUMS (INT8_X_LANES - 1)

#if defined(__AVX512VNNI__)
# define BYTE_OFFSET 128 /* of x: the instruction multiplies x as bytes from 0 to 255 */
#else
# define BYTE_OFFSET 0
#endif

typedef uint16_t vf_halves __attribute__ ((vector_size (2 * VF_WIDTH)));
typedef uint8_t vf_bytes __attribute__ ((vector_size (VF_WIDTH)));

/* --- bfloat16 --- */

/* Rounds to bfloat16, to nearest even. NaN stays NaN. A denormal becomes 0, even if rounding would
 * turn the denormal into a normal number. */
static inline vf
round_to_bfloat16 (vf x)
{
  const vu bits = (vu) x;
  const vu rounded = bits + 0x7fff + ((bits >> 16) & 1);
  const vu nan = (vu) (x != x), denormal = (vu) ((bits & 0x7f800000) == 0);

  return (vf) (((rounded & ~(denormal & 0x7fffffff)) | nan) & 0xffff0000);
}

static inline vf_halves
pack_halves (vf x)
{
#if defined(__AVX512BF16__)
  return (vf_halves) _mm512_cvtneps_pbh ((__m512) x);
#else
  return __builtin_convertvector ((vu) round_to_bfloat16 (x) >> 16, vf_halves);
#endif
}

/* Converts a row of @k values. */
static void
pack_bfloat16_row (const float *x, size_t k, float *lanes)
{
  const size_t in_vectors = k / VF_WIDTH * VF_WIDTH;
  uint16_t *halves = (uint16_t *) lanes;

  for (size_t i = 0; i < in_vectors; i += VF_WIDTH) {
    const vf_halves v = pack_halves (vf_load (x + i));

    memcpy (halves + i, &v, sizeof v);
  }
  if (in_vectors < k) {
    const vf_halves v = pack_halves (vf_load_some (x + in_vectors, k - in_vectors));

    memcpy (halves + in_vectors, &v, (k - in_vectors + 1) / 2 * sizeof *lanes);
  }
}

static void
pack_bfloat16 (const float *weights, size_t n_rows, size_t k, float *lanes, float *scales,
    uint32_t *starts)
{
  (void) scales;
  (void) starts;
  for (size_t r = 0; r < n_rows; r++)
    pack_bfloat16_row (weights + r * k, k, lanes + r * ((k + 1) / 2));
}

#if BFLOAT16_X_LANES == 2
static void
round_row (const float *x, size_t k, float *words)
{
  const size_t in_vectors = k / VF_WIDTH * VF_WIDTH;

  for (size_t i = 0; i < in_vectors; i += VF_WIDTH)
    vf_store (words + i, round_to_bfloat16 (vf_load (x + i)));
  if (in_vectors < k)
    vf_store (
        words + in_vectors, round_to_bfloat16 (vf_load_some (x + in_vectors, k - in_vectors)));
}
#endif

static void
to_words_bfloat16 (const float *x, size_t x_stride, size_t n_rows, size_t k, float *words,
    size_t stride, float *scales)
{
  (void) scales;
  for (size_t r = 0; r < n_rows; r++, x += x_stride, words += stride)
#if BFLOAT16_X_LANES == 2
    round_row (x, k, words);
#else
    pack_bfloat16_row (x, k, words);
#endif
}

/* --- int8 --- */

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

/* Returns the factor by which the largest magnitude of a row becomes 127, and sets @scale to its
 * inverse. A NaN or an infinity in the row makes the scale and all sums of the row NaN. */
static inline float
find_row_scale (const float *x, size_t k, float *scale)
{
  const float max = row_max_abs (x, k);

  *scale = max / 127 + 0 * max;
  return max > 0x1p-100f ? 127 / max : 0; /* infinite if max < 2^-121 */
}

/* Rounds x, where |x| <= 127, to nearest even, and returns bytes with @offset added. */
static inline vf_bytes
pack_bytes (vf x, int offset)
{
  const vi integers = (vi) (x + (VF_INTEGER + (float) offset));

#if defined(__AVX512F__)
  return (vf_bytes) _mm512_cvtepi32_epi8 ((__m512i) integers);
#else
  return __builtin_convertvector (integers, vf_bytes);
#endif
}

/* Converts a row of @k values, multiplied by @factor. */
static void
pack_int8_row (const float *x, size_t k, float factor, int offset, float *lanes)
{
  const size_t in_vectors = k / VF_WIDTH * VF_WIDTH;
  uint8_t *bytes = (uint8_t *) lanes;

  for (size_t i = 0; i < in_vectors; i += VF_WIDTH) {
    const vf_bytes v = pack_bytes (vf_load (x + i) * vf_set (factor), offset);

    memcpy (bytes + i, &v, sizeof v);
  }
  if (in_vectors < k) {
    const vf_bytes v = pack_bytes (
        vf_load_some (x + in_vectors, k - in_vectors) * vf_set (factor), offset);

    memcpy (bytes + in_vectors, &v, (k - in_vectors + 3) / 4 * sizeof *lanes);
  }
}

/* The header of a row is its scale, and -BYTE_OFFSET times the sum of its weights, modulo 2^32 like
 * the product. */
static void
pack_int8 (const float *weights, size_t n_rows, size_t k, float *lanes, float *scales,
    uint32_t *starts)
{
  for (size_t r = 0; r < n_rows; r++, weights += k, lanes += (k + 3) / 4) {
    const int8_t *bytes = (const int8_t *) lanes;

    pack_int8_row (weights, k, find_row_scale (weights, k, &scales[r]), 0, lanes);
    starts[r] = 0;
    for (size_t i = 0; i < k; i++)
      starts[r] -= (uint32_t) (bytes[i] * BYTE_OFFSET);
  }
}

#if INT8_X_LANES == 2
/* Stores the signs and magnitudes of the bytes in the low bits of @integers, as words. */
static inline void
store_signed_magnitudes (float *words, vi integers)
{
  const __m128i zero = _mm_setzero_si128 ();
# if defined(__AVX512F__)
  const __m128i bytes = _mm512_cvtepi32_epi8 ((__m512i) integers);
# else
  const __m128i low_bytes = _mm_set1_epi32 (0x0c080400);
  const __m256i halves = _mm256_shuffle_epi8 (
      (__m256i) integers, _mm256_broadcastsi128_si256 (low_bytes));
  const __m128i bytes = _mm_unpacklo_epi32 (
      _mm256_castsi256_si128 (halves), _mm256_extracti128_si256 (halves, 1));
# endif
  const __m128i signs = _mm_cmpgt_epi8 (zero, bytes), magnitudes = _mm_abs_epi8 (bytes);

  _mm_storeu_si128 ((__m128i *) words, _mm_unpacklo_epi32 (signs, magnitudes));
# if defined(__AVX512F__)
  _mm_storeu_si128 ((__m128i *) (words + 4), _mm_unpackhi_epi32 (signs, magnitudes));
# endif
}

static inline vi
vi_min (vi a, vi b)
{
# if defined(__AVX512F__)
  return (vi) _mm512_min_epi32 ((__m512i) a, (__m512i) b);
# else
  return (vi) _mm256_min_epi32 ((__m256i) a, (__m256i) b);
# endif
}

/* Returns the sum of the lanes, modulo 2^32. */
static inline uint32_t
vu_sum_lanes (vu v)
{
# if defined(__AVX512F__)
  const __m256i half = _mm256_add_epi32 (
      _mm512_castsi512_si256 ((__m512i) v), _mm512_extracti64x4_epi64 ((__m512i) v, 1));
# else
  const __m256i half = (__m256i) v;
# endif
  __m128i sum = _mm_add_epi32 (_mm256_castsi256_si128 (half), _mm256_extracti128_si256 (half, 1));

  sum = _mm_add_epi32 (sum, _mm_shuffle_epi32 (sum, 0x4e));
  sum = _mm_add_epi32 (sum, _mm_shuffle_epi32 (sum, 0xb1));
  return (uint32_t) _mm_cvtsi128_si32 (sum);
}

/* Stores VF_WIDTH values, |x| <= 127, as words. Returns the integers of the negative values, and 0
 * for others, modulo 2^32: those of a row with a NaN or an infinity are arbitrary. */
static inline vu
store_int8_vector (float *words, vf x)
{
  const vi integers = (vi) (x + VF_INTEGER), zero = (vi) vf_set (VF_INTEGER);

  store_signed_magnitudes (words, integers);
  return (vu) vi_min (integers, zero) - (vu) zero;
}

static void
split_int8_row (const float *x, size_t k, float factor, float *words)
{
  const size_t in_vectors = k / VF_WIDTH * VF_WIDTH, n_words = (k + 3) / 4;
  vu negative = {0};

  for (size_t i = 0; i < in_vectors; i += VF_WIDTH)
    negative += store_int8_vector (words + i / 2, vf_load (x + i) * vf_set (factor));
  if (in_vectors < k)
    negative += store_int8_vector (words + in_vectors / 2,
        vf_load_some (x + in_vectors, k - in_vectors) * vf_set (factor));
  words[INT8_X_LANES * n_words] = float_from_bits ((int32_t) (0u - vu_sum_lanes (negative)));
}
#endif

static void
to_words_int8 (const float *x, size_t x_stride, size_t n_rows, size_t k, float *words,
    size_t stride, float *scales)
{
  for (size_t r = 0; r < n_rows; r++, x += x_stride, words += stride) {
    const float factor = find_row_scale (x, k, &scales[r]);

#if INT8_X_LANES == 2
    split_int8_row (x, k, factor, words);
#else
    pack_int8_row (x, k, factor, BYTE_OFFSET, words);
#endif
  }
}
