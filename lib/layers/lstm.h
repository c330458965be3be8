/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * LSTM layers: lstm-load.c reads their description, lstm-pack.c checks and packs them, lstm.c
 * runs them. */
#pragma once

#include "layers/builder.h"
#include "layers/pack.h"

/* An LSTM layer, or one of its directions. Arrays that the layer does not have are NULL. */
typedef struct {
  const char *name; /* for messages */
  /* (4 m, d), (4 m, p): rows of i, f, g and o; p = m without a projection */
  const LstmArray *weight_ih, *weight_hh;
  const LstmArray *bias_ih, *bias_hh;     /* (4 m), added */
  const LstmArray *peephole;              /* (3 m): i, f, o */
  const LstmArray *projection;            /* (p, m) */
  const LstmArray *initial_h, *initial_c; /* (p), (m) */
  LstmActivation activations[3];          /* of i, f and o; of g; of c */
  float clip, cell_clip;                  /* INFINITY: no bound */
  gboolean input_forget;                  /* f = 1 - i */
  gboolean zero_masked;                   /* a masked step outputs 0, not the previous output */
  gboolean returns_last; /* of a complete sequence, only the last step is output; ends a mask */
  gboolean reverse;      /* from the last step to the first */
  gboolean keep_processing_order; /* with reverse, outputs are in the order of processing */
} LstmLstmParams;

/* The data of an LSTM layer */
typedef struct {
  LstmMemoryLayout memory_layout;
  LstmMatrix matrix;      /* bias, W and U */
  LstmMatrix projection;  /* weights NULL: h is the output of the cells */
  gsize u_offset;         /* lanes from a panel to its U */
  gsize x_words, h_words; /* of a row of x and of h */
  gboolean relu;        /* the activation of g and c of a fused step: relu if TRUE, else tanh */
  LstmCellParams *cell; /* NULL: the step is fused */
  float *peepholes;     /* of the cell: (3, c_stride) */
  gboolean zero_masked, returns_last, reverse, keep_processing_order; /* see LstmLstmParams */
} LstmLstm;

/* Checks and packs a layer, and appends it to the fingerprint of @builder but not to its layers.
 * @kind: the kind of LSTM layers
 * Returns: (transfer full) (nullable): the layer, or NULL with @error */
LstmLayer *lstm_lstm_layer_new (const LstmLayerKind *kind, LstmBuilder *builder,
    const LstmLstmParams *params, GError **error);

/* Functions of the kind, see LstmLayerKind */
gboolean lstm_lstm_load (const LstmLayerSource *source, GError **error);
void lstm_lstm_free (gpointer data);
