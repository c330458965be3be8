/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Compiled once per row of the table in meson.build, with LSTM_ISA its name. */
#include "kernels/kernels.h"
#include "kernels/vec.h"
#include <math.h>

#define PANEL (LSTM_GATES * VF_WIDTH)
#define TILE_PANELS 2 /* side by side when there is one row only: enough chains for the FMAs */

#define INLINE static inline __attribute__ ((always_inline))
#define UNROLL _Pragma ("GCC unroll 8")

#define CONCAT_(a, b) a##b
#define CONCAT(a, b) CONCAT_ (a, b)
#define STRING_(a) #a
#define STRING(a) STRING_ (a)

/* Sums of rows x panels: both are constants, as is the precision, wherever what follows is
 * inlined, so that a tile lives in registers. */
typedef vf Tile[VF_ROWS][TILE_PANELS][LSTM_GATES];

#define FOR_TILE(r, p, g) \
  UNROLL for (size_t r = 0; r < rows; r++) \
    UNROLL for (size_t p = 0; p < panels; p++) \
      UNROLL for (size_t g = 0; g < LSTM_GATES; g++)

/* sum + the products of a word of x and a vector of weights */
INLINE vf
dot (int precision, vf sum, vf x, vf w)
{
  if (precision == LSTM_BFLOAT16)
    return vf_dot_bfloat16 (sum, x, w);
  if (precision == LSTM_INT8)
    return vf_dot_int8 (sum, x, w);
  return vf_fma (x, w, sum);
}

/* sum = rows @row … of x times panels of W, whose first is at @w */
INLINE void
product (int precision, Tile sum, size_t rows, size_t panels, const LstmRows *x, size_t row,
    const float *w, size_t w_stride)
{
  const int scaled = precision == LSTM_INT8;
  const float *words = x->words + row * x->stride, *weights = w + (scaled ? 2 * PANEL : 0);

  FOR_TILE (r, p, g)
    sum[r][p][g] = scaled ? vf_load (w + p * w_stride + PANEL + g * VF_WIDTH) : vf_set (0);
  for (size_t i = 0; i < x->n; i++) {
    UNROLL for (size_t p = 0; p < panels; p++) {
      vf v[LSTM_GATES];

      UNROLL for (size_t g = 0; g < LSTM_GATES; g++)
        v[g] = vf_load (weights + p * w_stride + i * PANEL + g * VF_WIDTH);
      UNROLL for (size_t r = 0; r < rows; r++) {
        const vf s = vf_word (words + r * x->stride + i);

        UNROLL for (size_t g = 0; g < LSTM_GATES; g++)
          sum[r][p][g] = dot (precision, sum[r][p][g], s, v[g]);
      }
    }
  }
  if (scaled)
    FOR_TILE (r, p, g)
      sum[r][p][g] = vf_from_ints (sum[r][p][g])
                     * (vf_load (w + p * w_stride + g * VF_WIDTH) * vf_set (x->factors[row + r]));
}

INLINE void
affine_tile (int precision, const LstmAffine *a, size_t row, size_t panel, size_t rows,
    size_t panels)
{
  const float *w = a->w + panel * a->w_stride;
  const size_t first = row * a->y_stride + panel * PANEL;
  const float *base = a->base ? a->base + first : NULL;
  float *y = a->y + first;
  Tile sum;

  product (precision, sum, rows, panels, &a->x, row, w + a->w_at, a->w_stride);
  FOR_TILE (r, p, g)
  {
    const size_t at = r * a->y_stride + p * PANEL + g * VF_WIDTH;

    vf_store (y + at,
        vf_load (base ? base + at : w + p * a->w_stride + g * VF_WIDTH) + sum[r][p][g]);
  }
}

/* A branch that always goes the same way costs less than kernels of their own for relu. */
INLINE vf
bend (int relu, vf x)
{
  return relu ? vf_select (x < 0, vf_set (0), x) : vf_tanh (x);
}

