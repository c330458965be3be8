/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/onnx/constants.h"
#include "onnx/args.h"
#include "onnx/ops.h"
#include "split/onnx/op.h"

#define MAX_FOLDED                                                                             \
  65536 /* numbers of a constant that is folded although no shape requires it */

/* Sets output @i of @node to @constant, a tensor. */
static OnnxValue *
set_constant (Splitter *splitter, SplitNode *node, guint i, OnnxValue *constant)
{
  const OnnxTensor *tensor = constant->tensor;
  SplitDims dims = {tensor->n_dims};
  OnnxValue *unsupported;

  if (!node->outputs[i])
    return NULL;
  for (guint k = 0; k < tensor->n_dims; k++)
    dims.axes[k] = onnx_split_plain_axis ((gint64) tensor->shape[k]);
  if (tensor->n_values == 0) /* an empty constant, such as roi of Resize */
    dims = (SplitDims){0};
  if ((unsupported = onnx_split_set_output (splitter, node, i, &dims)))
    return unsupported;
  if (!tensor->n_values)
    node->outputs[i]->dims = NULL;
  node->outputs[i]->constant = constant;
  return NULL;
}

OnnxValue *
onnx_split_run_shape (Splitter *splitter, SplitNode *node)
{
  const SplitDims *dims = onnx_split_get_dims (node, 0);
  gint64 sizes[ONNX_MAX_DIMS], n;
  guint start, end;
  OnnxTensor *tensor;
  OnnxValue *constant;

  node->is_clip = FALSE;
  node->is_from_shape = TRUE;
  if (g_str_equal (node->base.proto->op_type, "Size")) {
    onnx_split_dims_n_values (dims, &n);
    if ((tensor = onnx_tensor_from_ints (&splitter->reader, &n, 1)))
      tensor->n_dims = 0;
  } else {
    onnx_get_shape_range (&node->base, dims->n, &start, &end);
    for (guint i = 0; i < dims->n; i++)
      sizes[i] = onnx_split_axis_size (&dims->axes[i]);
    tensor = onnx_tensor_from_ints (&splitter->reader, sizes + start, end - start);
  }
  constant = onnx_value_from_tensor (&splitter->reader, &node->base, tensor);
  return constant->kind == ONNX_VALUE_TENSOR ? set_constant (splitter, node, 0, constant)
                                             : constant;
}

/* Decodes the constants that @node reads. Returns whether the node can be folded. */
static gboolean
can_fold (Splitter *splitter, SplitNode *node)
{
  guint64 n_values = 0;

  for (guint i = 0; i < node->base.n_inputs; i++) {
    SplitValue *value = node->inputs[i];
    gint64 n = 0;

    if (!value)
      continue;
    if (value->dims && onnx_split_dims_n_values (value->dims, &n))
      n_values += (guint64) n;
    if (n > MAX_FOLDED && !node->is_from_shape)
      return FALSE;
    if (!onnx_split_get_tensor (splitter, value))
      return FALSE;
  }
  splitter->reader.work_left -= MIN (n_values, splitter->reader.work_left);
  return splitter->reader.work_left > 0;
}

/* Sets the outputs of a Constant that has a tensor, which is decoded when a node requires it. */
static gboolean
add_constant (Splitter *splitter, SplitNode *node)
{
  const Onnx__AttributeProto *value = onnx_find_attribute (&node->base, "value");

  if (!g_str_equal (onnx_string (node->base.proto->op_type), "Constant") || !value || !value->t
      || !node->outputs[0])
    return FALSE;
  onnx_split_set_initializer (splitter, node->outputs[0], value->t);
  return TRUE;
}

/* Folds a node whose inputs are constants. Returns FALSE if the existing reader cannot fold it. */
static gboolean
fold_node (Splitter *splitter, SplitNode *node)
{
  const char *domain = onnx_string (node->base.proto->domain);
  const OnnxOp *op = onnx_find_op (onnx_string (node->base.proto->op_type));
  OnnxValue *first;

  if (!op || !op->fold || (*domain && !g_str_equal (domain, "ai.onnx"))
      || !can_fold (splitter, node) || (!op->needs_no_input && !onnx_split_get_input (node, 0)))
    return FALSE;
  node->base.op = op;
  first = op->fold (&splitter->reader, &node->base);
  for (guint i = 0; i < node->base.n_outputs; i++) {
    OnnxValue *value = i ? node->base.outputs[i] : first, *unsupported = value;

    if (onnx_value_is (value, ONNX_VALUE_TENSOR))
      unsupported = set_constant (splitter, node, i, value);
    if (unsupported && node->outputs[i])
      node->outputs[i]->problem = unsupported->problem;
  }
  return onnx_value_is (first, ONNX_VALUE_TENSOR);
}

void
onnx_split_run_constant (Splitter *splitter, SplitNode *node)
{
  const char *type = onnx_string (node->base.proto->op_type);

  if (add_constant (splitter, node) || fold_node (splitter, node))
    return;
  if (node->op && (g_str_equal (type, "Shape") || g_str_equal (type, "Size"))
      && onnx_split_get_dims (node, 0)) {
    onnx_split_run_shape (splitter, node);
    return;
  }
  if (node->op && node->op->run)
    for (guint i = 0; i < node->base.n_inputs; i++)
      if (node->inputs[i] && !node->inputs[i]->dims)
        return;
  if (node->op && node->op->run && node->base.n_inputs && node->inputs[0])
    node->op->run (splitter, node);
}
