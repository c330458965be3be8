/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "keras/reader.h"

#define KERAS_MAX_DIMS 8

/* Sets the features of the layer's input to @width, which the shape of the tensor @name requires.
 * Returns FALSE with an error if the previous layer has another number of features. */
gboolean keras_check_width (
    KerasReader *reader, const KerasLayer *layer, const char *name, gsize width);

/* Makes a vector the output of the current layer, which reads a sequence, and ends the mask. */
void keras_end_sequence (KerasReader *reader);

/* Makes a vector one step of a sequence, if a later layer needs a sequence. */
void keras_add_step (KerasReader *reader, const KerasLayer *layer);

/* Fills @sizes from element @first of @array on. Null and -1 become KERAS_UNKNOWN. @array:
 * (nullable).
 * Returns: the number of sizes; -1 if @array is not a shape of at most KERAS_MAX_DIMS dimensions */
int keras_parse_shape (JsonArray *array, guint first, gint64 sizes[KERAS_MAX_DIMS]);

/* Reads the shape of the model's input from the configuration of its first layer. */
gboolean keras_read_input_shape (KerasReader *reader, const KerasLayer *layer);
