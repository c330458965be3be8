/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Metadata keys, tensors and digest of a saved state, as docs/formats.md describes them. A saved
 * window is a saved state with slots. */
#pragma once

#include "container/safetensors.h"
#include "lstm/lstm.h"

#define LSTM_STATE_KEY_PREFIX "lstm."
#define LSTM_STATE_KEY_STATE "lstm.state"
#define LSTM_STATE_KEY_MODEL "lstm.model"
#define LSTM_STATE_KEY_STREAMS "lstm.streams"
#define LSTM_STATE_KEY_NEXT_TIME "lstm.next-time"
#define LSTM_STATE_KEY_LAST_TIME "lstm.time" /* in files without LSTM_STATE_KEY_NEXT_TIME */
#define LSTM_STATE_KEY_STEPS "lstm.steps"
#define LSTM_STATE_KEY_LENGTH "lstm.window-length"
#define LSTM_STATE_KEY_HOP "lstm.window-hop"
#define LSTM_STATE_KEY_POSITION "lstm.window-position"
#define LSTM_STATE_KEY_DIGEST "lstm.digest"
#define LSTM_STATE_VERSION "1" /* value of LSTM_STATE_KEY_STATE */

/* Returns whether the file of a state, or of a window, may contain @key. */
gboolean lstm_state_layout_has_key (const char *key, gboolean of_window);

/* A tensor of a saved state: h or c of a recurrent layer or of a pooling layer */
typedef struct {
  char name[32];
  guint memory; /* index of the memory in the state */
  gboolean is_cell;
  guint n_dims;
  gsize shape[3]; /* (streams, n) or (streams, slots, n) */
  gsize n_rows;   /* streams, or streams * slots */
  gsize n;        /* values in a row */
} LstmStateTensor;

/* Returns the number of tensors of a saved state. */
guint lstm_state_layout_count_tensors (const LstmModel *model);

/* Returns the tensor of h or c of a memory of the state. @slots: the slots per stream of a window;
 * 0 for a state */
LstmStateTensor lstm_state_layout_get_memory (
    const LstmModel *model, guint memory, gboolean is_cell, gsize streams, gsize slots);

/* Returns the tensor @index. The tensors are h and c of the first memory of the state, then h and
 * c of the next memory. A memory without c has only h. */
LstmStateTensor lstm_state_layout_get_tensor (
    const LstmModel *model, guint index, gsize streams, gsize slots);

/* Computes the digest of the keys and tensors of a saved state. The digest does not depend on their
 * order in the file.
 * Returns: (transfer full): the value of LSTM_STATE_KEY_DIGEST */
char *lstm_state_layout_make_digest (const LstmSafetensors *st, const LstmModel *model);