INLINE void
step_tile (int precision, const LstmStep *s, size_t row, size_t panel, size_t rows,
    size_t panels)
{
  const float *w = s->w + panel * s->w_stride;
  Tile sum, before = {0};

  if (s->x.words) {
    product (precision, before, rows, panels, &s->x, row, w + PANEL, s->w_stride);
    FOR_TILE (r, p, g)
      before[r][p][g] = vf_load (w + p * s->w_stride + g * VF_WIDTH) + before[r][p][g];
  }
  product (precision, sum, rows, panels, &s->h, row, w + s->u, s->w_stride);
  if (!s->x.words)
    FOR_TILE (r, p, g)
      before[r][p][g] = vf_load (
          s->z + (row + r) * s->z_stride + (panel + p) * PANEL + g * VF_WIDTH);
  FOR_TILE (r, p, g)
    sum[r][p][g] = before[r][p][g] + sum[r][p][g];

  UNROLL for (size_t r = 0; r < rows; r++) {
    UNROLL for (size_t p = 0; p < panels; p++) {
      const size_t unit = (row + r) * s->m_stride + (panel + p) * VF_WIDTH;
      const vf i = vf_sigmoid (sum[r][p][0]), f = vf_sigmoid (sum[r][p][1]);
      const vf g = bend (s->relu, sum[r][p][2]), o = vf_sigmoid (sum[r][p][3]);
      const vf c = vf_fma (f, vf_load (s->c + unit), i * g);

      if (s->gates) {
        float *gates = s->gates + (row + r) * s->z_stride + (panel + p) * PANEL;

        vf_store (gates, i);
        vf_store (gates + VF_WIDTH, f);
        vf_store (gates + 2 * VF_WIDTH, g);
        vf_store (gates + 3 * VF_WIDTH, o);
      }
      vf_store (s->c + unit, c);
      vf_store (s->h_next + unit, o * bend (s->relu, c));
    }
  }
}

/* A panel stays in the cache while all rows pass it, in tiles of about the same size; a single
 * row takes two panels at once. */
#define TILE(tile, n) \
  case n: \
    if (n <= VF_ROWS) \
      tile (precision, job, row, panel, n, 1); \
    break;
#define FOR_TILES(tile) \
  const size_t tiles = (job->rows + VF_ROWS - 1) / VF_ROWS; \
\
  for (size_t done = 0, panels; done < job->panels; done += panels) { \
    panels = job->rows == 1 && done + TILE_PANELS <= job->panels ? TILE_PANELS : 1; \
    const size_t panel = job->backwards ? job->panels - done - panels : done; \
\
    if (panels == TILE_PANELS) { \
      tile (precision, job, 0, panel, 1, TILE_PANELS); \
      continue; \
    } \
    for (size_t t = 0, row = 0, rows; t < tiles; t++, row += rows) { \
      rows = (job->rows - row + tiles - t - 1) / (tiles - t); \
      switch (rows) { \
        TILE (tile, 1) \
        TILE (tile, 2) \
        TILE (tile, 3) \
        TILE (tile, 4) \
        TILE (tile, 5) \
        TILE (tile, 6) \
      } \
    } \
  }

INLINE void
affine (int precision, const LstmAffine *job)
{
  FOR_TILES (affine_tile)
}

INLINE void
step (int precision, const LstmStep *job)
{
  FOR_TILES (step_tile)
}

static void
to_words_bfloat16 (const float *x, size_t x_stride, size_t rows, size_t k, float *words,
    size_t stride, float *factors)
{
  const size_t whole = k / VF_WIDTH * VF_WIDTH;

  (void) factors;
  for (size_t r = 0; r < rows; r++, x += x_stride, words += stride) {
    uint16_t *halves = (uint16_t *) words;

    for (size_t i = 0; i < whole; i += VF_WIDTH) {
      const vf_halves v = vf_to_bfloat16 (vf_load (x + i));

      memcpy (halves + i, &v, sizeof v);
    }
    if (whole < k) {
      const vf_halves v = vf_to_bfloat16 (vf_load_some (x + whole, k - whole));

      memcpy (halves + whole, &v, (k - whole + 1) / 2 * sizeof *words);
    }
  }
}

/* The largest |x| of a row. As integers, infinities and NaN are larger than all numbers. */
static float
largest (const float *x, size_t k)
{
  const size_t whole = k / VF_WIDTH * VF_WIDTH;
  vi max = {0};

  for (size_t i = 0; i < whole; i += VF_WIDTH)
    max = vi_max (max, (vi) vf_abs (vf_load (x + i)));
  if (whole < k)
    max = vi_max (max, (vi) vf_abs (vf_load_some (x + whole, k - whole)));
  return float_from_bits (vi_largest (max));
}

