/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The cells of layers whose step is not fused: passes over the pre-activations of all units. The
 * functions of activations.h compute the activations. */
#pragma once

#include "kernels/activate.h"
#include "kernels/steps.h"

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
