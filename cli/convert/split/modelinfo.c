/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/pipelines.h"

/* Returns: (transfer full): the size of each axis of a frame, separated by commas */
static char *
list_dims (const ConvertSplit *split)
{
  const gsize first[] = {split->n_channels, split->height, split->width},
              last[] = {split->height, split->width, split->n_channels};
  const gsize *dims = split->is_channels_first ? first : last;

  return g_strdup_printf (
      "1,%" G_GSIZE_FORMAT ",%" G_GSIZE_FORMAT ",%" G_GSIZE_FORMAT, dims[0], dims[1], dims[2]);
}

char *
convert_modelinfo_write (const ConvertSplit *split, const ConvertNormalize *normalize)
{
  g_autofree char *dims = list_dims (split);
  GString *text = g_string_new ("[modelinfo]\nversion=1.0\ngroup-id=features\n\n");

  g_string_append_printf (text, "[frame]\nid=frame\ntype=%s\ndims=%s\ndir=input\nranges=",
      split->type == CONVERT_FRAME_UINT8 ? "uint8" : "float32", dims);
  convert_normalize_append_ranges (text, normalize, split->n_channels);
  g_string_append_printf (text,
      "\n\n[features]\nid=features\ntype=float32\ndims=1,%" G_GSIZE_FORMAT "\ndir=output\n",
      split->n_features);
  return g_string_free (text, FALSE);
}