/* A row's largest magnitude becomes 127. A NaN or an infinity in it makes the factor NaN, and so
 * all sums of the row. */
static void
to_words_int8 (const float *x, size_t x_stride, size_t rows, size_t k, float *words,
    size_t stride, float *factors)
{
  const size_t whole = k / VF_WIDTH * VF_WIDTH;

  for (size_t r = 0; r < rows; r++, x += x_stride, words += stride) {
    const float max = largest (x, k);
    const vf scale = vf_set (max > 0x1p-100f ? 127 / max : 0); /* below 2^-121 it is infinite */
    uint8_t *bytes = (uint8_t *) words;

    factors[r] = max / 127 + 0 * max;
    for (size_t i = 0; i < whole; i += VF_WIDTH) {
      const vf_bytes v = vf_to_bytes (vf_load (x + i) * scale);

      memcpy (bytes + i, &v, sizeof v);
    }
    if (whole < k) {
      const vf_bytes v = vf_to_bytes (vf_load_some (x + whole, k - whole) * scale);

      memcpy (bytes + whole, &v, (k - whole + 3) / 4 * sizeof *words);
    }
  }
}

static void
normalize (float *y, size_t y_stride, const float *x, size_t x_stride, const float *mean,
    const float *scale, const float *offset, size_t rows, size_t n)
{
  for (size_t r = 0; r < rows; r++)
    for (size_t i = 0; i < n; i++)
      y[r * y_stride + i] = (x[r * x_stride + i] - mean[i]) * scale[i] + offset[i];
}

static float
softplus (float x)
{
  return (x > 0 ? x : 0) + log1pf (expf (-fabsf (x)));
}

/* e^(y - max) / sum, each row by itself and in one order; its logarithm is y - max - log (sum) */
static void
softmax (float *y, size_t rows, size_t n, size_t stride, int logarithm)
{
  for (size_t r = 0; r < rows; r++, y += stride) {
    float max = y[0], sum = 0;

    for (size_t i = 1; i < n; i++)
      max = y[i] > max ? y[i] : max;
    if (logarithm) {
      for (size_t i = 0; i < n; i++)
        sum += expf (y[i] - max);
      for (size_t i = 0; i < n; i++)
        y[i] = y[i] - max - logf (sum);
      continue;
    }
    for (size_t i = 0; i < n; i += VF_WIDTH)
      vf_store (y + i, vf_exp (vf_load (y + i) - max));
    for (size_t i = 0; i < n; i++)
      sum += y[i];
    for (size_t i = 0; i < n; i++)
      y[i] /= sum;
  }
}

/* Feature by feature; what works on rows is not among it */
INLINE vf
apply (const LstmActivation *activation, vf x)
{
  const float alpha = activation->alpha, beta = activation->beta;

  switch (activation->kind) {
#define EACH(id, name, default_alpha, default_beta, expression) \
  case LSTM_ACTIVATION_##id: \
    return expression;
#define ROW(id, name)
    LSTM_ACTIVATIONS (EACH, ROW)
#undef EACH
#undef ROW
  default:
    return x;
  }
}

/* Not inlined: a layer that is not the usual one goes through here five times a vector. */
static __attribute__ ((noinline)) vf
apply_any (const LstmActivation *activation, vf x)
{
  return apply (activation, x);
}

/* Whether it is over all features of a row, and not feature by feature */
static int
takes_rows (const LstmActivation *activation)
{
  return activation->kind == LSTM_ACTIVATION_SOFTMAX
         || activation->kind == LSTM_ACTIVATION_LOG_SOFTMAX;
}

static void
activate (const LstmActivation *activation, float *y, size_t rows, size_t n, size_t stride)
{
  if (takes_rows (activation)) {
    softmax (y, rows, n, stride, activation->kind == LSTM_ACTIVATION_LOG_SOFTMAX);
    return;
  }
  for (size_t i = 0; i < rows * stride; i += VF_WIDTH)
    vf_store (y + i, apply_any (activation, vf_load (y + i)));
}

/* A gate of a row, from its pre-activations, in place. An activation that needs all units gets
 * them in the row of h, where they stand side by side. */
