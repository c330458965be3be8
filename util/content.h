/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The bytes of a file that are in memory, or that are read on demand. A file is read by pread()
 * rather than mapped: reading beyond the end of a mapped file that another process truncates kills
 * the application, and mapped pages would count as its memory. Not thread-safe. */
#pragma once

#include <glib.h>

typedef struct _LstmContent LstmContent;

/* A source of the bytes of a content */
typedef struct {
  /* Reads @n bytes from byte @offset on, which are within the content. Returns FALSE with @error. */
  gboolean (*read) (gpointer source, guint64 offset, gsize n, guint8 *to, GError **error);
  /* Checks that all reads returned parts of the same content. Returns FALSE with @error. */
  gboolean (*check) (gpointer source, GError **error);
  void (*free) (gpointer source);
} LstmContentType;

/* Return: (transfer full): the content of @bytes, or of @size bytes at @data, which must outlive the
 * content */
LstmContent *lstm_content_new (GBytes *bytes);
LstmContent *lstm_content_new_static (const guint8 *data, gsize size);

/* Opens the regular file @path. Errors have the domain G_FILE_ERROR.
 * Returns: (transfer full): NULL with @error */
LstmContent *lstm_content_open (const char *path, GError **error);

/* Returns: (transfer full): the content of the regular file @descriptor. The content closes
 * @descriptor. @path is for messages. */
LstmContent *lstm_content_new_from_descriptor (int descriptor, const char *path);

/* @source: (transfer full). Returns: (transfer full) */
LstmContent *lstm_content_new_from_source (
    guint64 size, const LstmContentType *type, gpointer source);

LstmContent *lstm_content_ref (LstmContent *content);
void lstm_content_unref (LstmContent *content);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LstmContent, lstm_content_unref)

guint64 lstm_content_get_size (const LstmContent *content);

/* Returns: (transfer none) (nullable): all bytes; NULL if they are not in memory */
const guint8 *lstm_content_get_data (const LstmContent *content);

/* Reads @n bytes from byte @offset on, which must be within the content. Returns FALSE with @error,
 * also if the file became shorter. */
gboolean lstm_content_read (
    LstmContent *content, guint64 offset, gsize n, gpointer to, GError **error);

/* Reads all bytes. Returns: (transfer full): NULL with @error */
GBytes *lstm_content_read_all (LstmContent *content, GError **error);

/* Checks that the file did not change since it was opened. Returns FALSE with @error. */
gboolean lstm_content_check (LstmContent *content, GError **error);

/* Returns the offset of the first @text, of @length bytes, from byte @offset on; the size of the
 * content if there is none or if the file cannot be read. */
guint64 lstm_content_find (
    LstmContent *content, guint64 offset, const char *text, gsize length);
