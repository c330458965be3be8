/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "container/json.h"
#include "lstm/lstm.h"
#include <string.h>

#define MAX_SHOWN 80  /* characters of a node in a message */
#define MAX_DIGITS 18 /* of an integer; more digits may not fit in 64 bits */

/* --- Parser --- */

static gboolean set_format_error (GError **error, const char *source, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

/* Makes the message valid UTF-8: an octal escape of json-glib may be any byte. Returns: FALSE */
static gboolean
set_format_error (GError **error, const char *source, const char *format, ...)
{
  g_autofree char *problem = NULL, *valid = NULL;
  va_list args;

  va_start (args, format);
  problem = g_strdup_vprintf (format, args);
  va_end (args);
  valid = g_utf8_make_valid (problem, -1);
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_FORMAT, "%s: %s", source, valid);
  return FALSE;
}

/* Returns the number of digits at the beginning of @text. */
static gsize
count_digits (const char *text, const char *end)
{
  gsize n = 0;

  while (text + n < end && g_ascii_isdigit (text[n]))
    n++;
  return n;
}

/* Returns the length of the number at the beginning of @text (RFC 8259, section 6), or 0 if
 * @text begins with no number. @n_digits: set to the digits of an integer, or to 0 for a number
 * with a fraction or an exponent. */
static gsize
scan_number (const char *text, const char *end, gsize *n_digits)
{
  const char *at = text + (text < end && *text == '-');
  const gsize whole = count_digits (at, end);
  gsize part;

  if (whole == 0 || (whole > 1 && *at == '0'))
    return 0;
  *n_digits = whole;
  at += whole;
  if (at < end && *at == '.') {
    if (!(part = count_digits (at + 1, end)))
      return 0;
    at += 1 + part;
    *n_digits = 0;
  }
  if (at < end && (*at == 'e' || *at == 'E')) {
    at += 1 + (at + 1 < end && (at[1] == '-' || at[1] == '+'));
    if (!(part = count_digits (at, end)))
      return 0;
    at += part;
    *n_digits = 0;
  }
  return at < end && (g_ascii_isalnum (*at) || strchr ("+-.", *at)) ? 0 : (gsize) (at - text);
}

/* Checks the number at byte @at. json-glib 1.6 reads 010 as 8 and 0x10 as 16, and an integer that
 * needs more than 64 bits becomes a different number. Returns: its length, or 0 with @error */
static gsize
check_number (const char *text, gsize length, gsize at, const char *source, GError **error)
{
  const char *begin = text + at, *end = text + length;
  gsize n_digits = 0, n = scan_number (begin, end, &n_digits), n_shown = 0;

  if (n && n_digits <= MAX_DIGITS)
    return n;
  while (begin + n_shown < end && n_shown < MAX_SHOWN
         && (g_ascii_isalnum (begin[n_shown]) || strchr ("+-.", begin[n_shown])))
    n_shown++;
  if (n)
    set_format_error (error, source,
        "expected an integer of at most %d digits, found %.*s at byte %" G_GSIZE_FORMAT,
        MAX_DIGITS, (int) n_shown, begin, at);
  else
    set_format_error (error, source,
        "expected a JSON number, found %.*s at byte %" G_GSIZE_FORMAT, (int) n_shown, begin,
        at);
  return 0;
}

/* Checks rules that json-glib does not enforce. json-glib recurses once per level, and it accepts
 * comments and single quotes, which are not JSON. */
