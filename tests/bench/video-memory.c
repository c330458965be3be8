/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "video-memory.h"
#include <string.h>

gboolean
video_memory_open (VideoMemory *self, const char *path, gsize n_steps, GError **error)
{
  *self = (VideoMemory){.n_steps = n_steps};
  if (!(self->model = lstm_model_load (path, error)))
    return FALSE;
  if (lstm_model_is_causal (self->model)) {
    self->window = lstm_window_new (self->model, 1, n_steps, 1, error);
    return self->window != NULL;
  }
  self->state = lstm_state_new_for_sequences (self->model, 1, n_steps, error);
  if (!self->state)
    return FALSE;
  self->vectors = g_new0 (float, n_steps *lstm_model_get_input_size (self->model));
  self->sequence = g_new0 (float, lstm_state_get_output_steps (self->state, n_steps)
                                      * lstm_model_get_output_size (self->model));
  return TRUE;
}

void
video_memory_close (VideoMemory *self)
{
  g_free (self->vectors);
  g_free (self->sequence);
  g_clear_pointer (&self->state, lstm_state_unref);
  g_clear_pointer (&self->window, lstm_window_unref);
  g_clear_pointer (&self->model, lstm_model_unref);
}

void
video_memory_run (VideoMemory *self, const float *vector, float *output)
{
  const gsize d = lstm_model_get_input_size (self->model);
  const gsize n = lstm_model_get_output_size (self->model);
  const gsize others = (self->n_steps - 1) * d;

  if (self->window) {
    lstm_window_run (self->window, 1, vector, output);
    return;
  }
  memmove (self->vectors, self->vectors + d, others * sizeof (float));
  memcpy (self->vectors + others, vector, d * sizeof (float));
  lstm_state_run (self->state, self->n_steps, self->vectors, self->sequence);
  memcpy (output,
      self->sequence + (lstm_state_get_output_steps (self->state, self->n_steps) - 1) * n,
      n * sizeof (float));
}
