/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "util/onnx-data.h"
#include "util/input-file.h"
#include <string.h>
#include <unistd.h>

#define IR_VERSION 0x08 /* the tag of the first field of a model */

/* The beginning of an entry of external_data: the key, and the tag of the value */
static const char location[] = "\x0a\x08location\x12";

/* Reads a string after its length, a varint of one or two bytes.
 * Returns: (transfer full) (nullable): NULL if the string is cut short, or longer than a path */
static char *
read_string (const guint8 *at, const guint8 *end)
{
  gsize length;

  if (at == end)
    return NULL;
  length = *at++;
  if (length & 0x80 && at < end)
    length = (length & 0x7f) | (gsize) *at++ << 7;
  return length <= (gsize) (end - at) ? g_strndup ((const char *) at, length) : NULL;
}

static gboolean
is_below (const char *name)
{
  g_auto (GStrv) parts = g_strsplit (name, "/", -1);

  return *name && *name != '/' && !g_strv_contains ((const char *const *) parts, "..");
}

GPtrArray *
lstm_onnx_list_data_files (const char *path, const guint8 *data, gsize size)
{
  GPtrArray *files = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GHashTable) found = g_hash_table_new (g_str_hash, g_str_equal);
  g_autofree char *folder = g_path_get_dirname (path);
  const guint8 *end = data + size, *at = size && *data == IR_VERSION ? data : end;

  while ((at = memmem (at, (gsize) (end - at), location, strlen (location)))) {
    g_autofree char *name = NULL, *file = NULL;

    at += strlen (location);
    name = read_string (at, end);
    if (!name || !is_below (name))
      continue;
    file = g_build_filename (folder, name, NULL);
    if (g_hash_table_contains (found, file))
      continue;
    g_hash_table_add (found, file);
    g_ptr_array_add (files, g_steal_pointer (&file));
  }
  return files;
}

GPtrArray *
lstm_onnx_read_data_files (const char *path)
{
  guint64 size;
  int descriptor = lstm_input_file_open (path, &size, NULL);
  g_autoptr (GBytes) bytes = NULL;
  gsize n = 0;
  const guint8 *data = NULL;

  if (descriptor < 0)
    return NULL;
  bytes = lstm_input_file_read_range (descriptor, path, 0, MIN (size, 1), NULL);
  if (bytes && (data = g_bytes_get_data (bytes, &n)) && n && *data == IR_VERSION) {
    g_bytes_unref (bytes);
    bytes = lstm_input_file_read_all (descriptor, path, size, NULL);
    data = bytes ? g_bytes_get_data (bytes, &n) : NULL;
  }
  close (descriptor);
  return bytes ? lstm_onnx_list_data_files (path, data, n) : NULL;
}
