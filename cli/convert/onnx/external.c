/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/external.h"
#include "util/input-file.h"
#include <unistd.h>

/* The entries of external_data */
typedef struct {
  const char *location; /* a path relative to the folder of the model */
  const char *checksum; /* SHA-1 of the file in hexadecimal digits; nullable */
  guint64 offset;       /* bytes */
  guint64 length;       /* bytes; without an entry the size of the tensor */
} Entries;

/* An open file of external data */
typedef struct {
  int descriptor;
  guint64 size; /* bytes */
  char *path;   /* for messages */
} File;

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

/* Returns: (transfer full): the bytes [@offset, @offset + @n_bytes) of @file, or NULL with
 * *problem */
static GBytes *
read_bytes (
    OnnxReader *reader, const File *file, guint64 offset, gsize n_bytes, const char **problem)
{
  g_autoptr (GError) error = NULL;
  GBytes *bytes;

  if (offset > file->size || n_bytes > file->size - offset) {
    *problem = describe_problem (reader,
        "%s: expected %" G_GSIZE_FORMAT " bytes from byte %" G_GUINT64_FORMAT
        " on, found a file of %" G_GUINT64_FORMAT " bytes",
        file->path, n_bytes, offset, file->size);
    return NULL;
  }
  bytes = lstm_input_file_read_range (file->descriptor, file->path, offset, n_bytes, &error);
  if (!bytes)
    *problem = describe_problem (reader, "%s", error->message);
  return bytes;
}

/* Compares the SHA-1 of @file with @checksum. Returns: (nullable): the problem */
static const char *
check_checksum (OnnxReader *reader, const File *file, const char *checksum)
{
  const char *problem = NULL;
  g_autoptr (GBytes) bytes = read_bytes (reader, file, 0, (gsize) file->size, &problem);
  g_autofree char *found = NULL;

  if (!bytes)
    return problem;
  found = g_compute_checksum_for_bytes (G_CHECKSUM_SHA1, bytes);
  if (g_ascii_strcasecmp (found, checksum) == 0)
    return NULL;
  return describe_problem (reader, "%s: expected a file with the SHA-1 checksum %s, found %s",
      file->path, onnx_shorten_text (reader, checksum), found);
}

/* Checks @file when a tensor names it for the first time. The memory limit grows with the sizes of
 * the files. Returns: (nullable): the problem */
static const char *
check_file (OnnxReader *reader, const File *file, const Entries *entries)
{
  const char *problem = NULL;

  if (g_hash_table_contains (reader->external_files, entries->location))
    return NULL;
  if (entries->checksum)
    problem = check_checksum (reader, file, entries->checksum);
  if (problem)
    return problem;
  g_hash_table_add (reader->external_files, (gpointer) entries->location);
  reader->memory_left += MIN (file->size, G_MAXSIZE / 4 / ONNX_MEMORY_PER_BYTE)
                         * ONNX_MEMORY_PER_BYTE;
  return NULL;
}

GBytes *
onnx_read_external_data (
    OnnxReader *reader, const Onnx__TensorProto *proto, gsize n_bytes, const char **problem)
{
  g_autofree char *folder = g_path_get_dirname (reader->input->path), *path = NULL;
  Entries entries = {.length = n_bytes};
  g_autoptr (GError) error = NULL;
  GBytes *bytes = NULL;
  File file;

  if ((*problem = read_entries (reader, proto, &entries)))
    return NULL;
  if (entries.length != n_bytes) {
    *problem = describe_problem (reader,
        "length: expected %" G_GSIZE_FORMAT
        " bytes by shape and data type, found %" G_GUINT64_FORMAT,
        n_bytes, entries.length);
    return NULL;
  }
  file.path = path = g_build_filename (folder, entries.location, NULL);
  file.descriptor = lstm_input_file_open_below (folder, entries.location, &file.size, &error);
  if (file.descriptor < 0) {
    *problem = describe_problem (reader, "%s", error->message);
    return NULL;
  }
  if (!(*problem = check_file (reader, &file, &entries)))
    bytes = read_bytes (reader, &file, entries.offset, n_bytes, problem);
  close (file.descriptor);
  return bytes;
}
