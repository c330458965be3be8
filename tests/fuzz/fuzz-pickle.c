/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libFuzzer driver. For any bytes the PyTorch reader returns a model that can be written as
 * safetensors, or an error that names the path. A zip archive has checksums, so that few of its
 * changed copies reach the reader of pickles; inputs without an archive reach it at once, as a
 * pickle and as a complete file of PyTorch before 1.6. */
#include "convert.h"
#include "container/formats.h"
#include "container/pickle.h"

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

static void
read_pickle (const guint8 *data, gsize size)
{
  g_autoptr (Pickle) pickle = pickle_new ("fuzz: pickle");
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  const PickleValue *value;
  gsize end;

  value = pickle_read (pickle, data, size, &end, &error);
  g_assert ((value == NULL) == (error != NULL));
  g_assert (!value || end <= size);
  text = pickle_describe (value);
  g_assert (g_utf8_validate (text, -1, NULL));
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autoptr (LstmContent) content = lstm_content_new_static (data, size);
  const ConvertInput input = {"fuzz", content, data, size};
  g_autoptr (ConvertModel) model = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;

  lstm_format_find (content);
  read_pickle (data, size);
  model = convert_read_pytorch (&input, &error);
  g_assert ((model == NULL) == (error != NULL));
  g_assert (!error || g_str_has_prefix (error->message, "fuzz: "));
  if (model)
    bytes = convert_model_to_bytes (model);
  return 0;
}
