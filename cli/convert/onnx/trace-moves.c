/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/args.h"
#include "onnx/layout.h"
#include "onnx/mask.h"
#include "onnx/trace.h"

gboolean
onnx_reads_step (const OnnxReader *reader, const OnnxNode *node)
{
  const OnnxTensor *index = onnx_get_tensor_input (node, 1);

  return reader->loop && index && index->is_int && index->n_values == 1 && index->n_dims == 0
         && index->ints[0].factor == reader->loop->iteration && index->ints[0].coefficient == 1
         && index->ints[0].offset == 0;
}

/* Returns the current step of the mask @in, whose last axis has size 1. */
static OnnxValue *
read_mask (OnnxReader *reader, const OnnxNode *node, const OnnxValue *in, guint axis)
{
  OnnxLoop *loop = reader->loop;
  gboolean is_reversed;
  const OnnxStage *mask = onnx_find_mask (in->stage, &is_reversed);

  if (in->n_axes < 2 || in->axes[in->n_axes - 1].n || in->axes[axis].n != 1
      || !onnx_axis_bind (reader, &in->axes[axis], ONNX_ROLE_TIME)
      || (loop->mask && (loop->mask != mask || loop->mask_is_reversed != is_reversed)))
    return onnx_unsupported (reader, node,
        "input 0: expected one mask in a loop, with a last axis of size 1, found axis %u of %s",
        axis, onnx_value_describe (reader, in));
  loop->mask = mask;
  loop->mask_is_reversed = is_reversed;
  return onnx_step_from_atom (
      reader, (OnnxAtom){.kind = ONNX_ATOM_MASK, .n = 1}, in->n_axes - 1);
}

OnnxValue *
onnx_trace_step (OnnxReader *reader, const OnnxNode *node, const OnnxValue *in, guint axis)
{
  OnnxLoop *loop = reader->loop;
  gboolean is_reversed;
  OnnxInt size;

  if (in->kind == ONNX_VALUE_SIGNAL && onnx_find_mask (in->stage, &is_reversed))
    return read_mask (reader, node, in, axis);
  if (in->kind != ONNX_VALUE_SIGNAL || in->n_axes < 2 || axis == in->n_axes - 1
      || in->axes[axis].n != 1 || !onnx_axis_bind (reader, &in->axes[axis], ONNX_ROLE_TIME)
      || !onnx_stage_bind_features (reader, in->stage, &in->axes[in->n_axes - 1]))
    return onnx_unsupported (reader, node,
        "input 0: expected a sequence whose last axis is all features, and one step of its "
        "time, "
        "found axis %u of %s",
        axis, onnx_value_describe (reader, in));
  for (guint i = 0; i < in->n_axes - 1; i++)
    if (i != axis && !onnx_axis_bind (reader, &in->axes[i], ONNX_ROLE_BATCH))
      return onnx_unsupported (reader, node,
          "input 0: expected time, batch and features, found %s",
          onnx_value_describe (reader, in));
  size = onnx_axis_size (reader, &in->axes[in->n_axes - 1]);
  if (size.factor != ONNX_NO_FACTOR || size.offset < 1)
    return onnx_unsupported (reader, node,
        "input 0: expected a known number of features, found %s",
        onnx_value_describe (reader, in));
  if (loop->input && (loop->input->stage != in->stage || loop->time != axis))
    return onnx_unsupported (reader, node,
        "input 0: expected one sequence in a loop, found %s and %s",
        onnx_value_describe (reader, loop->input), onnx_value_describe (reader, in));
  loop->input = in;
  loop->time = axis;
  return onnx_step_from_atom (
      reader, (OnnxAtom){.kind = ONNX_ATOM_INPUT, .n = (gsize) size.offset}, in->n_axes - 1);
}

static gboolean
is_mask (const OnnxValue *value)
{
  const OnnxAtom *atom = onnx_value_is (value, ONNX_VALUE_STEP)
                             ? onnx_affine_get_atom (value->affine)
                             : NULL;

  return atom && (atom->kind == ONNX_ATOM_MASK || atom->kind == ONNX_ATOM_MASKED);
}

OnnxValue *
onnx_trace_cast (OnnxReader *reader, OnnxNode *node)
{
  return is_mask (node->inputs[0]) ? node->inputs[0] : onnx_apply_cast (reader, node);
}

