/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Convolutions. The kernel of Keras is (spatial axes, a, b), the kernel of ONNX is (b, a, spatial
 * axes). */
#include "keras/json.h"
#include "split/keras/layers.h"

/* A convolution as ONNX computes it */
typedef struct {
  const char *op_type;
  FrameWindow window;
  gint64 groups;
  gint64 n_inputs, n_outputs; /* channels */
  gint64 kernel_shape[2];     /* of the two axes that precede the spatial axes */
  const float *kernel;        /* (n_sites, a, b), as Keras orders it */
  gsize n_sites, n_a, n_b;
  const H5Array *bias; /* without values: none */
  gint64 output_padding[FRAME_MAX_SPATIAL];
} Convolution;

static const gint64 ones[FRAME_MAX_SPATIAL] = {1, 1};

/* Returns: (transfer full): @kernel (n_sites, n_a, n_b) as (n_b, n_a, n_sites), or for a depthwise
 * convolution as (n_a, n_b, n_sites) */
static float *
order_kernel (const Convolution *convolution, gboolean is_depthwise)
{
  gsize n_a = convolution->n_a, n_b = convolution->n_b, n_sites = convolution->n_sites;
  float *ordered = g_new (float, n_sites *n_a *n_b);

  for (gsize site = 0; site < n_sites; site++)
    for (gsize a = 0; a < n_a; a++)
      for (gsize b = 0; b < n_b; b++)
        ordered[(is_depthwise ? a * n_b + b : b * n_a + a) * n_sites + site] =
            convolution->kernel[(site * n_a + a) * n_b + b];
  return ordered;
}

/* Replaces @picture by the result of @convolution. */
static void
add_convolution (FrameGraph *graph, const FrameCall *call, const Convolution *convolution,
    gboolean is_depthwise, FramePicture *picture)
{
  g_autofree float *kernel = order_kernel (convolution, is_depthwise);
  gint64 shape[2 + FRAME_MAX_SPATIAL] = {
      convolution->kernel_shape[0], convolution->kernel_shape[1]};
  const char *inputs[] = {picture->value.name, NULL, NULL, NULL}, *name;
  guint n = picture->n_sizes;
  Onnx__NodeProto *node;

  for (guint i = 0; i < n; i++)
    shape[2 + i] = convolution->window.kernel[i];
  inputs[1] = frame_add_floats (graph, call, "kernel", 2 + n, shape, kernel);
  if (convolution->bias && convolution->bias->values)
    inputs[2] = frame_add_floats (
        graph, call, "bias", 1, &convolution->n_outputs, convolution->bias->values);
  name = frame_add_node (graph, call, convolution->op_type, inputs, &node);
  onnx_builder_set_ints (graph->builder, node, "kernel_shape", convolution->window.kernel, n);
  onnx_builder_set_ints (graph->builder, node, "strides", convolution->window.strides, n);
  onnx_builder_set_ints (graph->builder, node, "dilations", convolution->window.dilations, n);
  onnx_builder_set_ints (graph->builder, node, "pads", convolution->window.pads, 2 * (gsize) n);
  onnx_builder_set_int (graph->builder, node, "group", convolution->groups);
  if (g_str_equal (convolution->op_type, "ConvTranspose"))
    onnx_builder_set_ints (
        graph->builder, node, "output_padding", convolution->output_padding, n);
  frame_set_picture (
      picture, name, convolution->n_outputs, convolution->window.sizes, &picture->value);
  picture->n_channels = convolution->n_outputs;
  for (guint i = 0; i < n; i++)
    picture->sizes[i] = convolution->window.sizes[i];
}

/* Checks weight @index (kernel_size, @a, @b), and sets the kernel of @convolution. */
static gboolean
set_kernel (FrameGraph *graph, const FrameCall *call, const char *name, guint index,
    guint n_sizes, gint64 a, gint64 b, Convolution *convolution)
{
  gint64 shape[FRAME_MAX_SPATIAL + 2];

  convolution->n_sites = 1;
  for (guint i = 0; i < n_sizes; i++)
    shape[i] = convolution->window.kernel[i];
  shape[n_sizes] = a;
  shape[n_sizes + 1] = b;
  if (!frame_check_weight (graph, call, name, index, n_sizes + 2, shape))
    return FALSE;
  for (guint i = 0; i < n_sizes; i++)
    convolution->n_sites *= (gsize) shape[i];
  convolution->n_a = (gsize) a;
  convolution->n_b = (gsize) b;
  convolution->kernel = call->weights[index].values;
  return TRUE;
}

