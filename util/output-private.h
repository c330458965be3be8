/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Functions that the sources of output-file.h share. */
#pragma once
#include "util/output-file.h"

/* "PATH: what @format says: what errno is called". Returns: FALSE, for `return` */
gboolean lstm_output_set_error (const LstmOutputFile *file, GError **error, int cause,
    const char *format, ...) G_GNUC_PRINTF (4, 5);
gboolean lstm_output_refuse_kind (
    const LstmOutputFile *file, const char *expected, mode_t mode, GError **error);

/* Returns: N where @path is /proc/self/fd/N by whatever name, else -1 */
int lstm_output_find_descriptor (const char *path);

/* Returns: (transfer full): no link, or a descriptor of this process; NULL, with errno, where there
 * are too many links */
char *lstm_output_follow_links (const char *path);

gboolean lstm_output_open_descriptor (
    LstmOutputFile *file, int descriptor, gboolean rewinds, GError **error);
gboolean lstm_output_open_in_place (
    LstmOutputFile *file, mode_t mode, gboolean rewinds, GError **error);

/* Removes the staged name if a killed process left it, and waits a moment for one that has it. FALSE,
 * with errno, where it makes no sense to try again. */
gboolean lstm_output_remove_leftover (const LstmOutputFile *file);

/* Make the staged name: for a file of O_TMPFILE that is open, and with a new file. FALSE with
 * errno, which is EEXIST where there is the name. */
gboolean lstm_output_link_staged (LstmOutputFile *file);
gboolean lstm_output_create_staged (LstmOutputFile *file);

/* One of these two, @make, as soon as no other process has the name */
gboolean lstm_output_make_staged (
    LstmOutputFile *file, gboolean (*make) (LstmOutputFile *), GError **error);
