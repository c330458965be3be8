/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Overlapping windows, in ceil (length / hop) slots per stream. Each slot is a row of one state. A
 * window reuses the slot of a complete window. All slots of a stream process the same x. */
#include "model/window.h"
#include "kernels/float-mode.h"
#include "model/chain.h"
#include <string.h>

G_DEFINE_BOXED_TYPE (LstmWindow, lstm_window, lstm_window_ref, lstm_window_unref)

static gboolean
allocate_clocks (LstmWindow *window, GError **error)
{
  window->clocks = g_try_new (LstmWindowClock, window->streams);
  window->complete_rows = g_try_new (gsize, window->streams);
  if (window->clocks && window->complete_rows)
    return TRUE;
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_MEMORY,
      "no memory for the positions of %" G_GSIZE_FORMAT " streams", window->streams);
  return FALSE;
}

/* Sets the indices of the first and the last layer with memory. */
static void
find_lstm_layers (LstmWindow *window)
{
  const LstmModel *model = window->state->model;

  window->first_lstm = window->last_lstm = G_MAXSIZE;
  for (guint i = 0; i < model->layers->len; i++) {
    if (lstm_model_get_layer (model, i)->kind->n_memories) {
      window->first_lstm = MIN (window->first_lstm, i);
      window->last_lstm = i;
    }
  }
}

LstmWindow *
lstm_window_new (LstmModel *model, gsize streams, gsize length, gsize hop, GError **error)
{
  LstmWindow *window;
  LstmState *state;
  gsize n_slots, n_rows;

  g_return_val_if_fail (model != NULL, NULL);
  g_return_val_if_fail (streams > 0 && length > 0 && hop > 0, NULL);
  if (!lstm_model_check_causal (model, error))
    return NULL;
  n_slots = lstm_window_count_slots (length, hop);
  if (!g_size_checked_mul (&n_rows, streams, n_slots))
    n_rows = G_MAXSIZE;
  if (!(state = lstm_state_new_chunked (model, n_rows, 1, error)))
    return NULL;
  window = g_new0 (LstmWindow, 1);
  g_atomic_ref_count_init (&window->refs);
  window->state = state;
  window->streams = streams;
  window->length = length;
  window->hop = hop;
  window->n_slots = n_slots;
  find_lstm_layers (window);
  if (!allocate_clocks (window, error)) {
    lstm_window_unref (window);
    return NULL;
  }
  lstm_window_reset (window);
  return window;
}

LstmWindow *
lstm_window_ref (LstmWindow *window)
{
  g_atomic_ref_count_inc (&window->refs);
  return window;
}

void
lstm_window_unref (LstmWindow *window)
{
  if (!g_atomic_ref_count_dec (&window->refs))
    return;
  lstm_state_unref (window->state);
  g_free (window->clocks);
  g_free (window->complete_rows);
  g_free (window);
}

LstmModel *
lstm_window_get_model (const LstmWindow *window)
{
  return window->state->model;
}

gsize
lstm_window_get_length (const LstmWindow *window)
{
  return window->length;
}

gsize
lstm_window_get_hop (const LstmWindow *window)
{
  return window->hop;
}

gsize
lstm_window_get_streams (const LstmWindow *window)
{
  return window->streams;
}

/* --- Positions --- */

void
lstm_window_set_position (LstmWindow *window, gsize stream, gsize position)
{
  const gsize length = window->length, hop = window->hop;
  const gsize n_started = position / hop + (position % hop != 0);

  window->clocks[stream] = (LstmWindowClock){
      .steps_to_start = position % hop ? hop - position % hop : 0,
      .starting_slot = n_started % window->n_slots,
      .steps_to_end = position < length ? length - position : hop - (position - length) % hop,
      .complete_slot = position < length ? 0
                                         : (1 + (position - length) / hop) % window->n_slots,
  };
}

/* Subtracts the steps until the next window is complete from the position at that time. */
gsize
lstm_window_get_position (const LstmWindow *window, gsize stream)
{
  const LstmWindowClock *clock = &window->clocks[stream];
  const gboolean is_between = clock->steps_to_end > window->length; /* between two windows */

  return window->length + (clock->complete_slot + is_between) * window->hop
         - clock->steps_to_end;
}

gsize
lstm_window_count_positions (gsize length, gsize hop)
{
  const gsize last = (lstm_window_count_slots (length, hop) - 1) * hop;
  gsize position;

  return g_size_checked_add (&position, MAX (length, hop), last) ? position : G_MAXSIZE;
}

gsize
lstm_window_count_open (const LstmWindow *window, gsize stream)
{
  const gsize length = window->length, hop = window->hop;
  const gsize position = lstm_window_get_position (window, stream);
  const gsize n_started = position / hop + (position % hop != 0);

  return n_started - (position < length ? 0 : 1 + (position - length) / hop);
}

gboolean
lstm_window_is_in_step (const LstmWindow *window)
{
  for (gsize s = 1; s < window->streams; s++)
    if (memcmp (&window->clocks[s], &window->clocks[0], sizeof (LstmWindowClock)) != 0)
      return FALSE;
  return TRUE;
}

