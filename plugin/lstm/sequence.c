/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/sequence.h"
#include "common/errors.h"
#include "lstm/models.h"

gboolean
gst_lstm_sequence_start (GstLstmSequence *sequence, LstmModel *model,
    const GstLstmSettings *settings, GError **error)
{
  *sequence = (GstLstmSequence){0};
  gst_lstm_output_queue_init (&sequence->queue, &sequence->config);
  gst_lstm_complete_sequence_init (
      &sequence->complete, &sequence->config, &sequence->in, &sequence->queue);
  return gst_lstm_sequence_config_init (&sequence->config, model, settings, error);
}

void
gst_lstm_sequence_stop (GstLstmSequence *sequence)
{
  g_clear_pointer (&sequence->state, lstm_state_unref);
  g_clear_pointer (&sequence->window, lstm_window_unref);
  gst_lstm_complete_sequence_clear (&sequence->complete);
  gst_lstm_output_queue_clear (&sequence->queue);
  g_free (sequence->zeros);
  g_free (sequence->step);
  gst_lstm_models_close (sequence->config.model);
  *sequence = (GstLstmSequence){0};
}

/* --- Shapes --- */

gboolean
gst_lstm_sequence_continues (const GstLstmSequence *sequence, const GstLstmTensors *in)
{
  return in->streams == sequence->in.streams;
}

/* Frees everything that depends on the number of streams, and sets that number in the queue. */
static void
set_streams (GstLstmSequence *sequence, gsize n_streams)
{
  gst_lstm_output_queue_set_streams (&sequence->queue, n_streams);
  gst_lstm_complete_sequence_reset (&sequence->complete);
  gst_lstm_complete_sequence_set_state (&sequence->complete, NULL, 0);
  g_clear_pointer (&sequence->state, lstm_state_unref);
  g_clear_pointer (&sequence->window, lstm_window_unref);
  sequence->restored = FALSE;
}

/* Allocates the state of a causal model, unless there is one. */
static gboolean
allocate_state (GstLstmSequence *sequence, GError **error)
{
  const GstLstmSequenceConfig *config = &sequence->config;
  const gsize n_streams = sequence->in.streams;

  if (config->non_causal || sequence->state || sequence->window)
    return TRUE;
  if (config->mode == GST_LSTM_OUTPUT_WINDOW)
    sequence->window = lstm_window_new (
        config->model, n_streams, config->window_length, config->window_hop, error);
  else
    sequence->state = lstm_state_new (config->model, n_streams, error);
  return sequence->state || sequence->window;
}

/* Replaces *@values by @bytes bytes of zeros, unless *@capacity bytes suffice. */
static gboolean
reserve_zeros (gfloat **values, gsize *capacity, gsize bytes)
{
  gfloat *zeros;

  if (bytes <= *capacity)
    return TRUE;
  zeros = g_try_malloc0 (bytes);
  if (!zeros)
    return FALSE;
  g_free (*values);
  *values = zeros;
  *capacity = bytes;
  return TRUE;
}

/* Allocates the queue of a causal model. A non-causal model does so when a sequence runs. */
static gboolean
reserve_queue (GstLstmSequence *sequence, GError **error)
{
  const GstLstmSequenceConfig *config = &sequence->config;
  const gboolean window = config->mode == GST_LSTM_OUTPUT_WINDOW;

  return config->non_causal || gst_lstm_sequence_config_is_direct (config)
         || gst_lstm_output_queue_reserve (
             &sequence->queue, window ? sequence->in.steps / config->window_hop + 1 : 1, error);
}

gboolean
gst_lstm_sequence_configure (
    GstLstmSequence *sequence, const GstLstmTensors *in, GError **error)
{
  const gsize bytes = gst_lstm_tensors_get_bytes (in, 0);

  if (!in->n_tensors)
    return FALSE;
  if (!gst_lstm_sequence_continues (sequence, in)) {
    if (sequence->restored)
      return gst_lstm_fail (error, GST_LSTM_STREAM (FORMAT),
          "caps field dimensions: expected %u streams, which the restored state has, found %u",
          sequence->in.streams, in->streams);
    set_streams (sequence, in->streams);
  }
  sequence->in = *in;
  gst_lstm_sequence_config_describe_output (&sequence->config, in, &sequence->out);
  if (!reserve_zeros (&sequence->zeros, &sequence->zeros_bytes, bytes)
      || !reserve_zeros (&sequence->step, &sequence->step_bytes, bytes / in->steps))
    return gst_lstm_fail (error, LSTM_ERROR, LSTM_ERROR_MEMORY,
        "no memory for %u steps of %u streams", in->steps, in->streams);
  return allocate_state (sequence, error) && reserve_queue (sequence, error);
}

/* --- Resets --- */

void
gst_lstm_sequence_discard_pending (GstLstmSequence *sequence)
{
  gst_lstm_output_queue_remove_items (&sequence->queue);
  gst_lstm_complete_sequence_reset (&sequence->complete);
}

void
gst_lstm_sequence_reset (GstLstmSequence *sequence)
{
  gst_lstm_sequence_discard_pending (sequence);
  sequence->restored = FALSE;
  if (sequence->state)
    lstm_state_reset (sequence->state);
  if (sequence->window)
    lstm_window_reset (sequence->window);
}
