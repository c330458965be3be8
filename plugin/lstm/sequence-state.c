/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/sequence-state.h"
#include "common/errors.h"
#include "lstm/state-steps.h"
#include <string.h>

/* --- Saved states --- */

/* Returns: (transfer full): the saved initial state of one stream. NULL if memory is insufficient */
static GBytes *
save_initial_state (const GstLstmSequenceConfig *config)
{
  g_autoptr (LstmState) state = NULL;
  g_autoptr (LstmWindow) window = NULL;

  if (config->mode == GST_LSTM_OUTPUT_WINDOW) {
    window = lstm_window_new (
        config->model, 1, config->window_length, config->window_hop, NULL);
    return window ? lstm_window_save (window, 0, 0) : NULL;
  }
  state = lstm_state_new_for_steps (config->model, 1, 1, NULL);
  return state ? lstm_state_save (state, 0, 0) : NULL;
}

guint64
gst_lstm_sequence_get_state_bytes (const GstLstmSequence *sequence)
{
  g_autoptr (GBytes) bytes = save_initial_state (&sequence->config);
  guint64 header;

  if (!bytes)
    return 0;
  memcpy (&header, g_bytes_get_data (bytes, NULL), sizeof header);
  return g_bytes_get_size (bytes) - sizeof header - GUINT64_FROM_LE (header);
}

/* Loads *@state, or *@window if outputs are windows. Returns FALSE and sets @error if @bytes are of
 * another model or of other windows. */
static gboolean
load_state (const GstLstmSequenceConfig *config, GBytes *bytes, const gchar *name,
    LstmState **state, LstmWindow **window, guint64 *next_time, guint64 *steps, GError **error)
{
  if (config->mode == GST_LSTM_OUTPUT_WINDOW)
    *window = lstm_window_load (config->model, config->window_length, config->window_hop, bytes,
        name, next_time, steps, error);
  else
    *state = lstm_state_load (config->model, bytes, name, next_time, steps, error);
  return *state || *window;
}

/* Returns whether the saved @bytes can be loaded. If h or c is not finite, @error names it. */
static gboolean
can_load_state (const GstLstmSequence *sequence, GBytes *bytes, GError **error)
{
  g_autoptr (LstmState) state = NULL;
  g_autoptr (LstmWindow) window = NULL;

  return gst_lstm_sequence_is_finite (sequence)
         || load_state (
             &sequence->config, bytes, "h and c", &state, &window, NULL, NULL, error);
}

GBytes *
gst_lstm_sequence_save (
    const GstLstmSequence *sequence, guint64 next_time, guint64 steps, GError **error)
{
  g_autoptr (GBytes) bytes = NULL;

  if (sequence->window)
    bytes = lstm_window_save (sequence->window, next_time, steps);
  else if (sequence->state)
    bytes = lstm_state_save (sequence->state, next_time, steps);
  return bytes && can_load_state (sequence, bytes, error) ? g_steal_pointer (&bytes) : NULL;
}

static gboolean
check_streams (const GstLstmSequence *sequence, gsize found, const gchar *name, GError **error)
{
  const guint expected = sequence->in.n_tensors ? sequence->in.streams : 0;

  return !expected || expected == found
         || gst_lstm_fail (error, LSTM_ERROR, LSTM_ERROR_SHAPE,
             "%s: expected a state of %u streams, which the caps have, found %" G_GSIZE_FORMAT,
             name, expected, found);
}

/* Gives the loaded state (nullable) scratch memory for the steps of a buffer, once these are known. */
static gboolean
fit_scratch_memory (const GstLstmSequence *sequence, LstmState **state, GError **error)
{
  return !*state || !sequence->state_steps
         || gst_lstm_replace_state (state, sequence->config.model,
             lstm_state_get_streams (*state), sequence->state_steps,
             sequence->config.n_threads, error);
}

gboolean
gst_lstm_sequence_restore (GstLstmSequence *sequence, GBytes *bytes, const gchar *name,
    guint64 *next_time, guint64 *steps, GError **error)
{
  g_autoptr (LstmState) state = NULL;
  g_autoptr (LstmWindow) window = NULL;
  gsize n_streams;

  if (sequence->config.non_causal)
    return gst_lstm_fail (error, LSTM_ERROR, LSTM_ERROR_LAYER,
        "%s: expected a causal model, found a model that needs complete sequences and has no "
        "state between buffers",
        name);
  if (!load_state (&sequence->config, bytes, name, &state, &window, next_time, steps, error))
    return FALSE;
  n_streams = window ? lstm_window_get_streams (window) : lstm_state_get_streams (state);
  if (!check_streams (sequence, n_streams, name, error)
      || !fit_scratch_memory (sequence, &state, error)
      || (window && !lstm_window_set_threads (window, sequence->config.n_threads, error)))
    return FALSE;
  gst_lstm_output_queue_remove_items (&sequence->queue);
  if (!sequence->in
           .n_tensors) { /* with caps the streams are equal, and are read without a lock */
    gst_lstm_output_queue_set_streams (&sequence->queue, n_streams);
    sequence->in.streams = (guint) n_streams;
  }
  g_clear_pointer (&sequence->state, lstm_state_unref);
  g_clear_pointer (&sequence->window, lstm_window_unref);
  sequence->state = g_steal_pointer (&state);
  sequence->window = g_steal_pointer (&window);
  sequence->restored = TRUE;
  return TRUE;
}

/* --- Values that are not finite --- */

gboolean
gst_lstm_sequence_is_finite (const GstLstmSequence *sequence)
{
  if (sequence->window)
    return lstm_window_is_finite (sequence->window);
  return !sequence->state || lstm_state_is_finite (sequence->state);
}

void
gst_lstm_sequence_reset_non_finite (GstLstmSequence *sequence)
{
  for (gsize s = 0; sequence->state && s < sequence->in.streams; s++)
    if (!lstm_state_is_stream_finite (sequence->state, s))
      lstm_state_reset_stream (sequence->state, s);
}
