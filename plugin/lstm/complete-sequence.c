/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/complete-sequence.h"
#include "common/errors.h"
#include <string.h>

/* Returns the number of values of a step of all streams. */
static gsize
get_step_values (const GstLstmCompleteSequence *complete)
{
  return (gsize) complete->in->streams * complete->in->size[0];
}

static const GstLstmSpan *
get_span (const GstLstmCompleteSequence *complete, gsize step)
{
  return &g_array_index (complete->spans, GstLstmSpan, step);
}

void
gst_lstm_complete_sequence_init (GstLstmCompleteSequence *complete,
    const GstLstmSequenceConfig *config, const GstLstmTensors *in, GstLstmOutputQueue *queue)
{
  *complete = (GstLstmCompleteSequence){
      .config = config,
      .in = in,
      .queue = queue,
      .input = g_array_new (FALSE, FALSE, sizeof (gfloat)),
      .spans = g_array_new (FALSE, FALSE, sizeof (GstLstmSpan)),
      .input_buffers = g_array_new (FALSE, FALSE, sizeof (GstLstmQueueItem)),
  };
}

void
gst_lstm_complete_sequence_clear (GstLstmCompleteSequence *complete)
{
  gst_lstm_complete_sequence_set_state (complete, NULL, 0);
  g_array_unref (complete->input);
  g_array_unref (complete->spans);
  g_array_unref (complete->input_buffers);
}

void
gst_lstm_complete_sequence_reset (GstLstmCompleteSequence *complete)
{
  g_array_set_size (complete->input, 0);
  g_array_set_size (complete->spans, 0);
  g_array_set_size (complete->input_buffers, 0);
  complete->n_steps_to_skip = 0;
}

/* --- Input --- */

static gboolean
check_length (const GstLstmCompleteSequence *complete, guint n_steps, GError **error)
{
  const gsize total = (gsize) complete->spans->len + n_steps;

  if (complete->config->mode != GST_LSTM_OUTPUT_WINDOW && total > complete->config->max_steps)
    return gst_lstm_fail (error, GST_LSTM_STREAM (FAILED),
        "sequence: expected at most %u steps (property max-steps), because the model needs "
        "complete sequences, found %" G_GSIZE_FORMAT " or more",
        complete->config->max_steps, total);
  /* GArray counts elements with 32 bits, and aborts if there are more. */
  return total * get_step_values (complete) <= G_MAXUINT / sizeof (gfloat)
         || gst_lstm_fail (error, LSTM_ERROR, LSTM_ERROR_MEMORY,
             "sequence: expected less than 4 GiB, found %" G_GSIZE_FORMAT
             " steps of %" G_GSIZE_FORMAT " values",
             total, get_step_values (complete));
}

/* Appends steps @first to @n_steps of @x, (streams, n_steps, d), as (steps, streams, d). */
static void
append_steps (GstLstmCompleteSequence *complete, const gfloat *x, gsize n_steps, gsize first)
{
  const gsize d = complete->in->size[0], n_streams = complete->in->streams;

  for (gsize t = first; t < n_steps; t++)
    for (gsize s = 0; s < n_streams; s++)
      g_array_append_vals (complete->input, x + (s * n_steps + t) * d, (guint) d);
}

gboolean
gst_lstm_complete_sequence_append (GstLstmCompleteSequence *complete, const gfloat *x,
    guint n_steps, const GstLstmSpan *span, gboolean has_buffer, GError **error)
{
  const gsize n_skipped = MIN (complete->n_steps_to_skip, n_steps);
  const GstLstmQueueItem input_buffer = {complete->spans->len, n_steps, *span};

  if (!check_length (complete, n_steps, error))
    return FALSE;
  append_steps (complete, x, n_steps, n_skipped);
  for (guint t = (guint) n_skipped; t < n_steps; t++) {
    const GstLstmSpan step = gst_lstm_span_get_part (span, complete->in, n_steps, t, 1);

    g_array_append_val (complete->spans, step);
  }
  complete->n_steps_to_skip -= n_skipped;
  if (has_buffer && complete->config->mode != GST_LSTM_OUTPUT_WINDOW)
    g_array_append_val (complete->input_buffers, input_buffer);
  return TRUE;
}

/* --- Runs --- */

gsize
gst_lstm_complete_sequence_get_needed_steps (const GstLstmCompleteSequence *complete)
{
  const gboolean window = complete->config->mode == GST_LSTM_OUTPUT_WINDOW;
  const gsize n_steps = window ? complete->config->window_length : complete->spans->len;

  return n_steps > complete->spans->len || n_steps <= complete->capacity ? 0 : n_steps;
}

void
gst_lstm_complete_sequence_set_state (
    GstLstmCompleteSequence *complete, LstmState *state, gsize n_steps)
{
  g_clear_pointer (&complete->state, lstm_state_unref);
  complete->state = state;
  complete->capacity = state ? n_steps : 0;
}

