/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "container/archive.h"
#include "convert.h"
#include <zip.h>

#define MAX_MEMBER (G_GUINT64_CONSTANT (1) << 30) /* bytes of a file */
#define MAX_TOTAL (G_GUINT64_CONSTANT (2) << 30)  /* bytes of all files that are read */
#define MAX_RATIO 1100      /* bytes for each deflated byte; deflate reaches 1032 */
#define LARGE (64 << 20)    /* bytes; a larger file has weights, which deflate little */
#define MAX_LARGE_RATIO 100 /* bytes for each deflated byte of a large file */

struct _Archive {
  char *path; /* for messages */
  zip_t *zip;
  guint64 total; /* bytes read */
};

static gboolean fail_member (const Archive *archive, const char *member, GError **error,
    const char *format, ...) G_GNUC_PRINTF (4, 5);

static gboolean
fail_member (
    const Archive *archive, const char *member, GError **error, const char *format, ...)
{
  g_autofree char *problem = NULL;
  va_list args;

  va_start (args, format);
  problem = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, CONVERT_ERROR, CONVERT_ERROR_FILE, "%s: member \"%s\": %s", archive->path,
      member, problem);
  return FALSE;
}

Archive *
archive_open (const char *path, const guint8 *data, gsize size, GError **error)
{
  Archive *archive;
  zip_error_t cause;
  zip_source_t *source;
  zip_t *zip = NULL;

  zip_error_init (&cause);
  source = zip_source_buffer_create (data, size, 0, &cause);
  if (source)
    zip = zip_open_from_source (source, ZIP_RDONLY, &cause);
  if (!zip) {
    g_set_error (error, CONVERT_ERROR, CONVERT_ERROR_FILE,
        "%s: expected a zip archive, found an archive that is cut short or broken: %s", path,
        zip_error_strerror (&cause));
    if (source)
      zip_source_free (source);
    zip_error_fini (&cause);
    return NULL;
  }
  zip_error_fini (&cause);
  archive = g_new0 (Archive, 1);
  archive->path = g_strdup (path);
  archive->zip = zip;
  return archive;
}

void
archive_close (Archive *archive)
{
  zip_discard (archive->zip);
  g_free (archive->path);
  g_free (archive);
}

gboolean
archive_has (Archive *archive, const char *name)
{
  return zip_name_locate (archive->zip, name, ZIP_FL_NODIR) >= 0;
}

gboolean
archive_has_path (Archive *archive, const char *path)
{
  return zip_name_locate (archive->zip, path, 0) >= 0;
}

gboolean
archive_has_folder (Archive *archive, const char *folder)
{
  const zip_int64_t n = zip_get_num_entries (archive->zip, 0);

  for (zip_int64_t i = 0; i < n; i++) {
    const char *path = zip_get_name (archive->zip, (zip_uint64_t) i, 0);

    if (path && g_str_has_prefix (path, folder))
      return TRUE;
  }
  return FALSE;
}

char *
archive_find (Archive *archive, const char *name, GError **error)
{
  const zip_int64_t index = zip_name_locate (archive->zip, name, ZIP_FL_NODIR);
  const char *path = index < 0 ? NULL : zip_get_name (archive->zip, (zip_uint64_t) index, 0);

  if (!path)
    fail_member (archive, name, error, "expected a file in the archive, found none");
  return g_strdup (path);
}

GPtrArray *
archive_list (Archive *archive)
{
  const zip_int64_t n = zip_get_num_entries (archive->zip, 0);
  GPtrArray *paths = g_ptr_array_new_with_free_func (g_free);

  for (zip_int64_t i = 0; i < n; i++) {
    const char *path = zip_get_name (archive->zip, (zip_uint64_t) i, 0);

    if (path)
      g_ptr_array_add (paths, g_strdup (path));
  }
  return paths;
}

/* Checks the sizes that the archive states, before memory is allocated. */
static gboolean
check_size (Archive *archive, const char *name, const zip_stat_t *info, GError **error)
{
  guint64 ratio = info->size > LARGE ? MAX_LARGE_RATIO : MAX_RATIO;

  if (!(info->valid & ZIP_STAT_SIZE) || !(info->valid & ZIP_STAT_COMP_SIZE))
    return fail_member (archive, name, error, "size: expected a number, found none");
  if (info->size / ratio > info->comp_size)
    return fail_member (archive, name, error,
        "expected at most %" G_GUINT64_FORMAT " bytes for each deflated byte, found "
        "%" G_GUINT64_FORMAT " bytes deflated to %" G_GUINT64_FORMAT,
        ratio, (guint64) info->size, (guint64) info->comp_size);
  archive->total += MIN (info->size, MAX_TOTAL);
  return (info->size <= MAX_MEMBER && archive->total <= MAX_TOTAL)
         || fail_member (archive, name, error,
             "expected at most %" G_GUINT64_FORMAT " bytes, and %" G_GUINT64_FORMAT
             " in all files that are read, found %" G_GUINT64_FORMAT " and %" G_GUINT64_FORMAT,
             MAX_MEMBER, MAX_TOTAL, (guint64) info->size, archive->total);
}

/* Reads @size bytes. Then attempts to read one more byte, because libzip compares the checksum at
 * the end. */
static gboolean
read_content (zip_file_t *file, guint8 *to, guint64 size)
{
  guint8 beyond;

  for (guint64 at = 0; at < size;) {
    zip_int64_t n = zip_fread (file, to + at, size - at);

    if (n <= 0)
      return FALSE;
    at += (guint64) n;
  }
  return zip_fread (file, &beyond, 1) == 0;
}

/* Reads the member @index, which is called @name. @index: -1: there is none */
static GBytes *
read_member (Archive *archive, const char *name, zip_int64_t index, GError **error)
{
  g_autofree guint8 *content = NULL;
  g_autofree char *found = NULL;
  zip_file_t *file;
  zip_stat_t info;

  if (index < 0 || zip_stat_index (archive->zip, (zip_uint64_t) index, 0, &info) < 0) {
    fail_member (archive, name, error, "expected a file in the archive, found none");
    return NULL;
  }
  if (!check_size (archive, name, &info, error))
    return NULL;
  content = g_try_malloc (MAX (info.size, 1));
  file = zip_fopen_index (archive->zip, (zip_uint64_t) index, 0);
  if (!content)
    found = g_strdup ("too little memory");
  else if (!file)
    found = g_strdup (zip_strerror (archive->zip));
  else if (!read_content (file, content, info.size))
    found = g_strdup (zip_file_strerror (file));
  if (file)
    zip_fclose (file);
  if (!found)
    return g_bytes_new_take (g_steal_pointer (&content), info.size);
  fail_member (archive, name, error,
      "expected %" G_GUINT64_FORMAT " bytes that can be read, found a file that is cut short, "
      "broken or encrypted: %s",
      (guint64) info.size, found);
  return NULL;
}

GBytes *
archive_read (Archive *archive, const char *name, GError **error)
{
  return read_member (archive, name, zip_name_locate (archive->zip, name, ZIP_FL_NODIR), error);
}

GBytes *
archive_read_path (Archive *archive, const char *path, GError **error)
{
  return read_member (archive, path, zip_name_locate (archive->zip, path, 0), error);
}
