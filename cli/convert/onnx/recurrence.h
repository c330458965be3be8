/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The kinds of recurrent layers: a row for each. */
#pragma once

#include <glib.h>

#define ONNX_MAX_GATES 4
#define ONNX_MAX_FUNCTIONS 3

typedef struct {
  const char *op;    /* the operator of ONNX */
  const char *layer; /* the type in lstm.layers */
  guint n_gates;
  guint gates[ONNX_MAX_GATES]; /* (n_gates), the positions in ONNX of the gates of liblstm */
  guint n_functions;           /* activations of a direction */
  const char *functions[ONNX_MAX_FUNCTIONS]; /* (n_functions), the defaults */
  gboolean has_cell;                         /* whether the state has a c */
} OnnxRecurrence;

extern const OnnxRecurrence onnx_recurrence_lstm; /* ONNX: i o f c, liblstm: i f g o */
extern const OnnxRecurrence onnx_recurrence_gru;  /* ONNX: z r h, liblstm: r z n */
extern const OnnxRecurrence onnx_recurrence_rnn;

/* The kinds of recurrent layers in messages */
#define ONNX_RECURRENT "LSTM, GRU or RNN"
