/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Products of tiles: rows × panels whose sums stay in registers. kernels.c and steps.h use them. */
#pragma once

#include "kernels/kernels.h"
#include "kernels/exponentials.h"
#include "kernels/vec.h"

#define INLINE static inline __attribute__ ((always_inline))
#if defined(__clang__)
# define UNROLL _Pragma ("clang loop unroll(full)")
#else
# define UNROLL _Pragma ("GCC unroll 8")
#endif

#define PANEL (LSTM_GATES * VF_WIDTH) /* lanes of the bias row of a panel, of any type */

/* The numbers of rows or panels that a tile can have. Each of them is a constant in a call of its
 * own. */
#define TILE_SIZES(X, tile) \
  X (tile, 1) X (tile, 2) X (tile, 3) X (tile, 4) X (tile, 5) X (tile, 6) X (tile, 7) X (tile, 8)
#define TILE_PANEL_SIZES(X, tile) X (tile, 1) X (tile, 2) X (tile, 3) X (tile, 4)

#define COUNT(tile, n) +1
#define MAX_TILE_ROWS (TILE_SIZES (COUNT, ))
#define MAX_TILE_PANELS (TILE_PANEL_SIZES (COUNT, ))

/* The largest tile of panels of n_vectors vectors: rows of one panel, or panels of one row. Enough
 * sums are independent for the FMA units, and the sums and a row of weights fit into the
 * registers. */
#define TILE_ROWS(precision, n_vectors) \
  ((n_vectors) == LSTM_GATES ? (precision) == LSTM_BFLOAT16 ? VF_BFLOAT16_ROWS : VF_ROWS \
   : (precision) == LSTM_BFLOAT16 ? VF_BFLOAT16_GRU_ROWS \
                                  : VF_GRU_ROWS)
#define TILE_PANELS(precision, n_vectors) \
  ((precision) == LSTM_BFLOAT16 ? VF_BFLOAT16_VECTORS / (n_vectors) \
   : (n_vectors) == LSTM_GRU_GATES ? 4 \
   : (precision) == LSTM_INT8 ? VF_INT8_PANELS \
                              : 2)

_Static_assert (VF_ROWS >= 1 && VF_ROWS <= MAX_TILE_ROWS, "TILE_SIZES lacks VF_ROWS rows");
_Static_assert (VF_GRU_ROWS >= 1 && VF_GRU_ROWS <= MAX_TILE_ROWS,
    "TILE_SIZES lacks VF_GRU_ROWS rows");
_Static_assert (VF_WIDTH % 4 == 0, "a vector of values fills words of four bytes");
_Static_assert (sizeof (vf) == VF_WIDTH * sizeof (float), "a vector has VF_WIDTH lanes");

/* The sums of n_rows × n_panels panels of n_vectors vectors. The functions that follow are inlined
 * into calls in which these numbers and the precision are constants, so that a tile stays in
 * registers. */
typedef vf Tile[MAX_TILE_ROWS][MAX_TILE_PANELS][LSTM_GATES];

#define FOR_TILE(r, p, g) \
  UNROLL for (size_t r = 0; r < n_rows; r++) \
    UNROLL for (size_t p = 0; p < n_panels; p++) \
      UNROLL for (size_t g = 0; g < n_vectors; g++)

/* Keeps @v in a register. Otherwise gcc 12 makes its load a memory operand of each multiply-add that
 * reads @v: ten loads feed the eight multiply-adds of a tile of two rows, and the CPU starts two
 * loads per cycle. */
INLINE vf
keep_in_register (vf v)
{
#if defined(__SSE2__)
  __asm__ ("" : "+x"(v));
#endif
  return v;
}

/* Weights that a tile requests from memory while it multiplies. The first tile of a panel would
 * otherwise wait for them. The kernels of AVX-512 request nothing: the requests of 64 rows would be two
 * words of x apart, and their loop costs up to 6 %. */
typedef struct {
  const float *next; /* the next line; NULL: none */
  size_t interval;   /* words of x from line to line */
} Prefetch;

#define CAN_PREFETCH(n_rows) (VF_WIDTH == 8 && (n_rows) > 1)
#define PREFETCH_LINE 16            /* lanes */
#define PREFETCH_TILES 8            /* fewer tiles would request a line too often */
#define PREFETCH_LANES (128 * 1024) /* fewer lanes of weights stay in the L2 cache */

/* Returns the prefetch of the panel at @next during the @n_tiles tiles of the panel before it.
 * @n_lanes: of the weights of all panels */
INLINE Prefetch
choose_prefetch (const float *next, size_t n_tiles, size_t n_vectors, size_t n_lanes)
{
  const size_t interval = n_tiles * PREFETCH_LINE / (n_vectors * VF_WIDTH);

  return n_tiles >= PREFETCH_TILES && n_lanes > PREFETCH_LANES ? (Prefetch){next, interval}
                                                               : (Prefetch){NULL, SIZE_MAX};
}

