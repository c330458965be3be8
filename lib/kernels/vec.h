/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Vectors of VF_WIDTH floats in the compilers' vector extension, as wide as those of the
 * instruction set that a source is compiled for. Each multiply-add is a call of vf_fma():
 * contraction by the compiler is off, because the last bit would depend on the unrolling of a
 * loop. */
#pragma once

#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
# include <immintrin.h>
#elif defined(__ARM_NEON)
# include <arm_neon.h>
#endif

#if defined(__AVX512F__)
# define VF_WIDTH 16
# define VF_ROWS 6 /* rows of a tile: 4 sums each; the other registers contain weights */
# define VF_GRU_ROWS 8 /* rows of a tile of 3 sums each */
#elif defined(__AVX2__)
# define VF_WIDTH 8
# define VF_ROWS 3
# define VF_GRU_ROWS 4
# ifdef __clang__
#  define VF_BFLOAT16_GRU_ROWS 3
#  define VF_BFLOAT16_VECTORS 9 /* of a row: clang 14 would keep a part of 12 sums in memory */
# else
#  define VF_BFLOAT16_GRU_ROWS 4
#  define VF_BFLOAT16_VECTORS 12
# endif
# define VF_INT8_PANELS 3
# define VF_BFLOAT16_ROWS 5 /* rows of a tile of two sums at a time */
#elif defined(__aarch64__)
# define VF_WIDTH 4
# define VF_ROWS 4 /* the most for which bfloat16 and int8 need no more than 32 registers */
# define VF_GRU_ROWS 5
#else
# define VF_WIDTH 4
# define VF_ROWS 2
# define VF_GRU_ROWS 3
#endif
#ifndef VF_BFLOAT16_ROWS
# define VF_BFLOAT16_VECTORS (n_vectors == LSTM_GATES ? 8 : 12)
# define VF_INT8_PANELS 2
# define VF_BFLOAT16_ROWS VF_ROWS
# define VF_BFLOAT16_GRU_ROWS VF_GRU_ROWS
#endif

/* A sum with VF_INTEGER has the nearest integer of the number in its low bits. */
#define VF_INTEGER 12582912.f /* 1.5 2^23 */

typedef float vf __attribute__ ((vector_size (4 * VF_WIDTH)));
typedef int32_t vi __attribute__ ((vector_size (4 * VF_WIDTH)));
typedef uint32_t vu __attribute__ ((vector_size (4 * VF_WIDTH))); /* wraps around */

static inline vf
vf_load (const float *p)
{
  vf v;

  memcpy (&v, p, sizeof v);
  return v;
}

/* Loads the first n <= VF_WIDTH values, and zeros for the other lanes. */
static inline vf
vf_load_some (const float *p, size_t n)
{
#if defined(__AVX512F__)
  return (vf) _mm512_maskz_loadu_ps ((__mmask16) ((1u << n) - 1), p);
#elif defined(__AVX2__)
  const vi lanes = {0, 1, 2, 3, 4, 5, 6, 7};

  return (vf) _mm256_maskload_ps (p, (__m256i) (lanes < (vi) {0} + (int32_t) n));
#else
  vf v = {0};

  for (size_t i = 0; i < n; i++)
    v[i] = p[i];
  return v;
#endif
}

static inline void
vf_store (float *p, vf v)
{
  memcpy (p, &v, sizeof v);
}

/* Returns s in every lane. The function does not return 0 + s, which would cost an addition and
 * lose the sign of -0. */
static inline vf
vf_set (float s)
{
#if VF_WIDTH == 16
  return (vf) {s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s};
#elif VF_WIDTH == 8
  return (vf) {s, s, s, s, s, s, s, s};
#else
  return (vf) {s, s, s, s};
#endif
}

/* Returns a word of 32 bits, of any content, in every lane. */
static inline vf
vf_word (const float *p)
{
  return vf_set (*p);
}

#if defined(__AVX512F__)
# define VF_PERMUTE(v, order) (vf) _mm512_permute_ps ((__m512) (v), order)
#elif defined(__AVX2__)
# define VF_PERMUTE(v, order) (vf) _mm256_permute_ps ((__m256) (v), order)
#endif

#ifdef VF_PERMUTE
/* Copies each of four words to every lane of a vector. Every 128 bits of @four contain the words. */
static inline void
vf_spread_four (vf four, vf *words)
{
  words[0] = VF_PERMUTE (four, 0x00);
  words[1] = VF_PERMUTE (four, 0x55);
  words[2] = VF_PERMUTE (four, 0xaa);
  words[3] = VF_PERMUTE (four, 0xff);
}
#endif

