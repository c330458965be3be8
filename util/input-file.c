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

GBytes *
lstm_input_file_read_all (int descriptor, const char *path, guint64 size, GError **error)
{
  g_autofree guint8 *data = size <= G_MAXSSIZE ? g_try_malloc (MAX (size, 1)) : NULL;
  gsize done = 0;

  if (!data) {
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_NOMEM,
        "%s: no memory for %" G_GUINT64_FORMAT " bytes", path, size);
    return NULL;
  }
  while (done < size) {
    gssize n = pread (descriptor, data + done, (gsize) size - done, (off_t) done);

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0) {
      set_errno_error (error, path, errno);
      return NULL;
    }
    if (n == 0) {
      g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_IO,
          "%s: expected %" G_GUINT64_FORMAT " bytes, found %" G_GSIZE_FORMAT
          "; the file was truncated",
          path, size, done);
      return NULL;
    }
    done += (gsize) n;
  }
  return g_bytes_new_take (g_steal_pointer (&data), (gsize) size);
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
