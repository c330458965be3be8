/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A layer of a model, and the kinds of layers there are. A kind is a file and a row. */
#pragma once

#include <glib.h>
#include "kernels.h"

typedef struct _LstmLayer LstmLayer;

/* The part of a state that belongs to one LSTM layer, rows of `stride` floats per stream. */
typedef struct {
  float *h, *h_next, *c; /* (streams * fan, stride), units beyond m are zero */
  gsize stride;
  /* Every other step takes the panels from last to first, and so begins with those that the step
   * before left in the cache. Where the weights do not fit into it, reading them in one order
   * finds none there. */
  gboolean backwards;
} LstmMemory;

/* Steps to run through a layer: rows of in (out) features, steps side by side, and x_stride
 * (y_stride) floats from one stream's first row to the next one's. */
typedef struct {
  gsize streams, steps;
  gsize fan;      /* rows of memory that take the same x; above 1 only for one step */
  const float *x; /* (streams, steps, in) */
  gsize x_stride;
  float *y; /* (streams, steps, out), or NULL where only the memory is wanted */
  gsize y_stride;
  float *hidden, *cell; /* (streams, steps, out), or NULL: the trace of an LSTM layer */
  gsize trace_stride;
  float *scratch;     /* layer->scratch_row floats for each of streams * steps rows */
  LstmMemory *memory; /* NULL for layers without */
} LstmBlock;

typedef struct {
  gboolean has_memory;
  void (*run) (const LstmLayer *layer, const LstmKernels *kernels, const LstmBlock *block);
} LstmLayerKind;

struct _LstmLayer {
  const LstmLayerKind *kind;
  gsize in, out;
  gsize panels;
  const LstmProduct *product; /* how the weights are packed; NULL without a matrix */
  gsize z_stride;             /* panels times their width */
  gsize w_stride;             /* lanes from panel to panel */
  gsize u;                    /* lanes from a panel of an LSTM layer to its U */
  gsize x_words, h_words;     /* of a row of an LSTM layer's x and h */
  gsize scratch_row;          /* floats of scratch that a row needs */
  LstmActivation activation;
  float *weights; /* packed, or mean [in] and scale [in] of a normalization */
  gsize n_weights;
};

extern const LstmLayerKind lstm_layer_lstm;
extern const LstmLayerKind lstm_layer_dense;
extern const LstmLayerKind lstm_layer_normalization;
