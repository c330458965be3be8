/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "container/json.h"
#include "lstm/lstm.h"
#include <string.h>

static gboolean
fail (const char *what, const char *problem, gsize at, GError **error)
{
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_FORMAT, "%s: %s at byte %" G_GSIZE_FORMAT, what,
      problem, at);
  return FALSE;
}

/* json-glib recurses per level and reads more than JSON (comments, other quotes): look first. */
static gboolean
check_text (const char *text, gsize length, guint max_depth, const char *what, GError **error)
{
  const char *invalid;
  gboolean in_string = FALSE;
  guint depth = 0;

  if (!g_utf8_validate_len (text, length, &invalid))
    return fail (what, "not valid UTF-8", invalid - text, error);
  for (gsize i = 0; i < length; i++) {
    if (in_string) {
      if (text[i] == '\\')
        i++;
      else if (text[i] == '"')
        in_string = FALSE;
      continue;
    }
    if (text[i] == '"')
      in_string = TRUE;
    else if (text[i] == '[' || text[i] == '{')
      depth++;
    else if (text[i] == ']' || text[i] == '}')
      depth -= depth > 0;
    else if (!strchr (" \t\r\n,:+-.", text[i]) && !g_ascii_isalnum (text[i]))
      return fail (what, "not JSON", i, error);
    if (depth > max_depth)
      return fail (what, "JSON nested too deeply", i, error);
  }
  return TRUE;
}

typedef struct {
  GHashTable *seen; /* "object/member" */
  char **twice;     /* the first name that was seen twice */
} Members;

/* json-glib keeps the last of two equal names and says nothing. */
static void
on_member (JsonParser *parser, JsonObject *object, const char *name, gpointer user_data)
{
  Members *members = user_data;

  if (!g_hash_table_add (members->seen, g_strdup_printf ("%p/%s", (void *) object, name))
      && !*members->twice)
    *members->twice = g_strdup (name);
}

JsonNode *
lstm_json_parse (
    const char *text, gsize length, guint max_depth, const char *what, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GError) cause = NULL;
  g_autofree char *twice = NULL;
  Members members = {seen, &twice};
  JsonNode *root;

  if (!check_text (text, length, max_depth, what, error))
    return NULL;
  g_signal_connect (parser, "object-member", G_CALLBACK (on_member), &members);
  if (!json_parser_load_from_data (parser, text, (gssize) length, &cause)) {
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_FORMAT, "%s: %s", what, cause->message);
    return NULL;
  }
  if (twice) {
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_FORMAT, "%s: the name \"%s\" stands there twice",
        what, twice);
    return NULL;
  }
  root = json_parser_steal_root (parser);
  if (!root)
    g_set_error (
        error, LSTM_ERROR, LSTM_ERROR_FORMAT, "%s: expected JSON, found nothing", what);
  return root;
}

gboolean
lstm_json_get_size (JsonNode *node, gsize *size)
{
  if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_INT64
      || json_node_get_int (node) < 0)
    return FALSE;
  *size = (gsize) json_node_get_int (node);
  return TRUE;
}
