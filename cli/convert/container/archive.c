/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "container/archive.h"
#include "convert.h"
#include <zip.h>

#define MAX_MEMBER (G_GUINT64_CONSTANT (1) << 30) /* bytes */
#define MAX_TOTAL (G_GUINT64_CONSTANT (2) << 30)  /* of all members that are read */
#define MAX_RATIO 1100                            /* more than deflate can make of a byte */
#define LARGE (64 << 20)                          /* bytes, of which weights do not compress */
#define MAX_LARGE_RATIO 100                       /* like that */

struct _Archive {
  char *path;
  zip_t *zip;
  guint64 total; /* bytes read so far */
};

static gboolean
fail (const Archive *archive, const char *member, const char *problem, GError **error)
{
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
        "%s: expected a zip archive, found one that is cut short or broken: %s", path,
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

/* What the archive says about sizes must be believable before memory is taken for it. */
static gboolean
check_size (Archive *archive, const char *name, const zip_stat_t *info, GError **error)
{
  g_autofree char *problem = NULL;

  if ((info->valid & (ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE))
      != (ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE))
    return fail (archive, name, "its size is not known", error);
  if (info->size / (info->size > LARGE ? MAX_LARGE_RATIO : MAX_RATIO) > info->comp_size) {
    problem = g_strdup_printf ("expected a model, found %" G_GUINT64_FORMAT
                               " bytes deflated to %" G_GUINT64_FORMAT,
        (guint64) info->size, (guint64) info->comp_size);
    return fail (archive, name, problem, error);
  }
  archive->total += MIN (info->size, MAX_TOTAL);
  if (info->size <= MAX_MEMBER && archive->total <= MAX_TOTAL)
    return TRUE;
  problem = g_strdup_printf ("expected at most %" G_GUINT64_FORMAT
                             " bytes, and %" G_GUINT64_FORMAT
                             " with the members before, found %" G_GUINT64_FORMAT,
      MAX_MEMBER, MAX_TOTAL, (guint64) info->size);
  return fail (archive, name, problem, error);
}

/* One byte more than expected is asked for: at the end the checksum is compared. */
static gboolean
read_all (zip_file_t *file, guint8 *to, guint64 size)
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

GBytes *
archive_read (Archive *archive, const char *name, GError **error)
{
  zip_int64_t index = zip_name_locate (archive->zip, name, ZIP_FL_NODIR);
  zip_file_t *file;
  zip_stat_t info;
  guint8 *content;
  gboolean done;

  if (index < 0 || zip_stat_index (archive->zip, (zip_uint64_t) index, 0, &info) < 0) {
    fail (archive, name, "not found", error);
    return NULL;
  }
  if (!check_size (archive, name, &info, error))
    return NULL;
  file = zip_fopen_index (archive->zip, (zip_uint64_t) index, 0);
  content = file ? g_try_malloc (MAX (info.size, 1)) : NULL;
  done = content && read_all (file, content, info.size);
  if (file)
    zip_fclose (file);
  if (done)
    return g_bytes_new_take (content, info.size);
  g_free (content);
  fail (archive, name, "cannot be read: cut short, broken, encrypted or too large", error);
  return NULL;
}
