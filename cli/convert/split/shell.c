/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/shell.h"
#include <string.h>

/* Characters that a shell does not interpret */
#define PLAIN "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./,:=@%+-"

void
convert_shell_append (GString *line, const char *word)
{
  const gboolean is_plain = *word && word[strspn (word, PLAIN)] == 0;
  g_autofree char *quoted = is_plain ? g_strdup (word) : g_shell_quote (word);

  if (line->len)
    g_string_append_c (line, ' ');
  g_string_append (line, quoted);
}

char *
convert_shell_join (char **argv)
{
  GString *line = g_string_new (NULL);

  for (; *argv; argv++)
    convert_shell_append (line, *argv);
  return g_string_free (line, FALSE);
}
