/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Products of the words of bfloat16 and int8, see words.h. The vectors of a tile are those of all its
 * panels, one panel after the other. The products of a group of n vectors from @first on are
 * computed at a time, so that the sums of a group stay in registers. The functions are inlined into
 * calls in which the numbers of rows and vectors are constants. */
#pragma once

#include "kernels/tiles.h"
#include "kernels/words.h"

typedef float UnalignedVector
    __attribute__ ((vector_size (4 * VF_WIDTH), aligned (4), may_alias));
typedef int16_t vs __attribute__ ((vector_size (4 * VF_WIDTH)));

/* clang 14 keeps arrays of vectors in memory unless a pragma of its own unrolls the loops. */
#if defined(__clang__)
# define UNROLL_LOOP _Pragma ("clang loop unroll(full)")
#else
# define UNROLL_LOOP _Pragma ("GCC unroll 16")
#endif
#define FOR_VECTOR(v) UNROLL_LOOP for (size_t v = first; v < first + n; v++)

#define SUM(r, v) sum[r][(v) / n_vectors][(v) % n_vectors]

/* The rows and the packed weights of a product */
typedef struct {
  const float *words; /* of the first row */
  size_t x_stride;
  const float *weights; /* of the first panel */
  size_t w_stride;
} Operands;

/* Returns the address of vector @v of row @i of the packed weights. */
INLINE const float *
find_weights (const Operands *o, size_t n_vectors, size_t i, size_t v)
{
  return o->weights + v / n_vectors * o->w_stride + (i * n_vectors + v % n_vectors) * VF_WIDTH;
}

INLINE vf
load_weights (const Operands *o, size_t n_vectors, size_t i, size_t v)
{
  return vf_load (find_weights (o, n_vectors, i, v));
}

/* Loads the second or the first value of each lane of bfloat16 weights. The compilers do not see that
 * both calls load the same vector: they would keep the vector in a register. */
INLINE vf
load_bfloat16 (const float *weights, int second)
{
  const vi high = (vi) {0} + ~0xffff;
#if defined(__AVX2__) && !defined(__AVX512F__)
  vf w;

  if (second) {
    __asm__ ("vpand %2, %1, %0" : "=x"(w) : "x"(high), "m"(*(const UnalignedVector *) weights));
    return w;
  }
#endif
  return (vf) (second ? (vi) vf_load (weights) & high : (vi) vf_load (weights) << 16);
}

/* Adds the products of bfloat16 word @i of all rows. The second value of a word is added first, like
 * vdpbf16ps, so that all instruction sets with FMA return the same bits. Denormals are 0 to
 * vdpbf16ps in every mode, and to the other versions in the mode of float-mode.h. */
