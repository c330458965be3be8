/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Parts of streams: the last step, a direction. */
#include "onnx/onnx.h"
#include <string.h>

static OnnxValue *
without_atoms (OnnxReader *reader, const OnnxValue *in, guint axis, OnnxStep *step)
{
  OnnxValue *value = onnx_value_copy (reader, in);

  value->axes[axis].n = 0;
  value->step = step;
  return value;
}

/* The last or first step along time, whose axis then has size 1. It is known by an LSTM right
 * before it, as directions may still be picked from that. */
static OnnxValue *
take_step (
    OnnxReader *reader, const OnnxNode *node, const OnnxValue *in, guint axis, OnnxTake take)
{
  OnnxStep *step;

  if (in->axes[axis].n != 1 || !onnx_bind (reader, &in->axes[axis], ONNX_ROLE_TIME))
    return onnx_bad (
        reader, node, "expected the last step of time, found a part of something else");
  if (in->step->kind == ONNX_STEP_LSTM && in->step->take == ONNX_TAKE_ALL)
    step = onnx_step_copy (reader, in->step);
  else
    step = onnx_step_new (reader, node, ONNX_STEP_TAKE, in->step);
  step->take = take;
  return without_atoms (reader, in, axis, step);
}

/* One of two directions, from an axis of directions alone or followed by units */
static OnnxValue *
take_direction (
    OnnxReader *reader, const OnnxNode *node, const OnnxValue *in, guint axis, guint direction)
{
  OnnxStep *step = onnx_step_copy (reader, in->step);
  OnnxValue *value = without_atoms (reader, in, axis, step);

  for (guint i = 1; i < in->axes[axis].n; i++)
    value->axes[axis].atoms[value->axes[axis].n++] = in->axes[axis].atoms[i];
  step->cells[!direction] = NULL;
  step->features.n--;
  memmove (step->features.atoms, step->features.atoms + 1,
      step->features.n * sizeof *step->features.atoms);
  return value;
}

static gboolean
has_directions (const OnnxValue *in, guint axis)
{
  const OnnxStep *step = in->step;

  return step->kind == ONNX_STEP_LSTM && step->cells[0] && step->cells[1] && !step->merge
         && in->axes[axis].n && in->axes[axis].atoms[0] == step->features.atoms[0];
}

/* Position @a along the axis in steps of @unit; FALSE if it is none. Negative ones count from
 * the end, of which *from_end tells if the size is unknown. */
static gboolean
get_position (
    const OnnxReader *reader, OnnxInt size, OnnxInt a, gint64 *position, gboolean *from_end)
{
  OnnxInt behind = a;

  *from_end = FALSE;
  *position = a.offset;
  if (a.atom != ONNX_NUMBER) {
    behind.offset = 0;
    *from_end = onnx_int_equal (reader, behind, size);
    return *from_end;
  }
  if (size.atom == ONNX_NUMBER) {
    *position = CLAMP (
        a.offset < 0 ? MAX (a.offset, -size.offset) + size.offset : a.offset, 0, size.offset);
  } else if (a.offset < 0) {
    *from_end = TRUE;
  } else if (a.offset >= G_MAXINT32) {
    *from_end = TRUE;
    *position = 0;
  }
  return TRUE;
}

static OnnxValue *
range_of_pack (
    OnnxReader *reader, const OnnxNode *node, OnnxValue *in, gint64 start, gint64 end)
{
  OnnxValue *found = NULL;

  for (guint i = 0; i < in->n_parts; i++) {
    gint64 size = onnx_axis_size (reader, &in->parts[i]->axes[in->axis]).offset;

    if (!found && start >= 0 && end > start && end <= size) {
      const OnnxRange range = {onnx_number (start), onnx_number (end), 1};

      found = onnx_value_range (reader, node, in->parts[i], in->axis, range);
    }
    start -= size;
    end -= size;
  }
  return found ? found
               : onnx_bad (reader, node,
                   "expected to pick one of %u tensors, found another part", in->n_parts);
}

static gint64
size_of_pack (const OnnxReader *reader, const OnnxValue *in)
{
  gint64 size = 0;

  for (guint i = 0; i < in->n_parts; i++)
    size += onnx_axis_size (reader, &in->parts[i]->axes[in->axis]).offset;
  return size;
}

/* [start, end) of a stream along an axis of known size */
static OnnxValue *
range_of_known (OnnxReader *reader, const OnnxNode *node, OnnxValue *in, guint axis,
    gint64 size, gint64 start, gint64 end)
{
  if (start == 0 && end == size)
    return in;
  if (has_directions (in, axis) && end - start == size / 2 && start % (size / 2) == 0
      && size % 2 == 0)
    return take_direction (reader, node, in, axis, start != 0);
  if (end == size && start == size - 1)
    return take_step (reader, node, in, axis, ONNX_TAKE_LAST);
  if (start == 0 && end == 1)
    return take_step (reader, node, in, axis, ONNX_TAKE_FIRST);
  return onnx_bad (reader, node,
      "expected all of an axis, its last step or a direction, found %" G_GINT64_FORMAT
      " to %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT,
      start, end, size);
}

