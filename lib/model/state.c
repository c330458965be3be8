/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/state.h"
#include "layers/floats.h"
#include <stdlib.h>
#include <string.h>

#define CHUNK_ROWS 64 /* streams × steps that pass all layers together */

G_DEFINE_BOXED_TYPE (LstmState, lstm_state, lstm_state_ref, lstm_state_unref)

/* Adds @count * @each to @sum. Returns FALSE if the result overflows. */
static gboolean
add_floats (gsize *sum, gsize count, gsize each)
{
  gsize product;

  return g_size_checked_mul (&product, count, each) && g_size_checked_add (sum, *sum, product);
}

/* Returns the number of floats of h, h_next and c in a state row. */
static gsize
get_memory_row_size (const LstmMemoryLayout *layout)
{
  return 2 * layout->h_stride + layout->c_stride;
}

/* Returns the number of floats of h and c in a row of the compact memory of a layer. */
static gsize
get_compact_row_size (const LstmModel *model, const LstmLayer *layer)
{
  gsize size = 0;

  for (guint i = 0; i < layer->kind->n_memories; i++) {
    const LstmMemoryLayout *layout = lstm_model_get_memory_layout (model, layer->memory + i);

    size += layout->h_stride + layout->c_stride;
  }
  return size;
}

/* The sizes of the widest rows of all layers, in floats */
typedef struct {
  gsize output, scratch, c, compact;
} Widths;

static Widths
find_widths (const LstmModel *model)
{
  const gsize panel = model->kernels->panel;
  Widths widths = {0};

  for (guint i = 0; i < model->layers->len; i++) {
    const LstmLayer *layer = lstm_model_get_layer (model, i);

    /* rounded, so that the arrays that follow stay aligned */
    widths.output = MAX (widths.output, (layer->out + panel - 1) / panel * panel);
    widths.scratch = MAX (widths.scratch, layer->scratch_row);
    widths.compact = MAX (widths.compact, get_compact_row_size (model, layer));
  }
  for (guint i = 0; i < model->memory_layouts->len; i++)
    widths.c = MAX (widths.c, lstm_model_get_memory_layout (model, i)->c_stride);
  return widths;
}

/* Returns the number of floats of a state, or G_MAXSIZE if the number overflows. */
static gsize
count_floats (const LstmState *state, const Widths *widths)
{
  const LstmModel *model = state->model;
  gsize n_rows, floats = 0;

  for (guint i = 0; i < model->memory_layouts->len; i++)
    if (!add_floats (&floats, state->streams,
            get_memory_row_size (lstm_model_get_memory_layout (model, i))))
      return G_MAXSIZE;
  /* the last term is the mask and the marks, whose bytes are counted as floats */
  return g_size_checked_mul (&n_rows, state->streams, state->chunk)
                 && add_floats (&floats, n_rows, 2 * widths->output)
                 && add_floats (&floats, n_rows, widths->scratch)
                 && add_floats (&floats, state->streams, widths->c)
                 && add_floats (&floats, state->streams, widths->compact)
                 && add_floats (&floats, n_rows, 1)
             ? floats
             : G_MAXSIZE;
}

/* Allocates h, h_next and c of each layer, followed by the arrays that the layers share. */
static gboolean
allocate_floats (LstmState *state, GError **error)
{
  const LstmModel *model = state->model;
  const Widths widths = find_widths (model);
  gsize n_rows;
  float *at;

  if (!(at = state->floats = lstm_floats_new (count_floats (state, &widths), error)))
    return FALSE;
  for (guint i = 0; i < model->memory_layouts->len; i++) {
    const LstmMemoryLayout *layout = lstm_model_get_memory_layout (model, i);
    LstmMemory *memory = &state->memory[i];

    memory->h_stride = layout->h_stride;
    memory->c_stride = layout->c_stride;
    memory->h = at;
    memory->h_next = at + state->streams * memory->h_stride;
    memory->c = at + 2 * state->streams * memory->h_stride;
    at += state->streams * get_memory_row_size (layout);
  }
  n_rows = state->streams * state->chunk;
  state->layer_buffers[0] = at;
  state->layer_buffers[1] = at + n_rows * widths.output;
  state->scratch = at + 2 * n_rows * widths.output;
  state->saved_c = state->scratch + n_rows * widths.scratch;
  state->compact = state->saved_c + state->streams * widths.c;
  state->mask = (guint8 *) (state->compact + state->streams * widths.compact);
  state->marks = state->mask + n_rows;
  memset (state->marks, 0, state->streams);
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
  state->memory = g_new0 (LstmMemory, model->memory_layouts->len);
  state->is_plain = TRUE;
  for (guint i = 0; i < model->layers->len; i++)
    state->is_plain &= !lstm_model_get_layer (model, i)->kind->writes_mask;
  if (!allocate_floats (state, error))
    g_clear_pointer (&state, lstm_state_unref);
  return state;
}