/* Traces Tile of a mask to the features, and Tile that repeats nothing. */
OnnxValue *
onnx_trace_tile (OnnxReader *reader, OnnxNode *node)
{
  const OnnxValue *in = node->inputs[0];
  const OnnxInt *repeats;
  gsize n;
  gboolean is_valid = onnx_get_ints (reader, node, NULL, 1, &repeats, &n) && repeats
                      && n == in->n_axes;

  for (gsize i = 0; is_valid && i < n; i++)
    is_valid = onnx_int_equal (reader, repeats[i], onnx_int_constant (1))
               || (i == n - 1 && is_mask (in));
  return is_valid ? node->inputs[0]
                  : onnx_unsupported_input (reader, node, "repeats", 1, "1 for each axis");
}

/* Gets the number of features of input @i of a Concat along the last axis. Returns FALSE if the
 * input has other axes than @n_axes axes of features of a step. */
static gboolean
count_features (const OnnxNode *node, guint i, guint n_axes, gsize *n)
{
  const OnnxValue *in = node->inputs[i];
  const OnnxTensor *tensor = onnx_get_real_input (node, i);

  if (onnx_value_is (in, ONNX_VALUE_STEP))
    *n = in->affine->n;
  else if (tensor && tensor->n_dims == n_axes && n_axes
           && tensor->shape[n_axes - 1] == tensor->n_values)
    *n = tensor->n_values;
  else
    return FALSE;
  return tensor || in->n_axes == n_axes;
}

static guint
find_step (const OnnxNode *node)
{
  guint i = 0;

  while (!onnx_value_is (node->inputs[i], ONNX_VALUE_STEP))
    i++;
  return i;
}

OnnxValue *
onnx_trace_concat (OnnxReader *reader, OnnxNode *node)
{
  guint n_axes = node->inputs[find_step (node)]->n_axes, axis;
  const OnnxAffine *sum;
  gsize n = 0, part, to = 0;
  OnnxValue *unsupported = onnx_get_axis (reader, node, 1, n_axes, &axis);

  if (unsupported)
    return unsupported;
  for (guint i = 0; i < node->n_inputs; i++) {
    if (axis != n_axes - 1 || !count_features (node, i, n_axes, &part))
      return onnx_unsupported (reader, node,
          "input %u: expected features of a step along the last axis, found %s along axis %u",
          i, onnx_describe_input (reader, node, i), axis);
    n += part;
  }
  sum = onnx_affine_from_bias (reader, n, NULL);
  for (guint i = 0; sum && i < node->n_inputs; i++) {
    const OnnxAffine *affine;

    count_features (node, i, n_axes, &part);
    affine = onnx_value_is (node->inputs[i], ONNX_VALUE_STEP)
                 ? node->inputs[i]->affine
                 : onnx_affine_from_bias (reader, part,
                     onnx_tensor_alias (reader, node->inputs[i]->tensor, 1, &part));
    if (affine)
      affine = onnx_affine_extend (reader, affine, to, n);
    sum = affine ? onnx_affine_add (reader, sum, affine) : NULL;
    to += part;
  }
  return onnx_step_new (reader, node, sum, n_axes);
}

OnnxValue *
onnx_trace_split (OnnxReader *reader, OnnxNode *node)
{
  const OnnxValue *in = node->inputs[0];
  g_autofree gint64 *sizes = g_new (gint64, node->n_outputs + 1);
  OnnxValue *unsupported;
  gsize start = 0;
  guint axis;

  if ((unsupported = onnx_get_axis (reader, node, 0, in->n_axes, &axis)))
    return unsupported;
  if (axis != in->n_axes - 1)
    return onnx_unsupported (
        reader, node, "axis: expected the last of %u axes, found %u", in->n_axes, axis);
  if ((unsupported = onnx_get_splits (reader, node, (gint64) in->affine->n, sizes)))
    return unsupported;
  for (guint i = 0; i < node->n_outputs; i++) {
    node->outputs[i] = onnx_step_new (reader, node,
        onnx_affine_slice (reader, in->affine, start, start + (gsize) sizes[i]), in->n_axes);
    start += (gsize) sizes[i];
  }
  return node->outputs[0];
}

