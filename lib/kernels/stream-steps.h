/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The loop over the steps of one stream of an LSTM or GRU layer. The panels of a step run in groups,
 * whose sums stay in registers. h of a layer with a single panel stays in a register, too. */
#pragma once

#include "kernels/low-precision.h"
#include "kernels/units.h"

/* The most panels of a group: two if the first-level cache does not keep all weights from step to
 * step, because the alternating order then reuses more of them. */
#define GROUP_PANELS(precision, n_vectors) \
  (VF_WIDTH == 16                 ? 2 \
   : (precision) == LSTM_BFLOAT16 ? VF_BFLOAT16_VECTORS / (n_vectors) \
   : (n_vectors) == LSTM_GATES    ? 3 \
                                  : 4)
#define UNCACHED_GROUP_PANELS 2
#define CACHED_WEIGHTS (32 * 1024 / sizeof (float))
#define MAX_GROUP_PANELS 4

/* The following macros are straight-line code. clang 14 optimizes an inlined function before it
 * inlines the function. It then keeps arrays of vectors in memory if their indices depend on loops
 * whose ends are arguments of the function. */
#define AT_PANEL(at, p, ...) \
  if (at < n_panels) { \
    enum { p = at }; \
    __VA_ARGS__ \
  }
#define FOR_GROUP_PANELS(p, ...) \
  AT_PANEL (0, p, __VA_ARGS__) \
  AT_PANEL (1, p, __VA_ARGS__) \
  AT_PANEL (2, p, __VA_ARGS__) \
  AT_PANEL (3, p, __VA_ARGS__)

#define AT_VECTOR(at, g, ...) \
  if (at < n_vectors) { \
    enum { g = at }; \
    __VA_ARGS__ \
  }
#define FOR_VECTORS(g, ...) \
  AT_VECTOR (0, g, __VA_ARGS__) \
  AT_VECTOR (1, g, __VA_ARGS__) \
  AT_VECTOR (2, g, __VA_ARGS__) \
  AT_VECTOR (3, g, __VA_ARGS__)

#define FOR_GROUP(p, g, ...) FOR_GROUP_PANELS (p, FOR_VECTORS (g, __VA_ARGS__))

typedef vf Group[MAX_GROUP_PANELS][LSTM_GATES];

/* The words of h of a layer with bfloat16 or int8 weights, see words.h */
typedef struct {
  size_t n;
  float lanes[LSTM_MAX_STREAM_UNITS + VF_WIDTH]; /* also the sum of int8 */
  float scale;                                   /* of int8 */
} StreamWords;

/* --- Products --- */

/* Adds the products of a word of x and of row @k of a group. */
#define ADD_ROW(word, k) \
  { \
    const vf broadcast = word; \
\
    FOR_GROUP (p, g, \
        sum[p][g] = vf_fma (broadcast, \
            vf_load (w + p * w_stride + ((k) *n_vectors + g) * VF_WIDTH), sum[p][g]);) \
  }

/* Computes the products of the @n words of @x and of @n_panels panels, the first of which begins at
 * @w. */
INLINE void
multiply_group (size_t n_vectors, size_t n_panels, Group sum, const float *x,
    size_t n, const float *w, size_t w_stride)
{
  size_t i = 0;

  FOR_GROUP (p, g, sum[p][g] = vf_set (0);)
  for (; i + 4 <= n; i += 4) {
    vf words[4];

    vf_load_words (x + i, words);
    ADD_ROW (words[0], i)
    ADD_ROW (words[1], i + 1)
    ADD_ROW (words[2], i + 2)
    ADD_ROW (words[3], i + 3)
  }
  for (; i < n; i++)
    ADD_ROW (vf_word (x + i), i)
}

/* Computes the products of @words, those of h, and of @n_panels panels of bfloat16 or int8. */
INLINE void
multiply_words (int precision, size_t n_vectors, size_t n_panels, Group sum,
    const StreamWords *words, const float *w, size_t w_stride)
{
  const size_t panel = n_vectors * VF_WIDTH;
  const size_t lanes = precision == LSTM_INT8 ? INT8_X_LANES : BFLOAT16_X_LANES;
  const float *weights = w + (precision == LSTM_INT8 ? 2 * panel : 0);

  FOR_GROUP (p, g,
      sum[p][g] = precision == LSTM_INT8 && !INT8_X_SUMS
                      ? vf_load (w + p * w_stride + panel + g * VF_WIDTH)
                      : vf_set (0);)
  for (size_t i = 0; i < words->n; i++, weights += panel) {
    FOR_GROUP (p, g,
        sum[p][g] = add_word (precision, sum[p][g], words->lanes + i * lanes,
            vf_load (weights + p * w_stride + g * VF_WIDTH));)
  }
  if (precision == LSTM_INT8) {
    FOR_GROUP (p, g,
        sum[p][g] = finish_int8_sum (sum[p][g], words->lanes + words->n * lanes,
            vf_load (w + p * w_stride + g * VF_WIDTH), vf_set (words->scale));)
  }
}

