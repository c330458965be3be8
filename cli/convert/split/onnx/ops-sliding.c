/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/args.h"
#include "split/onnx/ops.h"

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

/* Returns the size of the output along an axis of @size values, or 0 or less if the kernel does not
 * fit.
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
    return onnx_unsupported (&splitter->reader, &node->base,
        "input 0: expected at least 3 dimensions, found %s",
        onnx_split_dims_describe (&splitter->reader, &dims));
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
  /* Indices of MaxPool count the pixels of all pictures of the batch, so no node may read them. */
  return unsupported ? unsupported : onnx_split_set_output (splitter, node, 0, &dims);
}
