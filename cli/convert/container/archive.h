/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads untrusted zip archives in memory. */
#pragma once

#include <glib.h>

typedef struct _Archive Archive;

/* Opens the archive in @data. The caller keeps @data until archive_close(). @path: for messages.
 * Returns: (transfer full): NULL with @error */
Archive *archive_open (const char *path, const guint8 *data, gsize size, GError **error);
void archive_close (Archive *archive);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Archive, archive_close)

/* Returns whether a folder of the archive contains a file @name. */
gboolean archive_has (Archive *archive, const char *name);

/* Returns: (transfer full): the paths of all files, in the order of the archive */
GPtrArray *archive_list (Archive *archive);

/* Reads the file @name in any folder. Returns: (transfer full): NULL with @error */
GBytes *archive_read (Archive *archive, const char *name, GError **error);

/* Returns whether the archive contains the file @path, or a file in @folder, which ends with "/".
 */
gboolean archive_has_path (Archive *archive, const char *path);
gboolean archive_has_folder (Archive *archive, const char *folder);

/* Returns: (transfer full): the path of the file @name in any folder; NULL with @error */
char *archive_find (Archive *archive, const char *name, GError **error);

/* Reads the file @path. Returns: (transfer full): NULL with @error */
GBytes *archive_read_path (Archive *archive, const char *path, GError **error);
