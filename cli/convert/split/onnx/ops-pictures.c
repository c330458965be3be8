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

OnnxValue *
onnx_split_run_pictures (Splitter *splitter, SplitNode *node)
{
  OnnxValue *unsupported = check_pictures (splitter, node, 2);

  return unsupported ? unsupported
                     : onnx_split_set_outputs (splitter, node, onnx_split_get_dims (node, 0));
}

OnnxValue *
onnx_split_run_global_pool (Splitter *splitter, SplitNode *node)
{
  SplitDims dims = *onnx_split_get_dims (node, 0);
  OnnxValue *unsupported = check_pictures (splitter, node, 2);

  for (guint i = 2; i < dims.n; i++)
    dims.axes[i] = onnx_split_plain_axis (1);
  return unsupported ? unsupported : onnx_split_set_outputs (splitter, node, &dims);
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
  return onnx_split_set_outputs (splitter, node, &dims);
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

/* Sets the size of @axis. Returns NULL, or an unsupported value if the axis has batch or time and
 * changes. */
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
  return *n <= n_dims
             ? NULL
             : onnx_unsupported (&splitter->reader, &node->base,
                 "axes: expected axes of %u dimensions, found %s", n_dims,
                 onnx_describe_argument (&splitter->reader, &node->base, "axes", G_MAXUINT));
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
        "scales, sizes: expected %" G_GSIZE_FORMAT " known numbers, found %" G_GSIZE_FORMAT, n,
        sizes    ? n_sizes
        : scales ? scales->n_values
                 : 0);
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
