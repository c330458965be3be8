/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/command.h"
#include "split/folder.h"
#include "split/pipelines.h"

static const ConvertNormalize bytes = {.ranges = {{0, 255}}};

/* Returns: (transfer none): the normalization that the option or the file states, or NULL with
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

/* Checks that onnxinference can fill the frames: it has no other formats of video, no other number
 * types, and fills uint8 channels first wrongly in 1.28.8. */
static gboolean
check_frame (const ConvertSplit *split, const char *path, GError **error)
{
  if (split->n_channels != 1 && split->n_channels != 3)
    g_set_error (error, CONVERT_ERROR, CONVERT_ERROR_UNSUPPORTED,
        "%s: --split is supported only for frames of 1 or 3 channels; found %" G_GSIZE_FORMAT,
        path, split->n_channels);
  else if (split->type == CONVERT_FRAME_FLOAT16
           || (split->type == CONVERT_FRAME_UINT8
               && (split->is_channels_first || split->n_channels == 1)))
    g_set_error (error, CONVERT_ERROR, CONVERT_ERROR_UNSUPPORTED,
        "%s: --split is supported only for frames of float32, or of uint8 with 3 channels "
        "last; "
        "found ONNX type %d, %" G_GSIZE_FORMAT " channels %s",
        path, split->type, split->n_channels, split->is_channels_first ? "first" : "last");
  else
    return TRUE;
  return FALSE;
}

char *
convert_split_write (const ConvertSplit *split, const char *path,
    const ConvertSplitOptions *options, GError **error)
{
  const ConvertNormalize *normalize;

  if (!check_frame (split, path, error))
    return NULL;
  normalize = find_normalize (split, path, options, error);
  if (!normalize || !convert_folder_write (split, normalize, options->folder, error))
    return NULL;
  return convert_pipelines_write (split, options, normalize);
}