/* Sets the bias, weight @index, if the layer has one. */
static gboolean
set_bias (FrameGraph *graph, const FrameCall *call, guint index, Convolution *convolution)
{
  convolution->bias = &call->weights[index];
  return !convolution->bias->values
         || frame_check_weight (graph, call, "bias", index, 1, &convolution->n_outputs);
}

/* Reads the parts of the configuration that all convolutions have. */
static gboolean
read_window (FrameGraph *graph, const FrameCall *call, guint n, FramePicture *picture,
    FrameWindow *window)
{
  return frame_get_picture (graph, call, n, picture)
         && frame_read_sizes (graph, call, "kernel_size", n, NULL, window->kernel)
         && frame_read_sizes (graph, call, "strides", n, ones, window->strides)
         && frame_read_sizes (graph, call, "dilation_rate", n, ones, window->dilations)
         && frame_read_padding (graph, call, n == 1, window);
}

static gboolean
read_count (FrameGraph *graph, const FrameCall *call, const char *key, gint64 *value)
{
  const gint64 one = 1;

  return frame_read_sizes (
      graph, call, key, 1, g_str_equal (key, "filters") ? NULL : &one, value);
}

static gboolean
check_groups (FrameGraph *graph, const FrameCall *call, const Convolution *convolution)
{
  return (convolution->n_inputs % convolution->groups == 0
             && convolution->n_outputs % convolution->groups == 0)
         || keras_fail (graph->reader, call->layer, CONVERT_ERROR_FILE,
             "groups: expected a divisor of %" G_GINT64_FORMAT
             " input channels and %" G_GINT64_FORMAT " filters, found %" G_GINT64_FORMAT,
             convolution->n_inputs, convolution->n_outputs, convolution->groups);
}

/* Sets @output to @picture after the activation. */
static gboolean
finish_convolution (
    FrameGraph *graph, const FrameCall *call, const FramePicture *picture, FrameValue *output)
{
  *output = picture->value;
  return frame_check_size (graph, call, output)
         && frame_add_config_activation (graph, call, output);
}

static gboolean
emit_conv (FrameGraph *graph, const FrameCall *call, guint n_sizes, FrameValue *output)
{
  Convolution convolution = {.op_type = "Conv"};
  FramePicture picture;

  if (!read_window (graph, call, n_sizes, &picture, &convolution.window)
      || !read_count (graph, call, "filters", &convolution.n_outputs)
      || !read_count (graph, call, "groups", &convolution.groups))
    return FALSE;
  convolution.n_inputs = picture.n_channels;
  convolution.kernel_shape[0] = convolution.n_outputs;
  convolution.kernel_shape[1] = picture.n_channels / convolution.groups;
  if (!check_groups (graph, call, &convolution)
      || !set_kernel (graph, call, "kernel", 0, n_sizes, convolution.kernel_shape[1],
          convolution.n_outputs, &convolution)
      || !set_bias (graph, call, 1, &convolution)
      || !frame_plan_window (graph, call, &picture, &convolution.window))
    return FALSE;
  add_convolution (graph, call, &convolution, FALSE, &picture);
  return finish_convolution (graph, call, &picture, output);
}

/* Replaces @picture by the result of a depthwise convolution with weight 0. @bias_index: of the
 * weight that is the bias of the convolution; 0: none */
static gboolean
add_depthwise (FrameGraph *graph, const FrameCall *call, guint bias_index,
    const FrameWindow *window, FramePicture *picture)
{
  Convolution convolution = {.op_type = "Conv", .window = *window};
  gint64 multiplier;

  if (!read_count (graph, call, "depth_multiplier", &multiplier)
      || !set_kernel (graph, call, "depthwise_kernel", 0, picture->n_sizes, picture->n_channels,
          multiplier, &convolution))
    return FALSE;
  convolution.groups = convolution.n_inputs = picture->n_channels;
  convolution.n_outputs = convolution.kernel_shape[0] = picture->n_channels * multiplier;
  convolution.kernel_shape[1] = 1;
  if ((bias_index && !set_bias (graph, call, bias_index, &convolution))
      || !frame_plan_window (graph, call, picture, &convolution.window))
    return FALSE;
  add_convolution (graph, call, &convolution, TRUE, picture);
  return TRUE;
}

