/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/directions.h"
#include "onnx/args.h"
#include "onnx/mask.h"
#include "onnx/signal.h"
#include "onnx/unrolled.h"

/* Returns whether @stage is a single direction that reads reversed time. Such a direction equals
 * the other direction over the time before the reversal: both process the same step last, and the
 * outputs of one direction are the reversed outputs of the other direction. */
static gboolean
reads_flipped_time (const OnnxStage *stage)
{
  return stage->kind == ONNX_STAGE_RECURRENT && !onnx_stage_has_both_directions (stage)
         && stage->parent->kind == ONNX_STAGE_FLIP;
}

/* Returns the other direction, which reads the time before the reversal. */
static OnnxStage *
swap_directions (OnnxReader *reader, const OnnxStage *stage)
{
  OnnxStage *swapped = onnx_stage_copy (reader, stage);

  swapped->cells[0] = stage->cells[1];
  swapped->cells[1] = stage->cells[0];
  swapped->parent = stage->parent->parent;
  swapped->all_steps = NULL;
  return swapped;
}

OnnxValue *
onnx_signal_flip (OnnxReader *reader, const OnnxNode *node, const OnnxValue *in, guint axis)
{
  if (in->kind != ONNX_VALUE_SIGNAL || in->axes[axis].n != 1
      || !onnx_axis_bind (reader, &in->axes[axis], ONNX_ROLE_TIME))
    return onnx_unsupported (reader, node,
        "input: reversing is supported only for time; found axis %u, %s, of %s", axis,
        onnx_axis_describe (reader, &in->axes[axis]), onnx_value_describe (reader, in));
  if (reads_flipped_time (in->stage) && in->stage->selection == ONNX_SELECT_ALL)
    return onnx_signal_new (reader, in, swap_directions (reader, in->stage));
  return onnx_signal_new (
      reader, in, onnx_node_new_stage (reader, node, ONNX_STAGE_FLIP, in->stage));
}

/* Returns the selection of a single direction. The first or last step in time becomes the
 * direction's own last step if the direction processes it last. */
static OnnxSelection
select_relative_to_direction (const OnnxStage *stage)
{
  OnnxSelection own_last = stage->cells[0] ? ONNX_SELECT_LAST : ONNX_SELECT_FIRST;

  return stage->selection == own_last ? ONNX_SELECT_OWN_LAST : stage->selection;
}

/* Returns @stage, or the equal direction that reads the time before a reversal. */
static const OnnxStage *
remove_flip (OnnxReader *reader, const OnnxStage *stage)
{
  return reads_flipped_time (stage)
                 && select_relative_to_direction (stage) == ONNX_SELECT_OWN_LAST
             ? swap_directions (reader, stage)
             : stage;
}

/* Returns whether @a is the forward and @b the reverse direction of one recurrent layer. */
static gboolean
are_directions (const OnnxStage *a, const OnnxStage *b)
{
  return a->kind == ONNX_STAGE_RECURRENT && b->kind == ONNX_STAGE_RECURRENT
         && a->parent == b->parent && a->cells[0] && !a->cells[1] && b->cells[1] && !b->cells[0]
         && select_relative_to_direction (a) == select_relative_to_direction (b)
         && a->cells[0]->recurrence == b->cells[1]->recurrence
         && a->cells[0]->resets_before == b->cells[1]->resets_before
         && a->cells[0]->m == b->cells[1]->m && a->is_masked == b->is_masked
         && onnx_mask_equal (a->mask, b->mask) && a->cells[0]->clip == b->cells[1]->clip
         && a->cells[0]->input_forget == b->cells[1]->input_forget;
}

/* Sets the axes of @value, which merges the directions @a and @b. Returns FALSE if their layouts
 * differ, or if they are not concatenated along their units. */
static gboolean
merge_axes (OnnxValue *value, const OnnxValue *a, const OnnxValue *b, const char *merge,
    guint concat_axis)
{
  for (guint i = 0; i < a->n_axes; i++) {
    gboolean are_units = onnx_axis_equal (&a->axes[i], &a->stage->features)
                         && onnx_axis_equal (&b->axes[i], &b->stage->features);

    if (are_units && (merge ? a->axes[i].n > 0 : i == concat_axis))
      value->axes[i] = value->stage->features;
    else if (!onnx_axis_equal (&a->axes[i], &b->axes[i]) || (!merge && i == concat_axis))
      return FALSE;
  }
  return TRUE;
}

