/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Writes the model of the memory: the part of the file that follows the cut. */
#pragma once

#include "split/onnx/graph.h"

/* Returns whether the memory has the output @name. Without --output, the memory has no output that
 * consists of frames or features. */
gboolean onnx_split_is_wanted (const Splitter *splitter, const char *name);

/* Returns: (transfer full): an ONNX model with the input [B, T, features], or NULL with *problem */
GBytes *onnx_split_write_rest (Splitter *splitter, const char **problem);