#define ADD_LANE(k) \
  if (VF_WIDTH > k && n > k) \
  ADD_ROW (words[k], k)

/* Computes the products of the first @n lanes of @x and of one panel. */
INLINE void
multiply_lanes (size_t n_vectors, Group sum, vf x, size_t n, const float *w)
{
  const size_t n_panels = 1, w_stride = 0;
  vf words[16];

  vf_spread_lanes (x, words);
  FOR_GROUP (p, g, sum[p][g] = vf_set (0);)
  ADD_LANE (0)
  ADD_LANE (1)
  ADD_LANE (2)
  ADD_LANE (3)
  ADD_LANE (4)
  ADD_LANE (5)
  ADD_LANE (6)
  ADD_LANE (7)
  ADD_LANE (8)
  ADD_LANE (9)
  ADD_LANE (10)
  ADD_LANE (11)
  ADD_LANE (12)
  ADD_LANE (13)
  ADD_LANE (14)
  ADD_LANE (15)
}

/* --- Steps --- */

/* The rows of one step */
typedef struct {
  const float *x, *z; /* either x, of a layer with one input, or z is used */
  float *h, *h_next, *y;
  const float *y_end; /* the end of the memory that stores to y may overwrite */
  StreamWords *words, *next_words; /* of h and h_next, for bfloat16 and int8 */
} StreamStep;

/* Computes z = bias + x W of a group. */
INLINE void
compute_group_z (size_t n_vectors, const LstmStreamSteps *s, size_t first,
    size_t n_panels, const float *x, float *z)
{
  const float *w = s->w + first * s->w_stride;
  Group sum;

  multiply_group (n_vectors, n_panels, sum, x, s->n_inputs, w + PANEL, s->w_stride);
  FOR_GROUP (p, g,
             vf_store (z + ((first + p) * n_vectors + g) * VF_WIDTH,
                 vf_load (w + p * s->w_stride + g * VF_WIDTH) + sum[p][g]);)
}

/* Returns bias + x W of vector @g of a panel. */
INLINE vf
get_x_sum (size_t n_vectors, int has_one_input, const LstmStreamSteps *s,
    const StreamStep *step, size_t panel, size_t g)
{
  const float *bias = s->w + panel * s->w_stride + g * VF_WIDTH;

  return has_one_input
             ? vf_load (bias) + vf_fma (vf_word (step->x), vf_load (bias + PANEL), vf_set (0))
             : vf_load (step->z + (panel * n_vectors + g) * VF_WIDTH);
}

/* Computes the head of a vector of units. @sum: h U; @c: of the previous step */
INLINE LstmUnits
begin_lstm_panel (int has_one_input, const LstmStreamSteps *s, const StreamStep *step,
    size_t panel, const vf *sum, vf c)
{
  const size_t n_vectors = LSTM_GATES;
  vf z[LSTM_GATES];

  FOR_VECTORS (g, z[g] = get_x_sum (n_vectors, has_one_input, s, step, panel, g) + sum[g];)
  return begin_lstm_units (0, z, c);
}

/* Computes the head of a vector of GRU units. @sum: h U */
INLINE GruUnits
begin_gru_panel (int has_one_input, const LstmStreamSteps *s, const StreamStep *step,
    size_t panel, const vf *sum)
{
  const size_t n_vectors = LSTM_GRU_GATES;
  const float *bias = s->w + panel * s->w_stride + LSTM_GRU_GATES * VF_WIDTH;
  vf z[LSTM_GRU_GATES];

  FOR_VECTORS (g, z[g] = get_x_sum (n_vectors, has_one_input, s, step, panel, g);)
  z[0] += sum[0];
  z[1] += sum[1];
  return begin_gru_units (z, vf_load (bias) + sum[2]);
}

/* Stores h of a vector of units in y. The next step overwrites the lanes beyond the last unit. */
INLINE void
store_outputs (const LstmStreamSteps *s, const StreamStep *step, size_t panel, vf h)
{
  const size_t unit = panel * VF_WIDTH;

  if (step->y + unit + VF_WIDTH <= step->y_end)
    vf_store (step->y + unit, h);
  else
    memcpy (step->y + unit, &h, (s->n_units - unit) * sizeof (float));
}

