/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Adapts the input "frame" of the features to the tensors that elements of GStreamer fill. */
#pragma once

#include "split/normalize.h"
#include "split/split.h"

/* Changes the type of the input to float32 if onnxinference cannot fill the present type: float16,
 * uint8 with one channel, uint8 with padded rows, whose padding 1.26.2 and 1.28.8 copy, and uint8
 * with channels first, which 1.28.8 fills in the wrong order. A node Cast computes the previous
 * type, which is exact for pixels of uint8. @path: for the message */
gboolean convert_frame_adapt (ConvertSplit *split, const char *path, GError **error);

/* Returns: (transfer full): the features with nodes that normalize the input, which has pixels from
 * 0 to 255 in float32; NULL with @error. @path: for the message */
GBytes *convert_frame_normalize (const ConvertSplit *split, const ConvertNormalize *normalize,
    const char *path, GError **error);
