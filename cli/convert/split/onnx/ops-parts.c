/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/args.h"
#include "split/onnx/ops.h"
#include "split/onnx/unrolled.h"

/* Returns whether the inputs of Concat are tensors of the frames 0 to T - 1. */
static gboolean
has_all_frames (const Splitter *splitter, const SplitNode *node)
{
  if ((gint64) node->base.n_inputs != splitter->n_steps)
    return FALSE;
  for (guint i = 0; i < node->base.n_inputs; i++)
    if (!onnx_split_is_clip (node, i) || node->inputs[i]->step != (gint) i)
      return FALSE;
  return TRUE;
}

/* Checks the other axes of input @i of Concat, and adds the size along @axis to *size. */
static OnnxValue *
check_part (Splitter *splitter, SplitNode *node, guint i, guint axis, const SplitDims *first,
    gint64 *size)
{
  OnnxReader *reader = &splitter->reader;
  const SplitDims *dims = onnx_split_get_dims (node, i);
  gboolean is_clip = onnx_split_is_clip (node, i), fits = dims && dims->n == first->n;
  OnnxValue *unsupported = NULL;

  if (is_clip && node->inputs[i]->step != node->step)
    return onnx_unsupported (reader, &node->base,
        "input %u: expected all frames in the order of time, or tensors of one frame, found "
        "%s",
        i, onnx_split_describe_step (splitter, node->inputs[i]->step));
  for (guint k = 0; fits && k < first->n; k++)
    fits = k == axis
           || onnx_split_axis_size (&dims->axes[k]) == onnx_split_axis_size (&first->axes[k]);
  if (!fits || __builtin_add_overflow (*size, onnx_split_axis_size (&dims->axes[axis]), size))
    return onnx_unsupported (reader, &node->base,
        "input %u: expected the shape of %s except along axis %u, found %s", i,
        onnx_split_dims_describe (reader, first), axis,
        dims ? onnx_split_dims_describe (reader, dims) : "none");
  if (onnx_split_axis_is_tagged (&dims->axes[axis]))
    return onnx_split_refuse_axis (splitter, node, i, axis, "adds steps to");
  for (guint k = 0; !unsupported && k < first->n; k++) {
    if (k == axis || !onnx_split_axis_is_tagged (&first->axes[k]))
      continue;
    if (!is_clip)
      unsupported = onnx_split_reduce_rows (splitter, node, i, k);
    else if (!onnx_split_axis_equal (&dims->axes[k], &first->axes[k]))
      unsupported = onnx_unsupported (reader, &node->base,
          "input %u: expected the frames of %s, found %s", i,
          onnx_split_dims_describe (reader, first), onnx_split_dims_describe (reader, dims));
  }
  return unsupported;
}

OnnxValue *
onnx_split_run_concat (Splitter *splitter, SplitNode *node)
{
  const SplitDims *first = NULL;
  SplitDims dims;
  OnnxValue *unsupported = NULL;
  gint64 size = 0;
  guint axis;

  for (guint i = 0; i < node->base.n_inputs; i++)
    if (!first || (onnx_split_is_clip (node, i) && !onnx_split_is_clip (node, 0)))
      first = onnx_split_get_dims (node, i);
  if (!first)
    return onnx_unsupported (
        &splitter->reader, &node->base, "inputs: expected tensors of known shapes");
  if ((unsupported = onnx_get_axis (&splitter->reader, &node->base,
           splitter->reader.opset < 4 ? 1 : 0, first->n, &axis)))
    return unsupported;
  if (has_all_frames (splitter, node))
    return onnx_split_join (splitter, node, axis);
  dims = *first;
  for (guint i = 0; !unsupported && i < node->base.n_inputs; i++)
    unsupported = check_part (splitter, node, i, axis, first, &size);
  dims.axes[axis] = onnx_split_plain_axis (size);
  return unsupported ? unsupported : onnx_split_set_output (splitter, node, 0, &dims);
}

/* Sets output @i to frame @step, whose axis @axis has the sizes @n of @axes. */
static OnnxValue *
set_picked (Splitter *splitter, SplitNode *node, guint i, guint axis, gint64 step)
{
  SplitDims dims = *onnx_split_get_dims (node, 0);

  dims.axes[axis] = onnx_split_plain_axis (1);
  node->step = (gint) step;
  return onnx_split_set_output (splitter, node, i, &dims);
}

OnnxValue *
onnx_split_run_split (Splitter *splitter, SplitNode *node)
{
  const SplitDims *in = onnx_split_get_dims (node, 0);
  g_autofree gint64 *sizes = g_new (gint64, node->base.n_outputs + 1);
  SplitDims dims = *in;
  OnnxValue *unsupported;
  guint axis;

  if (onnx_split_get_input (node, 1))
    onnx_split_get_tensor (splitter, node->inputs[1]);
  if ((unsupported = onnx_get_axis (&splitter->reader, &node->base, 0, in->n, &axis))
      || (unsupported = onnx_get_splits (
              &splitter->reader, &node->base, onnx_split_axis_size (&in->axes[axis]), sizes)))
    return unsupported;
  for (guint i = 0; !unsupported && i < node->base.n_outputs; i++) {
    dims.axes[axis] = onnx_split_plain_axis (sizes[i]);
    if (!onnx_split_axis_is_tagged (&in->axes[axis]))
      unsupported = onnx_split_set_output (splitter, node, i, &dims);
    else if (!onnx_split_axis_is_time (&in->axes[axis]) || sizes[i] != 1)
      unsupported = onnx_split_refuse_axis (splitter, node, 0, axis, "selects parts of");
    else
      unsupported = set_picked (splitter, node, i, axis, i);
  }
  return unsupported;
}

