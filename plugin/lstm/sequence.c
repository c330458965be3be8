/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/sequence.h"
#include "common/errors.h"
#include "lstm/models.h"
#include <string.h>

#define STATE_TENSORS (GST_LSTM_EMIT_HIDDEN | GST_LSTM_EMIT_CELL | GST_LSTM_EMIT_GATES)
#define SETTINGS_ERROR GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS

static const gchar *const tensor_names[GST_LSTM_N_TENSORS] = {
    [GST_LSTM_TENSOR_OUTPUT] = "output",
    [GST_LSTM_TENSOR_HIDDEN] = "hidden",
    [GST_LSTM_TENSOR_CELL] = "cell",
    [GST_LSTM_TENSOR_GATES] = GST_LSTM_GATES,
};

static gboolean
emits (const GstLstmSequence *sequence, guint kind)
{
  return (sequence->emitted & 1 << kind) != 0;
}

static guint
tensor_rows (guint kind)
{
  return kind == GST_LSTM_TENSOR_GATES ? GST_LSTM_GATES_ROWS : 1;
}

/* Values of a row of a step */
static gsize
tensor_size (const GstLstmSequence *sequence, guint kind)
{
  if (kind == GST_LSTM_TENSOR_OUTPUT)
    return lstm_model_get_output_size (sequence->model);
  if (kind == GST_LSTM_TENSOR_HIDDEN)
    return lstm_model_get_hidden_size (sequence->model, sequence->layer);
  return lstm_model_get_cell_size (sequence->model, sequence->layer);
}

static gsize
step_size (const GstLstmSequence *sequence, guint kind)
{
  return tensor_rows (kind) * tensor_size (sequence, kind);
}

/* --- What is wanted --- */

static gboolean
check_layer (const GstLstmSettings *settings, const LstmModel *model, GError **error)
{
  const gint n = (gint) lstm_model_get_n_lstm_layers (model);

  if (n == 0 && settings->emit & STATE_TENSORS)
    return gst_lstm_fail (error, SETTINGS_ERROR,
        "property emit: expected output alone, for the model has no LSTM layer, "
        "found hidden, cell or gates");
  return settings->emit_layer < n
         || gst_lstm_fail (error, SETTINGS_ERROR,
             "property emit-layer: expected -1 to %d, the LSTM layers of the model, found %d", n - 1,
             settings->emit_layer);
}

/* How many steps leave whatever the number that enters; 0: as many as enter */
static gboolean
find_given (GstLstmSequence *sequence, GError **error)
{
  g_autoptr (LstmState) state = lstm_state_new_for_sequences (sequence->model, 1, 2, error);

  if (!state)
    return FALSE;
  sequence->given = lstm_state_get_output_steps (state, 1);
  if (sequence->given != lstm_state_get_output_steps (state, 2))
    sequence->given = 0;
  return TRUE;
}

static gboolean
check_whole (const GstLstmSequence *sequence, const GstLstmSettings *settings, GError **error)
{
  const gboolean window = settings->output_mode == GST_LSTM_OUTPUT_WINDOW;

  if (window && settings->emit & STATE_TENSORS)
    return gst_lstm_fail (error, SETTINGS_ERROR,
        "property emit: expected output alone with output-mode=window, found hidden, cell or "
        "gates");
  if (!sequence->needs_whole)
    return TRUE;
  if (sequence->given && settings->emit & STATE_TENSORS)
    return gst_lstm_fail (error, SETTINGS_ERROR,
        "property emit: expected output alone, for the model needs whole sequences and does "
        "not "
        "give an output for each step, found hidden, cell or gates");
  if (settings->state_location)
    return gst_lstm_fail (error, SETTINGS_ERROR,
        "property state-location: expected none, for the model needs whole sequences and keeps "
        "no state, found %s",
        settings->state_location);
  return !window || settings->window_length <= settings->max_steps
         || gst_lstm_fail (error, SETTINGS_ERROR,
             "property window-length: expected at most %u (property max-steps), for the model "
             "needs whole windows, found %u",
             settings->max_steps, settings->window_length);
}

