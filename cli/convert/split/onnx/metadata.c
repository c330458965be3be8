/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/onnx/metadata.h"
#include <json-glib/json-glib.h>
#include <string.h>

#define MAX_LABELS 65536

/* Reads an array of strings. Returns: (transfer full) (nullable) */
static char **
read_array (JsonArray *array)
{
  g_autoptr (GPtrArray) labels = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < json_array_get_length (array); i++) {
    JsonNode *node = json_array_get_element (array, i);

    if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_STRING)
      return NULL;
    g_ptr_array_add (labels, g_strdup (json_node_get_string (node)));
  }
  g_ptr_array_add (labels, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&labels), FALSE);
}

/* Reads an object whose members "0", "1", … are strings. Returns: (transfer full) (nullable) */
static char **
read_object (JsonObject *object)
{
  guint n = json_object_get_size (object);
  g_auto (GStrv) labels = g_new0 (char *, n + 1);

  for (guint i = 0; i < n; i++) {
    g_autofree char *key = g_strdup_printf ("%u", i);
    JsonNode *node = json_object_get_member (object, key);

    if (!node || !JSON_NODE_HOLDS_VALUE (node)
        || json_node_get_value_type (node) != G_TYPE_STRING)
      return NULL;
    labels[i] = g_strdup (json_node_get_string (node));
  }
  return g_steal_pointer (&labels);
}

static char **
parse_json (const char *text)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonNode *root;

  if (!json_parser_load_from_data (parser, text, -1, NULL))
    return NULL;
  root = json_parser_get_root (parser);
  if (root && JSON_NODE_HOLDS_ARRAY (root))
    return read_array (json_node_get_array (root));
  return root && JSON_NODE_HOLDS_OBJECT (root) ? read_object (json_node_get_object (root))
                                               : NULL;
}

/* Reads a dict as Python prints it, {0: 'a', 1: 'b'}, or a list, ['a', 'b'].
 * Returns: (transfer full) (nullable) */
static char **
parse_python (const char *text)
{
  g_autoptr (GString) json = g_string_new (NULL);
  const char *at = text;
  char quote = 0;

  for (; *at; at++) {
    if (quote) {
      if (*at == '\\' && at[1]) {
        if (at[1] != '\'')
          g_string_append_c (json, *at);
        g_string_append_c (json, *++at);
      } else if (*at == quote) {
        g_string_append_c (json, '"');
        quote = 0;
      } else if (*at == '"') {
        g_string_append (json, "\\\"");
      } else {
        g_string_append_c (json, *at);
      }
    } else if (*at == '\'' || *at == '"') {
      quote = *at;
      g_string_append_c (json, '"');
    } else if (g_ascii_isdigit (*at)) {
      g_string_append_c (json, '"');
      for (; g_ascii_isdigit (*at); at++)
        g_string_append_c (json, *at);
      g_string_append_c (json, '"');
      at--;
    } else {
      g_string_append_c (json, *at);
    }
  }
  return quote ? NULL : parse_json (json->str);
}

/* Reads a list that commas or line ends separate. */
static char **
parse_list (const char *text)
{
  g_auto (GStrv) labels = g_strsplit (text, strchr (text, '\n') ? "\n" : ",", MAX_LABELS);
  guint n;

  for (n = 0; labels[n]; n++)
    g_strstrip (labels[n]);
  if (n && !*labels[n - 1])
    g_clear_pointer (&labels[n - 1], g_free);
  return g_steal_pointer (&labels);
}

char **
onnx_split_read_labels (const Onnx__ModelProto *model)
{
  static const char *const keys[] = {"labels", "classes", "names"};
  char **labels = NULL;

  for (guint k = 0; k < G_N_ELEMENTS (keys) && !labels; k++) {
    for (gsize i = 0; i < model->n_metadata_props && !labels; i++) {
      const Onnx__StringStringEntryProto *entry = model->metadata_props[i];
      const char *value = entry->value ? entry->value : "";

      if (g_strcmp0 (entry->key, keys[k]) != 0 || !g_utf8_validate (value, -1, NULL))
        continue;
      labels = parse_json (value);
      if (!labels && (*value == '{' || *value == '['))
        labels = parse_python (value);
      else if (!labels && *value)
        labels = parse_list (value);
    }
  }
  return labels;
}