static gboolean
check_text (const char *text, gsize length, guint max_depth, const char *source, GError **error)
{
  const char *invalid;
  gboolean in_string = FALSE;
  guint depth = 0;
  gsize n;

  if (!g_utf8_validate_len (text, length, &invalid))
    return set_format_error (error, source,
        "expected UTF-8, found an invalid sequence at byte %" G_GSIZE_FORMAT,
        (gsize) (invalid - text));
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
    else if (g_ascii_isdigit (text[i]) || (text[i] && strchr ("+-.", text[i]))) {
      if (!(n = check_number (text, length, i, source, error)))
        return FALSE;
      i += n - 1;
    } else if (text[i] == '[' || text[i] == '{')
      depth++;
    else if (text[i] == ']' || text[i] == '}')
      depth -= depth > 0;
    else if (!strchr (" \t\r\n,:", text[i]) && !g_ascii_isalpha (text[i]))
      return set_format_error (error, source,
          "expected JSON, found the byte 0x%02x at byte %" G_GSIZE_FORMAT, (guint8) text[i], i);
    if (depth > max_depth)
      return set_format_error (error, source,
          "expected JSON of at most %u levels, found level %u at byte %" G_GSIZE_FORMAT,
          max_depth, depth, i);
  }
  return TRUE;
}

typedef struct {
  GHashTable *seen; /* set of "object/member" */
  char **duplicate; /* the first name that an object has twice, or NULL */
} Members;

/* Finds a name that an object has twice, because json-glib silently keeps the last member of that
 * name. */
static void
on_object_member (JsonParser *parser, JsonObject *object, const char *name, gpointer user_data)
{
  Members *members = user_data;

  if (!g_hash_table_add (members->seen, g_strdup_printf ("%p/%s", (void *) object, name))
      && !*members->duplicate)
    *members->duplicate = g_strdup (name);
}

JsonNode *
lstm_json_parse (
    const char *text, gsize length, guint max_depth, const char *source, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GError) cause = NULL;
  g_autofree char *duplicate = NULL;
  Members members = {seen, &duplicate};
  JsonNode *root;

  if (!check_text (text, length, max_depth, source, error))
    return NULL;
  g_signal_connect (parser, "object-member", G_CALLBACK (on_object_member), &members);
  if (!json_parser_load_from_data (parser, text, (gssize) length, &cause)) {
    set_format_error (error, source, "%s", cause->message);
    return NULL;
  }
  if (duplicate) {
    set_format_error (error, source,
        "expected distinct names in an object, found the name \"%s\" twice", duplicate);
    return NULL;
  }
  root = json_parser_steal_root (parser);
  if (!root)
    set_format_error (error, source, "expected JSON, found no value");
  return root;
}

/* --- Accessors --- */

/* Returns the type of a value, G_TYPE_NONE if @node is an object, an array, null or NULL. */
static GType
get_value_type (JsonNode *node)
{
  return node && JSON_NODE_HOLDS_VALUE (node) ? json_node_get_value_type (node) : G_TYPE_NONE;
}

const char *
lstm_json_get_string (JsonNode *node)
{
  return get_value_type (node) == G_TYPE_STRING ? json_node_get_string (node) : NULL;
}

JsonObject *
lstm_json_get_object (JsonNode *node)
{
  return node && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

JsonArray *
lstm_json_get_array (JsonNode *node)
{
  return node && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

gboolean
lstm_json_is_integer (JsonNode *node)
{
  return get_value_type (node) == G_TYPE_INT64;
}

gboolean
lstm_json_get_boolean (JsonNode *node, gboolean *value)
{
  if (get_value_type (node) != G_TYPE_BOOLEAN)
    return FALSE;
  *value = json_node_get_boolean (node);
  return TRUE;
}

gboolean
lstm_json_get_number (JsonNode *node, double *value)
{
  if (!lstm_json_is_integer (node) && get_value_type (node) != G_TYPE_DOUBLE)
    return FALSE;
  *value = json_node_get_double (node);
  return TRUE;
}

gboolean
lstm_json_get_size (JsonNode *node, gsize *value)
{
  if (!lstm_json_is_integer (node) || json_node_get_int (node) < 0)
    return FALSE;
  *value = (gsize) json_node_get_int (node);
  return TRUE;
}

char *
lstm_json_describe (JsonNode *node)
{
  g_autofree char *text = node ? json_to_string (node, FALSE) : g_strdup ("none");
  g_autofree char *begin = NULL;

  if (g_utf8_strlen (text, -1) <= MAX_SHOWN)
    return g_steal_pointer (&text);
  begin = g_utf8_substring (text, 0, MAX_SHOWN);
  return g_strconcat (begin, "…", NULL);
}