/* Loads four words, and copies each of them to every lane of a vector. */
static inline void
vf_load_words (const float *p, vf *words)
{
#if VF_WIDTH == 8
  vf four = (vf) _mm256_broadcast_ps ((const __m128 *) p); /* one load instead of four */

# ifdef __clang__
  __asm__ ("" : "+x"(four)); /* clang would make four loads */
# endif
  vf_spread_four (four, words);
#else
  words[0] = vf_word (p);
  words[1] = vf_word (p + 1);
  words[2] = vf_word (p + 2);
  words[3] = vf_word (p + 3);
#endif
}

/* Copies each lane of @v to every lane of a vector. */
static inline void
vf_spread_lanes (vf v, vf *words)
{
#if VF_WIDTH == 16
  const __m512 x = (__m512) v;

  vf_spread_four ((vf) _mm512_shuffle_f32x4 (x, x, 0x00), words);
  vf_spread_four ((vf) _mm512_shuffle_f32x4 (x, x, 0x55), words + 4);
  vf_spread_four ((vf) _mm512_shuffle_f32x4 (x, x, 0xaa), words + 8);
  vf_spread_four ((vf) _mm512_shuffle_f32x4 (x, x, 0xff), words + 12);
#elif VF_WIDTH == 8
  const __m256 x = (__m256) v;

  vf_spread_four ((vf) _mm256_permute2f128_ps (x, x, 0x00), words);
  vf_spread_four ((vf) _mm256_permute2f128_ps (x, x, 0x11), words + 4);
#else
  words[0] = vf_set (v[0]);
  words[1] = vf_set (v[1]);
  words[2] = vf_set (v[2]);
  words[3] = vf_set (v[3]);
#endif
}

#if defined(__AVX2__) || defined(__aarch64__)
# define VF_HAS_FMA 1
#else
# define VF_HAS_FMA 0
#endif

/* Returns a b + c: rounded once on instruction sets with FMA, twice on others. */
static inline vf
vf_fma (vf a, vf b, vf c)
{
#if defined(__AVX512F__)
  return (vf) _mm512_fmadd_ps ((__m512) a, (__m512) b, (__m512) c);
#elif defined(__AVX2__)
  return (vf) _mm256_fmadd_ps ((__m256) a, (__m256) b, (__m256) c);
#elif defined(__ARM_NEON) && defined(__aarch64__)
  return (vf) vfmaq_f32 ((float32x4_t) c, (float32x4_t) a, (float32x4_t) b);
#else
  return a * b + c;
#endif
}

static inline vi
vi_max (vi a, vi b)
{
#if defined(__AVX512F__)
  return (vi) _mm512_max_epi32 ((__m512i) a, (__m512i) b);
#elif defined(__AVX2__)
  return (vi) _mm256_max_epi32 ((__m256i) a, (__m256i) b);
#elif defined(__aarch64__)
  return (vi) vmaxq_s32 ((int32x4_t) a, (int32x4_t) b);
#else
  const vi larger = a > b;

  return (a & larger) | (b & ~larger);
#endif
}

/* Returns the largest lane. */
static inline int32_t
vi_max_lane (vi v)
{
#if defined(__AVX512F__)
  return _mm512_reduce_max_epi32 ((__m512i) v);
#elif defined(__AVX2__)
  __m128i max = _mm_max_epi32 (
      _mm256_castsi256_si128 ((__m256i) v), _mm256_extracti128_si256 ((__m256i) v, 1));

  max = _mm_max_epi32 (max, _mm_shuffle_epi32 (max, 0x4e));
  max = _mm_max_epi32 (max, _mm_shuffle_epi32 (max, 0xb1));
  return _mm_cvtsi128_si32 (max);
#elif defined(__aarch64__)
  return vmaxvq_s32 ((int32x4_t) v);
#else
  int32_t max = v[0];

  for (int i = 1; i < VF_WIDTH; i++)
    max = v[i] > max ? v[i] : max;
  return max;
#endif
}

static inline float
float_from_bits (int32_t bits)
{
  float x;

  memcpy (&x, &bits, sizeof x);
  return x;
}

/* Returns mask ? a : b, lane by lane. @mask is the result of a comparison of vectors. */
static inline vf
vf_select (vi mask, vf a, vf b)
{
  return (vf) (((vi) a & mask) | ((vi) b & ~mask));
}

