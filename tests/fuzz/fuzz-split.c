/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libFuzzer driver. For any bytes the reader of video models returns parts from which each file of
 * the folder can be made, or an error that names the path. The size of the input determines the
 * axes that are stated. */
#include "split/frame.h"
#include "split/labels.h"
#include "split/pipelines.h"

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

/* Makes all files of the folder. */
static void
make_files (ConvertSplit *split)
{
  const ConvertNormalize normalize = {
      .text = (char *) "fuzz", .n_channels = 3, .ranges = {{0, 1}, {-1, 1}, {0, 2}}};
  const ConvertSplitOptions options = {"folder", "command", &normalize, FALSE};
  g_autoptr (GBytes) memory = convert_model_to_bytes (split->memory), normalized = NULL;
  g_autofree char *labels = NULL, *info = NULL, *pipelines = NULL;
  g_autoptr (GError) error = NULL;

  g_assert (memory && split->features && split->n_features > 0);
  g_assert (split->n_channels > 0 && split->height > 0 && split->width > 0);
  if (split->n_channels != 3)
    return;
  if (!convert_frame_adapt (split, "fuzz", &error)) {
    g_assert (error);
    return;
  }
  normalized = convert_frame_normalize (split, &normalize, "fuzz", &error);
  g_assert ((normalized == NULL) == (error != NULL));
  labels = convert_labels_write (split);
  info = convert_modelinfo_write (split, &normalize);
  pipelines = convert_pipelines_write (split, &options, &normalize);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  static const char *const axes[] = {NULL, "0,1", "-,0"};
  g_autoptr (LstmContent) content = lstm_content_new_static (data, size);
  const ConvertInput input = {.path = "fuzz",
      .content = content,
      .data = data,
      .size = size,
      .steps = 4,
      .frame_size = {8, 8},
      .axes = axes[size % G_N_ELEMENTS (axes)]};
  g_autoptr (ConvertSplit) split = NULL;
  g_autoptr (GError) error = NULL;

  split = convert_split_onnx (&input, &error);
  g_assert ((split == NULL) == (error != NULL));
  g_assert (!error || g_str_has_prefix (error->message, "fuzz: "));
  g_assert (!error || g_utf8_validate (error->message, -1, NULL));
  if (split)
    make_files (split);
  return 0;
}
