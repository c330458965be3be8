/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads complete regular files. A FIFO could block and a device might never end, so both are
 * refused before they are opened. Errors have the domain G_FILE_ERROR, and their messages begin
 * with the path. */
#pragma once
#include <glib.h>
#include <sys/types.h>

/* Returns the kind of a file with its article, such as "a directory". */
const char *lstm_file_kind (mode_t mode);

/* Opens the regular file @path and sets @size to its size in bytes. Returns: a descriptor, or -1
 * with @error */
int lstm_input_file_open (const char *path, guint64 *size, GError **error);

/* Opens the regular file @name below the folder @folder and sets @size to its size in bytes.
 * @name is a path of names and "/". @name must not be absolute, must not contain "..", and no part
 * of @name may be a symbolic link. Returns: a descriptor, or -1 with @error */
int lstm_input_file_open_below (
    const char *folder, const char *name, guint64 *size, GError **error);

/* Reads @size bytes from the first byte of @descriptor and leaves @descriptor open. @path is for
 * messages.
 * Returns: (transfer full): NULL with @error, also if the file is shorter */
GBytes *lstm_input_file_read_all (
    int descriptor, const char *path, guint64 size, GError **error);

/* Reads @size bytes of @descriptor from byte @offset on into @data. @path is for messages. Returns
 * FALSE with @error, also if the file is shorter. */
gboolean lstm_input_file_read_into (
    int descriptor, const char *path, guint64 offset, gsize size, guint8 *data, GError **error);

/* Reads @size bytes of @descriptor from byte @offset on, and leaves @descriptor open. @path is for
 * messages.
 * Returns: (transfer full): NULL with @error, also if the file is shorter */
GBytes *lstm_input_file_read_range (
    int descriptor, const char *path, guint64 offset, guint64 size, GError **error);

/* Reads the regular file @path. Returns: (transfer full): NULL with @error */
GBytes *lstm_input_file_read (const char *path, GError **error);
