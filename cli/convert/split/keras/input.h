/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The frames that a video model reads. */
#pragma once

#include "split/keras/calls.h"
#include "split/split.h"

/* Finds the only input of the model, and sets the shape, the number type and the steps of @split.
 * @value: set to the input of one frame, without a name */
gboolean keras_read_frame_shape (KerasCalls *calls, ConvertSplit *split, FrameValue *value);

/* Returns the range of the values of a frame, as far as the layers state it, which read the input
 * of the model. */
ConvertFrameRange keras_find_range (const KerasCalls *calls);