INLINE void
add_bfloat16_words (const Operands *o, size_t n_vectors, Tile sum, size_t n_rows, size_t first,
    size_t n, size_t i)
{
#if BFLOAT16_X_LANES == 1
  FOR_VECTOR (v)
  {
    const vf w = load_weights (o, n_vectors, i, v);

    UNROLL_LOOP for (size_t r = 0; r < n_rows; r++) SUM (r, v) = (vf) _mm512_dpbf16_ps (
        (__m512) SUM (r, v), (__m512bh) vf_word (o->words + r * o->x_stride + i), (__m512bh) w);
  }
#else
  const vi high = (vi) {0} + ~0xffff;

  if (n_rows <= 2) { /* the values of x stay in registers */
    FOR_VECTOR (v)
    {
      const vf w = load_weights (o, n_vectors, i, v);

      UNROLL_LOOP for (size_t r = 0; r < n_rows; r++) SUM (r, v) = vf_fma (
          vf_set (o->words[r * o->x_stride + 2 * i + 1]), (vf) ((vi) w & high), SUM (r, v));
      UNROLL_LOOP for (size_t r = 0; r < n_rows; r++) SUM (r, v) = vf_fma (
          vf_set (o->words[r * o->x_stride + 2 * i]), (vf) ((vi) w << 16), SUM (r, v));
    }
  } else if (n_rows == 3 && n == LSTM_GATES) { /* a value of x of each row stays in a register */
    UNROLL_LOOP for (int second = 1; second >= 0; second--)
    {
      vf x[MAX_TILE_ROWS];

      UNROLL_LOOP for (size_t r = 0; r < n_rows; r++)
        x[r] = vf_set (o->words[r * o->x_stride + 2 * i + (size_t) second]);
      FOR_VECTOR (v)
      {
        const vf w = load_bfloat16 (find_weights (o, n_vectors, i, v), second);

        UNROLL_LOOP for (size_t r = 0; r < n_rows; r++)
          SUM (r, v) = vf_fma (x[r], w, SUM (r, v));
      }
    }
  } else { /* the weights stay in registers */
    UNROLL_LOOP for (int second = 1; second >= 0; second--)
    {
      vf w[MAX_TILE_PANELS * LSTM_GATES];

      FOR_VECTOR (v)
      {
        const vi word = (vi) load_weights (o, n_vectors, i, v);

        w[v] = (vf) (second ? word & high : word << 16);
      }
      UNROLL_LOOP for (size_t r = 0; r < n_rows; r++)
      {
        const vf x = vf_set (o->words[r * o->x_stride + 2 * i + (size_t) second]);

        FOR_VECTOR (v)
        SUM (r, v) = vf_fma (x, w[v], SUM (r, v));
      }
    }
  }
#endif
}

/* Returns the sums of the products of pairs of 16-bit neighbours. */
#if defined(__AVX512BW__)
# define VF_MADD16(a, b) (vi) _mm512_madd_epi16 ((__m512i) (a), (__m512i) (b))
#elif defined(__AVX2__)
# define VF_MADD16(a, b) (vi) _mm256_madd_epi16 ((__m256i) (a), (__m256i) (b))
#elif defined(__SSE2__)
# define VF_MADD16(a, b) (vi) _mm_madd_epi16 ((__m128i) (a), (__m128i) (b))
#else
# define VF_MADD16(a, b)                                                                      \
    ((((vi) (a) << 16) >> 16) * (((vi) (b) << 16) >> 16) + ((vi) (a) >> 16) * ((vi) (b) >> 16))
#endif

/* Returns the sums of the products of pairs of 8-bit neighbours: @a unsigned, @b signed. */
#if defined(__AVX512BW__)
# define VF_MADD8(a, b) _mm512_maddubs_epi16 ((__m512i) (a), (__m512i) (b))
#elif defined(__AVX2__)
# define VF_MADD8(a, b) _mm256_maddubs_epi16 ((__m256i) (a), (__m256i) (b))
#endif

/* Returns @sum + the products of the int8 word @x and of @w. The lanes of @sum are int32. The result
 * is exact.
 *
 * If the words of x have two lanes, @x contains the signs and @magnitudes the magnitudes. A weight
 * times a negative value is then the product of the magnitude and of -w - 1 = ~w, which lacks the
 * magnitude once. No sum of a pair exceeds 2 * 127 * 128. */
