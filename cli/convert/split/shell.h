/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* Appends @word to @line, after a space unless @line is empty. A word with characters that a shell
 * interprets is quoted. */
void convert_shell_append (GString *line, const char *word);

/* Returns: (transfer full): the words of @argv as one line */
char *convert_shell_join (char **argv);
