/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The kernels. Each instruction set of the table in meson.build compiles this file once, with its
 * name as LSTM_ISA. */
#include "kernels/kernels.h"
#include "kernels/vec.h"
#include <math.h>

#define PANEL (LSTM_GATES * VF_WIDTH)
#define TILE_PANELS 2 /* panels of a tile of one row: enough independent sums for the FMA units */

#define INLINE static inline __attribute__ ((always_inline))
#define UNROLL _Pragma ("GCC unroll 8")

#define CONCAT_(a, b) a##b
#define CONCAT(a, b) CONCAT_ (a, b)
#define STRING_(a) #a
#define STRING(a) STRING_ (a)

/* The numbers of rows that a tile can have. Each of them is a constant in a call of its own. */
#define TILE_SIZES(X, tile) \
  X (tile, 1) X (tile, 2) X (tile, 3) X (tile, 4) X (tile, 5) X (tile, 6)

#define COUNT(tile, n) +1
_Static_assert (VF_ROWS >= 1 && VF_ROWS <= TILE_SIZES (COUNT, ), "TILE_SIZES lacks VF_ROWS rows");
_Static_assert (TILE_PANELS > 1, "a tile of TILE_PANELS has one row");
_Static_assert (VF_WIDTH % 4 == 0, "a vector of values fills words of four bytes");
_Static_assert (sizeof (vf) == VF_WIDTH * sizeof (float), "a vector has VF_WIDTH lanes");

/* The sums of n_rows × n_panels. The functions that follow are inlined into calls in which both
 * numbers and the precision are constants, so that a tile stays in registers. */
typedef vf Tile[VF_ROWS][TILE_PANELS][LSTM_GATES];

#define FOR_TILE(r, p, g) \
  UNROLL for (size_t r = 0; r < n_rows; r++) \
    UNROLL for (size_t p = 0; p < n_panels; p++) \
      UNROLL for (size_t g = 0; g < LSTM_GATES; g++)

/* Returns @sum + the products of the values of a word of x and of a vector of weights. */
INLINE vf
add_products (int precision, vf sum, vf x, vf w)
{
  if (precision == LSTM_BFLOAT16)
    return vf_dot_bfloat16 (sum, x, w);
  if (precision == LSTM_INT8)
    return vf_dot_int8 (sum, x, w);
  return vf_fma (x, w, sum);
}

/* Computes the products of @n_rows rows of @x, from @row on, and of @n_panels panels of W, the
 * first of which begins at @w. */
INLINE void
multiply_tile (int precision, Tile sum, size_t n_rows, size_t n_panels, const LstmRows *x,
    size_t row, const float *w, size_t w_stride)
{
  const int scaled = precision == LSTM_INT8;
  const float *words = x->words + row * x->stride, *weights = w + (scaled ? 2 * PANEL : 0);

  FOR_TILE (r, p, g)
    sum[r][p][g] = scaled ? vf_load (w + p * w_stride + PANEL + g * VF_WIDTH) : vf_set (0);
  for (size_t i = 0; i < x->n; i++) {
    UNROLL for (size_t p = 0; p < n_panels; p++) {
      vf v[LSTM_GATES];

      UNROLL for (size_t g = 0; g < LSTM_GATES; g++)
        v[g] = vf_load (weights + p * w_stride + i * PANEL + g * VF_WIDTH);
      UNROLL for (size_t r = 0; r < n_rows; r++) {
        const vf s = vf_word (words + r * x->stride + i);

        UNROLL for (size_t g = 0; g < LSTM_GATES; g++)
          sum[r][p][g] = add_products (precision, sum[r][p][g], s, v[g]);
      }
    }
  }
  if (scaled)
    FOR_TILE (r, p, g)
      sum[r][p][g] = vf_from_ints (sum[r][p][g])
                     * (vf_load (w + p * w_stride + g * VF_WIDTH) * vf_set (x->scales[row + r]));
}