INLINE vf
add_int8_word (vf sum, vf x, vf magnitudes, vf w)
{
  (void) magnitudes;
#if INT8_X_LANES == 2
  return (vf) ((vi) sum + VF_MADD16 (VF_MADD8 (magnitudes, (vi) w ^ (vi) x), (vs) {0} + 1));
#elif defined(__AVX512VNNI__)
  /* not _mm512_dpbusd_epi32: gcc 12 moves sums of another vector type through memory */
  __asm__ ("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(x), "v"(w));
  return sum;
#elif defined(__ARM_FEATURE_DOTPROD)
  __asm__ ("sdot %0.4s, %1.16b, %2.16b" : "+w"(sum) : "w"(x), "w"(w));
  return sum;
#elif defined(__aarch64__)
  const int8x16_t a = (int8x16_t) x, b = (int8x16_t) w;
  const int16x8_t low = vmull_s8 (vget_low_s8 (a), vget_low_s8 (b));
  const int16x8_t pairs = vpaddq_s16 (low, vmull_high_s8 (a, b)); /* at most 2 * 127 * 127 */

  __asm__ ("sadalp %0.4s, %1.8h" : "+w"(sum) : "w"(pairs));
  return sum;
#else
  const vs odd_x = (vs) x >> 8, odd_w = (vs) w >> 8;
  const vs even_x = (vs) x << 8 >> 8, even_w = (vs) w << 8 >> 8;

  return (vf) ((vi) sum + VF_MADD16 (odd_x, odd_w) + VF_MADD16 (even_x, even_w));
#endif
}

/* Returns the product of a sum that add_int8_word() has computed. @x_sum: the lane after the words of
 * x; @w_scale, @x_scale: the scales */
INLINE vf
finish_int8_sum (vf sum, const float *x_sum, vf w_scale, vf x_scale)
{
#if INT8_X_SUMS
  sum = (vf) ((vu) sum + (vu) vf_word (x_sum));
#else
  (void) x_sum;
#endif
  return __builtin_convertvector ((vi) sum, vf) * (w_scale * x_scale);
}

/* Returns @sum + the products of a word of x, whose lanes begin at @x, and of @w. */
INLINE vf
add_word (int precision, vf sum, const float *x, vf w)
{
  if (precision == LSTM_INT8)
    return add_int8_word (sum, vf_word (x), vf_word (x + INT8_X_LANES - 1), w);
#if BFLOAT16_X_LANES == 1
  return (vf) _mm512_dpbf16_ps ((__m512) sum, (__m512bh) vf_word (x), (__m512bh) w);
#else
  sum = vf_fma (vf_word (x + 1), (vf) ((vi) w & ~0xffff), sum);
  return vf_fma (vf_word (x), (vf) ((vi) w << 16), sum);
#endif
}

/* Adds the products of int8 word @i of all rows. */
INLINE void
add_int8_words (const Operands *o, size_t n_vectors, Tile sum, size_t n_rows, size_t first,
    size_t n, size_t i)
{
  vf w[MAX_TILE_PANELS * LSTM_GATES];

  FOR_VECTOR (v)
  w[v] = load_weights (o, n_vectors, i, v);
  UNROLL_LOOP for (size_t r = 0; r < n_rows; r++)
  {
    const float *words = o->words + r * o->x_stride + INT8_X_LANES * i;
    const vf x = vf_word (words), magnitudes = vf_word (words + INT8_X_LANES - 1);

    FOR_VECTOR (v)
    SUM (r, v) = add_int8_word (SUM (r, v), x, magnitudes, w[v]);
  }
}

/* Computes the products of bfloat16 rows and of a group of vectors. */
INLINE void
multiply_bfloat16_group (const Operands *o, size_t n_vectors, Tile sum, size_t n_rows,
    size_t first, size_t n, size_t n_words)
{
  UNROLL_LOOP for (size_t r = 0; r < n_rows; r++)
    FOR_VECTOR (v)
      SUM (r, v) = vf_set (0);
  for (size_t i = 0; i < n_words; i++)
    add_bfloat16_words (o, n_vectors, sum, n_rows, first, n, i);
}

/* Computes the products of @n_rows rows of @x, from @row on, and of @n_panels panels of W, the
 * first of which begins at @w. */
INLINE void
multiply_bfloat16_tile (size_t n_vectors, Tile sum, size_t n_rows, size_t n_panels,
    const LstmRows *x, size_t row, const float *w, size_t w_stride)
{
  const Operands o = {x->words + row * x->stride, x->stride, w, w_stride};

  multiply_bfloat16_group (&o, n_vectors, sum, n_rows, 0, n_panels * n_vectors, x->n);
}

/* Computes the products like multiply_bfloat16_tile(). The first two rows of a panel of W are the
 * header of int8. */
INLINE void
multiply_int8_tile (size_t n_vectors, Tile sum, size_t n_rows, size_t n_panels,
    const LstmRows *x, size_t row, const float *w, size_t w_stride)
{
  const size_t panel = n_vectors * VF_WIDTH; /* lanes of a packed row */
  const Operands o = {x->words + row * x->stride, x->stride, w + 2 * panel, w_stride};

  FOR_TILE (r, p, g)
    sum[r][p][g] = INT8_X_SUMS ? vf_set (0)
                               : vf_load (w + p * w_stride + panel + g * VF_WIDTH);
  for (size_t i = 0; i < x->n; i++)
    add_int8_words (&o, n_vectors, sum, n_rows, 0, n_panels * n_vectors, i);
  FOR_TILE (r, p, g)
    sum[r][p][g] = finish_int8_sum (sum[r][p][g],
        o.words + r * x->stride + INT8_X_LANES * x->n,
        vf_load (w + p * w_stride + g * VF_WIDTH), vf_set (x->scales[row + r]));
}

#if defined(__AVX2__) && !defined(__AVX512F__)
/* With 16 registers, a tile is a function of its own: in the middle of a step, gcc 12 keeps other
 * values in registers, and a part of the sums in memory. The sums are (n_rows, n_panels, n_vectors)
 * vectors. */
# define MULTIPLY_TILE(attribute, precision, id, n_vectors, n_rows, n_panels) \
  static __attribute__ ((noinline)) attribute void id##_##n_vectors##_##n_rows##_##n_panels ( \
      float *sums, const LstmRows *x, size_t row, const float *w, size_t w_stride) \
  { \
    multiply_and_store_##id (n_vectors, n_rows, n_panels, sums, x, row, w, w_stride); \
  }

