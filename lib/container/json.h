/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

/* Parses JSON that nobody vouches for: valid UTF-8, strict, no more than @max_depth levels and
 * no name twice in an object. @what says in messages what the text is.
 * Returns: (transfer full): the root, or NULL with LSTM_ERROR_FORMAT */
JsonNode *lstm_json_parse (
    const char *text, gsize length, guint max_depth, const char *what, GError **error);

/* Reads a size; FALSE unless @node is a whole number from 0 on. */
gboolean lstm_json_get_size (JsonNode *node, gsize *size);
