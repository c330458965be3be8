/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * States and windows to safetensors and back. Keys and tensors are in docs/formats.md. */
#include "kernels/float-mode.h"
#include "container/safetensors-write.h"
#include "container/safetensors.h"
#include "model/window.h"
#include "util/text.h"
#include <string.h>

#define KEY_PREFIX "lstm."
#define KEY_STATE "lstm.state"
#define KEY_MODEL "lstm.model"
#define KEY_STREAMS "lstm.streams"
#define KEY_NEXT_TIME "lstm.next-time"
#define KEY_LAST_TIME "lstm.time" /* of the last step: what was written before next-time */
#define KEY_STEPS "lstm.steps"
#define KEY_LENGTH "lstm.window-length"
#define KEY_HOP "lstm.window-hop"
#define KEY_POSITION "lstm.window-position"
#define KEY_DIGEST "lstm.digest"
#define VERSION "1"
#define DIGEST_PREFIX "sha256:"
#define MAX_STREAMS 65536 /* where no tensor shows that there are so many */

static const struct {
  const char *key;
  gboolean of_windows;
} keys[] = {{KEY_DIGEST}, /* of those that follow, and in this order */
    {KEY_MODEL}, {KEY_NEXT_TIME}, {KEY_STATE}, {KEY_STEPS}, {KEY_STREAMS}, {KEY_LAST_TIME},
    {KEY_HOP, TRUE}, {KEY_LENGTH, TRUE}, {KEY_POSITION, TRUE}};

/* A tensor of a state: h, or after it c, of an LSTM layer */
typedef struct {
  char name[32];
  guint layer;
  gboolean cell;
  guint n_dims;
  gsize shape[3]; /* streams, slots of windows, n */
  gsize rows, n;
} Entry;

static guint
count_entries (const LstmModel *model)
{
  return 2 * model->lstm_layers->len;
}

/* @slots: 0 for a state that is none of windows */
static Entry
get_entry (const LstmModel *model, guint index, gsize streams, gsize slots)
{
  Entry entry = {.layer = index / 2, .cell = index % 2, .n_dims = slots ? 3 : 2};

  entry.n = entry.cell ? lstm_model_get_cell_size (model, entry.layer)
                       : lstm_model_get_hidden_size (model, entry.layer);
  entry.rows = streams * MAX (slots, 1);
  entry.shape[0] = streams;
  entry.shape[1] = slots;
  entry.shape[entry.n_dims - 1] = entry.n;
  g_snprintf (
      entry.name, sizeof entry.name, "%u.%s", entry.layer, entry.cell ? "cell" : "hidden");
  return entry;
}

/* Over all that a state is made of: keys of ours, then tensors, whatever their order in the file.
 * Returns: (transfer full) */
static char *
make_digest (const LstmSafetensors *st, const LstmModel *model)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);

  for (guint i = 1; i < G_N_ELEMENTS (keys); i++) {
    const char *value = g_hash_table_lookup (st->metadata, keys[i].key);

    if (!value)
      continue;
    g_checksum_update (
        checksum, (const guchar *) keys[i].key, (gssize) strlen (keys[i].key) + 1);
    g_checksum_update (checksum, (const guchar *) value, (gssize) strlen (value) + 1);
  }
  for (guint i = 0; i < count_entries (model); i++) {
    const Entry entry = get_entry (model, i, 0, 0);
    const LstmTensor *tensor = lstm_safetensors_find (st, entry.name);

    g_checksum_update (checksum, tensor->data, (gssize) (tensor->end - tensor->begin));
  }
  return g_strconcat (DIGEST_PREFIX, g_checksum_get_string (checksum), NULL);
}

/* --- Saving --- */

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
start_metadata (const LstmState *state, gsize streams, guint64 next_time, guint64 steps)
{
  GPtrArray *metadata = g_ptr_array_new_with_free_func (g_free);

  add_text (metadata, KEY_STATE, VERSION);
  add_text (metadata, KEY_MODEL, lstm_model_get_fingerprint (state->model));
  add_number (metadata, KEY_STREAMS, streams);
  if (next_time != G_MAXUINT64)
    add_number (metadata, KEY_NEXT_TIME, next_time);
  add_number (metadata, KEY_STEPS, steps);
  return metadata;
}

