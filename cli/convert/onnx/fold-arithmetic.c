/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/fold-arithmetic.h"
#include "onnx/batch-order.h"
#include "onnx/int-arithmetic.h"

/* Gets the shape (n) to which @a and @b broadcast, and the strides of @a in this shape. */
static gboolean
get_broadcast_shape (
    const OnnxTensor *a, const OnnxTensor *b, guint n, gsize *shape, gssize *strides)
{
  gssize a_strides[ONNX_MAX_DIMS];
  guint n_new = n - a->n_dims;

  onnx_tensor_get_strides (a, a_strides);
  for (guint i = 0; i < n; i++) {
    gsize size = i < n_new ? 1 : a->shape[i - n_new];
    gsize other = i < n - b->n_dims ? 1 : b->shape[i - (n - b->n_dims)];

    if (size != other && size != 1 && other != 1)
      return FALSE;
    shape[i] = size == 1 ? other : size;
    strides[i] = size == 1 ? 0 : a_strides[i - n_new];
  }
  return TRUE;
}

/* Returns @tensor in the shape to which @tensor and @other broadcast, or NULL. */
static const OnnxTensor *
broadcast_tensor (OnnxReader *reader, const OnnxTensor *tensor, const OnnxTensor *other)
{
  guint n = MAX (tensor->n_dims, other->n_dims);
  gssize strides[ONNX_MAX_DIMS];
  gsize shape[ONNX_MAX_DIMS];

  if (!get_broadcast_shape (tensor, other, n, shape, strides))
    return NULL;
  return onnx_tensor_view (reader, tensor, n, shape, 0, strides);
}

static OnnxTensor *
compute_binary (OnnxReader *reader, const OnnxOp *op, const OnnxTensor *a, const OnnxTensor *b)
{
  OnnxTensor *result = onnx_tensor_new (
      reader, a->is_int || op->binary.is_condition, a->n_dims, a->shape);

  for (gsize k = 0; result && k < a->n_values; k++) {
    if (a->is_int)
      result->ints[k] = op->binary.integer (reader, a->ints[k], b->ints[k]);
    else if (op->binary.is_condition)
      result->ints[k] = onnx_int_constant (
          (gint64) op->binary.real ((double) a->reals[k], (double) b->reals[k]));
    else
      result->reals[k] = (float) op->binary.real ((double) a->reals[k], (double) b->reals[k]);
  }
  if (result)
    result->is_repeated = a->is_repeated || b->is_repeated;
  return result;
}

OnnxValue *
onnx_fold_binary (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *a = node->inputs[0]->tensor;
  const OnnxTensor *b = node->n_inputs == 2 ? onnx_get_tensor_input (node, 1) : NULL;
  const OnnxOp *op = node->op;
  gint64 fmod_mode = onnx_get_int (node, "fmod", !a->is_int);

  if (onnx_find_attribute (node, "axis"))
    return onnx_unsupported (reader, node,
        "axis: expected no attribute axis, found %" G_GINT64_FORMAT,
        onnx_get_int (node, "axis", 0));
  if (fmod_mode == a->is_int)
    return onnx_unsupported (reader, node, "fmod: expected %d for %s, found %" G_GINT64_FORMAT,
        !a->is_int, a->is_int ? "integers" : "real numbers", fmod_mode);
  if (!b || a->is_int != b->is_int)
    return onnx_unsupported (reader, node,
        "inputs: expected two constants of one type, found %s and %s",
        onnx_describe_input (reader, node, 0), onnx_describe_input (reader, node, 1));
  if (a->is_int ? !op->binary.integer : !op->binary.real)
    return onnx_unsupported_input (
        reader, node, "input 0", 0, a->is_int ? "real numbers" : "integers");
  a = broadcast_tensor (reader, a, b);
  b = a ? broadcast_tensor (reader, b, a) : NULL;
  if (!b)
    return onnx_unsupported (reader, node,
        "inputs: expected shapes that broadcast, found %s and %s",
        onnx_describe_input (reader, node, 0), onnx_describe_input (reader, node, 1));
  return onnx_value_from_tensor (reader, node, compute_binary (reader, op, a, b));
}

OnnxValue *
onnx_fold_unary (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *a = node->inputs[0]->tensor;
  const OnnxOp *op = node->op;
  OnnxTensor *result;

  if (!a->is_int && !op->unary.real)
    return onnx_unsupported_input (reader, node, "X", 0, "integers");
  result = onnx_tensor_new (reader, a->is_int, a->n_dims, a->shape);
  for (gsize k = 0; result && k < a->n_values; k++) {
    if (a->is_int)
      result->ints[k] = op->unary.integer ? op->unary.integer (reader, a->ints[k])
                                          : onnx_int_unknown;
    else
      result->reals[k] = (float) op->unary.real ((double) a->reals[k]);
  }
  if (result)
    result->is_repeated = a->is_repeated;
  return onnx_value_from_tensor (reader, node, result);
}

