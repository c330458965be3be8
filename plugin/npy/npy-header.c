/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "npy/npy-header.h"
#include "common/errors.h"
#include <string.h>

#define MAX_DIMS 3

/* Returns a name for the unsupported NumPy type @descr. */
static const gchar *
name_unsupported_type (const gchar *descr)
{
  static const struct {
    const gchar *kinds, *name;
  } names[] = {{"O", "objects"}, {"SUa", "strings"}, {"V", "a structure"}, {"cFDG", "complex"},
      {"Mm", "times"}};
  gchar kind = descr[0] && strchr ("<>|=", descr[0]) ? descr[1] : descr[0];

  if (descr[0] == '>')
    return "big-endian";
  for (guint i = 0; kind && i < G_N_ELEMENTS (names); i++)
    if (strchr (names[i].kinds, kind))
      return names[i].name;
  return "unknown";
}

/* The dict: {'descr': '<f4', 'fortran_order': False, 'shape': (60, 5), } */

static GScanner *
create_scanner (const gchar *text, guint length)
{
  GScanner *scanner = g_scanner_new (NULL);
  GScannerConfig *config = scanner->config;

  config->scan_comment_multi = FALSE;
  config->skip_comment_single = FALSE; /* a comment is an unexpected token */
  config->scan_octal = FALSE;
  config->scan_float = FALSE;
  config->scan_hex = FALSE;
  config->store_int64 = TRUE;
  g_scanner_input_text (scanner, text, length);
  return scanner;
}

/* Returns: (transfer full): the current token, escaped for a message */
static gchar *
describe_token (GScanner *scanner)
{
  g_autofree gchar *text = NULL;

  if (scanner->token == G_TOKEN_STRING)
    text = g_strescape (scanner->value.v_string, NULL);
  else if (scanner->token == G_TOKEN_IDENTIFIER)
    text = g_strescape (scanner->value.v_identifier, NULL);
  else if (scanner->token == G_TOKEN_INT)
    text = g_strdup_printf ("%" G_GUINT64_FORMAT, (guint64) scanner->value.v_int64);
  else if (scanner->token == G_TOKEN_COMMENT_SINGLE)
    return g_strdup ("a comment");
  else if (scanner->token == G_TOKEN_EOF)
    return g_strdup ("the end");
  else if (scanner->token <= G_MAXUINT8)
    text = g_strescape ((const gchar[]){(gchar) scanner->token, '\0'}, NULL);
  else
    return g_strdup ("a malformed string or number");
  return g_strdup_printf ("'%.60s'", text);
}

/* Reads the next token. Returns FALSE and sets @error, which names @field and @expected, unless the
 * token is @token. */
static gboolean
expect_token (
    GScanner *scanner, guint token, const gchar *field, const gchar *expected, GError **error)
{
  g_autofree gchar *found = NULL;

  if (g_scanner_get_next_token (scanner) == token)
    return TRUE;
  found = describe_token (scanner);
  return gst_lstm_fail (error, GST_LSTM_STREAM (DECODE),
      "%s: expected %s, found %s at character %u", field, expected, found,
      g_scanner_cur_position (scanner));
}

static gboolean
parse_descr (GScanner *scanner, GstLstmNpyHeader *header, GError **error)
{
  g_autofree gchar *found = NULL;

  if (g_scanner_peek_next_token (scanner) == G_TOKEN_LEFT_BRACE)
    return gst_lstm_fail (error, GST_LSTM_STREAM (WRONG_TYPE),
        "header field descr: expected a type such as '<f4', found a structure");
  if (!expect_token (
          scanner, G_TOKEN_STRING, "header field descr", "a type such as '<f4'", error))
    return FALSE;
  header->type = gst_lstm_type_from_npy (scanner->value.v_string);
  if (header->type)
    return TRUE;
  found = describe_token (scanner);
  return gst_lstm_fail (error, GST_LSTM_STREAM (WRONG_TYPE),
      "header field descr: expected little-endian f2, f4, f8, i1 to i8, u1 to u8 or b1, found "
      "%s (%s)",
      found, name_unsupported_type (scanner->value.v_string));
}

static gboolean
parse_fortran_order (GScanner *scanner, GstLstmNpyHeader *header, GError **error)
{
  static const gchar field[] = "header field fortran_order";

  if (!expect_token (scanner, G_TOKEN_IDENTIFIER, field, "False", error))
    return FALSE;
  if (!g_str_equal (scanner->value.v_identifier, "False")) {
    g_autofree gchar *found = describe_token (scanner);

    return gst_lstm_fail (error, GST_LSTM_STREAM (FORMAT),
        "%s: expected False (numpy.ascontiguousarray() converts an array), found %s", field,
        found);
  }
  return TRUE;
}

