/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a loader calls, layer by layer from input to output: it gives names and arrays, and the
 * builder checks every shape, puts the gates in order and packs. */
#pragma once

#include "container/array.h"
#include "layers/layer.h"
#include "lstm/lstm.h"

typedef struct _LstmBuilder LstmBuilder;

/* @file: what messages begin with; @precision: of the LSTM layers' weights, others stay float32.
 * NULL with LSTM_ERROR_CPU if LSTM_ISA cannot be had. */
LstmBuilder *lstm_builder_new (const char *file, LstmPrecision precision, GError **error);
void lstm_builder_free (LstmBuilder *builder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LstmBuilder, lstm_builder_free)

/* The activation of that name in files, with the alpha and beta that it has unless others are
 * given. FALSE, listing all names, if there is none; @layer is for the message. */
gboolean lstm_builder_find_activation (const LstmBuilder *builder, const char *layer,
    const char *name, LstmActivation *activation, GError **error);

/* The name that find_activation() finds it by. */
const char *lstm_builder_activation_name (LstmActivationKind kind);

/* y = (x - mean) scale + offset; each [d] or a single value, which may come before d is known. */
gboolean lstm_builder_add_normalization (LstmBuilder *builder, const char *name,
    const LstmArray *mean, const LstmArray *scale, const LstmArray *offset, GError **error);

/* Over a step's features: y = (x - mean) / sqrt (variance + epsilon) gamma + beta; both [d] or a
 * single value, as above. */
gboolean lstm_builder_add_layer_normalization (LstmBuilder *builder, const char *name,
    double epsilon, const LstmArray *gamma, const LstmArray *beta, GError **error);

gboolean lstm_builder_add_activation (
    LstmBuilder *builder, const char *name, const LstmActivation *activation, GError **error);

/* Steps whose features are all @mask_value are masked for the layers that follow. */
gboolean lstm_builder_add_masking (
    LstmBuilder *builder, const char *name, double mask_value, GError **error);

/* y = activation (weight x + bias); weight [n, d], bias [n] or NULL */
gboolean lstm_builder_add_dense (LstmBuilder *builder, const char *name,
    const LstmArray *weight, const LstmArray *bias, const LstmActivation *activation,
    GError **error);

/* An LSTM layer; arrays that are not there are NULL. Biases are added. */
typedef struct {
  const char *name;
  const char *gates; /* order of the four blocks of m rows, a permutation of "ifgo" */
  const LstmArray *weight_ih, *weight_hh; /* [4 m, d], [4 m, p]; p = m without a projection */
  const LstmArray *bias_ih, *bias_hh;     /* [4 m] */
  const LstmArray *peephole;              /* [3 m], i, f, o */
  const LstmArray *projection;            /* [p, m] */
  const LstmArray *initial_h, *initial_c; /* [p], [m] */
  LstmActivation activations[3];          /* of i, f and o; of g; of c */
  float clip, cell_clip;                  /* INFINITY: none */
  gboolean input_forget, zero_masked, returns_last, reverse, processed; /* see LstmLayer */
} LstmRecurrent;

gboolean lstm_builder_add_lstm (
    LstmBuilder *builder, const LstmRecurrent *recurrent, GError **error);

/* Two LSTM layers that take the same input, the second one in reverse */
gboolean lstm_builder_add_bidirectional (LstmBuilder *builder, const LstmRecurrent *forward,
    const LstmRecurrent *reverse, LstmMerge merge, GError **error);

/* The last step, @steps times */
gboolean lstm_builder_add_repeat (
    LstmBuilder *builder, const char *name, gsize steps, GError **error);

/* Returns: (transfer full): the model; the builder is empty afterwards */
LstmModel *lstm_builder_finish (LstmBuilder *builder, GError **error);