INLINE void
store_units (
    int precision, const LstmStreamSteps *s, const StreamStep *step, size_t panel, vf h)
{
  vf_store (step->h_next + panel * VF_WIDTH, h);
  if (precision == LSTM_BFLOAT16 && BFLOAT16_X_LANES == 2)
    vf_store (step->next_words->lanes + panel * VF_WIDTH, round_to_bfloat16 (h));
  store_outputs (s, step, panel, h);
}

/* Runs a step of @n_panels panels from @first on. */
INLINE void
run_group (int precision, size_t n_vectors, int has_one_input, const LstmStreamSteps *s,
    size_t first, size_t n_panels, const StreamStep *step)
{
  const float *u = s->w + first * s->w_stride + s->u_offset;
  Group sum;

  if (precision == LSTM_FLOAT32)
    multiply_group (n_vectors, n_panels, sum, step->h, s->n_units, u, s->w_stride);
  else
    multiply_words (precision, n_vectors, n_panels, sum, step->words, u, s->w_stride);
  if (n_vectors == LSTM_GATES) {
    LstmUnits units[MAX_GROUP_PANELS];

    FOR_GROUP_PANELS (p, {
      float *c = s->c + (first + p) * VF_WIDTH;

      units[p] = begin_lstm_panel (has_one_input, s, step, first + p, sum[p], vf_load (c));
      vf_store (c, units[p].c);
    })
    FOR_GROUP_PANELS (p, store_units (precision, s, step, first + p, finish_lstm_units (0, units[p]));)
  } else {
    GruUnits units[MAX_GROUP_PANELS];

    FOR_GROUP_PANELS (
        p, units[p] = begin_gru_panel (has_one_input, s, step, first + p, sum[p]);)
    FOR_GROUP_PANELS (
        p, store_units (precision, s, step, first + p,
               finish_gru_units (0, units[p], vf_load (step->h + (first + p) * VF_WIDTH)));)
  }
}

/* The groups of the panels of a step */
typedef struct {
  size_t n;
  size_t firsts[LSTM_MAX_STREAM_UNITS / VF_WIDTH + 1]; /* followed by the number of panels */
} Groups;

/* Divides @n_panels panels into groups of at most @most panels. */
INLINE void
init_groups (size_t n_panels, size_t most, Groups *groups)
{
  size_t n = 0, first = 0;

  while (first < n_panels) {
    const size_t rest = n_panels - first;

    groups->firsts[n++] = first;
    first += rest <= most ? rest : rest < 2 * most ? (rest + 1) / 2 : most;
  }
  groups->firsts[n] = n_panels;
  groups->n = n;
}

#define RUN_GROUP(n, run) \
  if (size == n && n <= GROUP_PANELS (precision, n_vectors)) { \
    enum { n_panels = n }; \
    run; \
  }

/* Runs @run for each group of @groups, with its panels from @first on. */
#define FOR_GROUPS(groups, first, backwards, run) \
  for (size_t i = 0; i < (groups)->n; i++) { \
    const size_t at = backwards ? (groups)->n - i - 1 : i; \
    const size_t first = (groups)->firsts[at], size = (groups)->firsts[at + 1] - first; \
 \
    RUN_GROUP (1, run) \
    RUN_GROUP (2, run) \
    RUN_GROUP (3, run) \
    RUN_GROUP (4, run) \
  }

/* Makes @step the next step. */
INLINE void
advance_step (const LstmStreamSteps *s, ptrdiff_t y_stride, StreamStep *step)
{
  if (s->x)
    step->x += s->x_stride;
  else
    step->z += s->z_stride;
  step->y += y_stride;
  if (y_stride < 0)
    step->y_end += y_stride;
}

/* Runs the steps of a layer with one panel. */
INLINE void
run_panel_steps (size_t n_vectors, int has_one_input, const LstmStreamSteps *s,
    StreamStep step, ptrdiff_t y_stride)
{
  const size_t n_panels = 1;
  float *last_h = s->n_steps % 2 ? s->h_next : s->h;
  float x_sums[LSTM_GATES * VF_WIDTH];
  vf h = vf_load (s->h), c = vf_set (0);

  if (n_vectors == LSTM_GATES)
    c = vf_load (s->c);
  for (size_t t = 0; t < s->n_steps; t++, advance_step (s, y_stride, &step)) {
    Group sum;

    if (!has_one_input && s->x) {
      compute_group_z (n_vectors, s, 0, n_panels, step.x, x_sums);
      step.z = x_sums;
    }
    multiply_lanes (n_vectors, sum, h, s->n_units, s->w + s->u_offset);
    if (n_vectors == LSTM_GATES) {
      const LstmUnits units = begin_lstm_panel (has_one_input, s, &step, 0, sum[0], c);

      c = units.c;
      h = finish_lstm_units (0, units);
    } else {
      h = finish_gru_units (0, begin_gru_panel (has_one_input, s, &step, 0, sum[0]), h);
    }
    store_outputs (s, &step, 0, h);
  }
  vf_store (last_h, h);
  if (n_vectors == LSTM_GATES)
    vf_store (s->c, c);
}

