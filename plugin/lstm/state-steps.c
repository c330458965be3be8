/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/state-steps.h"
#include "lstm/threads.h"

/* Copies h and c of all streams. */
static void
copy_streams (LstmState *to, const LstmState *from)
{
  const gsize n_streams = lstm_state_get_streams (from);
  g_autofree gfloat *values = g_new (gfloat, lstm_state_get_stream_size (from));

  for (gsize s = 0; s < n_streams; s++) {
    lstm_state_get_stream (from, s, values);
    lstm_state_set_stream (to, s, values);
  }
}

gboolean
gst_lstm_replace_state (LstmState **state, LstmModel *model, gsize n_streams, gsize n_steps,
    guint n_threads, GError **error)
{
  LstmState *new_state = gst_lstm_add_threads_to_state (
      lstm_state_new_for_steps (model, n_streams, n_steps, error), n_threads, error);

  if (!new_state)
    return FALSE;
  if (*state)
    copy_streams (new_state, *state);
  g_clear_pointer (state, lstm_state_unref);
  *state = new_state;
  return TRUE;
}
