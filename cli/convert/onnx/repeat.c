/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/repeat.h"
#include "onnx/args.h"
#include "onnx/signal.h"

static gboolean
has_time (const OnnxReader *reader, const OnnxValue *value)
{
  for (guint i = 0; i < value->n_axes; i++)
    for (guint k = 0; k < value->axes[i].n; k++)
      if (onnx_get_factor (reader, value->axes[i].factors[k])->role == ONNX_ROLE_TIME)
        return TRUE;
  return FALSE;
}

static gboolean
is_number_of_steps (const OnnxReader *reader, OnnxInt n)
{
  return n.factor > 0 && onnx_get_factor (reader, n.factor)->role == ONNX_ROLE_TIME;
}

/* Repeats the only step of @in @n times along @axis, which has size 1. */
static OnnxValue *
repeat_step (OnnxReader *reader, OnnxNode *node, const OnnxValue *in, guint axis, OnnxInt n)
{
  OnnxStage *stage = onnx_node_new_stage (reader, node, ONNX_STAGE_REPEAT, in->stage);
  OnnxValue *value = onnx_signal_new (reader, in, stage);

  if (has_time (reader, in))
    return onnx_unsupported (reader, node,
        "input: expected a single step, found the sequence %s",
        onnx_value_describe (reader, in));
  if (n.factor != ONNX_NO_FACTOR || n.offset < 1)
    return onnx_unsupported (reader, node,
        "repeats: expected a constant of 1 or more along axis %u, found %s", axis,
        is_number_of_steps (reader, n)
            ? "the number of steps of the input (export with a fixed number of steps)"
            : onnx_ints_describe (reader, &n, 1));
  if (in->axes[axis].n)
    return onnx_unsupported (reader, node,
        "repeats: expected repeats along an axis of size 1, found %" G_GINT64_FORMAT
        " along axis %u: %s",
        n.offset, axis, onnx_axis_describe (reader, &in->axes[axis]));
  stage->n_repeats = (gsize) n.offset;
  value->axes[axis] = onnx_axis_new (reader, n.offset, ONNX_ROLE_TIME);
  return value;
}

OnnxValue *
onnx_apply_expand (OnnxReader *reader, OnnxNode *node)
{
  OnnxValue *value = node->inputs[0];
  const OnnxInt *sizes;
  gsize n;

  if (value->kind != ONNX_VALUE_SIGNAL)
    return onnx_unsupported_input (reader, node, "input", 0, "one tensor");
  if (!onnx_get_ints (reader, node, NULL, 1, &sizes, &n) || !sizes || n > ONNX_MAX_DIMS)
    return onnx_unsupported_input (
        reader, node, "shape", 1, "at most 8 sizes that follow from constants and known sizes");
  if (n > value->n_axes)
    value = onnx_value_prepend_axes (reader, value, (guint) n);
  for (guint i = value->n_axes - (guint) n; i < value->n_axes; i++) {
    OnnxInt size = sizes[i - (value->n_axes - n)];

    if ((size.factor == ONNX_NO_FACTOR && size.offset == 1)
        || onnx_int_equal (reader, onnx_axis_size (reader, &value->axes[i]), size))
      continue;
    value = repeat_step (reader, node, value, i, size);
    if (value->kind == ONNX_VALUE_UNSUPPORTED)
      break;
  }
  return value;
}

OnnxValue *
onnx_apply_tile (OnnxReader *reader, OnnxNode *node)
{
  OnnxValue *value = node->inputs[0];
  const OnnxInt *repeats;
  gsize n;

  if (value->kind != ONNX_VALUE_SIGNAL)
    return onnx_unsupported_input (reader, node, "input", 0, "one tensor");
  if (!onnx_get_ints (reader, node, NULL, 1, &repeats, &n) || n != value->n_axes || !repeats)
    return onnx_unsupported (reader, node,
        "repeats: expected a constant for each of %u axes, found %s", value->n_axes,
        onnx_describe_input (reader, node, 1));
  for (guint i = 0; i < n && value->kind != ONNX_VALUE_UNSUPPORTED; i++)
    if (repeats[i].factor != ONNX_NO_FACTOR || repeats[i].offset != 1)
      value = repeat_step (reader, node, value, i, repeats[i]);
  return value;
}
