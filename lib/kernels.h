/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The arithmetic, one table per instruction set. A matrix is packed in panels of `panel` output
 * columns: [panels][1 + k][panel], the bias first and then k rows of weights, so that a product
 * reads it from front to back. In an LSTM layer a panel is 4 gates (i, f, g, o) of panel / 4
 * units, so that a unit's gates meet in registers.
 *
 * Every sum is taken in one order, bias, x, h, one term after the other, however many rows a
 * call has: a step's bits do not depend on what runs beside it. */
#pragma once

#include <stddef.h>
#include "activations.h"

/* Rows x [rows, k] times a packed matrix: y = bias + x W, [rows, panels * panel]. */
typedef struct {
  size_t rows, k, panels;
  const float *w;  /* first panel's bias */
  size_t w_stride; /* floats from panel to panel: at least (1 + k) * panel */
  const float *x;
  size_t x_stride; /* floats from row to row */
  float *y;
  size_t y_stride; /* at least panels * panel */
} LstmAffine;

/* One step of an LSTM layer for a number of rows (streams). Where z is given it holds
 * bias + x W already, else x is given; the sums are the same. */
typedef struct {
  size_t rows, d, m, panels;
  const float *w; /* [panels][1 + d + m][panel]: bias, x's rows, h's rows */
  const float *x; /* (rows, d), or NULL */
  size_t x_stride;
  const float *z; /* (rows, panels * panel), or NULL */
  size_t z_stride;
  const float *h;  /* (rows, m) of the step before, rows h_stride apart */
  float *h_next;   /* (rows, m), as h but elsewhere */
  float *c;        /* (rows, m), in place */
  size_t h_stride; /* of h, h_next and c: panels * panel / 4 */
} LstmStep;

typedef struct {
  const char *name;
  size_t panel; /* floats side by side in a packed row */

  void (*affine) (const LstmAffine *a);
  void (*step) (const LstmStep *s);
  /* y = (x - mean) * scale for rows of n features */
  void (*normalize) (float *y, size_t y_stride, const float *x, size_t x_stride,
      const float *mean, const float *scale, size_t rows, size_t n);
  /* In place over rows of n features, stride apart; stride is a multiple of panel and what lies
   * between n and stride may change. */
  void (*activate[LSTM_N_ACTIVATIONS]) (float *y, size_t rows, size_t n, size_t stride);
} LstmKernels;

/* The table that this machine runs best (@i = 0), the next best, and so on; NULL at the end. */
const LstmKernels *lstm_kernels_at (unsigned i);
