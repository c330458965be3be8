/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/input-file.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
  mode_t format;
  const char *kind;
} kinds[] = {
    {S_IFREG, "a file"},
    {S_IFDIR, "a directory"},
    {S_IFIFO, "a FIFO"},
    {S_IFSOCK, "a socket"},
    {S_IFCHR, "a character device"},
    {S_IFBLK, "a block device"},
};

const char *
lstm_file_kind (mode_t mode)
{
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if ((mode & S_IFMT) == kinds[i].format)
      return kinds[i].kind;
  return "an unknown kind of file";
}

static gboolean
set_errno_error (GError **error, const char *path, int cause)
{
  g_autofree char *name = g_filename_display_name (path);

  g_set_error (
      error, G_FILE_ERROR, g_file_error_from_errno (cause), "%s: %s", name, g_strerror (cause));
  return FALSE;
}

static gboolean
expect_regular (const char *path, const struct stat *info, GError **error)
{
  g_autofree char *name = g_filename_display_name (path);

  if (S_ISREG (info->st_mode))
    return TRUE;
  g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s: expected a file, found %s", name,
      lstm_file_kind (info->st_mode));
  return FALSE;
}

/* Checks the kind of the file before it opens the file, because opening a device may have side
 * effects. The path may become another file between the check and open(): O_NONBLOCK keeps open()
 * from blocking, and the kind is checked again. */
int
lstm_input_file_open (const char *path, guint64 *size, GError **error)
{
  struct stat info;
  int descriptor;

  if (stat (path, &info) < 0) {
    set_errno_error (error, path, errno);
    return -1;
  }
  if (!expect_regular (path, &info, error))
    return -1;
  descriptor = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor < 0 || fstat (descriptor, &info) < 0)
    set_errno_error (error, path, errno);
  else if (expect_regular (path, &info, error)) {
    *size = (guint64) info.st_size;
    return descriptor;
  }
  if (descriptor >= 0)
    close (descriptor);
  return -1;
}

/* Sets @error if @name can name a file outside its folder. */
static gboolean
expect_below (const char *path, const char *name, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (name, "/", -1);
  const gboolean is_below = *name != '/'
                            && !g_strv_contains ((const char *const *) parts, "..");

  if (!is_below)
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_PERM,
        "%s: expected a relative path without \"..\", found \"%s\"", path, name);
  return is_below;
}

/* Opens @part, a part of @path in the open folder @folder. @flags: for open()
 * Returns: a descriptor, or -1 with @error */
static int
open_part (int folder, const char *part, int flags, const char *path, GError **error)
{
  struct stat info;
  int descriptor = -1;

  if (fstatat (folder, part, &info, AT_SYMLINK_NOFOLLOW) < 0)
    set_errno_error (error, path, errno);
  else if (S_ISLNK (info.st_mode))
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_LOOP,
        "%s: expected a path without symbolic links, found the link \"%s\"", path, part);
  else if (flags & O_DIRECTORY || expect_regular (path, &info, error))
    if ((descriptor = openat (folder, part, flags | O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) < 0)
      set_errno_error (error, path, errno);
  return descriptor;
}

/* Opens each folder of @name in turn, because open() with O_NOFOLLOW follows the links to
 * folders. */
static int
open_below (int folder, const char *name, const char *path, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (name, "/", -1);
  int descriptor = folder;

  for (guint i = 0; parts[i] && descriptor >= 0; i++) {
    const int flags = parts[i + 1] ? O_DIRECTORY : O_NONBLOCK | O_NOCTTY;

    descriptor = open_part (folder, parts[i], flags, path, error);
    close (folder);
    folder = descriptor;
  }
  return descriptor;
}

int
lstm_input_file_open_below (const char *folder, const char *name, guint64 *size, GError **error)
{
  g_autofree char *path = *name == '/' ? g_strdup (name)
                                       : g_build_filename (folder, name, NULL);
  struct stat info;
  int descriptor;

  if (!expect_below (path, name, error))
    return -1;
  descriptor = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) {
    set_errno_error (error, folder, errno);
    return -1;
  }
  descriptor = open_below (descriptor, name, path, error);
  if (descriptor < 0)
    return -1;
  if (fstat (descriptor, &info) < 0)
    set_errno_error (error, path, errno);
  else if (expect_regular (path, &info, error)) {
    *size = (guint64) info.st_size;
    return descriptor;
  }
  close (descriptor);
  return -1;
}

/* Reports that @descriptor ends before byte @expected, at byte @end or earlier. Returns: FALSE */
static gboolean
set_truncated_error (
    GError **error, const char *path, guint64 expected, guint64 end, int descriptor)
{
  struct stat info;

  if (fstat (descriptor, &info) == 0)
    end = MIN (end, (guint64) info.st_size);
  g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_IO,
      "%s: expected at least %" G_GUINT64_FORMAT " bytes, found %" G_GUINT64_FORMAT
      "; the file was truncated",
      path, expected, end);
  return FALSE;
}

gboolean
lstm_input_file_read_into (
    int descriptor, const char *path, guint64 offset, gsize size, guint8 *data, GError **error)
{
  gsize done = 0;

  while (done < size) {
    gssize n = pread (descriptor, data + done, size - done, (off_t) (offset + done));

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return set_errno_error (error, path, errno);
    if (n == 0)
      return set_truncated_error (error, path, offset + size, offset + done, descriptor);
    done += (gsize) n;
  }
  return TRUE;
}

GBytes *
lstm_input_file_read_range (
    int descriptor, const char *path, guint64 offset, guint64 size, GError **error)
{
  g_autofree guint8 *data = size <= G_MAXSSIZE ? g_try_malloc (MAX (size, 1)) : NULL;

  if (!data) {
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_NOMEM,
        "%s: no memory for %" G_GUINT64_FORMAT " bytes", path, size);
    return NULL;
  }
  if (!lstm_input_file_read_into (descriptor, path, offset, (gsize) size, data, error))
    return NULL;
  return g_bytes_new_take (g_steal_pointer (&data), (gsize) size);
}

GBytes *
lstm_input_file_read_all (int descriptor, const char *path, guint64 size, GError **error)
{
  return lstm_input_file_read_range (descriptor, path, 0, size, error);
}

GBytes *
lstm_input_file_read (const char *path, GError **error)
{
  guint64 size;
  int descriptor = lstm_input_file_open (path, &size, error);
  GBytes *bytes;

  if (descriptor < 0)
    return NULL;
  bytes = lstm_input_file_read_all (descriptor, path, size, error);
  close (descriptor);
  return bytes;
}
