/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "util/content.h"
#include "util/input-file.h"
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK 65536 /* bytes that lstm_content_find() reads at a time */

struct _LstmContent {
  int ref_count;
  guint64 size;
  const guint8 *data; /* nullable */
  GBytes *bytes;      /* the owner of data; nullable */
  const LstmContentType *type;
  gpointer source;
};

/* --- Files --- */

typedef struct {
  int descriptor;
  char *path;       /* for messages */
  struct stat info; /* when the file was opened */
} File;

static gboolean
read_file (gpointer source, guint64 offset, gsize n, guint8 *to, GError **error)
{
  const File *file = source;

  return lstm_input_file_read_into (file->descriptor, file->path, offset, n, to, error);
}

/* Compares size and modification time. Renaming another file to the path does not change the file
 * that is open. */
static gboolean
check_file (gpointer source, GError **error)
{
  const File *file = source;
  const struct stat *before = &file->info;
  struct stat info;
  g_autofree char *name = NULL;

  if (fstat (file->descriptor, &info) == 0 && info.st_size == before->st_size
      && info.st_mtim.tv_sec == before->st_mtim.tv_sec
      && info.st_mtim.tv_nsec == before->st_mtim.tv_nsec)
    return TRUE;
  name = g_filename_display_name (file->path);
  g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_IO,
      "%s: expected a file that does not change while it is read, found a change", name);
  return FALSE;
}

static void
free_file (gpointer source)
{
  File *file = source;

  close (file->descriptor);
  g_free (file->path);
  g_free (file);
}

static const LstmContentType file_type = {read_file, check_file, free_file};

LstmContent *
lstm_content_open (const char *path, GError **error)
{
  guint64 size;
  const int descriptor = lstm_input_file_open (path, &size, error);

  return descriptor < 0 ? NULL : lstm_content_new_from_descriptor (descriptor, path);
}

LstmContent *
lstm_content_new_from_descriptor (int descriptor, const char *path)
{
  File *file = g_new0 (File, 1);

  file->descriptor = descriptor;
  file->path = g_strdup (path);
  fstat (descriptor, &file->info);
  return lstm_content_new_from_source ((guint64) file->info.st_size, &file_type, file);
}

/* --- Any content --- */

LstmContent *
lstm_content_new_from_source (guint64 size, const LstmContentType *type, gpointer source)
{
  LstmContent *content = g_new0 (LstmContent, 1);

  content->ref_count = 1;
  content->size = size;
  content->type = type;
  content->source = source;
  return content;
}

LstmContent *
lstm_content_new_static (const guint8 *data, gsize size)
{
  LstmContent *content = lstm_content_new_from_source (size, NULL, NULL);

  content->data = size ? data : (const guint8 *) "";
  return content;
}

LstmContent *
lstm_content_new (GBytes *bytes)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  LstmContent *content = lstm_content_new_static (data, size);

  content->bytes = g_bytes_ref (bytes);
  return content;
}

LstmContent *
lstm_content_ref (LstmContent *content)
{
  content->ref_count++;
  return content;
}

void
lstm_content_unref (LstmContent *content)
{
  if (--content->ref_count > 0)
    return;
  if (content->type)
    content->type->free (content->source);
  g_clear_pointer (&content->bytes, g_bytes_unref);
  g_free (content);
}

guint64
lstm_content_get_size (const LstmContent *content)
{
  return content->size;
}

const guint8 *
lstm_content_get_data (const LstmContent *content)
{
  return content->data;
}

gboolean
lstm_content_read (LstmContent *content, guint64 offset, gsize n, gpointer to, GError **error)
{
  g_assert (offset <= content->size && n <= content->size - offset);
  if (!content->data)
    return content->type->read (content->source, offset, n, to, error);
  memcpy (to, content->data + offset, n);
  return TRUE;
}

GBytes *
lstm_content_read_all (LstmContent *content, GError **error)
{
  g_autofree guint8 *data = NULL;

  if (content->bytes)
    return g_bytes_ref (content->bytes);
  data = content->size <= G_MAXSSIZE ? g_try_malloc ((gsize) MAX (content->size, 1)) : NULL;
  if (!data) {
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_NOMEM,
        "no memory for %" G_GUINT64_FORMAT " bytes", content->size);
    return NULL;
  }
  if (!lstm_content_read (content, 0, (gsize) content->size, data, error))
    return NULL;
  return g_bytes_new_take (g_steal_pointer (&data), (gsize) content->size);
}

gboolean
lstm_content_check (LstmContent *content, GError **error)
{
  return !content->type || content->type->check (content->source, error);
}

/* Returns the offset of @text in the @n bytes at @data, or @n. */
static gsize
find_text (const guint8 *data, gsize n, const char *text, gsize length)
{
  const guint8 *found = memmem (data, n, text, length);

  return found ? (gsize) (found - data) : n;
}

guint64
lstm_content_find (LstmContent *content, guint64 offset, const char *text, gsize length)
{
  g_autofree guint8 *block = NULL;

  if (content->data)
    return offset
           + find_text (content->data + offset, (gsize) (content->size - offset), text, length);
  block = g_malloc (BLOCK);
  while (content->size - offset >= length) {
    const gsize n = (gsize) MIN (BLOCK, content->size - offset);
    gsize at;

    if (!lstm_content_read (content, offset, n, block, NULL))
      return content->size;
    at = find_text (block, n, text, length);
    if (at < n)
      return offset + at;
    offset += n - (length - 1); /* The text may begin in this block and end in the next one. */
  }
  return content->size;
}
