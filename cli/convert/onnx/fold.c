/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Constants that only move: every function computes a node whose inputs are all constant. */
#include "onnx/onnx.h"
#include <string.h>

static OnnxTensor *
from_floats (OnnxReader *reader, const float *values, gsize n)
{
  OnnxTensor *tensor = onnx_tensor_new (reader, FALSE, 1, &n);

  if (tensor && n)
    memcpy (tensor->f, values, n * sizeof *values);
  return tensor;
}

OnnxValue *
onnx_fold_constant (OnnxReader *reader, OnnxNode *node)
{
  const Onnx__AttributeProto *attribute = node->proto->n_attribute ? node->proto->attribute[0]
                                                                   : NULL;
  const char *name = attribute && attribute->name ? attribute->name : "";
  const char *problem = NULL;
  OnnxTensor *tensor;

  if (g_str_equal (name, "value") && attribute->t) {
    tensor = onnx_tensor_decode (reader, attribute->t, &problem);
  } else if (g_str_equal (name, "value_ints")) {
    tensor = onnx_tensor_from_ints (reader, attribute->ints, attribute->n_ints);
  } else if (g_str_equal (name, "value_floats")) {
    tensor = from_floats (reader, attribute->floats, attribute->n_floats);
  } else if (g_str_equal (name, "value_int")) {
    if ((tensor = onnx_tensor_from_ints (reader, &attribute->i, 1)))
      tensor->n_dims = 0;
  } else if (g_str_equal (name, "value_float")) {
    if ((tensor = from_floats (reader, &attribute->f, 1)))
      tensor->n_dims = 0;
  } else {
    return onnx_bad (reader, node, "expected one value of numbers, found '%s'", name);
  }
  return problem ? onnx_bad (reader, node, "%s", problem)
                 : onnx_value_tensor (reader, node, tensor);
}

OnnxValue *
onnx_fold_identity (OnnxReader *reader, OnnxNode *node)
{
  return node->in[0];
}

static OnnxTensor *
cast (OnnxReader *reader, const OnnxTensor *tensor, gboolean to_int)
{
  OnnxTensor *result = onnx_tensor_new (reader, to_int, tensor->n_dims, tensor->shape);

  for (gsize k = 0; result && k < tensor->n; k++) {
    if (!to_int && tensor->i[k].atom != ONNX_NUMBER)
      return NULL;
    if (!to_int)
      result->f[k] = (float) tensor->i[k].offset;
    else if (tensor->f[k] > -9e18f && tensor->f[k] < 9e18f)
      result->i[k] = onnx_number ((gint64) tensor->f[k]);
    else
      return NULL;
  }
  if (result)
    result->repeated = tensor->repeated;
  return result;
}

/* Truth of what is not 0 */
static OnnxTensor *
cast_to_bool (OnnxReader *reader, const OnnxTensor *tensor)
{
  OnnxTensor *result = onnx_tensor_new (reader, TRUE, tensor->n_dims, tensor->shape);

  for (gsize k = 0; result && k < tensor->n; k++) {
    if (!tensor->is_int)
      result->i[k] = onnx_number (tensor->f[k] != 0);
    else if (tensor->i[k].atom == ONNX_NUMBER)
      result->i[k] = onnx_number (tensor->i[k].offset != 0);
    else
      return NULL;
  }
  return result;
}

OnnxValue *
onnx_fold_cast (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *tensor = onnx_in_tensor (node, 0);
  gint64 to = onnx_get_int (node, "to", 0);
  gboolean to_int;

  if (!onnx_find_type (to, &to_int))
    return onnx_bad (reader, node, "expected a type of numbers, found another");
  if (to == ONNX__TENSOR_PROTO__DATA_TYPE__BOOL)
    tensor = cast_to_bool (reader, tensor);
  else if (tensor->is_int == to_int)
    return node->in[0];
  else
    tensor = cast (reader, tensor, to_int);
  if (!tensor)
    return onnx_bad (reader, node, "expected known values that fit, found others");
  return onnx_value_tensor (reader, node, tensor);
}