/* Implements the should_continue of LstmRun for a GstLstmCompleteSequence. */
static gboolean
should_continue (gpointer data)
{
  GstLstmCompleteSequence *complete = data;

  if (!complete->was_interrupted && complete->should_continue)
    complete->was_interrupted = !complete->should_continue (complete->should_continue_data)
                                || complete->spans->len == 0;
  return !complete->was_interrupted;
}

/* Returns the first @n_steps steps of the input as (streams, n_steps, d). For several streams the
 * result is a copy, and *@copy (transfer full) becomes that copy. Returns NULL and sets @error if
 * memory is insufficient. */
static const gfloat *
get_input_by_stream (
    const GstLstmCompleteSequence *complete, gsize n_steps, gfloat **copy, GError **error)
{
  const gsize d = complete->in->size[0], n_streams = complete->in->streams;
  const gfloat *x = (const gfloat *) complete->input->data;

  if (n_streams == 1)
    return x;
  *copy = g_try_new (gfloat, n_streams * n_steps * d);
  if (!*copy) {
    gst_lstm_fail (error, LSTM_ERROR, LSTM_ERROR_MEMORY,
        "no memory for %" G_GSIZE_FORMAT " steps of %" G_GSIZE_FORMAT " streams", n_steps,
        n_streams);
    return NULL;
  }
  for (gsize t = 0; t < n_steps; t++)
    for (gsize s = 0; s < n_streams; s++)
      memcpy (*copy + (s * n_steps + t) * d, x + (t * n_streams + s) * d, d * sizeof (gfloat));
  return *copy;
}

/* Runs the first @n_steps steps. The outputs become the values of the queue. */
static gboolean
run_steps (GstLstmCompleteSequence *complete, gsize n_steps, GError **error)
{
  GstLstmOutputQueue *queue = complete->queue;
  g_autofree gfloat *copy = NULL;
  const gfloat *x;
  LstmRun run;

  queue->stride = lstm_state_get_output_steps (complete->state, n_steps);
  if (!gst_lstm_output_queue_reserve (queue, queue->stride, error)
      || !(x = get_input_by_stream (complete, n_steps, &copy, error)))
    return FALSE;
  run = gst_lstm_sequence_config_make_run (complete->config, x, n_steps, 0, queue->values);
  run.should_continue = should_continue;
  run.should_continue_data = complete;
  complete->was_interrupted = FALSE;
  lstm_state_run_full (complete->state, &run);
  if (complete->was_interrupted)
    gst_lstm_complete_sequence_reset (complete);
  return TRUE;
}

/* Appends all outputs of the first @n_steps steps as one item. One output has the time of the
 * last step; several outputs have the time of all steps. */
static void
append_one_item (GstLstmCompleteSequence *complete, gsize n_steps)
{
  const GstLstmSpan *last = get_span (complete, n_steps - 1);
  const GstLstmSpan all = gst_lstm_span_join (get_span (complete, 0), last);
  const gsize n_outputs = complete->queue->stride;

  gst_lstm_output_queue_append (complete->queue, 0, n_outputs, n_outputs == 1 ? last : &all);
}

/* Appends an item for each input buffer. */
static void
append_item_per_buffer (GstLstmCompleteSequence *complete)
{
  for (guint i = 0; i < complete->input_buffers->len; i++) {
    const GstLstmQueueItem *buffer = &g_array_index (
        complete->input_buffers, GstLstmQueueItem, i);

    gst_lstm_output_queue_append (
        complete->queue, buffer->first, buffer->n_steps, &buffer->span);
  }
}

gboolean
gst_lstm_complete_sequence_finish (GstLstmCompleteSequence *complete, GError **error)
{
  const gsize n_steps = complete->spans->len;

  if (n_steps == 0 || complete->config->mode == GST_LSTM_OUTPUT_WINDOW)
    return TRUE;
  if (!run_steps (complete, n_steps, error))
    return FALSE;
  if (complete->was_interrupted)
    return TRUE;
  if (complete->config->mode == GST_LSTM_OUTPUT_FINAL)
    gst_lstm_output_queue_append (
        complete->queue, complete->queue->stride - 1, 1, get_span (complete, n_steps - 1));
  else if (complete->config->fixed_output_steps)
    append_one_item (complete, n_steps);
  else
    append_item_per_buffer (complete);
  gst_lstm_complete_sequence_reset (complete);
  return TRUE;
}

gboolean
gst_lstm_complete_sequence_run_window (GstLstmCompleteSequence *complete, GError **error)
{
  const gsize length = complete->config->window_length, hop = complete->config->window_hop;
  gsize n_removed;

  if (complete->config->mode != GST_LSTM_OUTPUT_WINDOW || complete->spans->len < length)
    return TRUE;
  if (!run_steps (complete, length, error))
    return FALSE;
  if (complete->was_interrupted)
    return TRUE;
  append_one_item (complete, length);
  n_removed = MIN (hop, complete->spans->len);
  complete->n_steps_to_skip = hop - n_removed;
  g_array_remove_range (complete->spans, 0, (guint) n_removed);
  g_array_remove_range (complete->input, 0, (guint) (n_removed * get_step_values (complete)));
  return TRUE;
}