/* Returns the larger of x and @low. NaN stays NaN. */
static inline vf
vf_at_least (vf x, vf low)
{
#if defined(__AVX512F__)
  return (vf) _mm512_max_ps ((__m512) low, (__m512) x); /* returns x if x is NaN */
#elif defined(__AVX2__)
  return (vf) _mm256_max_ps ((__m256) low, (__m256) x);
#elif defined(__aarch64__)
  return (vf) vmaxq_f32 ((float32x4_t) low, (float32x4_t) x); /* returns NaN if one is NaN */
#else
  return vf_select (x < low, low, x);
#endif
}

/* Returns the smaller of x and @high. NaN stays NaN. */
static inline vf
vf_at_most (vf x, vf high)
{
#if defined(__AVX512F__)
  return (vf) _mm512_min_ps ((__m512) high, (__m512) x);
#elif defined(__AVX2__)
  return (vf) _mm256_min_ps ((__m256) high, (__m256) x);
#elif defined(__aarch64__)
  return (vf) vminq_f32 ((float32x4_t) high, (float32x4_t) x);
#else
  return vf_select (x > high, high, x);
#endif
}

/* Limits x to ± bound. NaN stays NaN. */
static inline vf
vf_bound (vf x, vf bound)
{
  return vf_at_least (vf_at_most (x, bound), -bound);
}

/* Limits x to the range from low to high. NaN stays NaN. */
static inline vf
vf_clip (vf x, float low, float high)
{
  return vf_at_least (vf_at_most (x, vf_set (high)), vf_set (low));
}

/* Calls a function of the C library lane by lane. */
static inline vf
vf_map (float (*function) (float), vf x)
{
  vf y;

  for (int i = 0; i < VF_WIDTH; i++)
    y[i] = function (x[i]);
  return y;
}

static inline vf
vf_abs (vf x)
{
  return (vf) ((vi) x & 0x7fffffff);
}

/* Returns table[i & 7] for the integers in the low bits of @i. @table contains the 8 values twice,
 * because a vector of AVX-512 has 16 lanes. */
static inline vf
vf_lookup8 (const float *table, vi i)
{
#if defined(__AVX512F__)
  return (vf) _mm512_permutexvar_ps ((__m512i) i, _mm512_loadu_ps (table));
#elif defined(__AVX2__)
  return (vf) _mm256_permutevar8x32_ps (_mm256_loadu_ps (table), (__m256i) i);
#elif defined(__aarch64__)
  const vi bytes = (i & 7) * 0x04040404 + 0x03020100;

  return (vf) vqtbl2q_u8 (vld1q_u8_x2 ((const uint8_t *) table), (uint8x16_t) bytes);
#else
  vf v;

  for (int k = 0; k < VF_WIDTH; k++)
    v[k] = table[i[k] & 7];
  return v;
#endif
}

/* Returns table[i & 15] for the integers in the low bits of @i. */
static inline vf
vf_lookup16 (const float *table, vi i)
{
#if defined(__AVX512F__)
  return (vf) _mm512_permutexvar_ps ((__m512i) i, _mm512_loadu_ps (table));
#elif defined(__AVX2__)
  const __m256 low = _mm256_permutevar8x32_ps (_mm256_loadu_ps (table), (__m256i) i);
  const __m256 high = _mm256_permutevar8x32_ps (_mm256_loadu_ps (table + 8), (__m256i) i);

  return (vf) _mm256_blendv_ps (low, high, (__m256) (i << 28));
#elif defined(__aarch64__)
  const vi bytes = (i & 15) * 0x04040404 + 0x03020100;

  return (vf) vqtbl4q_u8 (vld1q_u8_x4 ((const uint8_t *) table), (uint8x16_t) bytes);
#else
  vf v;

  for (int k = 0; k < VF_WIDTH; k++)
    v[k] = table[i[k] & 15];
  return v;
#endif
}

/* Returns a / b, and 0 in the lanes with x < low. */
static inline vf
vf_divide_from (vf a, vf b, vf x, vf low)
{
#if defined(__AVX512F__)
  return (vf) _mm512_maskz_div_ps (
      _mm512_cmp_ps_mask ((__m512) x, (__m512) low, _CMP_NLT_UQ), (__m512) a, (__m512) b);
#else
  return (vf) ((vi) (a / b) & ~(x < low));
#endif
}
