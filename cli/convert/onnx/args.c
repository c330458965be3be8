/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/args.h"

gboolean
onnx_get_ints (OnnxReader *reader, OnnxNode *node, const char *name, guint input,
    const OnnxInt **ints, gsize *n)
{
  const Onnx__AttributeProto *attribute = name ? onnx_find_attribute (node, name) : NULL;
  const OnnxTensor *tensor = NULL;

  *ints = NULL;
  *n = 0;
  if (attribute) {
    if (!(tensor = onnx_tensor_from_ints (reader, attribute->ints, attribute->n_ints)))
      return FALSE;
  } else if (onnx_get_input (node, input)) {
    tensor = onnx_get_tensor_input (node, input);
    if (!tensor || !tensor->is_int || tensor->n_dims > 1)
      return FALSE;
  }
  if (tensor) {
    *ints = tensor->ints;
    *n = tensor->n_values;
  }
  return TRUE;
}

const char *
onnx_describe_argument (OnnxReader *reader, const OnnxNode *node, const char *name, guint input)
{
  const Onnx__AttributeProto *attribute = name ? onnx_find_attribute (node, name) : NULL;
  const OnnxTensor *tensor;

  if (!attribute)
    return onnx_describe_input (reader, node, input);
  tensor = onnx_tensor_from_ints (reader, attribute->ints, attribute->n_ints);
  return tensor ? onnx_ints_describe (reader, tensor->ints, tensor->n_values)
                : "more integers than fit in memory";
}

OnnxValue *
onnx_unsupported_argument (OnnxReader *reader, const OnnxNode *node, const char *field,
    const char *attribute, guint input, const char *expected)
{
  return onnx_unsupported (reader, node, "%s: expected %s, found %s", field, expected,
      onnx_describe_argument (reader, node, attribute, input));
}

gboolean
onnx_resolve_axis (gint64 axis, guint n_dims, guint *result)
{
  if (axis < -(gint64) n_dims || axis >= n_dims)
    return FALSE;
  *result = (guint) (axis < 0 ? axis + n_dims : axis);
  return TRUE;
}

OnnxValue *
onnx_get_axis (OnnxReader *reader, OnnxNode *node, gint64 missing, guint n_dims, guint *axis)
{
  gint64 found = onnx_get_int (node, "axis", missing);

  return onnx_resolve_axis (found, n_dims, axis)
             ? NULL
             : onnx_unsupported (reader, node,
                 "axis: expected an axis of an input of %u dimensions, found %" G_GINT64_FORMAT,
                 n_dims, found);
}

OnnxValue *
onnx_get_axes (
    OnnxReader *reader, OnnxNode *node, guint n_dims, guint32 *mask, gboolean *has_axes)
{
  const OnnxInt *ints;
  gsize n;
  gboolean is_valid = onnx_get_ints (reader, node, "axes", 1, &ints, &n);

  *mask = 0;
  *has_axes = ints != NULL;
  for (gsize i = 0; is_valid && i < n; i++) {
    guint axis;

    is_valid = ints[i].factor == ONNX_NO_FACTOR
               && onnx_resolve_axis (ints[i].offset, n_dims, &axis) && !(*mask & 1u << axis);
    if (is_valid)
      *mask |= 1u << axis;
  }
  return is_valid ? NULL
                  : onnx_unsupported (reader, node,
                      "axes: expected different constant axes of %u dimensions, found %s",
                      n_dims, onnx_describe_argument (reader, node, "axes", 1));
}

OnnxValue *
onnx_get_new_axes (
    OnnxReader *reader, OnnxNode *node, guint n_dims, guint32 *mask, guint *n_new_dims)
{
  const OnnxInt *ints;
  gboolean has_axes;
  gsize n;

  if (!onnx_get_ints (reader, node, "axes", 1, &ints, &n) || n > ONNX_MAX_DIMS - n_dims)
    return onnx_unsupported (reader, node, "axes: expected at most %u constant axes, found %s",
        ONNX_MAX_DIMS - n_dims, onnx_describe_argument (reader, node, "axes", 1));
  *n_new_dims = n_dims + (guint) n;
  return onnx_get_axes (reader, node, *n_new_dims, mask, &has_axes);
}

