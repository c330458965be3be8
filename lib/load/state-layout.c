/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "load/state-layout.h"
#include "model/model.h"
#include <string.h>

#define DIGEST_PREFIX "sha256:"

static const struct {
  const char *key;
  gboolean is_digested; /* the digest includes the value, in the order of this table */
  gboolean of_window;   /* the file of a state cannot contain the key */
} keys[] = {
    {LSTM_STATE_KEY_DIGEST, FALSE, FALSE},
    {LSTM_STATE_KEY_MODEL, TRUE, FALSE},
    {LSTM_STATE_KEY_NEXT_TIME, TRUE, FALSE},
    {LSTM_STATE_KEY_STATE, TRUE, FALSE},
    {LSTM_STATE_KEY_STEPS, TRUE, FALSE},
    {LSTM_STATE_KEY_STREAMS, TRUE, FALSE},
    {LSTM_STATE_KEY_LAST_TIME, TRUE, FALSE},
    {LSTM_STATE_KEY_HOP, TRUE, TRUE},
    {LSTM_STATE_KEY_LENGTH, TRUE, TRUE},
    {LSTM_STATE_KEY_POSITION, TRUE, TRUE},
};

gboolean
lstm_state_layout_has_key (const char *key, gboolean of_window)
{
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    if (g_str_equal (keys[i].key, key))
      return of_window || !keys[i].of_window;
  return FALSE;
}

static gboolean
has_cell (const LstmModel *model, guint memory)
{
  return lstm_model_get_memory_layout (model, memory)->n_c > 0;
}

guint
lstm_state_layout_count_tensors (const LstmModel *model)
{
  guint n = 0;

  for (guint i = 0; i < model->memory_layouts->len; i++)
    n += has_cell (model, i) ? 2 : 1;
  return n;
}

static void
set_tensor_name (const LstmModel *model, guint memory, LstmStateTensor *tensor)
{
  const guint n_lstm_layers = lstm_model_get_n_lstm_layers (model);

  if (memory < n_lstm_layers)
    g_snprintf (tensor->name, sizeof tensor->name, "%u.%s", memory,
        tensor->is_cell ? "cell" : "hidden");
  else
    g_snprintf (tensor->name, sizeof tensor->name, "pooling.%u.%s", memory - n_lstm_layers,
        tensor->is_cell ? "low" : "high");
}

LstmStateTensor
lstm_state_layout_get_memory (
    const LstmModel *model, guint memory, gboolean is_cell, gsize streams, gsize slots)
{
  const LstmMemoryLayout *layout = lstm_model_get_memory_layout (model, memory);
  LstmStateTensor tensor = {.memory = memory, .is_cell = is_cell, .n_dims = slots ? 3 : 2};

  tensor.n = is_cell ? layout->n_c : layout->n_h;
  tensor.n_rows = streams * MAX (slots, 1);
  tensor.shape[0] = streams;
  tensor.shape[1] = slots;
  tensor.shape[tensor.n_dims - 1] = tensor.n;
  set_tensor_name (model, memory, &tensor);
  return tensor;
}

LstmStateTensor
lstm_state_layout_get_tensor (const LstmModel *model, guint index, gsize streams, gsize slots)
{
  guint memory = 0;

  while (index > (has_cell (model, memory) ? 1 : 0))
    index -= has_cell (model, memory++) ? 2 : 1;
  return lstm_state_layout_get_memory (model, memory, index == 1, streams, slots);
}

char *
lstm_state_layout_make_digest (const LstmSafetensors *st, const LstmModel *model)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++) {
    const char *value = g_hash_table_lookup (st->metadata, keys[i].key);

    if (!value || !keys[i].is_digested)
      continue;
    g_checksum_update (
        checksum, (const guchar *) keys[i].key, (gssize) strlen (keys[i].key) + 1);
    g_checksum_update (checksum, (const guchar *) value, (gssize) strlen (value) + 1);
  }
  for (guint i = 0; i < lstm_state_layout_count_tensors (model); i++) {
    const LstmStateTensor layout = lstm_state_layout_get_tensor (model, i, 0, 0);
    const LstmTensor *tensor = lstm_safetensors_find (st, layout.name);

    g_checksum_update (checksum, tensor->data, (gssize) (tensor->end - tensor->begin));
  }
  return g_strconcat (DIGEST_PREFIX, g_checksum_get_string (checksum), NULL);
}