static void
finish_gate (const LstmCell *job, size_t row, size_t gate, const float *peepholes,
    const LstmActivation *activation)
{
  const vf clip = vf_set (job->kind->clip);
  const int by_row = takes_rows (activation);
  const float *c = job->c + row * job->m_stride;
  float *z = job->z + row * job->z_stride + gate * VF_WIDTH, *h = job->h + row * job->m_stride;

  for (size_t p = 0; p < job->panels; p++) {
    const size_t unit = p * VF_WIDTH;
    vf v = vf_load (z + p * PANEL);

    if (peepholes)
      v = vf_fma (vf_load (peepholes + unit), vf_load (c + unit), v);
    v = vf_bound (v, clip);
    if (by_row)
      vf_store (h + unit, v);
    else
      vf_store (z + p * PANEL, apply_any (activation, v));
  }
  if (!by_row)
    return;
  activate (activation, h, 1, job->units, job->m_stride);
  for (size_t p = 0; p < job->panels; p++)
    vf_store (z + p * PANEL, vf_load (h + p * VF_WIDTH));
}

/* c from i, f, g and the c before */
static void
finish_c (const LstmCell *job, size_t row)
{
  const vf clip = vf_set (job->kind->cell_clip);
  float *z = job->z + row * job->z_stride, *c = job->c + row * job->m_stride;

  for (size_t p = 0; p < job->panels; p++, z += PANEL, c += VF_WIDTH) {
    const vf i = vf_load (z), g = vf_load (z + 2 * VF_WIDTH);

    if (job->kind->input_forget)
      vf_store (z + VF_WIDTH, 1 - i);
    vf_store (c, vf_bound (vf_fma (vf_load (z + VF_WIDTH), vf_load (c), i * g), clip));
  }
}

/* h from o and c */
static void
finish_h (const LstmCell *job, size_t row)
{
  const LstmActivation *output = &job->kind->output;
  const float *c = job->c + row * job->m_stride;
  const float *o = job->z + row * job->z_stride + 3 * VF_WIDTH;
  float *h = job->h + row * job->m_stride;

  if (takes_rows (output)) {
    memcpy (h, c, job->m_stride * sizeof *h);
    activate (output, h, 1, job->units, job->m_stride);
    for (size_t p = 0; p < job->panels; p++, o += PANEL, h += VF_WIDTH)
      vf_store (h, vf_load (o) * vf_load (h));
    return;
  }
  for (size_t p = 0; p < job->panels; p++, o += PANEL, h += VF_WIDTH, c += VF_WIDTH)
    vf_store (h, vf_load (o) * apply_any (output, vf_load (c)));
}

static void
cell (const LstmCell *job)
{
  const LstmCellKind *k = job->kind;
  const float *peep = k->peepholes;

  for (size_t r = 0; r < job->rows; r++) {
    finish_gate (job, r, 0, peep, &k->gates);
    if (!k->input_forget)
      finish_gate (job, r, 1, peep ? peep + job->m_stride : NULL, &k->gates);
    finish_gate (job, r, 2, NULL, &k->candidate);
    finish_c (job, r);
    finish_gate (job, r, 3, peep ? peep + 2 * job->m_stride : NULL, &k->gates);
    finish_h (job, r);
  }
}

#define PRODUCT(id) \
  static void affine_##id (const LstmAffine *a) \
  { \
    affine (LSTM_##id, a); \
  } \
  static void step_##id (const LstmStep *s) \
  { \
    step (LSTM_##id, s); \
  }
PRODUCT (FLOAT32)
PRODUCT (BFLOAT16)
PRODUCT (INT8)

extern const LstmKernels CONCAT (lstm_kernels_, LSTM_ISA);
const LstmKernels CONCAT (lstm_kernels_, LSTM_ISA) = {
  .name = STRING (LSTM_ISA),
  .panel = PANEL,
  .byte_offset = VF_BYTE_OFFSET,
  .products = {
    [LSTM_FLOAT32] = {1, 0, NULL, affine_FLOAT32, step_FLOAT32},
    [LSTM_BFLOAT16] = {2, 0, to_words_bfloat16, affine_BFLOAT16, step_BFLOAT16},
    [LSTM_INT8] = {4, 2, to_words_int8, affine_INT8, step_INT8},
  },
  .normalize = normalize,
  .cell = cell,
  .activate = activate,
};