gboolean
gst_lstm_sequence_start (GstLstmSequence *sequence, LstmModel *model,
    const GstLstmSettings *settings, GError **error)
{
  *sequence = (GstLstmSequence){
      .model = model,
      .mode = (GstLstmOutputMode) settings->output_mode,
      .emitted = settings->emit,
      .window_length = settings->window_length,
      .window_hop = settings->window_hop,
      .max_steps = settings->max_steps,
      .needs_whole = !lstm_model_is_causal (model),
      .items = g_array_new (FALSE, FALSE, sizeof (GstLstmItem)),
  };
  gst_lstm_whole_init (sequence);
  if (!settings->emit)
    return gst_lstm_fail (error, SETTINGS_ERROR,
        "property emit: expected at least one of output, hidden, cell, gates, found none");
  if (!check_layer (settings, model, error)
      || (sequence->needs_whole && !find_given (sequence, error))
      || !check_whole (sequence, settings, error))
    return FALSE;
  if (settings->emit & STATE_TENSORS)
    sequence->layer = settings->emit_layer < 0 ? lstm_model_get_n_lstm_layers (model) - 1
                                          : (guint) settings->emit_layer;
  return TRUE;
}

void
gst_lstm_sequence_set_proceed (
    GstLstmSequence *sequence, gboolean (*proceed) (gpointer data), gpointer data)
{
  sequence->whole.proceed = proceed;
  sequence->whole.data = data;
}

void
gst_lstm_sequence_drop (GstLstmSequence *sequence)
{
  g_array_set_size (sequence->items, 0);
  sequence->taken = 0;
  sequence->held = FALSE;
}

static void
drop_state (GstLstmSequence *sequence)
{
  gst_lstm_sequence_drop (sequence);
  gst_lstm_whole_forget (sequence);
  sequence->whole.room = 0;
  g_clear_pointer (&sequence->state, lstm_state_unref);
  g_clear_pointer (&sequence->window, lstm_window_unref);
  sequence->restored = FALSE;
  for (guint kind = 0; kind < GST_LSTM_N_TENSORS; kind++)
    g_clear_pointer (&sequence->store[kind], g_free);
  sequence->store_room = 0;
}

void
gst_lstm_sequence_stop (GstLstmSequence *sequence)
{
  drop_state (sequence);
  gst_lstm_whole_clear (sequence);
  g_array_unref (sequence->items);
  g_free (sequence->zeros);
  g_free (sequence->step);
  gst_lstm_models_close (sequence->model);
  *sequence = (GstLstmSequence){0};
}

/* --- Shapes --- */

/* Steps of a buffer that leaves */
static gsize
output_steps (const GstLstmSequence *sequence, gsize steps)
{
  if (sequence->mode == GST_LSTM_OUTPUT_FINAL)
    return 1;
  if (sequence->mode == GST_LSTM_OUTPUT_WINDOW)
    steps = sequence->needs_whole ? sequence->window_length : 1;
  return sequence->given ? sequence->given : steps;
}

void
gst_lstm_sequence_describe (
    const GstLstmSequence *sequence, const GstLstmTensors *in, GstLstmTensors *out)
{
  *out = *in;
  out->n_tensors = 0;
  out->steps = (guint) output_steps (sequence, in->steps);
  for (guint kind = 0; kind < GST_LSTM_N_TENSORS; kind++) {
    if (!emits (sequence, kind))
      continue;
    out->size[out->n_tensors] = (guint) tensor_size (sequence, kind);
    out->rows[out->n_tensors] = tensor_rows (kind);
    out->name[out->n_tensors++] = tensor_names[kind];
  }
}

gboolean
gst_lstm_sequence_reserve (GstLstmSequence *sequence, gsize steps, GError **error)
{
  if (steps <= sequence->store_room)
    return TRUE;
  for (guint kind = 0; kind < GST_LSTM_N_TENSORS; kind++) {
    gsize bytes;
    gpointer store;

    if (!emits (sequence, kind))
      continue;
    if (!g_size_checked_mul (&bytes, steps, step_size (sequence, kind) * sizeof (gfloat))
        || !g_size_checked_mul (&bytes, bytes, sequence->in.streams)
        || !(store = g_try_realloc (sequence->store[kind], bytes)))
      return gst_lstm_fail (error, LSTM_ERROR, LSTM_ERROR_MEMORY,
          "no memory for %" G_GSIZE_FORMAT " steps of %u streams", steps, sequence->in.streams);
    sequence->store[kind] = store;
  }
  sequence->store_room = steps;
  return TRUE;
}

