/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A daemon may have closed its standard input, output and error. What it opens next gets their
 * numbers, and is lost in a child, or written to as if it were them. */
#pragma once

#include <glib.h>

/* Opens /dev/null at each of the three numbers that is free. Returns these as bits. */
guint lstm_standard_files_fill (void);

/* Closes what lstm_standard_files_fill() has opened. */
void lstm_standard_files_clear (guint filled);
