/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/sequence-run.h"
#include "common/errors.h"
#include <string.h>

/* --- Memories --- */

gboolean
gst_lstm_sequence_map_tensors (const GstLstmSequence *sequence, GstBuffer *buffer,
    GstMapInfo maps[GST_LSTM_N_TENSORS], gfloat *tensors[GST_LSTM_N_TENSORS], GError **error)
{
  guint i = 0;

  for (guint kind = 0; kind < GST_LSTM_N_TENSORS; kind++) {
    tensors[kind] = NULL;
    if (!gst_lstm_sequence_config_emits (&sequence->config, kind))
      continue;
    if (!gst_memory_map (gst_buffer_peek_memory (buffer, i), &maps[i], GST_MAP_WRITE)) {
      while (i-- > 0)
        gst_memory_unmap (maps[i].memory, &maps[i]);
      return gst_lstm_fail_to_map (
          error, GST_LSTM_RESOURCE (FAILED), "for writing", gst_buffer_get_size (buffer));
    }
    tensors[kind] = (gfloat *) maps[i++].data;
  }
  return TRUE;
}

void
gst_lstm_sequence_unmap_tensors (
    const GstLstmSequence *sequence, GstMapInfo maps[GST_LSTM_N_TENSORS])
{
  for (guint i = 0; i < sequence->out.n_tensors; i++)
    gst_memory_unmap (maps[i].memory, &maps[i]);
}

/* --- Steps --- */

/* Runs the next steps of @run, of which @done have run: all, or those until the end of a change of the
 * model. Returns the number of steps. */
static gsize
run_until_change_ends (GstLstmSequence *sequence, const LstmRun *run, gsize done)
{
  const GstLstmSequenceConfig *config = &sequence->config;
  GstLstmModelChange *change = &sequence->change;
  LstmRun part = *run;

  gst_lstm_sequence_take_complete_changes (sequence);
  part.steps = run->steps - done;
  part.input = run->input + done * sequence->in.size[0];
  if (run->output)
    part.output = run->output + done * gst_lstm_sequence_config_get_step_values (config, 0);
  if (!change->model) {
    lstm_state_run_full (sequence->state, &part);
    return part.steps;
  }
  part.steps = (gsize) MIN (part.steps, change->length - change->n_steps);
  lstm_state_run_full (sequence->state, &part);
  gst_lstm_model_change_run (change, &part, sequence->change_outputs);
  gst_lstm_sequence_take_complete_changes (sequence);
  return part.steps;
}

/* Runs the state with the arguments of gst_lstm_sequence_config_make_run(). */
static void
run_state (GstLstmSequence *sequence, const gfloat *x, gsize n_steps, gsize stride,
    gfloat *const *outputs)
{
  const LstmRun run = gst_lstm_sequence_config_make_run (
      &sequence->config, x, n_steps, stride ? stride : n_steps, outputs);

  sequence->restored = FALSE;
  if (!sequence->change.model)
    lstm_state_run_full (sequence->state, &run);
  else
    for (gsize done = 0; done < n_steps;)
      done += run_until_change_ends (sequence, &run, done);
}

/* Returns step @t of @run as (streams, d). */
static const gfloat *
get_step (const GstLstmSequence *sequence, const GstLstmRun *run, guint t)
{
  const gsize d = sequence->in.size[0];

  if (!run->x)
    return sequence->zeros;
  if (sequence->in.streams == 1)
    return run->x + t * d;
  for (gsize s = 0; s < sequence->in.streams; s++)
    memcpy (sequence->step + s * d, run->x + (s * run->n_steps + t) * d, d * sizeof (gfloat));
  return sequence->step;
}

/* Runs @n steps from step @first without copying them. Writes the outputs that @run has memory
 * for. */
static void
run_in_place (GstLstmSequence *sequence, const GstLstmRun *run, guint first, guint n)
{
  gfloat *later[GST_LSTM_N_TENSORS] = {NULL};
  gfloat *const *outputs = first == 0 && run->outputs ? run->outputs : later;

  for (guint kind = 0; first > 0 && run->outputs && kind < GST_LSTM_N_TENSORS; kind++)
    if (run->outputs[kind])
      later[kind] = run->outputs[kind]
                    + first
                          * gst_lstm_sequence_config_get_step_values (&sequence->config, kind);
  if (run->x)
    run_state (
        sequence, run->x + (gsize) first * sequence->in.size[0], n, run->n_steps, outputs);
  else
    run_state (sequence, sequence->zeros, n, 0, outputs);
}