static gboolean
emit_depthwise (FrameGraph *graph, const FrameCall *call, guint n_sizes, FrameValue *output)
{
  FramePicture picture;
  FrameWindow window;

  return read_window (graph, call, n_sizes, &picture, &window)
         && add_depthwise (graph, call, 1, &window, &picture)
         && finish_convolution (graph, call, &picture, output);
}

static gboolean
emit_separable (FrameGraph *graph, const FrameCall *call, guint n_sizes, FrameValue *output)
{
  Convolution pointwise = {.op_type = "Conv",
      .window = {.kernel = {1, 1}, .strides = {1, 1}, .dilations = {1, 1}},
      .groups = 1};
  FramePicture picture;
  FrameWindow window;

  if (!read_window (graph, call, n_sizes, &picture, &window)
      || !add_depthwise (graph, call, 0, &window, &picture)
      || !read_count (graph, call, "filters", &pointwise.n_outputs))
    return FALSE;
  pointwise.n_inputs = pointwise.kernel_shape[1] = picture.n_channels;
  pointwise.kernel_shape[0] = pointwise.n_outputs;
  if (!set_kernel (graph, call, "pointwise_kernel", 1, n_sizes, picture.n_channels,
          pointwise.n_outputs, &pointwise)
      || !set_bias (graph, call, 2, &pointwise)
      || !frame_plan_window (graph, call, &picture, &pointwise.window))
    return FALSE;
  add_convolution (graph, call, &pointwise, FALSE, &picture);
  return finish_convolution (graph, call, &picture, output);
}

/* --- Transposed convolution --- */

/* Sets pads, output_padding and sizes as TensorFlow does: a size n becomes n · stride for "same",
 * and n · stride + max (kernel − stride, 0) for "valid". */
static void
plan_transposed (const FramePicture *picture, Convolution *convolution)
{
  FrameWindow *window = &convolution->window;

  for (guint i = 0; i < picture->n_sizes; i++) {
    gint64 stride = window->strides[i], rest = window->kernel[i] - stride;
    gint64 total = window->padding == FRAME_PADDING_SAME ? MAX (rest, 0) : 0;

    window->pads[i] = total / 2;
    window->pads[picture->n_sizes + i] = total - total / 2;
    convolution->output_padding[i] = MAX (-rest, 0);
    window->sizes[i] = picture->sizes[i] * stride + MAX (rest, 0) - total;
  }
}

static gboolean
check_dilations (FrameGraph *graph, const FrameCall *call, const FrameWindow *window)
{
  g_autofree char *found = keras_describe_member (call->layer->config, "dilation_rate");

  return (window->dilations[0] == 1 && window->dilations[1] == 1)
         || keras_fail (graph->reader, call->layer, CONVERT_ERROR_UNSUPPORTED,
             "dilation_rate: expected 1, found %s", found);
}

gboolean
frame_emit_conv_2d_transpose (FrameGraph *graph, const FrameCall *call, FrameValue *output)
{
  Convolution convolution = {.op_type = "ConvTranspose", .groups = 1};
  FramePicture picture;

  if (!read_window (graph, call, 2, &picture, &convolution.window)
      || !check_dilations (graph, call, &convolution.window)
      || !frame_check_unset (graph, call, "output_padding")
      || !read_count (graph, call, "filters", &convolution.n_outputs)
      || !set_kernel (
          graph, call, "kernel", 0, 2, convolution.n_outputs, picture.n_channels, &convolution)
      || !set_bias (graph, call, 1, &convolution))
    return FALSE;
  convolution.n_inputs = convolution.kernel_shape[0] = picture.n_channels;
  convolution.kernel_shape[1] = convolution.n_outputs;
  plan_transposed (&picture, &convolution);
  add_convolution (graph, call, &convolution, FALSE, &picture);
  return finish_convolution (graph, call, &picture, output);
}

/* --- Functions of rows --- */

FRAME_EMIT_SIZES (conv_1d, emit_conv, 1)
FRAME_EMIT_SIZES (conv_2d, emit_conv, 2)
FRAME_EMIT_SIZES (depthwise_conv_1d, emit_depthwise, 1)
FRAME_EMIT_SIZES (depthwise_conv_2d, emit_depthwise, 2)
FRAME_EMIT_SIZES (separable_conv_1d, emit_separable, 1)
FRAME_EMIT_SIZES (separable_conv_2d, emit_separable, 2)