INLINE void
compute_affine_tile (int precision, const LstmAffine *a, size_t row, size_t panel, size_t n_rows,
    size_t n_panels)
{
  const float *w = a->w + panel * a->w_stride;
  const size_t first = row * a->y_stride + panel * PANEL;
  const float *base = a->base ? a->base + first : NULL;
  float *y = a->y + first;
  Tile sum;

  multiply_tile (precision, sum, n_rows, n_panels, &a->x, row, w + a->w_offset, a->w_stride);
  FOR_TILE (r, p, g)
  {
    const size_t at = r * a->y_stride + p * PANEL + g * VF_WIDTH;

    vf_store (y + at,
        vf_load (base ? base + at : w + p * a->w_stride + g * VF_WIDTH) + sum[r][p][g]);
  }
}

/* Returns relu (x) or tanh (x). The branch always goes the same way in a layer, and costs less than
 * separate kernels for relu. */
INLINE vf
cell_activation (int relu, vf x)
{
  return relu ? vf_select (x < 0, vf_set (0), x) : vf_tanh (x);
}

/* Computes the gates, c and h of a tile from its pre-activations @sum. */
INLINE void
finish_step_tile (const LstmStep *s, Tile sum, size_t row, size_t panel, size_t n_rows,
    size_t n_panels)
{
  UNROLL for (size_t r = 0; r < n_rows; r++) {
    UNROLL for (size_t p = 0; p < n_panels; p++) {
      const size_t unit = (row + r) * s->m_stride + (panel + p) * VF_WIDTH;
      const vf i = vf_sigmoid (sum[r][p][0]), f = vf_sigmoid (sum[r][p][1]);
      const vf g = cell_activation (s->relu, sum[r][p][2]), o = vf_sigmoid (sum[r][p][3]);
      const vf c = vf_fma (f, vf_load (s->c + unit), i * g);

      if (s->gates) {
        float *gates = s->gates + (row + r) * s->z_stride + (panel + p) * PANEL;

        vf_store (gates, i);
        vf_store (gates + VF_WIDTH, f);
        vf_store (gates + 2 * VF_WIDTH, g);
        vf_store (gates + 3 * VF_WIDTH, o);
      }
      vf_store (s->c + unit, c);
      vf_store (s->h_next + unit, o * cell_activation (s->relu, c));
    }
  }
}

INLINE void
compute_step_tile (int precision, const LstmStep *s, size_t row, size_t panel, size_t n_rows,
    size_t n_panels)
{
  const float *w = s->w + panel * s->w_stride;
  Tile sum, x_sum = {0};

  if (s->x.words) {
    multiply_tile (precision, x_sum, n_rows, n_panels, &s->x, row, w + PANEL, s->w_stride);
    FOR_TILE (r, p, g)
      x_sum[r][p][g] = vf_load (w + p * s->w_stride + g * VF_WIDTH) + x_sum[r][p][g];
  }
  multiply_tile (precision, sum, n_rows, n_panels, &s->h, row, w + s->u_offset, s->w_stride);
  if (!s->x.words)
    FOR_TILE (r, p, g)
      x_sum[r][p][g] = vf_load (
          s->z + (row + r) * s->z_stride + (panel + p) * PANEL + g * VF_WIDTH);
  FOR_TILE (r, p, g)
    sum[r][p][g] = x_sum[r][p][g] + sum[r][p][g];
  finish_step_tile (s, sum, row, panel, n_rows, n_panels);
}

#define RUN_TILE(tile, n) \
  case n: \
    if (n <= VF_ROWS) \
      tile (precision, job, row, panel, n, 1); \
    break;

/* A panel stays in the cache while all rows are multiplied with it, in tiles of about the same
 * size. A single row is multiplied with TILE_PANELS panels at once. */
#define FOR_TILES(tile) \
  const size_t n_tiles = (job->n_rows + VF_ROWS - 1) / VF_ROWS; \
\
  for (size_t done = 0, n_panels; done < job->n_panels; done += n_panels) { \
    n_panels = job->n_rows == 1 && done + TILE_PANELS <= job->n_panels ? TILE_PANELS : 1; \
    const size_t panel = job->backwards ? job->n_panels - done - n_panels : done; \
\
    if (n_panels == TILE_PANELS) { \
      tile (precision, job, 0, panel, 1, TILE_PANELS); \
      continue; \
    } \
    for (size_t t = 0, row = 0, n_rows; t < n_tiles; t++, row += n_rows) { \
      n_rows = (job->n_rows - row + n_tiles - t - 1) / (n_tiles - t); \
      switch (n_rows) { \
        TILE_SIZES (RUN_TILE, tile) \
      } \
    } \
  }

