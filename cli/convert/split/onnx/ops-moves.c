/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/args.h"
#include "split/onnx/ops.h"
#include "split/onnx/unrolled.h"

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
        "%s%d",
        i, node->inputs[i]->step < 0 ? "all frames " : "frame ",
        MAX (node->inputs[i]->step, 0));
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
        "indices: expected constant indices and at most %d dimensions, found others",
        ONNX_MAX_DIMS);
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