OnnxValue *
onnx_fold_shape (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *tensor = onnx_in_tensor (node, 0);
  gboolean is_size = g_str_equal (node->proto->op_type, "Size");
  gint64 values[ONNX_MAX_DIMS];
  gint64 start = onnx_get_int (node, "start", 0), end = onnx_get_int (node, "end", G_MAXINT64);
  gint64 n_dims = tensor->n_dims;
  OnnxTensor *shape;

  if (tensor->repeated)
    return onnx_bad (reader, node, "expected a known shape, found an unknown one");
  start = CLAMP (start < 0 ? start + n_dims : start, 0, n_dims);
  end = CLAMP (end < 0 ? end + n_dims : end, start, n_dims);
  for (guint i = 0; i < n_dims; i++)
    values[i] = (gint64) tensor->shape[i];
  if (is_size) {
    values[0] = (gint64) tensor->n;
    if ((shape = onnx_tensor_from_ints (reader, values, 1)))
      shape->n_dims = 0;
    return onnx_value_tensor (reader, node, shape);
  }
  return onnx_value_tensor (
      reader, node, onnx_tensor_from_ints (reader, values + start, (gsize) (end - start)));
}

/* outer blocks of count · inner values each; indices pick among count */
static OnnxTensor *
gather (OnnxReader *reader, const OnnxTensor *tensor, guint axis, const OnnxTensor *indices)
{
  gsize shape[2 * ONNX_MAX_DIMS], outer = 1, inner = 1, count = tensor->shape[axis];
  guint n = 0;
  OnnxTensor *result;

  for (guint i = 0; i < axis; i++)
    outer *= shape[n++] = tensor->shape[i];
  for (guint i = 0; i < indices->n_dims; i++)
    shape[n++] = indices->shape[i];
  for (guint i = axis + 1; i < tensor->n_dims; i++)
    inner *= shape[n++] = tensor->shape[i];
  result = onnx_tensor_new (reader, tensor->is_int, n, shape);
  for (gsize k = 0; result && k < outer * indices->n; k++) {
    gint64 index = indices->i[k % indices->n].offset;
    gsize from = (k / indices->n * count
                  + (gsize) (index < 0 ? index + (gint64) count : index));

    if (tensor->is_int)
      memcpy (result->i + k * inner, tensor->i + from * inner, inner * sizeof *tensor->i);
    else
      memcpy (result->f + k * inner, tensor->f + from * inner, inner * sizeof *tensor->f);
  }
  return result;
}

OnnxValue *
onnx_fold_gather (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *tensor = onnx_in_tensor (node, 0), *indices = onnx_in_tensor (node, 1);
  OnnxTensor *result;
  guint axis;

  if (!indices || !indices->is_int
      || !onnx_get_axis (onnx_get_int (node, "axis", 0), tensor->n_dims, &axis))
    return onnx_bad (reader, node, "expected constant indices and an axis, found others");
  for (gsize k = 0; k < indices->n; k++)
    if (indices->i[k].atom != ONNX_NUMBER
        || indices->i[k].offset < -(gint64) tensor->shape[axis]
        || indices->i[k].offset >= (gint64) tensor->shape[axis])
      return onnx_bad (reader, node, "expected indices below %" G_GSIZE_FORMAT ", found others",
          tensor->shape[axis]);
  result = gather (reader, tensor, axis, indices);
  if (result)
    result->repeated = tensor->repeated;
  return onnx_value_tensor (reader, node, result);
}

/* First index and count of a range over @size values; FALSE if it depends on an unknown size */
static gboolean
get_extent (OnnxRange range, gint64 size, gint64 *first, gint64 *n)
{
  gint64 start = range.start.offset, end = range.end.offset, step = range.step;

  if (range.start.atom != ONNX_NUMBER || range.end.atom != ONNX_NUMBER)
    return FALSE;
  start = start < 0 ? MAX (start, -size - 1) + size : start;
  end = end < 0 ? MAX (end, -size - 1) + size : end;
  *first = step > 0 ? CLAMP (start, 0, size) : CLAMP (start, -1, size - 1);
  end = step > 0 ? CLAMP (end, 0, size) : CLAMP (end, -1, size - 1);
  *n = step > 0 ? MAX (0, (end - *first - 1) / step + (end > *first))
                : (*first > end ? (*first - end - 1) / -step + 1 : 0);
  return TRUE;
}

