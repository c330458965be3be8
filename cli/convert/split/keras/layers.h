/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The functions of the rows in layers.c, and the parts that the functions share. */
#pragma once

#include "split/keras/frames.h"

#define FRAME_MAX_SPATIAL 2 /* axes along which a convolution or a pooling moves its window */

/* --- layers-config.c: members of the configuration of a layer --- */

/* A number of values for each spatial axis */
typedef struct {
  gint64 first[FRAME_MAX_SPATIAL], last[FRAME_MAX_SPATIAL];
} FrameEdges;

/* Sets @values [@n] to a member that is an integer ≥ 1, or an array of @n of them. @default_values:
 * (nullable): NULL: the member must exist */
gboolean frame_read_sizes (FrameGraph *graph, const FrameCall *call, const char *key, guint n,
    const gint64 *default_values, gint64 *values);

/* Reads values ≥ 0 of the first and the last edge of @n axes: a number, an array of a number or a
 * pair for each axis, or the pair of a single axis. */
gboolean frame_read_edges (
    FrameGraph *graph, const FrameCall *call, const char *key, guint n, FrameEdges *edges);

/* Sets @index to the position of a string among @choices (NULL-terminated). A missing member is the
 * first choice. */
gboolean frame_read_choice (FrameGraph *graph, const FrameCall *call, const char *key,
    const char *const *choices, guint *index);

/* Checks that a member is missing, null or false, because the layer supports no other value. */
gboolean frame_check_unset (FrameGraph *graph, const FrameCall *call, const char *key);

/* Appends to @values a number, or the numbers of an array, which may be the single element of other
 * arrays. @key: of @node, for messages. @node: nullable */
gboolean frame_read_numbers (
    FrameGraph *graph, const FrameCall *call, const char *key, JsonNode *node, GArray *values);

/* Adds @numbers as an initializer that broadcasts to @value: a scalar, or a factor for the last
 * axis. Returns: (transfer none) (nullable): its name; NULL with an error */
const char *frame_add_numbers (FrameGraph *graph, const FrameCall *call, const char *key,
    const FrameValue *value, const GArray *numbers);

/* --- layers-picture.c: values with spatial axes --- */

/* Checks that the number of values of @output is possible. */
gboolean frame_check_size (FrameGraph *graph, const FrameCall *call, const FrameValue *output);

/* An input with spatial axes, in the order that ONNX's operators expect: [1, c, …] */
typedef struct {
  FrameValue value;
  gboolean is_first; /* data_format is channels_first */
  guint n_sizes;     /* spatial axes */
  gint64 n_channels, sizes[FRAME_MAX_SPATIAL];
} FramePicture;

/* Reads data_format, and orders the axes of the input of a layer with @n_sizes spatial axes. */
gboolean frame_get_picture (
    FrameGraph *graph, const FrameCall *call, guint n_sizes, FramePicture *picture);

/* Sets @output to the value @name, which has @n_channels and @sizes. */
void frame_set_picture (const FramePicture *picture, const char *name, gint64 n_channels,
    const gint64 *sizes, FrameValue *output);

typedef enum {
  FRAME_PADDING_VALID,
  FRAME_PADDING_SAME,
  FRAME_PADDING_CAUSAL,
} FramePadding;

/* A window that moves over the spatial axes */
typedef struct {
  FramePadding padding;
  gint64 kernel[FRAME_MAX_SPATIAL], strides[FRAME_MAX_SPATIAL], dilations[FRAME_MAX_SPATIAL];
  gint64
      pads[2 * FRAME_MAX_SPATIAL]; /* in the order of ONNX: of all axes, first the beginnings */
  gint64 sizes[FRAME_MAX_SPATIAL]; /* of the output */
} FrameWindow;

/* Sets padding from the configuration. */
gboolean frame_read_padding (
    FrameGraph *graph, const FrameCall *call, gboolean is_causal_possible, FrameWindow *window);

/* Sets pads and sizes for an input of @picture, as TensorFlow does. */
gboolean frame_plan_window (
    FrameGraph *graph, const FrameCall *call, const FramePicture *picture, FrameWindow *window);

/* --- layers-activations.c --- */

/* Adds the function that the configuration has under "activation", and replaces @value by the
 * result. Without the key, @value stays the same. */
gboolean frame_add_config_activation (
    FrameGraph *graph, const FrameCall *call, FrameValue *value);

/* --- Functions of rows --- */

#define FRAME_EMIT(name)                                                                       \
  gboolean frame_emit_##name (FrameGraph *graph, const FrameCall *call, FrameValue *output)

/* Defines a function that calls @emit with the number of spatial axes. */
#define FRAME_EMIT_SIZES(name, emit, n_sizes)                                                  \
  FRAME_EMIT (name)                                                                            \
  {                                                                                            \
    return emit (graph, call, n_sizes, output);                                                \
  }

/* layers-activations.c */
FRAME_EMIT (activation);
FRAME_EMIT (class_activation);
FRAME_EMIT (relu);
FRAME_EMIT (prelu);
FRAME_EMIT (softmax);

/* layers-convolution.c */
FRAME_EMIT (conv_1d);
FRAME_EMIT (conv_2d);
FRAME_EMIT (depthwise_conv_1d);
FRAME_EMIT (depthwise_conv_2d);
FRAME_EMIT (separable_conv_1d);
FRAME_EMIT (separable_conv_2d);
FRAME_EMIT (conv_2d_transpose);

/* layers-dense.c */
FRAME_EMIT (identity);
FRAME_EMIT (dense);

/* layers-merge.c */
FRAME_EMIT (add);
FRAME_EMIT (subtract);
FRAME_EMIT (multiply);
FRAME_EMIT (average);
FRAME_EMIT (maximum);
FRAME_EMIT (minimum);
FRAME_EMIT (concatenate);
FRAME_EMIT (custom_scale);

/* layers-normalization.c */
FRAME_EMIT (batch_normalization);
FRAME_EMIT (layer_normalization);
FRAME_EMIT (normalization);
FRAME_EMIT (rescaling);
FRAME_EMIT (layer_scale);

/* layers-pooling.c */
FRAME_EMIT (max_pooling_1d);
FRAME_EMIT (max_pooling_2d);
FRAME_EMIT (average_pooling_1d);
FRAME_EMIT (average_pooling_2d);
FRAME_EMIT (global_max_pooling_1d);
FRAME_EMIT (global_max_pooling_2d);
FRAME_EMIT (global_average_pooling_1d);
FRAME_EMIT (global_average_pooling_2d);

/* layers-shape.c */
FRAME_EMIT (flatten);
FRAME_EMIT (reshape);
FRAME_EMIT (permute);

/* layers-resize.c */
FRAME_EMIT (zero_padding_1d);
FRAME_EMIT (zero_padding_2d);
FRAME_EMIT (cropping_1d);
FRAME_EMIT (cropping_2d);
FRAME_EMIT (up_sampling_1d);
FRAME_EMIT (up_sampling_2d);
FRAME_EMIT (resizing);
