/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html: magic, version, the
 * header's length in two or four bytes, the header (a Python dict literal), the items. */
#include "npy/npy.h"
#include "common/errors.h"
#include "util/input-file.h"
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_HEADER (64 * 1024)
#define MAX_DIMS 3
#define BLOCK (1024 * 1024)

/* What a user has who did not get one of the types above. */
static const gchar *
name_refused_type (const gchar *descr)
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

/* The header: {'descr': '<f4', 'fortran_order': False, 'shape': (60, 5), } */

static GScanner *
scanner_new (const gchar *text, guint length)
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

/* Returns: (transfer full): the current token, fit for a message. */
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
  else if (scanner->token == G_TOKEN_EOF)
    return g_strdup ("the end");
  else if (scanner->token < 128 && g_ascii_isprint ((gchar) scanner->token))
    text = g_strdup_printf ("%c", (gchar) scanner->token);
  else
    return g_strdup ("something else");
  return g_strdup_printf ("'%.60s'", text);
}

/* FALSE, and an error, unless the next token is @token. */
static gboolean
expect (GScanner *scanner, guint token, const gchar *where, const gchar *what, GError **error)
{
  g_autofree gchar *got = NULL;

  if (g_scanner_get_next_token (scanner) == token)
    return TRUE;
  got = describe_token (scanner);
  return gst_lstm_fail (error, GST_LSTM_STREAM (DECODE),
      "%s: expected %s, got %s at character %u", where, what, got,
      g_scanner_cur_position (scanner));
}

static gboolean
parse_descr (GScanner *scanner, GstLstmNpyReader *reader, GError **error)
{
  g_autofree gchar *got = NULL;

  if (g_scanner_peek_next_token (scanner) == G_TOKEN_LEFT_BRACE)
    return gst_lstm_fail (error, GST_LSTM_STREAM (WRONG_TYPE),
        "header field descr: expected a type such as '<f4', got a structure");
  if (!expect (scanner, G_TOKEN_STRING, "header field descr", "a type such as '<f4'", error))
    return FALSE;
  reader->type = gst_lstm_type_from_npy (scanner->value.v_string);
  if (reader->type)
    return TRUE;
  got = describe_token (scanner);
  return gst_lstm_fail (error, GST_LSTM_STREAM (WRONG_TYPE),
      "header field descr: expected little-endian f2, f4, f8, i1 to i8, u1 to u8 or b1, got %s "
      "(%s)",
      got, name_refused_type (scanner->value.v_string));
}

static gboolean
parse_fortran_order (GScanner *scanner, GstLstmNpyReader *reader, GError **error)
{
  static const gchar where[] = "header field fortran_order";

  if (!expect (scanner, G_TOKEN_IDENTIFIER, where, "False", error))
    return FALSE;
  if (!g_str_equal (scanner->value.v_identifier, "False")) {
    g_autofree gchar *got = describe_token (scanner);

    return gst_lstm_fail (error, GST_LSTM_STREAM (FORMAT),
        "%s: expected False (numpy.ascontiguousarray() makes it so), got %s", where, got);
  }
  return TRUE;
}

static gboolean
parse_shape (GScanner *scanner, GstLstmNpyReader *reader, GError **error)
{
  static const gchar where[] = "header field shape";
  guint64 dims[MAX_DIMS] = {0};
  guint n = 0;
  gboolean comma = FALSE;

  if (!expect (scanner, G_TOKEN_LEFT_PAREN, where, "'('", error))
    return FALSE;
  while (g_scanner_peek_next_token (scanner) != G_TOKEN_RIGHT_PAREN) {
    if (!expect (scanner, G_TOKEN_INT, where, "a number", error))
      return FALSE;
    if (n < MAX_DIMS)
      dims[n] = scanner->value.v_int64;
    n++;
    comma = g_scanner_peek_next_token (scanner) != G_TOKEN_RIGHT_PAREN;
    if (comma && !expect (scanner, G_TOKEN_COMMA, where, "',' or ')'", error))
      return FALSE;
  }
  g_scanner_get_next_token (scanner);
  if (n < 1 || n > MAX_DIMS)
    return gst_lstm_fail (error, GST_LSTM_STREAM (FORMAT),
        "%s: expected 1 to %d dimensions ([size], [length, size] or [streams, length, size]), "
        "got %u",
        where, MAX_DIMS, n);
  if (n == 1 && !comma) /* (5) is a number and not a tuple */
    return gst_lstm_fail (
        error, GST_LSTM_STREAM (DECODE), "%s: expected a tuple, got a number", where);

  reader->size = dims[n - 1];
  reader->length = n > 1 ? dims[n - 2] : 1;
  reader->streams = n > 2 ? dims[0] : 1;
  return TRUE;
}

typedef struct {
  const gchar *key;
  gboolean (*parse) (GScanner *scanner, GstLstmNpyReader *reader, GError **error);
} Field;

static const Field fields[] = {
    {"descr", parse_descr},
    {"fortran_order", parse_fortran_order},
    {"shape", parse_shape},
};