/* Queues only the output of the last step, and blocks it until the sequence ends. */
static void
run_final (GstLstmSequence *sequence, const GstLstmRun *run, guint first, guint n)
{
  GstLstmOutputQueue *queue = &sequence->queue;
  const guint last = run->n_steps - 1;
  const guint has_last = first + n > last; /* 0 or 1 step */
  GstLstmSpan span;

  if (n > has_last)
    run_in_place (sequence, run, first, n - has_last);
  if (!has_last)
    return;
  span = gst_lstm_span_get_part (&run->span, &sequence->in, run->n_steps, last, 1);
  gst_lstm_output_queue_remove_items (queue);
  run_state (sequence, get_step (sequence, run, last), 1, 0, queue->values);
  queue->stride = 1;
  gst_lstm_output_queue_append (queue, 0, 1, &span);
  queue->blocked = TRUE;
}

/* Runs the steps one by one, and queues the output of each complete window. */
static void
run_window (GstLstmSequence *sequence, const GstLstmRun *run, guint first, guint n)
{
  GstLstmOutputQueue *queue = &sequence->queue;
  const gsize n_streams = sequence->in.streams;
  const gsize output_values = n_streams
                              * gst_lstm_sequence_config_get_step_values (
                                  &sequence->config, GST_LSTM_TENSOR_OUTPUT);
  gfloat *outputs = queue->values[GST_LSTM_TENSOR_OUTPUT];

  if (first == 0)
    gst_lstm_output_queue_remove_items (queue);
  queue->stride = 1;
  sequence->restored = FALSE;
  for (guint t = first; t < first + n; t++) {
    const gsize i = queue->items->len;
    GstLstmSpan span;

    if (!lstm_window_run (
            sequence->window, 1, get_step (sequence, run, t), outputs + i * output_values))
      continue;
    span = gst_lstm_span_get_part (&run->span, &sequence->in, run->n_steps, t, 1);
    gst_lstm_output_queue_append (queue, i * n_streams, 1, &span);
  }
}

gboolean
gst_lstm_sequence_run_part (
    GstLstmSequence *sequence, const GstLstmRun *run, guint first, guint n, GError **error)
{
  if (sequence->config.non_causal)
    return gst_lstm_complete_sequence_append (&sequence->complete,
        run->x ? run->x : sequence->zeros, n, &run->span, run->x != NULL, error);
  if (sequence->window)
    run_window (sequence, run, first, n);
  else if (sequence->config.mode == GST_LSTM_OUTPUT_FINAL)
    run_final (sequence, run, first, n);
  else
    run_in_place (sequence, run, first, n);
  return TRUE;
}

/* --- Queued outputs --- */

gboolean
gst_lstm_sequence_finish (GstLstmSequence *sequence, GError **error)
{
  sequence->queue.blocked = FALSE;
  return gst_lstm_complete_sequence_finish (&sequence->complete, error);
}

gboolean
gst_lstm_sequence_peek_output (
    GstLstmSequence *sequence, GstLstmSpan *span, guint *n_steps, GError **error)
{
  GstLstmOutputQueue *queue = &sequence->queue;
  const GstLstmQueueItem *item;

  if (queue->blocked)
    return FALSE;
  if (!gst_lstm_output_queue_peek (queue)) {
    gst_lstm_output_queue_remove_items (queue);
    if (sequence->config.non_causal
        && !gst_lstm_complete_sequence_run_window (&sequence->complete, error))
      return FALSE;
  }
  item = gst_lstm_output_queue_peek (queue);
  if (!item)
    return FALSE;
  *span = item->span;
  *n_steps = (guint) item->n_steps;
  return TRUE;
}

gboolean
gst_lstm_sequence_pop_output (GstLstmSequence *sequence, GstBuffer *outbuf, GError **error)
{
  GstMapInfo maps[GST_LSTM_N_TENSORS];
  gfloat *tensors[GST_LSTM_N_TENSORS];

  if (!gst_lstm_output_queue_peek (&sequence->queue)
      || !gst_lstm_sequence_map_tensors (sequence, outbuf, maps, tensors, error))
    return FALSE;
  gst_lstm_output_queue_pop (&sequence->queue, tensors);
  gst_lstm_sequence_unmap_tensors (sequence, maps);
  return TRUE;
}
