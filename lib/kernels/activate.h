/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Activations of rows, for layers whose step is not fused and for layers other than recurrent
 * layers. */
#pragma once

#include "kernels/tiles.h"
#include <math.h>

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
