/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "container/h5.h"
#include "container/npz.h"
#include "convert.h"

/* Reads a model from its configuration and from the weights in @h5 or @npz; the other one is NULL.
 * @config: JSON, @size bytes. @version: (nullable): of Keras, as the file states it */
ConvertModel *keras_read_model (const ConvertInput *input, const char *config, gsize size,
    const char *version, H5 *h5, Npz *npz, GError **error);
