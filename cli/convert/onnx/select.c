/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/select.h"
#include "onnx/batch-order.h"
#include "onnx/directions.h"
#include "onnx/trace.h"
#include <string.h>

static OnnxValue *
copy_without_factors (OnnxReader *reader, const OnnxValue *in, guint axis, OnnxStage *stage)
{
  OnnxValue *value = onnx_value_copy (reader, in);

  value->axes[axis].n = 0;
  value->stage = stage;
  return value;
}

/* Selects one step along time, whose axis then has size 1. @step: its number for ONNX_SELECT_STEP.
 * A recurrent stage that is the last stage gets the selection of the first or last step itself,
 * because other nodes may still select a direction of it. */
static OnnxValue *
select_step (OnnxReader *reader, const OnnxNode *node, const OnnxValue *in, guint axis,
    OnnxSelection selection, gsize step)
{
  OnnxStage *stage;

  if (in->axes[axis].n != 1 || !onnx_axis_bind (reader, &in->axes[axis], ONNX_ROLE_TIME))
    return onnx_unsupported (reader, node,
        "input: expected time along axis %u, to select its %s step, found %s", axis,
        selection == ONNX_SELECT_LAST ? "last" : "first",
        onnx_axis_describe (reader, &in->axes[axis]));
  if (selection != ONNX_SELECT_STEP && in->stage->kind == ONNX_STAGE_RECURRENT
      && in->stage->selection == ONNX_SELECT_ALL) {
    stage = onnx_stage_copy (reader, in->stage);
    stage->all_steps = in->stage;
  } else {
    stage = onnx_node_new_stage (reader, node, ONNX_STAGE_SELECT, in->stage);
  }
  stage->selection = selection;
  stage->step = step;
  stage->time = in->axes[axis];
  return copy_without_factors (reader, in, axis, stage);
}

/* Selects one of two directions. @axis consists of the directions, or of directions and units. */
static OnnxValue *
select_direction (OnnxReader *reader, const OnnxValue *in, guint axis, guint direction)
{
  OnnxStage *stage = onnx_stage_copy (reader, in->stage);
  OnnxValue *value = copy_without_factors (reader, in, axis, stage);

  for (guint i = 1; i < in->axes[axis].n; i++)
    value->axes[axis].factors[value->axes[axis].n++] = in->axes[axis].factors[i];
  stage->cells[!direction] = NULL;
  stage->all_steps = NULL;
  stage->features.n--;
  memmove (stage->features.factors, stage->features.factors + 1,
      stage->features.n * sizeof *stage->features.factors);
  return value;
}

static gboolean
has_directions (const OnnxValue *in, guint axis)
{
  const OnnxStage *stage = in->stage;

  return onnx_stage_has_both_directions (stage) && !stage->merge && in->axes[axis].n
         && in->axes[axis].factors[0] == stage->features.factors[0];
}

/* Gets the position @a along an axis of size @size. If the size is unknown, *position may count
 * from the end. Sets *from_end to whether *position does. Returns FALSE if @a is unknown. */
