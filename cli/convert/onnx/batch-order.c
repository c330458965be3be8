/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/batch-order.h"
#include "onnx/int-arithmetic.h"

/* Returns indices of the sequences of a batch. */
static OnnxValue *
new_order (OnnxReader *reader, const OnnxNode *node, OnnxBatchOrder order)
{
  const gsize one = 1;
  OnnxTensor *tensor = onnx_tensor_new (reader, TRUE, 1, &one);

  if (tensor) {
    tensor->ints[0] = onnx_int_unknown;
    tensor->is_repeated = TRUE;
    tensor->order = order;
  }
  return onnx_value_from_tensor (reader, node, tensor);
}

static gboolean
are_lengths (const OnnxReader *reader, const OnnxTensor *tensor)
{
  return tensor->is_int && tensor->is_repeated && tensor->n_dims == 1
         && tensor->ints[0].factor == reader->length_factor && tensor->ints[0].offset == 0
         && tensor->ints[0].coefficient == 1;
}

/* Returns the number of lengths. A fixed number is a constant. */
static OnnxInt
get_batch_size (const OnnxReader *reader)
{
  const OnnxAxis axis = {1, {reader->batch_factor}};

  return onnx_axis_size (reader, &axis);
}

/* Returns whether @tensor is the size of the batch. */
static gboolean
is_batch_size (const OnnxReader *reader, const OnnxTensor *tensor)
{
  const OnnxInt any = {0, 1, reader->batch_factor};

  return tensor && tensor->is_int && tensor->n_values == 1 && !tensor->order
         && (onnx_int_equal (reader, tensor->ints[0], any)
             || onnx_int_equal (reader, tensor->ints[0], get_batch_size (reader)));
}

/* Returns whether @tensor counts from 0 to the size of the batch. */
static gboolean
is_range (const OnnxReader *reader, const OnnxTensor *tensor)
{
  if (!tensor->is_int || tensor->order)
    return tensor->order == ONNX_BATCH_ORDER_RANGE;
  for (gsize k = 0; k < tensor->n_values; k++)
    if (!onnx_int_equal (reader, tensor->ints[k], onnx_int_constant ((gint64) k)))
      return FALSE;
  return onnx_int_equal (
      reader, onnx_int_constant ((gint64) tensor->n_values), get_batch_size (reader));
}

const OnnxTensor *
onnx_get_batch_shape (OnnxReader *reader, const OnnxTensor *tensor)
{
  const gsize one = 1;
  OnnxTensor *shape;

  if (!tensor->order && !are_lengths (reader, tensor))
    return NULL;
  if ((shape = onnx_tensor_new (reader, TRUE, 1, &one)))
    shape->ints[0] = get_batch_size (reader);
  return shape;
}

gboolean
onnx_is_batch_order (const OnnxTensor *tensor)
{
  return tensor && tensor->order;
}

OnnxValue *
onnx_fold_top_k (OnnxReader *reader, OnnxNode *node)
{
  OnnxValue *in = node->inputs[0];
  const gint64 axis = onnx_get_int (node, "axis", -1);
  const gboolean is_descending = onnx_get_int (node, "largest", 1) != 0;
  OnnxBatchOrder order = ONNX_BATCH_ORDER_NONE;

  if (is_descending && are_lengths (reader, in->tensor))
    order = ONNX_BATCH_ORDER_SORTED;
  else if (!is_descending && in->tensor->order == ONNX_BATCH_ORDER_SORTED)
    order = ONNX_BATCH_ORDER_RESTORED;
  if (!order || !is_batch_size (reader, onnx_get_tensor_input (node, 1))
      || (axis != 0 && axis != -1) || !onnx_get_int (node, "sorted", 1))
    return onnx_unsupported (reader, node,
        "%s is supported only to sort all sequence lengths, the longest first; found %s of %s",
        node->proto->op_type, onnx_describe_input (reader, node, 1),
        onnx_describe_input (reader, node, 0));
  if (node->n_outputs > 1)
    node->outputs[1] = new_order (reader, node, order);
  return order == ONNX_BATCH_ORDER_SORTED ? in
                                          : new_order (reader, node, ONNX_BATCH_ORDER_RANGE);
}

OnnxValue *
onnx_fold_scatter_elements (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *data = onnx_get_tensor_input (node, 0),
                   *indices = onnx_get_tensor_input (node, 1),
                   *updates = onnx_get_tensor_input (node, 2);
  g_autofree char *reduction = onnx_get_string (node, "reduction", "none");

  if (data->is_int && data->n_dims == 1 && indices && updates
      && indices->order == ONNX_BATCH_ORDER_SORTED && is_range (reader, updates)
      && g_str_equal (reduction, "none"))
    return new_order (reader, node, ONNX_BATCH_ORDER_RESTORED);
  return onnx_unsupported (reader, node,
      "%s is supported only to restore the order of a batch; found %s and %s",
      node->proto->op_type, onnx_describe_input (reader, node, 1),
      onnx_describe_input (reader, node, 2));
}

OnnxValue *
onnx_match_batch_range (OnnxReader *reader, OnnxNode *node)
{
  for (guint i = 0; i < 3; i += 2) {
    const OnnxTensor *bound = onnx_get_tensor_input (node, i);

    if (!bound || !bound->is_int || bound->n_values != 1
        || !onnx_int_equal (reader, bound->ints[0], onnx_int_constant (i / 2)))
      return NULL;
  }
  return is_batch_size (reader, onnx_get_tensor_input (node, 1))
             ? new_order (reader, node, ONNX_BATCH_ORDER_RANGE)
             : NULL;
}

/* Sets *value to a copy of *value whose order @order changes. Returns FALSE if the order of *value
 * does not permit this change. */
static gboolean
change_order (OnnxReader *reader, OnnxBatchOrder order, guint axis, OnnxValue **value)
{
  const gboolean sorts = order == ONNX_BATCH_ORDER_SORTED;

  if (!onnx_value_is (*value, ONNX_VALUE_SIGNAL) || (*value)->axes[axis].n > 1
      || (*value)->is_sorted == sorts
      || !onnx_axis_bind (reader, &(*value)->axes[axis], ONNX_ROLE_BATCH))
    return FALSE;
  *value = onnx_value_copy (reader, *value);
  (*value)->is_sorted = sorts;
  return TRUE;
}

OnnxValue *
onnx_gather_batch (OnnxReader *reader, const OnnxNode *node, const OnnxValue *in, guint axis,
    const OnnxTensor *indices)
{
  OnnxValue *value = onnx_value_copy (reader, in);
  gboolean is_valid = indices->order == ONNX_BATCH_ORDER_SORTED
                      || indices->order == ONNX_BATCH_ORDER_RESTORED;

  if (is_valid && in->kind == ONNX_VALUE_CONCAT && axis != in->concat_axis) {
    value->parts = onnx_alloc (reader, in->n_parts, sizeof *value->parts);
    is_valid = value->parts != NULL;
    for (guint i = 0; is_valid && i < in->n_parts; i++) {
      value->parts[i] = in->parts[i];
      is_valid = change_order (reader, indices->order, axis, &value->parts[i]);
    }
  } else {
    is_valid = is_valid && change_order (reader, indices->order, axis, &value);
  }
  return is_valid ? value
                  : onnx_unsupported (reader, node,
                      "indices: expected the order of a batch along axis %u, which it changes "
                      "and restores once, found %s",
                      axis, onnx_value_describe (reader, in));
}
