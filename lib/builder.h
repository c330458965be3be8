/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a loader calls, layer by layer from input to output: it gives names and arrays, and the
 * builder checks every shape, puts the gates in order and packs. */
#pragma once

#include "lstm/lstm.h"

/* Values of a tensor, row-major. n_dims 0 is a single value. */
typedef struct {
  const char *name; /* for messages */
  guint n_dims;
  gsize shape[2];
  float *values;
} LstmArray;

typedef struct _LstmBuilder LstmBuilder;

/* @file: what messages begin with; @precision: of the LSTM layers' weights, others stay float32.
 * NULL with LSTM_ERROR_CPU if LSTM_ISA cannot be had. */
LstmBuilder *lstm_builder_new (const char *file, LstmPrecision precision, GError **error);
void lstm_builder_free (LstmBuilder *builder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LstmBuilder, lstm_builder_free)

/* y = (x - mean) scale; both [d] or a single value, which may come before d is known. */
gboolean lstm_builder_add_normalization (LstmBuilder *builder, const char *name,
    const LstmArray *mean, const LstmArray *scale, GError **error);

/* y = activation (weight x + bias); weight [n, d], bias [n] or NULL, activation by name */
gboolean lstm_builder_add_dense (LstmBuilder *builder, const char *name,
    const LstmArray *weight, const LstmArray *bias, const char *activation, GError **error);

/* An LSTM layer: weight_ih [4 m, d], weight_hh [4 m, m], both biases [4 m] or NULL (they are
 * added). @gates is the order of the four blocks of m rows, a permutation of "ifgo". */
gboolean lstm_builder_add_lstm (LstmBuilder *builder, const char *name,
    const LstmArray *weight_ih, const LstmArray *weight_hh, const LstmArray *bias_ih,
    const LstmArray *bias_hh, const char *gates, GError **error);

/* Returns: (transfer full): the model; the builder is empty afterwards */
LstmModel *lstm_builder_finish (LstmBuilder *builder, GError **error);
