/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/fold-values.h"
#include "onnx/args.h"
#include "onnx/decode.h"
#include <string.h>

OnnxValue *
onnx_fold_constant (OnnxReader *reader, OnnxNode *node)
{
  const Onnx__AttributeProto *attribute = node->proto->n_attribute ? node->proto->attribute[0]
                                                                   : NULL;
  const char *name = attribute ? onnx_string (attribute->name) : "";
  const char *problem = NULL;
  OnnxTensor *tensor;

  if (g_str_equal (name, "value") && attribute->t) {
    tensor = onnx_decode_tensor (reader, attribute->t, &problem);
  } else if (g_str_equal (name, "value_ints")) {
    tensor = onnx_tensor_from_ints (reader, attribute->ints, attribute->n_ints);
  } else if (g_str_equal (name, "value_floats")) {
    tensor = onnx_tensor_from_reals (reader, attribute->floats, attribute->n_floats);
  } else if (g_str_equal (name, "value_int")) {
    if ((tensor = onnx_tensor_from_ints (reader, &attribute->i, 1)))
      tensor->n_dims = 0;
  } else if (g_str_equal (name, "value_float")) {
    if ((tensor = onnx_tensor_from_reals (reader, &attribute->f, 1)))
      tensor->n_dims = 0;
  } else {
    return onnx_unsupported (reader, node,
        "attribute: expected value, value_int, value_ints, value_float or value_floats, found "
        "\"%s\"",
        onnx_shorten_text (reader, name));
  }
  return problem ? onnx_unsupported (reader, node, "%s", problem)
                 : onnx_value_from_tensor (reader, node, tensor);
}

OnnxValue *
onnx_fold_identity (OnnxReader *reader, OnnxNode *node)
{
  return node->inputs[0];
}

/* Returns the converted values, or NULL if a value is unknown or out of range. */
static OnnxTensor *
cast_values (OnnxReader *reader, const OnnxTensor *tensor, gboolean to_int)
{
  OnnxTensor *result = onnx_tensor_new (reader, to_int, tensor->n_dims, tensor->shape);

  for (gsize k = 0; result && k < tensor->n_values; k++) {
    if (!to_int && tensor->ints[k].factor != ONNX_NO_FACTOR)
      return NULL;
    if (!to_int)
      result->reals[k] = (float) tensor->ints[k].offset;
    else if (tensor->reals[k] > -9e18f && tensor->reals[k] < 9e18f)
      result->ints[k] = onnx_int_constant ((gint64) tensor->reals[k]);
    else
      return NULL;
  }
  if (result)
    result->is_repeated = tensor->is_repeated;
  return result;
}

/* Returns 1 for each value that is not 0, or NULL if a value is unknown. */
static OnnxTensor *
cast_to_bool (OnnxReader *reader, const OnnxTensor *tensor)
{
  OnnxTensor *result = onnx_tensor_new (reader, TRUE, tensor->n_dims, tensor->shape);

  for (gsize k = 0; result && k < tensor->n_values; k++) {
    if (!tensor->is_int)
      result->ints[k] = onnx_int_constant (tensor->reals[k] != 0);
    else if (tensor->ints[k].factor == ONNX_NO_FACTOR)
      result->ints[k] = onnx_int_constant (tensor->ints[k].offset != 0);
    else
      return NULL;
  }
  return result;
}

/* Returns whether @tensor is one size that depends on the input. Such a size stays an integer,
 * because it can only divide a sum over time. */
static gboolean
is_size (const OnnxTensor *tensor)
{
  return tensor->is_int && tensor->n_values == 1 && tensor->ints[0].factor != ONNX_NO_FACTOR;
}

OnnxValue *
onnx_fold_cast (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *tensor = onnx_get_tensor_input (node, 0);
  gint64 to = onnx_get_int (node, "to", 0);
  gboolean to_int;

  if (!onnx_find_data_type (to, &to_int))
    return onnx_unsupported (reader, node,
        "to: expected a data type of numbers, found ONNX data type %" G_GINT64_FORMAT, to);
  if (to == ONNX__TENSOR_PROTO__DATA_TYPE__BOOL)
    tensor = cast_to_bool (reader, tensor);
  else if (tensor->is_int == to_int || is_size (tensor))
    return node->inputs[0];
  else
    tensor = cast_values (reader, tensor, to_int);
  if (!tensor)
    return onnx_unsupported_input (reader, node, "input", 0,
        to_int ? "known values in the range of int64" : "known values");
  return onnx_value_from_tensor (reader, node, tensor);
}