/* 'key': value. @seen has a bit per field. */
static gboolean
parse_entry (GScanner *scanner, GstLstmNpyReader *reader, guint *seen, GError **error)
{
  g_autofree gchar *got = NULL;

  if (!expect (scanner, G_TOKEN_STRING, "header", "a key", error))
    return FALSE;
  got = describe_token (scanner);
  for (guint i = 0; i < G_N_ELEMENTS (fields); i++) {
    if (!g_str_equal (scanner->value.v_string, fields[i].key))
      continue;
    if (*seen & (1u << i))
      return gst_lstm_fail (
          error, GST_LSTM_STREAM (DECODE), "header: expected key %s once, got it again", got);
    *seen |= 1u << i;
    return expect (scanner, ':', "header", "':'", error)
           && fields[i].parse (scanner, reader, error);
  }
  return gst_lstm_fail (error, GST_LSTM_STREAM (DECODE),
      "header: expected keys 'descr', 'fortran_order' and 'shape', got %s", got);
}

/* Returns: (transfer full): @text without the L that Python 2 writes behind its long integers,
 * (4L, 3L); NumPy reads them so in the versions that Python 2 wrote. */
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
parse_header (GstLstmNpyReader *reader, const gchar *text, GError **error)
{
  g_autoptr (GScanner) scanner = scanner_new (text, (guint) strlen (text));
  guint seen = 0;

  if (!expect (scanner, G_TOKEN_LEFT_CURLY, "header", "'{'", error))
    return FALSE;
  while (g_scanner_peek_next_token (scanner) != G_TOKEN_RIGHT_CURLY) {
    if (!parse_entry (scanner, reader, &seen, error))
      return FALSE;
    if (g_scanner_peek_next_token (scanner) != G_TOKEN_RIGHT_CURLY
        && !expect (scanner, G_TOKEN_COMMA, "header", "',' or '}'", error))
      return FALSE;
  }
  g_scanner_get_next_token (scanner);
  if (!expect (scanner, G_TOKEN_EOF, "header", "nothing after '}'", error))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    if (!(seen & (1u << i)))
      return gst_lstm_fail (error, GST_LSTM_STREAM (DECODE),
          "header: expected key '%s', got none", fields[i].key);
  return TRUE;
}

/* Reading */

static gboolean
read_exactly (gint fd, gpointer out, gsize n, guint64 offset, const gchar *what, GError **error)
{
  for (gsize done = 0; done < n;) {
    gssize got = pread (fd, (guint8 *) out + done, n - done, (off_t) (offset + done));

    if (got == 0)
      return gst_lstm_fail (error, GST_LSTM_STREAM (DECODE),
          "%s: expected %" G_GSIZE_FORMAT " bytes at byte %" G_GUINT64_FORMAT
          ", got %" G_GSIZE_FORMAT ": the file is truncated",
          what, n, offset, done);
    if (got < 0 && errno != EINTR)
      return gst_lstm_fail (
          error, GST_LSTM_RESOURCE (READ), "%s: %s", what, g_strerror (errno));
    done += (gsize) MAX (got, 0);
  }
  return TRUE;
}

/* Everything up to the items. */
static gboolean
read_header (GstLstmNpyReader *reader, GError **error)
{
  guint8 start[GST_LSTM_NPY_MAGIC_SIZE + 2 + 4];
  g_autofree gchar *text = NULL, *plain = NULL;
  guint32 length;
  guint prefix;

  if (!read_exactly (reader->fd, start, GST_LSTM_NPY_MAGIC_SIZE, 0, "magic", error))
    return FALSE;
  if (memcmp (start, GST_LSTM_NPY_MAGIC, GST_LSTM_NPY_MAGIC_SIZE) != 0) {
    g_autofree gchar *got = g_strndup ((const gchar *) start, GST_LSTM_NPY_MAGIC_SIZE);
    g_autofree gchar *escaped = g_strescape (got, NULL);

    return gst_lstm_fail (error, GST_LSTM_STREAM (WRONG_TYPE),
        "magic: expected '\\223NUMPY' (a .npy file), got '%s'", escaped);
  }
  if (!read_exactly (reader->fd, start, 10, 0, "version", error))
    return FALSE;
  if (start[6] < 1 || start[6] > 3 || start[7] != 0)
    return gst_lstm_fail (error, GST_LSTM_STREAM (FORMAT),
        "version: expected 1.0, 2.0 or 3.0, got %u.%u", start[6], start[7]);
  prefix = start[6] == 1 ? 10 : 12;
  if (!read_exactly (reader->fd, start, prefix, 0, "header length", error))
    return FALSE;
  length = prefix == 10 ? GST_READ_UINT16_LE (start + 8) : GST_READ_UINT32_LE (start + 8);
  if (length > MAX_HEADER)
    return gst_lstm_fail (error, GST_LSTM_STREAM (FORMAT),
        "header length: expected at most %d bytes, got %u", MAX_HEADER, length);
  reader->data_offset = prefix + length;
  text = g_malloc (length + 1);
  if (!read_exactly (reader->fd, text, length, prefix, "header", error))
    return FALSE;
  if (memchr (text, '\0', length)) /* the scanner would end there */
    return gst_lstm_fail (
        error, GST_LSTM_STREAM (DECODE), "header: expected text, got a NUL character");
  plain = start[6] < 3 ? drop_long_suffixes (text, length) : g_strndup (text, length);
  return parse_header (reader, plain, error);
}

