/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE /* O_TMPFILE, statx() */
#include "util/output-file.h"
#include "util/output-staged.h"
#include "util/output-target.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h> /* renameat() */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STAGED_SUFFIX ".lstm-tmp"

/* Checks that file->name can be replaced or created. Sets @info, with the mode 0 if there is no
 * file. */
static gboolean
check_replaceable (const LstmOutputFile *file, struct stat *info, GError **error)
{
#ifdef STATX_ATTR_MOUNT_ROOT
  struct statx extended;
#endif

  if (fstatat (file->directory, file->name, info, AT_SYMLINK_NOFOLLOW) < 0) {
    info->st_mode = 0;
    return errno == ENOENT
           || lstm_output_set_error (file, error, errno, "expected a file to write");
  }
  if (!S_ISREG (info->st_mode))
    return lstm_output_refuse_kind (file, "a file to write", info->st_mode, error);
#ifdef STATX_ATTR_MOUNT_ROOT
  if (statx (file->directory, file->name, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &extended) == 0
      && (extended.stx_attributes & STATX_ATTR_MOUNT_ROOT))
    return lstm_output_set_error (file, error, EBUSY,
        "expected a file that can be replaced, found a mount point; mount its directory "
        "instead");
#endif
  return faccessat (file->directory, file->name, W_OK, AT_EACCESS) == 0
         || lstm_output_set_error (file, error, errno, "expected a file that may be written");
}

/* Gives the new file the owner, group and mode @before. If the process may not set the group, the
 * new group gets the rights of all other users. */
static gboolean
copy_owner_and_mode (const LstmOutputFile *file, const struct stat *before, GError **error)
{
  mode_t mode = before->st_mode & 0777;
  struct stat now;

  if (fstat (file->descriptor, &now) < 0)
    return lstm_output_set_error (file, error, errno, "reading the mode of the new file");
  if ((now.st_uid != before->st_uid || now.st_gid != before->st_gid)
      && fchown (file->descriptor, before->st_uid, before->st_gid) < 0
      && fchown (file->descriptor, (uid_t) -1, before->st_gid) < 0)
    mode &= ~(mode_t) 070 | (mode & 07) << 3;
  return (now.st_mode & 07777) == mode || fchmod (file->descriptor, mode) == 0
         || lstm_output_set_error (file, error, errno, "setting the mode of the new file");
}

/* Opens a file without a name. Refuses a system without /proc, on which the file could not get a
 * name. */
static gboolean
open_anonymous (LstmOutputFile *file)
{
  g_autofree char *link = NULL;

  file->descriptor = openat (file->directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, file->mode);
  if (file->descriptor < 0)
    return FALSE;
  link = g_strdup_printf ("/proc/self/fd/%d", file->descriptor);
  if (access (link, F_OK) == 0)
    return TRUE;
  close (file->descriptor);
  file->descriptor = -1;
  return FALSE;
}

/* Sets @before to the file to replace, or to zeros if there is none. Refuses a link in /proc to a file
 * without a name: such a file exists, and its name does not. The file of another writer may appear
 * between the two checks, so the name is checked again. */
static gboolean
find_replaced (const LstmOutputFile *file, struct stat *before, GError **error)
{
  struct stat found;

  if (!check_replaceable (file, before, error))
    return FALSE;
  if (before->st_mode || stat (file->path, &found) < 0)
    return TRUE;
  if (!check_replaceable (file, before, error))
    return FALSE;
  return before->st_mode
         || lstm_output_set_error (
             file, error, ENOENT, "expected a link to a file that has a name");
}

/* Creates the new file. @target: the path to replace, which is no link. file->path may be a link
 * in /proc to a file without a name. */