gboolean
gst_lstm_sequence_continues (const GstLstmSequence *sequence, const GstLstmTensors *in)
{
  return in->streams == sequence->in.streams;
}

/* What runs causal steps */
static gboolean
make_engine (GstLstmSequence *sequence, GError **error)
{
  const gsize streams = sequence->in.streams;

  if (sequence->needs_whole || sequence->state || sequence->window)
    return TRUE;
  if (sequence->mode == GST_LSTM_OUTPUT_WINDOW)
    sequence->window = lstm_window_new (
        sequence->model, streams, sequence->window_length, sequence->window_hop, error);
  else
    sequence->state = lstm_state_new (sequence->model, streams, error);
  return sequence->state || sequence->window;
}

/* Has *@values hold @bytes at least, all zeros where they had to be more. */
static gboolean
reserve_zeros (gfloat **values, gsize *has, gsize bytes)
{
  gfloat *zeros;

  if (bytes <= *has)
    return TRUE;
  zeros = g_try_malloc0 (bytes);
  if (!zeros)
    return FALSE;
  g_free (*values);
  *values = zeros;
  *has = bytes;
  return TRUE;
}

gboolean
gst_lstm_sequence_configure (
    GstLstmSequence *sequence, const GstLstmTensors *in, GError **error)
{
  const gboolean window = sequence->mode == GST_LSTM_OUTPUT_WINDOW;

  if (!in->n_tensors)
    return FALSE;
  if (!gst_lstm_sequence_continues (sequence, in)) {
    if (sequence->restored)
      return gst_lstm_fail (error, GST_LSTM_STREAM (FORMAT),
          "caps field dimensions: expected %u streams, which the restored state has, got %u",
          sequence->in.streams, in->streams);
    drop_state (sequence);
  }
  sequence->in = *in;
  gst_lstm_sequence_describe (sequence, in, &sequence->out);
  if (!reserve_zeros (&sequence->zeros, &sequence->zeros_bytes, gst_lstm_tensors_bytes (in, 0))
      || !reserve_zeros (
          &sequence->step, &sequence->step_bytes, gst_lstm_tensors_bytes (in, 0) / in->steps))
    return gst_lstm_fail (error, LSTM_ERROR, LSTM_ERROR_MEMORY,
        "no memory for %u steps of %u streams", in->steps, in->streams);
  return make_engine (sequence, error)
         && (sequence->needs_whole || gst_lstm_sequence_is_direct (sequence)
             || gst_lstm_sequence_reserve (
                 sequence, window ? in->steps / sequence->window_hop + 1 : 1, error));
}

void
gst_lstm_sequence_abandon (GstLstmSequence *sequence)
{
  gst_lstm_sequence_drop (sequence);
  gst_lstm_whole_forget (sequence);
}

void
gst_lstm_sequence_forget (GstLstmSequence *sequence)
{
  gst_lstm_sequence_abandon (sequence);
  sequence->restored = FALSE;
  if (sequence->state)
    lstm_state_reset (sequence->state);
  if (sequence->window)
    lstm_window_reset (sequence->window);
}

/* --- State that outlives the process --- */

guint64
gst_lstm_sequence_stream_size (const GstLstmSequence *sequence)
{
  guint64 n = 0;

  for (guint i = 0; i < lstm_model_get_n_lstm_layers (sequence->model); i++)
    n += lstm_model_get_hidden_size (sequence->model, i)
         + lstm_model_get_cell_size (sequence->model, i);
  if (sequence->mode == GST_LSTM_OUTPUT_WINDOW)
    n *= (sequence->window_length - 1) / sequence->window_hop + 1;
  return n * sizeof (gfloat);
}

