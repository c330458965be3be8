/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The place of the cut: the input of the first recurrent node. */
#pragma once

#include "split/onnx/graph.h"

/* Sets splitter->cut, splitter->is_time_first and splitter->n_features.
 * Returns: (nullable): the problem */
const char *onnx_split_find_cut (Splitter *splitter);
