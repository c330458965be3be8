/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Vectors of VF_WIDTH floats in the compilers' vector extension, as wide as the instruction set
 * that this file is compiled for. Multiply-adds are always spelled vf_fma: contraction by the
 * compiler is off, or the last bit would depend on how a loop was unrolled. */
#pragma once

#include <stdint.h>
#include <string.h>

#if defined(__AVX2__)
# include <immintrin.h>
#elif defined(__ARM_NEON)
# include <arm_neon.h>
#endif

#if defined(__AVX512F__)
# define VF_WIDTH 16
# define VF_ROWS 6 /* rows of a tile: 4 accumulators each, and registers left for the weights */
#elif defined(__AVX2__)
# define VF_WIDTH 8
# define VF_ROWS 3
#else
# define VF_WIDTH 4
# define VF_ROWS 2
#endif

typedef float vf __attribute__ ((vector_size (4 * VF_WIDTH)));
typedef int32_t vi __attribute__ ((vector_size (4 * VF_WIDTH)));

static inline vf
vf_load (const float *p)
{
  vf v;

  memcpy (&v, p, sizeof v);
  return v;
}

static inline void
vf_store (float *p, vf v)
{
  memcpy (p, &v, sizeof v);
}

static inline vf
vf_set (float s)
{
  return (vf) {0} + s;
}

/* a b + c, rounded once where the instruction set has it, twice elsewhere. */
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

/* mask ? a : b, lane by lane; @mask is what a comparison of vectors gives. */
static inline vf
vf_select (vi mask, vf a, vf b)
{
  return (vf) (((vi) a & mask) | ((vi) b & ~mask));
}

/* @a where x has its sign bit set, @b elsewhere. */
static inline vf
vf_select_sign (vf x, vf a, vf b)
{
#if defined(__AVX512F__)
  return (vf) _mm512_mask_blend_ps (
      _mm512_movepi32_mask ((__m512i) x), (__m512) b, (__m512) a);
#elif defined(__AVX2__)
  return (vf) _mm256_blendv_ps ((__m256) b, (__m256) a, (__m256) x);
#else
  return vf_select ((vi) x >> 31, a, b);
#endif
}

/* x where it is at least @low, @low elsewhere; NaN stays NaN. */
static inline vf
vf_at_least (vf x, vf low)
{
#if defined(__AVX512F__)
  return (vf) _mm512_max_ps ((__m512) low, (__m512) x); /* gives the second if one is NaN */
#elif defined(__AVX2__)
  return (vf) _mm256_max_ps ((__m256) low, (__m256) x);
#else
  return vf_select (x < low, low, x);
#endif
}

static inline vf
vf_abs (vf x)
{
  return (vf) ((vi) x & 0x7fffffff);
}

static inline vf
vf_copysign (vf magnitude, vf sign)
{
  return (vf) (((vi) magnitude & 0x7fffffff) | ((vi) sign & ~0x7fffffff));
}

/* x 2^n for integral -252 <= n <= 0, rounded once, denormal results included. */
static inline vf
vf_scale (vf x, vf n)
{
#if defined(__AVX512F__)
  return (vf) _mm512_scalef_ps ((__m512) x, (__m512) n);
#else
  /* Adding 1.5 2^23 leaves the integer in the low bits. Two factors, for the exponent of one
   * reaches down to 2^-126 only; the first product is exact. */
  const vi k = (vi) (n + 12582912.f) - 0x4b400000;
  const vi half = k >> 1;

  return x * (vf) ((half + 127) << 23) * (vf) ((k - half + 127) << 23);
#endif
}

/* Splits e^y, y <= 0, into (1 + p) 2^n with |p| < 0.42, and returns p; NaN stays NaN.
 * Below -104 e^y is less than half of the least denormal. The polynomial is that of Cephes'
 * expf (S. Moshier), good for 2^-24 over |r| <= ln 2 / 2. */
static inline vf
vf_exp_split (vf y, vf *n)
{
  vf r, q;

  y = vf_at_least (y, vf_set (-104.f));
  *n = (y * 1.44269504f + 12582912.f) - 12582912.f; /* to the nearest integer */
  r = vf_fma (*n, vf_set (-0.693359375f), y);
  r = vf_fma (*n, vf_set (2.12194440e-4f), r);
  q = vf_set (1.9875691500e-4f);
  q = vf_fma (q, r, vf_set (1.3981999507e-3f));
  q = vf_fma (q, r, vf_set (8.3334519073e-3f));
  q = vf_fma (q, r, vf_set (4.1665795894e-2f));
  q = vf_fma (q, r, vf_set (1.6666665459e-1f));
  q = vf_fma (q, r, vf_set (5.0000001201e-1f));
  return vf_fma (q, r * r, r);
}

/* e^y for y <= 0 */
static inline vf
vf_exp (vf y)
{
  vf n;
  const vf p = vf_exp_split (y, &n);

  return vf_scale (1 + p, n);
}

/* 1 / (1 + e^-x) from e^-|x|, so that nothing overflows and small results keep their digits. */
static inline vf
vf_sigmoid (vf x)
{
  const vf e = vf_exp (-vf_abs (x));

  return vf_select_sign (x, e, vf_set (1)) / (1 + e);
}

/* tanh |x| = -t / (2 + t) with t = e^(-2 |x|) - 1, which has no cancellation near 0. */
static inline vf
vf_tanh (vf x)
{
  vf n, s, t;
  const vf p = vf_exp_split (-2 * vf_abs (x), &n);

  s = vf_scale (vf_set (1), n);
  t = vf_fma (s, p, s - 1);
  return vf_copysign (t / (2 + t), x);
}
