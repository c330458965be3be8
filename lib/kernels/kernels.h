/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The arithmetic: one table of functions per instruction set. A weight matrix is packed into
 * panels of `panel` output columns, [panels][rows][panel] of 32-bit lanes, so that a product
 * reads the weights from front to back. A panel of an LSTM layer consists of 4 gates (i, f, g, o)
 * of panel / 4 units, so that the gates of a unit end in registers together. A panel of a GRU layer
 * consists of 3 vectors, the gates z, r and n: its rows have 3 / 4 of the lanes. Its bias row has
 * `panel` lanes, the biases of the three gates and the bias of h U of n.
 *
 * A packed row of weights is multiplied with one word of x. A lane of weights contains one
 * float32, two bfloat16 or four int8 values, the first of them in the low bits. A word of x
 * contains the same values, in one lane or, if the instruction set multiplies that form faster, in
 * two (see words.h). The int8 weights of a panel follow two header rows: the scale of each column
 * (float32), and the start of its sum (int32), which compensates for an offset that the bytes of x
 * can have.
 *
 * The order of addition is fixed: bias + (x W), then + (h U). Each product is summed from zero
 * along k, term by term, for any number of rows. The bits of a step therefore do not depend on
 * the number of streams that run side by side. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include "activations/activations.h"

#define LSTM_GATES 4
#define LSTM_GRU_GATES 3

#define LSTM_MAX_STREAM_UNITS 64 /* of LstmStreamSteps, including padding */

enum { /* the values of LstmPrecision, whose header needs GLib */
  LSTM_FLOAT32,
  LSTM_BFLOAT16,
  LSTM_INT8,
  LSTM_N_PRECISIONS
};

/* Rows of input values as words. The words of float32 are the values themselves. */
typedef struct {
  const float *words;  /* (rows, stride), 32 bits each */
  size_t stride, n;    /* lanes from row to row, words of a row */
  const float *scales; /* (rows), the divisors of int8 values; NULL for other precisions */
} LstmRows;

/* y = bias + x W, or base + x W */
typedef struct {
  size_t n_rows, n_panels;
  const float *w;    /* the bias of the first panel, followed by W */
  size_t w_stride;   /* lanes from panel to panel */
  size_t w_offset;   /* lanes from the bias of a panel to its W */
  const float *base; /* (n_rows, n_panels * panel), y_stride apart, may be y; nullable */
  LstmRows x;
  float *y;        /* (n_rows, n_panels * panel) */
  size_t y_stride; /* at least n_panels * panel */
  int backwards;   /* from the last panel to the first */
} LstmAffine;

#define LSTM_NARROW_OUTPUTS 4 /* the most outputs of an LstmNarrow */

/* y = bias + x W of a matrix with few outputs, which is not packed. The bits are those of an
 * LstmAffine in float32. */
typedef struct {
  size_t n_rows, n, k; /* n: outputs, from 1 to LSTM_NARROW_OUTPUTS */
  const float *bias;   /* (n) */
  const float *w;      /* (n, k) */
  const float *x;      /* (n_rows, k), x_stride apart */
  size_t x_stride;
  float *y; /* (n_rows, n), y_stride apart; not x */
  size_t y_stride;
} LstmNarrow;

/* One step of an LSTM or GRU layer for n_rows rows of its memory. A row of z consists of a part of
 * each gate for each panel. Either z contains bias + x W, or x is set; the sums have the same
 * bits. */
typedef struct {
  size_t n_rows, n_panels;
  const float *w;  /* the bias of the first panel, followed by W and U */
  size_t w_stride; /* lanes from panel to panel */
  size_t u_offset; /* lanes from the bias of a panel to its U */
  LstmRows x;      /* words NULL: z is used */
  const float *z;  /* (n_rows, n_panels, gates * panel / 4) */
  size_t z_stride; /* 0: one row for all */
  float *gates;    /* receives i, f, g and o, or z, r and n, like z; may be z; nullable */
  LstmRows h;      /* of the previous step */
  const float *h_values; /* of a GRU: (n_rows, m), the values of h */
  float *h_next;         /* (n_rows, m), not the words of h */
  float *c;              /* of an LSTM: (n_rows, m), updated */
  size_t m_stride;       /* of h_values, h_next and c: n_panels * panel / 4 */
  int backwards;         /* from the last panel to the first: see LstmMemory */
  int relu;              /* the activation of g and c, or of n: relu if true, else tanh */
} LstmStep;

/* Consecutive steps of one stream of an LSTM or GRU layer, with the bits of as many LstmStep. Either
 * z contains bias + x W, or x is set. */
typedef struct {
  size_t n_steps, n_panels, n_units;
  const float *w;               /* see LstmStep */
  size_t w_stride, u_offset;    /* see LstmStep */
  const float *x;               /* (n_steps, n_inputs); NULL: z is used */
  size_t n_inputs;
  ptrdiff_t x_stride;           /* floats from step to step */
  const float *z;               /* (n_steps, n_panels, gates * panel / 4) */
  ptrdiff_t z_stride;
  float *h, *h_next;            /* (m), in turn the h of a step */
  float *c;                     /* of an LSTM: (m), updated */
  float *y;                     /* (n_steps, n_units), receives h of each step; nullable */
  ptrdiff_t y_stride;
  int backwards;                /* whether the first step runs from the last panel to the first */
} LstmStreamSteps;

