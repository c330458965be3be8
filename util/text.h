/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Formats lists and shapes for messages. */
#pragma once

#include <glib.h>

#define LSTM_TEXT_ANY_SIZE G_MAXSIZE /* an unknown size in a shape, which is written as "?" */

/* Appends @item to @list, after ", " unless @list is empty. */
void lstm_text_append_item (GString *list, const char *item);

/* Returns: (transfer full): @shape as NumPy prints it, such as "[4, 2]" */
char *lstm_text_shape (guint n_dims, const gsize *shape);