INLINE void
run_affine (int precision, const LstmAffine *job)
{
  FOR_TILES (compute_affine_tile)
}

INLINE void
run_step (int precision, const LstmStep *job)
{
  FOR_TILES (compute_step_tile)
}

static void
to_words_bfloat16 (const float *x, size_t x_stride, size_t n_rows, size_t k, float *words,
    size_t stride, float *scales)
{
  const size_t in_vectors = k / VF_WIDTH * VF_WIDTH;

  (void) scales;
  for (size_t r = 0; r < n_rows; r++, x += x_stride, words += stride) {
    uint16_t *halves = (uint16_t *) words;

    for (size_t i = 0; i < in_vectors; i += VF_WIDTH) {
      const vf_halves v = vf_to_bfloat16 (vf_load (x + i));

      memcpy (halves + i, &v, sizeof v);
    }
    if (in_vectors < k) {
      const vf_halves v = vf_to_bfloat16 (vf_load_some (x + in_vectors, k - in_vectors));

      memcpy (halves + in_vectors, &v, (k - in_vectors + 1) / 2 * sizeof *words);
    }
  }
}

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

/* Scales each row so that its largest magnitude becomes 127. A NaN or an infinity in a row makes
 * the scale and all sums of the row NaN. */
static void
to_words_int8 (const float *x, size_t x_stride, size_t n_rows, size_t k, float *words,
    size_t stride, float *scales)
{
  const size_t in_vectors = k / VF_WIDTH * VF_WIDTH;

  for (size_t r = 0; r < n_rows; r++, x += x_stride, words += stride) {
    const float max = row_max_abs (x, k);
    const vf inverse = vf_set (max > 0x1p-100f ? 127 / max : 0); /* infinite if max < 2^-121 */
    uint8_t *bytes = (uint8_t *) words;

    scales[r] = max / 127 + 0 * max;
    for (size_t i = 0; i < in_vectors; i += VF_WIDTH) {
      const vf_bytes v = vf_to_bytes (vf_load (x + i) * inverse);

      memcpy (bytes + i, &v, sizeof v);
    }
    if (in_vectors < k) {
      const vf_bytes v = vf_to_bytes (vf_load_some (x + in_vectors, k - in_vectors) * inverse);

      memcpy (bytes + in_vectors, &v, (k - in_vectors + 3) / 4 * sizeof *words);
    }
  }
}

static void
normalize_rows (float *y, size_t y_stride, const float *x, size_t x_stride, const float *mean,
    const float *scale, const float *offset, size_t n_rows, size_t n)
{
  for (size_t r = 0; r < n_rows; r++)
    for (size_t i = 0; i < n; i++)
      y[r * y_stride + i] = (x[r * x_stride + i] - mean[i]) * scale[i] + offset[i];
}

static float
compute_softplus (float x)
{
  return (x > 0 ? x : 0) + log1pf (expf (-fabsf (x)));
}

static float
find_row_max (const float *y, size_t n)
{
  float max = y[0];

  for (size_t i = 1; i < n; i++)
    max = y[i] > max ? y[i] : max;
  return max;
}

/* Computes y = e^(y - max) / (sum of e^(y - max)). The order of the additions is fixed. */
static void
softmax_row (float *y, size_t n)
{
  const float max = find_row_max (y, n);
  float sum = 0;

  for (size_t i = 0; i < n; i += VF_WIDTH)
    vf_store (y + i, vf_exp (vf_load (y + i) - max));
  for (size_t i = 0; i < n; i++)
    sum += y[i];
  for (size_t i = 0; i < n; i++)
    y[i] /= sum;
}

/* Computes y = y - max - log (sum of e^(y - max)). */
static void
log_softmax_row (float *y, size_t n)
{
  const float max = find_row_max (y, n);
  float sum = 0;

  for (size_t i = 0; i < n; i++)
    sum += expf (y[i] - max);
  for (size_t i = 0; i < n; i++)
    y[i] = y[i] - max - logf (sum);
}