/* Converts h of @step to words. */
INLINE void
make_stream_words (int precision, const LstmStreamSteps *s, StreamStep *step)
{
  if (precision == LSTM_BFLOAT16)
    to_words_bfloat16 (step->h, 0, 1, s->n_units, step->words->lanes, 0, NULL);
  else if (precision == LSTM_INT8)
    to_words_int8 (step->h, 0, 1, s->n_units, step->words->lanes, 0, &step->words->scale);
}

/* Makes the words of the new h those of h. */
INLINE void
advance_words (int precision, const LstmStreamSteps *s, StreamStep *step)
{
  StreamWords *words = step->words;

  if (precision != LSTM_BFLOAT16 || BFLOAT16_X_LANES == 1) {
    make_stream_words (precision, s, step);
    return;
  }
  step->words = step->next_words;
  step->next_words = words;
  if (s->n_units % 2)
    step->words->lanes[s->n_units] = 0; /* the padding of h can be NaN */
}

/* Runs the steps of a layer with several panels. */
INLINE void
run_group_steps (int precision, size_t n_vectors, int has_one_input, const LstmStreamSteps *s,
    StreamStep step, ptrdiff_t y_stride)
{
  float x_sums[LSTM_GATES * LSTM_MAX_STREAM_UNITS];
  const int alternates = s->n_panels * s->w_stride > CACHED_WEIGHTS;
  Groups groups;
  int backwards = alternates && s->backwards;

  init_groups (s->n_panels,
      precision == LSTM_FLOAT32 && alternates ? UNCACHED_GROUP_PANELS
                                              : GROUP_PANELS (precision, n_vectors),
      &groups);
  for (size_t t = 0; t < s->n_steps; t++, advance_step (s, y_stride, &step)) {
    float *h = step.h;

    if (precision == LSTM_FLOAT32 && !has_one_input && s->x) {
      FOR_GROUPS (&groups, first, 0,
          compute_group_z (n_vectors, s, first, n_panels, step.x, x_sums))
      step.z = x_sums;
    }
    FOR_GROUPS (&groups, first, backwards,
        run_group (precision, n_vectors, has_one_input, s, first, n_panels, &step))
    step.h = step.h_next;
    step.h_next = h;
    advance_words (precision, s, &step);
    backwards ^= alternates;
  }
}

INLINE void
run_stream_steps (
    int precision, size_t n_vectors, int has_one_input, const LstmStreamSteps *s)
{
  float unused[LSTM_MAX_STREAM_UNITS];
  float *y = s->y ? s->y : unused;
  const ptrdiff_t y_stride = s->y ? s->y_stride : 0;
  StreamWords words[2];
  StreamStep step = {s->x, s->z, s->h, s->h_next, y,
      !s->y          ? unused + LSTM_MAX_STREAM_UNITS
      : y_stride > 0 ? y + s->n_steps * s->n_units
                     : y + s->n_units,
      &words[0], &words[1]};

  if (precision != LSTM_FLOAT32) {
    words[0].n = words[1].n = precision == LSTM_INT8 ? (s->n_units + 3) / 4
                                                     : (s->n_units + 1) / 2;
    make_stream_words (precision, s, &step);
  }
  if (precision == LSTM_FLOAT32 && s->n_panels == 1)
    run_panel_steps (n_vectors, has_one_input, s, step, y_stride);
  else
    run_group_steps (precision, n_vectors, has_one_input, s, step, y_stride);
}

/* Runs the steps of a layer. For bfloat16 and int8, z is computed in advance. */
INLINE void
run_stream (int precision, size_t n_vectors, const LstmStreamSteps *s)
{
  if (precision == LSTM_FLOAT32 && s->x && s->n_inputs == 1)
    run_stream_steps (precision, n_vectors, 1, s);
  else
    run_stream_steps (precision, n_vectors, 0, s);
}