/* If a condition is unknown, the result is an unknown integer, unless both choices are equal. */
OnnxValue *
onnx_fold_where (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *in[3], *all;
  OnnxTensor *result;

  for (guint i = 0; i < 3; i++) {
    static const char *const names[] = {"condition", "X", "Y"};

    in[i] = onnx_get_tensor_input (node, i);
    if (!in[i] || !in[i]->is_int)
      return onnx_unsupported_input (reader, node, names[i], i, "integers");
  }
  if (!(all = broadcast_tensor (reader, in[0], in[1]))
      || !(all = broadcast_tensor (reader, all, in[2])))
    return onnx_unsupported (reader, node,
        "inputs: expected shapes that broadcast, found %s, %s and %s",
        onnx_tensor_describe_shape (reader, in[0]), onnx_tensor_describe_shape (reader, in[1]),
        onnx_tensor_describe_shape (reader, in[2]));
  for (guint i = 0; i < 3; i++)
    if (!(in[i] = broadcast_tensor (reader, in[i], all)))
      return onnx_value_from_tensor (reader, node, NULL);
  result = onnx_tensor_new (reader, TRUE, all->n_dims, all->shape);
  for (gsize k = 0; result && k < all->n_values; k++) {
    if (in[0]->ints[k].factor != ONNX_NO_FACTOR)
      result->ints[k] = onnx_int_equal (reader, in[1]->ints[k], in[2]->ints[k])
                            ? in[1]->ints[k]
                            : onnx_int_unknown;
    else
      result->ints[k] = in[in[0]->ints[k].offset ? 1 : 2]->ints[k];
  }
  return onnx_value_from_tensor (reader, node, result);
}

/* Replaces the values of @tensor by the results of @choose with input @i, if there is one. Returns
 * FALSE if the input is not one integer, or if a result is unknown. */
static gboolean
bound_values (OnnxReader *reader, const OnnxNode *node, guint i,
    OnnxInt (*choose) (const OnnxReader *reader, OnnxInt a, OnnxInt b), OnnxTensor *tensor)
{
  const OnnxTensor *bound = onnx_get_tensor_input (node, i);

  if (!onnx_get_input (node, i))
    return TRUE;
  if (!bound || !bound->is_int || bound->n_values != 1)
    return FALSE;
  for (gsize k = 0; k < tensor->n_values; k++)
    if ((tensor->ints[k] = choose (reader, tensor->ints[k], bound->ints[0])).factor
        == ONNX_UNKNOWN_FACTOR)
      return FALSE;
  return TRUE;
}

OnnxValue *
onnx_fold_clip (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *tensor = node->inputs[0]->tensor;
  OnnxTensor *result;

  if (!tensor->is_int)
    return onnx_unsupported_input (reader, node, "input", 0, "integers");
  if (!(result = onnx_tensor_new (reader, TRUE, tensor->n_dims, tensor->shape)))
    return onnx_value_from_tensor (reader, node, NULL);
  onnx_tensor_copy_values (result, 0, tensor, 0, tensor->n_values);
  result->is_repeated = tensor->is_repeated;
  if (!bound_values (reader, node, 1, onnx_int_max, result)
      || !bound_values (reader, node, 2, onnx_int_min, result))
    return onnx_unsupported (reader, node, "min, max: expected known integers, found %s and %s",
        onnx_describe_input (reader, node, 1), onnx_describe_input (reader, node, 2));
  return onnx_value_from_tensor (reader, node, result);
}

OnnxValue *
onnx_fold_reduce_prod (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *a = node->inputs[0]->tensor;
  gboolean keep = onnx_get_int (node, "keepdims", 1) != 0;
  const gsize one = 1;
  OnnxTensor *result;

  if (!a->is_int || a->n_dims > 1)
    return onnx_unsupported_input (reader, node, "data", 0, "a list of integers");
  if (onnx_get_int (node, "noop_with_empty_axes", 0))
    return onnx_unsupported (reader, node,
        "noop_with_empty_axes: expected 0, found %" G_GINT64_FORMAT,
        onnx_get_int (node, "noop_with_empty_axes", 0));
  if (!(result = onnx_tensor_new (reader, TRUE, keep ? a->n_dims : 0, &one)))
    return onnx_value_from_tensor (reader, node, NULL);
  result->ints[0] = onnx_int_constant (1);
  for (gsize k = 0; k < a->n_values; k++)
    result->ints[0] = onnx_int_multiply (reader, result->ints[0], a->ints[k]);
  return onnx_value_from_tensor (reader, node, result);
}

OnnxValue *
onnx_fold_range (OnnxReader *reader, OnnxNode *node)
{
  gint64 bounds[3] = {0, 0, 1}, count;
  OnnxValue *order = onnx_match_batch_range (reader, node);
  OnnxTensor *result;
  gsize n;

  if (order)
    return order;
  for (guint i = 0; i < 3; i++) {
    static const char *const names[] = {"start", "limit", "delta"};
    const OnnxTensor *a = onnx_get_tensor_input (node, i);

    if (!a || !a->is_int || a->n_values != 1 || a->ints[0].factor != ONNX_NO_FACTOR
        || ABS (a->ints[0].offset / 2) > G_MAXINT32)
      return onnx_unsupported_input (
          reader, node, names[i], i, "one known integer of at most 32 bits");
    bounds[i] = a->ints[0].offset;
  }
  if (bounds[2] == 0)
    return onnx_unsupported (reader, node, "delta: expected an integer other than 0, found 0");
  count = (bounds[1] - bounds[0]) / bounds[2]
          + ((bounds[1] - bounds[0]) % bounds[2] && (bounds[1] > bounds[0]) == (bounds[2] > 0));
  n = (gsize) MAX (0, count);
  result = onnx_tensor_new (reader, TRUE, 1, &n);
  for (gsize k = 0; result && k < n; k++)
    result->ints[k] = onnx_int_constant (bounds[0] + (gint64) k * bounds[2]);
  return onnx_value_from_tensor (reader, node, result);
}
