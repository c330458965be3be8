/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/args.h"
#include "split/onnx/ops.h"

/* Returns NULL if input 0 of @node has the shape [n, c, spatial …] and batch and time in axis 0
 * alone, or an unsupported value. */
static OnnxValue *
check_pictures (Splitter *splitter, const SplitNode *node, guint n_axes)
{
  const SplitDims *dims = onnx_split_get_dims (node, 0);
  OnnxValue *unsupported = NULL;

  if (dims->n < n_axes)
    return onnx_unsupported (&splitter->reader, &node->base,
        "input 0: expected at least %u dimensions, found %s", n_axes,
        onnx_split_dims_describe (&splitter->reader, dims));
  for (guint i = 1; !unsupported && i < node->base.n_inputs; i++)
    unsupported = onnx_split_check_constant (splitter, node, i);
  return unsupported ? unsupported
                     : onnx_split_check_axes (splitter, node, 0, 1, node->op->verb);
}

static OnnxValue *
set_outputs (Splitter *splitter, SplitNode *node, const SplitDims *dims)
{
  OnnxValue *unsupported = NULL;

  for (guint i = 0; !unsupported && i < node->base.n_outputs; i++)
    unsupported = onnx_split_set_output (splitter, node, i, dims);
  return unsupported;
}

OnnxValue *
onnx_split_run_pictures (Splitter *splitter, SplitNode *node)
{
  OnnxValue *unsupported = check_pictures (splitter, node, 2);

  return unsupported ? unsupported
                     : set_outputs (splitter, node, onnx_split_get_dims (node, 0));
}

OnnxValue *
onnx_split_run_global_pool (Splitter *splitter, SplitNode *node)
{
  SplitDims dims = *onnx_split_get_dims (node, 0);
  OnnxValue *unsupported = check_pictures (splitter, node, 2);

  for (guint i = 2; i < dims.n; i++)
    dims.axes[i] = onnx_split_plain_axis (1);
  return unsupported ? unsupported : set_outputs (splitter, node, &dims);
}

/* Sets the sizes of a rearrangement between channels and blocks of pixels. */
static OnnxValue *
run_blocks (Splitter *splitter, SplitNode *node, gboolean to_space)
{
  SplitDims dims = *onnx_split_get_dims (node, 0);
  OnnxValue *unsupported = check_pictures (splitter, node, 4);
  gint64 block = onnx_get_int (&node->base, "blocksize", 0), c, h, w;

  if (unsupported)
    return unsupported;
  c = onnx_split_axis_size (&dims.axes[1]);
  h = onnx_split_axis_size (&dims.axes[2]);
  w = onnx_split_axis_size (&dims.axes[3]);
  if (dims.n != 4 || block < 1 || block > 65536
      || (to_space ? c % (block * block) : h % block || w % block))
    return onnx_unsupported (&splitter->reader, &node->base,
        "blocksize: expected a divisor of the sizes %s, found %" G_GINT64_FORMAT,
        onnx_split_dims_describe (&splitter->reader, &dims), block);
  if (c > G_MAXINT32 || h > G_MAXINT32 || w > G_MAXINT32)
    return onnx_unsupported (&splitter->reader, &node->base,
        "input 0: expected sizes below 2^31, found %s",
        onnx_split_dims_describe (&splitter->reader, &dims));
  dims.axes[1] = onnx_split_plain_axis (to_space ? c / block / block : c * block * block);
  dims.axes[2] = onnx_split_plain_axis (to_space ? h * block : h / block);
  dims.axes[3] = onnx_split_plain_axis (to_space ? w * block : w / block);
  return set_outputs (splitter, node, &dims);
}

OnnxValue *
onnx_split_run_depth_to_space (Splitter *splitter, SplitNode *node)
{
  return run_blocks (splitter, node, TRUE);
}

OnnxValue *
onnx_split_run_space_to_depth (Splitter *splitter, SplitNode *node)
{
  return run_blocks (splitter, node, FALSE);
}

/* The arguments of a window along one axis */
typedef struct {
  gint64 kernel, stride, dilation, pads[2], output_padding;
} Window;

typedef struct {
  Window axes[ONNX_MAX_DIMS]; /* (n), from axis 2 of the input on */
  guint n;
  char *auto_pad;
  gboolean is_ceil, is_transposed;
} Windows;

static void
windows_clear (Windows *windows)
{
  g_free (windows->auto_pad);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Windows, windows_clear)

