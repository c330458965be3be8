/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "keras/reader.h"

/* Sets the features of the layer's input to @width, which the shape of the tensor @name requires.
 * Returns FALSE with an error if the previous layer has another number of features. */
gboolean keras_check_width (
    KerasReader *reader, const KerasLayer *layer, const char *name, gsize width);

/* Reads the shape of the model's input from the configuration of its first layer. */
gboolean keras_read_input_shape (KerasReader *reader, const KerasLayer *layer);
