/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "container/h5-file.h"
#include "convert.h"

#define MAX_MEMBERS 65536               /* of a group */
#define MAX_DEPTH 16                    /* of nested groups */
#define MAX_VISITED 1000                /* objects in a search for data */
#define MAX_STRINGS (256 * 1024 * 1024) /* bytes of an attribute */

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

const char *
h5_get_type_name (hid_t type)
{
  /* In the order of H5T_class_t. HDF5 2.0 adds the last one. */
  static const char *const names[] = {"integers", "floating-point numbers", "times", "strings",
      "bit fields", "opaque bytes", "compounds", "references", "enumerations",
      "variable-length arrays", "arrays", "complex numbers"};
  int class = H5Tget_class (type);

  G_STATIC_ASSERT (H5T_INTEGER == 0 && H5T_ARRAY == 10);
  return class >= 0 && class < (int) G_N_ELEMENTS (names) ? names[class] : "an unknown type";
}

const char *
h5_get_object_name (hid_t object)
{
  switch (H5Iget_type (object)) {
  case H5I_FILE:
  case H5I_GROUP:
    return "a group";
  case H5I_DATATYPE:
    return "a datatype";
  case H5I_DATASET:
    return "a dataset";
  default:
    return "an unknown object";
  }
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
  H5PLset_loading_state (0); /* libhdf5 loads no plugin that the file names */
  access = H5Pcreate (H5P_FILE_ACCESS);
  if (H5Pset_fapl_core (access, 64 * 1024, FALSE) >= 0
      && H5Pset_file_image (access, (void *) data, size) >= 0)
    h5->file = H5Fopen ("image", H5F_ACC_RDONLY, access);
  if (h5->file < 0) {
    h5_fail (h5, "", error, "expected an HDF5 file, found a file that is cut short or broken");
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
    return h5_fail (h5, path, error, "expected a group with a member \"%s\", found %s", name,
        h5_get_object_name (group));
  if (H5Lexists (group, name, H5P_DEFAULT) <= 0
      || H5Lget_info (group, name, &info, H5P_DEFAULT) < 0)
    return h5_fail (h5, path, error, "member \"%s\": expected an object, found none", name);
  return info.type == H5L_TYPE_HARD
         || h5_fail (h5, path, error, "member \"%s\": expected a hard link, found %s", name,
             info.type == H5L_TYPE_SOFT       ? "a soft link"
             : info.type == H5L_TYPE_EXTERNAL ? "an external link"
                                              : "a user-defined link");
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
      h5_fail (h5, path, error, "member \"%s\": expected an object, found a broken object",
          names[i]);
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
append_link (hid_t group, const char *name, const H5L_info_t *info, void *user_data)
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
  if (type != H5I_GROUP && type != H5I_FILE) {
    h5_fail (h5, path, error, "expected a group, found %s", h5_get_object_name (group));
    return NULL;
  }
  if (H5Literate (group, H5_INDEX_NAME, H5_ITER_INC, NULL, append_link, names) < 0) {
    h5_fail (h5, path, error, "expected a group of at most %d members, found %s%u", MAX_MEMBERS,
        names->len > MAX_MEMBERS ? "more than " : "a broken member after ", names->len);
    return NULL;
  }
  return g_steal_pointer (&names);
}

/* @budget: objects to visit at most, because hard links may form a cycle */
static gboolean
search_data (H5File *h5, const char *path, guint depth, guint *budget)
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

    if (search_data (h5, below, depth + 1, budget))
      return TRUE;
  }
  return FALSE;
}

gboolean
h5_file_has_data (H5File *h5, const char *path)
{
  guint budget = MAX_VISITED;

  return search_data (h5, path, 0, &budget);
}

/* Appends the @n strings of an attribute of fixed-size strings, which end at a zero or at their
 * size. */
static gboolean
append_fixed_strings (hid_t attribute, hid_t type, gsize n, GPtrArray *strings)
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
append_variable_strings (hid_t attribute, hid_t type, hid_t space, gsize n, GPtrArray *strings)
{
  g_autofree char **texts = n <= MAX_MEMBERS ? g_new0 (char *, n) : NULL;

  if (!texts || H5Aread (attribute, type, texts) < 0)
    return FALSE;
  for (gsize i = 0; i < n; i++)
    g_ptr_array_add (strings, g_strdup (texts[i] ? texts[i] : ""));
  H5Dvlen_reclaim (type, space, H5P_DEFAULT, texts);
  return TRUE;
}

/* Appends the strings of an attribute. An array of length 0 has no strings, whatever its type.
 * Returns: NULL, or what was found instead of strings */
static const char *
append_strings (hid_t object, const char *name, GPtrArray *strings)
{
  H5_AUTO_ID attribute = H5Aopen (object, name, H5P_DEFAULT);
  H5_AUTO_ID space = attribute < 0 ? -1 : H5Aget_space (attribute);
  H5_AUTO_ID stored = attribute < 0 ? -1 : H5Aget_type (attribute);
  H5_AUTO_ID type = stored < 0 ? -1 : H5Tcopy (stored);
  hssize_t n = space < 0 ? -1 : H5Sget_simple_extent_npoints (space);
  gboolean is_read;

  if (n < 0 || type < 0)
    return "a broken attribute";
  if (n == 0)
    return NULL;
  if (H5Tget_class (type) != H5T_STRING)
    return h5_get_type_name (type);
  is_read = H5Tis_variable_str (type) > 0
                ? append_variable_strings (attribute, type, space, (gsize) n, strings)
                : append_fixed_strings (attribute, type, (gsize) n, strings);
  return is_read ? NULL : "strings that are broken or too long";
}

/* Appends the strings of the attribute @name, or of NAME0, NAME1 … until one is missing.
 * Returns FALSE with @error if an attribute has no strings. @exists: set to whether there is an
 * attribute */
static gboolean
append_attributes (const H5File *h5, const char *path, hid_t object, const char *name,
    GPtrArray *strings, gboolean *exists, GError **error)
{
  gboolean is_single = H5Aexists (object, name) > 0;

  *exists = is_single;
  for (guint i = 0; i == 0 || !is_single; i++) {
    g_autofree char *part = is_single ? g_strdup (name) : g_strdup_printf ("%s%u", name, i);
    const char *found;

    if (H5Aexists (object, part) <= 0)
      break;
    *exists = TRUE;
    found = append_strings (object, part, strings);
    if (found)
      return h5_fail (h5, path, error, "attribute %s: expected strings, found %s", part, found);
  }
  return TRUE;
}

GPtrArray *
h5_file_get_strings (H5File *h5, const char *path, const char *name, GError **error)
{
  g_autoptr (GPtrArray) strings = g_ptr_array_new_with_free_func (g_free);
  H5_AUTO_ID object = h5_open_object (h5, path, error);
  gboolean exists;

  if (object < 0 || !append_attributes (h5, path, object, name, strings, &exists, error))
    return NULL;
  return exists ? g_steal_pointer (&strings) : NULL;
}