/* Reads a list of an integer for each axis, or of two integers if it is pads, into the field at
 * @offset of each axis. */
static OnnxValue *
read_list (Splitter *splitter, SplitNode *node, const char *name, Windows *windows,
    gsize offset, gint64 least, gboolean is_pads)
{
  gsize n, expected = is_pads ? 2 * (gsize) windows->n : windows->n;
  const gint64 *ints;
  OnnxValue *unsupported = onnx_split_get_ints (splitter, node, name, G_MAXUINT, &ints, &n);

  if (unsupported || !ints)
    return unsupported;
  for (gsize i = 0; i < n && n == expected; i++) {
    Window *axis = &windows->axes[i % windows->n];

    if (ints[i] < least)
      n = 0;
    else
      G_STRUCT_MEMBER (gint64, axis, offset + i / windows->n * sizeof (gint64)) = ints[i];
  }
  if (n == expected)
    return NULL;
  return onnx_unsupported (&splitter->reader, &node->base,
      "%s: expected %" G_GSIZE_FORMAT " integers of at least %" G_GINT64_FORMAT ", found %s",
      name, expected, least,
      onnx_describe_argument (&splitter->reader, &node->base, name, G_MAXUINT));
}

/* Sets the kernel of each axis from the shape of the weights. */
static OnnxValue *
read_kernel (Splitter *splitter, SplitNode *node, Windows *windows)
{
  const SplitDims *weights = onnx_split_get_dims (node, node->op->weights);

  if (!node->op->weights)
    return onnx_find_attribute (&node->base, "kernel_shape")
               ? NULL
               : onnx_unsupported (&splitter->reader, &node->base,
                   "kernel_shape: expected a size for each axis, found none");
  if (!weights || weights->n != windows->n + 2)
    return onnx_unsupported (&splitter->reader, &node->base,
        "input %u: expected weights of %u dimensions, found %s", node->op->weights,
        windows->n + 2,
        weights ? onnx_split_dims_describe (&splitter->reader, weights) : "none");
  for (guint i = 0; i < windows->n; i++) {
    windows->axes[i].kernel = onnx_split_axis_size (&weights->axes[i + 2]);
    if (windows->axes[i].kernel > G_MAXINT32)
      return onnx_unsupported (&splitter->reader, &node->base,
          "input %u: expected weights of sizes below 2^31, found %s", node->op->weights,
          onnx_split_dims_describe (&splitter->reader, weights));
  }
  return NULL;
}

static OnnxValue *
read_windows (Splitter *splitter, SplitNode *node, Windows *windows)
{
  static const struct {
    const char *name;
    gsize offset;
    gint64 least;
    gboolean is_pads;
  } lists[] = {{"kernel_shape", G_STRUCT_OFFSET (Window, kernel), 1, FALSE},
      {"strides", G_STRUCT_OFFSET (Window, stride), 1, FALSE},
      {"dilations", G_STRUCT_OFFSET (Window, dilation), 1, FALSE},
      {"output_padding", G_STRUCT_OFFSET (Window, output_padding), 0, FALSE},
      {"pads", G_STRUCT_OFFSET (Window, pads), -G_MAXINT32, TRUE}};
  OnnxValue *unsupported;

  windows->n = onnx_split_get_dims (node, 0)->n - 2;
  windows->auto_pad = onnx_get_string (&node->base, "auto_pad", "NOTSET");
  windows->is_ceil = onnx_get_int (&node->base, "ceil_mode", 0) != 0;
  windows->is_transposed = g_str_equal (node->base.proto->op_type, "ConvTranspose");
  for (guint i = 0; i < windows->n; i++)
    windows->axes[i] = (Window){1, 1, 1, {0, 0}, 0};
  unsupported = read_kernel (splitter, node, windows);
  for (guint k = 0; !unsupported && k < G_N_ELEMENTS (lists); k++)
    unsupported = read_list (splitter, node, lists[k].name, windows, lists[k].offset,
        lists[k].least, lists[k].is_pads);
  return unsupported;
}

/* Returns the size of the output along an axis of @size values; 0 or less if the kernel does not fit.
 * Arguments have at most 2^31, so that no product overflows. */
