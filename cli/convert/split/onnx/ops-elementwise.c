/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/args.h"
#include "split/onnx/ops.h"

OnnxValue *
onnx_split_run_unary (Splitter *splitter, SplitNode *node)
{
  const SplitDims *dims = onnx_split_get_dims (node, 0);
  OnnxValue *unsupported = NULL;

  for (guint i = 1; !unsupported && i < node->base.n_inputs; i++)
    unsupported = onnx_split_check_constant (splitter, node, i);
  for (guint i = 0; !unsupported && i < node->base.n_outputs; i++)
    unsupported = onnx_split_set_output (splitter, node, i, dims);
  return unsupported;
}

OnnxValue *
onnx_split_run_dropout (Splitter *splitter, SplitNode *node)
{
  const OnnxTensor *trains = onnx_split_get_tensor (splitter, onnx_split_get_input (node, 2));

  if (onnx_split_get_input (node, 2)
      && (!trains || !trains->is_int || trains->n_values != 1 || trains->ints[0].offset))
    return onnx_unsupported (&splitter->reader, &node->base,
        "training_mode: expected false, found %s",
        onnx_describe_input (&splitter->reader, &node->base, 2));
  return onnx_split_run_unary (splitter, node);
}

/* Returns the axis of input @i that broadcasts to axis @axis of @n axes, or NULL if the input has
 * no such axis. */
static const SplitAxis *
get_axis (const SplitNode *node, guint i, guint axis, guint n)
{
  const SplitDims *dims = onnx_split_get_dims (node, i);

  return dims && axis + dims->n >= n ? &dims->axes[axis + dims->n - n] : NULL;
}

/* Sets *result to axis @axis of the output: the axis of an input that has batch or time, or else
 * the largest. Returns NULL, or an unsupported value. */
static OnnxValue *
find_result_axis (
    Splitter *splitter, const SplitNode *node, guint axis, guint n, SplitAxis *result)
{
  gint64 size = 1;
  gboolean is_tagged = FALSE;

  *result = onnx_split_plain_axis (1);
  for (guint i = 0; i < node->base.n_inputs; i++) {
    const SplitAxis *other = get_axis (node, i, axis, n);
    gint64 found = other ? onnx_split_axis_size (other) : 1;

    if (found == 1)
      continue;
    if (size != 1 && size != found)
      return onnx_unsupported (&splitter->reader, &node->base,
          "inputs: expected shapes that broadcast, found sizes %" G_GINT64_FORMAT
          " and %" G_GINT64_FORMAT " along axis %u",
          size, found, axis);
    size = found;
    if (!onnx_split_is_clip (node, i))
      continue;
    if (is_tagged ? !onnx_split_axis_equal (result, other)
                  : result->n && onnx_split_axis_is_tagged (other))
      return onnx_unsupported (&splitter->reader, &node->base,
          "input %u: expected the frames of the other inputs, found %s", i,
          onnx_split_dims_describe (&splitter->reader, onnx_split_get_dims (node, i)));
    *result = *other;
    is_tagged = onnx_split_axis_is_tagged (other);
  }
  if (!is_tagged)
    *result = onnx_split_plain_axis (size);
  return NULL;
}

/* Reduces the constants that have a row for each step. */
static OnnxValue *
reduce_constants (
    Splitter *splitter, SplitNode *node, guint axis, guint n, const SplitAxis *result)
{
  OnnxValue *unsupported = NULL;

  if (!onnx_split_axis_is_tagged (result))
    return NULL;
  for (guint i = 0; !unsupported && i < node->base.n_inputs; i++) {
    const SplitAxis *other = get_axis (node, i, axis, n);

    if (!other || onnx_split_is_clip (node, i) || onnx_split_axis_size (other) == 1)
      continue;
    unsupported = onnx_split_reduce_rows (
        splitter, node, i, axis + onnx_split_get_dims (node, i)->n - n);
  }
  return unsupported;
}

OnnxValue *
onnx_split_run_broadcast (Splitter *splitter, SplitNode *node)
{
  OnnxValue *unsupported = NULL;
  SplitDims dims = {0};

  for (guint i = 0; i < node->base.n_inputs; i++) {
    const SplitDims *other = onnx_split_get_dims (node, i);

    if (!other)
      return onnx_unsupported (&splitter->reader, &node->base,
          "input %u: expected a tensor of 1 or more values, found %s", i,
          node->inputs[i] ? "an empty tensor" : "none");
    dims.n = MAX (dims.n, other->n);
  }
  for (guint i = 0; !unsupported && i < dims.n; i++) {
    unsupported = find_result_axis (splitter, node, i, dims.n, &dims.axes[i]);
    if (!unsupported)
      unsupported = reduce_constants (splitter, node, i, dims.n, &dims.axes[i]);
  }
  return unsupported ? unsupported : onnx_split_set_output (splitter, node, 0, &dims);
}

OnnxValue *
onnx_split_run_quantize (Splitter *splitter, SplitNode *node)
{
  const SplitDims *dims = onnx_split_get_dims (node, 0), *scale = onnx_split_get_dims (node, 1);
  gint64 n_scales = 1;
  OnnxValue *unsupported = NULL;
  guint axis;

  if (scale)
    onnx_split_dims_n_values (scale, &n_scales);
  if (n_scales > 1) {
    if ((unsupported = onnx_get_axis (&splitter->reader, &node->base, 1, dims->n, &axis)))
      return unsupported;
    if (onnx_split_axis_is_tagged (&dims->axes[axis]) || scale->n != 1)
      return onnx_split_check_axes (splitter, node, 0, 0, "scales");
  }
  return onnx_split_run_unary (splitter, node);
}
