/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Keeps the numbers of standard input, output and error in use. A daemon may have closed these
 * files, and the next file that the daemon opens would get such a number: a child would lose the
 * file, or write messages to the file. */
#pragma once

#include <glib.h>

/* Opens /dev/null at each of the three numbers that is free. Returns these numbers as bits. */
guint lstm_standard_files_fill (void);

/* Closes the numbers that lstm_standard_files_fill() returned. */
void lstm_standard_files_clear (guint filled);
