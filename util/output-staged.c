/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The name that an output has before it is complete. Whoever has it holds a lock on its file until
 * it is renamed, so one without a lock was left by a process that was killed. */
#include "util/output-private.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* A millisecond each, for a name that another process has: as long as a slow disk may take to sync */
#define MAX_ATTEMPTS 30000

static gboolean
has_inode (const LstmOutputFile *file, int descriptor)
{
  struct stat named, opened;

  return fstatat (file->directory, file->staged, &named, AT_SYMLINK_NOFOLLOW) == 0
         && fstat (descriptor, &opened) == 0 && named.st_dev == opened.st_dev
         && named.st_ino == opened.st_ino;
}

gboolean
lstm_output_remove_leftover (const LstmOutputFile *file)
{
  int descriptor = openat (
      file->directory, file->staged, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  gboolean ok = TRUE;
  int cause;

  if (descriptor < 0)
    return errno == ENOENT;
  if (flock (descriptor, LOCK_EX | LOCK_NB) == 0)
    ok = !has_inode (file, descriptor) || unlinkat (file->directory, file->staged, 0) == 0;
  else if ((ok = errno == EWOULDBLOCK))
    g_usleep (1000);
  cause = errno;
  close (descriptor);
  errno = cause;
  return ok;
}

/* Gives a file of O_TMPFILE the name, as none can replace another one at once. */
gboolean
lstm_output_link_staged (LstmOutputFile *file)
{
  g_autofree char *link = g_strdup_printf ("/proc/self/fd/%d", file->descriptor);

  flock (file->descriptor, LOCK_EX | LOCK_NB);
  return linkat (AT_FDCWD, link, file->directory, file->staged, AT_SYMLINK_FOLLOW) == 0;
}

/* Before the lock is there another process may take the file for a leftover. */
gboolean
lstm_output_create_staged (LstmOutputFile *file)
{
  file->descriptor = openat (
      file->directory, file->staged, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, file->mode);
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
    if ((file->has_name = make (file)))
      return TRUE;
    if (errno != EEXIST)
      return lstm_output_set_error (file, error, errno, "making %s beside it", file->staged);
    if (!lstm_output_remove_leftover (file))
      return lstm_output_set_error (file, error, errno, "removing %s beside it", file->staged);
  }
  return lstm_output_set_error (
      file, error, EBUSY, "waiting for the process that has %s beside it", file->staged);
}
