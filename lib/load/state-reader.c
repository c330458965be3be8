/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Loads saved states and windows. Checks the rules of the file before it allocates a state, and
 * the values afterwards. */
#include "kernels/float-mode.h"
#include "load/state-layout.h"
#include "model/window.h"
#include "util/text.h"
#include <string.h>

/* The limit for a model without memory, for which no tensor limits the number */
#define MAX_STREAMS 65536

/* A saved state or window, and the numbers in its metadata */
typedef struct {
  LstmSafetensors *st;
  const LstmModel *model;
  gsize length, hop, slots; /* of the window; 0 for a state */
  guint64 streams, next_time, last_time, steps, position;
} SavedFile;

static void
saved_file_clear (SavedFile *file)
{
  g_clear_pointer (&file->st, lstm_safetensors_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SavedFile, saved_file_clear)

static const char *
get_text (const SavedFile *file, const char *key)
{
  return g_hash_table_lookup (file->st->metadata, key);
}

static gboolean
refuse_value (const SavedFile *file, const char *key, const char *expected, GError **error)
{
  const char *found = get_text (file, key);

  g_set_error (error, LSTM_ERROR, LSTM_ERROR_STATE,
      "%s: __metadata__: \"%s\": expected %s, found %s%s%s", file->st->file, key, expected,
      found ? "\"" : "", found ? found : "none", found ? "\"" : "");
  return FALSE;
}

static gboolean
read_number (const SavedFile *file, const char *key, guint64 low, guint64 high, guint64 *value,
    GError **error)
{
  const char *text = get_text (file, key);
  g_autofree char *expected = g_strdup_printf (
      "a number from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT, low, high);

  return (text && g_ascii_string_to_unsigned (text, 10, low, high, value, NULL))
         || refuse_value (file, key, expected, error);
}

/* Does not change @time if the file does not contain @key. */
static gboolean
read_time (const SavedFile *file, const char *key, guint64 *time, GError **error)
{
  return !get_text (file, key) || read_number (file, key, 0, G_MAXUINT64 - 1, time, error);
}

static gboolean
expect_text (const SavedFile *file, const char *key, const char *expected, GError **error)
{
  return g_strcmp0 (get_text (file, key), expected) == 0
         || refuse_value (file, key, expected, error);
}

/* Refuses unknown keys with the prefix of liblstm, so that nothing is silently ignored. */
static gboolean
check_keys (const SavedFile *file, GError **error)
{
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, file->st->metadata);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    if (g_str_has_prefix (key, LSTM_STATE_KEY_PREFIX)
        && !lstm_state_layout_has_key (key, file->slots > 0))
      return refuse_value (file, key,
          file->slots ? "no such key for windows" : "no such key for a state", error);
  return TRUE;
}

static gboolean
check_model (const SavedFile *file, GError **error)
{
  const char *expected = lstm_model_get_fingerprint (file->model);
  const char *found = get_text (file, LSTM_STATE_KEY_MODEL);

  if (g_strcmp0 (found, expected) == 0)
    return TRUE;
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_STATE,
      "%s: state of another model: expected %s, found %s", file->st->file, expected,
      found ? found : "none");
  return FALSE;
}

static gboolean
read_numbers (SavedFile *file, GError **error)
{
  const guint64 max_streams = file->model->memory_layouts->len ? G_MAXSSIZE : MAX_STREAMS;

  file->next_time = G_MAXUINT64;
  return read_number (file, LSTM_STATE_KEY_STREAMS, 1, max_streams, &file->streams, error)
         && read_number (file, LSTM_STATE_KEY_STEPS, 0, G_MAXUINT64, &file->steps, error)
         && read_time (file, LSTM_STATE_KEY_NEXT_TIME, &file->next_time, error)
         && read_time (file, LSTM_STATE_KEY_LAST_TIME, &file->last_time, error);
}

static gboolean
read_window (SavedFile *file, GError **error)
{
  g_autofree char *length = g_strdup_printf ("%" G_GSIZE_FORMAT, file->length);
  g_autofree char *hop = g_strdup_printf ("%" G_GSIZE_FORMAT, file->hop);

  return expect_text (file, LSTM_STATE_KEY_LENGTH, length, error)
         && expect_text (file, LSTM_STATE_KEY_HOP, hop, error)
         && read_number (file, LSTM_STATE_KEY_POSITION, 0,
             lstm_window_count_positions (file->length, file->hop) - 1, &file->position, error);
}

