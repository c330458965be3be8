/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/args.h"
#include "split/onnx/ops.h"

/* Gets the attribute axis with the default of the row. Returns NULL, or an unsupported value. */
static OnnxValue *
get_axis (Splitter *splitter, SplitNode *node, guint *axis)
{
  gint64 missing = splitter->reader.opset < 13 ? node->op->old_axis : node->op->axis;

  return onnx_get_axis (
      &splitter->reader, &node->base, missing, onnx_split_get_dims (node, 0)->n, axis);
}

/* Keeps the dimensions of input 0, unless the axes of @mask have batch or time. */
static OnnxValue *
keep_dims (Splitter *splitter, SplitNode *node, guint32 mask)
{
  OnnxValue *unsupported = onnx_split_check_axes (splitter, node, 0, ~mask, node->op->verb);

  return unsupported ? unsupported : onnx_split_run_unary (splitter, node);
}

OnnxValue *
onnx_split_run_along (Splitter *splitter, SplitNode *node)
{
  OnnxValue *unsupported;
  guint axis;

  if ((unsupported = get_axis (splitter, node, &axis)))
    return unsupported;
  return keep_dims (splitter, node, 1u << axis);
}

OnnxValue *
onnx_split_run_cumulate (Splitter *splitter, SplitNode *node)
{
  guint n_dims = onnx_split_get_dims (node, 0)->n, axis;
  const gint64 *ints;
  gsize n;
  OnnxValue *unsupported = onnx_split_get_ints (splitter, node, NULL, 1, &ints, &n);

  if (unsupported)
    return unsupported;
  if (!ints || n != 1 || !onnx_resolve_axis (ints[0], n_dims, &axis))
    return onnx_unsupported (&splitter->reader, &node->base,
        "axis: expected an axis of %u dimensions, found %s", n_dims,
        onnx_describe_argument (&splitter->reader, &node->base, NULL, 1));
  return keep_dims (splitter, node, 1u << axis);
}

/* Before opset 13, the axes from the attribute axis on are one axis. */
OnnxValue *
onnx_split_run_softmax (Splitter *splitter, SplitNode *node)
{
  OnnxValue *unsupported;
  guint axis;

  if ((unsupported = get_axis (splitter, node, &axis)))
    return unsupported;
  return keep_dims (splitter, node, splitter->reader.opset < 13 ? ~0u << axis : 1u << axis);
}

/* Sets output 0 to @in without the axes of @mask, or with size 1 along them if @keeps. */
static OnnxValue *
set_reduced (Splitter *splitter, SplitNode *node, guint32 mask, gboolean keeps)
{
  const SplitDims *in = onnx_split_get_dims (node, 0);
  OnnxValue *unsupported = onnx_split_check_axes (splitter, node, 0, ~mask, node->op->verb);
  SplitDims dims = {0};

  if (unsupported)
    return unsupported;
  for (guint i = 0; i < in->n; i++) {
    if (!(mask & 1u << i))
      dims.axes[dims.n++] = in->axes[i];
    else if (keeps)
      dims.axes[dims.n++] = onnx_split_plain_axis (1);
  }
  return onnx_split_set_output (splitter, node, 0, &dims);
}

OnnxValue *
onnx_split_run_arg (Splitter *splitter, SplitNode *node)
{
  OnnxValue *unsupported;
  guint axis;

  if ((unsupported = get_axis (splitter, node, &axis)))
    return unsupported;
  return set_reduced (
      splitter, node, 1u << axis, onnx_get_int (&node->base, "keepdims", 1) != 0);
}

