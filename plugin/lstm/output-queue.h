/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Outputs that wait for output buffers. */
#pragma once

#include "lstm/sequence-config.h"
#include "lstm/span.h"

/* The steps of one buffer */
typedef struct {
  gsize first, n_steps; /* index of the first step in `values`, and number of steps */
  GstLstmSpan span;
} GstLstmQueueItem;

/* Each tensor that the element emits is an array of (streams, stride, size). The causal
 * output-mode window stores (outputs, streams, 1, size) instead: stride 1, and `first` counts
 * outputs × streams. */
typedef struct {
  const GstLstmSequenceConfig *config;
  gfloat *values[GST_LSTM_N_TENSORS]; /* NULL: not emitted, or nothing is allocated */
  gsize n_streams;
  gsize stride;     /* steps from one stream to the next */
  gsize capacity;   /* in steps of all streams */
  GArray *items;    /* GstLstmQueueItem */
  guint n_popped;   /* of the items, from the first on */
  gboolean blocked; /* no item can be popped until the sequence ends */
} GstLstmOutputQueue;

/* @config must outlive @queue. */
void gst_lstm_output_queue_init (
    GstLstmOutputQueue *queue, const GstLstmSequenceConfig *config);
void gst_lstm_output_queue_clear (GstLstmOutputQueue *queue);

/* Removes all items, frees the values, and sets the number of streams. */
void gst_lstm_output_queue_set_streams (GstLstmOutputQueue *queue, gsize n_streams);

/* Allocates values of at least @n_steps steps of each stream, and keeps the present values. Returns
 * FALSE and sets @error if memory is insufficient. */
gboolean gst_lstm_output_queue_reserve (
    GstLstmOutputQueue *queue, gsize n_steps, GError **error);

/* Removes all items, and unblocks the queue. */
void gst_lstm_output_queue_remove_items (GstLstmOutputQueue *queue);

/* Appends an item of @n_steps steps from step @first on. */
void gst_lstm_output_queue_append (
    GstLstmOutputQueue *queue, gsize first, gsize n_steps, const GstLstmSpan *span);

/* Returns the next item, which stays in the queue. Returns: (nullable): NULL if all items were
 * popped */
const GstLstmQueueItem *gst_lstm_output_queue_peek (const GstLstmOutputQueue *queue);

/* Removes the next item, and copies its values to @tensors, which are NULL for tensors that are not
 * emitted, and (streams, n_steps, size) for the others. */
void gst_lstm_output_queue_pop (
    GstLstmOutputQueue *queue, gfloat *const tensors[GST_LSTM_N_TENSORS]);
