/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "container/h5-private.h"
#include "convert.h"

#define MAX_MEMBERS 65536 /* of a group */
#define MAX_DEPTH 16      /* of groups in groups */
#define MAX_STRINGS (256 * 1024 * 1024)

gboolean
h5_fail (const H5File *h5, const char *path, GError **error, const char *format, ...)
{
  g_autofree char *problem = NULL;
  va_list args;

  va_start (args, format);
  problem = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, CONVERT_ERROR, CONVERT_ERROR_FILE, "%s: HDF5 \"/%s\": %s", h5->path, path,
      problem);
  return FALSE;
}

H5File *
h5_file_open (const char *path, const guint8 *data, gsize size, GError **error)
{
  g_autoptr (H5File) h5 = g_new0 (H5File, 1);
  H5_AUTO_ID access = -1;

  h5->path = g_strdup (path);
  h5->size = size;
  h5->file = -1;
  H5Eset_auto2 (H5E_DEFAULT, NULL, NULL);
  H5PLset_loading_state (0); /* a file must not choose code to load */
  access = H5Pcreate (H5P_FILE_ACCESS);
  if (H5Pset_fapl_core (access, 64 * 1024, FALSE) >= 0
      && H5Pset_file_image (access, (void *) data, size) >= 0)
    h5->file = H5Fopen ("image", H5F_ACC_RDONLY, access);
  if (h5->file < 0) {
    h5_fail (h5, "", error, "not an HDF5 file, cut short or broken");
    return NULL;
  }
  return g_steal_pointer (&h5);
}

void
h5_file_close (H5File *h5)
{
  h5_clear_id (&h5->file);
  g_free (h5->path);
  g_free (h5);
}

static gboolean
check_link (const H5File *h5, hid_t group, const char *name, const char *path, GError **error)
{
  H5L_info_t info;

  if (H5Iget_type (group) != H5I_GROUP && H5Iget_type (group) != H5I_FILE)
    return h5_fail (h5, path, error, "expected a group before \"%s\"", name);
  if (H5Lexists (group, name, H5P_DEFAULT) <= 0
      || H5Lget_info (group, name, &info, H5P_DEFAULT) < 0)
    return h5_fail (h5, path, error, "not found, there is no \"%s\"", name);
  return info.type == H5L_TYPE_HARD
         || h5_fail (h5, path, error, "\"%s\" is a %s, which is not followed", name,
             info.type == H5L_TYPE_SOFT ? "soft link" : "link out of the file");
}

hid_t
h5_open_object (const H5File *h5, const char *path, GError **error)
{
  g_auto (GStrv) names = g_strsplit (path, "/", -1);
  hid_t object = h5->file;

  H5Iinc_ref (object);
  for (guint i = 0; names[i]; i++) {
    H5_AUTO_ID group = object;

    if (*names[i] == '\0' || g_str_equal (names[i], ".")) {
      H5Iinc_ref (object);
      continue;
    }
    if (!check_link (h5, group, names[i], path, error))
      return -1;
    object = H5Oopen (group, names[i], H5P_DEFAULT);
    if (object < 0) {
      h5_fail (h5, path, error, "\"%s\" cannot be opened", names[i]);
      return -1;
    }
  }
  return object;
}

gboolean
h5_file_exists (H5File *h5, const char *path)
{
  H5_AUTO_ID object = h5_open_object (h5, path, NULL);

  return object >= 0;
}

static herr_t
on_link (hid_t group, const char *name, const H5L_info_t *info, void *user_data)
{
  GPtrArray *names = user_data;

  g_ptr_array_add (names, g_strdup (name));
  return names->len > MAX_MEMBERS ? -1 : 0;
}

GPtrArray *
h5_file_list (H5File *h5, const char *path, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  H5_AUTO_ID group = h5_open_object (h5, path, error);
  H5I_type_t type;

  if (group < 0)
    return NULL;
  type = H5Iget_type (group);
  if ((type != H5I_GROUP && type != H5I_FILE)
      || H5Literate (group, H5_INDEX_NAME, H5_ITER_INC, NULL, on_link, names) < 0) {
    h5_fail (h5, path, error, "expected a group of at most %d members", MAX_MEMBERS);
    return NULL;
  }
  return g_steal_pointer (&names);
}

