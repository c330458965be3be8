/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files that are read as a whole. A FIFO would block and a device might never end, so they are
 * refused before they are opened. Errors are of G_FILE_ERROR, and begin with the path. */
#pragma once
#include <glib.h>
#include <sys/types.h>

/* Returns: the kind of a file with its article, as "a directory" */
const char *lstm_file_kind (mode_t mode);

/* Opens the regular file @path and sets @size, its bytes. Returns: a descriptor, or -1 */
int lstm_input_file_open (const char *path, guint64 *size, GError **error);

/* Reads the @size bytes of @descriptor from the first one on; fewer are an error. The descriptor
 * stays open. Returns: (transfer full): NULL with @error */
GBytes *lstm_input_file_read_all (
    int descriptor, const char *path, guint64 size, GError **error);

/* Opens, reads and closes the regular file @path. Returns: (transfer full): NULL with @error */
GBytes *lstm_input_file_read (const char *path, GError **error);
