/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "split/keras/frames.h"

/* The classes that process the frames of a clip independently outside TimeDistributed, and
 * differently from what their rows in frame_layers do. The last row has no name. */
extern const FrameLayer clip_layers[];
