/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The threads of states and windows: the property `threads`. */
#pragma once

#include <lstm/lstm.h>

/* Sets the number of threads of @state (transfer full, nullable).
 * Returns: (transfer full): @state, or NULL. If the system refuses a thread, frees @state and sets
 *   @error */
LstmState *gst_lstm_add_threads_to_state (LstmState *state, guint n_threads, GError **error);

/* Sets the number of threads of @window, like gst_lstm_add_threads_to_state(). */
LstmWindow *gst_lstm_add_threads_to_window (
    LstmWindow *window, guint n_threads, GError **error);