static gint64
compute_size (const Windows *windows, const Window *axis, gint64 size)
{
  gboolean is_same = g_str_has_prefix (windows->auto_pad, "SAME");
  gint64 extent = axis->dilation * (axis->kernel - 1) + 1, n, rest;
  gint64 pads = g_str_equal (windows->auto_pad, "NOTSET") ? axis->pads[0] + axis->pads[1] : 0;

  if (windows->is_transposed)
    return is_same ? size * axis->stride
                   : axis->stride * (size - 1) + axis->output_padding + extent - pads;
  if (is_same)
    return (size + axis->stride - 1) / axis->stride;
  rest = size + pads - extent;
  if (rest < 0)
    return 0;
  n = rest / axis->stride + 1;
  /* A window starts in the picture or in the padding before it. */
  if (windows->is_ceil && rest % axis->stride && n * axis->stride < size + axis->pads[0])
    n++;
  return n;
}

static gboolean
is_trivial (const Windows *windows, const Window *axis)
{
  gboolean is_padded = g_str_equal (windows->auto_pad, "NOTSET")
                       && (axis->pads[0] || axis->pads[1]);

  return axis->kernel == 1 && axis->stride == 1 && !is_padded && !axis->output_padding;
}

/* Returns the number of channels of the output, or 0 if the weights do not fit the input. */
static gint64
count_channels (const SplitNode *node, const Windows *windows, gint64 n_channels)
{
  const SplitDims *weights = onnx_split_get_dims (node, node->op->weights);
  gint64 group = onnx_get_int (&node->base, "group", 1), n_in, n_out;

  if (!node->op->weights)
    return n_channels;
  n_out = onnx_split_axis_size (&weights->axes[0]);
  n_in = onnx_split_axis_size (&weights->axes[1]);
  if (group < 1 || n_channels % group)
    return 0;
  if (windows->is_transposed)
    return n_out == n_channels && n_in <= G_MAXINT32 && group <= G_MAXINT32 ? n_in * group : 0;
  return n_in == n_channels / group && n_out % group == 0 ? n_out : 0;
}

/* Sets the sizes of ConvTranspose that its attribute output_shape states. */
static OnnxValue *
apply_output_shape (Splitter *splitter, SplitNode *node, SplitDims *dims)
{
  const gint64 *ints;
  gsize n;
  OnnxValue *unsupported = onnx_split_get_ints (
      splitter, node, "output_shape", G_MAXUINT, &ints, &n);

  if (unsupported || !ints)
    return unsupported;
  if (n != dims->n - 2)
    return onnx_unsupported (&splitter->reader, &node->base,
        "output_shape: expected %u sizes, found %" G_GSIZE_FORMAT, dims->n - 2, n);
  for (guint i = 0; i < n; i++)
    if (!onnx_split_axis_is_tagged (&dims->axes[i + 2]))
      dims->axes[i + 2] = onnx_split_plain_axis (ints[i]);
  return NULL;
}

OnnxValue *
onnx_split_run_sliding (Splitter *splitter, SplitNode *node)
{
  SplitDims dims = *onnx_split_get_dims (node, 0);
  g_auto (Windows) windows = {{{0}}};
  OnnxValue *unsupported = NULL;
  guint32 mask = 1;

  if (dims.n < 3)
    return check_pictures (splitter, node, 3);
  if ((unsupported = read_windows (splitter, node, &windows)))
    return unsupported;
  for (guint i = 0; i < windows.n; i++)
    mask |= is_trivial (&windows, &windows.axes[i]) ? 4u << i : 0;
  for (guint i = 1; !unsupported && i < node->base.n_inputs; i++)
    unsupported = onnx_split_check_constant (splitter, node, i);
  if (unsupported
      || (unsupported = onnx_split_check_axes (splitter, node, 0, mask & ~2u, node->op->verb)))
    return unsupported;
  for (guint i = 0; i < windows.n; i++) {
    gint64 size = onnx_split_axis_size (&dims.axes[i + 2]);

    if (size > G_MAXINT32)
      size = 0;
    if (!onnx_split_axis_is_tagged (&dims.axes[i + 2]))
      dims.axes[i + 2] = onnx_split_plain_axis (
          size ? compute_size (&windows, &windows.axes[i], size) : 0);
  }
  dims.axes[1] = onnx_split_plain_axis (
      count_channels (node, &windows, onnx_split_axis_size (&dims.axes[1])));
  if (windows.is_transposed)
    unsupported = apply_output_shape (splitter, node, &dims);
  return unsupported ? unsupported : set_outputs (splitter, node, &dims);
}

