/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/state.h"
#include "kernels/float-mode.h"
#include "kernels/pack.h"
#include <stdlib.h>

#define CHUNK_ROWS 64 /* rows (streams x steps) that pass all layers together */

G_DEFINE_BOXED_TYPE (LstmState, lstm_state, lstm_state_ref, lstm_state_unref)

/* sum += count * each; FALSE when it overflows */
static gboolean
add_floats (gsize *sum, gsize count, gsize each)
{
  gsize product;

  return g_size_checked_mul (&product, count, each) && g_size_checked_add (sum, *sum, product);
}

/* h, h_next and c of a stream */
static gsize
memory_size (const LstmLayer *layer)
{
  return 2 * layer->h_stride + layer->c_stride;
}

/* Lays out h, h_next and c of each layer, then what the layers share. */
static gboolean
allocate (LstmState *state, GError **error)
{
  const LstmModel *model = state->model;
  const gsize panel = model->kernels->panel;
  gsize rows, floats = 0, width = 0, scratch = 0, held = 0;
  float *at;

  for (guint i = 0; i < model->layers->len; i++) {
    const LstmLayer *layer = lstm_model_layer (model, i);

    /* rounded, for what follows to stay aligned */
    width = MAX (width, (layer->out + panel - 1) / panel * panel);
    scratch = MAX (scratch, layer->scratch_row);
  }
  for (guint i = 0; i < model->lstm_layers->len; i++) {
    const LstmLayer *layer = g_ptr_array_index (model->lstm_layers, i);

    held = MAX (held, layer->c_stride);
    if (!add_floats (&floats, state->streams, memory_size (layer)))
      floats = G_MAXSIZE;
  }
  state->n_memory = floats;
  /* the mask's bytes are counted as floats */
  if (!g_size_checked_mul (&rows, state->streams, state->chunk)
      || !add_floats (&floats, rows, 2 * width) || !add_floats (&floats, rows, scratch)
      || !add_floats (&floats, state->streams, held) || !add_floats (&floats, rows, 1))
    floats = G_MAXSIZE;
  if (!(state->floats = lstm_floats_new (floats, error)))
    return FALSE;

  at = state->floats;
  for (guint i = 0; i < model->lstm_layers->len; i++) {
    const LstmLayer *layer = g_ptr_array_index (model->lstm_layers, i);
    LstmMemory *memory = &state->memory[i];

    memory->h_stride = layer->h_stride;
    memory->c_stride = layer->c_stride;
    memory->h = at;
    memory->h_next = at + state->streams * memory->h_stride;
    memory->c = at + 2 * state->streams * memory->h_stride;
    at += state->streams * memory_size (layer);
  }
  state->between[0] = at;
  state->between[1] = at + rows * width;
  state->scratch = at + 2 * rows * width;
  state->held = state->scratch + rows * scratch;
  state->mask = (guint8 *) (state->held + state->streams * held);
  lstm_state_reset (state);
  return TRUE;
}

LstmState *
lstm_state_new_chunked (LstmModel *model, gsize streams, gsize chunk, GError **error)
{
  LstmState *state = g_new0 (LstmState, 1);

  g_atomic_ref_count_init (&state->refs);
  state->model = lstm_model_ref (model);
  state->streams = streams;
  state->chunk = chunk;
  state->memory = g_new0 (LstmMemory, model->lstm_layers->len);
  if (!allocate (state, error))
    g_clear_pointer (&state, lstm_state_unref);
  return state;
}

LstmState *
lstm_state_new_for_sequences (LstmModel *model, gsize streams, gsize max_steps, GError **error)
{
  LstmState *state;
  gsize steps = max_steps;

  g_return_val_if_fail (model != NULL, NULL);
  g_return_val_if_fail (streams > 0 && max_steps > 0, NULL);
  for (guint i = 0; i < model->layers->len; i++)
    steps = MAX (steps, lstm_model_layer (model, i)->repeat);
  state = lstm_state_new_chunked (model, streams, steps, error);
  if (state) {
    state->whole = TRUE;
    state->max_steps = max_steps;
  }
  return state;
}

LstmState *
lstm_state_new (LstmModel *model, gsize streams, GError **error)
{
  g_return_val_if_fail (model != NULL, NULL);
  g_return_val_if_fail (streams > 0, NULL);
  if (!lstm_model_is_causal (model)) {
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_LAYER,
        "expected a model whose every step depends on the steps before it only, found one that "
        "needs whole sequences: a layer runs backwards, in both directions, or repeats");
    return NULL;
  }
  return lstm_state_new_chunked (model, streams, MAX (1, CHUNK_ROWS / streams), error);
}

