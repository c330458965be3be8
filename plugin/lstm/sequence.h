/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The current sequences of all streams: the model's state, and the memory of inputs and outputs.
 * This structure does not depend on pads or threads. sequence-run.h runs steps, and
 * sequence-state.h saves h and c. */
#pragma once

#include "lstm/complete-sequence.h"
#include "lstm/model-change.h"

/* All zeros, except from start() to stop() */
typedef struct {
  GstLstmSequenceConfig config;

  /* From gst_lstm_sequence_configure() on */
  GstLstmTensors in, out; /* of an input and an output buffer; in.n_tensors 0: not configured */
  LstmState *state;       /* nullable: of a causal model, unless outputs are windows */
  guint state_steps;      /* per call, for which `state` has scratch memory; 0: unknown */
  LstmWindow *window;     /* nullable: of a causal model if outputs are windows */
  gboolean restored;      /* h and c are a saved state, and no step has run since */
  gfloat *zeros;          /* (streams, T, d), zeros except for parameters */
  gsize zeros_bytes;      /* allocated bytes of `zeros` */
  gfloat *step;           /* (streams, d), scratch memory for output-mode final and window */
  gsize step_bytes;       /* allocated bytes of `step` */
  GstLstmModelChange change;      /* that runs */
  GstLstmModelChange next_change; /* that follows `change` */
  gfloat *change_outputs;         /* (streams, T, n), scratch memory of a change */
  gsize change_bytes;             /* allocated bytes of `change_outputs` */
  gboolean has_new_model;         /* a change is complete; the element has not reported it */
  GstLstmOutputQueue queue;
  GstLstmCompleteSequence complete; /* of a non-causal model */
} GstLstmSequence;

/* Initializes @sequence, whose address must not change, with @model (transfer full), from
 * gst_lstm_models_open(). Returns FALSE and sets @error if the model does not have the outputs that
 * @settings request. The caller must call gst_lstm_sequence_stop() in that case, too. */
gboolean gst_lstm_sequence_start (GstLstmSequence *sequence, LstmModel *model,
    const GstLstmSettings *settings, GError **error);
void gst_lstm_sequence_stop (GstLstmSequence *sequence);

/* Changes the model to @model (transfer full), from gst_lstm_models_open(), in @length steps. Returns
 * FALSE and sets @error, which begins with @property, if the model has other sizes, or if the outputs
 * are not one for each step. */
gboolean gst_lstm_sequence_change_model (GstLstmSequence *sequence, LstmModel *model,
    guint64 length, const gchar *property, GError **error);

/* Ends the changes whose steps have run: the new model replaces the previous one. Only the streaming
 * thread may call this function, because that thread reads `config` without a lock. */
void gst_lstm_sequence_take_complete_changes (GstLstmSequence *sequence);

/* Returns whether the sequences may continue with buffers of @in. Another number of streams begins
 * new sequences. */
gboolean gst_lstm_sequence_continues (
    const GstLstmSequence *sequence, const GstLstmTensors *in);

/* Sets the shape of the input buffers. If the sequence does not continue, a new sequence
 * begins. Returns FALSE and sets @error if memory is insufficient, or if a restored state has
 * other streams. */
gboolean gst_lstm_sequence_configure (
    GstLstmSequence *sequence, const GstLstmTensors *in, GError **error);

/* Sets h and c to the model's initial state, and discards all pending input and output. */
void gst_lstm_sequence_reset (GstLstmSequence *sequence);

/* Discards all pending input and output. h and c stay. */
void gst_lstm_sequence_discard_pending (GstLstmSequence *sequence);
