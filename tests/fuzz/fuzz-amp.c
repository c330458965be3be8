/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libFuzzer driver. For any bytes the readers of amp models return a model that can be written as
 * safetensors, or an error that names the path. */
#include "convert.h"
#include "container/formats.h"

typedef ConvertModel *(*Reader) (const ConvertInput *input, GError **error);

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

static void
try_reader (const ConvertInput *input, Reader read)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ConvertModel) model = read (input, &error);
  g_autoptr (GBytes) bytes = NULL;

  g_assert ((model == NULL) == (error != NULL));
  g_assert (!error || g_str_has_prefix (error->message, "fuzz: "));
  g_assert (!error || g_utf8_validate (error->message, -1, NULL));
  if (model)
    bytes = convert_model_to_bytes (model);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autoptr (LstmContent) content = lstm_content_new_static (data, size);
  const ConvertInput input = {"fuzz", content, data, size};

  lstm_format_find (content);
  try_reader (&input, convert_read_rtneural);
  try_reader (&input, convert_read_nam);
  return 0;
}