/* Sets the axes that @axes, (n), lists to sizes or scales, and refuses those that have batch or time
 * and change. */
static OnnxValue *
resize_axis (Splitter *splitter, SplitNode *node, SplitDims *dims, guint axis, gint64 size)
{
  gint64 found = onnx_split_axis_size (&dims->axes[axis]);

  if (size == found)
    return NULL;
  if (onnx_split_axis_is_tagged (&dims->axes[axis]))
    return onnx_split_refuse_axis (splitter, node, 0, axis, node->op->verb);
  dims->axes[axis] = onnx_split_plain_axis (size);
  return NULL;
}

/* Gets the axes of the attribute axes of Resize, all axes if the attribute is missing. */
static OnnxValue *
get_resized_axes (Splitter *splitter, SplitNode *node, guint n_dims, guint *axes, gsize *n)
{
  const gint64 *ints;
  OnnxValue *unsupported = onnx_split_get_ints (splitter, node, "axes", G_MAXUINT, &ints, n);

  if (unsupported)
    return unsupported;
  if (!ints)
    *n = n_dims;
  for (gsize i = 0; *n <= n_dims && i < *n; i++)
    if (!onnx_resolve_axis (ints ? ints[i] : (gint64) i, n_dims, &axes[i]))
      *n = G_MAXSIZE;
  return *n <= n_dims ? NULL
                      : onnx_unsupported (&splitter->reader, &node->base,
                          "axes: expected axes of %u dimensions, found others", n_dims);
}

/* Returns the scales of Resize or Upsample as constants, or NULL. */
static const OnnxTensor *
get_scales (Splitter *splitter, SplitNode *node)
{
  const Onnx__AttributeProto *attribute = onnx_find_attribute (&node->base, "scales");
  guint i = node->base.n_inputs == 2 ? 1 : 2;
  const OnnxTensor *tensor;

  if (attribute)
    return onnx_tensor_from_reals (&splitter->reader, attribute->floats, attribute->n_floats);
  tensor = onnx_split_get_tensor (splitter, onnx_split_get_input (node, i));
  return tensor && !tensor->is_int ? tensor : NULL;
}

OnnxValue *
onnx_split_run_resize (Splitter *splitter, SplitNode *node)
{
  OnnxReader *reader = &splitter->reader;
  SplitDims dims = *onnx_split_get_dims (node, 0);
  g_autofree char *policy = onnx_get_string (
      &node->base, "keep_aspect_ratio_policy", "stretch");
  guint axes[ONNX_MAX_DIMS];
  const OnnxTensor *scales;
  OnnxValue *unsupported = NULL;
  const gint64 *sizes;
  gsize n, n_sizes;

  for (guint i = 1; !unsupported && i < node->base.n_inputs; i++)
    unsupported = onnx_split_check_constant (splitter, node, i);
  if (unsupported || (unsupported = get_resized_axes (splitter, node, dims.n, axes, &n))
      || (unsupported = onnx_split_get_ints (splitter, node, NULL, 3, &sizes, &n_sizes)))
    return unsupported;
  if (!g_str_equal (policy, "stretch"))
    return onnx_unsupported (reader, &node->base,
        "keep_aspect_ratio_policy: expected stretch, found %s",
        onnx_shorten_text (reader, policy));
  scales = sizes ? NULL : get_scales (splitter, node);
  if (sizes ? n_sizes != n : !scales || scales->n_values != n)
    return onnx_unsupported (reader, &node->base,
        "scales, sizes: expected %" G_GSIZE_FORMAT " known numbers, found others", n);
  for (gsize i = 0; !unsupported && i < n; i++) {
    gint64 size = onnx_split_axis_size (&dims.axes[axes[i]]);
    float scaled = scales ? scales->reals[i] * (float) size : 0;

    if (scales && scales->reals[i] != 1 && onnx_split_axis_is_tagged (&dims.axes[axes[i]]))
      return onnx_split_refuse_axis (splitter, node, 0, axes[i], node->op->verb);
    if (scales && scales->reals[i] != 1)
      size = scaled >= 1 && scaled < 0x1p31f ? (gint64) scaled : 0;
    unsupported = resize_axis (splitter, node, &dims, axes[i], sizes ? sizes[i] : size);
  }
  return unsupported ? unsupported : onnx_split_set_output (splitter, node, 0, &dims);
}
