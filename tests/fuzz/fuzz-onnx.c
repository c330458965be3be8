/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libFuzzer driver. For any bytes the ONNX reader returns a model that can be written as
 * safetensors, or an error that names the path. */
#include "convert.h"
#include "container/formats.h"

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autoptr (LstmContent) content = lstm_content_new_static (data, size);
  const ConvertInput input = {"fuzz", content, data, size};
  g_autoptr (ConvertModel) model = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;

  lstm_format_find (content);
  model = convert_read_onnx (&input, &error);
  g_assert ((model == NULL) == (error != NULL));
  g_assert (!error || g_str_has_prefix (error->message, "fuzz: "));
  g_assert (!error || g_utf8_validate (error->message, -1, NULL));
  if (model)
    bytes = convert_model_to_bytes (model);
  return 0;
}
