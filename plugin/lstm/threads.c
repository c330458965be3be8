/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/threads.h"

LstmState *
gst_lstm_add_threads_to_state (LstmState *state, guint n_threads, GError **error)
{
  if (state && !lstm_state_set_threads (state, n_threads, error))
    g_clear_pointer (&state, lstm_state_unref);
  return state;
}

LstmWindow *
gst_lstm_add_threads_to_window (LstmWindow *window, guint n_threads, GError **error)
{
  if (window && !lstm_window_set_threads (window, n_threads, error))
    g_clear_pointer (&window, lstm_window_unref);
  return window;
}
