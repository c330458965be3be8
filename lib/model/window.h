/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/state.h"

/* The counters and slots of a stream */
typedef struct {
  gsize steps_to_start;               /* until the next window starts */
  gsize steps_to_end;                 /* until the next window is complete */
  gsize starting_slot, complete_slot; /* the slots of these two windows */
} LstmWindowClock;

struct _LstmWindow {
  gatomicrefcount refs;
  LstmState *state; /* the state row of a slot is stream * slots + slot */
  gsize streams, length, hop, n_slots;
  LstmWindowClock *clocks;     /* (streams) */
  gsize *complete_rows;        /* (streams), scratch memory for LstmSlots */
  gsize first_lstm, last_lstm; /* see LstmSlots */
};

static inline gsize
lstm_window_count_slots (gsize length, gsize hop)
{
  return length / hop + (length % hop != 0);
}

/* The position of a stream is the number of steps since its last reset, minus complete rounds
 * through all slots, which do not change its clock. The position determines the clock. It is less
 * than lstm_window_count_positions(). */
gsize lstm_window_get_position (const LstmWindow *window, gsize stream);
gsize lstm_window_count_positions (gsize length, gsize hop);
void lstm_window_set_position (LstmWindow *window, gsize stream, gsize position);

/* Returns whether all streams have the same position. */
gboolean lstm_window_is_in_step (const LstmWindow *window);

/* Returns the number of open windows of a stream. Their slots follow one another, from
 * complete_slot on. */
gsize lstm_window_count_open (const LstmWindow *window, gsize stream);

/* Finds a value that is not finite in the slots of the open windows. Sets @row to its state row,
 * and @flaw like lstm_state_find_flaw(). Returns FALSE if all values are finite. */
gboolean lstm_window_find_flaw (const LstmWindow *window, gsize *row, LstmFlaw *flaw);