/* One of *@state and *@window; FALSE if @bytes are not of the model or the windows. */
static gboolean
load_engine (const GstLstmSequence *sequence, GBytes *bytes, const gchar *name,
    LstmState **state, LstmWindow **window, guint64 *next_time, guint64 *steps, GError **error)
{
  if (sequence->mode == GST_LSTM_OUTPUT_WINDOW)
    *window = lstm_window_load (sequence->model, sequence->window_length, sequence->window_hop,
        bytes, name, next_time, steps, error);
  else
    *state = lstm_state_load (sequence->model, bytes, name, next_time, steps, error);
  return *state || *window;
}

/* Returns whether the saved @bytes can be loaded. Where h or c is not finite @error says which. */
static gboolean
is_good (const GstLstmSequence *sequence, GBytes *bytes, GError **error)
{
  g_autoptr (LstmState) state = NULL;
  g_autoptr (LstmWindow) window = NULL;

  return gst_lstm_sequence_is_finite (sequence)
         || load_engine (sequence, bytes, "h and c", &state, &window, NULL, NULL, error);
}

GBytes *
gst_lstm_sequence_save (
    const GstLstmSequence *sequence, guint64 next_time, guint64 steps, GError **error)
{
  g_autoptr (GBytes) bytes = NULL;

  if (sequence->window)
    bytes = lstm_window_save (sequence->window, next_time, steps);
  else if (sequence->state && !sequence->needs_whole)
    bytes = lstm_state_save (sequence->state, next_time, steps);
  return bytes && is_good (sequence, bytes, error) ? g_steal_pointer (&bytes) : NULL;
}

static gboolean
check_streams (const GstLstmSequence *sequence, gsize found, const gchar *name, GError **error)
{
  const guint expected = sequence->in.n_tensors ? sequence->in.streams : 0;

  return !expected || expected == found
         || gst_lstm_fail (error, LSTM_ERROR, LSTM_ERROR_SHAPE,
             "%s: expected a state of %u streams, which the caps have, found %" G_GSIZE_FORMAT,
             name, expected, found);
}

gboolean
gst_lstm_sequence_restore (GstLstmSequence *sequence, GBytes *bytes, const gchar *name,
    guint64 *next_time, guint64 *steps, GError **error)
{
  g_autoptr (LstmState) state = NULL;
  g_autoptr (LstmWindow) window = NULL;
  gsize streams;

  if (sequence->needs_whole)
    return gst_lstm_fail (error, LSTM_ERROR, LSTM_ERROR_LAYER,
        "%s: expected no state, for the model needs whole sequences and keeps none", name);
  if (!load_engine (sequence, bytes, name, &state, &window, next_time, steps, error))
    return FALSE;
  streams = window ? lstm_window_get_streams (window) : lstm_state_get_streams (state);
  if (!check_streams (sequence, streams, name, error))
    return FALSE;
  gst_lstm_sequence_drop (sequence);
  g_clear_pointer (&sequence->state, lstm_state_unref);
  g_clear_pointer (&sequence->window, lstm_window_unref);
  sequence->state = g_steal_pointer (&state);
  sequence->window = g_steal_pointer (&window);
  if (!sequence->in.n_tensors) /* else they are equal, and read without a lock */
    sequence->in.streams = (guint) streams;
  sequence->restored = TRUE;
  return TRUE;
}

/* --- Steps --- */

gboolean
gst_lstm_sequence_is_direct (const GstLstmSequence *sequence)
{
  return sequence->mode == GST_LSTM_OUTPUT_SEQUENCE && !sequence->needs_whole;
}

void
gst_lstm_sequence_add_item (
    GstLstmSequence *sequence, gsize first, gsize steps, const GstLstmSpan *span)
{
  const GstLstmItem item = {first, steps, *span};

  g_array_append_val (sequence->items, item);
}

GstLstmSpan
gst_lstm_span_join (const GstLstmSpan *first, const GstLstmSpan *last)
{
  GstLstmSpan span = {first->pts, GST_CLOCK_TIME_NONE, first->offset, last->offset_end};

  if (GST_CLOCK_TIME_IS_VALID (first->pts) && GST_CLOCK_TIME_IS_VALID (last->pts)
      && GST_CLOCK_TIME_IS_VALID (last->duration) && last->pts + last->duration >= first->pts)
    span.duration = last->pts + last->duration - first->pts;
  return span;
}

