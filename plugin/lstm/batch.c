/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/batch.h"
#include "common/errors.h"
#include "lstm/bad-input.h"
#include "lstm/batch-items.h"
#include "lstm/sequence.h"

#define GST_CAT_DEFAULT gst_lstm_debug

gboolean
gst_lstm_is_batch (const GstLstm *self, GstBuffer *buffer)
{
  return self->input.kind && self->input.kind->attach_output
         && gst_buffer_get_analytics_batch_meta (buffer);
}

/* Checks that the streams of a batch can have their own h and c. */
static gboolean
check_element (const GstLstm *self, GError **error)
{
  const GstLstmSettings *settings = &self->settings;

  if (!gst_lstm_is_in_place (self))
    return gst_lstm_fail (error, GST_LSTM_STREAM (FORMAT),
        "buffer: batch: expected downstream to accept the caps of the batch, found "
        "other/tensors");
  if (self->sequence.config.per_object)
    return gst_lstm_fail (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
        "property per-object: expected false, because the buffers are batches, found true");
  if (self->sequence.config.non_causal)
    return gst_lstm_fail (error, GST_LSTM_STREAM (FORMAT),
        "buffer: batch: expected buffers without GstAnalyticsBatchMeta, because the model "
        "needs "
        "complete sequences");
  return !settings->state_location
         || gst_lstm_fail (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
             "property state-location: expected none, because the buffers are batches, whose "
             "streams are not saved, found %s",
             settings->state_location);
}

/* Allocates the memory of the streams at the first batch. A model that was set before then replaces
 * the previous model. */
static gboolean
begin_batches (GstLstm *self, GError **error)
{
  if (self->batch_memory)
    return TRUE;
  if (!check_element (self, error))
    return FALSE;
  gst_lstm_lock (self);
  gst_lstm_sequence_take_complete_changes (&self->sequence);
  self->batch_memory = gst_lstm_batch_memory_new (&self->sequence.config);
  gst_lstm_unlock (self);
  return TRUE;
}

/* --- Streams --- */

/* Finds the streams of @meta, and begins their items. Returns FALSE and sets @error if memory is
 * insufficient. Sets @bad_index if two streams have one index. Needs `lock`. */
static gboolean
begin_streams (GstLstm *self, GstAnalyticsBatchMeta *meta, GError **bad_index, GError **error)
{
  GstLstmBatchMemory *memory = self->batch_memory;

  memory->batch++;
  for (gsize i = 0; i < meta->n_streams; i++) {
    const guint index = meta->streams[i].index;
    GstLstmBatchStream *stream = gst_lstm_batch_memory_get_stream (memory, index, error);

    if (!stream)
      return FALSE;
    if (stream->batch == memory->batch) {
      gst_lstm_fail (bad_index, GST_LSTM_STREAM (FORMAT),
          "buffer: batch: expected streams with different indices, found index %u in stream "
          "%" G_GSIZE_FORMAT " and in an earlier one",
          index, i);
      return TRUE;
    }
    stream->batch = memory->batch;
    gst_lstm_batch_begin_items (stream, &meta->streams[i]);
  }
  return TRUE;
}

/* Adds the next step of each stream of @meta to the round. */
static GstFlowReturn
collect_steps (GstLstm *self, const GstAnalyticsBatchMeta *meta)
{
  GstLstmBatchMemory *memory = self->batch_memory;
  GstFlowReturn ret = GST_FLOW_OK;

  gst_lstm_batch_memory_begin_round (memory);
  for (gsize i = 0; i < meta->n_streams && ret == GST_FLOW_OK; i++) {
    GstLstmBatchStream *stream = gst_lstm_batch_memory_get_stream (
        memory, meta->streams[i].index, NULL);
    gboolean has_step;

    ret = gst_lstm_batch_find_step (self, stream, &has_step);
    if (has_step)
      gst_lstm_batch_memory_add_step (memory, stream);
  }
  return ret;
}

/* Closes all buffers of @meta whose steps have not run. */
static void
end_streams (GstLstm *self, const GstAnalyticsBatchMeta *meta)
{
  for (gsize i = 0; i < meta->n_streams; i++)
    gst_lstm_batch_close_buffer (
        gst_lstm_batch_memory_get_stream (self->batch_memory, meta->streams[i].index, NULL));
}

/* --- Rounds --- */

/* Posts a warning, once until the element stops. */
static void
warn_non_finite (GstLstm *self, const GstLstmBatchStream *stream)
{
  if (self->warned_non_finite)
    return;
  self->warned_non_finite = TRUE;
  GST_ELEMENT_WARNING (self, STREAM, FAILED,
      ("state: stream %u of the batch: expected finite h and c, found NaN or infinity after "
       "the "
       "buffer at %" GST_TIME_FORMAT "; property reset-on=nan resets them",
          stream->index, GST_TIME_ARGS (stream->span.pts)),
      (NULL));
}

/* Checks h and c after the last step of a buffer, and with reset-on=nan after each step. Returns
 * whether they are finite. Needs `lock`. */
