/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/external.h"
#include "util/input-file.h"

#define BLOCK 65536 /* bytes that are read at a time */

/* The entries of external_data */
typedef struct {
  const char *location; /* a path relative to the folder of the model */
  const char *checksum; /* SHA-1 of the file in hexadecimal digits; nullable */
  guint64 offset;       /* bytes */
  guint64 length;       /* bytes; without an entry the size of the tensor */
} Entries;

static const char *describe_problem (OnnxReader *reader, const char *format, ...)
    G_GNUC_PRINTF (2, 3);

/* Returns "external data: " and the formatted text. */
static const char *
describe_problem (OnnxReader *reader, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  return onnx_own_text (reader, g_strconcat ("external data: ", text, NULL));
}

/* Parses the number of an entry. Returns: (nullable): the problem */
static const char *
parse_size (OnnxReader *reader, const Onnx__StringStringEntryProto *entry, guint64 *size)
{
  const char *value = onnx_string (entry->value);

  if (g_ascii_string_to_unsigned (value, 10, 0, G_MAXINT64, size, NULL))
    return NULL;
  return describe_problem (reader, "%s: expected a number of bytes, found \"%s\"", entry->key,
      onnx_shorten_text (reader, value));
}

/* Reads the entries of @proto. Other keys do not change the values. Returns: (nullable): the
 * problem */
static const char *
read_entries (OnnxReader *reader, const Onnx__TensorProto *proto, Entries *entries)
{
  const char *problem = NULL;

  for (gsize i = 0; !problem && i < proto->n_external_data; i++) {
    const Onnx__StringStringEntryProto *entry = proto->external_data[i];
    const char *key = onnx_string (entry->key);

    if (g_str_equal (key, "location"))
      entries->location = onnx_string (entry->value);
    else if (g_str_equal (key, "checksum"))
      entries->checksum = onnx_string (entry->value);
    else if (g_str_equal (key, "offset"))
      problem = parse_size (reader, entry, &entries->offset);
    else if (g_str_equal (key, "length"))
      problem = parse_size (reader, entry, &entries->length);
  }
  if (!problem && !entries->location)
    return describe_problem (reader, "location: expected the name of a file, found none");
  return problem;
}

/* Computes the SHA-1 of @file. Returns: (transfer full): NULL with @error */
static GChecksum *
compute_checksum (LstmContent *file, GError **error)
{
  const guint64 size = lstm_content_get_size (file);
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA1);
  guint8 block[BLOCK];

  for (guint64 at = 0; at < size; at += sizeof block) {
    const gsize n = (gsize) MIN (sizeof block, size - at);

    if (!lstm_content_read (file, at, n, block, error))
      return NULL;
    g_checksum_update (checksum, block, (gssize) n);
  }
  return g_steal_pointer (&checksum);
}

/* Compares the SHA-1 of @file with @expected. Returns: (nullable): the problem */
static const char *
check_checksum (OnnxReader *reader, LstmContent *file, const char *path, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GChecksum) checksum = compute_checksum (file, &error);
  const char *found = checksum ? g_checksum_get_string (checksum) : NULL;

  if (!found)
    return describe_problem (reader, "%s", error->message);
  if (g_ascii_strcasecmp (found, expected) == 0)
    return NULL;
  return describe_problem (reader, "%s: expected a file with the SHA-1 checksum %s, found %s",
      path, onnx_shorten_text (reader, expected), found);
}

/* Checks @file when a tensor names it for the first time. The memory limit grows with the sizes of
 * the files. Returns: (nullable): the problem */
static const char *
check_file (OnnxReader *reader, LstmContent *file, const char *path, const Entries *entries)
{
  const char *problem = NULL;

  if (g_hash_table_contains (reader->external_files, entries->location))
    return NULL;
  if (entries->checksum)
    problem = check_checksum (reader, file, path, entries->checksum);
  if (problem)
    return problem;
  g_hash_table_add (reader->external_files, (gpointer) entries->location);
  reader->memory_left += MIN (
                             lstm_content_get_size (file), G_MAXSIZE / 4 / ONNX_MEMORY_PER_BYTE)
                         * ONNX_MEMORY_PER_BYTE;
  return NULL;
}

/* Checks that @file has the bytes that @entries state. Returns: (nullable): the problem */
static const char *
check_range (OnnxReader *reader, LstmContent *file, const char *path, const Entries *entries)
{
  const guint64 size = lstm_content_get_size (file);

  if (entries->offset <= size && entries->length <= size - entries->offset)
    return NULL;
  return describe_problem (reader,
      "%s: expected %" G_GUINT64_FORMAT " bytes from byte %" G_GUINT64_FORMAT
      " on, found a file of %" G_GUINT64_FORMAT " bytes",
      path, entries->length, entries->offset, size);
}

LstmContent *
onnx_open_external_data (OnnxReader *reader, const Onnx__TensorProto *proto, gsize n_bytes,
    guint64 *offset, const char **problem)
{
  g_autofree char *folder = g_path_get_dirname (reader->input->path), *path = NULL;
  Entries entries = {.length = n_bytes};
  g_autoptr (GError) error = NULL;
  g_autoptr (LstmContent) file = NULL;
  guint64 size;
  int descriptor;

  if ((*problem = read_entries (reader, proto, &entries)))
    return NULL;
  if (entries.length != n_bytes) {
    *problem = describe_problem (reader,
        "length: expected %" G_GSIZE_FORMAT
        " bytes by shape and data type, found %" G_GUINT64_FORMAT,
        n_bytes, entries.length);
    return NULL;
  }
  path = g_build_filename (folder, entries.location, NULL);
  descriptor = lstm_input_file_open_below (folder, entries.location, &size, &error);
  if (descriptor < 0) {
    *problem = describe_problem (reader, "%s", error->message);
    return NULL;
  }
  file = lstm_content_new_from_descriptor (descriptor, path);
  if ((*problem = check_file (reader, file, path, &entries))
      || (*problem = check_range (reader, file, path, &entries)))
    return NULL;
  *offset = entries.offset;
  return g_steal_pointer (&file);
}

GBytes *
onnx_read_external_data (
    OnnxReader *reader, const Onnx__TensorProto *proto, gsize n_bytes, const char **problem)
{
  guint64 offset;
  g_autoptr (LstmContent)
      file = onnx_open_external_data (reader, proto, n_bytes, &offset, problem);
  g_autofree guint8 *data = file ? g_try_malloc (MAX (n_bytes, 1)) : NULL;
  g_autoptr (GError) error = NULL;

  if (!file)
    return NULL;
  if (!data)
    *problem = describe_problem (reader, "no memory for %" G_GSIZE_FORMAT " bytes", n_bytes);
  else if (lstm_content_read (file, offset, n_bytes, data, &error))
    return g_bytes_new_take (g_steal_pointer (&data), n_bytes);
  else
    *problem = describe_problem (reader, "%s", error->message);
  return NULL;
}
