/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The staged name of an output: the name in the directory of the target that a file has before it
 * is complete. A process keeps a lock on its file of the staged name until it renames the file,
 * so a killed process left each file of that name without a lock. */
#pragma once
#include "util/output.h"

/* Removes a file of the staged name that a killed process left. Waits a millisecond if another
 * process has the name. Returns FALSE with errno if a further attempt is useless. */
gboolean lstm_output_remove_leftover (const LstmOutputFile *file);

/* Give the staged name to file->descriptor, which was opened with O_TMPFILE, or to a new file.
 * Return FALSE with errno, which is EEXIST if the name exists. */
gboolean lstm_output_link_staged (LstmOutputFile *file);
gboolean lstm_output_create_staged (LstmOutputFile *file);

/* Calls @make, one of the two functions above, until no other process has the staged name. */
gboolean lstm_output_make_staged (
    LstmOutputFile *file, gboolean (*make) (LstmOutputFile *), GError **error);
