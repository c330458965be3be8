/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "load/pytorch/shared-tensors.h"
#include "lstm/lstm.h"
#include <string.h>

#define MAX_COPIES 8 /* bytes of the added tensors for each byte of the file */

/* Appends a tensor called @name that has the values of @saved. */
static void
add_shared (const LstmSafetensors *st, const char *name, const LstmTensor *saved)
{
  LstmTensor *shared = g_memdup2 (saved, sizeof *saved);

  shared->name = g_strdup (name);
  shared->is_used = FALSE;
  g_ptr_array_add (st->tensors, shared);
  g_hash_table_insert (st->by_name, shared->name, shared);
}

gboolean
lstm_shared_tensors_add (const LstmSafetensors *st, GError **error)
{
  guint64 n_left = MAX_COPIES * lstm_content_get_size (st->content);
  g_autoptr (GList)
      names = g_list_sort (g_hash_table_get_keys (st->metadata), (GCompareFunc) strcmp);

  for (const GList *l = names; l; l = l->next) {
    const char *name = l->data;
    const LstmTensor *saved = lstm_safetensors_find (
        st, g_hash_table_lookup (st->metadata, name));

    if (!saved || lstm_safetensors_find (st, name))
      continue;
    if (saved->end - saved->begin > n_left) {
      g_set_error (error, LSTM_ERROR, LSTM_ERROR_TENSOR,
          "%s: __metadata__: expected shared tensors of at most %d times the size of the file, "
          "found more at tensor \"%s\", which shares the values of \"%s\"",
          st->file, MAX_COPIES, name, saved->name);
      return FALSE;
    }
    n_left -= saved->end - saved->begin;
    add_shared (st, name, saved);
  }
  return TRUE;
}