static gboolean
check_tensors (const SavedFile *file, GError **error)
{
  const LstmTensor *unused;

  for (guint i = 0; i < lstm_state_layout_count_tensors (file->model); i++) {
    const LstmStateTensor layout = lstm_state_layout_get_tensor (
        file->model, i, (gsize) file->streams, file->slots);

    if (!lstm_safetensors_require (file->st, layout.name, layout.n_dims, layout.shape, error))
      return FALSE;
  }
  unused = lstm_safetensors_find_unused (file->st);
  if (unused)
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_TENSOR,
        "%s: tensor \"%s\" belongs to no layer of the model", file->st->file, unused->name);
  return !unused;
}

/* Accepts a file without a digest, which older versions of liblstm wrote. */
static gboolean
check_digest (const SavedFile *file, GError **error)
{
  g_autofree char *digest = NULL;
  g_autofree char *expected = NULL;

  if (!get_text (file, LSTM_STATE_KEY_DIGEST))
    return TRUE;
  digest = lstm_state_layout_make_digest (file->st, file->model);
  expected = g_strdup_printf ("%s, the digest of the content", digest);
  return g_str_equal (get_text (file, LSTM_STATE_KEY_DIGEST), digest)
         || refuse_value (file, LSTM_STATE_KEY_DIGEST, expected, error);
}

/* Parses @bytes and checks all rules except those for the values of the tensors. */
static gboolean
read_file (SavedFile *file, GBytes *bytes, const char *name, GError **error)
{
  file->st = lstm_safetensors_new_from_bytes (bytes, name, error);
  return file->st && expect_text (file, LSTM_STATE_KEY_STATE, LSTM_STATE_VERSION, error)
         && check_model (file, error) && check_keys (file, error) && read_numbers (file, error)
         && (!file->slots || read_window (file, error)) && check_tensors (file, error)
         && check_digest (file, error);
}

static void
fill_state (LstmState *state, const SavedFile *file, guint64 *next_time, guint64 *steps)
{
  for (guint i = 0; i < lstm_state_layout_count_tensors (file->model); i++) {
    const LstmStateTensor layout = lstm_state_layout_get_tensor (
        file->model, i, (gsize) file->streams, file->slots);
    const LstmTensor *tensor = lstm_safetensors_find (file->st, layout.name);
    const LstmMemory *memory = &state->memory[layout.memory];
    float *to = layout.is_cell ? memory->c : memory->h;
    const gsize stride = layout.is_cell ? memory->c_stride : memory->h_stride;

    for (gsize row = 0; row < layout.n_rows; row++)
      lstm_tensor_copy_values (tensor, row * layout.n, layout.n, to + row * stride);
  }
  if (next_time)
    *next_time = file->next_time;
  if (steps)
    *steps = file->steps;
}

/* Reports @flaw in the state row @row. Returns: FALSE */
static gboolean
refuse_flaw (const SavedFile *file, gsize row, const LstmFlaw *flaw, GError **error)
{
  const LstmStateTensor layout = lstm_state_layout_get_memory (
      file->model, flaw->memory, flaw->is_in_c, (gsize) file->streams, file->slots);
  const gsize slots = MAX (file->slots, 1);
  const gsize of_state[] = {row, flaw->unit},
              of_window[] = {row / slots, row % slots, flaw->unit};
  g_autofree char *at = lstm_text_shape (layout.n_dims, file->slots ? of_window : of_state);

  g_set_error (error, LSTM_ERROR, LSTM_ERROR_VALUE,
      "%s: tensor \"%s\": expected finite values, found %g at %s", file->st->file, layout.name,
      (double) flaw->value, at);
  return FALSE;
}

/* Refuses NaN and infinity in h and c, because a NaN would stay in h until the state is reset. */
static gboolean
check_state (const LstmState *state, const SavedFile *file, GError **error)
{
  LstmFlaw flaw;

  for (gsize row = 0; row < state->streams; row++)
    if (lstm_state_find_flaw (state, row, &flaw))
      return refuse_flaw (file, row, &flaw, error);
  return TRUE;
}

