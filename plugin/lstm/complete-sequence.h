/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Complete sequences for non-causal models, which have no output before the last step of a
 * sequence. The input is kept, and runs when the sequence ends, or window by window. */
#pragma once

#include "lstm/output-queue.h"

typedef struct {
  const GstLstmSequenceConfig *config;
  const GstLstmTensors *in;  /* the shape of the input buffers */
  GstLstmOutputQueue *queue; /* of the outputs */
  LstmState *state;          /* nullable: no sequence has run */
  gsize capacity;            /* of `state`, in steps */
  GArray *input;             /* gfloat (steps, streams, d) */
  GArray *spans;             /* GstLstmSpan of each step */
  GArray *input_buffers;     /* GstLstmQueueItem: the steps of each input buffer */
  gsize n_steps_to_skip;    /* next steps that no window contains: window-hop > window-length */
  gboolean was_interrupted; /* the last run ended before its last step */

  /* Called between the steps of a run; may reset the sequence. FALSE ends the run. */
  gboolean (*should_continue) (gpointer data);
  gpointer should_continue_data;
} GstLstmCompleteSequence;

/* @config, @in and @queue must outlive @complete. */
void gst_lstm_complete_sequence_init (GstLstmCompleteSequence *complete,
    const GstLstmSequenceConfig *config, const GstLstmTensors *in, GstLstmOutputQueue *queue);
void gst_lstm_complete_sequence_clear (GstLstmCompleteSequence *complete);

/* Removes all steps. */
void gst_lstm_complete_sequence_reset (GstLstmCompleteSequence *complete);

/* Appends @n_steps steps of @x, (streams, n_steps, d). @has_buffer: the steps belong to an input
 * buffer, which gets an output buffer. Returns FALSE and sets @error if the sequence would be too
 * long. */
gboolean gst_lstm_complete_sequence_append (GstLstmCompleteSequence *complete, const gfloat *x,
    guint n_steps, const GstLstmSpan *span, gboolean has_buffer, GError **error);

/* Returns the number of steps for which the next run needs a new state, or 0 if the present state
 * suffices. */
gsize gst_lstm_complete_sequence_get_needed_steps (const GstLstmCompleteSequence *complete);

/* Replaces the state by @state (transfer full) (nullable), for sequences of at most @n_steps
 * steps. */
void gst_lstm_complete_sequence_set_state (
    GstLstmCompleteSequence *complete, LstmState *state, gsize n_steps);

/* Runs the sequence, unless outputs are windows, and queues its outputs. Returns FALSE and sets
 * @error if memory is insufficient. An interrupted run removes all steps and returns TRUE. */
gboolean gst_lstm_complete_sequence_finish (GstLstmCompleteSequence *complete, GError **error);

/* Runs the next window, if all its steps have been appended, like
 * gst_lstm_complete_sequence_finish(). */
gboolean gst_lstm_complete_sequence_run_window (
    GstLstmCompleteSequence *complete, GError **error);