void
gst_lstm_sequence_run_state (GstLstmSequence *sequence, const gfloat *x, gsize steps,
    gsize stride, gfloat *const *tensors)
{
  const LstmRun run = {
      .steps = steps,
      .stream_stride = stride,
      .input = x,
      .output = tensors[GST_LSTM_TENSOR_OUTPUT],
      .layer = sequence->layer,
      .hidden = tensors[GST_LSTM_TENSOR_HIDDEN],
      .cell = tensors[GST_LSTM_TENSOR_CELL],
      .gates = tensors[GST_LSTM_TENSOR_GATES],
      .should_continue = sequence->needs_whole ? gst_lstm_whole_proceeds : NULL,
      .should_continue_data = sequence,
  };

  sequence->restored = FALSE;
  lstm_state_run_full (sequence->state, &run);
}

/* Step @t of @run as (streams, d) */
static const gfloat *
get_step (const GstLstmSequence *sequence, const GstLstmRun *run, guint t)
{
  const gsize d = sequence->in.size[0];

  if (!run->x)
    return sequence->zeros;
  if (sequence->in.streams == 1)
    return run->x + t * d;
  for (gsize s = 0; s < sequence->in.streams; s++)
    memcpy (sequence->step + s * d, run->x + (s * run->steps + t) * d, d * sizeof (gfloat));
  return sequence->step;
}

/* Runs steps @first to @first + @n from where they lie, with outputs beside where there are tensors. */
static void
run_in_place (GstLstmSequence *sequence, const GstLstmRun *run, guint first, guint n)
{
  gfloat *tensors[GST_LSTM_N_TENSORS] = {NULL};

  for (guint kind = 0; kind < GST_LSTM_N_TENSORS; kind++)
    if (run->tensors[kind])
      tensors[kind] = run->tensors[kind] + first * step_size (sequence, kind);
  if (run->x)
    gst_lstm_sequence_run_state (
        sequence, run->x + (gsize) first * sequence->in.size[0], n, run->steps, tensors);
  else
    gst_lstm_sequence_run_state (sequence, sequence->zeros, n, 0, tensors);
}

/* Only the outputs of the last step are kept, until the sequence ends. */
static void
run_final (GstLstmSequence *sequence, const GstLstmRun *run, guint first, guint n)
{
  const guint last = run->steps - 1;
  const guint ends = first + n > last; /* 0 or 1 */
  GstLstmSpan span;

  if (n > ends)
    run_in_place (sequence, run, first, n - ends);
  if (!ends)
    return;
  span = gst_lstm_tensors_part (&sequence->in, &run->span, run->steps, last, 1);
  gst_lstm_sequence_drop (sequence);
  gst_lstm_sequence_run_state (sequence, get_step (sequence, run, last), 1, 0, sequence->store);
  sequence->store_steps = 1;
  gst_lstm_sequence_add_item (sequence, 0, 1, &span);
  sequence->held = TRUE;
}

static void
run_window (GstLstmSequence *sequence, const GstLstmRun *run, guint first, guint n)
{
  const gsize streams = sequence->in.streams;
  const gsize block = streams * step_size (sequence, GST_LSTM_TENSOR_OUTPUT);
  gfloat *outputs = sequence->store[GST_LSTM_TENSOR_OUTPUT];

  if (first == 0)
    gst_lstm_sequence_drop (sequence);
  sequence->store_steps = 1;
  sequence->restored = FALSE;
  for (guint t = first; t < first + n; t++) {
    const gsize i = sequence->items->len;
    GstLstmSpan at;

    if (!lstm_window_run (
            sequence->window, 1, get_step (sequence, run, t), outputs + i * block))
      continue;
    at = gst_lstm_tensors_part (&sequence->in, &run->span, run->steps, t, 1);
    gst_lstm_sequence_add_item (sequence, i * streams, 1, &at);
  }
}

gboolean
gst_lstm_sequence_run_part (
    GstLstmSequence *sequence, const GstLstmRun *run, guint first, guint n, GError **error)
{
  if (sequence->needs_whole)
    return gst_lstm_whole_add (
        sequence, run->x ? run->x : sequence->zeros, n, &run->span, run->x != NULL, error);
  if (sequence->window)
    run_window (sequence, run, first, n);
  else if (sequence->mode == GST_LSTM_OUTPUT_FINAL)
    run_final (sequence, run, first, n);
  else
    run_in_place (sequence, run, first, n);
  return TRUE;
}

