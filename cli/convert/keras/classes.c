/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keras/classes.h"
#include "keras/converters.h"

/* Converts a layer that computes the identity at inference. */
static gboolean
convert_identity (KerasReader *reader, KerasLayer *layer)
{
  return TRUE;
}

#define RECURRENT_FLAGS                                                                        \
  (KERAS_HAS_WEIGHTS | KERAS_NEEDS_SEQUENCE | KERAS_USES_MASK | KERAS_IN_BIDIRECTIONAL)
#define WRAPPER_FLAGS (KERAS_HAS_WEIGHTS | KERAS_NEEDS_SEQUENCE)
#define DENSE_FLAGS (KERAS_HAS_WEIGHTS | KERAS_IN_TIME_DISTRIBUTED)
#define SHAPE_FLAGS (KERAS_ACCEPTS_RESHAPED | KERAS_IN_TIME_DISTRIBUTED)
#define RECURRENT(name, flags, cell_class, ...)                                                \
  {                                                                                            \
    name, RECURRENT_FLAGS | (flags), keras_convert_recurrent, keras_check_recurrent,           \
        .cell = cell_class, ##__VA_ARGS__                                                      \
  }
#define ACTIVATION(name, get)                                                                  \
  {                                                                                            \
    name, KERAS_IN_TIME_DISTRIBUTED, keras_convert_activation, .get_activation = get           \
  }

const KerasClass keras_classes[] = {
    {"InputLayer", KERAS_IS_INPUT, keras_convert_input},
    RECURRENT ("LSTM", 0, "LSTMCell", .part = "cell", .aliases = {"UnifiedLSTM"}),
    RECURRENT ("CuDNNLSTM", KERAS_HAS_CUDNN_DEFAULTS, "LSTMCell"),
    RECURRENT ("GRU", 0, "GRUCell", .part = "cell", .aliases = {"UnifiedGRU"}),
    RECURRENT ("CuDNNGRU", KERAS_HAS_CUDNN_DEFAULTS, "GRUCell"),
    RECURRENT ("SimpleRNN", 0, "SimpleRNNCell", .part = "cell"),
    RECURRENT ("RNN", 0, NULL, .part = "cell"),
    {"Bidirectional", WRAPPER_FLAGS | KERAS_USES_MASK, keras_convert_bidirectional,
        keras_check_bidirectional, .n_wrapped = 2},
    {"TimeDistributed", WRAPPER_FLAGS, keras_convert_time_distributed,
        keras_check_time_distributed, .part = "layer", .n_wrapped = 1},
    {"Dense", DENSE_FLAGS, keras_convert_dense},
    ACTIVATION ("Activation", keras_get_named_activation),
    ACTIVATION ("ReLU", keras_get_relu),
    ACTIVATION ("LeakyReLU", keras_get_leaky_relu),
    ACTIVATION ("ELU", keras_get_elu),
    ACTIVATION ("ThresholdedReLU", keras_get_thresholded_relu),
    ACTIVATION ("Softmax", keras_get_softmax),
    {"Masking", KERAS_NEEDS_SEQUENCE | KERAS_MAKES_MASK, keras_convert_masking},
    {"Normalization", DENSE_FLAGS, keras_convert_normalization, .weights_key = "mean",
        .n_constants = 2, .n_unread = 1},
    {"Rescaling", KERAS_IN_TIME_DISTRIBUTED, keras_convert_rescaling},
    {"BatchNormalization", DENSE_FLAGS, keras_convert_batch_normalization,
        .aliases = {"BatchNormalizationV1", "BatchNormalizationV2"}, .n_constants = 2},
    {"LayerNormalization", DENSE_FLAGS, keras_convert_layer_normalization},
    {"GlobalAveragePooling1D", KERAS_NEEDS_SEQUENCE | KERAS_USES_MASK,
        keras_convert_average_pooling},
    {"GlobalMaxPooling1D", KERAS_NEEDS_SEQUENCE, keras_convert_max_pooling},
    {"RepeatVector", 0, keras_convert_repeat_vector},
    {"Flatten", SHAPE_FLAGS | KERAS_DROPS_MASK, keras_convert_flatten},
    {"Reshape", SHAPE_FLAGS | KERAS_DROPS_MASK, keras_convert_reshape},
    {"Dropout", SHAPE_FLAGS, convert_identity},
    {"SpatialDropout1D", KERAS_NEEDS_SEQUENCE, convert_identity},
    {"AlphaDropout", SHAPE_FLAGS, convert_identity},
    {"GaussianDropout", SHAPE_FLAGS, convert_identity},
    {"GaussianNoise", SHAPE_FLAGS, convert_identity},
    {"ActivityRegularization", SHAPE_FLAGS, convert_identity},
    {"Identity", SHAPE_FLAGS, convert_identity},
    {NULL},
};
