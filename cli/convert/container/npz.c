/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "container/npz.h"
#include "container/archive.h"
#include "convert.h"
#include "util/small-floats.h"
#include "util/text.h"
#include <string.h>

#define SUFFIX ".npy"
#define MAGIC "\x93NUMPY"
#define MAX_HEADER 65535             /* bytes */
#define MAX_VALUES ((gsize) 1 << 28) /* of an array */

struct _Npz {
  char *path; /* for messages */
  Archive *archive;
};

typedef struct {
  const char *descr; /* in the header */
  gsize size;        /* bytes */
  float (*read) (const guint8 *at);
} NpyType;

/* The header of an array */
typedef struct {
  const NpyType *type;
  gboolean is_fortran; /* the first index changes first */
  guint n_dims;
  gsize shape[H5_MAX_DIMS];
  gsize n;        /* product of shape */
  gsize items_at; /* offset of the items */
} NpyHeader;

static gboolean fail_array (const Npz *npz, const char *name, GError **error,
    const char *format, ...) G_GNUC_PRINTF (4, 5);

static gboolean
fail_array (const Npz *npz, const char *name, GError **error, const char *format, ...)
{
  g_autofree char *problem = NULL;
  va_list args;

  va_start (args, format);
  problem = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, CONVERT_ERROR, CONVERT_ERROR_FILE, "%s: array \"%s\": %s", npz->path,
      name, problem);
  return FALSE;
}

static float
read_half (const guint8 *at)
{
  guint16 bits;

  memcpy (&bits, at, sizeof bits);
  return lstm_float_from_float16 (GUINT16_FROM_LE (bits));
}

static float
read_float (const guint8 *at)
{
  guint32 bits;
  float value;

  memcpy (&bits, at, sizeof bits);
  bits = GUINT32_FROM_LE (bits);
  memcpy (&value, &bits, sizeof value);
  return value;
}

static float
read_double (const guint8 *at)
{
  guint64 bits;
  double value;

  memcpy (&bits, at, sizeof bits);
  bits = GUINT64_FROM_LE (bits);
  memcpy (&value, &bits, sizeof value);
  return (float) value;
}

static const NpyType types[] = {
    {"<f4", 4, read_float},
    {"<f8", 8, read_double},
    {"<f2", 2, read_half},
};

Npz *
npz_open (const char *path, const guint8 *data, gsize size, GError **error)
{
  Archive *archive = archive_open (path, data, size, error);
  Npz *npz;

  if (!archive)
    return NULL;
  npz = g_new0 (Npz, 1);
  npz->path = g_strdup (path);
  npz->archive = archive;
  return npz;
}

void
npz_close (Npz *npz)
{
  archive_close (npz->archive);
  g_free (npz->path);
  g_free (npz);
}

GPtrArray *
npz_list (Npz *npz)
{
  g_autoptr (GPtrArray) members = archive_list (npz->archive);
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < members->len; i++) {
    const char *member = g_ptr_array_index (members, i);

    if (g_str_has_suffix (member, SUFFIX))
      g_ptr_array_add (names, g_strndup (member, strlen (member) - strlen (SUFFIX)));
  }
  return names;
}

/* Parses "3, 4" or "3,", the shape of a tuple without its parentheses. */
static gboolean
parse_shape (
    const Npz *npz, const char *name, const char *text, NpyHeader *header, GError **error)
{
  header->n = 1;
  for (const char *at = text; *at;) {
    char *end;
    guint64 size = g_ascii_strtoull (at, &end, 10);

    if (header->n_dims == H5_MAX_DIMS)
      return fail_array (
          npz, name, error, "shape: expected at most %d dimensions, found more", H5_MAX_DIMS);
    if (size > G_MAXSIZE || !g_size_checked_mul (&header->n, header->n, (gsize) size))
      return fail_array (
          npz, name, error, "shape: expected a product below 2^64, found (%s)", text);
    header->shape[header->n_dims++] = (gsize) size;
    at = end + strspn (end, "L, ");
  }
  return TRUE;
}

static gboolean
parse_type (
    const Npz *npz, const char *name, const char *descr, NpyHeader *header, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    if (g_str_equal (descr, types[i].descr))
      header->type = &types[i];
  if (header->type)
    return TRUE;
  if (g_str_equal (descr, "|O"))
    return fail_array (npz, name, error,
        "type: expected numbers, found pickled objects (\"|O\"); save the weights with "
        "numpy.savez (file, *model.get_weights ())");
  return fail_array (npz, name, error,
      "type: expected little-endian \"<f4\", \"<f8\" or \"<f2\", found \"%s\"", descr);
}