INLINE void
store_group (size_t n_vectors, size_t n_rows, size_t n_panels, size_t first, size_t n, Tile sum,
    float *sums)
{
  UNROLL_LOOP for (size_t r = 0; r < n_rows; r++)
    FOR_VECTOR (v)
      vf_store (sums + (r * n_panels * n_vectors + v) * VF_WIDTH, SUM (r, v));
}

INLINE void
multiply_and_store_int8 (size_t n_vectors, size_t n_rows, size_t n_panels, float *sums,
    const LstmRows *x, size_t row, const float *w, size_t w_stride)
{
  Tile sum;

  multiply_int8_tile (n_vectors, sum, n_rows, n_panels, x, row, w, w_stride);
  store_group (n_vectors, n_rows, n_panels, 0, n_panels * n_vectors, sum, sums);
}

/* Three or more rows of an LSTM layer are multiplied with two vectors at a time: 5 rows have 10 sums,
 * and a value of x, the weights and a mask need 4 registers. */
INLINE void
multiply_and_store_bfloat16 (size_t n_vectors, size_t n_rows, size_t n_panels, float *sums,
    const LstmRows *x, size_t row, const float *w, size_t w_stride)
{
  const Operands o = {x->words + row * x->stride, x->stride, w, w_stride};
  const size_t all = n_panels * n_vectors;
  const size_t n = n_rows <= 3 || n_vectors == LSTM_GRU_GATES ? all : 2;
  Tile sum, other_sum;

  multiply_bfloat16_group (&o, n_vectors, sum, n_rows, 0, n, x->n);
  store_group (n_vectors, n_rows, n_panels, 0, n, sum, sums);
  if (n == all)
    return;
  multiply_bfloat16_group (&o, n_vectors, other_sum, n_rows, n, n, x->n);
  store_group (n_vectors, n_rows, n_panels, n, n, other_sum, sums);
}