/* --- Values that are not finite --- */

gboolean
gst_lstm_sequence_is_finite (const GstLstmSequence *sequence)
{
  if (sequence->window)
    return lstm_window_is_finite (sequence->window);
  return !sequence->state || lstm_state_is_finite (sequence->state);
}

void
gst_lstm_sequence_mend (GstLstmSequence *sequence)
{
  for (gsize s = 0; sequence->state && s < sequence->in.streams; s++)
    if (!lstm_state_is_stream_finite (sequence->state, s))
      lstm_state_reset_stream (sequence->state, s);
}

/* --- Memories --- */

/* Maps the memories of @buffer as the tensors that are emitted; the others stay NULL. */
static gboolean
map_tensors (const GstLstmSequence *sequence, GstBuffer *buffer,
    GstMapInfo maps[GST_LSTM_N_TENSORS], gfloat *tensors[GST_LSTM_N_TENSORS], GError **error)
{
  guint i = 0;

  for (guint kind = 0; kind < GST_LSTM_N_TENSORS; kind++) {
    tensors[kind] = NULL;
    if (!emits (sequence, kind))
      continue;
    if (!gst_memory_map (gst_buffer_peek_memory (buffer, i), &maps[i], GST_MAP_WRITE)) {
      while (i-- > 0)
        gst_memory_unmap (maps[i].memory, &maps[i]);
      return gst_lstm_fail_to_map (error, "for writing", gst_buffer_get_size (buffer));
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

gboolean
gst_lstm_sequence_run_begin (
    const GstLstmSequence *sequence, GstLstmRun *run, GstBuffer *outbuf, GError **error)
{
  memset (run->tensors, 0, sizeof run->tensors);
  return !outbuf || map_tensors (sequence, outbuf, run->maps, run->tensors, error);
}

void
gst_lstm_sequence_run_end (const GstLstmSequence *sequence, GstLstmRun *run)
{
  for (guint kind = 0; kind < GST_LSTM_N_TENSORS; kind++)
    if (run->tensors[kind]) {
      unmap_tensors (sequence, run->maps);
      return;
    }
}

/* --- What leaves --- */

gboolean
gst_lstm_sequence_finish (GstLstmSequence *sequence, GError **error)
{
  sequence->held = FALSE;
  return gst_lstm_whole_finish (sequence, error);
}

gboolean
gst_lstm_sequence_peek (
    GstLstmSequence *sequence, GstLstmSpan *span, guint *steps, GError **error)
{
  const GstLstmItem *item;

  if (sequence->held)
    return FALSE;
  if (sequence->taken == sequence->items->len) {
    gst_lstm_sequence_drop (sequence);
    if (sequence->needs_whole && !gst_lstm_whole_next_window (sequence, error))
      return FALSE;
  }
  if (sequence->items->len == 0)
    return FALSE;
  item = &g_array_index (sequence->items, GstLstmItem, sequence->taken);
  *span = item->span;
  *steps = (guint) item->steps;
  return TRUE;
}

gboolean
gst_lstm_sequence_take (GstLstmSequence *sequence, GstBuffer *outbuf, GError **error)
{
  const GstLstmItem *item = &g_array_index (sequence->items, GstLstmItem, sequence->taken);
  GstMapInfo maps[GST_LSTM_N_TENSORS];
  gfloat *tensors[GST_LSTM_N_TENSORS];

  if (sequence->taken == sequence->items->len)
    return FALSE;
  if (!map_tensors (sequence, outbuf, maps, tensors, error))
    return FALSE;
  for (guint kind = 0; kind < GST_LSTM_N_TENSORS; kind++) {
    const gsize size = tensors[kind] ? step_size (sequence, kind) : 0;

    for (gsize s = 0; size && s < sequence->in.streams; s++)
      memcpy (tensors[kind] + s * item->steps * size,
          sequence->store[kind] + (s * sequence->store_steps + item->first) * size,
          item->steps * size * sizeof (gfloat));
  }
  unmap_tensors (sequence, maps);
  sequence->taken++;
  return TRUE;
}
