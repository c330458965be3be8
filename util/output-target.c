/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/output-target.h"
#include "util/input-file.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_LINKS 40 /* the limit of the kernel */

gboolean
lstm_output_set_error (
    const LstmOutputFile *file, GError **error, int cause, const char *format, ...)
{
  g_autofree char *name = g_filename_display_name (file->path), *problem = NULL;
  va_list args;

  va_start (args, format);
  problem = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (cause), "%s: %s: %s", name,
      problem, g_strerror (cause));
  return FALSE;
}

gboolean
lstm_output_refuse_kind (
    const LstmOutputFile *file, const char *expected, mode_t mode, GError **error)
{
  g_autofree char *name = g_filename_display_name (file->path);

  g_set_error (error, G_FILE_ERROR, S_ISDIR (mode) ? G_FILE_ERROR_ISDIR : G_FILE_ERROR_INVAL,
      "%s: expected %s, found %s", name, expected, lstm_file_kind (mode));
  return FALSE;
}

/* --- Paths --- */

/* Finds the descriptor, so that the caller can duplicate it. Opening @path instead would start at
 * the first byte of the file, and would fail for a socket. */
int
lstm_output_find_descriptor (const char *path)
{
  const char *name = strrchr (path, '/');
  g_autofree char *directory = g_path_get_dirname (path);
  g_autofree char *own_directory = g_strdup_printf ("/proc/%ld/fd", (long) getpid ());
  char *real;
  gboolean same;
  guint64 n;

  if (!name || !g_ascii_string_to_unsigned (name + 1, 10, 0, INT_MAX, &n, NULL))
    return -1;
  real = realpath (directory, NULL);
  same = g_strcmp0 (real, own_directory) == 0;
  free (real);
  return same ? (int) n : -1;
}

/* Follows one link at a time, because realpath() fails if the last link leads to a file that does
 * not exist. */
char *
lstm_output_follow_links (const char *path)
{
  char *current = g_strdup (path);

  for (guint i = 0; i < MAX_LINKS; i++) {
    g_autofree char *directory = g_path_get_dirname (current);
    g_autofree char *target = lstm_output_find_descriptor (current) < 0
                                  ? g_file_read_link (current, NULL)
                                  : NULL;

    if (!target)
      return current;
    g_free (current);
    current = g_path_is_absolute (target) ? g_strdup (target)
                                          : g_build_filename (directory, target, NULL);
  }
  g_free (current);
  errno = ELOOP;
  return NULL;
}

/* --- In place --- */

static gboolean
check_needs_seek (const LstmOutputFile *file, GError **error)
{
  struct stat info;

  if (lseek (file->descriptor, 0, SEEK_CUR) == 0
      && !(fcntl (file->descriptor, F_GETFL) & O_APPEND))
    return TRUE;
  if (fstat (file->descriptor, &info) < 0)
    return lstm_output_set_error (file, error, errno, "expected a file to write");
  return lstm_output_refuse_kind (
      file, "a file that is written from its first byte and can seek", info.st_mode, error);
}

gboolean
lstm_output_open_descriptor (
    LstmOutputFile *file, int descriptor, gboolean needs_seek, GError **error)
{
  const int flags = fcntl (descriptor, F_GETFL);

  if (flags >= 0 && (flags & O_ACCMODE) == O_RDONLY)
    return lstm_output_set_error (file, error, EBADF, "expected a descriptor to write to");
  file->descriptor = fcntl (descriptor, F_DUPFD_CLOEXEC, 0);
  if (file->descriptor < 0)
    return lstm_output_set_error (file, error, errno, "expected a descriptor to write to");
  return !needs_seek || check_needs_seek (file, error);
}

/* Refuses a FIFO before open(), which would wait for a reader. */
gboolean
lstm_output_open_in_place (
    LstmOutputFile *file, mode_t mode, gboolean needs_seek, GError **error)
{
  if (S_ISDIR (mode))
    return lstm_output_refuse_kind (file, "a file to write", mode, error);
  if (needs_seek && S_ISFIFO (mode))
    return lstm_output_refuse_kind (file, "a file that can seek", mode, error);
  file->descriptor = open (file->path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
  if (file->descriptor < 0)
    return lstm_output_set_error (
        file, error, errno, "expected %s to write to", lstm_file_kind (mode));
  return !needs_seek || check_needs_seek (file, error);
}
