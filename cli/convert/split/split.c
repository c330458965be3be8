/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/split.h"

ConvertSplit *
convert_split_new (void)
{
  ConvertSplit *split = g_new0 (ConvertSplit, 1);

  split->notes = g_ptr_array_new_with_free_func (g_free);
  return split;
}

void
convert_split_free (ConvertSplit *split)
{
  g_clear_pointer (&split->features, g_bytes_unref);
  g_clear_pointer (&split->memory, convert_model_free);
  g_strfreev (split->labels);
  g_ptr_array_unref (split->notes);
  g_free (split);
}