/* The file, with the digest of what it is without */
static GBytes *
write_file (
    const LstmModel *model, GPtrArray *metadata, const LstmStored *tensors, gsize n_tensors)
{
  const guint n_texts = metadata->len;
  g_autoptr (GBytes) plain = NULL;
  g_autoptr (LstmSafetensors) st = NULL;
  g_autofree char *digest = NULL;

  g_ptr_array_add (metadata, NULL);
  plain = lstm_safetensors_write ((const char *const *) metadata->pdata, tensors, n_tensors);
  st = lstm_safetensors_new (plain, "what was written", NULL);
  digest = make_digest (st, model);
  g_ptr_array_set_size (metadata, (gint) n_texts);
  add_text (metadata, KEY_DIGEST, digest);
  g_ptr_array_add (metadata, NULL);
  return lstm_safetensors_write ((const char *const *) metadata->pdata, tensors, n_tensors);
}

/* Parsing JSON takes floating-point numbers, and the caller may trap what they raise. */
static GBytes *
write_state (const LstmState *state, gsize streams, gsize slots, GPtrArray *metadata)
{
  const LstmFloatMode caller = lstm_float_mode_enter (LSTM_FLOAT_EXACT);
  const guint n = count_entries (state->model);
  g_autofree Entry *entries = g_new (Entry, n);
  g_autofree LstmStored *tensors = g_new (LstmStored, n);
  g_autoptr (GPtrArray) arrays = g_ptr_array_new_with_free_func (g_free);
  GBytes *bytes;

  for (guint i = 0; i < n; i++) {
    const Entry entry = entries[i] = get_entry (state->model, i, streams, slots);
    float *values = g_new (float, entry.rows *entry.n);

    g_ptr_array_add (arrays, values);
    (entry.cell ? lstm_state_get_cell : lstm_state_get_hidden) (state, entry.layer, values);
    tensors[i] = (LstmStored){entries[i].name, entry.n_dims, entries[i].shape, values};
  }
  bytes = write_file (state->model, metadata, tensors, n);
  lstm_float_mode_leave (caller);
  return bytes;
}

GBytes *
lstm_state_save (const LstmState *state, guint64 next_time, guint64 steps)
{
  g_autoptr (GPtrArray) metadata = NULL;

  g_return_val_if_fail (!state->whole, NULL);
  metadata = start_metadata (state, state->streams, next_time, steps);
  return write_state (state, state->streams, 0, metadata);
}

GBytes *
lstm_window_save (const LstmWindow *window, guint64 next_time, guint64 steps)
{
  g_autoptr (GPtrArray)
      metadata = start_metadata (window->state, window->streams, next_time, steps);

  add_number (metadata, KEY_LENGTH, window->length);
  add_number (metadata, KEY_HOP, window->hop);
  add_number (metadata, KEY_POSITION, lstm_window_get_position (window));
  return write_state (window->state, window->streams, window->slots, metadata);
}

/* --- Loading --- */

/* A file while it is loaded */
typedef struct {
  LstmSafetensors *st;
  const LstmModel *model;
  gsize length, hop, slots; /* 0: not of windows */
  guint64 streams, next_time, last_time, steps, position;
} Source;