static gboolean
parse_shape (GScanner *scanner, GstLstmNpyHeader *header, GError **error)
{
  static const gchar field[] = "header field shape";
  guint64 dims[MAX_DIMS] = {0};
  guint n = 0;
  gboolean comma = FALSE;

  if (!expect_token (scanner, G_TOKEN_LEFT_PAREN, field, "'('", error))
    return FALSE;
  while (g_scanner_peek_next_token (scanner) != G_TOKEN_RIGHT_PAREN) {
    if (!expect_token (scanner, G_TOKEN_INT, field, "a number", error))
      return FALSE;
    if (n < MAX_DIMS)
      dims[n] = scanner->value.v_int64;
    n++;
    comma = g_scanner_peek_next_token (scanner) != G_TOKEN_RIGHT_PAREN;
    if (comma && !expect_token (scanner, G_TOKEN_COMMA, field, "',' or ')'", error))
      return FALSE;
  }
  g_scanner_get_next_token (scanner);
  if (n < 1 || n > MAX_DIMS)
    return gst_lstm_fail (error, GST_LSTM_STREAM (FORMAT),
        "%s: expected 1 to %d dimensions ([size], [length, size] or [streams, length, size]), "
        "found %u",
        field, MAX_DIMS, n);
  if (n == 1 && !comma) /* (5) is a number, (5,) is a tuple */
    return gst_lstm_fail (error, GST_LSTM_STREAM (DECODE),
        "%s: expected a tuple, found the number %" G_GUINT64_FORMAT, field, dims[0]);

  header->size = dims[n - 1];
  header->length = n > 1 ? dims[n - 2] : 1;
  header->streams = n > 2 ? dims[0] : 1;
  return TRUE;
}

typedef struct {
  const gchar *key;
  gboolean (*parse) (GScanner *scanner, GstLstmNpyHeader *header, GError **error);
} Field;

static const Field fields[] = {
    {"descr", parse_descr},
    {"fortran_order", parse_fortran_order},
    {"shape", parse_shape},
};

/* Parses 'key': value. @seen has a bit for each field that was parsed. */
static gboolean
parse_entry (GScanner *scanner, GstLstmNpyHeader *header, guint *seen, GError **error)
{
  g_autofree gchar *found = NULL;

  if (!expect_token (scanner, G_TOKEN_STRING, "header", "a key", error))
    return FALSE;
  found = describe_token (scanner);
  for (guint i = 0; i < G_N_ELEMENTS (fields); i++) {
    if (!g_str_equal (scanner->value.v_string, fields[i].key))
      continue;
    if (*seen & (1u << i))
      return gst_lstm_fail (error, GST_LSTM_STREAM (DECODE),
          "header: expected key %s once, found it twice", found);
    *seen |= 1u << i;
    return expect_token (scanner, ':', "header", "':'", error)
           && fields[i].parse (scanner, header, error);
  }
  return gst_lstm_fail (error, GST_LSTM_STREAM (DECODE),
      "header: expected keys 'descr', 'fortran_order' and 'shape', found %s", found);
}

/* Removes the suffix L of Python 2's long integers, as in (4L, 3L). NumPy does the same for the
 * versions that Python 2 wrote. Returns: (transfer full) */
static gchar *
drop_long_suffixes (const gchar *text, guint length)
{
  static const gchar strings[] = "('[^']*'|\"[^\"]*\")";
  static const gchar longs[] = "\\b([0-9]+)([ \\t\\f]*L\\b)+";
  g_autofree gchar *pattern = g_strconcat (strings, "|", longs, NULL);
  g_autoptr (GRegex) regex = g_regex_new (pattern, G_REGEX_RAW, 0, NULL);
  gchar *plain = g_regex_replace (regex, text, length, 0, "\\1\\2", 0, NULL);

  return plain ? plain : g_strndup (text, length);
}

static gboolean
parse_dict (GstLstmNpyHeader *header, const gchar *text, GError **error)
{
  g_autoptr (GScanner) scanner = create_scanner (text, (guint) strlen (text));
  guint seen = 0;

  if (!expect_token (scanner, G_TOKEN_LEFT_CURLY, "header", "'{'", error))
    return FALSE;
  while (g_scanner_peek_next_token (scanner) != G_TOKEN_RIGHT_CURLY) {
    if (!parse_entry (scanner, header, &seen, error))
      return FALSE;
    if (g_scanner_peek_next_token (scanner) != G_TOKEN_RIGHT_CURLY
        && !expect_token (scanner, G_TOKEN_COMMA, "header", "',' or '}'", error))
      return FALSE;
  }
  g_scanner_get_next_token (scanner);
  if (!expect_token (scanner, G_TOKEN_EOF, "header", "nothing after '}'", error))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    if (!(seen & (1u << i)))
      return gst_lstm_fail (error, GST_LSTM_STREAM (DECODE),
          "header: expected key '%s', found none", fields[i].key);
  return TRUE;
}

gboolean
gst_lstm_npy_header_parse (
    GstLstmNpyHeader *header, const gchar *text, guint n, guint version, GError **error)
{
  g_autofree gchar *dict = NULL;

  if (memchr (text, '\0', n)) /* the scanner would stop there */
    return gst_lstm_fail (
        error, GST_LSTM_STREAM (DECODE), "header: expected text, found a NUL character");
  dict = version < 3 ? drop_long_suffixes (text, n) : g_strndup (text, n);
  return parse_dict (header, dict, error);
}
