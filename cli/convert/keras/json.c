/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keras/json.h"
#include "container/json.h"

JsonNode *
keras_get_member (JsonObject *object, const char *key)
{
  JsonNode *node = object ? json_object_get_member (object, key) : NULL;

  return node && !JSON_NODE_HOLDS_NULL (node) ? node : NULL;
}

const char *
keras_get_string (JsonObject *object, const char *key)
{
  return lstm_json_get_string (keras_get_member (object, key));
}

JsonObject *
keras_get_object (JsonObject *object, const char *key)
{
  return lstm_json_get_object (keras_get_member (object, key));
}

JsonArray *
keras_get_array (JsonObject *object, const char *key)
{
  return lstm_json_get_array (keras_get_member (object, key));
}

char *
keras_describe_member (JsonObject *object, const char *key)
{
  return lstm_json_describe (object ? json_object_get_member (object, key) : NULL);
}

static gboolean
fail_type (KerasReader *reader, const KerasLayer *layer, JsonObject *config, const char *key,
    const char *expected)
{
  g_autofree char *found = keras_describe_member (config, key);

  return keras_fail (
      reader, layer, CONVERT_ERROR_FILE, "%s: expected %s, found %s", key, expected, found);
}

gboolean
keras_read_bool (KerasReader *reader, const KerasLayer *layer, JsonObject *config,
    const char *key, gboolean default_value, gboolean *value)
{
  JsonNode *node = keras_get_member (config, key);

  *value = default_value;
  return !node || lstm_json_get_boolean (node, value)
         || fail_type (reader, layer, config, key, "true or false");
}

gboolean
keras_read_number (KerasReader *reader, const KerasLayer *layer, JsonObject *config,
    const char *key, double default_value, double *value)
{
  JsonNode *node = keras_get_member (config, key);

  *value = default_value;
  return !node || lstm_json_get_number (node, value)
         || fail_type (reader, layer, config, key, "a number");
}

gboolean
keras_read_count (KerasReader *reader, const KerasLayer *layer, JsonObject *config,
    const char *key, gsize *value)
{
  JsonNode *node = keras_get_member (config, key);

  return (lstm_json_get_size (node, value) && *value >= 1 && *value <= G_MAXINT32)
         || fail_type (reader, layer, config, key, "an integer from 1 to 2147483647");
}

static gboolean
is_last_axis (const KerasReader *reader, JsonNode *axis)
{
  gint64 last = reader->shape.kind == KERAS_SEQUENCE ? 2 : 1;
  JsonArray *array = lstm_json_get_array (axis);

  if (array)
    return json_array_get_length (array) == 1
           && is_last_axis (reader, json_array_get_element (array, 0));
  return lstm_json_is_integer (axis)
         && (json_node_get_int (axis) == -1 || json_node_get_int (axis) == last);
}

gboolean
keras_check_axis (KerasReader *reader, const KerasLayer *layer, JsonObject *config)
{
  JsonNode *axis = keras_get_member (config, "axis");
  g_autofree char *found = NULL;

  if (!axis || is_last_axis (reader, axis))
    return TRUE;
  found = lstm_json_describe (axis);
  return keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
      "axis: expected -1, the axis of the features, found %s", found);
}
