/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The steps of a sequence, and their outputs. */
#pragma once

#include "lstm/sequence.h"

/* Steps that run in parts. Between two parts h and c may be reset or replaced. */
typedef struct {
  /* (streams, n_steps, d), or NULL for zeros. NULL requires n_steps ≤ `in.steps`; the outputs
   * are part of the output at the end of the sequence or of a window only. */
  const gfloat *x;
  guint n_steps;
  GstLstmSpan span;
  gfloat *outputs[GST_LSTM_N_TENSORS]; /* (streams, n_steps, size); NULL: not written */
  GstMapInfo maps[GST_LSTM_N_TENSORS];
} GstLstmRun;

/* Maps the memories of @outbuf for the outputs of @run. @outbuf has a memory for each tensor if
 * the outputs are written at once, and is NULL otherwise. Returns FALSE and sets @error if
 * mapping fails; gst_lstm_sequence_run_end() must not be called then. */
gboolean gst_lstm_sequence_run_begin (
    const GstLstmSequence *sequence, GstLstmRun *run, GstBuffer *outbuf, GError **error);
void gst_lstm_sequence_run_end (const GstLstmSequence *sequence, GstLstmRun *run);

/* Runs @n steps from step @first, after the steps before it. A non-causal model needs all steps
 * in one part, and only keeps them. Returns FALSE and sets @error if they cannot be kept. */
gboolean gst_lstm_sequence_run_part (
    GstLstmSequence *sequence, const GstLstmRun *run, guint first, guint n, GError **error);

/* Ends the sequence: the outputs that need its end can be popped. */
gboolean gst_lstm_sequence_finish (GstLstmSequence *sequence, GError **error);

/* Gets the times and the number of steps of the next output, which may be in an earlier shape
 * than `out`. Returns FALSE if there is no output, with @error if a window could not run. */
gboolean gst_lstm_sequence_peek_output (
    GstLstmSequence *sequence, GstLstmSpan *span, guint *n_steps, GError **error);

/* Writes the output that was peeked at to the memories of @outbuf. Returns FALSE without @error
 * if the sequence was reset since. */
gboolean gst_lstm_sequence_pop_output (
    GstLstmSequence *sequence, GstBuffer *outbuf, GError **error);
