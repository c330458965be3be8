/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Overlapping windows, in ceil (length / hop) slots per stream. Each slot is a row of one state. A
 * window reuses the slot of a complete window. All slots process the same x. */
#include "model/window.h"
#include "kernels/float-mode.h"
#include "model/chain.h"

G_DEFINE_BOXED_TYPE (LstmWindow, lstm_window, lstm_window_ref, lstm_window_unref)

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
  window->first_lstm = window->last_lstm = G_MAXSIZE;
  for (guint i = 0; i < model->layers->len; i++) {
    if (lstm_model_get_layer (model, i)->kind->n_memories) {
      window->first_lstm = MIN (window->first_lstm, i);
      window->last_lstm = i;
    }
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

void
lstm_window_set_position (LstmWindow *window, gsize position)
{
  const gsize length = window->length, hop = window->hop;
  const gsize n_started = position / hop + (position % hop != 0);

  window->steps_to_start = position % hop ? hop - position % hop : 0;
  window->starting_slot = n_started % window->n_slots;
  window->steps_to_end = position < length ? length - position
                                           : hop - (position - length) % hop;
  window->complete_slot = position < length ? 0
                                            : (1 + (position - length) / hop) % window->n_slots;
}

/* Subtracts the steps until the next window is complete from the position at that time. */
gsize
lstm_window_get_position (const LstmWindow *window)
{
  const gboolean is_between = window->steps_to_end > window->length; /* between two windows */

  return window->length + (window->complete_slot + is_between) * window->hop
         - window->steps_to_end;
}

gsize
lstm_window_count_positions (gsize length, gsize hop)
{
  const gsize last = (lstm_window_count_slots (length, hop) - 1) * hop;
  gsize position;

  return g_size_checked_add (&position, MAX (length, hop), last) ? position : G_MAXSIZE;
}

gsize
lstm_window_count_open (const LstmWindow *window)
{
  const gsize length = window->length, hop = window->hop;
  const gsize position = lstm_window_get_position (window);
  const gsize n_started = position / hop + (position % hop != 0);

  return n_started - (position < length ? 0 : 1 + (position - length) / hop);
}

void
lstm_window_reset (LstmWindow *window)
{
  lstm_window_set_position (window, 0);
}

gsize
lstm_window_get_n_outputs (const LstmWindow *window, gsize steps)
{
  return steps < window->steps_to_end ? 0 : 1 + (steps - window->steps_to_end) / window->hop;
}

static void
advance_slot (const LstmWindow *window, gsize *countdown, gsize *slot)
{
  *countdown = window->hop;
  *slot = (*slot + 1) % window->n_slots;
}

/* Starts a window if the next step is the first step of a window. */
static void
start_window (LstmWindow *window)
{
  if (window->steps_to_start == 0) {
    for (gsize s = 0; s < window->streams; s++)
      lstm_state_reset_stream (window->state, s * window->n_slots + window->starting_slot);
    advance_slot (window, &window->steps_to_start, &window->starting_slot);
  }
  window->steps_to_start--;
}

/* Returns the slot whose window is complete after the next step, or LSTM_NO_SLOT. */
static gsize
end_window (LstmWindow *window)
{
  const gsize slot = window->complete_slot;

  if (--window->steps_to_end > 0)
    return LSTM_NO_SLOT;
  advance_slot (window, &window->steps_to_end, &window->complete_slot);
  return slot;
}

gsize
lstm_window_run (LstmWindow *window, gsize steps, const float *input, float *output)
{
  const gsize d = window->state->model->in, n = window->state->model->out;
  const gsize n_outputs = lstm_window_get_n_outputs (window, steps);
  const LstmFloatMode caller = lstm_float_mode_enter (LSTM_FLOAT_FLUSH);
  LstmSlots slots = {.n_slots = window->n_slots,
      .first_lstm = window->first_lstm,
      .last_lstm = window->last_lstm};
  LstmPass pass = {
      .streams = window->streams,
      .steps = 1,
      .stream_stride = steps,
      .output = output,
      .output_stride = n_outputs * n,
      .slots = &slots,
  };

  for (gsize t = 0; t < steps; t++) {
    start_window (window);
    slots.complete_slot = end_window (window);
    pass.input = input + t * d;
    lstm_chain_run (window->state, &pass);
    if (slots.complete_slot != LSTM_NO_SLOT)
      pass.output += n;
  }
  lstm_float_mode_leave (caller);
  return n_outputs;
}
