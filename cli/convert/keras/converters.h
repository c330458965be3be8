/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The functions of the rows in classes.c: see KerasClass for what each column does. */
#pragma once

#include "keras/reader.h"

/* activations.c */
JsonNode *keras_get_named_activation (
    KerasReader *reader, const KerasLayer *layer, JsonObject *config);
JsonNode *keras_get_relu (KerasReader *reader, const KerasLayer *layer, JsonObject *config);
JsonNode *keras_get_leaky_relu (
    KerasReader *reader, const KerasLayer *layer, JsonObject *config);
JsonNode *keras_get_elu (KerasReader *reader, const KerasLayer *layer, JsonObject *config);
JsonNode *keras_get_thresholded_relu (
    KerasReader *reader, const KerasLayer *layer, JsonObject *config);
JsonNode *keras_get_softmax (KerasReader *reader, const KerasLayer *layer, JsonObject *config);

/* layers.c */
gboolean keras_convert_activation (KerasReader *reader, KerasLayer *layer);
gboolean keras_convert_dense (KerasReader *reader, KerasLayer *layer);
gboolean keras_convert_masking (KerasReader *reader, KerasLayer *layer);
gboolean keras_check_time_distributed (KerasReader *reader, const KerasLayer *layer);
gboolean keras_convert_time_distributed (KerasReader *reader, KerasLayer *layer);

/* norm.c */
gboolean keras_convert_batch_normalization (KerasReader *reader, KerasLayer *layer);
gboolean keras_convert_layer_normalization (KerasReader *reader, KerasLayer *layer);
gboolean keras_convert_normalization (KerasReader *reader, KerasLayer *layer);
gboolean keras_convert_rescaling (KerasReader *reader, KerasLayer *layer);

/* pooling.c */
gboolean keras_convert_average_pooling (KerasReader *reader, KerasLayer *layer);
gboolean keras_convert_max_pooling (KerasReader *reader, KerasLayer *layer);

/* recurrent.c */
gboolean keras_check_recurrent (KerasReader *reader, const KerasLayer *layer);
gboolean keras_convert_recurrent (KerasReader *reader, KerasLayer *layer);
gboolean keras_check_bidirectional (KerasReader *reader, const KerasLayer *layer);
gboolean keras_convert_bidirectional (KerasReader *reader, KerasLayer *layer);

/* shape.c */
gboolean keras_convert_input (KerasReader *reader, KerasLayer *layer);
gboolean keras_convert_reshape (KerasReader *reader, KerasLayer *layer);
gboolean keras_convert_flatten (KerasReader *reader, KerasLayer *layer);
gboolean keras_convert_repeat_vector (KerasReader *reader, KerasLayer *layer);
