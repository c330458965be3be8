/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Output buffers, and the caps that follow their steps. */
#pragma once

#include "lstm/element.h"

/* Allocates an output buffer with a memory for each tensor, from downstream's pool if there is
 * only one tensor. */
GstFlowReturn gst_lstm_allocate_output (GstLstm *self, GstBuffer **outbuf);

/* Changes the order of the samples in @buffer from streams to audio frames. */
GstFlowReturn gst_lstm_interleave_output (GstLstm *self, GstBuffer *buffer);

/* Writes the headers of flexible tensors before the values of @buffer, if the source caps are
 * flexible. gst_lstm_allocate_output() reserved the memory. */
GstFlowReturn gst_lstm_add_headers (GstLstm *self, GstBuffer *buffer);

/* Marks @buffer DISCONT if an input buffer was dropped since the last output. */
void gst_lstm_mark_output (GstLstm *self, GstBuffer *buffer);

/* Sets the steps of output buffers in the source caps. Returns FALSE and posts an error if
 * downstream does not accept them. */
gboolean gst_lstm_set_output_steps (GstLstm *self, guint n_steps);

/* Sets the shape of the tensors that are attached to media. If the source caps state another shape,
 * pushes new caps. Returns FALSE and posts an error if downstream does not accept them. */
gboolean gst_lstm_set_attached_shape (GstLstm *self, GstLstmTensorShape shape);

/* Pops the next queued output into a new buffer, or sets *@outbuf to NULL if the queue has no
 * output. Sets *@n_steps to the number of steps since the last reset. */
GstFlowReturn gst_lstm_pop_output (GstLstm *self, GstBuffer **outbuf, guint64 *n_steps);

/* Appends all queued outputs to *@outbuf (nullable: a new buffer), for a buffer of media. */
GstFlowReturn gst_lstm_collect_outputs (GstLstm *self, GstBuffer **outbuf);

/* Pushes all queued outputs at an event. If downstream refuses a buffer, the other outputs are
 * dropped, and the next input buffer returns the flow return of downstream. */
void gst_lstm_push_outputs (GstLstm *self);

/* Ends the sequence, and pushes the outputs that need its end. */
void gst_lstm_drain_sequence (GstLstm *self);