/* Slice has attributes before opset 10, and inputs since opset 10. */
OnnxValue *
onnx_get_ranges (OnnxReader *reader, OnnxNode *node, guint n_dims, OnnxRange *ranges)
{
  static const char *const names[] = {"starts", "ends", "axes", "steps"};
  const OnnxInt *args[4];
  gsize n[4];

  for (guint i = 0; i < n_dims; i++)
    ranges[i] = (OnnxRange){onnx_int_constant (0), onnx_int_constant (G_MAXINT64), 1};
  for (guint k = 0; k < 4; k++)
    if (!onnx_get_ints (reader, node, names[k], k + 1, &args[k], &n[k]) || (k < 2 && !args[k])
        || (args[k] && n[k] != n[0]))
      return onnx_unsupported_argument (reader, node, names[k], names[k], k + 1,
          k ? "as many constant integers as starts" : "constant integers");
  for (gsize i = 0; i < n[0]; i++) {
    const OnnxInt index = args[2] ? args[2][i] : onnx_int_constant ((gint64) i);
    const OnnxInt stride = args[3] ? args[3][i] : onnx_int_constant (1);
    guint axis;

    if (index.factor != ONNX_NO_FACTOR || !onnx_resolve_axis (index.offset, n_dims, &axis))
      return onnx_unsupported (reader, node,
          "axes: expected constant axes of %u dimensions, found %s", n_dims,
          args[2] ? onnx_describe_argument (reader, node, "axes", 3) : "more starts than axes");
    if (stride.factor != ONNX_NO_FACTOR || !stride.offset || stride.offset == G_MININT64)
      return onnx_unsupported_argument (
          reader, node, "steps", "steps", 4, "constant integers other than 0");
    ranges[axis] = (OnnxRange){args[0][i], args[1][i], stride.offset};
  }
  return NULL;
}

gboolean
onnx_get_extent (OnnxRange range, gint64 size, gint64 *first, gint64 *n)
{
  gint64 start = range.start.offset, end = range.end.offset, stride = range.stride;

  if (range.start.factor != ONNX_NO_FACTOR || range.end.factor != ONNX_NO_FACTOR)
    return FALSE;
  start = start < 0 ? MAX (start, -size - 1) + size : start;
  end = end < 0 ? MAX (end, -size - 1) + size : end;
  *first = stride > 0 ? CLAMP (start, 0, size) : CLAMP (start, -1, size - 1);
  end = stride > 0 ? CLAMP (end, 0, size) : CLAMP (end, -1, size - 1);
  *n = stride > 0 ? MAX (0, (end - *first - 1) / stride + (end > *first))
                  : (*first > end ? (*first - end - 1) / -stride + 1 : 0);
  return TRUE;
}

static gboolean
read_splits (OnnxReader *reader, OnnxNode *node, gint64 size, gint64 *sizes)
{
  const OnnxInt *split;
  gsize n;
  gint64 sum = 0, each = size / node->n_outputs + (size % node->n_outputs != 0);

  if (size < 0 || !onnx_get_ints (reader, node, "split", 1, &split, &n)
      || (split && n != node->n_outputs))
    return FALSE;
  for (guint i = 0; i < node->n_outputs; i++) {
    gint64 rest = size - sum;

    if (split && split[i].factor != ONNX_NO_FACTOR)
      return FALSE;
    sizes[i] = split ? split[i].offset : MIN (each, rest);
    if (sizes[i] < 0 || sizes[i] > rest)
      return FALSE;
    sum += sizes[i];
  }
  return sum == size;
}

OnnxValue *
onnx_get_splits (OnnxReader *reader, OnnxNode *node, gint64 size, gint64 *sizes)
{
  if (read_splits (reader, node, size, sizes))
    return NULL;
  if (size < 0)
    return onnx_unsupported (
        reader, node, "input: expected a known size along the axis, found an unknown size");
  return onnx_unsupported (reader, node,
      "split: expected %u constant sizes with the sum %" G_GINT64_FORMAT ", found %s",
      node->n_outputs, size, onnx_describe_argument (reader, node, "split", 1));
}

OnnxValue *
onnx_get_permutation (OnnxReader *reader, OnnxNode *node, guint n_dims, guint *permutation)
{
  const Onnx__AttributeProto *attribute = onnx_find_attribute (node, "perm");
  guint seen = 0;

  for (guint i = 0; i < n_dims; i++) {
    permutation[i] = n_dims - 1 - i;
    if (!attribute)
      continue;
    if (attribute->n_ints != n_dims
        || !onnx_resolve_axis (attribute->ints[i], n_dims, &permutation[i])
        || seen & 1u << permutation[i])
      return onnx_unsupported (reader, node,
          "perm: expected each axis of %u dimensions once, found %s", n_dims,
          onnx_describe_argument (reader, node, "perm", G_MAXUINT));
    seen |= 1u << permutation[i];
  }
  return NULL;
}

void
onnx_get_shape_range (const OnnxNode *node, guint n_dims, guint *start, guint *end)
{
  gint64 first = onnx_get_int (node, "start", 0), last = onnx_get_int (node, "end", G_MAXINT64);

  first = CLAMP (first < 0 ? first + n_dims : first, 0, n_dims);
  last = CLAMP (last < 0 ? last + n_dims : last, first, n_dims);
  *start = (guint) first;
  *end = (guint) last;
}