/* Copies n_inner values for each of n_outer outer positions and each of @indices. */
static OnnxTensor *
gather_values (
    OnnxReader *reader, const OnnxTensor *tensor, guint axis, const OnnxTensor *indices)
{
  gsize shape[2 * ONNX_MAX_DIMS], n_outer = 1, n_inner = 1, size = tensor->shape[axis];
  guint n = 0;
  OnnxTensor *result;

  for (guint i = 0; i < axis; i++)
    n_outer *= shape[n++] = tensor->shape[i];
  for (guint i = 0; i < indices->n_dims; i++)
    shape[n++] = indices->shape[i];
  for (guint i = axis + 1; i < tensor->n_dims; i++)
    n_inner *= shape[n++] = tensor->shape[i];
  result = onnx_tensor_new (reader, tensor->is_int, n, shape);
  for (gsize k = 0; result && k < n_outer * indices->n_values; k++) {
    gint64 index = indices->ints[k % indices->n_values].offset;
    gsize from = (k / indices->n_values * size
                  + (gsize) (index < 0 ? index + (gint64) size : index));

    onnx_tensor_copy_values (result, k * n_inner, tensor, from * n_inner, n_inner);
  }
  return result;
}

/* Returns whether the values of @tensor are the same at each index of @axis. */
static gboolean
is_uniform (const OnnxReader *reader, const OnnxTensor *tensor, guint axis)
{
  gssize strides[ONNX_MAX_DIMS];

  onnx_tensor_get_strides (tensor, strides);
  for (gsize k = 0; k < tensor->n_values; k++) {
    const gsize stride = (gsize) strides[axis],
                first = k - k / stride % tensor->shape[axis] * stride;

    if (tensor->is_int ? !onnx_int_equal (reader, tensor->ints[k], tensor->ints[first])
                       : tensor->reals[k] != tensor->reals[first])
      return FALSE;
  }
  return TRUE;
}

OnnxValue *
onnx_fold_gather (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *tensor = onnx_get_tensor_input (node, 0),
                   *indices = onnx_get_tensor_input (node, 1);
  OnnxTensor *result;
  OnnxValue *unsupported;
  guint axis;

  if (!indices || !indices->is_int)
    return onnx_unsupported_input (reader, node, "indices", 1, "constant integers");
  if ((unsupported = onnx_get_axis (reader, node, 0, tensor->n_dims, &axis)))
    return unsupported;
  if (indices->order && is_uniform (reader, tensor, axis))
    return node->inputs[0];
  if (indices->n_values && indices->ints[0].factor == reader->length_factor)
    return onnx_unsupported (reader, node,
        "indices: %s is supported only with constant indices, not as an embedding; found an "
        "input of the model",
        node->proto->op_type);
  for (gsize k = 0; k < indices->n_values; k++)
    if (indices->ints[k].factor != ONNX_NO_FACTOR
        || indices->ints[k].offset < -(gint64) tensor->shape[axis]
        || indices->ints[k].offset >= (gint64) tensor->shape[axis])
      return onnx_unsupported (reader, node,
          "indices: expected known indices of an axis of size %" G_GSIZE_FORMAT ", found %s",
          tensor->shape[axis], onnx_ints_describe (reader, &indices->ints[k], 1));
  result = gather_values (reader, tensor, axis, indices);
  if (result)
    result->is_repeated = tensor->is_repeated;
  return onnx_value_from_tensor (reader, node, result);
}