static gboolean
open_replacement (LstmOutputFile *file, const char *target, GError **error)
{
  g_autofree char *directory = g_path_get_dirname (target);
  const char *slash = strrchr (target, '/');
  struct stat before;

  file->name = g_strdup (slash ? slash + 1 : target);
  file->staged_name = g_strdup_printf (
      ".%.*s" STAGED_SUFFIX, (int) (NAME_MAX - 1 - strlen (STAGED_SUFFIX)), file->name);
  file->directory = open (directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (file->directory < 0)
    return lstm_output_set_error (
        file, error, errno, "expected a directory to write in, %s", directory);
  if (!*file->name)
    return lstm_output_set_error (file, error, EISDIR, "expected the name of a file");
  if (!find_replaced (file, &before, error))
    return FALSE;
  file->mode = before.st_mode ? 0600 : 0666;
  return (open_anonymous (file)
             || lstm_output_make_staged (file, lstm_output_create_staged, error))
         && (!before.st_mode || copy_owner_and_mode (file, &before, error));
}

gboolean
lstm_output_file_open (
    LstmOutputFile *file, const char *path, gboolean needs_seek, GError **error)
{
  g_autofree char *target = NULL;
  struct stat found = {.st_mode = 0};
  gboolean ok;

  *file = (LstmOutputFile){.path = g_strdup (path), .directory = -1, .descriptor = -1};
  /* stat() runs first, because the kernel does not follow a link that it considers unsafe. */
  if ((stat (path, &found) < 0 && errno != ENOENT)
      || !(target = lstm_output_follow_links (path)))
    ok = lstm_output_set_error (file, error, errno, "expected a file to write");
  else if (lstm_output_find_descriptor (target) >= 0)
    ok = lstm_output_open_descriptor (
        file, lstm_output_find_descriptor (target), needs_seek, error);
  else if (found.st_mode && !S_ISREG (found.st_mode))
    ok = lstm_output_open_in_place (file, found.st_mode, needs_seek, error);
  else
    ok = open_replacement (file, target, error);
  if (!ok)
    lstm_output_file_abort (file);
  return ok;
}

/* Creates a file and removes its name at once. A process may remove the name of another process,
 * or a name that a killed process left, because an open file does not need its name. */
static int
open_unlinked (int directory)
{
  static const char name[] = STAGED_SUFFIX;

  for (;;) {
    int descriptor = openat (directory, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (descriptor < 0 && errno != EEXIST)
      return -1;
    if (unlinkat (directory, name, 0) < 0 && errno != ENOENT) {
      if (descriptor >= 0)
        close (descriptor);
      return -1;
    }
    if (descriptor >= 0)
      return descriptor;
  }
}

int
lstm_output_file_open_scratch (const LstmOutputFile *file, GError **error)
{
  int directory = file->name ? openat (file->directory, ".", O_PATH | O_DIRECTORY | O_CLOEXEC)
                             : open (g_get_tmp_dir (), O_PATH | O_DIRECTORY | O_CLOEXEC);
  int descriptor = openat (directory, ".", O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600);

  if (descriptor < 0)
    descriptor = open_unlinked (directory);
  if (descriptor < 0)
    lstm_output_set_error (file, error, errno, "making a temporary file");
  if (directory >= 0)
    close (directory);
  return descriptor;
}

void
lstm_output_file_abort (LstmOutputFile *file)
{
  if (file->owns_staged)
    unlinkat (file->directory, file->staged_name, 0);
  if (file->descriptor >= 0)
    close (file->descriptor);
  if (file->directory >= 0)
    close (file->directory);
  g_free (file->path);
  g_free (file->name);
  g_free (file->staged_name);
  *file = (LstmOutputFile){.directory = -1, .descriptor = -1};
}

static gboolean
sync_directory (const LstmOutputFile *file, GError **error)
{
  int directory = openat (file->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  gboolean ok;

  if (directory < 0) /* a directory may permit writing and not reading */
    return errno == EACCES
           || lstm_output_set_error (file, error, errno, "opening its directory");
  ok = fsync (directory) == 0 || errno == EINVAL
       || lstm_output_set_error (file, error, errno, "syncing its directory");
  close (directory);
  return ok;
}

static gboolean
replace_target (LstmOutputFile *file, gboolean durable, GError **error)
{
  if (fsync (file->descriptor) < 0)
    return lstm_output_set_error (file, error, errno, "writing");
  if (!file->owns_staged && !lstm_output_make_staged (file, lstm_output_link_staged, error))
    return FALSE;
  if (renameat (file->directory, file->staged_name, file->directory, file->name) < 0)
    return lstm_output_set_error (file, error, errno,
        errno == EBUSY ? "replacing it, which is a mount point; mount its directory instead"
                       : "replacing it");
  file->owns_staged = FALSE;
  return !durable || sync_directory (file, error);
}

gboolean
lstm_output_file_commit (LstmOutputFile *file, gboolean durable, GError **error)
{
  gboolean ok = !file->name || replace_target (file, durable, error);

  if (!file->name && close (file->descriptor) < 0)
    ok = lstm_output_set_error (file, error, errno, "writing");
  if (!file->name)
    file->descriptor = -1;
  lstm_output_file_abort (file);
  return ok;
}

gboolean
lstm_output_file_check (const char *path, GError **error)
{
  LstmOutputFile file;
  struct stat info;
  gboolean ok = FALSE;

  if (stat (path, &info) == 0 && !S_ISREG (info.st_mode)) {
    file.path = (char *) path;
    return lstm_output_refuse_kind (&file, "a file to write", info.st_mode, error);
  }
  if (!lstm_output_file_open (&file, path, FALSE, error))
    return FALSE;
  if (!file.name)
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
        "%s: expected a file that can be replaced, found a descriptor of this process", path);
  else
    ok = file.owns_staged || lstm_output_remove_leftover (&file)
         || lstm_output_set_error (
             &file, error, errno, "removing %s from its directory", file.staged_name);
  lstm_output_file_abort (&file);
  return ok;
}

gboolean
lstm_output_file_append (LstmOutputFile *file, const void *data, gsize size, GError **error)
{
  const guint8 *at = data;

  while (size > 0) {
    gssize n = write (file->descriptor, at, size);

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0) {
      lstm_output_set_error (file, error, errno, "writing");
      lstm_output_file_abort (file);
      return FALSE;
    }
    at += n;
    size -= (gsize) n;
  }
  return TRUE;
}

gboolean
lstm_output_file_write (const char *path, GBytes *bytes, gboolean durable, GError **error)
{
  LstmOutputFile file;
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  return lstm_output_file_open (&file, path, FALSE, error)
         && lstm_output_file_append (&file, data, size, error)
         && lstm_output_file_commit (&file, durable, error);
}
