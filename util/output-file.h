/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Writes files. A regular file is replaced atomically: the new file is created in the directory
 * of the old file, after all links are resolved, and gets the name of the old file when it is
 * complete and synced. The mode is preserved, and the owner if the process may set it. The new
 * file has no name before that, so a process that is killed leaves no file. There are two
 * exceptions: a kill between the two system calls that replace a file, and a file system without
 * O_TMPFILE. Both leave a file of the same name, .NAME.lstm-tmp, which the next write or check
 * removes.
 *
 * Devices, pipes and descriptors of this process, such as /dev/stdout, are written in place.
 *
 * Errors have the domain G_FILE_ERROR, and their messages begin with the path. */
#pragma once
#include "util/output.h"

/* Begins to write @path. @needs_seek: the writer seeks, also to the first byte, so a target that
 * cannot seek is refused. After an error @file owns nothing. */
gboolean lstm_output_file_open (
    LstmOutputFile *file, const char *path, gboolean needs_seek, GError **error);

/* Writes @size bytes. An error frees @file and leaves the target unchanged. */
gboolean lstm_output_file_append (
    LstmOutputFile *file, const void *data, gsize size, GError **error);

/* Replaces the target and frees @file. An error frees @file, too, and leaves the target unchanged.
 * @durable: sync the directory, so that the file survives a loss of power */
gboolean lstm_output_file_commit (LstmOutputFile *file, gboolean durable, GError **error);

/* Frees @file and leaves the target unchanged. */
void lstm_output_file_abort (LstmOutputFile *file);

/* Creates a file without a name on the file system of @file. Returns: a descriptor, or -1 with
 * @error */
int lstm_output_file_open_scratch (const LstmOutputFile *file, GError **error);

/* Checks that @path is a regular file that can be replaced, or a name for a new one. Writes
 * nothing. */
gboolean lstm_output_file_check (const char *path, GError **error);

/* Opens @path, writes @bytes and commits. */
gboolean lstm_output_file_write (
    const char *path, GBytes *bytes, gboolean durable, GError **error);
