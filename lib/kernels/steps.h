/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The fused steps of LSTM and GRU layers: the products, the gates and h of a tile stay in
 * registers. */
#pragma once

#include "kernels/low-precision.h"
#include "kernels/units.h"

#define FOR_UNITS(r, p) \
  UNROLL for (size_t r = 0; r < n_rows; r++) \
    UNROLL for (size_t p = 0; p < n_panels; p++)

/* Stores the pre-activations of the gates of one vector of units, if the gates are traced. */
INLINE void
store_pre_activations (
    const LstmStep *s, size_t n_vectors, size_t row, size_t panel, const vf *z)
{
  if (s->gates)
    UNROLL for (size_t g = 0; g < n_vectors; g++)
      vf_store (s->gates + row * s->z_stride + (panel * n_vectors + g) * VF_WIDTH, z[g]);
}

/* Computes c and h of a tile. x: bias + x W; h: h U */
INLINE void
finish_lstm_tile (const LstmStep *s, size_t row, size_t panel, size_t n_rows, size_t n_panels,
    Tile x, Tile h)
{
  const size_t first = row * s->m_stride + panel * VF_WIDTH;
  LstmUnits units[MAX_TILE_ROWS][MAX_TILE_PANELS];

  FOR_UNITS (r, p)
  {
    float *c = s->c + first + r * s->m_stride + p * VF_WIDTH;
    vf z[LSTM_GATES];

    UNROLL for (size_t g = 0; g < LSTM_GATES; g++)
      z[g] = x[r][p][g] + h[r][p][g];
    store_pre_activations (s, LSTM_GATES, row + r, panel + p, z);
    units[r][p] = begin_lstm_units (s->relu, z, vf_load (c));
    vf_store (c, units[r][p].c);
  }
  FOR_UNITS (r, p)
    vf_store (s->h_next + first + r * s->m_stride + p * VF_WIDTH,
        finish_lstm_units (s->relu, units[r][p]));
}

/* Computes h of a tile. x: bias + x W; h: h U without the bias of n, which is the last vector of the
 * bias row of a panel. */
INLINE void
finish_gru_tile (const LstmStep *s, size_t row, size_t panel, size_t n_rows, size_t n_panels,
    Tile x, Tile h)
{
  const size_t first = row * s->m_stride + panel * VF_WIDTH;
  GruUnits units[MAX_TILE_ROWS][MAX_TILE_PANELS];

  FOR_UNITS (r, p)
  {
    const float *bias = s->w + (panel + p) * s->w_stride + LSTM_GRU_GATES * VF_WIDTH;
    vf z[LSTM_GRU_GATES] = {x[r][p][0] + h[r][p][0], x[r][p][1] + h[r][p][1], x[r][p][2]};

    units[r][p] = begin_gru_units (z, vf_load (bias) + h[r][p][2]);
    z[2] = units[r][p].n;
    store_pre_activations (s, LSTM_GRU_GATES, row + r, panel + p, z);
  }
  FOR_UNITS (r, p)
  {
    const size_t unit = first + r * s->m_stride + p * VF_WIDTH;

    vf_store (s->h_next + unit,
        finish_gru_units (s->relu, units[r][p], vf_load (s->h_values + unit)));
  }
}

/* Runs a step of a tile of an LSTM layer, whose panels have four vectors, or of a GRU layer, whose
 * panels have three. */
INLINE void
compute_step_tile (int precision, size_t n_vectors, const LstmStep *s, size_t row, size_t panel,
    size_t n_rows, size_t n_panels, Prefetch *prefetch)
{
  const float *w = s->w + panel * s->w_stride;
  Tile h_sum, x_sum = {0};

  if (s->x.words) {
    multiply_tile (precision, n_vectors, x_sum, n_rows, n_panels, &s->x, row, w + PANEL,
        s->w_stride, prefetch);
    FOR_TILE (r, p, g)
      x_sum[r][p][g] = vf_load (w + p * s->w_stride + g * VF_WIDTH) + x_sum[r][p][g];
  }
  multiply_tile (precision, n_vectors, h_sum, n_rows, n_panels, &s->h, row, w + s->u_offset,
      s->w_stride, prefetch);
  if (!s->x.words)
    FOR_TILE (r, p, g)
      x_sum[r][p][g] = vf_load (
          s->z + (row + r) * s->z_stride + ((panel + p) * n_vectors + g) * VF_WIDTH);
  if (n_vectors == LSTM_GATES)
    finish_lstm_tile (s, row, panel, n_rows, n_panels, x_sum, h_sum);
  else
    finish_gru_tile (s, row, panel, n_rows, n_panels, x_sum, h_sum);
}

INLINE void
run_step (int precision, size_t n_vectors, const LstmStep *job)
{
  FOR_TILES (compute_step_tile)
  if (job->gates)
    for (size_t row = 0; row < job->n_rows; row++)
      activate_gates (n_vectors, job->relu, job->gates + row * job->z_stride, job->n_panels);
}
