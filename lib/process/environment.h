/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* Returns whether this program has rights that the user who started it has not: set-user-ID,
 * set-group-ID, or file capabilities. Its environment is that user's, who must not choose by it
 * which program runs with these rights, or what code. */
gboolean lstm_is_privileged (void);

/* Of the environment; NULL if it is not set, or lstm_is_privileged(). */
const char *lstm_getenv (const char *name);
