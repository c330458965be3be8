/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Writes the model of the features: one frame in, one vector out. */
#pragma once

#include "split/onnx/graph.h"

/* Returns: (transfer full): the model, or NULL with *problem */
GBytes *onnx_split_write_features (Splitter *splitter, const char **problem);
