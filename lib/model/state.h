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
  gboolean is_plain; /* no layer writes a mask: see lstm_chain_run_plain() */
  float *floats;      /* the allocation that contains the memory and the fields after it */
  LstmMemory *memory; /* in the order of the memory layouts of the model */
  /* (streams, chunk, widest layer): each layer reads one buffer and writes the other */
  float *layer_buffers[2];
  float *scratch; /* (streams, chunk, widest scratch row) */
  float *saved_c; /* (streams, widest c_stride) */
  guint8 *mask;   /* (streams, chunk) */
  /* (streams, widest sum of h_stride and c_stride of the memories of a layer): see
   * lstm_state_gather() */
  float *compact;
  guint8 *marks; /* (streams), all 0 between two calls: see lstm_state_are_distinct() */
  LstmThreads *threads; /* NULL: the state runs on one thread */
};

/* Returns a state for calls of at most @chunk steps; see lstm_state_new(). */
LstmState *lstm_state_new_chunked (
    LstmModel *model, gsize streams, gsize chunk, GError **error);

/* Returns the number of steps that pass all layers together if only @n_streams streams run. */
gsize lstm_state_get_chunk (const LstmState *state, gsize n_streams);

/* Returns whether @rows [@n_rows] contains indices below @n_streams, each at most once. @n_streams
 * is at most the number of state rows. NULL is a list without an index. */
gboolean lstm_state_are_distinct (
    const LstmState *state, gsize n_streams, const gsize *rows, gsize n_rows);

/* Returns @rows, or NULL if the list contains all of @n_streams streams in their order. */
const gsize *lstm_state_find_list (gsize n_streams, const gsize *rows, gsize n_rows);

/* Copies h and c of the listed streams to compact memory, in the order of the list, for a layer
 * with memories. The layer runs the compact memory like a state of @n_rows streams, without h and c
 * of other streams. The compact memory is valid until the next layer is gathered.
 * @n_slots: state rows of each stream
 * @compact: (n_memories of the kind), receives the pointers to the compact memory */
void lstm_state_gather (const LstmState *state, const LstmLayer *layer, const gsize *rows,
    gsize n_rows, gsize n_slots, LstmMemory *compact);

/* Copies h and c of the listed streams from compact memory back to the state. */
void lstm_state_scatter (LstmState *state, const LstmLayer *layer, const gsize *rows,
    gsize n_rows, gsize n_slots, const LstmMemory *compact);

/* Copies h and c of @from, a state of the same model with as many streams. */
void lstm_state_copy_memory (LstmState *state, const LstmState *from);

/* Copies h and c of the state row @from_row of @from, a state of the same model, to the state row
 * @row. */
void lstm_state_copy_row (LstmState *state, gsize row, const LstmState *from, gsize from_row);

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
