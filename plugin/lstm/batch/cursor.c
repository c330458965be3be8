/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/batch/cursor.h"
#include <string.h>

void
gst_lstm_batch_cursor_init (GstLstmBatchCursor *cursor, GstAnalyticsBatchStream *stream)
{
  *cursor = (GstLstmBatchCursor){.stream = stream};
}

/* Returns the next buffer of the list, or no item after its last buffer. */
static GstLstmBatchItem
advance_in_list (GstLstmBatchCursor *cursor)
{
  if (cursor->list && cursor->next_in_list < gst_buffer_list_length (cursor->list))
    return (GstLstmBatchItem){
        .buffer = gst_buffer_list_get (cursor->list, cursor->next_in_list++)};
  cursor->list = NULL;
  return (GstLstmBatchItem){NULL};
}

GstLstmBatchItem
gst_lstm_batch_cursor_advance (GstLstmBatchCursor *cursor)
{
  const GstAnalyticsBatchStream *stream = cursor->stream;
  GstLstmBatchItem item = advance_in_list (cursor);

  while (!item.buffer && cursor->next < stream->n_sticky_events + stream->n_objects) {
    const gsize i = cursor->next++;
    GstMiniObject *object;

    if (i < stream->n_sticky_events)
      return (GstLstmBatchItem){.event = stream->sticky_events[i]};
    object = stream->objects[i - stream->n_sticky_events];
    if (GST_IS_EVENT (object))
      return (GstLstmBatchItem){.event = GST_EVENT_CAST (object)};
    if (GST_IS_BUFFER (object))
      return (GstLstmBatchItem){.buffer = GST_BUFFER_CAST (object)};
    if (GST_IS_BUFFER_LIST (object)) {
      cursor->list = GST_BUFFER_LIST_CAST (object);
      cursor->next_in_list = 0;
      item = advance_in_list (cursor);
    }
  }
  return item;
}

void
gst_lstm_batch_cursor_replace_event (GstLstmBatchCursor *cursor, GstEvent *event)
{
  GstAnalyticsBatchStream *stream = cursor->stream;
  const gsize i = cursor->next - 1;

  if (i < stream->n_sticky_events)
    gst_event_replace (&stream->sticky_events[i], event);
  else
    gst_mini_object_replace (
        &stream->objects[i - stream->n_sticky_events], GST_MINI_OBJECT_CAST (event));
}

void
gst_lstm_batch_cursor_insert_event (GstLstmBatchCursor *cursor, GstEvent *event)
{
  GstAnalyticsBatchStream *stream = cursor->stream;
  const gsize i = cursor->next++ - 1 - stream->n_sticky_events;

  stream->objects = g_renew (GstMiniObject *, stream->objects, stream->n_objects + 1);
  memmove (stream->objects + i + 1, stream->objects + i,
      (stream->n_objects++ - i) * sizeof *stream->objects);
  stream->objects[i] = GST_MINI_OBJECT_CAST (gst_event_ref (event));
}

/* The replacement of one buffer of a list */
typedef struct {
  guint index; /* of the buffer */
  GstLstmReplaceBuffer replace;
  gpointer data;
} Replacement;

static gboolean
replace_in_list (GstBuffer **buffer, guint i, gpointer data)
{
  const Replacement *replacement = data;

  if (i < replacement->index)
    return TRUE;
  *buffer = replacement->replace (*buffer, replacement->data);
  return FALSE;
}

void
gst_lstm_batch_cursor_replace_buffer (
    GstLstmBatchCursor *cursor, GstLstmReplaceBuffer replace, gpointer data)
{
  const gsize i = cursor->next - 1 - cursor->stream->n_sticky_events;
  Replacement replacement = {cursor->next_in_list - 1, replace, data};
  GstMiniObject **object = &cursor->stream->objects[i];

  if (!cursor->list) {
    *object = GST_MINI_OBJECT_CAST (replace (GST_BUFFER_CAST (*object), data));
    return;
  }
  cursor->list = gst_buffer_list_make_writable (cursor->list);
  *object = GST_MINI_OBJECT_CAST (cursor->list);
  gst_buffer_list_foreach (cursor->list, replace_in_list, &replacement);
}