static gboolean
check_window (const LstmWindow *window, const SavedFile *file, GError **error)
{
  LstmFlaw flaw;
  gsize row;

  return !lstm_window_find_flaw (window, &row, &flaw) || refuse_flaw (file, row, &flaw, error);
}

static LstmState *
load_state (LstmModel *model, GBytes *bytes, const char *name, guint64 *next_time,
    guint64 *steps, GError **error)
{
  g_auto (SavedFile) file = {.model = model};
  g_autoptr (LstmState) state = NULL;

  if (!read_file (&file, bytes, name, error))
    return NULL;
  state = lstm_state_new (model, (gsize) file.streams, error);
  if (!state) {
    g_prefix_error (error, "%s: ", name);
    return NULL;
  }
  fill_state (state, &file, next_time, steps);
  return check_state (state, &file, error) ? g_steal_pointer (&state) : NULL;
}

static LstmWindow *
load_window (LstmModel *model, gsize length, gsize hop, GBytes *bytes, const char *name,
    guint64 *next_time, guint64 *steps, GError **error)
{
  g_auto (SavedFile) file = {.model = model, .length = length, .hop = hop};
  g_autoptr (LstmWindow) window = NULL;

  file.slots = lstm_window_count_slots (length, hop);
  if (!read_file (&file, bytes, name, error))
    return NULL;
  window = lstm_window_new (model, (gsize) file.streams, length, hop, error);
  if (!window) {
    g_prefix_error (error, "%s: ", name);
    return NULL;
  }
  fill_state (window->state, &file, next_time, steps);
  for (gsize s = 0; s < window->streams; s++)
    lstm_window_set_position (window, s, (gsize) file.position);
  return check_window (window, &file, error) ? g_steal_pointer (&window) : NULL;
}

LstmState *
lstm_state_load (LstmModel *model, GBytes *bytes, const char *name, guint64 *next_time,
    guint64 *steps, GError **error)
{
  LstmFloatMode caller;
  LstmState *state;

  g_return_val_if_fail (model != NULL, NULL);
  caller = lstm_float_mode_enter (LSTM_FLOAT_EXACT);
  state = load_state (model, bytes, name, next_time, steps, error);
  lstm_float_mode_leave (caller);
  lstm_error_make_valid (error);
  return state;
}

LstmWindow *
lstm_window_load (LstmModel *model, gsize length, gsize hop, GBytes *bytes, const char *name,
    guint64 *next_time, guint64 *steps, GError **error)
{
  LstmFloatMode caller;
  LstmWindow *window;

  g_return_val_if_fail (model != NULL, NULL);
  g_return_val_if_fail (length > 0 && hop > 0, NULL);
  caller = lstm_float_mode_enter (LSTM_FLOAT_EXACT);
  window = load_window (model, length, hop, bytes, name, next_time, steps, error);
  lstm_float_mode_leave (caller);
  lstm_error_make_valid (error);
  return window;
}

/* Returns whether a saved state has as many streams as the state to restore; else sets @error. */
static gboolean
check_streams (const char *name, gsize expected, gsize found, GError **error)
{
  if (found == expected)
    return TRUE;
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_STATE,
      "%s: expected %" G_GSIZE_FORMAT " streams, as the state to restore has, found "
      "%" G_GSIZE_FORMAT,
      name, expected, found);
  return FALSE;
}

gboolean
lstm_state_restore (LstmState *state, GBytes *bytes, const char *name, guint64 *next_time,
    guint64 *steps, GError **error)
{
  g_autoptr (LstmState) saved = NULL;

  g_return_val_if_fail (!state->runs_complete_sequences, FALSE);
  saved = lstm_state_load (state->model, bytes, name, next_time, steps, error);
  if (!saved || !check_streams (name, state->streams, saved->streams, error))
    return FALSE;
  lstm_state_copy_memory (state, saved);
  return TRUE;
}

gboolean
lstm_window_restore (LstmWindow *window, GBytes *bytes, const char *name, guint64 *next_time,
    guint64 *steps, GError **error)
{
  g_autoptr (LstmWindow) saved = lstm_window_load (
      window->state->model, window->length, window->hop, bytes, name, next_time, steps, error);

  if (!saved || !check_streams (name, window->streams, saved->streams, error))
    return FALSE;
  lstm_state_copy_memory (window->state, saved->state);
  memcpy (window->clocks, saved->clocks, window->streams * sizeof *window->clocks);
  return TRUE;
}
