/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Adapts the features to what elements of GStreamer put into the input "frame". */
#pragma once

#include "split/normalize.h"
#include "split/split.h"

/* Changes the input of the features to float32 if onnxinference cannot fill its type: uint8 with
 * channels first (which 1.28.8 fills wrongly), uint8 with padded rows (which 1.26.2 and 1.28.8 fill
 * with the padding), uint8 with one channel, float16. A Cast computes the old type, which is exact for
 * pixels of uint8. @path: for the message */
gboolean convert_frame_adapt (ConvertSplit *split, const char *path, GError **error);

/* Returns: (transfer full): the features with an input of pixels from 0 to 255 in float32, which the
 * network normalizes itself; NULL with @error. @path: for the message */
GBytes *convert_frame_normalize (const ConvertSplit *split, const ConvertNormalize *normalize,
    const char *path, GError **error);
