/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/value.h"

/* A value does not count towards the memory limit, because a value is small, and a file has few
 * values for each name. */
OnnxValue *
onnx_value_new (OnnxReader *reader, OnnxValueKind kind)
{
  OnnxValue *value = g_new0 (OnnxValue, 1);

  g_ptr_array_add (reader->arena, value);
  value->kind = kind;
  return value;
}

OnnxValue *
onnx_value_copy (OnnxReader *reader, const OnnxValue *value)
{
  OnnxValue *copy = onnx_value_new (reader, value->kind);

  *copy = *value;
  return copy;
}

gboolean
onnx_value_is (const OnnxValue *value, OnnxValueKind kind)
{
  return value && value->kind == kind;
}

OnnxValue *
onnx_value_drop_axis (OnnxReader *reader, const OnnxValue *value, guint axis)
{
  OnnxValue *result = onnx_value_copy (reader, value);

  result->n_axes--;
  for (guint i = axis; i < result->n_axes; i++)
    result->axes[i] = value->axes[i + 1];
  if (result->kind == ONNX_VALUE_CONCAT && axis < value->concat_axis)
    result->concat_axis--;
  return result;
}

OnnxValue *
onnx_value_prepend_axes (OnnxReader *reader, const OnnxValue *value, guint n)
{
  OnnxValue *result = onnx_value_copy (reader, value);
  guint more = n - value->n_axes;

  result->n_axes = n;
  for (guint i = 0; i < n; i++)
    result->axes[i] = i < more ? (OnnxAxis){0} : value->axes[i - more];
  return result;
}

const char *
onnx_value_describe (OnnxReader *reader, const OnnxValue *value)
{
  if (!value)
    return "none";
  switch (value->kind) {
  case ONNX_VALUE_TENSOR:
    return onnx_tensor_describe (reader, value->tensor);
  case ONNX_VALUE_SIGNAL:
    return onnx_own_text (reader, g_strdup_printf ("a tensor of shape %s from %s",
                                      onnx_axes_describe (reader, value->axes, value->n_axes),
                                      onnx_shorten_text (reader, value->stage->label)));
  case ONNX_VALUE_CONCAT:
    return onnx_own_text (reader, g_strdup_printf ("%u tensors that are joined along axis %u",
                                      value->n_parts, value->concat_axis));
  case ONNX_VALUE_STEP:
    return "features of a step";
  case ONNX_VALUE_STATE:
    return "an initial state";
  case ONNX_VALUE_UNSUPPORTED:
  case ONNX_VALUE_UNDECODED:
  default:
    return "an unsupported tensor";
  }
}
