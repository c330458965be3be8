/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keras/json.h"

#define MAX_SHOWN 80 /* characters */

JsonNode *
keras_get_member (JsonObject *object, const char *key)
{
  JsonNode *node = object ? json_object_get_member (object, key) : NULL;

  return node && !JSON_NODE_HOLDS_NULL (node) ? node : NULL;
}

const char *
keras_get_string (JsonObject *object, const char *key)
{
  JsonNode *node = keras_get_member (object, key);

  return node && JSON_NODE_HOLDS_VALUE (node) ? json_node_get_string (node) : NULL;
}

JsonObject *
keras_get_object (JsonObject *object, const char *key)
{
  JsonNode *node = keras_get_member (object, key);

  return node && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

JsonArray *
keras_get_array (JsonObject *object, const char *key)
{
  JsonNode *node = keras_get_member (object, key);

  return node && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

static gboolean
is_of_type (JsonNode *node, GType type)
{
  return node && JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == type;
}

gboolean
keras_is_integer (JsonNode *node)
{
  return is_of_type (node, G_TYPE_INT64);
}

gboolean
keras_is_number (JsonNode *node)
{
  return keras_is_integer (node) || is_of_type (node, G_TYPE_DOUBLE);
}

char *
keras_describe_node (JsonNode *node)
{
  g_autofree char *text = node ? json_to_string (node, FALSE) : g_strdup ("nothing");
  g_autofree char *begin = NULL;

  if (g_utf8_strlen (text, -1) <= MAX_SHOWN)
    return g_steal_pointer (&text);
  begin = g_utf8_substring (text, 0, MAX_SHOWN);
  return g_strconcat (begin, "…", NULL);
}

char *
keras_describe_member (JsonObject *object, const char *key)
{
  return keras_describe_node (object ? json_object_get_member (object, key) : NULL);
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
  if (!node)
    return TRUE;
  if (!is_of_type (node, G_TYPE_BOOLEAN))
    return fail_type (reader, layer, config, key, "true or false");
  *value = json_node_get_boolean (node);
  return TRUE;
}

gboolean
keras_read_number (KerasReader *reader, const KerasLayer *layer, JsonObject *config,
    const char *key, double default_value, double *value)
{
  JsonNode *node = keras_get_member (config, key);

  *value = default_value;
  if (!node)
    return TRUE;
  if (!keras_is_number (node))
    return fail_type (reader, layer, config, key, "a number");
  *value = json_node_get_double (node);
  return TRUE;
}

gboolean
keras_read_count (KerasReader *reader, const KerasLayer *layer, JsonObject *config,
    const char *key, gsize *value)
{
  JsonNode *node = keras_get_member (config, key);

  if (!keras_is_integer (node) || json_node_get_int (node) < 1
      || json_node_get_int (node) > G_MAXINT32)
    return fail_type (reader, layer, config, key, "an integer from 1 to 2147483647");
  *value = (gsize) json_node_get_int (node);
  return TRUE;
}

static gboolean
is_last_axis (const KerasReader *reader, JsonNode *axis)
{
  gint64 last = reader->shape.kind == KERAS_SEQUENCE ? 2 : 1;

  if (JSON_NODE_HOLDS_ARRAY (axis)) {
    JsonArray *array = json_node_get_array (axis);

    return json_array_get_length (array) == 1
           && is_last_axis (reader, json_array_get_element (array, 0));
  }
  return keras_is_integer (axis)
         && (json_node_get_int (axis) == -1 || json_node_get_int (axis) == last);
}

gboolean
keras_check_axis (KerasReader *reader, const KerasLayer *layer, JsonObject *config)
{
  JsonNode *axis = keras_get_member (config, "axis");
  g_autofree char *found = NULL;

  if (!axis || is_last_axis (reader, axis))
    return TRUE;
  found = keras_describe_node (axis);
  return keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
      "axis: expected -1, the axis of the features, found %s", found);
}
