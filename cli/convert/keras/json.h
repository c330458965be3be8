/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads members of the JSON objects in a configuration. A member that is null counts as missing. */
#pragma once

#include "keras/reader.h"

/* Return a member. @object: (nullable).
 * Returns: (transfer none) (nullable): NULL if the member is missing or has another type */
JsonNode *keras_get_member (JsonObject *object, const char *key);
const char *keras_get_string (JsonObject *object, const char *key);
JsonObject *keras_get_object (JsonObject *object, const char *key);
JsonArray *keras_get_array (JsonObject *object, const char *key);

/* Set @value to a member, or to @default_value if the member is missing.
 * Return FALSE with an error if the member has another type. */
gboolean keras_read_bool (KerasReader *reader, const KerasLayer *layer, JsonObject *config,
    const char *key, gboolean default_value, gboolean *value);
gboolean keras_read_number (KerasReader *reader, const KerasLayer *layer, JsonObject *config,
    const char *key, double default_value, double *value);

/* Sets @value to a member that is an integer ≥ 1.
 * Returns FALSE with an error if the member is missing or is anything else. */
gboolean keras_read_count (KerasReader *reader, const KerasLayer *layer, JsonObject *config,
    const char *key, gsize *value);

/* Checks that the key "axis", if there is one, is the axis of the features: -1, the number of the
 * last dimension, or an array of one of the two. */
gboolean keras_check_axis (KerasReader *reader, const KerasLayer *layer, JsonObject *config);

/* Describes a member for a message, as lstm_json_describe() does. @object: (nullable).
 * Returns: (transfer full) */
char *keras_describe_member (JsonObject *object, const char *key);