static gboolean
check_finite (GstLstm *self, GstLstmBatchStream *stream, gboolean resets)
{
  const GstLstmRows *rows = &self->batch_memory->rows;

  if ((!resets && stream->n_done < stream->n_item_steps)
      || gst_lstm_rows_is_finite (rows, stream->row))
    return TRUE;
  if (resets && !rows->window)
    gst_lstm_batch_reset_stream (self, stream, GST_LSTM_RESET_NAN);
  return FALSE;
}

/* Sets the time of the last step of @stream, which may be the last output of the sequence. */
static void
set_final_span (GstLstmBatchStream *stream)
{
  const guint64 n = stream->n_item_steps;
  const GstLstmTensors tensors = {
      .fps_n = n > 1 && stream->buffer ? 0 : stream->fps_n, .fps_d = stream->fps_d};

  stream->final_span = gst_lstm_span_get_part (
      &stream->span, &tensors, n, stream->n_done - 1, 1);
}

/* Counts the outputs of step @i of the round: one for each window, and one for the steps of a
 * buffer. Needs `lock`. */
static void
count_output (GstLstm *self, gsize i)
{
  const GstLstmBatchMemory *memory = self->batch_memory;
  const GstLstmBatchStream *stream = memory->running[i];

  if (memory->rows.window)
    self->stats.outputs += memory->is_complete[i];
  else
    self->stats.outputs += !stream->final && stream->steps.x
                           && stream->n_done == stream->n_item_steps;
}

/* Runs the steps of the round. Returns a stream whose h or c is not finite, or NULL. Needs `lock`.
 * Returns: (nullable) */
static const GstLstmBatchStream *
run_round (GstLstm *self)
{
  const gboolean resets = gst_lstm_resets_on (self, GST_LSTM_RESET_ON_NAN);
  const GstClockTime begin = gst_util_get_timestamp ();
  GstLstmBatchMemory *memory = self->batch_memory;
  const GstLstmBatchStream *flawed = NULL;
  GstClockTime took;

  gst_lstm_batch_memory_run_round (memory);
  took = gst_util_get_timestamp () - begin;
  self->stats.steps += memory->n;
  self->stats.total_step_time += took;
  self->stats.longest_step_time = MAX (self->stats.longest_step_time, took / memory->n);
  for (gsize i = 0; i < memory->n; i++) {
    GstLstmBatchStream *stream = memory->running[i];

    set_final_span (stream);
    count_output (self, i);
    if (!check_finite (self, stream, resets)) {
      stream->is_finite = FALSE;
      flawed = stream;
    }
    self->stats.non_finite += !stream->is_finite && stream->n_done == stream->n_item_steps;
  }
  return flawed;
}

/* Runs rounds until no stream of @meta has a step. */
static GstFlowReturn
run_rounds (GstLstm *self, const GstAnalyticsBatchMeta *meta)
{
  GstFlowReturn ret;

  while ((ret = collect_steps (self, meta)) == GST_FLOW_OK && self->batch_memory->n > 0) {
    const GstLstmBatchStream *flawed;

    if (GST_PAD_IS_FLUSHING (GST_BASE_TRANSFORM_SINK_PAD (self)))
      return GST_FLOW_FLUSHING;
    gst_lstm_lock (self);
    flawed = run_round (self);
    gst_lstm_unlock (self);
    if (flawed)
      warn_non_finite (self, flawed);
  }
  return ret;
}

GstFlowReturn
gst_lstm_batch_run (GstLstm *self, GstBuffer **media)
{
  g_autoptr (GError) error = NULL, bad_index = NULL;
  GstAnalyticsBatchMeta *meta;
  GstFlowReturn ret;
  gboolean ok;

  if (!begin_batches (self, &error))
    return gst_lstm_fail_sequence (self, error);
  *media = gst_buffer_make_writable (*media);
  meta = gst_buffer_get_analytics_batch_meta (*media);
  gst_lstm_lock (self);
  ok = begin_streams (self, meta, &bad_index, &error);
  gst_lstm_unlock (self);
  if (!ok)
    return gst_lstm_fail_sequence (self, error);
  if (bad_index)
    return gst_lstm_count_bad_buffer (self, bad_index);
  ret = run_rounds (self, meta);
  end_streams (self, meta);
  GST_LOG_OBJECT (self, "%s, %" G_GSIZE_FORMAT " streams of the batch %" GST_PTR_FORMAT,
      gst_flow_get_name (ret), meta->n_streams, *media);
  return ret;
}

/* --- Resets --- */

void
gst_lstm_batch_end_all (GstLstm *self, GstLstmReset reason)
{
  for (guint i = 0; self->batch_memory && i < self->batch_memory->streams->len; i++)
    gst_lstm_batch_end_sequence (
        self, g_ptr_array_index (self->batch_memory->streams, i), reason);
}

void
gst_lstm_batch_stop (GstLstm *self)
{
  gst_lstm_lock (self);
  g_clear_pointer (&self->batch_memory, gst_lstm_batch_memory_free);
  gst_lstm_unlock (self);
}
