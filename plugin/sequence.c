/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sequence.h"
#include "errors.h"
#include <string.h>

#define STATE_TENSORS (1 << GST_LSTM_TENSOR_HIDDEN | 1 << GST_LSTM_TENSOR_CELL)

const gchar *
gst_lstm_tensor_name (GstLstmTensorKind kind)
{
  static const gchar *const names[GST_LSTM_N_TENSORS] = {
      [GST_LSTM_TENSOR_OUTPUT] = "output",
      [GST_LSTM_TENSOR_HIDDEN] = "hidden",
      [GST_LSTM_TENSOR_CELL] = "cell",
  };

  return names[kind];
}

static gboolean
emits (const GstLstmSequence *sequence, guint kind)
{
  return (sequence->emitted & 1 << kind) != 0;
}

/* The layer whose h and c are emitted */
static guint
last_lstm_layer (const GstLstmSequence *sequence)
{
  return lstm_model_get_n_lstm_layers (sequence->model) - 1;
}

static gsize
tensor_size (const GstLstmSequence *sequence, guint kind)
{
  if (kind == GST_LSTM_TENSOR_OUTPUT)
    return lstm_model_get_output_size (sequence->model);
  if (kind == GST_LSTM_TENSOR_CELL)
    return lstm_model_get_cell_size (sequence->model, last_lstm_layer (sequence));
  return lstm_model_get_hidden_size (sequence->model, last_lstm_layer (sequence));
}

gboolean
gst_lstm_sequence_start (GstLstmSequence *sequence, LstmModel *model, guint emitted,
    gboolean final_only, GError **error)
{
  sequence->model = model;
  sequence->emitted = emitted;
  sequence->final_only = final_only;
  if (!emitted)
    return gst_lstm_fail (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
        "property emit: expected at least one of output, hidden, cell, found none");
  if (!lstm_model_is_causal (model))
    return gst_lstm_fail (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
        "expected a model whose every step depends on the steps before it only, found one that "
        "needs whole sequences: a layer runs backwards, in both directions, or repeats");
  if (emitted & STATE_TENSORS && lstm_model_get_n_lstm_layers (model) == 0)
    return gst_lstm_fail (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
        "property emit: expected output alone, for the model has no LSTM layer, "
        "found hidden or cell");
  return TRUE;
}

static void
drop_state (GstLstmSequence *sequence)
{
  sequence->pending = FALSE;
  g_clear_pointer (&sequence->state, lstm_state_unref);
  for (guint kind = 0; kind < GST_LSTM_N_TENSORS; kind++) {
    g_clear_pointer (&sequence->steps[kind], g_free);
    g_clear_pointer (&sequence->final[kind], g_free);
  }
}

void
gst_lstm_sequence_stop (GstLstmSequence *sequence)
{
  drop_state (sequence);
  g_clear_pointer (&sequence->model, lstm_model_unref);
}

void
gst_lstm_sequence_describe (
    const GstLstmSequence *sequence, const GstLstmTensors *in, GstLstmTensors *out)
{
  *out = *in;
  out->n_tensors = 0;
  if (sequence->final_only)
    out->steps = 1;
  for (guint kind = 0; kind < GST_LSTM_N_TENSORS; kind++) {
    if (!emits (sequence, kind))
      continue;
    out->size[out->n_tensors] = (guint) tensor_size (sequence, kind);
    out->name[out->n_tensors++] = gst_lstm_tensor_name (kind);
  }
}

/* Memory for the steps of a buffer, whose number is new with the caps; FALSE if there is none. */
static gboolean
allocate_final (GstLstmSequence *sequence)
{
  const gsize streams = sequence->in.streams;

  for (guint kind = 0; kind < GST_LSTM_N_TENSORS; kind++) {
    gsize size;

    if (!emits (sequence, kind))
      continue;
    size = tensor_size (sequence, kind) * sizeof (gfloat);
    g_free (sequence->steps[kind]);
    sequence->steps[kind] = g_try_malloc_n (streams * sequence->in.steps, size);
    if (!sequence->final[kind])
      sequence->final[kind] = g_try_malloc_n (streams, size);
    if (!sequence->steps[kind] || !sequence->final[kind])
      return FALSE;
  }
  return TRUE;
}

gboolean
gst_lstm_sequence_configure (GstLstmSequence *sequence, const GstLstmTensors *in,
    const GstLstmTensors *out, GError **error)
{
  if (sequence->state && in->streams != sequence->in.streams)
    drop_state (sequence);
  sequence->in = *in;
  sequence->out = *out;
  if (!sequence->state
      && !(sequence->state = lstm_state_new (sequence->model, in->streams, error)))
    return FALSE;
  return !sequence->final_only || allocate_final (sequence)
         || gst_lstm_fail (error, LSTM_ERROR, LSTM_ERROR_MEMORY,
             "no memory for %u steps of %u streams", in->steps, in->streams);
}

void
gst_lstm_sequence_forget (GstLstmSequence *sequence)
{
  sequence->pending = FALSE;
  if (sequence->state)
    lstm_state_reset (sequence->state);
}