OnnxValue *
onnx_signal_merge (
    OnnxReader *reader, const OnnxValue *a, const OnnxValue *b, const char *merge, guint axis)
{
  const OnnxStage *forward = remove_flip (reader, a->stage);
  const OnnxStage *reverse = remove_flip (reader, b->stage);
  gboolean is_swapped = reverse->cells[0] != NULL;
  OnnxValue *value;
  OnnxStage *stage;

  if (is_swapped) {
    const OnnxStage *first = forward;

    forward = reverse;
    reverse = first;
  }
  if (!are_directions (forward, reverse) || a->n_axes != b->n_axes
      || a->is_sorted != b->is_sorted || (!merge && is_swapped))
    return NULL;
  stage = onnx_stage_copy (reader, forward);
  stage->cells[1] = reverse->cells[1];
  stage->all_steps = NULL;
  stage->selection = select_relative_to_direction (forward);
  stage->merge = merge;
  if (!merge)
    stage->features = onnx_axis_new (
        reader, 2 * (gint64) forward->cells[0]->m, ONNX_ROLE_FEATURE);
  value = onnx_signal_new (reader, a, stage);
  value->state_part = MIN (a->state_part, b->state_part);
  return merge_axes (value, a, b, merge, axis) ? value : NULL;
}

static OnnxValue *
concatenate_inputs (OnnxReader *reader, const OnnxNode *node, guint axis)
{
  OnnxValue *value = onnx_value_copy (reader, node->inputs[0]);

  value->kind = ONNX_VALUE_CONCAT;
  value->concat_axis = axis;
  value->axes[axis].n = 0;
  value->n_parts = node->n_inputs;
  value->parts = node->inputs;
  value->problem = onnx_own_text (reader,
      g_strdup_printf (
          "%s: inputs: expected the forward and the reverse direction of one recurrent layer, "
          "found %u inputs along axis %u, the first two of which are %s and %s",
          node->label, node->n_inputs, axis, onnx_describe_input (reader, node, 0),
          onnx_describe_input (reader, node, 1)));
  return value;
}

OnnxValue *
onnx_apply_concat (OnnxReader *reader, OnnxNode *node)
{
  OnnxValue *first = node->inputs[0], *merged = NULL, *unsupported;
  guint axis;

  if (first->kind != ONNX_VALUE_SIGNAL)
    return onnx_unsupported_input (
        reader, node, "input 0", 0, "one direction of a recurrent layer");
  if ((unsupported = onnx_get_axis (reader, node, 1, first->n_axes, &axis)))
    return unsupported;
  if (node->n_inputs == 1)
    return first;
  for (guint i = 0; i < node->n_inputs; i++) {
    const OnnxValue *in = node->inputs[i];

    if (!onnx_value_is (in, ONNX_VALUE_SIGNAL) || in->n_axes != first->n_axes
        || onnx_axis_size (reader, &in->axes[axis]).factor != ONNX_NO_FACTOR)
      return onnx_unsupported (reader, node,
          "input %u: expected a direction of a recurrent layer with %u dimensions and a known "
          "size along "
          "axis %u, found %s",
          i, first->n_axes, axis, onnx_value_describe (reader, in));
  }
  if ((merged = onnx_join_steps (reader, node, axis)))
    return merged;
  if (node->n_inputs == 2 && onnx_axis_equal (&first->axes[axis], &first->stage->features))
    merged = onnx_signal_merge (reader, first, node->inputs[1], NULL, axis);
  return merged ? merged : concatenate_inputs (reader, node, axis);
}

OnnxValue *
onnx_apply_reverse_sequence (OnnxReader *reader, OnnxNode *node)
{
  const OnnxValue *in = node->inputs[0];
  const OnnxTensor *lengths = onnx_get_tensor_input (node, 1);
  guint axis;

  if (in->kind != ONNX_VALUE_SIGNAL)
    return onnx_unsupported_input (reader, node, "input", 0, "one tensor");
  if (!lengths || !lengths->is_int)
    return onnx_unsupported_input (reader, node, "sequence_lens", 1, "constant integers");
  if (!onnx_resolve_axis (onnx_get_int (node, "time_axis", 0), in->n_axes, &axis))
    return onnx_unsupported (reader, node,
        "time_axis: expected an axis of %u dimensions, found %" G_GINT64_FORMAT, in->n_axes,
        onnx_get_int (node, "time_axis", 0));
  if (!onnx_axis_bind (reader, &in->axes[axis], ONNX_ROLE_TIME))
    return onnx_unsupported (reader, node, "time_axis: expected time, found axis %u, %s", axis,
        onnx_axis_describe (reader, &in->axes[axis]));
  for (gsize k = 0; k < lengths->n_values; k++)
    if (!onnx_int_equal (reader, lengths->ints[k], onnx_axis_size (reader, &in->axes[axis])))
      return onnx_unsupported (reader, node,
          "sequence_lens: expected the number of steps for each sequence, found %s for %s",
          onnx_describe_input (reader, node, 1), onnx_axis_describe (reader, &in->axes[axis]));
  return onnx_signal_flip (reader, node, in, axis);
}
