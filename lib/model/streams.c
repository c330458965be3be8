/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Single streams and lists of streams of a state. */
#include "model/state.h"
#include <string.h>

/* --- Lists of streams --- */

/* Marks each stream of the list, so that a list costs no more than the streams in it. */
gboolean
lstm_state_are_distinct (
    const LstmState *state, gsize n_streams, const gsize *rows, gsize n_rows)
{
  gsize n = 0;

  for (; rows && n < n_rows && rows[n] < n_streams && !state->marks[rows[n]]; n++)
    state->marks[rows[n]] = TRUE;
  for (gsize i = 0; i < n; i++)
    state->marks[rows[i]] = FALSE;
  return n == n_rows;
}

const gsize *
lstm_state_find_list (gsize n_streams, const gsize *rows, gsize n_rows)
{
  gsize n = 0;

  while (n < n_rows && rows[n] == n)
    n++;
  return n == n_streams ? NULL : rows;
}

/* h_next of the memory has no content between two steps, so h is gathered there. */
void
lstm_state_gather (const LstmState *state, const LstmLayer *layer, const gsize *rows,
    gsize n_rows, gsize n_slots, LstmMemory *compact)
{
  float *at = state->compact;

  for (guint k = 0; k < layer->kind->n_memories; k++) {
    const LstmMemory *memory = &state->memory[layer->memory + k];
    const gsize n_h = n_slots * memory->h_stride, n_c = n_slots * memory->c_stride;

    compact[k] = *memory;
    compact[k].h = memory->h_next;
    compact[k].h_next = at;
    compact[k].c = at + n_rows * n_h;
    at += n_rows * (n_h + n_c);
    for (gsize i = 0; i < n_rows; i++) {
      memcpy (compact[k].h + i * n_h, memory->h + rows[i] * n_h, n_h * sizeof (float));
      memcpy (compact[k].c + i * n_c, memory->c + rows[i] * n_c, n_c * sizeof (float));
    }
  }
}

void
lstm_state_scatter (LstmState *state, const LstmLayer *layer, const gsize *rows, gsize n_rows,
    gsize n_slots, const LstmMemory *compact)
{
  for (guint k = 0; k < layer->kind->n_memories; k++) {
    LstmMemory *memory = &state->memory[layer->memory + k];
    const gsize n_h = n_slots * memory->h_stride, n_c = n_slots * memory->c_stride;

    memory->backwards = compact[k].backwards;
    for (gsize i = 0; i < n_rows; i++) {
      memcpy (memory->h + rows[i] * n_h, compact[k].h + i * n_h, n_h * sizeof (float));
      memcpy (memory->c + rows[i] * n_c, compact[k].c + i * n_c, n_c * sizeof (float));
    }
  }
}

/* --- One stream --- */

void
lstm_state_copy_row (LstmState *state, gsize row, const LstmState *from, gsize from_row)
{
  for (guint i = 0; i < state->model->memory_layouts->len; i++) {
    const LstmMemory *to = &state->memory[i], *source = &from->memory[i];

    memmove (to->h + row * to->h_stride, source->h + from_row * to->h_stride,
        to->h_stride * sizeof (float));
    memmove (to->c + row * to->c_stride, source->c + from_row * to->c_stride,
        to->c_stride * sizeof (float));
  }
}

gsize
lstm_state_get_stream_size (const LstmState *state)
{
  gsize size = 0;

  for (guint i = 0; i < state->model->memory_layouts->len; i++) {
    const LstmMemoryLayout *layout = lstm_model_get_memory_layout (state->model, i);

    size += layout->n_h + layout->n_c;
  }
  return size;
}

void
lstm_state_get_stream (const LstmState *state, gsize stream, float *values)
{
  g_return_if_fail (stream < state->streams);
  for (guint i = 0; i < state->model->memory_layouts->len; i++) {
    const LstmMemoryLayout *layout = lstm_model_get_memory_layout (state->model, i);
    const LstmMemory *memory = &state->memory[i];

    memcpy (values, memory->h + stream * memory->h_stride, layout->n_h * sizeof (float));
    values += layout->n_h;
    memcpy (values, memory->c + stream * memory->c_stride, layout->n_c * sizeof (float));
    values += layout->n_c;
  }
}

void
lstm_state_set_stream (LstmState *state, gsize stream, const float *values)
{
  g_return_if_fail (stream < state->streams);
  for (guint i = 0; i < state->model->memory_layouts->len; i++) {
    const LstmMemoryLayout *layout = lstm_model_get_memory_layout (state->model, i);
    const LstmMemory *memory = &state->memory[i];

    memcpy (memory->h + stream * memory->h_stride, values, layout->n_h * sizeof (float));
    values += layout->n_h;
    memcpy (memory->c + stream * memory->c_stride, values, layout->n_c * sizeof (float));
    values += layout->n_c;
  }
}
