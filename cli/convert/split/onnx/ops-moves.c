/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/args.h"
#include "split/onnx/ops.h"

/* Sets the output to the atoms of input 0, in order, as axes of the sizes @target, (n). */
static OnnxValue *
set_regrouped (Splitter *splitter, SplitNode *node, guint n, const gint64 *target)
{
  const SplitDims *in = onnx_split_get_dims (node, 0);
  g_autoptr (GString) list = g_string_new (NULL);
  SplitDims dims;
  const char *problem = onnx_split_dims_regroup (in, n, target, &dims);

  if (!problem)
    return onnx_split_set_output (splitter, node, 0, &dims);
  for (guint i = 0; i < n; i++)
    g_string_append_printf (list, "%s%" G_GINT64_FORMAT, i ? ", " : "", target[i]);
  return onnx_unsupported (&splitter->reader, &node->base, "shape: %s in [%s] from %s", problem,
      list->str, onnx_split_dims_describe (&splitter->reader, in));
}

/* Replaces 0 and -1 in the shape of Reshape. Returns FALSE if there is no such shape. */
static gboolean
resolve_shape (const SplitDims *in, gboolean copies, guint n, gint64 *target)
{
  gint64 n_values, known = 1;
  guint rest = n;

  onnx_split_dims_n_values (in, &n_values);
  for (guint i = 0; i < n; i++) {
    if (target[i] == 0 && copies && i < in->n)
      target[i] = onnx_split_axis_size (&in->axes[i]);
    if (target[i] == -1 && rest == n)
      rest = i;
    else if (target[i] < 1 || __builtin_mul_overflow (known, target[i], &known))
      return FALSE;
  }
  if (rest < n && n_values % known == 0)
    target[rest] = n_values / known;
  return n_values % known == 0;
}

OnnxValue *
onnx_split_run_reshape (Splitter *splitter, SplitNode *node)
{
  const SplitDims *in = onnx_split_get_dims (node, 0);
  gboolean copies = !onnx_get_int (&node->base, "allowzero", 0);
  gint64 target[ONNX_MAX_DIMS];
  const gint64 *ints;
  gsize n;
  OnnxValue *unsupported = onnx_split_get_ints (splitter, node, "shape", 1, &ints, &n);

  if (unsupported)
    return unsupported;
  for (gsize i = 0; ints && i < MIN (n, ONNX_MAX_DIMS); i++)
    target[i] = ints[i];
  if (!ints || n > ONNX_MAX_DIMS || !resolve_shape (in, copies, (guint) n, target))
    return onnx_unsupported (&splitter->reader, &node->base,
        "shape: expected the sizes of %s, found %s",
        onnx_split_dims_describe (&splitter->reader, in),
        onnx_describe_argument (&splitter->reader, &node->base, "shape", 1));
  return set_regrouped (splitter, node, (guint) n, target);
}

OnnxValue *
onnx_split_run_flatten (Splitter *splitter, SplitNode *node)
{
  const SplitDims *in = onnx_split_get_dims (node, 0);
  gint64 target[2] = {1, 1}, axis = onnx_get_int (&node->base, "axis", 1);

  axis = axis < 0 ? axis + in->n : axis;
  if (axis < 0 || axis > in->n)
    return onnx_unsupported (&splitter->reader, &node->base,
        "axis: expected at most %u, found %" G_GINT64_FORMAT, in->n, axis);
  for (guint i = 0; i < in->n; i++)
    target[i >= axis] *= onnx_split_axis_size (&in->axes[i]);
  return set_regrouped (splitter, node, 2, target);
}

OnnxValue *
onnx_split_run_squeeze (Splitter *splitter, SplitNode *node)
{
  const SplitDims *in = onnx_split_get_dims (node, 0);
  gboolean has_axes;
  SplitDims dims = {0};
  OnnxValue *unsupported;
  guint32 mask;

  if (onnx_split_get_input (node, 1))
    onnx_split_get_tensor (splitter, node->inputs[1]);
  if ((unsupported = onnx_get_axes (&splitter->reader, &node->base, in->n, &mask, &has_axes)))
    return unsupported;
  for (guint i = 0; i < in->n; i++) {
    gboolean drops = has_axes ? (mask >> i) & 1 : !in->axes[i].n;

    if (drops && in->axes[i].n)
      return onnx_unsupported (&splitter->reader, &node->base,
          "axes: expected axes of size 1, found axis %u of %s", i,
          onnx_split_dims_describe (&splitter->reader, in));
    if (!drops)
      dims.axes[dims.n++] = in->axes[i];
  }
  return onnx_split_set_output (splitter, node, 0, &dims);
}

OnnxValue *
onnx_split_run_unsqueeze (Splitter *splitter, SplitNode *node)
{
  const SplitDims *in = onnx_split_get_dims (node, 0);
  SplitDims dims = {0};
  OnnxValue *unsupported;
  guint32 mask;

  if (onnx_split_get_input (node, 1))
    onnx_split_get_tensor (splitter, node->inputs[1]);
  if ((unsupported = onnx_get_new_axes (&splitter->reader, &node->base, in->n, &mask, &dims.n)))
    return unsupported;
  for (guint i = 0, from = 0; i < dims.n; i++)
    dims.axes[i] = (mask >> i) & 1 ? onnx_split_plain_axis (1) : in->axes[from++];
  return onnx_split_set_output (splitter, node, 0, &dims);
}

