/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Saves states and windows as safetensors. */
#include "container/safetensors-writer.h"
#include "kernels/float-mode.h"
#include "load/state-layout.h"
#include "model/window.h"

/* Appends @key and @value to the metadata, an array of keys and values in turn. */
static void
add_text (GPtrArray *metadata, const char *key, const char *value)
{
  g_ptr_array_add (metadata, g_strdup (key));
  g_ptr_array_add (metadata, g_strdup (value));
}

static void
add_number (GPtrArray *metadata, const char *key, guint64 value)
{
  g_autofree char *text = g_strdup_printf ("%" G_GUINT64_FORMAT, value);

  add_text (metadata, key, text);
}

static GPtrArray *
make_metadata (const LstmState *state, gsize streams, guint64 next_time, guint64 steps)
{
  GPtrArray *metadata = g_ptr_array_new_with_free_func (g_free);

  add_text (metadata, LSTM_STATE_KEY_STATE, LSTM_STATE_VERSION);
  add_text (metadata, LSTM_STATE_KEY_MODEL, lstm_model_get_fingerprint (state->model));
  add_number (metadata, LSTM_STATE_KEY_STREAMS, streams);
  if (next_time != G_MAXUINT64)
    add_number (metadata, LSTM_STATE_KEY_NEXT_TIME, next_time);
  add_number (metadata, LSTM_STATE_KEY_STEPS, steps);
  return metadata;
}

/* Writes the file without a digest, computes the digest of the file, and writes the file with the
 * digest. */
static GBytes *
write_file (
    const LstmModel *model, GPtrArray *metadata, const LstmTensorView *tensors, gsize n_tensors)
{
  const guint n_texts = metadata->len;
  g_autoptr (GBytes) undigested = NULL;
  g_autoptr (LstmSafetensors) st = NULL;
  g_autofree char *digest = NULL;

  g_ptr_array_add (metadata, NULL);
  undigested = lstm_safetensors_write (
      (const char *const *) metadata->pdata, tensors, n_tensors);
  st = lstm_safetensors_new_from_bytes (undigested, "saved state", NULL);
  digest = lstm_state_layout_make_digest (st, model);
  g_ptr_array_set_size (metadata, (gint) n_texts);
  add_text (metadata, LSTM_STATE_KEY_DIGEST, digest);
  g_ptr_array_add (metadata, NULL);
  return lstm_safetensors_write ((const char *const *) metadata->pdata, tensors, n_tensors);
}

/* Writes @metadata, h and c to a file, in the exact floating-point mode: the JSON parser computes
 * with floating-point numbers, and the caller may trap floating-point exceptions. */
static GBytes *
write_state (const LstmState *state, gsize streams, gsize slots, GPtrArray *metadata)
{
  const LstmFloatMode caller = lstm_float_mode_enter (LSTM_FLOAT_EXACT);
  const guint n = lstm_state_layout_count_tensors (state->model);
  g_autofree LstmStateTensor *layouts = g_new (LstmStateTensor, n);
  g_autofree LstmTensorView *tensors = g_new (LstmTensorView, n);
  g_autoptr (GPtrArray) arrays = g_ptr_array_new_with_free_func (g_free);
  GBytes *bytes;

  for (guint i = 0; i < n; i++) {
    const LstmStateTensor layout = layouts[i] = lstm_state_layout_get_tensor (
        state->model, i, streams, slots);
    float *values = g_new (float, layout.n_rows *layout.n);

    g_ptr_array_add (arrays, values);
    lstm_state_copy_rows (state, layout.memory, layout.is_cell, values);
    tensors[i] = (LstmTensorView){layouts[i].name, layout.n_dims, layouts[i].shape, values};
  }
  bytes = write_file (state->model, metadata, tensors, n);
  lstm_float_mode_leave (caller);
  return bytes;
}

GBytes *
lstm_state_save (const LstmState *state, guint64 next_time, guint64 steps)
{
  g_autoptr (GPtrArray) metadata = NULL;

  g_return_val_if_fail (!state->runs_complete_sequences, NULL);
  metadata = make_metadata (state, state->streams, next_time, steps);
  return write_state (state, state->streams, 0, metadata);
}

GBytes *
lstm_window_save (const LstmWindow *window, guint64 next_time, guint64 steps)
{
  g_autoptr (GPtrArray) metadata = NULL;

  g_return_val_if_fail (lstm_window_is_in_step (window), NULL);
  metadata = make_metadata (window->state, window->streams, next_time, steps);
  add_number (metadata, LSTM_STATE_KEY_LENGTH, window->length);
  add_number (metadata, LSTM_STATE_KEY_HOP, window->hop);
  add_number (metadata, LSTM_STATE_KEY_POSITION, lstm_window_get_position (window, 0));
  return write_state (window->state, window->streams, window->n_slots, metadata);
}
