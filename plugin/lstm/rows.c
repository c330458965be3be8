/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/rows.h"
#include "lstm/threads.h"
#include <string.h>

#define MIN_CAPACITY 16

void
gst_lstm_rows_init (GstLstmRows *rows, const GstLstmSequenceConfig *config)
{
  *rows = (GstLstmRows){
      .config = config,
      .entries = g_array_new (FALSE, FALSE, sizeof (GstLstmRowEntry)),
      .free_rows = g_array_new (FALSE, FALSE, sizeof (gsize)),
  };
}

void
gst_lstm_rows_clear (GstLstmRows *rows)
{
  g_clear_pointer (&rows->state, lstm_state_unref);
  g_clear_pointer (&rows->window, lstm_window_unref);
  g_clear_pointer (&rows->entries, g_array_unref);
  g_clear_pointer (&rows->free_rows, g_array_unref);
  rows->capacity = 0;
}

/* --- Keys --- */

/* Returns the index of the first entry whose key is @key or more. */
static guint
find_entry (const GstLstmRows *rows, guint64 key)
{
  guint begin = 0, end = rows->entries->len;

  while (begin < end) {
    const guint middle = begin + (end - begin) / 2;

    if (g_array_index (rows->entries, GstLstmRowEntry, middle).key < key)
      begin = middle + 1;
    else
      end = middle;
  }
  return begin;
}

gboolean
gst_lstm_rows_find (const GstLstmRows *rows, guint64 key, gsize *row)
{
  const guint i = find_entry (rows, key);
  const GstLstmRowEntry *entry = &g_array_index (rows->entries, GstLstmRowEntry, i);

  if (i == rows->entries->len || entry->key != key)
    return FALSE;
  *row = entry->row;
  return TRUE;
}

/* --- Memory --- */

/* Copies all rows in use from @from to @to, a state with more streams. */
static void
copy_states (const GstLstmRows *rows, LstmState *to)
{
  g_autofree gfloat *values = g_new (gfloat, lstm_state_get_stream_size (to));

  for (guint i = 0; i < rows->entries->len; i++) {
    const gsize row = g_array_index (rows->entries, GstLstmRowEntry, i).row;

    lstm_state_get_stream (rows->state, row, values);
    lstm_state_set_stream (to, row, values);
  }
}

/* Replaces the state by a state of @capacity streams with the same rows. */
static gboolean
grow_state (GstLstmRows *rows, gsize capacity, GError **error)
{
  LstmState *state = gst_lstm_add_threads_to_state (
      lstm_state_new_for_steps (rows->config->model, capacity, 1, error),
      rows->config->n_threads, error);

  if (!state)
    return FALSE;
  if (rows->state)
    copy_states (rows, state);
  g_clear_pointer (&rows->state, lstm_state_unref);
  rows->state = state;
  return TRUE;
}

static gboolean
grow_window (GstLstmRows *rows, gsize capacity, GError **error)
{
  const GstLstmSequenceConfig *config = rows->config;
  LstmWindow *window = gst_lstm_add_threads_to_window (
      lstm_window_new (
          config->model, capacity, config->window_length, config->window_hop, error),
      config->n_threads, error);

  if (!window)
    return FALSE;
  for (guint i = 0; i < rows->entries->len; i++) {
    const gsize row = g_array_index (rows->entries, GstLstmRowEntry, i).row;

    lstm_window_copy_stream (window, row, rows->window, row);
  }
  g_clear_pointer (&rows->window, lstm_window_unref);
  rows->window = window;
  return TRUE;
}

/* Doubles the number of rows. */
static gboolean
grow_rows (GstLstmRows *rows, GError **error)
{
  const gsize capacity = MAX (2 * rows->capacity, MIN_CAPACITY);
  const guint n_entries = rows->entries->len;

  if (!(rows->config->mode == GST_LSTM_OUTPUT_WINDOW ? grow_window (rows, capacity, error)
                                                     : grow_state (rows, capacity, error)))
    return FALSE;
  for (gsize row = capacity; row-- > rows->capacity;) /* the last free row is used first */
    g_array_append_val (rows->free_rows, row);
  g_array_set_size (rows->entries, (guint) capacity); /* allocates for all rows */
  g_array_set_size (rows->entries, n_entries);
  rows->capacity = capacity;
  return TRUE;
}

gboolean
gst_lstm_rows_add (GstLstmRows *rows, guint64 key, gsize *row, GError **error)
{
  GArray *free_rows = rows->free_rows;
  GstLstmRowEntry entry = {.key = key};

  if (free_rows->len == 0 && !grow_rows (rows, error))
    return FALSE;
  entry.row = g_array_index (free_rows, gsize, free_rows->len - 1);
  g_array_set_size (free_rows, free_rows->len - 1);
  g_array_insert_val (rows->entries, find_entry (rows, key), entry);
  *row = entry.row;
  return TRUE;
}

void
gst_lstm_rows_remove (GstLstmRows *rows, guint i)
{
  const gsize row = g_array_index (rows->entries, GstLstmRowEntry, i).row;

  gst_lstm_rows_reset_row (rows, row);
  g_array_append_val (rows->free_rows, row);
  g_array_remove_index (rows->entries, i);
}

void
gst_lstm_rows_remove_all (GstLstmRows *rows)
{
  while (rows->entries->len > 0)
    gst_lstm_rows_remove (rows, rows->entries->len - 1);
}

/* --- Steps --- */

void
gst_lstm_rows_reset_row (GstLstmRows *rows, gsize row)
{
  if (rows->window)
    lstm_window_reset_stream (rows->window, row);
  else
    lstm_state_reset_stream (rows->state, row);
}

void
gst_lstm_rows_run (GstLstmRows *rows, const gsize *list, gsize n, const gfloat *x,
    gfloat *const outputs[GST_LSTM_N_TENSORS], guint8 *is_complete)
{
  LstmRun run;

  if (n == 0)
    return;
  if (rows->window) {
    lstm_window_run_rows (
        rows->window, list, n, x, outputs[GST_LSTM_TENSOR_OUTPUT], is_complete);
    return;
  }
  run = gst_lstm_sequence_config_make_run (rows->config, x, 1, 1, outputs);
  run.rows = list;
  run.n_rows = n;
  lstm_state_run_full (rows->state, &run);
  memset (is_complete, TRUE, n);
}

gboolean
gst_lstm_rows_is_finite (const GstLstmRows *rows, gsize row)
{
  return rows->window ? lstm_window_is_stream_finite (rows->window, row)
                      : lstm_state_is_stream_finite (rows->state, row);
}
