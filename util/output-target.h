/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Resolves the path of an output, and opens outputs that are written in place. */
#pragma once
#include "util/output.h"

/* Sets @error to "PATH: ", @format and the text of the errno value @cause. Returns: FALSE */
gboolean lstm_output_set_error (const LstmOutputFile *file, GError **error, int cause,
    const char *format, ...) G_GNUC_PRINTF (4, 5);

/* Sets @error to "PATH: expected @expected, found KIND", with the kind of file that @mode is.
 * Returns: FALSE */
gboolean lstm_output_refuse_kind (
    const LstmOutputFile *file, const char *expected, mode_t mode, GError **error);

/* Returns N if @path is /proc/self/fd/N by any name, else -1. */
int lstm_output_find_descriptor (const char *path);

/* Follows the links of @path. Returns: (transfer full): a path that is no link, or a descriptor
 * of this process; NULL with errno if there are too many links */
char *lstm_output_follow_links (const char *path);

/* Duplicates @descriptor for writing. @needs_seek: refuse a descriptor that cannot seek, or that
 * is not at its first byte */
gboolean lstm_output_open_descriptor (
    LstmOutputFile *file, int descriptor, gboolean needs_seek, GError **error);

/* Opens the device or pipe file->path, whose mode is @mode. @needs_seek: as above */
gboolean lstm_output_open_in_place (
    LstmOutputFile *file, mode_t mode, gboolean needs_seek, GError **error);