/* The functions of the row-wise activations, NULL for the others. A function may change the
 * values from n up to the next multiple of VF_WIDTH. */
static void (*const row_functions[LSTM_N_ACTIVATIONS]) (float *y, size_t n) = {
#define EACH(id, name, alpha, beta, expression)
#define ROW(id, name, function) [LSTM_ACTIVATION_##id] = function,
  LSTM_ACTIVATIONS (EACH, ROW)
#undef EACH
#undef ROW
};

static int
is_row_wise (const LstmActivation *activation)
{
  return row_functions[activation->kind] != NULL;
}

/* Returns the activation of each lane of x. @activation is not row-wise. */
INLINE vf
activate_lanes (const LstmActivation *activation, vf x)
{
  const float alpha = activation->alpha, beta = activation->beta;

  switch (activation->kind) {
#define EACH(id, name, default_alpha, default_beta, expression) \
  case LSTM_ACTIVATION_##id: \
    return expression;
#define ROW(id, name, function)
    LSTM_ACTIVATIONS (EACH, ROW)
#undef EACH
#undef ROW
  default:
    return x;
  }
}

/* Calls activate_lanes(). Not inlined, because a step that is not fused calls this function five
 * times per vector. */
static __attribute__ ((noinline)) vf
activate_vector (const LstmActivation *activation, vf x)
{
  return activate_lanes (activation, x);
}

static void
activate_rows (const LstmActivation *activation, float *y, size_t n_rows, size_t n, size_t stride)
{
  if (is_row_wise (activation)) {
    for (size_t r = 0; r < n_rows; r++)
      row_functions[activation->kind](y + r * stride, n);
    return;
  }
  for (size_t i = 0; i < n_rows * stride; i += VF_WIDTH)
    vf_store (y + i, activate_vector (activation, vf_load (y + i)));
}

/* Replaces the pre-activations of one gate in one row by their activations. A row-wise activation
 * needs all units side by side, so the function collects them in the row of h. */
static void
finish_gate (const LstmCell *job, size_t row, size_t gate, const float *peepholes,
    const LstmActivation *activation)
{
  const vf clip = vf_set (job->params->clip);
  const int by_row = is_row_wise (activation);
  const float *c = job->c + row * job->m_stride;
  float *z = job->z + row * job->z_stride + gate * VF_WIDTH, *h = job->h + row * job->m_stride;

  for (size_t p = 0; p < job->n_panels; p++) {
    const size_t unit = p * VF_WIDTH;
    vf v = vf_load (z + p * PANEL);

    if (peepholes)
      v = vf_fma (vf_load (peepholes + unit), vf_load (c + unit), v);
    v = vf_bound (v, clip);
    if (by_row)
      vf_store (h + unit, v);
    else
      vf_store (z + p * PANEL, activate_vector (activation, v));
  }
  if (!by_row)
    return;
  activate_rows (activation, h, 1, job->n_units, job->m_stride);
  for (size_t p = 0; p < job->n_panels; p++)
    vf_store (z + p * PANEL, vf_load (h + p * VF_WIDTH));
}

/* Computes c from i, f, g and the previous c. */
static void
finish_c (const LstmCell *job, size_t row)
{
  const vf clip = vf_set (job->params->cell_clip);
  float *z = job->z + row * job->z_stride, *c = job->c + row * job->m_stride;

  for (size_t p = 0; p < job->n_panels; p++, z += PANEL, c += VF_WIDTH) {
    const vf i = vf_load (z), g = vf_load (z + 2 * VF_WIDTH);

    if (job->params->input_forget)
      vf_store (z + VF_WIDTH, 1 - i);
    vf_store (c, vf_bound (vf_fma (vf_load (z + VF_WIDTH), vf_load (c), i * g), clip));
  }
}