static void
source_clear (Source *source)
{
  g_clear_pointer (&source->st, lstm_safetensors_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Source, source_clear)

static const char *
get_text (const Source *source, const char *key)
{
  return g_hash_table_lookup (source->st->metadata, key);
}

static gboolean
refuse (const Source *source, const char *key, const char *expected, GError **error)
{
  const char *found = get_text (source, key);

  g_set_error (error, LSTM_ERROR, LSTM_ERROR_STATE,
      "%s: __metadata__: \"%s\": expected %s, found %s%s%s", source->st->file, key, expected,
      found ? "\"" : "", found ? found : "none", found ? "\"" : "");
  return FALSE;
}

static gboolean
read_number (const Source *source, const char *key, guint64 low, guint64 high, guint64 *value,
    GError **error)
{
  const char *text = get_text (source, key);
  g_autofree char *expected = g_strdup_printf (
      "a number from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT, low, high);

  return (text && g_ascii_string_to_unsigned (text, 10, low, high, value, NULL))
         || refuse (source, key, expected, error);
}

/* *@time stays what it is where the file does not tell. */
static gboolean
read_time (const Source *source, const char *key, guint64 *time, GError **error)
{
  return !get_text (source, key) || read_number (source, key, 0, G_MAXUINT64 - 1, time, error);
}

static gboolean
expect_text (const Source *source, const char *key, const char *expected, GError **error)
{
  return g_strcmp0 (get_text (source, key), expected) == 0
         || refuse (source, key, expected, error);
}

/* A key of ours that nobody reads would be something silently ignored. */
static gboolean
check_keys (const Source *source, GError **error)
{
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, source->st->metadata);
  while (g_hash_table_iter_next (&iter, &key, NULL)) {
    gboolean known = !g_str_has_prefix (key, KEY_PREFIX);

    for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
      known |= g_str_equal (key, keys[i].key) && (source->slots || !keys[i].of_windows);
    if (!known)
      return refuse (source, key,
          source->slots ? "no such key for windows" : "no such key for a state", error);
  }
  return TRUE;
}

static gboolean
check_model (const Source *source, GError **error)
{
  const char *expected = lstm_model_get_fingerprint (source->model);
  const char *found = get_text (source, KEY_MODEL);

  if (g_strcmp0 (found, expected) == 0)
    return TRUE;
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_STATE,
      "%s: state of another model: expected %s, found %s", source->st->file, expected,
      found ? found : "none");
  return FALSE;
}

static gboolean
read_numbers (Source *source, GError **error)
{
  const guint64 most = source->model->lstm_layers->len ? G_MAXSSIZE : MAX_STREAMS;

  source->next_time = G_MAXUINT64;
  return read_number (source, KEY_STREAMS, 1, most, &source->streams, error)
         && read_number (source, KEY_STEPS, 0, G_MAXUINT64, &source->steps, error)
         && read_time (source, KEY_NEXT_TIME, &source->next_time, error)
         && read_time (source, KEY_LAST_TIME, &source->last_time, error);
}

static gboolean
read_window (Source *source, GError **error)
{
  g_autofree char *length = g_strdup_printf ("%" G_GSIZE_FORMAT, source->length);
  g_autofree char *hop = g_strdup_printf ("%" G_GSIZE_FORMAT, source->hop);

  return expect_text (source, KEY_LENGTH, length, error)
         && expect_text (source, KEY_HOP, hop, error)
         && read_number (source, KEY_POSITION, 0,
             lstm_window_n_positions (source->length, source->hop) - 1, &source->position,
             error);
}

static gboolean
check_tensors (const Source *source, GError **error)
{
  const LstmTensor *unused;

  for (guint i = 0; i < count_entries (source->model); i++) {
    const Entry entry = get_entry (source->model, i, (gsize) source->streams, source->slots);

    if (!lstm_safetensors_expect (source->st, entry.name, entry.n_dims, entry.shape, error))
      return FALSE;
  }
  unused = lstm_safetensors_find_unused (source->st);
  if (unused)
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_TENSOR,
        "%s: tensor \"%s\" belongs to no LSTM layer", source->st->file, unused->name);
  return !unused;
}

/* A file that was written before there were digests has none. */
static gboolean
check_digest (const Source *source, GError **error)
{
  g_autofree char *digest = NULL;
  g_autofree char *expected = NULL;

  if (!get_text (source, KEY_DIGEST))
    return TRUE;
  digest = make_digest (source->st, source->model);
  expected = g_strdup_printf ("%s, as the content has it", digest);
  return g_str_equal (get_text (source, KEY_DIGEST), digest)
         || refuse (source, KEY_DIGEST, expected, error);
}