OnnxValue *
onnx_split_run_top_k (Splitter *splitter, SplitNode *node)
{
  SplitDims dims = *onnx_split_get_dims (node, 0);
  gint64 k = onnx_get_int (&node->base, "k", 0);
  const gint64 *ints;
  OnnxValue *unsupported;
  guint axis;
  gsize n;

  if ((unsupported = get_axis (splitter, node, &axis))
      || (unsupported = onnx_split_get_ints (splitter, node, NULL, 1, &ints, &n))
      || (unsupported = onnx_split_check_axes (
              splitter, node, 0, ~(1u << axis), node->op->verb)))
    return unsupported;
  dims.axes[axis] = onnx_split_plain_axis (ints && n == 1 ? ints[0] : k);
  for (guint i = 0; !unsupported && i < node->base.n_outputs; i++)
    unsupported = onnx_split_set_output (splitter, node, i, &dims);
  return unsupported;
}

OnnxValue *
onnx_split_run_reduce (Splitter *splitter, SplitNode *node)
{
  guint n_dims = onnx_split_get_dims (node, 0)->n;
  gboolean has_axes;
  OnnxValue *unsupported = onnx_split_check_constant (splitter, node, 1);
  guint32 mask;

  if (!unsupported && onnx_split_get_input (node, 1))
    onnx_split_get_tensor (splitter, node->inputs[1]);
  if (unsupported
      || (unsupported = onnx_get_axes (
              &splitter->reader, &node->base, n_dims, &mask, &has_axes)))
    return unsupported;
  if (!mask && onnx_get_int (&node->base, "noop_with_empty_axes", 0))
    return onnx_split_run_unary (splitter, node);
  return set_reduced (splitter, node, mask ? mask : (1u << n_dims) - 1,
      onnx_get_int (&node->base, "keepdims", 1) != 0);
}

/* MeanVarianceNormalization: axes are 0, 2 and 3 by default. */
OnnxValue *
onnx_split_run_moments (Splitter *splitter, SplitNode *node)
{
  guint n_dims = onnx_split_get_dims (node, 0)->n;
  gboolean has_axes;
  guint32 mask;
  OnnxValue *unsupported = onnx_get_axes (
      &splitter->reader, &node->base, n_dims, &mask, &has_axes);

  if (unsupported)
    return unsupported;
  return keep_dims (splitter, node, has_axes ? mask : ~2u);
}

OnnxValue *
onnx_split_run_layer_norm (Splitter *splitter, SplitNode *node)
{
  SplitDims dims = *onnx_split_get_dims (node, 0);
  OnnxValue *unsupported;
  guint axis;

  if ((unsupported = get_axis (splitter, node, &axis)))
    return unsupported;
  for (guint i = 1; !unsupported && i < node->base.n_inputs; i++)
    unsupported = onnx_split_check_constant (splitter, node, i);
  if (unsupported
      || (unsupported = onnx_split_check_axes (
              splitter, node, 0, (1u << axis) - 1, node->op->verb))
      || (unsupported = onnx_split_set_output (splitter, node, 0, &dims)))
    return unsupported;
  for (guint i = axis; i < dims.n; i++)
    dims.axes[i] = onnx_split_plain_axis (1);
  for (guint i = 1; !unsupported && i < node->base.n_outputs; i++)
    unsupported = onnx_split_set_output (splitter, node, i, &dims);
  return unsupported;
}

/* Before opset 14, a node has more than one output in training alone. */
OnnxValue *
onnx_split_run_batch_norm (Splitter *splitter, SplitNode *node)
{
  gboolean trains = onnx_get_int (&node->base, "training_mode", 0) != 0;

  for (guint i = 1; i < node->base.n_outputs; i++)
    trains |= node->outputs[i] != NULL;
  if (trains)
    return onnx_unsupported (&splitter->reader, &node->base,
        "training_mode: expected statistics of the file, found the training mode, which "
        "normalizes frames by each other");
  if (onnx_split_get_dims (node, 0)->n < 2)
    return onnx_unsupported (&splitter->reader, &node->base,
        "input 0: expected at least 2 dimensions, found %s",
        onnx_split_dims_describe (&splitter->reader, onnx_split_get_dims (node, 0)));
  return keep_dims (splitter, node, 2);
}
