/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state.h"
#include "pack.h"
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

static gsize
memory_stride (const LstmModel *model, const LstmLayer *layer)
{
  return layer->panels * model->kernels->panel / 4;
}

/* Lays out h, h_next and c of each layer, then what the layers share. */
static gboolean
allocate (LstmState *state, GError **error)
{
  const LstmModel *model = state->model;
  const gsize panel = model->kernels->panel;
  gsize rows, floats = 0, width = 0, scratch = 0;
  float *at;

  for (guint i = 0; i < model->layers->len; i++) {
    const LstmLayer *layer = lstm_model_layer (model, i);

    /* rounded, for what follows to stay aligned */
    width = MAX (width, (layer->out + panel - 1) / panel * panel);
    scratch = MAX (scratch, layer->scratch_row);
    if (layer->kind->has_memory
        && !add_floats (&floats, state->streams, 3 * memory_stride (model, layer)))
      floats = G_MAXSIZE;
  }
  state->n_memory = floats;
  if (!g_size_checked_mul (&rows, state->streams, state->chunk)
      || !add_floats (&floats, rows, 2 * width) || !add_floats (&floats, rows, scratch))
    floats = G_MAXSIZE;
  if (!(state->floats = lstm_floats_new (floats, error)))
    return FALSE;

  at = state->floats;
  for (guint i = 0; i < model->lstm_layers->len; i++) {
    LstmMemory *memory = &state->memory[i];
    gsize size;

    memory->stride = memory_stride (model, g_ptr_array_index (model->lstm_layers, i));
    size = state->streams * memory->stride;
    memory->h = at;
    memory->h_next = at + size;
    memory->c = at + 2 * size;
    at += 3 * size;
  }
  state->between[0] = at;
  state->between[1] = at + rows * width;
  state->scratch = at + 2 * rows * width;
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
lstm_state_new (LstmModel *model, gsize streams, GError **error)
{
  g_return_val_if_fail (model != NULL, NULL);
  g_return_val_if_fail (streams > 0, NULL);
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

void
lstm_state_reset (LstmState *state)
{
  memset (state->floats, 0, state->n_memory * sizeof (float));
}

void
lstm_state_reset_stream (LstmState *state, gsize stream)
{
  g_return_if_fail (stream < state->streams);
  for (guint i = 0; i < state->model->lstm_layers->len; i++) {
    const LstmMemory *memory = &state->memory[i];

    memset (memory->h + stream * memory->stride, 0, memory->stride * sizeof (float));
    memset (memory->c + stream * memory->stride, 0, memory->stride * sizeof (float));
  }
}

/* Where the caller's arrays go, at the chunk's first step. Strides are the whole call's. */
typedef struct {
  gsize steps; /* of the whole call */
  const float *input;
  float *output;
  guint layer;
  float *hidden, *cell;
} Arrays;

/* Hands @n steps from layer to layer: the first reads the caller's input, the last writes the
 * caller's output, and those between write to the two buffers in turn. */
static void
run_chunk (LstmState *state, gsize n, const Arrays *arrays)
{
  const LstmModel *model = state->model;
  const float *x = arrays->input;
  gsize x_stride = arrays->steps * model->in;
  guint lstm = 0;

  for (guint i = 0; i < model->layers->len; i++) {
    const LstmLayer *layer = lstm_model_layer (model, i);
    gboolean last = i + 1 == model->layers->len;
    gboolean traced = layer->kind->has_memory && lstm == arrays->layer;
    const LstmBlock block = {
        .streams = state->streams,
        .fan = 1,
        .steps = n,
        .x = x,
        .x_stride = x_stride,
        .y = last ? arrays->output : state->between[i % 2],
        .y_stride = (last ? arrays->steps : n) * layer->out,
        .hidden = traced ? arrays->hidden : NULL,
        .cell = traced ? arrays->cell : NULL,
        .trace_stride = arrays->steps * layer->out,
        .scratch = state->scratch,
        .memory = layer->kind->has_memory ? &state->memory[lstm] : NULL,
    };

    layer->kind->run (layer, model->kernels, &block);
    lstm += layer->kind->has_memory;
    x = block.y;
    x_stride = block.y_stride;
  }
}

void
lstm_state_run_full (LstmState *state, gsize steps, const float *input, float *output,
    guint layer, float *hidden, float *cell)
{
  const LstmModel *model = state->model;
  const gsize d = model->in, n = model->out;
  gsize m = 0;

  g_return_if_fail ((!hidden && !cell) || layer < model->lstm_layers->len);
  if (hidden || cell)
    m = lstm_model_get_hidden_size (model, layer);
  for (gsize t = 0; t < steps; t += state->chunk) {
    const Arrays arrays = {
        .steps = steps,
        .input = input + t * d,
        .output = output ? output + t * n : NULL,
        .layer = layer,
        .hidden = hidden ? hidden + t * m : NULL,
        .cell = cell ? cell + t * m : NULL,
    };

    run_chunk (state, MIN (state->chunk, steps - t), &arrays);
  }
}

void
lstm_state_run (LstmState *state, gsize steps, const float *input, float *output)
{
  lstm_state_run_full (state, steps, input, output, 0, NULL, NULL);
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
  out = size / step * state->streams * lstm_model_get_output_size (model);
  y = g_new (float, out);
  lstm_state_run (state, size / step, x, y);
  return g_bytes_new_take (y, out * sizeof (float));
}

/* Rows of out floats from a memory's rows. */
static void
copy_rows (const LstmState *state, guint layer, const float *from, float *to)
{
  gsize m = lstm_model_get_hidden_size (state->model, layer);

  for (gsize s = 0; s < state->streams; s++)
    memcpy (to + s * m, from + s * state->memory[layer].stride, m * sizeof (float));
}

void
lstm_state_get_hidden (const LstmState *state, guint layer, float *hidden)
{
  g_return_if_fail (layer < state->model->lstm_layers->len);
  copy_rows (state, layer, state->memory[layer].h, hidden);
}

void
lstm_state_get_cell (const LstmState *state, guint layer, float *cell)
{
  g_return_if_fail (layer < state->model->lstm_layers->len);
  copy_rows (state, layer, state->memory[layer].c, cell);
}
