/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/command.h"
#include "split/folder.h"
#include "split/frame.h"
#include "split/pipelines.h"

static const ConvertNormalize bytes = {.ranges = {{0, 255}}};

/* Returns: (transfer none): the normalization that the option or the model states; NULL with
 * @error */
static const ConvertNormalize *
find_normalize (const ConvertSplit *split, const char *path, const ConvertSplitOptions *options,
    GError **error)
{
  const ConvertNormalize *stated = options->normalize;

  if (split->range == CONVERT_RANGE_BYTES) {
    if (!stated || convert_normalize_is_identity (stated))
      return &bytes;
    g_set_error (error, CONVERT_ERROR, CONVERT_ERROR_UNSUPPORTED,
        "%s: --normalize: expected bytes, because the model reads pixels from 0 to 255, found "
        "\"%s\"",
        path, stated->text);
    return NULL;
  }
  if (stated)
    return convert_normalize_check (stated, path, split->n_channels, error) ? stated : NULL;
  g_set_error (error, CONVERT_ERROR, CONVERT_ERROR_UNSUPPORTED,
      "%s: --normalize: expected " CONVERT_NORMALIZE_CHOICES
      ", the values of the pixels 0 and 255 in the training, found no option, and the model "
      "does not state them; for example: %s --normalize 0..1",
      path, options->command);
  return NULL;
}

/* Checks that GStreamer has a video format for the frames. */
static gboolean
check_frame (const ConvertSplit *split, const char *path, GError **error)
{
  if (split->n_channels == 1 || split->n_channels == 3)
    return TRUE;
  g_set_error (error, CONVERT_ERROR, CONVERT_ERROR_UNSUPPORTED,
      "%s: --split is supported only for frames of 1 or 3 channels; found %" G_GSIZE_FORMAT,
      path, split->n_channels);
  return FALSE;
}

/* Checks that a frame has three channels if the option --colors states their order. */
static gboolean
check_colors (const ConvertSplit *split, const char *path, const ConvertSplitOptions *options,
    GError **error)
{
  if (split->n_channels == 3 || !options->is_bgr)
    return TRUE;
  g_set_error (error, CONVERT_ERROR, CONVERT_ERROR_UNSUPPORTED,
      "%s: --colors is supported only for frames of 3 channels; found %" G_GSIZE_FORMAT, path,
      split->n_channels);
  return FALSE;
}

/* Describes the parts on standard error, like the layers of a model. */
static void
print_parts (const ConvertSplit *split)
{
  g_autofree char *memory = convert_model_describe (split->memory);

  g_printerr ("  frame: %" G_GSIZE_FORMAT " x %" G_GSIZE_FORMAT " pixels of %" G_GSIZE_FORMAT
              " channels, channels %s; features: %" G_GSIZE_FORMAT " numbers\n",
      split->width, split->height, split->n_channels,
      split->is_channels_first ? "first" : "last", split->n_features);
  g_printerr ("%s", memory);
  for (guint i = 0; i < split->notes->len; i++)
    g_printerr ("  %s\n", (const char *) g_ptr_array_index (split->notes, i));
}

/* Sets @normalized to features that normalize pixels, if the channels have different ranges.
 * onnxinference of GStreamer 1.26 has one range for all channels. */
static gboolean
normalize_features (const ConvertSplit *split, const ConvertNormalize *normalize,
    const char *path, GBytes **normalized, GError **error)
{
  if (convert_normalize_is_uniform (normalize))
    return TRUE;
  *normalized = convert_frame_normalize (split, normalize, path, error);
  return *normalized != NULL;
}

char *
convert_split_write (
    ConvertSplit *split, const char *path, const ConvertSplitOptions *options, GError **error)
{
  const ConvertNormalize *normalize;
  g_autoptr (GBytes) normalized = NULL;

  if (!check_frame (split, path, error) || !check_colors (split, path, options, error)
      || !convert_frame_adapt (split, path, error))
    return NULL;
  print_parts (split);
  normalize = find_normalize (split, path, options, error);
  if (!normalize || !normalize_features (split, normalize, path, &normalized, error)
      || !convert_folder_write (split, normalize, normalized, options->folder, error))
    return NULL;
  return convert_pipelines_write (split, options, normalize);
}
