/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/model.h"

struct _LstmState {
  gatomicrefcount refs;
  LstmModel *model;
  gsize streams; /* state rows; with windows, slots of all streams */
  gsize chunk; /* steps that pass all layers together: streams * chunk rows of scratch memory */
  gboolean runs_complete_sequences; /* each call runs a complete sequence of each stream */
  gsize max_steps;                  /* of a complete sequence */
  float *floats;      /* the allocation that contains the memory and the fields after it */
  LstmMemory *memory; /* in the order of the memory layouts of the model */
  /* (streams, chunk, widest layer): each layer reads one buffer and writes the other */
  float *layer_buffers[2];
  float *scratch; /* (streams, chunk, widest scratch row) */
  float *saved_c; /* (streams, widest c_stride) */
  guint8 *mask;   /* (streams, chunk) */
};

/* Returns a state for calls of at most @chunk steps; see lstm_state_new(). */
LstmState *lstm_state_new_chunked (
    LstmModel *model, gsize streams, gsize chunk, GError **error);

/* Copies h and c of @from, a state of the same model with as many streams. */
void lstm_state_copy_memory (LstmState *state, const LstmState *from);

/* Copies h or c of the memory @index to @copy, (streams, n_h or n_c). */
void lstm_state_copy_rows (const LstmState *state, guint index, gboolean is_cell, float *copy);

/* A value of h or c that is NaN or infinite */
typedef struct {
  guint memory;     /* index of the memory */
  gboolean is_in_c; /* the value is in c, not in h */
  gsize unit;
  float value;
} LstmFlaw;

/* Sets @flaw to the first value that is not finite in the state row @row. Returns FALSE if all
 * values are finite. */
gboolean lstm_state_find_flaw (const LstmState *state, gsize row, LstmFlaw *flaw);
