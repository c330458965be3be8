/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/layout.h"
#include "onnx/args.h"
#include "onnx/decode.h"
#include "onnx/mask.h"

OnnxValue *
onnx_apply_cast (OnnxReader *reader, OnnxNode *node)
{
  gint64 to = onnx_get_int (node, "to", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT);
  gboolean is_int;

  if (onnx_is_comparison (node->inputs[0]))
    return node->inputs[0];
  if (!onnx_find_data_type (to, &is_int) || is_int)
    return onnx_unsupported (reader, node,
        "to: expected a data type of real numbers, found ONNX data type %" G_GINT64_FORMAT, to);
  return node->inputs[0];
}

/* Dropout copies its input if the model is in evaluation mode. Before opset 7 the attribute is_test
 * states the mode, and since opset 12 input 2 does. */
OnnxValue *
onnx_apply_dropout (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *training = onnx_get_tensor_input (node, 2);
  gboolean is_training = reader->opset < 7 && !onnx_get_int (node, "is_test", 0);

  if (onnx_get_input (node, 2)) {
    if (!training || !training->is_int || training->n_values != 1
        || training->ints[0].factor != ONNX_NO_FACTOR)
      return onnx_unsupported_input (
          reader, node, "training_mode", 2, "a constant truth value");
    is_training |= training->ints[0].offset != 0;
  }
  if (is_training)
    return onnx_unsupported (reader, node,
        "mode: expected evaluation, found training; export the model after model.eval()");
  return node->inputs[0];
}

OnnxValue *
onnx_apply_pad (OnnxReader *reader, OnnxNode *node)
{
  const OnnxInt *pads;
  gsize n;
  gboolean is_zero = onnx_get_ints (reader, node, "pads", 1, &pads, &n) && pads;

  for (gsize i = 0; is_zero && i < n; i++)
    is_zero = onnx_int_equal (reader, pads[i], onnx_int_constant (0));
  return is_zero ? node->inputs[0]
                 : onnx_unsupported_argument (
                     reader, node, "pads", "pads", 1, "no padding: a constant 0 for each axis");
}

OnnxValue *
onnx_apply_transpose (OnnxReader *reader, OnnxNode *node)
{
  const OnnxValue *in = node->inputs[0];
  OnnxValue *value = onnx_value_copy (reader, in), *unsupported;
  guint permutation[ONNX_MAX_DIMS];

  if (in->kind != ONNX_VALUE_SIGNAL)
    return onnx_unsupported_input (reader, node, "data", 0, "one tensor");
  if ((unsupported = onnx_get_permutation (reader, node, in->n_axes, permutation)))
    return unsupported;
  for (guint i = 0; i < in->n_axes; i++)
    value->axes[i] = in->axes[permutation[i]];
  return value;
}

/* Returns whether Squeeze may remove @axis. An axis of unknown size has size 1 if Squeeze names the
 * axis, unless the axis is time. */
static gboolean
can_drop (const OnnxReader *reader, const OnnxAxis *axis, gboolean is_named)
{
  for (guint i = 0; i < axis->n; i++) {
    const OnnxFactor *factor = onnx_get_factor (reader, axis->factors[i]);

    if (!is_named || factor->size >= 0 || factor->role == ONNX_ROLE_TIME)
      return FALSE;
  }
  return TRUE;
}

OnnxValue *
onnx_apply_squeeze (OnnxReader *reader, OnnxNode *node)
{
  OnnxValue *value = node->inputs[0], *unsupported;
  gboolean has_axes;
  guint32 mask;

  if ((unsupported = onnx_get_axes (reader, node, value->n_axes, &mask, &has_axes)))
    return unsupported;
  for (guint i = value->n_axes; i-- > 0;) {
    gboolean joins_parts = value->kind == ONNX_VALUE_CONCAT && i == value->concat_axis;
    gboolean is_single = !joins_parts && can_drop (reader, &value->axes[i], has_axes);
    gboolean is_named = has_axes && (mask >> i) & 1;

    if (is_named && joins_parts)
      return onnx_unsupported_input (reader, node, "data", 0, "axes of size 1");
    if (is_named && !is_single)
      return onnx_unsupported (reader, node, "data: expected size 1 along axis %u, found %s", i,
          onnx_axis_describe (reader, &value->axes[i]));
    if (is_single && (!has_axes || is_named))
      value = onnx_value_drop_axis (reader, value, i);
  }
  return value;
}

OnnxValue *
onnx_apply_unsqueeze (OnnxReader *reader, OnnxNode *node)
{
  const OnnxValue *in = node->inputs[0];
  OnnxValue *value = onnx_value_copy (reader, in), *unsupported;
  guint32 mask;

  if ((unsupported = onnx_get_new_axes (reader, node, in->n_axes, &mask, &value->n_axes)))
    return unsupported;
  for (guint i = 0, from = 0; i < value->n_axes; i++) {
    if ((mask >> i) & 1) {
      value->axes[i].n = 0;
      continue;
    }
    if (in->kind == ONNX_VALUE_CONCAT && from == in->concat_axis)
      value->concat_axis = i;
    value->axes[i] = in->axes[from++];
  }
  return value;
}

OnnxValue *
onnx_apply_flatten (OnnxReader *reader, OnnxNode *node)
{
  const OnnxValue *in = node->inputs[0];
  OnnxValue *value = onnx_value_copy (reader, in), *unsupported;
  guint axis = in->n_axes;

  if (in->kind != ONNX_VALUE_SIGNAL)
    return onnx_unsupported_input (reader, node, "input", 0, "one tensor");
  if (onnx_get_int (node, "axis", 1) != in->n_axes
      && (unsupported = onnx_get_axis (reader, node, 1, in->n_axes, &axis)))
    return unsupported;
  value->n_axes = 2;
  value->axes[0].n = value->axes[1].n = 0;
  for (guint i = 0; i < in->n_axes; i++)
    if (!onnx_axis_append (&value->axes[i < axis ? 0 : 1], &in->axes[i]))
      return onnx_unsupported (reader, node,
          "input: expected axes that merge to at most %d factors, found more in %s",
          ONNX_MAX_FACTORS, onnx_describe_input (reader, node, 0));
  return value;
}

OnnxValue *
onnx_apply_shape (OnnxReader *reader, OnnxNode *node)
{
  const OnnxValue *in = node->inputs[0];
  OnnxTensor *sizes;
  guint start, end;
  gsize n;

  if (in->kind != ONNX_VALUE_SIGNAL)
    return onnx_unsupported_input (reader, node, "data", 0, "one tensor");
  onnx_get_shape_range (node, in->n_axes, &start, &end);
  n = end - start;
  if (!(sizes = onnx_tensor_new (reader, TRUE, 1, &n)))
    return onnx_value_from_tensor (reader, node, NULL);
  for (gsize i = 0; i < n; i++)
    sizes->ints[i] = onnx_axis_size (reader, &in->axes[start + i]);
  return onnx_value_from_tensor (reader, node, sizes);
}