/* Adds the products of the words [from, to) of x and of W to a tile. @words: the first row of x */
INLINE void
add_float32_words (size_t n_vectors, Tile sum, size_t n_rows, size_t n_panels,
    const float *words, size_t stride, const float *w, size_t w_stride, size_t from, size_t to)
{
  const size_t panel = n_vectors * VF_WIDTH; /* lanes of a packed row */

  for (size_t i = from; i < to; i++) {
    UNROLL for (size_t p = 0; p < n_panels; p++) {
      const float *row_weights = w + p * w_stride + i * panel;
      vf v[LSTM_GATES], s[MAX_TILE_ROWS];

      if (n_rows > 1 && n_rows < n_vectors) {
        UNROLL for (size_t r = 0; r < n_rows; r++)
          s[r] = vf_word (words + r * stride + i);
        UNROLL for (size_t g = 0; g < n_vectors; g++) {
          v[g] = keep_in_register (vf_load (row_weights + g * VF_WIDTH));
          UNROLL for (size_t r = 0; r < n_rows; r++)
            sum[r][p][g] = vf_fma (s[r], v[g], sum[r][p][g]);
        }
      } else {
        UNROLL for (size_t g = 0; g < n_vectors; g++)
          v[g] = vf_load (row_weights + g * VF_WIDTH);
        UNROLL for (size_t r = 0; r < n_rows; r++) {
          s[r] = vf_word (words + r * stride + i);
          UNROLL for (size_t g = 0; g < n_vectors; g++)
            sum[r][p][g] = vf_fma (s[r], v[g], sum[r][p][g]);
        }
      }
    }
  }
}

/* Computes the products of @n_rows rows of @x, from @row on, and of @n_panels panels of W, the
 * first of which begins at @w. @prefetch: advanced; NULL for one row */
INLINE void
multiply_float32_tile (size_t n_vectors, Tile sum, size_t n_rows, size_t n_panels,
    const LstmRows *x, size_t row, const float *w, size_t w_stride, Prefetch *prefetch)
{
  const float *words = x->words + row * x->stride;
  const size_t interval = CAN_PREFETCH (n_rows) ? prefetch->interval : x->n;

  FOR_TILE (r, p, g)
    sum[r][p][g] = vf_set (0);
  for (size_t from = 0, to; from < x->n; from = to) {
    to = x->n - from > interval ? from + interval : x->n;
    add_float32_words (
        n_vectors, sum, n_rows, n_panels, words, x->stride, w, w_stride, from, to);
    if (CAN_PREFETCH (n_rows) && prefetch->next) {
      __builtin_prefetch (prefetch->next, 0, 2); /* into the L2 cache */
      prefetch->next += PREFETCH_LINE;
    }
  }
}

#define RUN_ROWS(tile, n) \
  case n: \
    if (n <= TILE_ROWS (precision, n_vectors)) \
      tile (precision, n_vectors, job, row, panel, n, 1, &prefetch); \
    break;

#define RUN_PANELS(tile, n) \
  case n: \
    if (n <= TILE_PANELS (precision, n_vectors)) \
      tile (precision, n_vectors, job, 0, panel, 1, n, NULL); \
    break;

/* Multiplies a single row with several panels at once. */
#define FOR_PANELS(tile) \
  { \
    const size_t most = TILE_PANELS (precision, n_vectors); \
    size_t n_tiles = (job->n_panels + most - 1) / most; \
\
    for (size_t done = 0, n; done < job->n_panels; done += n, n_tiles--) { \
      n = (job->n_panels - done + n_tiles - 1) / n_tiles; \
      const size_t panel = job->backwards ? job->n_panels - done - n : done; \
\
      switch (n) { \
        TILE_PANEL_SIZES (RUN_PANELS, tile) \
      } \
    } \
  }

/* Keeps a panel in the cache while all rows are multiplied with it, in tiles of about the same
 * size, and requests the next panel. */
#define FOR_ROWS(tile) \
  { \
    const size_t most = TILE_ROWS (precision, n_vectors); \
    const size_t n_tiles = (job->n_rows + most - 1) / most; \
\
    for (size_t done = 0; done < job->n_panels; done++) { \
      const size_t panel = job->backwards ? job->n_panels - done - 1 : done; \
      const float *next = job->w + (job->backwards ? panel - 1 : panel + 1) * job->w_stride; \
      const size_t n_lanes = done + 1 < job->n_panels ? job->n_panels * job->w_stride : 0; \
      Prefetch prefetch = choose_prefetch (next, n_tiles, n_vectors, n_lanes); \
\
      for (size_t t = 0, row = 0, n; t < n_tiles; t++, row += n) { \
        n = (job->n_rows - row + n_tiles - t - 1) / (n_tiles - t); \
        switch (n) { \
          TILE_SIZES (RUN_ROWS, tile) \
        } \
      } \
    } \
  }

/* Runs @tile for all rows and panels of job. */
#define FOR_TILES(tile) \
  if (job->n_rows == 1) \
    FOR_PANELS (tile) \
  else \
    FOR_ROWS (tile)
