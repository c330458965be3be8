/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The cells of LSTM and GRU layers whose step is fused, for one vector of units. The arithmetic of
 * a step has a head and a tail. Between the two a kernel can run the heads of other units, so that
 * the CPU computes the long chains of operations of several vectors at the same time. */
#pragma once

#include "kernels/tiles.h"

/* Returns the dividend of relu (x) or tanh (x), and sets @divisor. The branch always goes the same way
 * in a layer, and costs less than separate kernels for relu. */
INLINE vf
divide_cell (int relu, vf x, vf *divisor)
{
  if (!relu)
    return vf_tanh_parts (x, divisor);
  *divisor = vf_set (1);
  return vf_select (x < 0, vf_set (0), x);
}

/* Returns relu (x) or tanh (x). */
INLINE vf
activate_cell (int relu, vf x)
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

/* The head of LSTM units */
typedef struct {
  vf c;         /* of this step */
  vf o_divisor; /* the gate o is 1 / o_divisor */
} LstmUnits;

/* Computes c = c' / f_divisor + g_dividend / (i_divisor g_divisor). An infinite product of divisors
 * makes the quotient 0, as the gate i does. @z: the pre-activations of i, f, g and o; @c: of the
 * previous step */
INLINE LstmUnits
begin_lstm_units (int relu, const vf *z, vf c)
{
  const vf f_divisor = vf_sigmoid_divisor (z[1]), i_divisor = vf_sigmoid_divisor (z[0]);
  vf g_divisor;
  const vf g_dividend = divide_cell (relu, z[2], &g_divisor);

  return (LstmUnits){.c = c / f_divisor + g_dividend / (i_divisor * g_divisor),
      .o_divisor = vf_sigmoid_divisor (z[3])};
}

/* Returns h. */
INLINE vf
finish_lstm_units (int relu, LstmUnits units)
{
  vf divisor;
  const vf dividend = divide_cell (relu, units.c, &divisor);

  return dividend / (units.o_divisor * divisor);
}

/* The head of GRU units */
typedef struct {
  vf z; /* the gate */
  vf n; /* the pre-activation of the gate */
} GruUnits;

/* Computes the pre-activation of n. @z: the pre-activations of z and r, and bias + x W of n;
 * @h: h U + b' of n */
INLINE GruUnits
begin_gru_units (const vf *z, vf h)
{
  const vf r = vf_sigmoid (z[1]);

  return (GruUnits){.z = vf_sigmoid (z[0]), .n = vf_fma (r, h, z[2])};
}

/* Returns h. @h: of the previous step */
INLINE vf
finish_gru_units (int relu, GruUnits units, vf h)
{
  return interpolate (units.z, activate_cell (relu, units.n), h);
}

/* Replaces the pre-activations of @n_panels panels of units by the gates i, f, g and o, or z, r
 * and n. The gates are only traced: begin_…() and finish_…() do not read them. */
static void
activate_gates (size_t n_vectors, int relu, float *gates, size_t n_panels)
{
  for (size_t v = 0; v < n_panels * n_vectors; v++) {
    const vf x = vf_load (gates + v * VF_WIDTH);

    /* g and n are the third gates */
    vf_store (
        gates + v * VF_WIDTH, v % n_vectors == 2 ? activate_cell (relu, x) : vf_sigmoid (x));
  }
}
