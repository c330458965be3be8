/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/split.h"

static ConvertSplit *
refuse_split (const ConvertInput *input, GError **error)
{
  g_set_error (error, CONVERT_ERROR, CONVERT_ERROR_UNSUPPORTED,
      "%s: this build cannot split the model", input->path);
  return NULL;
}

ConvertSplit *
convert_split_keras (const ConvertInput *input, GError **error)
{
  return refuse_split (input, error);
}