/* @budget bounds what hard links in a circle could make of it */
static gboolean
has_data (H5File *h5, const char *path, guint depth, guint *budget)
{
  g_autoptr (GPtrArray) names = NULL;
  H5_AUTO_ID object = *budget > 0 ? h5_open_object (h5, path, NULL) : -1;

  if (object < 0 || depth > MAX_DEPTH)
    return FALSE;
  --*budget;
  if (H5Iget_type (object) == H5I_DATASET)
    return TRUE;
  names = h5_file_list (h5, path, NULL);
  for (guint i = 0; names && i < names->len; i++) {
    g_autofree char *below = g_strconcat (path, "/", g_ptr_array_index (names, i), NULL);

    if (has_data (h5, below, depth + 1, budget))
      return TRUE;
  }
  return FALSE;
}

gboolean
h5_file_has_data (H5File *h5, const char *path)
{
  guint budget = 1000;

  return has_data (h5, path, 0, &budget);
}

/* @n strings of @size bytes, ended by a zero, or padded with zeros, or filling their place */
static gboolean
read_fixed (hid_t attribute, hid_t type, gsize n, GPtrArray *strings)
{
  gsize size = H5Tget_size (type), all;
  g_autofree char *text = NULL;

  if (size == 0 || !g_size_checked_mul (&all, n, size) || all > MAX_STRINGS
      || all > H5Aget_storage_size (attribute))
    return FALSE;
  text = g_malloc0 (all);
  if (H5Aread (attribute, type, text) < 0)
    return FALSE;
  for (gsize i = 0; i < n; i++)
    g_ptr_array_add (strings, g_strndup (text + i * size, size));
  return TRUE;
}

static gboolean
read_variable (hid_t attribute, hid_t type, hid_t space, gsize n, GPtrArray *strings)
{
  g_autofree char **texts = n <= MAX_MEMBERS ? g_new0 (char *, n) : NULL;

  if (!texts || H5Aread (attribute, type, texts) < 0)
    return FALSE;
  for (gsize i = 0; i < n; i++)
    g_ptr_array_add (strings, g_strdup (texts[i] ? texts[i] : ""));
  H5Dvlen_reclaim (type, space, H5P_DEFAULT, texts);
  return TRUE;
}

/* Appends to @strings. An empty list is an array of length 0 of any type. */
static gboolean
read_strings (hid_t object, const char *name, GPtrArray *strings)
{
  H5_AUTO_ID attribute = H5Aopen (object, name, H5P_DEFAULT);
  H5_AUTO_ID space = attribute < 0 ? -1 : H5Aget_space (attribute);
  H5_AUTO_ID stored = attribute < 0 ? -1 : H5Aget_type (attribute);
  H5_AUTO_ID type = stored < 0 ? -1 : H5Tcopy (stored);
  hssize_t n = space < 0 ? -1 : H5Sget_simple_extent_npoints (space);

  if (n < 0 || type < 0)
    return FALSE;
  if (n == 0)
    return TRUE;
  if (H5Tget_class (type) != H5T_STRING)
    return FALSE;
  if (H5Tis_variable_str (type) > 0)
    return read_variable (attribute, type, space, (gsize) n, strings);
  return read_fixed (attribute, type, (gsize) n, strings);
}

GPtrArray *
h5_file_get_strings (H5File *h5, const char *path, const char *name, GError **error)
{
  g_autoptr (GPtrArray) strings = g_ptr_array_new_with_free_func (g_free);
  H5_AUTO_ID object = h5_open_object (h5, path, error);
  gboolean found = object >= 0 && H5Aexists (object, name) > 0;

  if (object < 0)
    return NULL;
  if (found && !read_strings (object, name, strings)) {
    h5_fail (h5, path, error, "attribute %s: expected strings", name);
    return NULL;
  }
  for (guint i = 0; !found || i > 0; i++) {
    g_autofree char *part = g_strdup_printf ("%s%u", name, i);

    if (H5Aexists (object, part) <= 0)
      break;
    if (!read_strings (object, part, strings)) {
      h5_fail (h5, path, error, "attribute %s: expected strings", part);
      return NULL;
    }
    found = TRUE;
  }
  return found ? g_steal_pointer (&strings) : NULL;
}
