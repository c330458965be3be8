/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keras/keras.h"
#include <string.h>

JsonNode *
keras_get (JsonObject *object, const char *key)
{
  JsonNode *node = object ? json_object_get_member (object, key) : NULL;

  return node && !JSON_NODE_HOLDS_NULL (node) ? node : NULL;
}

const char *
keras_peek_string (JsonObject *object, const char *key)
{
  JsonNode *node = keras_get (object, key);

  return node && JSON_NODE_HOLDS_VALUE (node) ? json_node_get_string (node) : NULL;
}

JsonObject *
keras_peek_object (JsonObject *object, const char *key)
{
  JsonNode *node = keras_get (object, key);

  return node && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

JsonArray *
keras_peek_array (JsonObject *object, const char *key)
{
  JsonNode *node = keras_get (object, key);

  return node && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

/* Whether @name is of Keras, or a part of it */
static gboolean
is_of_keras (const char *name)
{
  static const char *const ours[] = {"builtins", "keras", "tensorflow", "tf_keras"};

  for (guint i = 0; i < G_N_ELEMENTS (ours); i++) {
    gsize length = strlen (ours[i]);

    if (g_str_has_prefix (name, ours[i]) && strchr (".>", name[length]))
      return TRUE;
  }
  return FALSE;
}

/* Returns: (transfer full) (nullable): the package or module of somebody's own class or function */
static char *
get_owner (JsonObject *object)
{
  const char *registered = keras_peek_string (object, "registered_name");
  const char *end = registered ? strchr (registered, '>') : NULL;
  const char *module = keras_peek_string (object, "module");

  if (end)
    return is_of_keras (registered) ? NULL : g_strndup (registered, (gsize) (end - registered));
  return module && !is_of_keras (module) ? g_strdup (module) : NULL;
}

static void
mark_own_object (JsonObject *object)
{
  const char *class_name = keras_peek_string (object, "class_name");
  const char *key = g_strcmp0 (class_name, "function") == 0 ? "config" : "class_name";
  const char *name = class_name ? keras_peek_string (object, key) : NULL;
  g_autofree char *owner = name ? get_owner (object) : NULL;
  g_autofree char *full = owner ? g_strconcat (owner, ">", name, NULL) : NULL;

  if (full)
    json_object_set_string_member (object, key, full);
}

void
keras_mark_own (JsonNode *node)
{
  JsonObjectIter iter;
  JsonNode *value;

  if (JSON_NODE_HOLDS_OBJECT (node)) {
    mark_own_object (json_node_get_object (node));
    json_object_iter_init (&iter, json_node_get_object (node));
    while (json_object_iter_next (&iter, NULL, &value))
      keras_mark_own (value);
  } else if (JSON_NODE_HOLDS_ARRAY (node)) {
    JsonArray *array = json_node_get_array (node);

    for (guint i = 0; i < json_array_get_length (array); i++)
      keras_mark_own (json_array_get_element (array, i));
  }
}

static GType
get_type (JsonNode *node)
{
  return node && JSON_NODE_HOLDS_VALUE (node) ? json_node_get_value_type (node) : G_TYPE_NONE;
}

gboolean
keras_is_number (JsonNode *node)
{
  return get_type (node) == G_TYPE_INT64 || get_type (node) == G_TYPE_DOUBLE;
}

static gboolean
fail_type (KerasReader *reader, const KerasLayer *layer, const char *key, const char *expected,
    JsonNode *found)
{
  g_autofree char *text = found ? json_to_string (found, FALSE) : g_strdup ("nothing");

  return keras_fail (reader, layer, CONVERT_ERROR_FILE, "expected %s for \"%s\", found %s",
      expected, key, text);
}

gboolean
keras_get_bool (KerasReader *reader, const KerasLayer *layer, JsonObject *config,
    const char *key, gboolean otherwise, gboolean *value)
{
  JsonNode *node = keras_get (config, key);

  *value = otherwise;
  if (!node)
    return TRUE;
  if (get_type (node) != G_TYPE_BOOLEAN)
    return fail_type (reader, layer, key, "true or false", node);
  *value = json_node_get_boolean (node);
  return TRUE;
}

gboolean
keras_get_number (KerasReader *reader, const KerasLayer *layer, JsonObject *config,
    const char *key, double otherwise, double *value)
{
  JsonNode *node = keras_get (config, key);

  *value = otherwise;
  if (!node)
    return TRUE;
  if (!keras_is_number (node))
    return fail_type (reader, layer, key, "a number", node);
  *value = json_node_get_double (node);
  return TRUE;
}

gboolean
keras_get_count (KerasReader *reader, const KerasLayer *layer, JsonObject *config,
    const char *key, gsize *value)
{
  JsonNode *node = keras_get (config, key);

  if (get_type (node) != G_TYPE_INT64 || json_node_get_int (node) < 1
      || json_node_get_int (node) > G_MAXINT32)
    return fail_type (reader, layer, key, "a whole number from 1 on", node);
  *value = (gsize) json_node_get_int (node);
  return TRUE;
}

gboolean
keras_axis_is_last (const KerasReader *reader, JsonNode *axis)
{
  gint64 last = reader->shape.kind == KERAS_SEQUENCE ? 2 : 1;

  if (axis && JSON_NODE_HOLDS_ARRAY (axis)) {
    JsonArray *array = json_node_get_array (axis);

    return json_array_get_length (array) == 1
           && keras_axis_is_last (reader, json_array_get_element (array, 0));
  }
  return get_type (axis) == G_TYPE_INT64
         && (json_node_get_int (axis) == -1 || json_node_get_int (axis) == last);
}