void
lstm_window_reset (LstmWindow *window)
{
  for (gsize s = 0; s < window->streams; s++)
    lstm_window_set_position (window, s, 0);
}

void
lstm_window_reset_stream (LstmWindow *window, gsize stream)
{
  g_return_if_fail (stream < window->streams);
  lstm_window_set_position (window, stream, 0);
}

void
lstm_window_copy_stream (
    LstmWindow *to, gsize to_stream, const LstmWindow *from, gsize from_stream)
{
  g_return_if_fail (to_stream < to->streams && from_stream < from->streams);
  g_return_if_fail (to->state->model == from->state->model);
  g_return_if_fail (to->length == from->length && to->hop == from->hop);
  for (gsize i = 0; i < to->n_slots; i++)
    lstm_state_copy_row (
        to->state, to_stream * to->n_slots + i, from->state, from_stream * to->n_slots + i);
  to->clocks[to_stream] = from->clocks[from_stream];
}

gsize
lstm_window_get_n_outputs (const LstmWindow *window, gsize steps)
{
  const gsize steps_to_end = window->clocks[0].steps_to_end;

  g_return_val_if_fail (lstm_window_is_in_step (window), 0);
  return steps < steps_to_end ? 0 : 1 + (steps - steps_to_end) / window->hop;
}

/* --- Runs --- */

static void
advance_slot (const LstmWindow *window, gsize *countdown, gsize *slot)
{
  *countdown = window->hop;
  *slot = (*slot + 1) % window->n_slots;
}

/* Starts a window of a stream if the next step is the first step of a window. */
static void
start_window (LstmWindow *window, gsize stream)
{
  LstmWindowClock *clock = &window->clocks[stream];

  if (clock->steps_to_start == 0) {
    lstm_state_reset_stream (window->state, stream * window->n_slots + clock->starting_slot);
    advance_slot (window, &clock->steps_to_start, &clock->starting_slot);
  }
  clock->steps_to_start--;
}

/* Appends the slot of the stream @i of the pass to the complete rows if its window is complete
 * after the next step. */
static void
end_window (LstmWindow *window, gsize stream, gsize i, LstmSlots *slots)
{
  LstmWindowClock *clock = &window->clocks[stream];

  if (--clock->steps_to_end > 0)
    return;
  window->complete_rows[slots->n_complete++] = i * window->n_slots + clock->complete_slot;
  advance_slot (window, &clock->steps_to_end, &clock->complete_slot);
}

/* Runs the step of @pass. Returns the number of windows that the step completes. */
static gsize
run_step (LstmWindow *window, LstmPass *pass)
{
  LstmSlots slots = {.n_slots = window->n_slots,
      .first_lstm = window->first_lstm,
      .last_lstm = window->last_lstm,
      .complete_rows = window->complete_rows};

  for (gsize i = 0; i < pass->streams; i++) {
    const gsize stream = pass->rows ? pass->rows[i] : i;

    start_window (window, stream);
    end_window (window, stream, i, &slots);
  }
  pass->slots = &slots;
  lstm_chain_run (window->state, pass);
  return slots.n_complete;
}

gsize
lstm_window_run (LstmWindow *window, gsize steps, const float *input, float *output)
{
  const gsize d = window->state->model->in, n = window->state->model->out;
  LstmPass pass = {
      .streams = window->streams,
      .steps = 1,
      .stream_stride = steps,
      .output = output,
  };
  LstmFloatMode caller;
  gsize n_outputs;

  g_return_val_if_fail (lstm_window_is_in_step (window), 0);
  n_outputs = lstm_window_get_n_outputs (window, steps);
  pass.output_stride = n_outputs * n;
  caller = lstm_float_mode_enter (LSTM_FLOAT_FLUSH);
  for (gsize t = 0; t < steps; t++) {
    pass.input = input + t * d;
    if (run_step (window, &pass))
      pass.output += n;
  }
  lstm_float_mode_leave (caller);
  return n_outputs;
}

void
lstm_window_run_rows (LstmWindow *window, const gsize *rows, gsize n_rows, const float *input,
    float *output, guint8 *is_complete)
{
  LstmPass pass = {
      .streams = n_rows,
      .steps = 1,
      .stream_stride = 1,
      .input = input,
      .output = output,
      .output_stride = window->state->model->out,
  };
  LstmFloatMode caller;
  gsize n_complete;

  g_return_if_fail (lstm_state_are_distinct (window->state, window->streams, rows, n_rows));
  if (n_rows == 0)
    return;
  pass.rows = lstm_state_find_list (window->streams, rows, n_rows);
  caller = lstm_float_mode_enter (LSTM_FLOAT_FLUSH);
  n_complete = run_step (window, &pass);
  lstm_float_mode_leave (caller);
  memset (is_complete, FALSE, n_rows);
  for (gsize i = 0; i < n_complete; i++)
    is_complete[window->complete_rows[i] / window->n_slots] = TRUE;
}