/* A range of an axis, which keeps its place */
OnnxValue *
onnx_value_range (
    OnnxReader *reader, const OnnxNode *node, OnnxValue *in, guint axis, OnnxRange range)
{
  gboolean packed = in->kind == ONNX_PACK && axis == in->axis;
  OnnxInt size = packed ? onnx_number (size_of_pack (reader, in))
                        : onnx_axis_size (reader, &in->axes[axis]);
  gboolean start_back, end_back, is_start;
  gint64 start, end;

  if (range.step == -1 && range.start.atom == ONNX_NUMBER && range.end.atom == ONNX_NUMBER
      && (range.start.offset == -1 || range.start.offset >= G_MAXINT32)
      && range.end.offset <= -(gint64) G_MAXINT32)
    return onnx_stream_flip (reader, node, in, axis);
  if (range.step != 1 || !get_position (reader, size, range.start, &start, &start_back)
      || !get_position (reader, size, range.end, &end, &end_back))
    return onnx_bad (reader, node, "expected a constant range of each axis, found another");
  is_start = !start_back && start == 0;
  if (is_start && end_back && end == 0)
    return in;
  if (size.atom == ONNX_NUMBER && packed)
    return range_of_pack (reader, node, in, start, end);
  if (in->kind != ONNX_STREAM)
    return is_start && end == size.offset
               ? in
               : onnx_bad (reader, node,
                   "expected to pick one of %u tensors, found another part", in->n_parts);
  if (size.atom == ONNX_NUMBER)
    return range_of_known (reader, node, in, axis, size.offset, start, end);
  if (start_back && start == -1 && end_back && end == 0) {
    OnnxValue *last = take_step (reader, node, in, axis, ONNX_TAKE_LAST);

    if (last->kind != ONNX_BAD)
      last->step->by_length = range.start.atom == reader->length;
    return last;
  }
  if (is_start && !end_back && end == 1)
    return take_step (reader, node, in, axis, ONNX_TAKE_FIRST);
  return onnx_bad (
      reader, node, "expected all of an axis or its last step, found another part");
}

OnnxValue *
onnx_stream_slice (OnnxReader *reader, OnnxNode *node)
{
  OnnxValue *value = node->in[0];
  OnnxRange ranges[ONNX_MAX_DIMS];
  const char *problem;
  guint n = value->n_axes;

  if (!onnx_get_ranges (reader, node, n, ranges, &problem))
    return onnx_bad (reader, node, "%s", problem);
  for (guint i = 0; i < n && value->kind != ONNX_BAD; i++)
    value = onnx_value_range (reader, node, value, i, ranges[i]);
  return value;
}

static OnnxRange
get_single (OnnxInt index)
{
  OnnxInt end = index;

  end.offset = index.offset == G_MAXINT64 ? index.offset : index.offset + 1;
  if (end.offset == 0 && end.atom == ONNX_NUMBER)
    end.offset = G_MAXINT64;
  return (OnnxRange){index, end, 1};
}

OnnxValue *
onnx_stream_gather (OnnxReader *reader, OnnxNode *node)
{
  OnnxValue *in = node->in[0], *value;
  const OnnxInt *index;
  guint axis;
  gsize n;

  if (in->kind == ONNX_TENSOR)
    return onnx_bad (
        reader, node, "expected constant indices, found computed ones (an embedding?)");
  if (!onnx_get_ints (reader, node, NULL, 1, &index, &n) || n != 1
      || !onnx_get_axis (onnx_get_int (node, "axis", 0), in->n_axes, &axis))
    return onnx_bad (reader, node, "expected one constant index, found another");
  value = onnx_value_range (reader, node, in, axis, get_single (*index));
  if (value->kind == ONNX_BAD || node->in[1]->tensor->n_dims)
    return value;
  if (value->axes[axis].n)
    return onnx_bad (reader, node, "expected one step or direction, found more");
  return onnx_value_drop (reader, value, axis);
}

/* The step at each sequence's length − 1, which is the last one */
OnnxValue *
onnx_stream_gather_elements (OnnxReader *reader, OnnxNode *node)
{
  OnnxValue *in = node->in[0];
  const OnnxTensor *index = node->n_in > 1 && node->in[1] && node->in[1]->kind == ONNX_TENSOR
                                ? node->in[1]->tensor
                                : NULL;
  guint axis;

  if (in->kind == ONNX_TENSOR || !index || !index->is_int || !index->n
      || index->n_dims != in->n_axes
      || !onnx_get_axis (onnx_get_int (node, "axis", 0), in->n_axes, &axis)
      || index->shape[axis] != 1)
    return onnx_bad (reader, node, "expected one constant index, found another");
  for (gsize k = 1; k < index->n; k++)
    if (!onnx_int_equal (reader, index->i[k], index->i[0]))
      return onnx_bad (reader, node, "expected the same index everywhere, found others");
  return onnx_value_range (reader, node, in, axis, get_single (index->i[0]));
}

OnnxValue *
onnx_stream_split (OnnxReader *reader, OnnxNode *node)
{
  OnnxValue *in = node->in[0];
  g_autofree gint64 *sizes = g_new (gint64, node->n_out + 1);
  OnnxInt size;
  const char *problem;
  gint64 at = 0;
  guint axis;

  if (!onnx_get_axis (onnx_get_int (node, "axis", 0), in->n_axes, &axis))
    return onnx_bad (reader, node, "expected an axis of its input, found another");
  size = in->kind == ONNX_PACK && axis == in->axis ? onnx_number (size_of_pack (reader, in))
                                                   : onnx_axis_size (reader, &in->axes[axis]);
  if (!onnx_get_splits (
          reader, node, size.atom == ONNX_NUMBER ? size.offset : -1, sizes, &problem))
    return onnx_bad (reader, node, "%s", problem);
  for (guint k = 0; k < node->n_out; k++) {
    const OnnxRange range = {onnx_number (at), onnx_number (at + sizes[k]), 1};

    node->out[k] = onnx_value_range (reader, node, in, axis, range);
    at += sizes[k];
  }
  return node->out[0];
}
