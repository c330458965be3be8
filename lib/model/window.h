/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/state.h"

struct _LstmWindow {
  gatomicrefcount refs;
  LstmState *state; /* row stream * slots + slot */
  gsize streams, length, hop, slots;
  gsize begins, ends;   /* steps until a window begins, until the next one is complete */
  gsize next, complete; /* the slots in which they do */
  gsize first, last;    /* LSTM layers among the layers, or G_MAXSIZE */
};

static inline gsize
lstm_window_n_slots (gsize length, gsize hop)
{
  return length / hop + (length % hop != 0);
}

/* The steps since the last reset, less whole rounds through all slots as far as they make no
 * difference: below lstm_window_n_positions(). It says where all the counters stand. */
gsize lstm_window_get_position (const LstmWindow *window);
gsize lstm_window_n_positions (gsize length, gsize hop);
void lstm_window_set_position (LstmWindow *window, gsize position);

/* How many windows have begun and are not complete: in the slots from `complete` on */
gsize lstm_window_n_open (const LstmWindow *window);

/* As lstm_state_find_flaw(), in the rows of the windows that are open */
gboolean lstm_window_find_flaw (const LstmWindow *window, gsize *row, LstmFlaw *flaw);
