/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "layers/builder.h"

/* Appends a layer y = (x - mean) scale + offset. The arrays are [d] or single values. A layer of
 * single values can precede the layer that defines d. @name is the name of the layer in
 * messages. */
gboolean lstm_normalization_append (LstmBuilder *builder, const char *name,
    const LstmArray *mean, const LstmArray *scale, const LstmArray *offset, GError **error);
