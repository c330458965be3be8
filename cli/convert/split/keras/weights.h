/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The weights of the layers that process one frame. */
#pragma once

#include "split/keras/calls.h"

/* Finds the datasets of the layers that @calls uses. Layers of a nested model share a list of
 * datasets in the order of the layers, not of the calls.
 * Returns: (transfer full) (nullable): KerasLayer → the paths of its datasets; NULL with an
 * error */
GHashTable *keras_find_frame_weights (KerasCalls *calls);

/* Reads the weights of @layer into @weights [KERAS_MAX_WEIGHTS], as its class has them. The caller
 * frees the values, also after an error. @paths: (nullable): of the datasets */
gboolean keras_read_frame_weights (
    KerasReader *reader, KerasLayer *layer, const GPtrArray *paths, H5Array weights[]);