/* Parses the dictionary, of which NumPy writes every character the same way. */
static gboolean
parse_dictionary (
    const Npz *npz, const char *name, const char *text, NpyHeader *header, GError **error)
{
  static const char form[] = "^\\{'descr': '([^']*)', 'fortran_order': (True|False), "
                             "'shape': \\(((?:[0-9]+L?(?:, ?|(?=\\))))*)\\), ?\\} *\\n?$";
  g_autoptr (GRegex) regex = g_regex_new (form, G_REGEX_DOLLAR_ENDONLY, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;
  g_autofree char *descr = NULL, *order = NULL, *shape = NULL, *found = NULL;

  if (!g_regex_match (regex, text, 0, &match)) {
    found = g_strescape (text, NULL);
    return fail_array (npz, name, error,
        "header: expected descr, fortran_order and shape as NumPy writes them, found "
        "\"%.200s\"",
        found);
  }
  descr = g_match_info_fetch (match, 1);
  order = g_match_info_fetch (match, 2);
  shape = g_match_info_fetch (match, 3);
  header->is_fortran = g_str_equal (order, "True");
  return parse_type (npz, name, descr, header, error)
         && parse_shape (npz, name, shape, header, error);
}

/* Parses the magic bytes, the version, the length of the dictionary and the dictionary. */
static gboolean
parse_header (const Npz *npz, const char *name, const guint8 *data, gsize size,
    NpyHeader *header, GError **error)
{
  const gsize magic = strlen (MAGIC);
  guint length_size = size > magic && data[magic] > 1 ? 4 : 2;
  gsize length = 0, start = magic + 2 + length_size;
  g_autofree char *text = NULL, *valid = NULL;

  if (size < start || memcmp (data, MAGIC, magic) != 0)
    return fail_array (
        npz, name, error, "expected the magic bytes of a NumPy array, found none");
  for (guint i = 0; i < length_size; i++)
    length |= (gsize) data[magic + 2 + i] << (8 * i);
  if (length > MAX_HEADER || length > size - start)
    return fail_array (npz, name, error,
        "header: expected at most %" G_GSIZE_FORMAT " bytes, found %" G_GSIZE_FORMAT,
        MIN ((gsize) MAX_HEADER, size - start), length);
  header->items_at = start + length;
  text = g_strndup ((const char *) data + start, length);
  valid = g_utf8_make_valid (text, -1);
  return parse_dictionary (npz, name, valid, header, error);
}

/* Returns: (transfer full): the items in row-major order */
static float *
read_items (const NpyHeader *header, const guint8 *items)
{
  float *values = g_new (float, MAX (header->n, 1));
  gsize index[H5_MAX_DIMS] = {0};

  for (gsize i = 0; i < header->n; i++) {
    gsize at = 0, stride = 1;

    for (guint k = 0; k < header->n_dims; stride *= header->shape[k++])
      at += index[k] * stride;
    values[i] = header->type->read (items + (header->is_fortran ? at : i) * header->type->size);
    for (guint k = header->n_dims; k-- > 0 && ++index[k] == header->shape[k];)
      index[k] = 0;
  }
  return values;
}

gboolean
npz_read (Npz *npz, const char *name, H5Array *array, GError **error)
{
  g_autofree char *member = g_strconcat (name, SUFFIX, NULL), *shape = NULL;
  g_autoptr (GBytes) bytes = archive_read_path (npz->archive, member, error);
  NpyHeader header = {0};
  const guint8 *data;
  gsize size, expected;

  if (!bytes)
    return FALSE;
  data = g_bytes_get_data (bytes, &size);
  if (!parse_header (npz, name, data, size, &header, error))
    return FALSE;
  if (header.n > MAX_VALUES)
    return fail_array (npz, name, error,
        "shape: expected at most %" G_GSIZE_FORMAT " values, found %" G_GSIZE_FORMAT,
        MAX_VALUES, header.n);
  if (!g_size_checked_mul (&expected, header.n, header.type->size)
      || expected != size - header.items_at) {
    shape = lstm_text_shape (header.n_dims, header.shape);
    return fail_array (npz, name, error,
        "expected the items of %s \"%s\" after the header, found %" G_GSIZE_FORMAT " bytes",
        shape, header.type->descr, size - header.items_at);
  }
  *array = (H5Array){.n_dims = header.n_dims, .size = header.n};
  memcpy (array->shape, header.shape, sizeof array->shape);
  array->values = read_items (&header, data + header.items_at);
  return TRUE;
}
