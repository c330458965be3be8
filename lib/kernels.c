/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Compiled once per row of the table in meson.build, with LSTM_ISA its name. */
#include "kernels.h"
#include "vec.h"

#define GATES 4
#define PANEL (GATES * VF_WIDTH)
#define TILE_PANELS 2 /* side by side when there is one row only: enough chains for the FMAs */

#define INLINE static inline __attribute__ ((always_inline))
#define UNROLL _Pragma ("GCC unroll 8")

#define CONCAT_(a, b) a##b
#define CONCAT(a, b) CONCAT_ (a, b)
#define STRING_(a) #a
#define STRING(a) STRING_ (a)

/* acc[row][panel][gate] += x[row][i] w[panel][i][gate], i = 0 … k - 1. rows and panels are
 * constants wherever this is inlined, so that the sums live in registers. */
INLINE void
tile_add (vf acc[VF_ROWS][TILE_PANELS][GATES], size_t rows, size_t panels, const float *x,
    size_t x_stride, const float *w, size_t w_stride, size_t k)
{
  for (size_t i = 0; i < k; i++) {
    UNROLL for (size_t p = 0; p < panels; p++) {
      vf v[GATES];

      UNROLL for (size_t g = 0; g < GATES; g++)
        v[g] = vf_load (w + p * w_stride + i * PANEL + g * VF_WIDTH);
      UNROLL for (size_t r = 0; r < rows; r++) {
        const vf s = vf_set (x[r * x_stride + i]);

        UNROLL for (size_t g = 0; g < GATES; g++)
          acc[r][p][g] = vf_fma (s, v[g], acc[r][p][g]);
      }
    }
  }
}

/* acc = what a row starts from: @from (row, panel), strides in floats; a bias has row stride 0 */
INLINE void
tile_start (vf acc[VF_ROWS][TILE_PANELS][GATES], size_t rows, size_t panels, const float *from,
    size_t row_stride, size_t panel_stride)
{
  UNROLL for (size_t r = 0; r < rows; r++)
    UNROLL for (size_t p = 0; p < panels; p++)
      UNROLL for (size_t g = 0; g < GATES; g++)
        acc[r][p][g] = vf_load (from + r * row_stride + p * panel_stride + g * VF_WIDTH);
}

INLINE void
affine_tile (const LstmAffine *a, size_t row, size_t panel, size_t rows, size_t panels)
{
  vf acc[VF_ROWS][TILE_PANELS][GATES];
  const float *w = a->w + panel * a->w_stride;
  float *y = a->y + row * a->y_stride + panel * PANEL;

  tile_start (acc, rows, panels, w, 0, a->w_stride);
  tile_add (acc, rows, panels, a->x + row * a->x_stride, a->x_stride, w + PANEL, a->w_stride,
      a->k);
  UNROLL for (size_t r = 0; r < rows; r++)
    UNROLL for (size_t p = 0; p < panels; p++)
      UNROLL for (size_t g = 0; g < GATES; g++)
        vf_store (y + r * a->y_stride + p * PANEL + g * VF_WIDTH, acc[r][p][g]);
}

INLINE void
step_tile (const LstmStep *s, size_t row, size_t panel, size_t rows, size_t panels)
{
  vf acc[VF_ROWS][TILE_PANELS][GATES];
  const size_t w_stride = (1 + s->d + s->m) * PANEL;
  const float *w = s->w + panel * w_stride;
  const size_t at = row * s->h_stride + panel * VF_WIDTH;

  if (s->z) {
    tile_start (acc, rows, panels, s->z + row * s->z_stride + panel * PANEL, s->z_stride, PANEL);
  } else {
    tile_start (acc, rows, panels, w, 0, w_stride);
    tile_add (acc, rows, panels, s->x + row * s->x_stride, s->x_stride, w + PANEL, w_stride,
        s->d);
  }
  tile_add (acc, rows, panels, s->h + row * s->h_stride, s->h_stride, w + (1 + s->d) * PANEL,
      w_stride, s->m);

  UNROLL for (size_t r = 0; r < rows; r++) {
    UNROLL for (size_t p = 0; p < panels; p++) {
      const size_t unit = at + r * s->h_stride + p * VF_WIDTH;
      const vf i = vf_sigmoid (acc[r][p][0]), f = vf_sigmoid (acc[r][p][1]);
      const vf g = vf_tanh (acc[r][p][2]), o = vf_sigmoid (acc[r][p][3]);
      const vf c = vf_fma (f, vf_load (s->c + unit), i * g);

      vf_store (s->c + unit, c);
      vf_store (s->h_next + unit, o * vf_tanh (c));
    }
  }
}

/* A panel stays in the cache while all rows pass it; a single row takes two panels at once. */
#define FOR_TILES(tile, job) \
  for (size_t panel = 0; panel < (job)->panels; panel++) { \
    size_t row = 0; \
\
    if ((job)->rows == 1 && panel + TILE_PANELS <= (job)->panels) { \
      tile (job, 0, panel, 1, TILE_PANELS); \
      panel += TILE_PANELS - 1; \
      continue; \
    } \
    for (; row + VF_ROWS <= (job)->rows; row += VF_ROWS) \
      tile (job, row, panel, VF_ROWS, 1); \
    for (; row + 2 <= (job)->rows; row += 2) \
      tile (job, row, panel, 2, 1); \
    for (; row < (job)->rows; row++) \
      tile (job, row, panel, 1, 1); \
  }

static void
affine (const LstmAffine *a)
{
  FOR_TILES (affine_tile, a)
}

static void
step (const LstmStep *s)
{
  FOR_TILES (step_tile, s)
}

static void
normalize (float *y, size_t y_stride, const float *x, size_t x_stride, const float *mean,
    const float *scale, size_t rows, size_t n)
{
  for (size_t r = 0; r < rows; r++)
    for (size_t i = 0; i < n; i++)
      y[r * y_stride + i] = (x[r * x_stride + i] - mean[i]) * scale[i];
}

#define EACH(id, name, expression) \
  static void activate_##id (float *y, size_t rows, size_t n, size_t stride) \
  { \
    (void) n; \
    for (size_t i = 0; i < rows * stride; i += VF_WIDTH) { \
      const vf x = vf_load (y + i); \
\
      vf_store (y + i, expression); \
    } \
  }
#define ROW(id, name)
LSTM_ACTIVATIONS (EACH, ROW)
#undef EACH
#undef ROW

/* e^(y - max) / sum, each row by itself and in one order */
static void
activate_SOFTMAX (float *y, size_t rows, size_t n, size_t stride)
{
  for (size_t r = 0; r < rows; r++, y += stride) {
    float max = y[0], sum = 0;

    for (size_t i = 1; i < n; i++)
      max = y[i] > max ? y[i] : max;
    for (size_t i = 0; i < n; i += VF_WIDTH)
      vf_store (y + i, vf_exp (vf_load (y + i) - max));
    for (size_t i = 0; i < n; i++)
      sum += y[i];
    for (size_t i = 0; i < n; i++)
      y[i] /= sum;
  }
}

extern const LstmKernels CONCAT (lstm_kernels_, LSTM_ISA);
const LstmKernels CONCAT (lstm_kernels_, LSTM_ISA) = {
  .name = STRING (LSTM_ISA),
  .panel = PANEL,
  .affine = affine,
  .step = step,
  .normalize = normalize,
  .activate = {
#define EACH(id, name, expression) activate_##id,
#define ROW(id, name) activate_##id,
    LSTM_ACTIVATIONS (EACH, ROW)
#undef EACH
#undef ROW
  },
};
