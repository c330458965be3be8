/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/batch-memory.h"
#include "common/errors.h"
#include <string.h>

/* Returns the kind of the first emitted tensor, which the message lstm-final has. */
static guint
find_first_kind (const GstLstmSequenceConfig *config)
{
  guint kind = 0;

  while (!gst_lstm_sequence_config_emits (config, kind))
    kind++;
  return kind;
}

GstLstmBatchMemory *
gst_lstm_batch_memory_new (const GstLstmSequenceConfig *config)
{
  GstLstmBatchMemory *memory = g_new0 (GstLstmBatchMemory, 1);
  const guint first = find_first_kind (config);

  gst_lstm_rows_init (&memory->rows, config);
  memory->streams = g_ptr_array_new ();
  memory->d = lstm_model_get_input_size (config->model);
  for (guint kind = 0; kind < GST_LSTM_N_TENSORS; kind++)
    if (gst_lstm_sequence_config_emits (config, kind)
        && (kind == first || config->mode != GST_LSTM_OUTPUT_FINAL))
      memory->n_values[kind] = gst_lstm_sequence_config_get_step_values (config, kind);
  return memory;
}

static void
free_stream (GstLstmBatchStream *stream)
{
  gst_clear_event (&stream->stream_start);
  gst_clear_event (&stream->caps);
  gst_clear_event (&stream->output_caps);
  gst_lstm_steps_clear (&stream->steps);
  for (guint kind = 0; kind < GST_LSTM_N_TENSORS; kind++)
    g_clear_pointer (&stream->outputs[kind], g_array_unref);
  g_free (stream->final);
  g_free (stream);
}

static void
free_round (GstLstmBatchMemory *memory)
{
  g_clear_pointer (&memory->running, g_free);
  g_clear_pointer (&memory->list, g_free);
  g_clear_pointer (&memory->x, g_free);
  g_clear_pointer (&memory->is_complete, g_free);
  for (guint kind = 0; kind < GST_LSTM_N_TENSORS; kind++)
    g_clear_pointer (&memory->outputs[kind], g_free);
  memory->capacity = 0;
}

void
gst_lstm_batch_memory_free (GstLstmBatchMemory *memory)
{
  for (guint i = 0; i < memory->streams->len; i++)
    free_stream (g_ptr_array_index (memory->streams, i));
  g_ptr_array_unref (memory->streams);
  free_round (memory);
  gst_lstm_rows_clear (&memory->rows);
  g_free (memory);
}

/* --- Streams --- */

/* Allocates the memory of a round of all streams. */
static gboolean
reserve_round (GstLstmBatchMemory *memory, GError **error)
{
  const gsize capacity = memory->rows.capacity;
  gboolean ok;

  if (memory->capacity == capacity)
    return TRUE;
  free_round (memory);
  memory->running = g_try_new (GstLstmBatchStream *, capacity);
  memory->list = g_try_new (gsize, capacity);
  memory->x = g_try_malloc_n (capacity, memory->d * sizeof (gfloat));
  memory->is_complete = g_try_malloc (capacity);
  ok = memory->running && memory->list && memory->x && memory->is_complete;
  for (guint kind = 0; kind < GST_LSTM_N_TENSORS; kind++)
    if (memory->n_values[kind]) {
      memory->outputs[kind] = g_try_malloc_n (
          capacity, memory->n_values[kind] * sizeof (gfloat));
      ok = ok && memory->outputs[kind];
    }
  if (ok)
    memory->capacity = capacity;
  return ok
         || gst_lstm_fail (error, GST_LSTM_RESOURCE (NO_SPACE_LEFT),
             "no memory for a step of %" G_GSIZE_FORMAT " streams of a batch", capacity);
}

static GstLstmBatchStream *
create_stream (GstLstmBatchMemory *memory, guint index, gsize row)
{
  const gboolean is_final = memory->rows.config->mode == GST_LSTM_OUTPUT_FINAL;
  GstLstmBatchStream *stream = g_new0 (GstLstmBatchStream, 1);

  stream->index = index;
  stream->row = row;
  stream->fps_d = 1;
  gst_segment_init (&stream->segment, GST_FORMAT_UNDEFINED);
  for (guint kind = 0; kind < GST_LSTM_N_TENSORS; kind++)
    if (memory->n_values[kind] && is_final)
      stream->final = g_new (gfloat, memory->n_values[kind]);
    else if (memory->n_values[kind])
      stream->outputs[kind] = g_array_new (FALSE, FALSE, sizeof (gfloat));
  return stream;
}

/* Rows are never removed, so that new rows have the order of the streams. */
GstLstmBatchStream *
gst_lstm_batch_memory_get_stream (GstLstmBatchMemory *memory, guint index, GError **error)
{
  GstLstmBatchStream *stream;
  gsize row;

  if (gst_lstm_rows_find (&memory->rows, index, &row))
    return reserve_round (memory, error) ? g_ptr_array_index (memory->streams, row) : NULL;
  if (!gst_lstm_rows_add (&memory->rows, index, &row, error))
    return NULL;
  stream = create_stream (memory, index, row);
  g_ptr_array_set_size (memory->streams, (gint) MAX (memory->streams->len, row + 1));
  g_ptr_array_index (memory->streams, row) = stream;
  return reserve_round (memory, error) ? stream : NULL;
}

void
gst_lstm_batch_memory_reset_stream (GstLstmBatchMemory *memory, GstLstmBatchStream *stream)
{
  gst_lstm_rows_reset_row (&memory->rows, stream->row);
  stream->n_steps = 0;
  stream->has_final = FALSE;
}

/* --- Rounds --- */

void
gst_lstm_batch_memory_begin_round (GstLstmBatchMemory *memory)
{
  memory->n = 0;
}

void
gst_lstm_batch_memory_add_step (GstLstmBatchMemory *memory, GstLstmBatchStream *stream)
{
  gfloat *x = memory->x + memory->n * memory->d;
  const gsize bytes = memory->d * sizeof (gfloat);

  if (stream->steps.x)
    memcpy (x, stream->steps.x + stream->n_done * memory->d, bytes);
  else
    memset (x, 0, bytes);
  memory->running[memory->n] = stream;
  memory->list[memory->n++] = stream->row;
}

/* Stores the outputs of step @i of the round. A step of zeros has an output only if it completes a
 * window of a buffer. */
static void
store_outputs (GstLstmBatchMemory *memory, gsize i)
{
  GstLstmBatchStream *stream = memory->running[i];

  for (guint kind = 0; kind < GST_LSTM_N_TENSORS && memory->is_complete[i]; kind++) {
    const gsize n = memory->n_values[kind];
    const gfloat *values = memory->outputs[kind] + i * n;

    if (n == 0)
      continue;
    if (stream->final)
      memcpy (stream->final, values, n * sizeof (gfloat));
    else if (stream->buffer && (stream->steps.x || memory->rows.window))
      g_array_append_vals (stream->outputs[kind], values, (guint) n);
  }
}

void
gst_lstm_batch_memory_run_round (GstLstmBatchMemory *memory)
{
  gst_lstm_rows_run (
      &memory->rows, memory->list, memory->n, memory->x, memory->outputs, memory->is_complete);
  for (gsize i = 0; i < memory->n; i++) {
    GstLstmBatchStream *stream = memory->running[i];

    store_outputs (memory, i);
    stream->n_done++;
    stream->n_steps++;
    stream->has_final = stream->final != NULL;
  }
}
