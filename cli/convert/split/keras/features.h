/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The layers before the memory as an ONNX model. */
#pragma once

#include "split/keras/calls.h"
#include "split/split.h"

/* Returns: (transfer full): the rows of keras_classes, and those of frame_layers that no class has;
 * with the weights of frame_layers. The last row has no name. */
GArray *keras_list_video_classes (void);

/* Checks that each used call has a supported class. */
gboolean keras_check_features (const KerasCalls *calls);

/* Sets split->features and split->n_features to the model that computes the result of call @index
 * from
 * @frame. */
gboolean keras_emit_features (
    KerasCalls *calls, const FrameValue *frame, guint index, ConvertSplit *split);
