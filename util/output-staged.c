/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/output-staged.h"
#include "util/output-target.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Each attempt waits a millisecond for another process, which may wait for a slow disk to sync. */
#define MAX_ATTEMPTS 30000

static gboolean
has_inode (const LstmOutputFile *file, int descriptor)
{
  struct stat named, opened;

  return fstatat (file->directory, file->staged_name, &named, AT_SYMLINK_NOFOLLOW) == 0
         && fstat (descriptor, &opened) == 0 && named.st_dev == opened.st_dev
         && named.st_ino == opened.st_ino;
}

gboolean
lstm_output_remove_leftover (const LstmOutputFile *file)
{
  int descriptor = openat (file->directory, file->staged_name,
      O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  gboolean ok = TRUE;
  int cause;

  if (descriptor < 0)
    return errno == ENOENT;
  if (flock (descriptor, LOCK_EX | LOCK_NB) == 0)
    ok = !has_inode (file, descriptor) || unlinkat (file->directory, file->staged_name, 0) == 0;
  else if ((ok = errno == EWOULDBLOCK))
    g_usleep (1000);
  cause = errno;
  close (descriptor);
  errno = cause;
  return ok;
}

/* linkat() cannot replace a file atomically, so a file of O_TMPFILE gets the staged name and is
 * renamed. */
gboolean
lstm_output_link_staged (LstmOutputFile *file)
{
  g_autofree char *link = g_strdup_printf ("/proc/self/fd/%d", file->descriptor);

  flock (file->descriptor, LOCK_EX | LOCK_NB);
  return linkat (AT_FDCWD, link, file->directory, file->staged_name, AT_SYMLINK_FOLLOW) == 0;
}

/* Checks the name again after flock(), because another process may remove the file as a leftover
 * before that. */
gboolean
lstm_output_create_staged (LstmOutputFile *file)
{
  file->descriptor = openat (
      file->directory, file->staged_name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, file->mode);
  if (file->descriptor < 0)
    return FALSE;
  if ((flock (file->descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
      && has_inode (file, file->descriptor))
    return TRUE;
  close (file->descriptor);
  file->descriptor = -1;
  errno = EEXIST;
  return FALSE;
}

gboolean
lstm_output_make_staged (
    LstmOutputFile *file, gboolean (*make) (LstmOutputFile *), GError **error)
{
  for (guint i = 0; i < MAX_ATTEMPTS; i++) {
    if ((file->owns_staged = make (file)))
      return TRUE;
    if (errno != EEXIST)
      return lstm_output_set_error (
          file, error, errno, "creating %s in its directory", file->staged_name);
    if (!lstm_output_remove_leftover (file))
      return lstm_output_set_error (
          file, error, errno, "removing %s from its directory", file->staged_name);
  }
  return lstm_output_set_error (file, error, EBUSY,
      "waiting for the process that has %s in its directory", file->staged_name);
}
