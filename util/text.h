/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Lists and shapes in messages, written in one way. */
#pragma once

#include <glib.h>

#define LSTM_TEXT_ANY_SIZE G_MAXSIZE /* a size of a shape that is not known: "?" */

/* Appends @item to @list, after ", " unless @list is empty. */
void lstm_text_append_item (GString *list, const char *item);

/* Returns: (transfer full): the sizes of @shape as NumPy prints them, "[4, 2]" */
char *lstm_text_shape (guint n_dims, const gsize *shape);
