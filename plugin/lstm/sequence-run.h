/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The steps of a sequence, and their outputs. */
#pragma once

#include "lstm/sequence.h"

/* Steps that run in parts. Between two parts h and c may be reset or replaced. */
typedef struct {
  /* (streams, n_steps, d), or NULL for zeros. NULL requires n_steps ≤ `in.steps`. Steps of zeros
   * belong to no input buffer, so only the final vector and windows show their outputs. */
  const gfloat *x;
  guint n_steps;
  GstLstmSpan span;
  /* (streams, n_steps, size) of each tensor; NULL: not written. Nullable: no output is written. */
  gfloat *const *outputs;
} GstLstmRun;

/* Maps the memories of @buffer for writing, as the tensors that are emitted. The other @tensors
 * become NULL. If mapping fails, returns FALSE and sets @error, and
 * gst_lstm_sequence_unmap_tensors() must not be called. */
gboolean gst_lstm_sequence_map_tensors (const GstLstmSequence *sequence, GstBuffer *buffer,
    GstMapInfo maps[GST_LSTM_N_TENSORS], gfloat *tensors[GST_LSTM_N_TENSORS], GError **error);
void gst_lstm_sequence_unmap_tensors (
    const GstLstmSequence *sequence, GstMapInfo maps[GST_LSTM_N_TENSORS]);

/* Runs @n steps from step @first on. The previous steps must have run. A non-causal model needs all
 * steps in one part, and only stores them. Returns FALSE and sets @error if there are too many. */
gboolean gst_lstm_sequence_run_part (
    GstLstmSequence *sequence, const GstLstmRun *run, guint first, guint n, GError **error);

/* Ends the sequence, so that the outputs that need its end can be popped. */
gboolean gst_lstm_sequence_finish (GstLstmSequence *sequence, GError **error);

/* Gets the times and the number of steps of the next output, which may differ from `out.steps`
 * after a change of caps. Returns FALSE if there is no output, with @error if a window could not
 * run. */
gboolean gst_lstm_sequence_peek_output (
    GstLstmSequence *sequence, GstLstmSpan *span, guint *n_steps, GError **error);

/* Writes the output that gst_lstm_sequence_peek_output() described to the memories of @outbuf.
 * Returns FALSE without @error if the sequence has been reset since then. */
gboolean gst_lstm_sequence_pop_output (
    GstLstmSequence *sequence, GstBuffer *outbuf, GError **error);