/* Maps the memories of @buffer as the tensors that are emitted; the others stay NULL. */
static gboolean
map_tensors (const GstLstmSequence *sequence, GstBuffer *buffer,
    GstMapInfo maps[GST_LSTM_N_TENSORS], gfloat *tensors[GST_LSTM_N_TENSORS])
{
  guint i = 0;

  for (guint kind = 0; kind < GST_LSTM_N_TENSORS; kind++) {
    tensors[kind] = NULL;
    if (!emits (sequence, kind))
      continue;
    if (!gst_memory_map (gst_buffer_peek_memory (buffer, i), &maps[i], GST_MAP_WRITE)) {
      while (i-- > 0)
        gst_memory_unmap (maps[i].memory, &maps[i]);
      return FALSE;
    }
    tensors[kind] = (gfloat *) maps[i++].data;
  }
  return TRUE;
}

static void
unmap_tensors (const GstLstmSequence *sequence, GstMapInfo maps[GST_LSTM_N_TENSORS])
{
  for (guint i = 0; i < sequence->out.n_tensors; i++)
    gst_memory_unmap (maps[i].memory, &maps[i]);
}

/* The last step of @inbuf and its time: by the framerate, else by an equal share of the
 * buffer's duration. */
static void
keep_final (GstLstmSequence *sequence, GstBuffer *inbuf)
{
  const gsize steps = sequence->in.steps;
  const GstClockTime pts = GST_BUFFER_PTS (inbuf), duration = GST_BUFFER_DURATION (inbuf);
  GstClockTime before = gst_lstm_tensors_step_offset (&sequence->in, steps - 1);

  for (guint kind = 0; kind < GST_LSTM_N_TENSORS; kind++) {
    gsize size = emits (sequence, kind) ? tensor_size (sequence, kind) : 0;

    for (gsize s = 0; size && s < sequence->in.streams; s++)
      memcpy (sequence->final[kind] + s * size,
          sequence->steps[kind] + (s * steps + steps - 1) * size, size * sizeof (gfloat));
  }
  sequence->pending = TRUE;
  sequence->pending_duration = gst_lstm_tensors_step_duration (&sequence->in);
  if (sequence->pending_duration == GST_CLOCK_TIME_NONE && GST_CLOCK_TIME_IS_VALID (duration)) {
    before = gst_util_uint64_scale (duration, steps - 1, steps);
    sequence->pending_duration = duration - before;
  }
  sequence->pending_pts = GST_CLOCK_TIME_IS_VALID (pts) ? pts + before : pts;
}

static void
run_steps (
    GstLstmSequence *sequence, const GstMapInfo *in, gfloat *const tensors[GST_LSTM_N_TENSORS])
{
  g_autofree gfloat *aligned = NULL;
  const gfloat *x = (const gfloat *) in->data;
  LstmRun run;

  if ((guintptr) in->data % sizeof (gfloat)) /* cut from the middle of somebody's bytes */
    x = aligned = g_memdup2 (in->data, in->size);
  run = (LstmRun){
      .steps = sequence->in.steps,
      .input = x,
      .output = tensors[GST_LSTM_TENSOR_OUTPUT],
      .layer = sequence->emitted & STATE_TENSORS ? last_lstm_layer (sequence) : 0,
      .hidden = tensors[GST_LSTM_TENSOR_HIDDEN],
      .cell = tensors[GST_LSTM_TENSOR_CELL],
  };
  lstm_state_run_full (sequence->state, &run);
}

gboolean
gst_lstm_sequence_run (GstLstmSequence *sequence, GstBuffer *inbuf, GstBuffer *outbuf)
{
  GstMapInfo in, maps[GST_LSTM_N_TENSORS];
  gfloat *tensors[GST_LSTM_N_TENSORS];

  if (!gst_buffer_map (inbuf, &in, GST_MAP_READ))
    return FALSE;
  if (outbuf && !map_tensors (sequence, outbuf, maps, tensors)) {
    gst_buffer_unmap (inbuf, &in);
    return FALSE;
  }
  run_steps (sequence, &in, outbuf ? tensors : sequence->steps);
  if (outbuf)
    unmap_tensors (sequence, maps);
  else
    keep_final (sequence, inbuf);
  gst_buffer_unmap (inbuf, &in);
  return TRUE;
}

gboolean
gst_lstm_sequence_take_final (GstLstmSequence *sequence, GstBuffer *outbuf)
{
  GstMapInfo maps[GST_LSTM_N_TENSORS];
  gfloat *tensors[GST_LSTM_N_TENSORS];

  sequence->pending = FALSE;
  if (!map_tensors (sequence, outbuf, maps, tensors))
    return FALSE;
  for (guint kind = 0; kind < GST_LSTM_N_TENSORS; kind++)
    if (tensors[kind])
      memcpy (tensors[kind], sequence->final[kind],
          sequence->in.streams * tensor_size (sequence, kind) * sizeof (gfloat));
  unmap_tensors (sequence, maps);
  GST_BUFFER_PTS (outbuf) = sequence->pending_pts;
  GST_BUFFER_DURATION (outbuf) = sequence->pending_duration;
  return TRUE;
}
