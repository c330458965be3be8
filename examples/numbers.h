/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads and writes steps as text: a step is a line of numbers, separated by blanks or commas. */
#pragma once
#include <glib.h>
#include <stdio.h>
#include <string.h>

/* Parses a line.
 * Returns: (transfer full): an array of float, or NULL with @error set if @line contains no number
 * or any other text */
static inline GArray *
numbers_parse (const char *line, GError **error)
{
  g_autoptr (GArray) numbers = g_array_new (FALSE, FALSE, sizeof (float));

  while (*(line += strspn (line, " \t\r\n,"))) {
    char *end;
    const float number = (float) g_ascii_strtod (line, &end); /* the locale does not matter */

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

/* Prints a line and flushes it, so that the reader of a pipe receives the line at once. */
static inline void
numbers_print (const float *numbers, gsize n)
{
  for (gsize i = 0; i < n; i++)
    printf ("%s%.6g", i ? " " : "", (double) numbers[i]);
  putchar ('\n');
  fflush (stdout);
}
