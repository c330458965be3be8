/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Zip archives that nobody vouches for, from memory. */
#pragma once

#include <glib.h>

typedef struct _Archive Archive;

/* Returns: NULL with @error. @data must stay as long as the archive is open. */
Archive *archive_open (const char *path, const guint8 *data, gsize size, GError **error);
void archive_close (Archive *archive);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Archive, archive_close)

/* Whether there is a member of that name, in any folder. */
gboolean archive_has (Archive *archive, const char *name);

/* The bytes of a member, whichever folder it is in. */
GBytes *archive_read (Archive *archive, const char *name, GError **error);
