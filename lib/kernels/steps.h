/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The fused steps of LSTM and GRU layers: the products, the gates and h of a tile stay in
 * registers. */
#pragma once

#include "kernels/tiles.h"

/* Returns relu (x) or tanh (x). The branch always goes the same way in a layer, and costs less than
 * separate kernels for relu. */
INLINE vf
cell_activation (int relu, vf x)
{
  return relu ? vf_select (x < 0, vf_set (0), x) : vf_tanh (x);
}

/* Returns (1 - z) n + z h. With z = 1 the result is exactly h. Only one operation waits for n, which
 * is computed last. */
INLINE vf
interpolate (vf z, vf n, vf h)
{
  return vf_fma (1 - z, n, z * h);
}

/* Stores the activated gates of one vector of units. */
INLINE void
store_gates (const LstmStep *s, size_t n_vectors, size_t row, size_t panel, const vf *gates)
{
  if (s->gates)
    UNROLL for (size_t g = 0; g < n_vectors; g++)
      vf_store (s->gates + row * s->z_stride + (panel * n_vectors + g) * VF_WIDTH, gates[g]);
}

/* Computes the gates i, f, g and o, c and h of one vector of units. x: bias + x W; h: h U */
INLINE void
finish_lstm_units (const LstmStep *s, size_t row, size_t panel, const vf *x, const vf *h)
{
  const size_t unit = row * s->m_stride + panel * VF_WIDTH;
  const vf gates[LSTM_GATES] = {vf_sigmoid (x[0] + h[0]), vf_sigmoid (x[1] + h[1]),
      cell_activation (s->relu, x[2] + h[2]), vf_sigmoid (x[3] + h[3])};
  const vf c = vf_fma (gates[1], vf_load (s->c + unit), gates[0] * gates[2]);

  store_gates (s, LSTM_GATES, row, panel, gates);
  vf_store (s->c + unit, c);
  vf_store (s->h_next + unit, gates[3] * cell_activation (s->relu, c));
}

/* Computes the gates z, r and n, and h of one vector of units. x: bias + x W; h: h U without the
 * bias of n, which is the last vector of the bias row of the panel. */
INLINE void
finish_gru_units (const LstmStep *s, size_t row, size_t panel, const vf *x, const vf *h)
{
  const size_t unit = row * s->m_stride + panel * VF_WIDTH;
  const vf bias = vf_load (s->w + panel * s->w_stride + LSTM_GRU_GATES * VF_WIDTH);
  const vf z = vf_sigmoid (x[0] + h[0]), r = vf_sigmoid (x[1] + h[1]);
  const vf n = cell_activation (s->relu, vf_fma (r, bias + h[2], x[2]));
  const vf gates[LSTM_GRU_GATES] = {z, r, n};

  store_gates (s, LSTM_GRU_GATES, row, panel, gates);
  vf_store (s->h_next + unit, interpolate (z, n, vf_load (s->h_values + unit)));
}

/* Runs a step of a tile of an LSTM layer, whose panels have four vectors, or of a GRU layer, whose
 * panels have three. */
INLINE void
compute_step_tile (int precision, size_t n_vectors, const LstmStep *s, size_t row, size_t panel,
    size_t n_rows, size_t n_panels)
{
  const float *w = s->w + panel * s->w_stride;
  Tile h_sum, x_sum = {0};

  if (s->x.words) {
    multiply_tile (
        precision, n_vectors, x_sum, n_rows, n_panels, &s->x, row, w + PANEL, s->w_stride);
    FOR_TILE (r, p, g)
      x_sum[r][p][g] = vf_load (w + p * s->w_stride + g * VF_WIDTH) + x_sum[r][p][g];
  }
  multiply_tile (
      precision, n_vectors, h_sum, n_rows, n_panels, &s->h, row, w + s->u_offset, s->w_stride);
  if (!s->x.words)
    FOR_TILE (r, p, g)
      x_sum[r][p][g] = vf_load (
          s->z + (row + r) * s->z_stride + ((panel + p) * n_vectors + g) * VF_WIDTH);
  UNROLL for (size_t r = 0; r < n_rows; r++)
    UNROLL for (size_t p = 0; p < n_panels; p++)
      if (n_vectors == LSTM_GATES)
        finish_lstm_units (s, row + r, panel + p, x_sum[r][p], h_sum[r][p]);
      else
        finish_gru_units (s, row + r, panel + p, x_sum[r][p], h_sum[r][p]);
}

INLINE void
run_step (int precision, size_t n_vectors, const LstmStep *job)
{
  FOR_TILES (compute_step_tile)
}
