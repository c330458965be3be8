/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The events and buffers of one stream of a GstAnalyticsBatchMeta, in their order. */
#pragma once

#include <gst/analytics/analytics.h>

typedef struct {
  GstAnalyticsBatchStream *stream; /* of a writable buffer; not owned */
  gsize next;                      /* of the sticky events, and then of the objects */
  GstBufferList *list;             /* nullable: the object whose buffers are next; not owned */
  guint next_in_list;
} GstLstmBatchCursor;

/* An event or a buffer. Both are NULL at the end. Not owned; valid until the buffer is replaced */
typedef struct {
  GstEvent *event;
  GstBuffer *buffer;
} GstLstmBatchItem;

/* Begins with the sticky events of @stream, which precede its objects. */
void gst_lstm_batch_cursor_init (GstLstmBatchCursor *cursor, GstAnalyticsBatchStream *stream);

/* Returns the next item. */
GstLstmBatchItem gst_lstm_batch_cursor_advance (GstLstmBatchCursor *cursor);

/* Replaces the event that the cursor has returned last by @event. */
void gst_lstm_batch_cursor_replace_event (GstLstmBatchCursor *cursor, GstEvent *event);

/* Inserts @event before the buffer that the cursor has returned last, or before its list. */
void gst_lstm_batch_cursor_insert_event (GstLstmBatchCursor *cursor, GstEvent *event);

/* Returns the buffer that replaces @buffer (transfer full). Returns: (transfer full) */
typedef GstBuffer *(*GstLstmReplaceBuffer) (GstBuffer *buffer, gpointer data);

/* Replaces the buffer that the cursor has returned last. */
void gst_lstm_batch_cursor_replace_buffer (
    GstLstmBatchCursor *cursor, GstLstmReplaceBuffer replace, gpointer data);