OnnxValue *
onnx_split_run_transpose (Splitter *splitter, SplitNode *node)
{
  const SplitDims *in = onnx_split_get_dims (node, 0);
  guint permutation[ONNX_MAX_DIMS];
  SplitDims dims = {in->n};
  OnnxValue *unsupported;

  if ((unsupported = onnx_get_permutation (&splitter->reader, &node->base, in->n, permutation)))
    return unsupported;
  for (guint i = 0; i < in->n; i++)
    dims.axes[i] = in->axes[permutation[i]];
  return onnx_split_set_output (splitter, node, 0, &dims);
}

/* Pad has attributes before opset 11, and inputs since opset 11. */
OnnxValue *
onnx_split_run_pad (Splitter *splitter, SplitNode *node)
{
  SplitDims dims = *onnx_split_get_dims (node, 0);
  const gint64 *pads, *list;
  gsize n, n_axes;
  OnnxValue *unsupported = NULL;

  for (guint i = 1; !unsupported && i < node->base.n_inputs; i++)
    unsupported = onnx_split_check_constant (splitter, node, i);
  if (unsupported || (unsupported = onnx_split_get_ints (splitter, node, "pads", 1, &pads, &n))
      || (unsupported = onnx_split_get_ints (splitter, node, NULL, 3, &list, &n_axes)))
    return unsupported;
  if (!list)
    n_axes = dims.n;
  if (!pads || n_axes > dims.n || n != 2 * n_axes)
    return onnx_unsupported (&splitter->reader, &node->base,
        "pads: expected two constant integers for each axis, found %s",
        onnx_describe_argument (&splitter->reader, &node->base, "pads", 1));
  for (gsize i = 0; i < n_axes; i++) {
    guint axis;

    if (!onnx_resolve_axis (list ? list[i] : (gint64) i, dims.n, &axis))
      return onnx_unsupported (&splitter->reader, &node->base,
          "axes: expected axes of %u dimensions, found %" G_GINT64_FORMAT, dims.n, list[i]);
    if (!pads[i] && !pads[i + n_axes])
      continue;
    if (onnx_split_axis_is_tagged (&dims.axes[axis]))
      return onnx_split_refuse_axis (splitter, node, 0, axis, "pads");
    dims.axes[axis] = onnx_split_plain_axis (
        onnx_split_axis_size (&dims.axes[axis]) + pads[i] + pads[i + n_axes]);
  }
  return onnx_split_set_output (splitter, node, 0, &dims);
}

OnnxValue *
onnx_split_run_expand (Splitter *splitter, SplitNode *node)
{
  const SplitDims *in = onnx_split_get_dims (node, 0);
  SplitDims dims = {0};
  const gint64 *ints;
  OnnxValue *unsupported;
  gsize n;

  if ((unsupported = onnx_split_get_ints (splitter, node, NULL, 1, &ints, &n)))
    return unsupported;
  if (!ints || n > ONNX_MAX_DIMS)
    return onnx_unsupported (&splitter->reader, &node->base,
        "shape: expected at most %d constant sizes, found %s", ONNX_MAX_DIMS,
        onnx_describe_input (&splitter->reader, &node->base, 1));
  dims.n = MAX (in->n, (guint) n);
  for (guint i = 0; i < dims.n; i++) {
    guint more = dims.n - in->n, before = dims.n - (guint) n;
    SplitAxis axis = i < more ? onnx_split_plain_axis (1) : in->axes[i - more];
    gint64 size = onnx_split_axis_size (&axis), target = i < before ? 1 : ints[i - before];

    if (size != 1 && target != 1 && target != size)
      return onnx_unsupported (&splitter->reader, &node->base,
          "shape: expected a shape to which %s broadcasts, found %s",
          onnx_split_dims_describe (&splitter->reader, in),
          onnx_describe_input (&splitter->reader, &node->base, 1));
    dims.axes[i] = size == 1 ? onnx_split_plain_axis (target) : axis;
  }
  return onnx_split_set_output (splitter, node, 0, &dims);
}

OnnxValue *
onnx_split_run_tile (Splitter *splitter, SplitNode *node)
{
  SplitDims dims = *onnx_split_get_dims (node, 0);
  const gint64 *ints;
  OnnxValue *unsupported;
  gsize n;

  if ((unsupported = onnx_split_get_ints (splitter, node, NULL, 1, &ints, &n)))
    return unsupported;
  if (!ints || n != dims.n)
    return onnx_unsupported (&splitter->reader, &node->base,
        "repeats: expected a constant for each of %u axes, found %s", dims.n,
        onnx_describe_input (&splitter->reader, &node->base, 1));
  for (guint i = 0; i < dims.n; i++) {
    gint64 size = onnx_split_axis_size (&dims.axes[i]);

    if (ints[i] == 1)
      continue;
    if (onnx_split_axis_is_tagged (&dims.axes[i]))
      return onnx_split_refuse_axis (splitter, node, 0, i, "repeats");
    if (__builtin_mul_overflow (size, ints[i], &size))
      size = 0;
    dims.axes[i] = onnx_split_plain_axis (size);
  }
  return onnx_split_set_output (splitter, node, 0, &dims);
}