OnnxValue *
onnx_fold_slice (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *tensor = onnx_get_tensor_input (node, 0);
  OnnxRange ranges[ONNX_MAX_DIMS];
  gssize strides[ONNX_MAX_DIMS];
  gsize shape[ONNX_MAX_DIMS], start = 0;
  OnnxValue *unsupported;

  if ((unsupported = onnx_get_ranges (reader, node, tensor->n_dims, ranges)))
    return unsupported;
  onnx_tensor_get_strides (tensor, strides);
  for (guint i = 0; i < tensor->n_dims; i++) {
    gint64 first, n;

    if (!onnx_get_extent (ranges[i], (gint64) tensor->shape[i], &first, &n))
      return onnx_unsupported (reader, node,
          "starts, ends: expected known integers along axis %u, found %s", i,
          onnx_ints_describe (reader, (const OnnxInt[]){ranges[i].start, ranges[i].end}, 2));
    shape[i] = (gsize) n;
    if (n)
      start += (gsize) first * (gsize) strides[i];
    /* onnx_tensor_view() does not use the stride of an axis of at most one value, and the product
     * might overflow. */
    strides[i] = n > 1 ? strides[i] * ranges[i].stride : 0;
  }
  return onnx_value_from_tensor (
      reader, node, onnx_tensor_view (reader, tensor, tensor->n_dims, shape, start, strides));
}

OnnxValue *
onnx_fold_split (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *tensor = onnx_get_tensor_input (node, 0);
  g_autofree gint64 *sizes = g_new (gint64, node->n_outputs + 1);
  gssize strides[ONNX_MAX_DIMS];
  gsize shape[ONNX_MAX_DIMS], start = 0;
  OnnxValue *unsupported;
  guint axis;

  if ((unsupported = onnx_get_axis (reader, node, 0, tensor->n_dims, &axis))
      || (unsupported = onnx_get_splits (reader, node, (gint64) tensor->shape[axis], sizes)))
    return unsupported;
  onnx_tensor_get_strides (tensor, strides);
  memcpy (shape, tensor->shape, sizeof shape);
  for (guint k = 0; k < node->n_outputs; k++) {
    shape[axis] = (gsize) sizes[k];
    node->outputs[k] = onnx_value_from_tensor (
        reader, node, onnx_tensor_view (reader, tensor, tensor->n_dims, shape, start, strides));
    start += (gsize) sizes[k] * (gsize) strides[axis];
  }
  return node->outputs[0];
}

/* Checks that the inputs of Concat differ at most in their size along @axis, and sums these sizes.
 * Returns NULL, or an unsupported value. */
static OnnxValue *
check_parts (OnnxReader *reader, const OnnxNode *node, guint axis, gsize *sum)
{
  const OnnxTensor *first = node->inputs[0]->tensor;

  *sum = 0;
  for (guint k = 0; k < node->n_inputs; k++) {
    const OnnxTensor *part = onnx_get_tensor_input (node, k);
    gboolean fits = part && part->n_dims == first->n_dims && part->is_int == first->is_int;

    for (guint i = 0; fits && i < first->n_dims; i++)
      fits = i == axis || part->shape[i] == first->shape[i];
    if (!fits || !g_size_checked_add (sum, *sum, part->shape[axis]))
      return onnx_unsupported (reader, node,
          "input %u: expected the type and shape of %s except along axis %u, found %s", k,
          onnx_describe_input (reader, node, 0), axis, onnx_describe_input (reader, node, k));
  }
  return NULL;
}

OnnxValue *
onnx_fold_concat (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *first = onnx_get_tensor_input (node, 0);
  gsize shape[ONNX_MAX_DIMS], n_outer = 1, at = 0, sum;
  OnnxValue *unsupported;
  OnnxTensor *result;
  guint axis;

  if ((unsupported = onnx_get_axis (
           reader, node, reader->opset < 4 ? 1 : 0, first->n_dims, &axis))
      || (unsupported = check_parts (reader, node, axis, &sum)))
    return unsupported;
  memcpy (shape, first->shape, sizeof shape);
  shape[axis] = sum;
  if (!(result = onnx_tensor_new (reader, first->is_int, first->n_dims, shape)))
    return onnx_value_from_tensor (reader, node, NULL);
  for (guint i = 0; i < axis; i++)
    n_outer *= shape[i];
  for (gsize o = 0; o < n_outer; o++) {
    for (guint k = 0; k < node->n_inputs; k++) {
      const OnnxTensor *part = node->inputs[k]->tensor;
      gsize n = part->n_values / n_outer;

      result->is_repeated |= part->is_repeated;
      onnx_tensor_copy_values (result, at, part, o * n, n);
      at += n;
    }
  }
  return onnx_value_from_tensor (reader, node, result);
}
