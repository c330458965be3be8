/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/onnx-data.h"
#include <string.h>

#define IR_VERSION 0x08 /* the tag of the first field of a model */

/* The beginning of an entry of external_data: the key, and the tag of the value */
static const char location[] = "\x0a\x08location\x12";

#define MAX_LENGTH 0x3fff /* of a location: a varint of two bytes */

/* Reads the string at byte @at of @model after its length, a varint of one or two bytes.
 * Returns: (transfer full) (nullable): NULL if the string is cut short, or longer than a path */
static char *
read_string (LstmContent *model, guint64 at)
{
  guint8 bytes[2 + MAX_LENGTH];
  const gsize n = (gsize) MIN (sizeof bytes, lstm_content_get_size (model) - at);
  gsize length, begin = 1;

  if (!n || !lstm_content_read (model, at, n, bytes, NULL))
    return NULL;
  length = bytes[0];
  if (length & 0x80 && n > 1)
    length = (length & 0x7f) | (gsize) bytes[begin++] << 7;
  return length <= n - begin ? g_strndup ((const char *) bytes + begin, length) : NULL;
}

static gboolean
is_below (const char *name)
{
  g_auto (GStrv) parts = g_strsplit (name, "/", -1);

  return *name && *name != '/' && !g_strv_contains ((const char *const *) parts, "..");
}

static gboolean
begins_like_model (LstmContent *model)
{
  guint8 first;

  return lstm_content_get_size (model) && lstm_content_read (model, 0, 1, &first, NULL)
         && first == IR_VERSION;
}

GPtrArray *
lstm_onnx_list_data_files (const char *path, LstmContent *model)
{
  GPtrArray *files = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GHashTable) found = g_hash_table_new (g_str_hash, g_str_equal);
  g_autofree char *folder = g_path_get_dirname (path);
  const guint64 size = lstm_content_get_size (model);
  const gsize length = strlen (location);
  guint64 at = begins_like_model (model) ? 0 : size;

  while ((at = lstm_content_find (model, at, location, length)) < size) {
    g_autofree char *name = NULL, *file = NULL;

    at += length;
    name = read_string (model, at);
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
  g_autoptr (LstmContent) model = lstm_content_open (path, NULL);

  return model ? lstm_onnx_list_data_files (path, model) : NULL;
}
