/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A layer of a model, and the kinds of layers there are. A kind is a file and a row. */
#pragma once

#include <glib.h>
#include "kernels/kernels.h"

#define LSTM_MAX_REPEAT 65536 /* steps that a repeated step becomes */

typedef struct _LstmLayer LstmLayer;

/* The part of a state that belongs to one LSTM layer */
typedef struct {
  float *h, *h_next; /* (streams * fan, h_stride) */
  float *c;          /* (streams * fan, c_stride) */
  gsize h_stride, c_stride;
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
  /* (streams, steps, out, units or 4 units), or NULL: the trace of an LSTM layer; not with fan */
  float *hidden, *cell, *gates;
  gsize hidden_stride, cell_stride, gates_stride;
  gsize traced;       /* the direction whose trace it is */
  gboolean whole;     /* the steps are a sequence from its first to its last one */
  float *scratch;     /* layer->scratch_row floats for each of streams * fan * steps rows */
  guint8 *mask;       /* (streams, steps), 1 for a step that does not count; NULL: all do */
  float *held;        /* (streams * fan, widest c_stride), where there is a mask */
  LstmMemory *memory; /* (n_memories) */
  gboolean (*should_continue) (gpointer user_data); /* of LstmRun, or NULL */
  gpointer should_continue_data;
} LstmBlock;

/* Returns whether the caller wants the steps that are left. After FALSE it never does again. */
static inline gboolean
lstm_block_should_continue (const LstmBlock *block)
{
  return !block->should_continue || block->should_continue (block->should_continue_data);
}

typedef struct {
  guint n_memories; /* one for each direction of an LSTM layer */
  gboolean masks;   /* writes block->mask, of which the layers behind it take notice */
  void (*run) (const LstmLayer *layer, const LstmKernels *kernels, const LstmBlock *block);
} LstmLayerKind;

/* y = x W of what an LSTM layer's cells give, [units] to [out] */
typedef struct {
  float *weights; /* packed with a bias of zero, in float32 */
  gsize n_weights, panels, w_stride;
} LstmProjection;

typedef enum {
  LSTM_MERGE_CONCAT,
  LSTM_MERGE_SUM,
  LSTM_MERGE_MUL,
  LSTM_MERGE_AVE,
} LstmMerge;

struct _LstmLayer {
  const LstmLayerKind *kind;
  gsize in, out;
  gsize units; /* of an LSTM layer: m; out but for a projection */
  gsize panels;
  const LstmProduct *product; /* how the weights are packed; NULL without a matrix */
  gsize z_stride;             /* panels times their width */
  gsize w_stride;             /* lanes from panel to panel */
  gsize u;                    /* lanes from a panel of an LSTM layer to its U */
  gsize x_words, h_words;     /* of a row of an LSTM layer's x and h */
  gsize h_stride, c_stride;   /* of an LSTM layer's memory */
  gsize scratch_row;          /* floats of scratch that a row needs */
  LstmActivation activation;
  float *weights; /* packed, or rows [in] of a normalization */
  gsize n_weights;
  gboolean relu;      /* instead of tanh, where there is no cell */
  LstmCellKind *cell; /* NULL: sigmoid and tanh or relu, and nothing besides */
  float *peepholes;   /* of cell: (3, c_stride) */
  LstmProjection *projection;
  float *initial_h, *initial_c; /* (h_stride), (c_stride), or NULL for zero */
  gboolean zero_masked;         /* a masked step gives 0, not the last output */
  gboolean returns_last;        /* of a whole sequence only the last step counts; ends a mask */
  gboolean reverse;             /* from the last step to the first */
  gboolean processed; /* reverse, with outputs in the order in which they came about */
  struct _LstmLayer *directions[2]; /* of a bidirectional layer, forward and reverse */
  LstmMerge merge;
  gsize repeat; /* steps that become of the last one; 0 for other layers */
  float mask_value, epsilon;
};

/* Steps that leave a layer */
static inline gsize
lstm_layer_steps (const LstmLayer *layer, const LstmBlock *block)
{
  return layer->repeat ? layer->repeat : block->whole && layer->returns_last ? 1 : block->steps;
}

/* Whether it needs whole sequences */
static inline gboolean
lstm_layer_needs_whole (const LstmLayer *layer)
{
  return layer->reverse || layer->directions[0] || layer->repeat;
}

extern const LstmLayerKind lstm_layer_lstm;
extern const LstmLayerKind lstm_layer_dense;
extern const LstmLayerKind lstm_layer_normalization;
extern const LstmLayerKind lstm_layer_layer_normalization;
extern const LstmLayerKind lstm_layer_activation;
extern const LstmLayerKind lstm_layer_masking;
extern const LstmLayerKind lstm_layer_bidirectional;
extern const LstmLayerKind lstm_layer_repeat;