LstmState *
lstm_state_ref (LstmState *state)
{
  g_atomic_ref_count_inc (&state->refs);
  return state;
}

void
lstm_state_unref (LstmState *state)
{
  if (!g_atomic_ref_count_dec (&state->refs))
    return;
  lstm_model_unref (state->model);
  free (state->floats);
  g_free (state->memory);
  g_free (state);
}

LstmModel *
lstm_state_get_model (const LstmState *state)
{
  return state->model;
}

gsize
lstm_state_get_streams (const LstmState *state)
{
  return state->streams;
}

/* A row begins as the model says, which is mostly zero. */
static void
begin (float *row, gsize stride, const float *initial)
{
  if (initial)
    memcpy (row, initial, stride * sizeof (float));
  else
    memset (row, 0, stride * sizeof (float));
}

void
lstm_state_reset_stream (LstmState *state, gsize stream)
{
  g_return_if_fail (stream < state->streams);
  for (guint i = 0; i < state->model->lstm_layers->len; i++) {
    const LstmLayer *layer = g_ptr_array_index (state->model->lstm_layers, i);
    const LstmMemory *memory = &state->memory[i];

    begin (memory->h + stream * memory->h_stride, memory->h_stride, layer->initial_h);
    begin (memory->c + stream * memory->c_stride, memory->c_stride, layer->initial_c);
  }
}

void
lstm_state_reset (LstmState *state)
{
  for (gsize i = 0; i < state->streams; i++)
    lstm_state_reset_stream (state, i);
}

/* Has @block leave what is wanted of its @direction. */
static void
trace (const LstmState *state, const LstmRun *run, guint direction, LstmBlock *block)
{
  const LstmLayer *layer = g_ptr_array_index (state->model->lstm_layers, run->layer);
  const gsize steps = state->whole ? block->steps : run->steps;

  block->hidden = run->hidden;
  block->cell = run->cell;
  block->gates = run->gates;
  block->hidden_stride = steps * layer->out;
  block->cell_stride = steps * layer->units;
  block->gates_stride = steps * LSTM_GATES * layer->units;
  block->traced = direction;
}

/* Adds to @mask [streams, n] the steps that the caller says do not count. */
static void
add_mask (const LstmState *state, const LstmRun *run, gsize n, guint8 *mask)
{
  for (gsize s = 0; s < state->streams; s++)
    for (gsize t = 0; t < n; t++)
      mask[s * n + t] |= !run->mask[s * run->steps + t];
}

/* The mask of the first layer's steps, or NULL */
static guint8 *
given_mask (const LstmState *state, const LstmRun *run, gsize n)
{
  if (!run->mask)
    return NULL;
  memset (state->mask, 0, state->streams * n);
  add_mask (state, run, n, state->mask);
  return state->mask;
}

/* Hands @n steps from layer to layer: the first reads the caller's input, the last writes the
 * caller's output, and those between write to the two buffers in turn. @run's arrays are at the
 * chunk's first step, their strides the whole call's. */
static void
run_chunk (LstmState *state, gsize n, const LstmRun *run)
{
  const LstmModel *model = state->model;
  const float *x = run->input;
  gsize x_stride = run->steps * model->in;
  guint8 *mask = given_mask (state, run, n);
  gboolean given = mask != NULL;
  guint lstm = 0;

  for (guint i = 0; i < model->layers->len; i++) {
    const LstmLayer *layer = lstm_model_layer (model, i);
    gboolean last = i + 1 == model->layers->len;
    LstmBlock block = {
        .streams = state->streams,
        .fan = 1,
        .steps = n,
        .x = x,
        .x_stride = x_stride,
        .y = last ? run->output : state->between[i % 2],
        .whole = state->whole,
        .scratch = state->scratch,
        .mask = layer->kind->masks ? state->mask : mask,
        .held = state->held,
        .memory = layer->kind->n_memories ? &state->memory[lstm] : NULL,
        .should_continue = state->whole ? run->should_continue : NULL,
        .should_continue_data = run->should_continue_data,
    };

    if (!lstm_block_should_continue (&block))
      return;

    if (run->layer - lstm < layer->kind->n_memories)
      trace (state, run, run->layer - lstm, &block);
    n = lstm_layer_steps (layer, &block);
    block.y_stride = (last && !state->whole ? run->steps : n) * layer->out;
    layer->kind->run (layer, model->kernels, &block);
    if (layer->kind->masks && given)
      add_mask (state, run, n, block.mask);
    lstm += layer->kind->n_memories;
    given &= !layer->returns_last && !layer->repeat;
    mask = layer->returns_last || layer->repeat ? NULL : block.mask;
    x = block.y;
    x_stride = block.y_stride;
  }
}

