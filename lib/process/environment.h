/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* Returns whether this program has more rights than the user who started it, by set-user-ID,
 * set-group-ID or file capabilities. That user controls the environment, which must not choose
 * the programs and the code that run with these rights. */
gboolean lstm_is_privileged (void);

/* Returns the environment variable @name, or NULL if it is not set or lstm_is_privileged(). */
const char *lstm_getenv (const char *name);
