/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/state.h"

struct _LstmWindow {
  gatomicrefcount refs;
  LstmState *state; /* the state row of a slot is stream * slots + slot */
  gsize streams, length, hop, slots;
  gsize steps_to_start,
      steps_to_end; /* until a window starts, until the next window is complete */
  gsize starting_slot, complete_slot; /* the slots of these windows */
  gsize first, last; /* the first and the last LSTM layer among all layers, or G_MAXSIZE */
};

static inline gsize
lstm_window_n_slots (gsize length, gsize hop)
{
  return length / hop + (length % hop != 0);
}

/* The position is the number of steps since the last reset, without the rounds through all slots
 * that make no difference: it is below lstm_window_n_positions(). It determines the counters and
 * slots of LstmWindow. */
gsize lstm_window_get_position (const LstmWindow *window);
gsize lstm_window_n_positions (gsize length, gsize hop);
void lstm_window_set_position (LstmWindow *window, gsize position);

/* Returns the number of windows that have started and are not complete. Their slots begin with
 * complete_slot. */
gsize lstm_window_n_open (const LstmWindow *window);

/* Sets @flaw, and its state row, like lstm_state_find_flaw(), in the rows of the open windows. */
gboolean lstm_window_find_flaw (const LstmWindow *window, gsize *row, LstmFlaw *flaw);
