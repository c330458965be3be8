/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sibling.h"
#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_TRIES 3
#define MAX_SIZE (64 << 20) /* bytes */
#define SECONDS 2

static const char *const suffixes[] = {".keras", ".h5", ".hdf5"};

static gboolean
has_suffix (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++)
    if (g_str_has_suffix (name, suffixes[i]))
      return TRUE;
  return FALSE;
}

/* Returns the length of @name without its suffix. */
static gsize
get_stem_length (const char *name)
{
  const char *dot = strrchr (name, '.');

  return dot ? (gsize) (dot - name) : strlen (name);
}

/* Orders names by whether they have the stem of the name @data, then by their bytes. */
static int
compare_names (gconstpointer a, gconstpointer b, gpointer data)
{
  const char *names[] = {*(const char *const *) a, *(const char *const *) b};
  const gsize n = get_stem_length (data);
  gboolean differ[2];

  for (guint i = 0; i < 2; i++)
    differ[i] = get_stem_length (names[i]) != n || strncmp (names[i], data, n) != 0;
  return differ[0] != differ[1] ? differ[0] - differ[1] : strcmp (names[0], names[1]);
}

/* Returns: (transfer full): the names of the Keras files in @folder, in the order in which to try
 * them */
static GPtrArray *
list_names (const char *folder, char *base)
{
  g_autoptr (GDir) opened = g_dir_open (folder, 0, NULL);
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  const char *name;

  while (opened && (name = g_dir_read_name (opened)))
    if (has_suffix (name))
      g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort_with_data (names, compare_names, base);
  return names;
}

/* Returns whether @loads returns TRUE for the file @path. A file that crashes or blocks the reader
 * ends only the child. */
static gboolean
try_file (const char *path, gboolean (*loads) (const char *path))
{
  GStatBuf info;
  int status = 0;
  pid_t child;

  if (g_stat (path, &info) != 0 || !S_ISREG (info.st_mode) || info.st_size > MAX_SIZE)
    return FALSE;
  child = fork ();
  if (child == 0) {
    alarm (SECONDS);
    close (STDOUT_FILENO);
    close (STDERR_FILENO);
    _exit (loads (path) ? 0 : 1);
  }
  if (child < 0)
    return FALSE;
  while (waitpid (child, &status, 0) < 0 && errno == EINTR)
    ;
  return WIFEXITED (status) && WEXITSTATUS (status) == 0;
}

char *
convert_find_sibling (const char *path, gboolean (*loads) (const char *path))
{
  g_autofree char *folder = g_path_get_dirname (path), *base = g_path_get_basename (path);
  g_autoptr (GPtrArray) names = list_names (folder, base);

  for (guint i = 0; i < MIN (names->len, MAX_TRIES); i++) {
    const char *name = g_ptr_array_index (names, i);
    g_autofree char *file = g_build_filename (folder, name, NULL);

    if (try_file (file, loads))
      return g_strdup (name);
  }
  return NULL;
}