/* @run's arrays from step @t on; steps is the stride of all of them. */
static LstmRun
from_step (const LstmState *state, const LstmRun *run, gsize t)
{
  const gsize p = run->hidden ? lstm_model_get_hidden_size (state->model, run->layer) : 0;
  const gsize m = run->cell || run->gates ? lstm_model_get_cell_size (state->model, run->layer)
                                          : 0;

  return (LstmRun){
      .steps = run->stream_stride ? run->stream_stride : run->steps,
      .input = run->input + t * state->model->in,
      .mask = run->mask ? run->mask + t : NULL,
      .output = run->output ? run->output + t * state->model->out : NULL,
      .layer = run->layer,
      .hidden = run->hidden ? run->hidden + t * p : NULL,
      .cell = run->cell ? run->cell + t * m : NULL,
      .gates = run->gates ? run->gates + t * LSTM_GATES * m : NULL,
      .should_continue = run->should_continue,
      .should_continue_data = run->should_continue_data,
  };
}

void
lstm_state_run_full (LstmState *state, const LstmRun *run)
{
  const LstmModel *model = state->model;
  const gboolean traced = run->hidden || run->cell || run->gates;
  LstmFloatMode caller;

  g_return_if_fail (!traced || run->layer < model->lstm_layers->len);
  g_return_if_fail (!state->whole || (run->steps <= state->max_steps && !run->stream_stride));
  g_return_if_fail (!run->stream_stride || run->stream_stride >= run->steps);
  if (state->whole)
    lstm_state_reset (state);
  caller = lstm_float_mode_enter (LSTM_FLOAT_FLUSH);
  for (gsize t = 0; t < run->steps; t += state->chunk) {
    const LstmRun rest = from_step (state, run, t);

    run_chunk (state, MIN (state->chunk, run->steps - t), &rest);
  }
  lstm_float_mode_leave (caller);
}

gsize
lstm_state_get_output_steps (const LstmState *state, gsize steps)
{
  for (guint i = 0; steps && i < state->model->layers->len; i++) {
    const LstmBlock block = {.steps = steps, .whole = state->whole};

    steps = lstm_layer_steps (lstm_model_layer (state->model, i), &block);
  }
  return steps;
}

void
lstm_state_run (LstmState *state, gsize steps, const float *input, float *output)
{
  const LstmRun run = {.steps = steps, .input = input, .output = output};

  lstm_state_run_full (state, &run);
}

GBytes *
lstm_state_run_bytes (LstmState *state, GBytes *input)
{
  const LstmModel *model = state->model;
  gsize step = state->streams * lstm_model_get_input_size (model) * sizeof (float);
  gsize size, out;
  const float *x = g_bytes_get_data (input, &size);
  float *y;

  g_return_val_if_fail (size % step == 0, NULL);
  out = lstm_state_get_output_steps (state, size / step) * state->streams * model->out;
  y = g_new (float, out);
  lstm_state_run (state, size / step, x, y);
  return g_bytes_new_take (y, out * sizeof (float));
}

/* Rows of n floats from a memory's rows. */
static void
copy_rows (const LstmState *state, const float *from, gsize stride, gsize n, float *to)
{
  for (gsize s = 0; s < state->streams; s++)
    memcpy (to + s * n, from + s * stride, n * sizeof (float));
}

void
lstm_state_get_hidden (const LstmState *state, guint layer, float *hidden)
{
  g_return_if_fail (layer < state->model->lstm_layers->len);
  copy_rows (state, state->memory[layer].h, state->memory[layer].h_stride,
      lstm_model_get_hidden_size (state->model, layer), hidden);
}

void
lstm_state_get_cell (const LstmState *state, guint layer, float *cell)
{
  g_return_if_fail (layer < state->model->lstm_layers->len);
  copy_rows (state, state->memory[layer].c, state->memory[layer].c_stride,
      lstm_model_get_cell_size (state->model, layer), cell);
}