OnnxValue *
onnx_fold_slice (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *tensor = onnx_in_tensor (node, 0);
  OnnxRange ranges[ONNX_MAX_DIMS];
  gssize strides[ONNX_MAX_DIMS];
  gsize shape[ONNX_MAX_DIMS], start = 0;
  const char *problem;

  if (!onnx_get_ranges (reader, node, tensor->n_dims, ranges, &problem))
    return onnx_bad (reader, node, "%s", problem);
  onnx_tensor_strides (tensor, strides);
  for (guint i = 0; i < tensor->n_dims; i++) {
    gint64 first, n;

    if (!get_extent (ranges[i], (gint64) tensor->shape[i], &first, &n))
      return onnx_bad (reader, node, "expected known starts and ends, found others");
    shape[i] = (gsize) n;
    if (n)
      start += (gsize) first * (gsize) strides[i];
    /* a step over one value or less is never taken */
    strides[i] = n > 1 ? strides[i] * ranges[i].step : 0;
  }
  return onnx_value_tensor (
      reader, node, onnx_tensor_view (reader, tensor, tensor->n_dims, shape, start, strides));
}

OnnxValue *
onnx_fold_split (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *tensor = onnx_in_tensor (node, 0);
  g_autofree gint64 *sizes = g_new (gint64, node->n_out + 1);
  gssize strides[ONNX_MAX_DIMS];
  gsize shape[ONNX_MAX_DIMS], start = 0;
  const char *problem;
  guint axis;

  if (!onnx_get_axis (onnx_get_int (node, "axis", 0), tensor->n_dims, &axis))
    return onnx_bad (reader, node, "expected an axis of its input, found another");
  if (!onnx_get_splits (reader, node, (gint64) tensor->shape[axis], sizes, &problem))
    return onnx_bad (reader, node, "%s", problem);
  onnx_tensor_strides (tensor, strides);
  memcpy (shape, tensor->shape, sizeof shape);
  for (guint k = 0; k < node->n_out; k++) {
    shape[axis] = (gsize) sizes[k];
    node->out[k] = onnx_value_tensor (
        reader, node, onnx_tensor_view (reader, tensor, tensor->n_dims, shape, start, strides));
    start += (gsize) sizes[k] * (gsize) strides[axis];
  }
  return node->out[0];
}

/* Whether all inputs of Concat have a shape that differs at most along the axis; their sum */
static gboolean
check_parts (const OnnxNode *node, guint axis, gsize *sum)
{
  const OnnxTensor *first = node->in[0]->tensor;

  *sum = 0;
  for (guint k = 0; k < node->n_in; k++) {
    const OnnxTensor *part = onnx_in_tensor (node, k);

    if (!part || part->n_dims != first->n_dims || part->is_int != first->is_int)
      return FALSE;
    for (guint i = 0; i < first->n_dims; i++)
      if (i != axis && part->shape[i] != first->shape[i])
        return FALSE;
    if (!g_size_checked_add (sum, *sum, part->shape[axis]))
      return FALSE;
  }
  return TRUE;
}

OnnxValue *
onnx_fold_concat (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *first = onnx_in_tensor (node, 0);
  gsize shape[ONNX_MAX_DIMS], outer = 1, at = 0;
  OnnxTensor *result;
  guint axis;

  if (!onnx_get_axis (
          onnx_get_int (node, "axis", reader->opset < 4 ? 1 : 0), first->n_dims, &axis)
      || !check_parts (node, axis, &shape[0]))
    return onnx_bad (
        reader, node, "expected parts of one shape but along an axis, found others");
  {
    gsize sum = shape[0];

    memcpy (shape, first->shape, sizeof shape);
    shape[axis] = sum;
  }
  if (!(result = onnx_tensor_new (reader, first->is_int, first->n_dims, shape)))
    return onnx_value_tensor (reader, node, NULL);
  for (guint i = 0; i < axis; i++)
    outer *= shape[i];
  for (gsize o = 0; o < outer; o++) {
    for (guint k = 0; k < node->n_in; k++) {
      const OnnxTensor *part = node->in[k]->tensor;
      gsize n = part->n / outer;

      result->repeated |= part->repeated;
      if (first->is_int)
        memcpy (result->i + at, part->i + o * n, n * sizeof *part->i);
      else
        memcpy (result->f + at, part->f + o * n, n * sizeof *part->f);
      at += n;
    }
  }
  return onnx_value_tensor (reader, node, result);
}
