/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The arithmetic, one table per instruction set. A matrix is packed in panels of `panel` output
 * columns, [panels][rows][panel] of 32-bit lanes, so that a product reads it from front to back.
 * In an LSTM layer a panel is 4 gates (i, f, g, o) of panel / 4 units, so that a unit's gates
 * meet in registers.
 *
 * A row of weights meets a word of x. Word and lane hold one float32, two bfloat16 or four int8,
 * of which the first stands in the low bits; the loops are the same for all three. int8 adds two
 * rows in front: what a column's sum is to be multiplied with (float32), and what it starts from
 * (int32), which undoes that the bytes of x may be stored with an offset.
 *
 * Every sum is taken in one order, bias + (x W) and then + (h U), either product from zero
 * along k, one term after the other, however many rows a call has: a step's bits do not depend
 * on what runs beside it. */
#pragma once

#include <stddef.h>
#include "kernels/activations.h"

#define LSTM_GATES 4

enum { /* as LstmPrecision of the public header, which needs GLib */
  LSTM_FLOAT32,
  LSTM_BFLOAT16,
  LSTM_INT8,
  LSTM_N_PRECISIONS
};

/* x as the products take it. For float32 the words are the floats themselves. */
typedef struct {
  const float *words; /* (rows, n), 32 bits each */
  size_t stride, n;
  const float *factors; /* (rows), what a row of int8 was divided by */
} LstmRows;

/* y = bias + x W, [rows, panels * panel], or base + x W */
typedef struct {
  size_t rows, panels;
  const float *w;    /* first panel's bias, and W behind it */
  size_t w_stride;   /* lanes from panel to panel */
  size_t w_at;       /* lanes from a panel's bias to W */
  const float *base; /* (rows, panels * panel), y_stride apart, may be y; or NULL */
  LstmRows x;
  float *y;
  size_t y_stride; /* at least panels * panel */
  int backwards;   /* from the last panel to the first */
} LstmAffine;

/* One step of an LSTM layer for a number of rows (streams). Where z is given it holds
 * bias + x W already, else x is given; the sums are the same. */
typedef struct {
  size_t rows, panels;
  const float *w;  /* first panel's bias, W and U behind it */
  size_t w_stride; /* lanes from panel to panel */
  size_t u;        /* lanes from a panel's bias to its U */
  LstmRows x;      /* words NULL: z instead */
  const float *z;  /* (rows, panels * panel) */
  size_t z_stride; /* 0: one row for all */
  float *gates;    /* as z, where i, f, g and o go, z_stride apart; may be z; or NULL */
  LstmRows h;      /* of the step before */
  float *h_next;   /* (rows, m), not where h's words are */
  float *c;        /* (rows, m), in place */
  size_t m_stride; /* of h_next and c: panels * panel / 4 */
  int backwards;   /* from the last panel to the first: see LstmMemory */
  int relu;        /* instead of tanh, of g and of c */
} LstmStep;

/* What an LSTM layer does with its pre-activations where it is not the usual sigmoid and tanh:
 * any activations, peepholes (Gers and Schmidhuber 2000; o sees the new c), pre-activations and c
 * within bounds, f = 1 - i. */
typedef struct {
  LstmActivation gates, candidate, output; /* of i, f and o; of g; of c */
  const float *peepholes; /* i, f, o: (3, m_stride), or NULL */
  float clip, cell_clip;  /* INFINITY: none */
  int input_forget;
} LstmCellKind;

typedef struct {
  const LstmCellKind *kind;
  size_t rows, panels, units;
  float *z; /* (rows, panels * panel), bias + x W + h U; i, f, g and o afterwards */
  size_t z_stride;
  float *h, *c; /* (rows, m), c in place */
  size_t m_stride;
} LstmCell;

/* What depends on the precision of an LSTM layer's weights */
typedef struct {
  size_t per_word; /* values of x in a word */
  size_t head;     /* rows of a panel in front of its weights */
  /* Rows x [rows, k], as words and factors; zeros fill the last word. NULL: x is its words. */
  void (*to_words) (const float *x, size_t x_stride, size_t rows, size_t k, float *words,
      size_t stride, float *factors);
  void (*affine) (const LstmAffine *a);
  void (*step) (const LstmStep *s);
} LstmProduct;

typedef struct {
  const char *name;
  size_t panel;    /* lanes side by side in a packed row */
  int byte_offset; /* what int8 words add to a value of x */
  LstmProduct products[LSTM_N_PRECISIONS];
  /* y = (x - mean) * scale + offset for rows of n features */
  void (*normalize) (float *y, size_t y_stride, const float *x, size_t x_stride,
      const float *mean, const float *scale, const float *offset, size_t rows, size_t n);
  void (*cell) (const LstmCell *cell);
  /* In place over rows of n features, stride apart; stride is a multiple of panel and what lies
   * between n and stride may change. */
  void (*activate) (const LstmActivation *activation, float *y, size_t rows, size_t n,
      size_t stride);
} LstmKernels;

/* The table that this machine runs best (@i = 0), the next best, and so on; NULL at the end. */
const LstmKernels *lstm_kernels_at (unsigned i);
