/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/onnx/metadata.h"
#include <json-glib/json-glib.h>
#include <string.h>

#define MAX_LABELS 65536

/* Returns: (nullable): the string that @node is */
static const char *
get_string (JsonNode *node)
{
  return node && JSON_NODE_HOLDS_VALUE (node)
                 && json_node_get_value_type (node) == G_TYPE_STRING
             ? json_node_get_string (node)
             : NULL;
}

/* Reads an array of strings. Returns: (transfer full) (nullable) */
static char **
read_array (JsonArray *array)
{
  g_autoptr (GPtrArray) labels = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < json_array_get_length (array); i++) {
    const char *label = get_string (json_array_get_element (array, i));

    if (!label)
      return NULL;
    g_ptr_array_add (labels, g_strdup (label));
  }
  g_ptr_array_add (labels, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&labels), FALSE);
}

/* Returns the number that @node is, also as a string, or G_MAXUINT. */
static guint
get_number (JsonNode *node)
{
  const char *text = get_string (node);
  guint64 number;

  if (text)
    return g_ascii_string_to_unsigned (text, 10, 0, MAX_LABELS, &number, NULL) ? (guint) number
                                                                               : G_MAXUINT;
  if (!node || !JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_INT64)
    return G_MAXUINT;
  return (guint) CLAMP (json_node_get_int (node), -1, G_MAXINT);
}

/* Reads an object from the names to their numbers. Returns: (transfer full) (nullable) */
static char **
read_numbers (JsonObject *object)
{
  guint n = json_object_get_size (object);
  g_auto (GStrv) labels = g_new0 (char *, n + 1);
  g_autoptr (GList) names = json_object_get_members (object);

  for (const GList *at = names; at; at = at->next) {
    guint number = get_number (json_object_get_member (object, at->data));

    if (number >= n || labels[number]) {
      for (guint i = 0; i < n; i++) /* there may be gaps before the end of the vector */
        g_clear_pointer (&labels[i], g_free);
      return NULL;
    }
    labels[number] = g_strdup (at->data);
  }
  return g_steal_pointer (&labels);
}

/* Reads an object whose members "0", "1", … are strings, or whose members are these numbers.
 * Returns: (transfer full) (nullable) */
static char **
read_object (JsonObject *object)
{
  guint n = json_object_get_size (object);
  g_auto (GStrv) labels = g_new0 (char *, n + 1);

  for (guint i = 0; i < n; i++) {
    g_autofree char *key = g_strdup_printf ("%u", i);
    const char *label = get_string (json_object_get_member (object, key));

    if (!label)
      return read_numbers (object);
    labels[i] = g_strdup (label);
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
onnx_split_read_labels (const Onnx__ModelProto *model, const char **unread)
{
  static const char *const keys[] = {"labels", "classes", "names"};
  char **labels = NULL;

  *unread = NULL;
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
      if (!labels && *value)
        *unread = keys[k];
    }
  }
  return labels;
}
