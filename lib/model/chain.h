/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Runs steps through the layers of a model, for states and for windows. */
#pragma once

#include "model/state.h"

/* The state rows of windows: each stream has a state row per slot. Layers up to the first LSTM
 * layer run once per stream. The following layers up to the last LSTM layer run once per slot.
 * Layers after the last LSTM layer run only for the slots whose windows are complete. */
typedef struct {
  gsize n_slots;
  gsize first_lstm, last_lstm; /* indices among all layers; G_MAXSIZE: no LSTM layer */
  /* (n_complete), stream of the pass * n_slots + slot, in ascending order: at most one for each
   * stream. Without a complete window there is no output. */
  const gsize *complete_rows;
  gsize n_complete;
} LstmSlots;

/* The trace of an LSTM layer or direction; see LstmRun */
typedef struct {
  guint layer;
  float *hidden, *cell, *gates; /* (streams, steps, p, m or 4 m), nullable */
} LstmTrace;

/* One pass of steps through all layers, at most as many as the chunk of the state. The arrays
 * begin with the first step of the pass. */
typedef struct {
  gsize streams, steps;
  const gsize *rows;   /* (streams): the listed streams of the state; NULL: all of them */
  gsize stream_stride; /* steps from stream to stream of the input, the mask and the trace */
  const float *input;  /* (streams, steps, d) */
  /* (streams, output steps, n); NULL: only the memory is needed. With slots, only the rows of the
   * streams whose windows are complete are written. */
  float *output;
  gsize output_stride; /* floats from stream to stream; 0: n times the number of output steps */
  const guint8 *mask;  /* of LstmRun: (streams, steps), 0 for a masked step; nullable */
  const LstmTrace *trace;                           /* nullable */
  gboolean (*should_continue) (gpointer user_data); /* of LstmRun, nullable */
  gpointer should_continue_data;
  const LstmSlots *slots; /* NULL: a state row per stream */
} LstmPass;

/* Runs @pass through all layers. With slots, @pass has a single step, no mask and no trace, and an
 * output if a window is complete. */
void lstm_chain_run (LstmState *state, const LstmPass *pass);

/* Runs @steps steps of all streams, at most the chunk of the state, through all layers of a plain
 * state. The result is that of lstm_chain_run() without a mask and without a trace.
 * @stream_stride: steps from stream to stream of @input and @output
 * @output: nullable */
void lstm_chain_run_plain (
    LstmState *state, gsize steps, gsize stream_stride, const float *input, float *output);
