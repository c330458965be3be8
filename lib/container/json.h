/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Untrusted JSON: a strict parser, and accessors that check the type of a node. */
#pragma once

#include <json-glib/json-glib.h>

/* Parses untrusted JSON: valid UTF-8, strict syntax, at most @max_depth levels, and distinct member
 * names in each object. Error messages begin with @source, the name of the text.
 * Returns: (transfer full): the root, or NULL with LSTM_ERROR_FORMAT */
JsonNode *lstm_json_parse (
    const char *text, gsize length, guint max_depth, const char *source, GError **error);

/* The accessors that follow accept NULL for @node, which has no type. */

/* Return the content of @node. Returns: (transfer none) (nullable): NULL if @node has another
 * type */
const char *lstm_json_get_string (JsonNode *node);
JsonObject *lstm_json_get_object (JsonNode *node);
JsonArray *lstm_json_get_array (JsonNode *node);

gboolean lstm_json_is_integer (JsonNode *node);

/* Set @value to the content of @node. Return FALSE and do not change @value if @node has another
 * type. A number is an integer or a floating-point number; a size is an integer ≥ 0. */
gboolean lstm_json_get_boolean (JsonNode *node, gboolean *value);
gboolean lstm_json_get_number (JsonNode *node, double *value);
gboolean lstm_json_get_size (JsonNode *node, gsize *value);

/* Returns: (transfer full): @node as JSON text for error messages, cut after 80 characters;
 * "none" if @node is NULL */
char *lstm_json_describe (JsonNode *node);
