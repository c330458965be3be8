/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keras/weights-files.h"
#include <string.h>

/* Names of the group that contains the groups of a model's layers, newest first */
static const char *const containers[] = {"layers", "_layer_checkpoint_dependencies"};

gboolean
keras_has_archive_groups (const KerasReader *reader)
{
  for (guint i = 0; i < G_N_ELEMENTS (containers); i++)
    if (keras_has_group (reader, containers[i]))
      return TRUE;
  return FALSE;
}

/* Converts a class name as Keras does: LSTM to lstm, TimeDistributed to time_distributed. */
static char *
to_snake_case (const char *name)
{
  GString *snake = g_string_new (NULL);

  for (const char *c = name; *c; c++) {
    if (c > name && g_ascii_isupper (*c) && (g_ascii_islower (c[1]) || g_ascii_islower (c[-1])))
      g_string_append_c (snake, '_');
    if (g_ascii_isalnum (*c) || *c == '_')
      g_string_append_c (snake, g_ascii_tolower (*c));
  }
  return g_string_free (snake, FALSE);
}

char *
keras_get_group_name (const char *class_name, guint rank)
{
  char *snake = to_snake_case (class_name), *name;

  if (rank == 0)
    return snake;
  name = g_strdup_printf ("%s_%u", snake, rank);
  g_free (snake);
  return name;
}

/* Returns the number in the name of a class's group, 0 for lstm and 2 for lstm_2; -1 for the group
 * of another class. */
static gint64
get_group_number (const char *name, const char *snake)
{
  gsize length = strlen (snake);
  guint64 number;

  if (!g_str_has_prefix (name, snake))
    return -1;
  if (name[length] == '\0')
    return 0;
  if (name[length] != '_'
      || !g_ascii_string_to_unsigned (name + length + 1, 10, 1, G_MAXINT32, &number, NULL))
    return -1;
  return (gint64) number;
}

static int
compare_group_numbers (gconstpointer a, gconstpointer b, gpointer snake)
{
  gint64 x = get_group_number (*(char *const *) a, snake);
  gint64 y = get_group_number (*(char *const *) b, snake);

  return (x > y) - (x < y);
}

/* Returns: (transfer full): the names of a class's groups, sorted by their numbers. If exactly @n
 * groups contain data, the other groups are omitted. */
static GPtrArray *
get_class_groups (
    KerasReader *reader, const char *container, GPtrArray *members, char *snake, guint n)
{
  g_autoptr (GPtrArray) all = g_ptr_array_new (), with_data = g_ptr_array_new ();

  for (guint i = 0; i < members->len; i++) {
    char *name = g_ptr_array_index (members, i);
    g_autofree char *path = g_strconcat (container, "/", name, NULL);

    if (get_group_number (name, snake) < 0)
      continue;
    g_ptr_array_add (all, name);
    if (keras_group_has_data (reader, path))
      g_ptr_array_add (with_data, name);
  }
  g_ptr_array_sort_with_data (all, compare_group_numbers, snake);
  g_ptr_array_sort_with_data (with_data, compare_group_numbers, snake);
  return g_ptr_array_ref (with_data->len == n ? with_data : all);
}

/* Returns: (transfer full): the path of the group of layers[@index]. Keras 2.12 counts a layer with
 * weights twice: the group of the second LSTM is lstm_2. Therefore the rank decides if there are as
 * many groups as layers. Otherwise the exact name decides. */
static char *
find_group (KerasReader *reader, const char *container, GPtrArray *members, GPtrArray *layers,
    guint index)
{
  const KerasLayer *layer = g_ptr_array_index (layers, index);
  g_autofree char *snake = to_snake_case (layer->class_name);
  g_autofree char *exact = NULL;
  g_autoptr (GPtrArray) groups = NULL;
  guint n = 0, rank = 0;

  for (guint i = 0; i < layers->len; i++) {
    const KerasLayer *other = g_ptr_array_index (layers, i);
    gboolean is_same = g_str_equal (other->class_name, layer->class_name);

    n += is_same;
    rank += is_same && i < index;
  }
  groups = get_class_groups (reader, container, members, snake, n);
  if (groups->len == n)
    return g_strconcat (container, "/", g_ptr_array_index (groups, rank), NULL);
  exact = keras_get_group_name (layer->class_name, rank);
  return g_strconcat (container, "/", exact, NULL);
}

gboolean
keras_assign_archive_groups (KerasReader *reader, const KerasModel *model)
{
  const KerasLayer *owner = model->owner;
  const char *group = owner ? owner->group : "";
  g_autofree char *found = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (containers); i++) {
    g_autofree char *container = g_strconcat (group, owner ? "/" : "", containers[i], NULL);
    g_autoptr (GPtrArray) members = NULL;
    GError *cause = NULL;

    if (!keras_has_group (reader, container))
      continue;
    members = keras_list_groups (reader, container, &cause);
    if (!members)
      return keras_fail_with_cause (reader, owner, cause);
    for (guint k = 0; k < model->layers->len; k++) {
      KerasLayer *layer = g_ptr_array_index (model->layers, k);

      layer->group = find_group (reader, container, members, model->layers, k);
    }
    return TRUE;
  }
  found = keras_list_members (reader, group);
  return keras_fail (reader, owner, CONVERT_ERROR_FILE,
      "weights: expected a group %s or %s in \"/%s\", found %s", containers[0], containers[1],
      group, found);
}

gboolean
keras_find_archive_datasets (KerasReader *reader, const KerasLayer *layer, const char *part,
    const KerasArray *arrays, guint n, GPtrArray *paths)
{
  g_autofree char *path = g_strconcat (layer->group, part ? "/" : "", part, NULL);
  g_autofree char *group = keras_get_group_path (reader, path);
  g_autofree char *vars = g_strconcat (group, "/vars", NULL);
  GError *cause = NULL;
  g_autoptr (GPtrArray) members = h5_list (reader->h5, vars, &cause);
  gboolean is_numbered;

  if (!members)
    return keras_fail_with_cause (reader, layer, cause);
  is_numbered = g_ptr_array_find_with_equal_func (members, "0", g_str_equal, NULL);
  if (members->len < n || members->len > n + layer->class->n_unread)
    return keras_fail (reader, layer, CONVERT_ERROR_FILE,
        "weights: expected %u, as in the configuration, found %u in \"/%s\"", n, members->len,
        vars);
  for (guint i = 0; i < n; i++)
    g_ptr_array_add (paths, is_numbered ? g_strdup_printf ("%s/%u", vars, i)
                                        : g_strdup_printf ("%s/%s", vars, arrays[i].name));
  return TRUE;
}