# define NAME_TILE(attribute, precision, id, n_vectors, n_rows, n_panels) \
  [LSTM_##precision][n_vectors][n_rows][n_panels] = id##_##n_vectors##_##n_rows##_##n_panels,

/* The other algorithm of gcc assigns registers to these tiles without any move. */
# define ANY_REGISTERS
# ifdef __clang__
#  define USE_ALL_REGISTERS
# else
#  define USE_ALL_REGISTERS __attribute__ ((optimize ("ira-algorithm=priority")))
# endif
# define LOW_PRECISION_TILES(X) \
  X (USE_ALL_REGISTERS, BFLOAT16, bfloat16, 4, 1, 1) \
  X (USE_ALL_REGISTERS, BFLOAT16, bfloat16, 4, 1, 2) \
  X (USE_ALL_REGISTERS, BFLOAT16, bfloat16, 4, 1, 3) \
  X (ANY_REGISTERS, BFLOAT16, bfloat16, 4, 2, 1) \
  X (USE_ALL_REGISTERS, BFLOAT16, bfloat16, 4, 3, 1) \
  X (ANY_REGISTERS, BFLOAT16, bfloat16, 4, 4, 1) \
  X (ANY_REGISTERS, BFLOAT16, bfloat16, 4, 5, 1) \
  X (USE_ALL_REGISTERS, BFLOAT16, bfloat16, 3, 1, 1) \
  X (USE_ALL_REGISTERS, BFLOAT16, bfloat16, 3, 1, 2) \
  X (USE_ALL_REGISTERS, BFLOAT16, bfloat16, 3, 1, 3) \
  X (USE_ALL_REGISTERS, BFLOAT16, bfloat16, 3, 1, 4) \
  X (ANY_REGISTERS, BFLOAT16, bfloat16, 3, 2, 1) \
  X (ANY_REGISTERS, BFLOAT16, bfloat16, 3, 3, 1) \
  X (USE_ALL_REGISTERS, BFLOAT16, bfloat16, 3, 4, 1) \
  X (ANY_REGISTERS, INT8, int8, 4, 1, 1) \
  X (ANY_REGISTERS, INT8, int8, 4, 1, 2) \
  X (ANY_REGISTERS, INT8, int8, 4, 1, 3) \
  X (ANY_REGISTERS, INT8, int8, 4, 2, 1) \
  X (ANY_REGISTERS, INT8, int8, 4, 3, 1) \
  X (ANY_REGISTERS, INT8, int8, 3, 1, 1) \
  X (ANY_REGISTERS, INT8, int8, 3, 1, 2) \
  X (ANY_REGISTERS, INT8, int8, 3, 1, 3) \
  X (ANY_REGISTERS, INT8, int8, 3, 1, 4) \
  X (ANY_REGISTERS, INT8, int8, 3, 2, 1) \
  X (ANY_REGISTERS, INT8, int8, 3, 3, 1) \
  X (ANY_REGISTERS, INT8, int8, 3, 4, 1)

LOW_PRECISION_TILES (MULTIPLY_TILE)

static void (*const low_precision_tiles[LSTM_N_PRECISIONS][LSTM_GATES + 1][MAX_TILE_ROWS + 1]
                                       [MAX_TILE_PANELS + 1]) (
    float *sums, const LstmRows *x, size_t row, const float *w, size_t w_stride) = {
    LOW_PRECISION_TILES (NAME_TILE)};
#endif

/* Computes the products of a tile in the precision of its words. @prefetch: of float32 */
INLINE void
multiply_tile (int precision, size_t n_vectors, Tile sum, size_t n_rows, size_t n_panels,
    const LstmRows *x, size_t row, const float *w, size_t w_stride, Prefetch *prefetch)
{
  if (precision == LSTM_FLOAT32) {
    multiply_float32_tile (n_vectors, sum, n_rows, n_panels, x, row, w, w_stride, prefetch);
    return;
  }
#if defined(__AVX2__) && !defined(__AVX512F__)
  float sums[MAX_TILE_ROWS * LSTM_GATES * VF_WIDTH];

  low_precision_tiles[precision][n_vectors][n_rows][n_panels](sums, x, row, w, w_stride);
  FOR_TILE (r, p, g)
    sum[r][p][g] = vf_load (sums + ((r * n_panels + p) * n_vectors + g) * VF_WIDTH);
#else
  if (precision == LSTM_BFLOAT16)
    multiply_bfloat16_tile (n_vectors, sum, n_rows, n_panels, x, row, w, w_stride);
  else
    multiply_int8_tile (n_vectors, sum, n_rows, n_panels, x, row, w, w_stride);
#endif
}