LstmState *
lstm_state_new_for_sequences (LstmModel *model, gsize streams, gsize max_steps, GError **error)
{
  LstmState *state;
  gsize chunk = max_steps;

  g_return_val_if_fail (model != NULL, NULL);
  g_return_val_if_fail (streams > 0 && max_steps > 0, NULL);
  for (guint i = 0; i < model->layers->len; i++)
    chunk = MAX (chunk, lstm_model_get_layer (model, i)->n_output_steps);
  state = lstm_state_new_chunked (model, streams, chunk, error);
  if (state) {
    state->runs_complete_sequences = TRUE;
    state->max_steps = max_steps;
  }
  return state;
}

LstmState *
lstm_state_new_for_steps (LstmModel *model, gsize streams, gsize steps, GError **error)
{
  g_return_val_if_fail (model != NULL, NULL);
  g_return_val_if_fail (streams > 0 && steps > 0, NULL);
  if (!lstm_model_check_causal (model, error))
    return NULL;
  return lstm_state_new_chunked (model, streams, CLAMP (CHUNK_ROWS / streams, 1, steps), error);
}

LstmState *
lstm_state_new (LstmModel *model, gsize streams, GError **error)
{
  return lstm_state_new_for_steps (model, streams, CHUNK_ROWS, error);
}

gsize
lstm_state_get_chunk (const LstmState *state, gsize n_streams)
{
  const gsize n_rows = MIN (CHUNK_ROWS, state->streams * state->chunk);

  return state->runs_complete_sequences ? state->chunk : MAX (1, n_rows / n_streams);
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
  lstm_threads_free (state->threads);
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

/* Sets a row of h or c to @initial, or to zeros if that is NULL. */
static void
initialize_row (float *row, gsize stride, const float *initial)
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
  for (guint i = 0; i < state->model->memory_layouts->len; i++) {
    const LstmMemoryLayout *layout = lstm_model_get_memory_layout (state->model, i);
    const LstmMemory *memory = &state->memory[i];

    initialize_row (memory->h + stream * memory->h_stride, memory->h_stride, layout->initial_h);
    initialize_row (memory->c + stream * memory->c_stride, memory->c_stride, layout->initial_c);
  }
}

void
lstm_state_reset (LstmState *state)
{
  for (gsize i = 0; i < state->streams; i++)
    lstm_state_reset_stream (state, i);
}

gsize
lstm_state_get_output_steps (const LstmState *state, gsize steps)
{
  for (guint i = 0; steps && i < state->model->layers->len; i++) {
    const LstmLayer *layer = lstm_model_get_layer (state->model, i);

    steps = lstm_layer_get_output_steps (layer, steps, state->runs_complete_sequences);
  }
  return steps;
}

gsize
lstm_state_get_layer_steps (const LstmState *state, guint layer, gsize steps)
{
  g_return_val_if_fail (layer < state->model->n_lstm_layers, 0);
  for (guint i = 0; steps; i++) {
    const LstmLayer *at = lstm_model_get_layer (state->model, i);

    if (layer - at->memory < at->kind->n_memories)
      break;
    steps = lstm_layer_get_output_steps (at, steps, state->runs_complete_sequences);
  }
  return steps;
}

gsize
lstm_state_get_max_steps (const LstmState *state)
{
  return state->max_steps;
}

void
lstm_state_copy_rows (const LstmState *state, guint index, gboolean is_cell, float *copy)
{
  const LstmMemoryLayout *layout = lstm_model_get_memory_layout (state->model, index);
  const LstmMemory *memory = &state->memory[index];
  const float *rows = is_cell ? memory->c : memory->h;
  const gsize stride = is_cell ? memory->c_stride : memory->h_stride;
  const gsize n = is_cell ? layout->n_c : layout->n_h;

  for (gsize s = 0; s < state->streams; s++)
    memcpy (copy + s * n, rows + s * stride, n * sizeof (float));
}

void
lstm_state_get_hidden (const LstmState *state, guint layer, float *hidden)
{
  g_return_if_fail (layer < state->model->n_lstm_layers);
  lstm_state_copy_rows (state, layer, FALSE, hidden);
}

void
lstm_state_get_cell (const LstmState *state, guint layer, float *cell)
{
  g_return_if_fail (layer < state->model->n_lstm_layers);
  if (lstm_model_check_trace (state->model, layer, TRUE, FALSE))
    lstm_state_copy_rows (state, layer, TRUE, cell);
}

void
lstm_state_copy_memory (LstmState *state, const LstmState *from)
{
  for (guint i = 0; i < state->model->memory_layouts->len; i++) {
    const LstmMemory *to = &state->memory[i];

    memcpy (to->h, from->memory[i].h, state->streams * to->h_stride * sizeof (float));
    memcpy (to->c, from->memory[i].c, state->streams * to->c_stride * sizeof (float));
  }
}
