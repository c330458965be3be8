/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Keras files next to a model that cannot be converted. A user who has exported a model often still
 * has the Keras file. */
#pragma once

#include <glib.h>

/* Finds a Keras file in the folder of the file @path for which @loads returns TRUE. Prefers the file
 * with the name of @path and another suffix. Tries at most 3 files of at most 64 MiB, each for at
 * most 2 seconds in a process of its own.
 * Returns: (transfer full) (nullable): its name without the folder */
char *convert_find_sibling (const char *path, gboolean (*loads) (const char *path));
