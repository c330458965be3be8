/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The number of threads of states and windows. */
#include "model/window.h"

gboolean
lstm_state_set_threads (LstmState *state, guint n_threads, GError **error)
{
  LstmThreads *threads = NULL;

  g_return_val_if_fail (n_threads >= 1 && n_threads <= LSTM_MAX_THREADS, FALSE);
  if (n_threads == lstm_threads_get_n_threads (state->threads))
    return TRUE;
  if (n_threads > 1 && !(threads = lstm_threads_new (n_threads, error)))
    return FALSE;
  lstm_threads_free (state->threads);
  state->threads = threads;
  return TRUE;
}

guint
lstm_state_get_threads (const LstmState *state)
{
  return lstm_threads_get_n_threads (state->threads);
}

gboolean
lstm_window_set_threads (LstmWindow *window, guint n_threads, GError **error)
{
  return lstm_state_set_threads (window->state, n_threads, error);
}

guint
lstm_window_get_threads (const LstmWindow *window)
{
  return lstm_state_get_threads (window->state);
}
