/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Recurrent layers: LSTM, GRU and simple RNN. recurrent-load.c reads their description,
 * recurrent-build.c checks it, and recurrent.c runs the steps of a block. A row of functions
 * (LstmCellType), in lstm.c, gru.c and rnn.c, defines what distinguishes the types. */
#pragma once

#include "layers/builder.h"
#include "layers/pack.h"

#define LSTM_MAX_CELL_ACTIVATIONS 3

typedef struct _LstmCellType LstmCellType;

/* A recurrent layer, or one of its directions. Arrays that the layer does not have are NULL. g is
 * the number of gates of its type. */
typedef struct {
  const LstmCellType *type;
  const char *name; /* for messages */
  /* (g m, d), (g m, p): the rows of one gate after the other; p = m without a projection */
  LstmArray *weight_ih, *weight_hh;
  const LstmArray *bias_ih, *bias_hh;                    /* (g m), added */
  const LstmArray *peephole;                             /* of LSTM: (3 m): i, f, o */
  LstmArray *projection;                                 /* of LSTM: (p, m) */
  const LstmArray *initial_h, *initial_c;                /* (p), (m) */
  LstmActivation activations[LSTM_MAX_CELL_ACTIVATIONS]; /* see LstmCellType */
  float clip, cell_clip;                                 /* INFINITY: no bound */
  gboolean input_forget;                                 /* of LSTM: f = 1 - i */
  gboolean reset_after;                                  /* of GRU: r multiplies U h, not h */
  gboolean zero_masked;  /* a masked step outputs 0, not the previous output */
  gboolean returns_last; /* of a complete sequence, only the last step is output; ends a mask */
  gboolean reverse;      /* from the last step to the first */
  gboolean keep_processing_order; /* with reverse, outputs are in the order of processing */
} LstmRecurrentParams;

/* The sizes of a recurrent layer */
typedef struct {
  gsize d, m, p;
} LstmRecurrentSizes;

/* The data of a recurrent layer. Pointers that the layer does not need are NULL. */
typedef struct {
  const LstmCellType *type;
  LstmMemoryLayout memory_layout;
  LstmMatrix matrix;      /* bias and W, and U if u_offset is set */
  gsize u_offset;         /* lanes from a panel to its U */
  gsize x_words, h_words; /* of a row of x and of h */
  gsize gate_width;       /* lanes of a gate side by side in a row of z */
  /* Runs a fused step; NULL: the type runs the step in separate passes. */
  void (*run_fused) (const LstmStep *step);
  /* Runs fused steps of one stream; NULL: each step is a call of run_fused. */
  void (*run_stream) (const LstmStreamSteps *steps);
  gboolean relu;             /* the activation of a fused step: relu if TRUE, else tanh */
  gsize extra_row;           /* floats of scratch memory of a state row, for the type */
  LstmMatrix projection;     /* of LSTM: weights NULL: h is the output of the cells */
  float *peepholes;          /* of LSTM: (3, c_stride) */
  LstmCellParams *lstm_cell; /* of an LSTM whose step is not fused */
  LstmMatrix recurrent;      /* of a GRU whose step is not fused: bias and U */
  LstmGruCellParams *gru_cell;
  LstmActivation activation; /* of a simple RNN */
  float clip;
  gboolean zero_masked, returns_last, reverse, keep_processing_order; /* see the params */
} LstmRecurrent;

/* A step of all state rows of a block that is not fused */
typedef struct {
  const LstmMemory *memory;
  gsize n_rows;
  float *z; /* (n_rows, n_lanes), bias + x W; becomes the gates if the type traces gates */
  gsize z_stride;
  float *extra;   /* (n_rows, extra_row) */
  float *h_words; /* (n_rows, h_words), followed by a scale each */
  LstmThreads *threads; /* nullable */
} LstmUnfusedStep;

/* A type of recurrent layer: a row of functions, which its LstmLayerKind refers to */
struct _LstmCellType {
  const char *gates; /* a letter for each gate, in the order of the matrix rows in files */
  guint n_gates;
  guint n_traced_gates; /* for each unit and step; 0: the gates cannot be traced */
  gboolean has_c;
  guint n_activations;
  const char *activations[LSTM_MAX_CELL_ACTIVATIONS]; /* the defaults */
  /* Packs the weights, and sets the strides of the memory layout. */
  gboolean (*pack) (LstmRecurrent *recurrent, const LstmBuilder *builder,
      const LstmRecurrentParams *params, LstmRecurrentSizes sizes, GError **error);
  void (*run_unfused_step) (
      const LstmRecurrent *recurrent, const LstmKernels *kernels, const LstmUnfusedStep *step);
};

extern const LstmCellType lstm_cell_type_lstm, lstm_cell_type_gru, lstm_cell_type_rnn;

/* Checks and packs a layer, and appends it to the fingerprint of @builder but not to its layers.
 * @kind: the kind of recurrent layers
 * Returns: (transfer full) (nullable): the layer, or NULL with @error */
LstmLayer *lstm_recurrent_layer_new (const LstmLayerKind *kind, LstmBuilder *builder,
    const LstmRecurrentParams *params, GError **error);

/* Returns the output of each lane, or G_MAXSIZE for padding. A row consists of groups with one part
 * of @gate_width lanes for each gate: lane l of a part in group k is unit k * gate_width + l.
 * @blocks: (n_gates): the index of each gate among the gates of the file
 * Returns: (transfer full): [n_groups * n_gates * gate_width] */
gsize *lstm_recurrent_make_columns (
    gsize m, gsize n_groups, gsize gate_width, const guint *blocks, guint n_gates);

/* Sets @copy to the rows [n_rows, n] of @array, each padded to @stride. Does nothing if @array is
 * NULL. */
gboolean lstm_recurrent_copy_rows (
    const LstmArray *array, gsize n_rows, gsize n, gsize stride, float **copy, GError **error);

/* Returns @n_rows rows of @k values as words. If the words are not the values themselves, writes
 * the words and their scales to @words, n_words of each row. */
LstmRows lstm_recurrent_make_words (const LstmRecurrent *recurrent, const float *x,
    gsize x_stride, gsize n_rows, gsize k, gsize n_words, float *words);

/* Functions of the kinds, see LstmLayerKind */
gboolean lstm_recurrent_load (const LstmLayerSource *source, GError **error);
void lstm_recurrent_free (gpointer data);
const LstmMemoryLayout *lstm_recurrent_get_memory_layout (const LstmLayer *layer, guint index);
void lstm_recurrent_run (
    const LstmLayer *layer, const LstmKernels *kernels, const LstmBlock *b);
