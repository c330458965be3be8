/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keras/custom-objects.h"
#include "keras/json.h"
#include <string.h>

/* Returns whether @name is a package of Keras, or a module or name in one. */
static gboolean
is_in_keras (const char *name)
{
  static const char *const packages[] = {"builtins", "keras", "tensorflow", "tf_keras"};

  for (guint i = 0; i < G_N_ELEMENTS (packages); i++) {
    gsize length = strlen (packages[i]);

    if (g_str_has_prefix (name, packages[i]) && strchr (".>", name[length]))
      return TRUE;
  }
  return FALSE;
}

/* Returns: (transfer full) (nullable): the package or module of a custom class or function */
static char *
get_custom_package (JsonObject *object)
{
  const char *registered = keras_get_string (object, "registered_name");
  const char *end = registered ? strchr (registered, '>') : NULL;
  const char *module = keras_get_string (object, "module");

  if (end)
    return is_in_keras (registered) ? NULL : g_strndup (registered, (gsize) (end - registered));
  return module && !is_in_keras (module) ? g_strdup (module) : NULL;
}

static void
mark_object (JsonObject *object)
{
  const char *class_name = keras_get_string (object, "class_name");
  const char *key = g_strcmp0 (class_name, "function") == 0 ? "config" : "class_name";
  const char *name = class_name ? keras_get_string (object, key) : NULL;
  g_autofree char *package = name ? get_custom_package (object) : NULL;
  g_autofree char *marked = package ? g_strconcat (package, ">", name, NULL) : NULL;

  if (marked)
    json_object_set_string_member (object, key, marked);
}

void
keras_mark_custom_objects (JsonNode *node)
{
  JsonObjectIter iter;
  JsonNode *value;

  if (JSON_NODE_HOLDS_OBJECT (node)) {
    mark_object (json_node_get_object (node));
    json_object_iter_init (&iter, json_node_get_object (node));
    while (json_object_iter_next (&iter, NULL, &value))
      keras_mark_custom_objects (value);
  } else if (JSON_NODE_HOLDS_ARRAY (node)) {
    JsonArray *array = json_node_get_array (node);

    for (guint i = 0; i < json_array_get_length (array); i++)
      keras_mark_custom_objects (json_array_get_element (array, i));
  }
}