/* The cell of an LSTM layer whose step is not fused: any activations, peepholes (Gers and
 * Schmidhuber 2000; o uses the new c), bounds of the pre-activations and of c, and f = 1 - i. */
typedef struct {
  LstmActivation gates, candidate, output; /* of i, f and o; of g; of c */
  const float *peepholes;                  /* i, f, o: (3, m_stride); nullable */
  float clip, cell_clip;                   /* INFINITY: no bound */
  int input_forget;                        /* f = 1 - i */
} LstmCellParams;

typedef struct {
  const LstmCellParams *params;
  size_t n_rows, n_panels, n_units;
  float *z; /* (n_rows, n_panels * panel), bias + x W + h U; becomes i, f, g and o */
  size_t z_stride;
  float *h, *c; /* (n_rows, m); c is updated */
  size_t m_stride;
} LstmCell;

/* The cell of a GRU layer whose step is not fused: any activations, bounds of the pre-activations,
 * and both forms of n (Cho 2014, versions 1 and 3). */
typedef struct {
  LstmActivation gates, candidate; /* of z and r; of n */
  float clip;                      /* INFINITY: no bound */
  int reset_after;                 /* r multiplies h U + b', not h */
} LstmGruCellParams;

typedef struct {
  const LstmGruCellParams *params;
  size_t n_rows, n_units;
  /* (n_rows, 3, m_stride), bias + x W of z, r and n. h U is added to z and r, without reset_after
   * also to n, before run_gru_candidates(). Becomes the gates. */
  float *z;
  size_t z_stride;
  const float *h;   /* (n_rows, m) */
  float *h_next;    /* (n_rows, m) */
  float *candidate; /* (n_rows, m): h U + b' with reset_after; otherwise receives r h */
  size_t m_stride;  /* of h, h_next and candidate: a multiple of panel */
} LstmGruCell;

/* The columns and functions that depend on the precision of the weights of an LSTM layer */
typedef struct {
  size_t per_word;      /* values of x in a word */
  size_t n_header_rows; /* rows of a panel before the weights of each matrix */
  size_t x_lanes;       /* lanes of a word of x */
  size_t n_x_sums;      /* lanes after the words of a row of x */
  size_t x_multiple;    /* the lanes of a row of x are a multiple of this power of 2 */
  /* Converts x [n_rows, k] to words and scales. Zeros fill the last word. The rows of words are
   * @stride lanes apart; lanes after those of a row may change. NULL: the words are x itself. */
  void (*to_words) (const float *x, size_t x_stride, size_t n_rows, size_t k, float *words,
      size_t stride, float *scales);
  /* Converts weights [n_rows, k] to lanes [n_rows, words of k], and writes the lanes of each row in
   * the header rows. NULL: the lanes are the weights themselves. */
  void (*pack) (const float *weights, size_t n_rows, size_t k, float *lanes, float *scales,
      uint32_t *starts);
  void (*run_affine) (const LstmAffine *a);     /* of panels of 4 vectors */
  void (*run_gru_affine) (const LstmAffine *a); /* of panels of 3 vectors */
  void (*run_lstm_step) (const LstmStep *s);
  void (*run_gru_step) (const LstmStep *s);
  /* Run steps of at most LSTM_MAX_STREAM_UNITS units, with tanh. If there is to_words(), z is used. */
  void (*run_lstm_stream) (const LstmStreamSteps *s);
  void (*run_gru_stream) (const LstmStreamSteps *s);
} LstmProduct;

typedef struct {
  const char *name;
  size_t panel; /* lanes side by side in a packed row, a multiple of LSTM_GATES */
  LstmProduct products[LSTM_N_PRECISIONS];
  void (*run_narrow) (const LstmNarrow *job);
  /* Computes y = (x - mean) * scale + offset for n_rows rows of n features. */
  void (*normalize_rows) (float *y, size_t y_stride, const float *x, size_t x_stride,
      const float *mean, const float *scale, const float *offset, size_t n_rows, size_t n);
  void (*run_cells) (const LstmCell *cell);
  /* Computes the gates z and r, and without reset_after the candidate r h. */
  void (*run_gru_gates) (const LstmGruCell *cell);
  /* Computes the gate n, and h_next. */
  void (*run_gru_candidates) (const LstmGruCell *cell);
  void (*bound_values) (float *y, size_t n, float bound); /* n is a multiple of panel */
  /* Replaces n_rows rows of n features, stride apart, by their activation. @stride is a multiple
   * of panel; the values from n to stride may change. */
  void (*activate_rows) (
      const LstmActivation *activation, float *y, size_t n_rows, size_t n, size_t stride);
} LstmKernels;

/* Returns the table of the @i-th best instruction set of this machine, counted from 0; NULL after
 * the last one. */
const LstmKernels *lstm_kernels_at (unsigned i);