/* FALSE, and an error, unless caps can tell the shape and the file has just the right size. */
static gboolean
check_shape (const GstLstmNpyReader *reader, guint64 file_size, GError **error)
{
  guint64 bytes;

  if (reader->size < 1 || reader->size > G_MAXINT32)
    return gst_lstm_fail (error, GST_LSTM_STREAM (FORMAT),
        "header field shape: expected a size from 1 to %d, got %" G_GUINT64_FORMAT, G_MAXINT32,
        reader->size);
  if (reader->streams < 1 || reader->streams > G_MAXINT32)
    return gst_lstm_fail (error, GST_LSTM_STREAM (FORMAT),
        "header field shape: expected streams from 1 to %d, got %" G_GUINT64_FORMAT, G_MAXINT32,
        reader->streams);
  /* size * streams < 2^62 */
  if (!g_uint64_checked_mul (&bytes, reader->size * reader->streams, reader->length)
      || !g_uint64_checked_mul (&bytes, bytes, reader->type->size)
      || !g_uint64_checked_add (&bytes, bytes, reader->data_offset))
    return gst_lstm_fail (error, GST_LSTM_STREAM (FORMAT),
        "header field shape: expected what a file can hold, got %" G_GUINT64_FORMAT
        " streams of %" G_GUINT64_FORMAT " steps of size %" G_GUINT64_FORMAT,
        reader->streams, reader->length, reader->size);
  if (bytes != file_size)
    return gst_lstm_fail (error, GST_LSTM_STREAM (DECODE),
        "file size: expected %" G_GUINT64_FORMAT " bytes (header of %" G_GUINT64_FORMAT
        ", then %" G_GUINT64_FORMAT " x %" G_GUINT64_FORMAT " x %" G_GUINT64_FORMAT
        " of %s), got %" G_GUINT64_FORMAT,
        bytes, reader->data_offset, reader->streams, reader->length, reader->size,
        reader->type->npy, file_size);
  return TRUE;
}

static gboolean
reader_open (GstLstmNpyReader *reader, GError **error)
{
  struct stat status;

  /* O_NONBLOCK: a FIFO must not hang us before it is refused. */
  reader->fd = g_open (reader->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
  if (reader->fd < 0 && errno == ENOENT)
    return gst_lstm_fail (error, GST_LSTM_RESOURCE (NOT_FOUND), "expected a .npy file, got %s",
        g_strerror (ENOENT));
  if (reader->fd < 0 || fstat (reader->fd, &status) < 0)
    return gst_lstm_fail (error, GST_LSTM_RESOURCE (OPEN_READ), "expected a .npy file, got %s",
        g_strerror (errno));
  if (!S_ISREG (status.st_mode))
    return gst_lstm_fail (error, GST_LSTM_RESOURCE (OPEN_READ), "expected a .npy file, got %s",
        lstm_file_kind (status.st_mode));
  return read_header (reader, error) && check_shape (reader, (guint64) status.st_size, error);
}

GstLstmNpyReader *
gst_lstm_npy_reader_new (const gchar *path, GError **error)
{
  GstLstmNpyReader *reader = g_new0 (GstLstmNpyReader, 1);

  reader->path = g_strdup (path);
  if (!reader_open (reader, error)) {
    g_prefix_error (error, "%s: ", path);
    gst_lstm_npy_reader_free (reader);
    return NULL;
  }
  return reader;
}

void
gst_lstm_npy_reader_free (GstLstmNpyReader *reader)
{
  if (reader->fd >= 0)
    close (reader->fd);
  g_free (reader->path);
  g_free (reader);
}

/* @n items from item @first on. */
static gboolean
read_items (GstLstmNpyReader *reader, gfloat *out, guint64 first, gsize n, GError **error)
{
  const gsize item_size = reader->type->size;
  guint64 chunk[2048]; /* aligned for every type */

  while (n > 0) {
    gsize k = MIN (n, sizeof chunk / item_size);

    if (!read_exactly (reader->fd, chunk, k * item_size,
            reader->data_offset + first * item_size, "items", error)) {
      g_prefix_error (error, "%s: ", reader->path);
      return FALSE;
    }
    reader->type->to_float (out, chunk, k);
    out += k;
    first += k;
    n -= k;
  }
  return TRUE;
}

gboolean
gst_lstm_npy_reader_read (
    GstLstmNpyReader *reader, gfloat *out, guint64 step, guint n_steps, GError **error)
{
  const gsize n = (gsize) n_steps * reader->size; /* of one stream */

  for (guint64 stream = 0; stream < reader->streams; stream++)
    if (!read_items (reader, out + stream * n, (stream * reader->length + step) * reader->size,
            n, error))
      return FALSE;
  return TRUE;
}