/* Computes h from o and c. */
static void
finish_h (const LstmCell *job, size_t row)
{
  const LstmActivation *output = &job->params->output;
  const float *c = job->c + row * job->m_stride;
  const float *o = job->z + row * job->z_stride + 3 * VF_WIDTH;
  float *h = job->h + row * job->m_stride;

  if (is_row_wise (output)) {
    memcpy (h, c, job->m_stride * sizeof *h);
    activate_rows (output, h, 1, job->n_units, job->m_stride);
    for (size_t p = 0; p < job->n_panels; p++, o += PANEL, h += VF_WIDTH)
      vf_store (h, vf_load (o) * vf_load (h));
    return;
  }
  for (size_t p = 0; p < job->n_panels; p++, o += PANEL, h += VF_WIDTH, c += VF_WIDTH)
    vf_store (h, vf_load (o) * activate_vector (output, vf_load (c)));
}

static void
run_cells (const LstmCell *job)
{
  const LstmCellParams *params = job->params;
  const float *peepholes = params->peepholes;

  for (size_t r = 0; r < job->n_rows; r++) {
    finish_gate (job, r, 0, peepholes, &params->gates);
    if (!params->input_forget)
      finish_gate (job, r, 1, peepholes ? peepholes + job->m_stride : NULL, &params->gates);
    finish_gate (job, r, 2, NULL, &params->candidate);
    finish_c (job, r);
    finish_gate (job, r, 3, peepholes ? peepholes + 2 * job->m_stride : NULL, &params->gates);
    finish_h (job, r);
  }
}

static void
bound_values (float *y, size_t n, float bound)
{
  for (size_t i = 0; i < n; i += VF_WIDTH)
    vf_store (y + i, vf_bound (vf_load (y + i), vf_set (bound)));
}

/* Returns (1 - z) n + z h. With z = 1 the result is exactly h. */
INLINE vf
interpolate (vf z, vf n, vf h)
{
  return vf_fma (z, h, vf_fma (-z, n, n));
}

static void
run_gru_gates (const LstmGruCell *job)
{
  const LstmGruCellParams *params = job->params;
  const size_t m = job->m_stride;

  for (size_t row = 0; row < job->n_rows; row++) {
    float *z = job->z + row * job->z_stride, *candidate = job->candidate + row * m;
    const float *r = z + m, *h = job->h + row * m;

    bound_values (z, 2 * m, params->clip);
    activate_rows (&params->gates, z, 2, job->n_units, m);
    for (size_t i = 0; !params->reset_after && i < m; i += VF_WIDTH)
      vf_store (candidate + i, vf_load (r + i) * vf_load (h + i));
  }
}

static void
run_gru_candidates (const LstmGruCell *job)
{
  const LstmGruCellParams *params = job->params;
  const size_t m = job->m_stride;

  for (size_t row = 0; row < job->n_rows; row++) {
    float *z = job->z + row * job->z_stride, *r = z + m, *n = r + m;
    const float *candidate = job->candidate + row * m, *h = job->h + row * m;
    float *h_next = job->h_next + row * m;

    for (size_t i = 0; params->reset_after && i < m; i += VF_WIDTH)
      vf_store (n + i, vf_fma (vf_load (r + i), vf_load (candidate + i), vf_load (n + i)));
    bound_values (n, m, params->clip);
    activate_rows (&params->candidate, n, 1, job->n_units, m);
    for (size_t i = 0; i < m; i += VF_WIDTH)
      vf_store (h_next + i, interpolate (vf_load (z + i), vf_load (n + i), vf_load (h + i)));
  }
}

#define PRODUCT(id) \
  static void run_affine_##id (const LstmAffine *a) \
  { \
    run_affine (LSTM_##id, a); \
  } \
  static void run_step_##id (const LstmStep *s) \
  { \
    run_step (LSTM_##id, s); \
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
    [LSTM_FLOAT32] = {1, 0, NULL, run_affine_FLOAT32, run_step_FLOAT32},
    [LSTM_BFLOAT16] = {2, 0, to_words_bfloat16, run_affine_BFLOAT16, run_step_BFLOAT16},
    [LSTM_INT8] = {4, 2, to_words_int8, run_affine_INT8, run_step_INT8},
  },
  .normalize_rows = normalize_rows,
  .run_cells = run_cells,
  .run_gru_gates = run_gru_gates,
  .run_gru_candidates = run_gru_candidates,
  .bound_values = bound_values,
  .activate_rows = activate_rows,
};
