/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The groups of an archive. On Windows, Keras 2.12 to 2.15 writes each group directly below the
 * root, and the name of the group is its path with backslashes: "layers\lstm\cell". */
#include "keras/weights-files.h"
#include <string.h>

#define SEPARATOR '\\'

gboolean
keras_read_flat_groups (KerasReader *reader)
{
  GError *cause = NULL;
  g_autoptr (GPtrArray) names = h5_list (reader->h5, "", &cause);

  if (!names)
    return keras_fail_with_cause (reader, NULL, cause);
  for (guint i = 0; i < names->len; i++)
    if (strchr (g_ptr_array_index (names, i), SEPARATOR))
      g_ptr_array_add (reader->flat_groups, g_strdup (g_ptr_array_index (names, i)));
  return TRUE;
}

char *
keras_get_group_path (const KerasReader *reader, const char *path)
{
  char *in_file = g_strdup (path);

  return reader->flat_groups->len ? g_strdelimit (in_file, "/", SEPARATOR) : in_file;
}

/* Returns: (nullable): the rest of @name after the group @group and a separator, or "" if @name is
 * @group; NULL if @name is not in the group */
static const char *
get_rest (const char *name, const char *group)
{
  gsize length = strlen (group);

  if (!g_str_has_prefix (name, group))
    return NULL;
  return name[length] == SEPARATOR ? name + length + 1 : name[length] ? NULL : "";
}

gboolean
keras_has_group (const KerasReader *reader, const char *path)
{
  g_autofree char *group = keras_get_group_path (reader, path);

  if (reader->flat_groups->len == 0)
    return h5_exists (reader->h5, path);
  for (guint i = 0; i < reader->flat_groups->len; i++)
    if (get_rest (g_ptr_array_index (reader->flat_groups, i), group))
      return TRUE;
  return FALSE;
}

gboolean
keras_group_has_data (const KerasReader *reader, const char *path)
{
  g_autofree char *group = keras_get_group_path (reader, path);

  if (reader->flat_groups->len == 0)
    return h5_has_data (reader->h5, path);
  for (guint i = 0; i < reader->flat_groups->len; i++) {
    const char *name = g_ptr_array_index (reader->flat_groups, i);

    if (get_rest (name, group) && h5_has_data (reader->h5, name))
      return TRUE;
  }
  return FALSE;
}

GPtrArray *
keras_list_groups (const KerasReader *reader, const char *path, GError **error)
{
  g_autofree char *group = keras_get_group_path (reader, path);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  GPtrArray *members;

  if (reader->flat_groups->len == 0)
    return h5_list (reader->h5, path, error);
  members = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < reader->flat_groups->len; i++) {
    const char *rest = get_rest (g_ptr_array_index (reader->flat_groups, i), group);
    g_autofree char *member = rest ? g_strndup (rest, strcspn (rest, "\\")) : NULL;

    if (!member || !*member || g_hash_table_contains (seen, member))
      continue;
    g_hash_table_add (seen, member);
    g_ptr_array_add (members, g_steal_pointer (&member));
  }
  return members;
}