OnnxValue *
onnx_split_run_gather (Splitter *splitter, SplitNode *node)
{
  const SplitDims *in = onnx_split_get_dims (node, 0), *indices = onnx_split_get_dims (node, 1);
  SplitDims dims = {0};
  OnnxValue *unsupported = onnx_split_check_constant (splitter, node, 1);
  const OnnxTensor *tensor;
  gint64 n, index = 0;
  guint axis;

  if (unsupported
      || (unsupported = onnx_get_axis (&splitter->reader, &node->base, 0, in->n, &axis)))
    return unsupported;
  if (!indices || in->n - 1 + indices->n > ONNX_MAX_DIMS)
    return onnx_unsupported (&splitter->reader, &node->base,
        "indices: expected constant indices, and an output of at most %d dimensions, found "
        "indices of %s for an input of %u dimensions",
        ONNX_MAX_DIMS,
        indices ? onnx_split_dims_describe (&splitter->reader, indices) : "unknown shape",
        in->n);
  for (guint i = 0; i < axis; i++)
    dims.axes[dims.n++] = in->axes[i];
  for (guint i = 0; i < indices->n; i++)
    dims.axes[dims.n++] = indices->axes[i];
  for (guint i = axis + 1; i < in->n; i++)
    dims.axes[dims.n++] = in->axes[i];
  if (!onnx_split_axis_is_tagged (&in->axes[axis]))
    return onnx_split_set_output (splitter, node, 0, &dims);
  tensor = onnx_split_get_tensor (splitter, node->inputs[1]);
  onnx_split_dims_n_values (indices, &n);
  if (n != 1 || !tensor || !tensor->is_int || !onnx_split_axis_is_time (&in->axes[axis]))
    return onnx_split_refuse_axis (splitter, node, 0, axis, "selects parts of");
  index = tensor->ints[0].offset;
  if (tensor->ints[0].factor != ONNX_NO_FACTOR || index < -splitter->n_steps
      || index >= splitter->n_steps)
    return onnx_unsupported (&splitter->reader, &node->base,
        "indices: expected a step of %" G_GINT64_FORMAT ", found %" G_GINT64_FORMAT,
        splitter->n_steps, index);
  node->step = (gint) (index < 0 ? index + splitter->n_steps : index);
  return onnx_split_set_output (splitter, node, 0, &dims);
}

OnnxValue *
onnx_split_run_slice (Splitter *splitter, SplitNode *node)
{
  const SplitDims *in = onnx_split_get_dims (node, 0);
  OnnxRange ranges[ONNX_MAX_DIMS];
  SplitDims dims = *in;
  OnnxValue *unsupported = NULL;
  gboolean has_parts = FALSE;

  for (guint i = 1; !unsupported && i < node->base.n_inputs; i++) {
    unsupported = onnx_split_check_constant (splitter, node, i);
    onnx_split_get_tensor (splitter, node->inputs[i]);
  }
  if (unsupported
      || (unsupported = onnx_get_ranges (&splitter->reader, &node->base, in->n, ranges)))
    return unsupported;
  for (guint i = 0; i < in->n; i++) {
    gint64 size = onnx_split_axis_size (&in->axes[i]), first, n;
    gboolean is_tagged = onnx_split_axis_is_tagged (&in->axes[i]);

    if (!onnx_get_extent (ranges[i], size, &first, &n))
      return onnx_unsupported (&splitter->reader, &node->base,
          "starts, ends: expected known integers along axis %u, found others", i);
    if (is_tagged && n == size && ranges[i].stride == 1)
      continue;
    if (is_tagged && n == size && !onnx_split_axis_is_time (&in->axes[i]))
      return onnx_split_refuse_axis (splitter, node, 0, i, "reverses");
    if (is_tagged && n == size) {
      node->memory_problem = onnx_split_refuse_axis (splitter, node, 0, i, "reverses")->problem;
      continue;
    }
    if (is_tagged && (n != 1 || !onnx_split_axis_is_time (&in->axes[i])))
      return onnx_split_refuse_axis (splitter, node, 0, i, "selects parts of");
    if (is_tagged)
      node->step = (gint) first;
    else
      has_parts |= n != size || ranges[i].stride != 1;
    dims.axes[i] = onnx_split_plain_axis (n);
  }
  if (has_parts && node->step >= 0 && node->inputs[0]->step < 0)
    return onnx_unsupported (&splitter->reader, &node->base,
        "starts, ends: expected one frame or parts of frames, found parts of one frame");
  return onnx_split_set_output (splitter, node, 0, &dims);
}

/* Reverses time. The lengths of the sequences are those of the steps. */
OnnxValue *
onnx_split_run_reverse_sequence (Splitter *splitter, SplitNode *node)
{
  const SplitDims *in = onnx_split_get_dims (node, 0);
  OnnxValue *unsupported = onnx_split_check_constant (splitter, node, 1);
  guint axis;

  if (!unsupported
      && !onnx_resolve_axis (onnx_get_int (&node->base, "time_axis", 0), in->n, &axis))
    unsupported = onnx_unsupported (&splitter->reader, &node->base,
        "time_axis: expected an axis of %u dimensions, found %" G_GINT64_FORMAT, in->n,
        onnx_get_int (&node->base, "time_axis", 0));
  if (unsupported)
    return unsupported;
  if (!onnx_split_axis_is_time (&in->axes[axis]))
    return onnx_split_refuse_axis (splitter, node, 0, axis, "reverses");
  node->memory_problem = onnx_split_refuse_axis (splitter, node, 0, axis, "reverses")->problem;
  return onnx_split_set_output (splitter, node, 0, in);
}
