/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What `lstm` does with the memory of buffers: a model's state, the tensors that are emitted,
 * and the last step while only that one is wanted. Knows no pads and no threads. */
#pragma once

#include "tensors.h"
#include <lstm/lstm.h>

/* The tensors that a buffer may hold, in this order. */
typedef enum {
  GST_LSTM_TENSOR_OUTPUT,
  GST_LSTM_TENSOR_HIDDEN,
  GST_LSTM_TENSOR_CELL,
  GST_LSTM_N_TENSORS,
} GstLstmTensorKind;

typedef struct {
  LstmModel *model;
  guint emitted;       /* 1 << kind of each tensor that is wanted */
  gboolean final_only; /* the last step of a sequence is all that leaves */

  LstmState *state; /* from configure() on */
  GstLstmTensors in, out;
  gfloat *steps[GST_LSTM_N_TENSORS]; /* final_only: every step of a buffer, (streams, T, size) */
  gfloat *final[GST_LSTM_N_TENSORS]; /* final_only: the last step, (streams, size) */
  gboolean pending;                  /* final holds a step of this sequence */
  GstClockTime pending_pts, pending_duration; /* of that step */
} GstLstmSequence;

/* The name of a tensor in caps. */
const gchar *gst_lstm_tensor_name (GstLstmTensorKind kind);

/* Takes over @model. FALSE if it cannot give what is wanted. */
gboolean gst_lstm_sequence_start (GstLstmSequence *sequence, LstmModel *model, guint emitted,
    gboolean final_only, GError **error);
void gst_lstm_sequence_stop (GstLstmSequence *sequence);

/* What leaves for what comes in. */
void gst_lstm_sequence_describe (
    const GstLstmSequence *sequence, const GstLstmTensors *in, GstLstmTensors *out);

/* Takes the shapes of the stream: @in's d is the model's. The same bs keeps h and c, another one
 * begins anew. FALSE without memory. */
gboolean gst_lstm_sequence_configure (GstLstmSequence *sequence, const GstLstmTensors *in,
    const GstLstmTensors *out, GError **error);

/* h and c become zero, and what is pending is dropped. */
void gst_lstm_sequence_forget (GstLstmSequence *sequence);

/* Runs the steps of @inbuf, whose size fits `in`. @outbuf has the memories of `out`, or is NULL
 * when final_only: then the last step is kept and pending. FALSE if a buffer cannot be mapped. */
gboolean gst_lstm_sequence_run (
    GstLstmSequence *sequence, GstBuffer *inbuf, GstBuffer *outbuf);

/* Writes the pending step and its time to @outbuf; nothing is pending then. */
gboolean gst_lstm_sequence_take_final (GstLstmSequence *sequence, GstBuffer *outbuf);
