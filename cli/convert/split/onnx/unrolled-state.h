/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Outputs of recurrent nodes of one step, which nodes only move. */
#pragma once

#include "split/onnx/graph.h"

/* All numbers of an output of a recurrent node: h of one step, (batch, m), or c */
typedef struct {
  const SplitNode *node;
  gboolean is_cell;
} SplitBlock;

/* A tensor whose numbers are those of blocks, one after another */
typedef struct {
  guint n_dims;
  gint64 shape[ONNX_MAX_DIMS]; /* (n_dims) */
  guint n;
  const SplitBlock *blocks; /* (n) */
} SplitState;

/* Returns whether @node is an LSTM, a GRU or an RNN node of ONNX. */
gboolean onnx_split_is_recurrent (const SplitNode *node);

/* Returns a table from SplitValue to SplitState: the outputs of the recurrent nodes, and the
 * tensors that nodes make from these by moving numbers. The shapes of these tensors become
 * constants.
 * Returns: (transfer full) */
GHashTable *onnx_split_find_states (Splitter *splitter);
