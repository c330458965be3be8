/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/state.h"

struct _LstmWindow {
  gatomicrefcount refs;
  LstmState *state; /* the state row of a slot is stream * slots + slot */
  gsize streams, length, hop, n_slots;
  gsize steps_to_start;               /* until the next window starts */
  gsize steps_to_end;                 /* until the next window is complete */
  gsize starting_slot, complete_slot; /* the slots of these two windows */
  gsize first_lstm, last_lstm;        /* see LstmSlots */
};

static inline gsize
lstm_window_count_slots (gsize length, gsize hop)
{
  return length / hop + (length % hop != 0);
}

/* The position of a window is the number of steps since the last reset, minus complete rounds
 * through all slots, which do not change LstmWindow. The position determines all counters and slots
 * of LstmWindow. It is less than lstm_window_count_positions(). */
gsize lstm_window_get_position (const LstmWindow *window);
gsize lstm_window_count_positions (gsize length, gsize hop);
void lstm_window_set_position (LstmWindow *window, gsize position);

/* Returns the number of open windows. Their slots follow one another, from complete_slot on. */
gsize lstm_window_count_open (const LstmWindow *window);

/* Finds a value that is not finite in the slots of the open windows. Sets @row to its state row,
 * and @flaw like lstm_state_find_flaw(). Returns FALSE if all values are finite. */
gboolean lstm_window_find_flaw (const LstmWindow *window, gsize *row, LstmFlaw *flaw);
