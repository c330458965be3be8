/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/labels.h"
#include <string.h>

/* Returns: (nullable): the fault for which lstmlabel does not accept @label as a line; NULL:
 * none */
static const char *
find_fault (const char *label)
{
  if (!g_utf8_validate (label, -1, NULL))
    return "text that is not UTF-8";
  if (strpbrk (label, "\n\r"))
    return "a line break";
  if (label[strspn (label, " \t")] == 0)
    return "an empty label";
  return NULL;
}

char *
convert_labels_describe (const ConvertSplit *split)
{
  for (guint i = 0; split->labels && split->labels[i]; i++) {
    const char *fault = find_fault (split->labels[i]);

    if (fault)
      return g_strdup_printf ("the label %u of the model: expected one line of text, found %s; "
                              "no file of labels is "
                              "written",
          i, fault);
  }
  return NULL;
}

char *
convert_labels_write (const ConvertSplit *split)
{
  g_autofree char *fault = convert_labels_describe (split), *lines = NULL;

  if (!split->labels || !split->labels[0] || fault)
    return NULL;
  lines = g_strjoinv ("\n", split->labels);
  return g_strconcat (lines, "\n", NULL);
}