OnnxValue *
onnx_trace_slice (OnnxReader *reader, OnnxNode *node)
{
  const OnnxValue *in = node->inputs[0];
  gint64 n = (gint64) in->affine->n, start = 0, end = 0;
  OnnxRange ranges[ONNX_MAX_DIMS];
  gboolean is_valid = in->n_axes > 0;
  OnnxValue *unsupported;

  if ((unsupported = onnx_get_ranges (reader, node, in->n_axes, ranges)))
    return unsupported;
  for (guint i = 0; i < in->n_axes; i++) {
    is_valid &= ranges[i].start.factor == ONNX_NO_FACTOR
                && ranges[i].end.factor == ONNX_NO_FACTOR && ranges[i].stride == 1;
    start = ranges[i].start.offset;
    end = ranges[i].end.offset;
    if (i < in->n_axes - 1)
      is_valid &= start == 0 && end >= G_MAXINT32;
  }
  start = CLAMP (start < 0 ? MAX (start, -n) + n : start, 0, n);
  end = CLAMP (end < 0 ? MAX (end, -n) + n : end, 0, n);
  if (!is_valid || start >= end)
    return onnx_unsupported (reader, node,
        "range: expected a part of the features of a step, found %" G_GINT64_FORMAT
        " to %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT,
        start, end, n);
  return onnx_step_new (reader, node,
      onnx_affine_slice (reader, in->affine, (gsize) start, (gsize) end), in->n_axes);
}

static OnnxValue *
change_axes (OnnxReader *reader, const OnnxValue *in, guint n_axes)
{
  OnnxValue *value = onnx_value_copy (reader, in);

  value->n_axes = n_axes;
  return value;
}

/* Without axes, Squeeze removes the axis of the batch if the size of the batch is 1. */
OnnxValue *
onnx_trace_squeeze (OnnxReader *reader, OnnxNode *node)
{
  const OnnxValue *in = node->inputs[0];
  OnnxValue *unsupported;
  gboolean has_axes;
  guint32 mask;

  if ((unsupported = onnx_get_axes (reader, node, in->n_axes, &mask, &has_axes)))
    return unsupported;
  if (!has_axes)
    mask = reader->loop->has_single_batch ? (1u << (in->n_axes - 1)) - 1 : 0;
  if (!in->n_axes || mask >> (in->n_axes - 1)
      || (!has_axes && (in->affine->n == 1 || (!mask && in->n_axes > 1))))
    return onnx_unsupported (reader, node,
        "axes: expected axes of size 1 before the features, found %s",
        onnx_describe_argument (reader, node, "axes", 1));
  return change_axes (reader, in, in->n_axes - (guint) __builtin_popcount (mask));
}

OnnxValue *
onnx_trace_unsqueeze (OnnxReader *reader, OnnxNode *node)
{
  const OnnxValue *in = node->inputs[0];
  OnnxValue *unsupported;
  guint32 mask;
  guint n_axes;

  if ((unsupported = onnx_get_new_axes (reader, node, in->n_axes, &mask, &n_axes)))
    return unsupported;
  if (mask >> (n_axes - 1))
    return onnx_unsupported_argument (
        reader, node, "axes", "axes", 1, "axes before the features");
  return change_axes (reader, in, n_axes);
}

OnnxValue *
onnx_trace_reshape (OnnxReader *reader, OnnxNode *node)
{
  const OnnxValue *in = node->inputs[0];
  const OnnxInt *sizes;
  gsize n;

  if (!onnx_get_ints (reader, node, "shape", 1, &sizes, &n) || !n || n > ONNX_MAX_DIMS
      || !onnx_int_equal (reader, sizes[n - 1], onnx_int_constant ((gint64) in->affine->n)))
    return onnx_unsupported (reader, node,
        "shape: expected %" G_GSIZE_FORMAT " features along the last axis, found %s",
        in->affine->n, onnx_describe_argument (reader, node, "shape", 1));
  return change_axes (reader, in, (guint) n);
}

OnnxValue *
onnx_trace_transpose (OnnxReader *reader, OnnxNode *node)
{
  const OnnxValue *in = node->inputs[0];
  guint permutation[ONNX_MAX_DIMS];
  OnnxValue *unsupported = onnx_get_permutation (reader, node, in->n_axes, permutation);

  if (unsupported)
    return unsupported;
  for (guint i = 0; i < in->n_axes; i++)
    if (permutation[i] != i)
      return onnx_unsupported_argument (
          reader, node, "perm", "perm", G_MAXUINT, "the order of the axes of the input");
  return node->inputs[0];
}