static gboolean
get_position (
    const OnnxReader *reader, OnnxInt size, OnnxInt a, gint64 *position, gboolean *from_end)
{
  OnnxInt without_offset = a;

  *from_end = FALSE;
  *position = a.offset;
  if (a.factor != ONNX_NO_FACTOR) {
    without_offset.offset = 0;
    *from_end = onnx_int_equal (reader, without_offset, size);
    return *from_end;
  }
  if (size.factor == ONNX_NO_FACTOR) {
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
slice_concat (OnnxReader *reader, const OnnxNode *node, OnnxValue *in, gint64 start, gint64 end)
{
  gint64 first = start, last = end;
  OnnxValue *found = NULL;

  for (guint i = 0; i < in->n_parts; i++) {
    gint64 size = onnx_axis_size (reader, &in->parts[i]->axes[in->concat_axis]).offset;

    if (!found && first >= 0 && last > first && last <= size) {
      const OnnxRange range = {onnx_int_constant (first), onnx_int_constant (last), 1};

      found = onnx_value_slice (reader, node, in->parts[i], in->concat_axis, range);
    }
    first -= size;
    last -= size;
  }
  return found ? found
               : onnx_unsupported (reader, node,
                   "range: expected a part of one of %u tensors that are joined along axis %u, "
                   "found %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT,
                   in->n_parts, in->concat_axis, start, end);
}

/* Returns the part [start, end) of an axis of known size. */
static OnnxValue *
slice_known (OnnxReader *reader, const OnnxNode *node, OnnxValue *in, guint axis, gint64 size,
    gint64 start, gint64 end)
{
  if (start == 0 && end == size)
    return in;
  if (has_directions (in, axis) && end - start == size / 2 && start % (size / 2) == 0
      && size % 2 == 0)
    return select_direction (reader, in, axis, start != 0);
  if (end == size && start == size - 1)
    return select_step (reader, node, in, axis, ONNX_SELECT_LAST, 0);
  if (start == 0 && end == 1)
    return select_step (reader, node, in, axis, ONNX_SELECT_FIRST, 0);
  if (end == start + 1 && in->axes[axis].n == 1
      && onnx_get_factor (reader, in->axes[axis].factors[0])->role != ONNX_ROLE_FEATURE)
    return select_step (reader, node, in, axis, ONNX_SELECT_STEP, (gsize) start);
  return onnx_unsupported (reader, node,
      "range: expected all of axis %u, its last step or a direction, found %" G_GINT64_FORMAT
      " to %" G_GINT64_FORMAT " of %s",
      axis, start, end, onnx_axis_describe (reader, &in->axes[axis]));
}

/* Returns whether @range reverses an axis. */
static gboolean
is_reversed (OnnxRange range)
{
  return range.stride == -1 && range.start.factor == ONNX_NO_FACTOR
         && range.end.factor == ONNX_NO_FACTOR
         && (range.start.offset == -1 || range.start.offset >= G_MAXINT32)
         && range.end.offset <= -(gint64) G_MAXINT32;
}

static OnnxValue *
new_unsupported_range (
    OnnxReader *reader, const OnnxNode *node, const OnnxValue *in, guint axis, OnnxRange range)
{
  return onnx_unsupported (reader, node,
      "range: expected all of axis %u or its last step, found %s with stride %" G_GINT64_FORMAT
      " of %s",
      axis, onnx_ints_describe (reader, (const OnnxInt[]){range.start, range.end}, 2),
      range.stride,
      in->kind == ONNX_VALUE_SIGNAL ? onnx_axis_describe (reader, &in->axes[axis])
                                    : onnx_value_describe (reader, in));
}

/* Returns the size of an axis. The axis of a concatenation has the sum of the sizes. */
static OnnxInt
get_axis_size (const OnnxReader *reader, const OnnxValue *in, guint axis)
{
  gint64 size = 0;

  if (in->kind != ONNX_VALUE_CONCAT || axis != in->concat_axis)
    return onnx_axis_size (reader, &in->axes[axis]);
  for (guint i = 0; i < in->n_parts; i++)
    size += onnx_axis_size (reader, &in->parts[i]->axes[axis]).offset;
  return onnx_int_constant (size);
}

OnnxValue *
onnx_value_slice (
    OnnxReader *reader, const OnnxNode *node, OnnxValue *in, guint axis, OnnxRange range)
{
  OnnxInt size = get_axis_size (reader, in, axis);
  gboolean start_from_end, end_from_end, is_from_start;
  gint64 start, end;

  if (is_reversed (range))
    return onnx_signal_flip (reader, node, in, axis);
  if (range.stride != 1 || !get_position (reader, size, range.start, &start, &start_from_end)
      || !get_position (reader, size, range.end, &end, &end_from_end))
    return new_unsupported_range (reader, node, in, axis, range);
  is_from_start = !start_from_end && start == 0;
  if (is_from_start && end_from_end && end == 0)
    return in;
  if (in->kind == ONNX_VALUE_CONCAT && axis == in->concat_axis)
    return slice_concat (reader, node, in, start, end);
  if (in->kind != ONNX_VALUE_SIGNAL)
    return is_from_start && end == size.offset
               ? in
               : new_unsupported_range (reader, node, in, axis, range);
  if (size.factor == ONNX_NO_FACTOR)
    return slice_known (reader, node, in, axis, size.offset, start, end);
  if (start_from_end && start == -1 && end_from_end && end == 0) {
    OnnxValue *last = select_step (reader, node, in, axis, ONNX_SELECT_LAST, 0);

    if (last->kind != ONNX_VALUE_UNSUPPORTED)
      last->stage->selects_by_length = range.start.factor == reader->length_factor;
    return last;
  }
  if (is_from_start && !end_from_end && end == 1)
    return select_step (reader, node, in, axis, ONNX_SELECT_FIRST, 0);
  return new_unsupported_range (reader, node, in, axis, range);
}

OnnxValue *
onnx_apply_slice (OnnxReader *reader, OnnxNode *node)
{
  OnnxValue *value = node->inputs[0], *unsupported;
  OnnxRange ranges[ONNX_MAX_DIMS];
  guint n = value->n_axes;

  if ((unsupported = onnx_get_ranges (reader, node, n, ranges)))
    return unsupported;
  for (guint i = 0; i < n && value->kind != ONNX_VALUE_UNSUPPORTED; i++)
    value = onnx_value_slice (reader, node, value, i, ranges[i]);
  return value;
}

/* Returns the range that consists of @index only. */
static OnnxRange
get_single_range (OnnxInt index)
{
  OnnxInt end = index;

  end.offset = index.offset == G_MAXINT64 ? index.offset : index.offset + 1;
  if (end.offset == 0 && end.factor == ONNX_NO_FACTOR)
    end.offset = G_MAXINT64;
  return (OnnxRange){index, end, 1};
}

OnnxValue *
onnx_apply_gather (OnnxReader *reader, OnnxNode *node)
{
  OnnxValue *in = node->inputs[0], *value;
  const OnnxInt *index;
  guint axis;
  gsize n;

  if (in->kind == ONNX_VALUE_TENSOR)
    return onnx_unsupported (reader, node,
        "indices: %s is supported only with constant indices, not as an embedding; found %s",
        node->proto->op_type, onnx_describe_input (reader, node, 1));
  if ((value = onnx_get_axis (reader, node, 0, in->n_axes, &axis)))
    return value;
  if (onnx_is_batch_order (onnx_get_tensor_input (node, 1)))
    return onnx_gather_batch (reader, node, in, axis, onnx_get_tensor_input (node, 1));
  if (!onnx_get_ints (reader, node, NULL, 1, &index, &n) || n != 1)
    return onnx_unsupported_input (reader, node, "indices", 1, "one constant index");
  if (onnx_reads_step (reader, node))
    return onnx_trace_step (reader, node, in, axis);
  value = onnx_value_slice (reader, node, in, axis, get_single_range (*index));
  if (value->kind == ONNX_VALUE_UNSUPPORTED || node->inputs[1]->tensor->n_dims)
    return value;
  if (value->axes[axis].n)
    return onnx_unsupported (reader, node,
        "data: expected one step or one direction at the index along axis %u, found %s", axis,
        onnx_axis_describe (reader, &value->axes[axis]));
  return onnx_value_drop_axis (reader, value, axis);
}

OnnxValue *
onnx_apply_gather_elements (OnnxReader *reader, OnnxNode *node)
{
  OnnxValue *in = node->inputs[0], *unsupported;
  const OnnxTensor *index = onnx_get_tensor_input (node, 1);
  guint axis;

  if (in->kind == ONNX_VALUE_TENSOR || !index || !index->is_int || !index->n_values
      || index->n_dims != in->n_axes)
    return onnx_unsupported (reader, node,
        "indices: expected constant integers of %u dimensions, found %s for %s", in->n_axes,
        onnx_describe_input (reader, node, 1), onnx_describe_input (reader, node, 0));
  if ((unsupported = onnx_get_axis (reader, node, 0, in->n_axes, &axis)))
    return unsupported;
  if (index->shape[axis] != 1)
    return onnx_unsupported (reader, node,
        "indices: expected size 1 along axis %u, found shape %s", axis,
        onnx_tensor_describe_shape (reader, index));
  for (gsize k = 1; k < index->n_values; k++)
    if (!onnx_int_equal (reader, index->ints[k], index->ints[0]))
      return onnx_unsupported (reader, node,
          "indices: expected the same index everywhere, found %s",
          onnx_ints_describe (reader, (const OnnxInt[]){index->ints[0], index->ints[k]}, 2));
  return onnx_value_slice (reader, node, in, axis, get_single_range (index->ints[0]));
}

OnnxValue *
onnx_apply_split (OnnxReader *reader, OnnxNode *node)
{
  OnnxValue *in = node->inputs[0], *unsupported;
  g_autofree gint64 *sizes = g_new (gint64, node->n_outputs + 1);
  OnnxInt size;
  gint64 start = 0;
  guint axis;

  if ((unsupported = onnx_get_axis (reader, node, 0, in->n_axes, &axis)))
    return unsupported;
  size = get_axis_size (reader, in, axis);
  unsupported = onnx_get_splits (
      reader, node, size.factor == ONNX_NO_FACTOR ? size.offset : -1, sizes);
  if (unsupported)
    return unsupported;
  for (guint k = 0; k < node->n_outputs; k++) {
    const OnnxRange range = {
        onnx_int_constant (start), onnx_int_constant (start + sizes[k]), 1};

    node->outputs[k] = onnx_value_slice (reader, node, in, axis, range);
    start += sizes[k];
  }
  return node->outputs[0];
}
