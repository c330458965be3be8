/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/text.h"

void
lstm_text_append_item (GString *list, const char *item)
{
  if (list->len > 0)
    g_string_append (list, ", ");
  g_string_append (list, item);
}

char *
lstm_text_shape (guint n_dims, const gsize *shape)
{
  g_autoptr (GString) sizes = g_string_new (NULL);

  for (guint i = 0; i < n_dims; i++) {
    g_autofree char *size = g_strdup_printf ("%" G_GSIZE_FORMAT, shape[i]);

    lstm_text_append_item (sizes, shape[i] == LSTM_TEXT_ANY_SIZE ? "?" : size);
  }
  return g_strdup_printf ("[%s]", sizes->str);
}
