/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/output-queue.h"
#include "common/errors.h"
#include <string.h>

void
gst_lstm_output_queue_init (GstLstmOutputQueue *queue, const GstLstmSequenceConfig *config)
{
  *queue = (GstLstmOutputQueue){
      .config = config, .items = g_array_new (FALSE, FALSE, sizeof (GstLstmQueueItem))};
}

void
gst_lstm_output_queue_set_streams (GstLstmOutputQueue *queue, gsize n_streams)
{
  gst_lstm_output_queue_remove_items (queue);
  for (guint kind = 0; kind < GST_LSTM_N_TENSORS; kind++)
    g_clear_pointer (&queue->values[kind], g_free);
  queue->capacity = 0;
  queue->n_streams = n_streams;
}

void
gst_lstm_output_queue_clear (GstLstmOutputQueue *queue)
{
  gst_lstm_output_queue_set_streams (queue, 0);
  g_array_unref (queue->items);
}

gboolean
gst_lstm_output_queue_reserve (GstLstmOutputQueue *queue, gsize n_steps, GError **error)
{
  if (n_steps <= queue->capacity)
    return TRUE;
  for (guint kind = 0; kind < GST_LSTM_N_TENSORS; kind++) {
    gsize bytes;
    gpointer values;

    if (!gst_lstm_sequence_config_emits (queue->config, kind))
      continue;
    bytes = gst_lstm_sequence_config_get_step_values (queue->config, kind) * sizeof (gfloat);
    if (!g_size_checked_mul (&bytes, n_steps, bytes)
        || !g_size_checked_mul (&bytes, bytes, queue->n_streams)
        || !(values = g_try_realloc (queue->values[kind], bytes)))
      return gst_lstm_fail (error, LSTM_ERROR, LSTM_ERROR_MEMORY,
          "no memory for %" G_GSIZE_FORMAT " steps of %" G_GSIZE_FORMAT " streams", n_steps,
          queue->n_streams);
    queue->values[kind] = values;
  }
  queue->capacity = n_steps;
  return TRUE;
}

void
gst_lstm_output_queue_remove_items (GstLstmOutputQueue *queue)
{
  g_array_set_size (queue->items, 0);
  queue->n_popped = 0;
  queue->blocked = FALSE;
}

void
gst_lstm_output_queue_append (
    GstLstmOutputQueue *queue, gsize first, gsize n_steps, const GstLstmSpan *span)
{
  const GstLstmQueueItem item = {first, n_steps, *span};

  g_array_append_val (queue->items, item);
}

const GstLstmQueueItem *
gst_lstm_output_queue_peek (const GstLstmOutputQueue *queue)
{
  return queue->n_popped < queue->items->len
             ? &g_array_index (queue->items, GstLstmQueueItem, queue->n_popped)
             : NULL;
}

void
gst_lstm_output_queue_pop (GstLstmOutputQueue *queue, gfloat *const tensors[GST_LSTM_N_TENSORS])
{
  const GstLstmQueueItem *item = gst_lstm_output_queue_peek (queue);

  for (guint kind = 0; kind < GST_LSTM_N_TENSORS; kind++) {
    gsize size;

    if (!tensors[kind])
      continue;
    size = gst_lstm_sequence_config_get_step_values (queue->config, kind);
    for (gsize s = 0; s < queue->n_streams; s++)
      memcpy (tensors[kind] + s * item->n_steps * size,
          queue->values[kind] + (s * queue->stride + item->first) * size,
          item->n_steps * size * sizeof (gfloat));
  }
  queue->n_popped++;
}
