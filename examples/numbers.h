/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Steps as text, for the examples: a step is a line of numbers, blanks or a comma between them. */
#pragma once
#include <glib.h>
#include <stdio.h>
#include <string.h>

/* Returns: (transfer full): float, or NULL with @error set where @line has none, or something else */
static inline GArray *
numbers_parse (const char *line, GError **error)
{
  g_autoptr (GArray) numbers = g_array_new (FALSE, FALSE, sizeof (float));

  while (*(line += strspn (line, " \t\r\n,"))) {
    char *end;
    const float number = (float) g_ascii_strtod (line, &end); /* whatever the locale is */

    if (end == line) {
      g_set_error (error, G_NUMBER_PARSER_ERROR, G_NUMBER_PARSER_ERROR_INVALID,
          "expected a number, found '%.*s'", (int) strcspn (line, "\r\n"), line);
      return NULL;
    }
    g_array_append_val (numbers, number);
    line = end;
  }
  if (numbers->len == 0) {
    g_set_error (error, G_NUMBER_PARSER_ERROR, G_NUMBER_PARSER_ERROR_INVALID,
        "expected numbers, found none");
    return NULL;
  }
  return g_steal_pointer (&numbers);
}

/* Flushed line by line, so that whoever reads at the other end of a pipe need not wait. */
static inline void
numbers_print (const float *numbers, gsize n)
{
  for (gsize i = 0; i < n; i++)
    printf ("%s%.6g", i ? " " : "", (double) numbers[i]);
  putchar ('\n');
  fflush (stdout);
}