/* FALSE unless @bytes are what @source expects; nothing is made of it yet. */
static gboolean
read_source (Source *source, GBytes *bytes, const char *name, GError **error)
{
  source->st = lstm_safetensors_new (bytes, name, error);
  return source->st && expect_text (source, KEY_STATE, VERSION, error)
         && check_model (source, error) && check_keys (source, error)
         && read_numbers (source, error) && (!source->slots || read_window (source, error))
         && check_tensors (source, error) && check_digest (source, error);
}

static void
fill (LstmState *state, const Source *source, guint64 *next_time, guint64 *steps)
{
  for (guint i = 0; i < count_entries (source->model); i++) {
    const Entry entry = get_entry (source->model, i, (gsize) source->streams, source->slots);
    const LstmTensor *tensor = lstm_safetensors_find (source->st, entry.name);
    const LstmMemory *memory = &state->memory[entry.layer];
    float *to = entry.cell ? memory->c : memory->h;
    const gsize stride = entry.cell ? memory->c_stride : memory->h_stride;

    for (gsize row = 0; row < entry.rows; row++)
      lstm_tensor_get_values (tensor, row * entry.n, entry.n, to + row * stride);
  }
  if (next_time)
    *next_time = source->next_time;
  if (steps)
    *steps = source->steps;
}

/* @flaw is in row @row. Returns: FALSE */
static gboolean
refuse_flaw (const Source *source, gsize row, const LstmFlaw *flaw, GError **error)
{
  const guint index = 2 * flaw->layer + (flaw->cell != 0);
  const Entry entry = get_entry (source->model, index, (gsize) source->streams, source->slots);
  const gsize slots = MAX (source->slots, 1);
  const gsize of_state[] = {row, flaw->unit},
              of_window[] = {row / slots, row % slots, flaw->unit};
  g_autofree char *at = lstm_text_shape (entry.n_dims, source->slots ? of_window : of_state);

  g_set_error (error, LSTM_ERROR, LSTM_ERROR_VALUE,
      "%s: tensor \"%s\": expected finite values, found %g at %s", source->st->file, entry.name,
      (double) flaw->value, at);
  return FALSE;
}

/* Returns whether all is finite: a state that is not would give NaN until it is reset. */
static gboolean
check_state (const LstmState *state, const Source *source, GError **error)
{
  LstmFlaw flaw;

  for (gsize row = 0; row < state->streams; row++)
    if (lstm_state_find_flaw (state, row, &flaw))
      return refuse_flaw (source, row, &flaw, error);
  return TRUE;
}

static gboolean
check_window (const LstmWindow *window, const Source *source, GError **error)
{
  LstmFlaw flaw;
  gsize row;

  return !lstm_window_find_flaw (window, &row, &flaw)
         || refuse_flaw (source, row, &flaw, error);
}

static LstmState *
load_state (LstmModel *model, GBytes *bytes, const char *name, guint64 *next_time,
    guint64 *steps, GError **error)
{
  g_auto (Source) source = {.model = model};
  g_autoptr (LstmState) state = NULL;

  if (!read_source (&source, bytes, name, error))
    return NULL;
  state = lstm_state_new (model, (gsize) source.streams, error);
  if (!state) {
    g_prefix_error (error, "%s: ", name);
    return NULL;
  }
  fill (state, &source, next_time, steps);
  return check_state (state, &source, error) ? g_steal_pointer (&state) : NULL;
}

static LstmWindow *
load_window (LstmModel *model, gsize length, gsize hop, GBytes *bytes, const char *name,
    guint64 *next_time, guint64 *steps, GError **error)
{
  g_auto (Source) source = {.model = model, .length = length, .hop = hop};
  g_autoptr (LstmWindow) window = NULL;

  source.slots = lstm_window_n_slots (length, hop);
  if (!read_source (&source, bytes, name, error))
    return NULL;
  window = lstm_window_new (model, (gsize) source.streams, length, hop, error);
  if (!window) {
    g_prefix_error (error, "%s: ", name);
    return NULL;
  }
  fill (window->state, &source, next_time, steps);
  lstm_window_set_position (window, (gsize) source.position);
  return check_window (window, &source, error) ? g_steal_pointer (&window) : NULL;
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
