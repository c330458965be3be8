/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Runs steps through the layers of a model, for states and for windows. */
#pragma once

#include "model/state.h"

#define LSTM_NO_SLOT G_MAXSIZE

/* The state rows of windows: each stream has a row per slot. Layers up to the first LSTM layer
 * run once per stream, layers up to the last LSTM layer once per slot, and later layers only for
 * the slot whose window is complete. */
typedef struct {
  gsize n_slots;
  gsize first, last; /* the first and the last LSTM layer among all layers */
  gsize
      complete_slot; /* LSTM_NO_SLOT: no output, and layers after the last LSTM layer do not run */
} LstmSlots;

/* One pass of steps through all layers, at most as many as the chunk of the state */
typedef struct {
  gsize streams, steps;
  const float *input;     /* (streams, steps, d) */
  gsize input_stride;     /* floats from stream to stream */
  float *output;          /* (streams, output steps, n); NULL: only the memory is needed */
  gsize output_stride;    /* 0: n times the number of output steps */
  const LstmRun *run;     /* mask, trace and callback, for the chunk; NULL: none of them */
  const LstmSlots *slots; /* NULL: a state row per stream */
} LstmPass;

/* With slots, @pass has a single step, an output and no run. */
void lstm_chain_run (LstmState *state, const LstmPass *pass);
