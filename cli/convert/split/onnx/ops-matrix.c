/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/onnx/ops.h"

/* Returns NULL, or an unsupported value if the inner sizes of a product differ. */
static OnnxValue *
check_inner_sizes (Splitter *splitter, const SplitNode *node, gint64 a, gint64 b)
{
  if (a == b)
    return NULL;
  return onnx_unsupported (&splitter->reader, &node->base,
      "inputs: expected matrices that can be multiplied, found the inner sizes "
      "%" G_GINT64_FORMAT " and %" G_GINT64_FORMAT,
      a, b);
}

/* Sets the leading axes of a product of frames with frames. */
static OnnxValue *
multiply_clips (
    Splitter *splitter, SplitNode *node, const SplitDims *a, const SplitDims *b, guint right)
{
  OnnxValue *unsupported;
  SplitDims dims = *a;

  if (a->n != b->n || a->n < 2)
    return onnx_unsupported (&splitter->reader, &node->base,
        "inputs: expected the same frames, found %s and %s",
        onnx_split_dims_describe (&splitter->reader, a),
        onnx_split_dims_describe (&splitter->reader, b));
  for (guint i = 0; i + 2 < a->n; i++)
    if (!onnx_split_axis_equal (&a->axes[i], &b->axes[i]))
      return onnx_unsupported (&splitter->reader, &node->base,
          "inputs: expected the same frames, found %s and %s",
          onnx_split_dims_describe (&splitter->reader, a),
          onnx_split_dims_describe (&splitter->reader, b));
  if ((unsupported = onnx_split_check_axes (
           splitter, node, 0, (1u << (a->n - 2)) - 1, node->op->verb))
      || (unsupported = onnx_split_check_axes (
              splitter, node, right, (1u << (a->n - 2)) - 1, node->op->verb)))
    return unsupported;
  dims.axes[dims.n - 1] = b->axes[b->n - 1];
  return onnx_split_set_output (splitter, node, 0, &dims);
}

/* Multiplies input 0 by a constant matrix. */
static OnnxValue *
multiply_by_constant (
    Splitter *splitter, SplitNode *node, const SplitDims *a, const SplitDims *b)
{
  OnnxValue *unsupported = onnx_split_check_axes (
      splitter, node, 0, ~(1u << (a->n - 1)), node->op->verb);
  SplitDims dims = *a;

  if (unsupported)
    return unsupported;
  for (guint i = 0; i + 2 < b->n; i++)
    if (b->axes[i].n)
      return onnx_unsupported (&splitter->reader, &node->base,
          "input 1: expected a matrix, found %s",
          onnx_split_dims_describe (&splitter->reader, b));
  if (b->n > MAX (a->n, 2))
    return onnx_unsupported (&splitter->reader, &node->base,
        "input 1: expected at most %u dimensions, found %s", MAX (a->n, 2),
        onnx_split_dims_describe (&splitter->reader, b));
  if (b->n == 1)
    dims.n--;
  else
    dims.axes[dims.n - 1] = b->axes[b->n - 1];
  return onnx_split_set_output (splitter, node, 0, &dims);
}

/* Multiplies a constant matrix by input @right. */
static OnnxValue *
multiply_constant (
    Splitter *splitter, SplitNode *node, const SplitDims *a, const SplitDims *b, guint right)
{
  SplitDims dims = *b;
  OnnxValue *unsupported;

  if (a->n != 2 || b->n < 2)
    return onnx_unsupported (&splitter->reader, &node->base,
        "inputs: expected a constant matrix and matrices of frames, found %s and %s",
        onnx_split_dims_describe (&splitter->reader, a),
        onnx_split_dims_describe (&splitter->reader, b));
  if ((unsupported = onnx_split_check_axes (
           splitter, node, right, ~(1u << (b->n - 2)), node->op->verb)))
    return unsupported;
  dims.axes[dims.n - 2] = a->axes[0];
  return onnx_split_set_output (splitter, node, 0, &dims);
}

static OnnxValue *
run_product (Splitter *splitter, SplitNode *node, guint right)
{
  const SplitDims *a = onnx_split_get_dims (node, 0), *b = onnx_split_get_dims (node, right);
  OnnxValue *unsupported;

  if (!a || !b || !a->n || !b->n)
    return onnx_unsupported (&splitter->reader, &node->base,
        "inputs: expected two tensors of 1 or more dimensions, found %s and %s",
        a ? onnx_split_dims_describe (&splitter->reader, a) : "an unknown shape",
        b ? onnx_split_dims_describe (&splitter->reader, b) : "an unknown shape");
  if ((unsupported = check_inner_sizes (splitter, node,
           onnx_split_axis_size (&a->axes[a->n - 1]),
           onnx_split_axis_size (&b->axes[b->n > 1 ? b->n - 2 : 0]))))
    return unsupported;
  if (onnx_split_is_clip (node, 0) && onnx_split_is_clip (node, right))
    return multiply_clips (splitter, node, a, b, right);
  return onnx_split_is_clip (node, right) ? multiply_constant (splitter, node, a, b, right)
                                          : multiply_by_constant (splitter, node, a, b);
}

OnnxValue *
onnx_split_run_matmul (Splitter *splitter, SplitNode *node)
{
  OnnxValue *unsupported = NULL;

  for (guint i = 2; !unsupported && i < node->base.n_inputs; i++)
    unsupported = onnx_split_check_constant (splitter, node, i);
  return unsupported ? unsupported : run_product (splitter, node, 1);
}

/* QLinearMatMul: a, a_scale, a_zero_point, b, b_scale, … */
OnnxValue *
onnx_split_run_quantized_matmul (Splitter *splitter, SplitNode *node)
{
  OnnxValue *unsupported = NULL;

  for (guint i = 1; !unsupported && i < node->base.n_inputs; i++)
    if (i != 3)
      unsupported = onnx_split_check_constant (splitter, node, i);
  return unsupported ? unsupported : run_product (splitter, node, 3);
}

OnnxValue *
onnx_split_run_gemm (Splitter *splitter, SplitNode *node)
{
  const SplitDims *a = onnx_split_get_dims (node, 0), *b = onnx_split_get_dims (node, 1),
                  *c = onnx_split_get_dims (node, 2);
  gboolean trans_a = onnx_get_int (&node->base, "transA", 0) != 0,
           trans_b = onnx_get_int (&node->base, "transB", 0) != 0;
  OnnxValue *unsupported = onnx_split_check_constant (splitter, node, 1);
  SplitDims dims = {2};

  if (!unsupported)
    unsupported = onnx_split_check_constant (splitter, node, 2);
  if (unsupported)
    return unsupported;
  if (!b || a->n != 2 || b->n != 2)
    return onnx_unsupported (&splitter->reader, &node->base,
        "inputs: expected two matrices, found %s and %s",
        onnx_split_dims_describe (&splitter->reader, a),
        b ? onnx_split_dims_describe (&splitter->reader, b) : "none");
  if ((unsupported = onnx_split_check_axes (splitter, node, 0, trans_a ? 2 : 1, node->op->verb))
      || (unsupported = check_inner_sizes (splitter, node,
              onnx_split_axis_size (&a->axes[!trans_a]),
              onnx_split_axis_size (&b->axes[trans_b]))))
    return unsupported;
  dims.axes[0] = a->axes[trans_a];
  dims.axes[1] = b->axes[!trans_b];
  if (c && c->n == 2 && onnx_split_axis_size (&c->axes[0]) > 1
      && onnx_split_axis_is_tagged (&dims.axes[0])
      && (unsupported = onnx_split_reduce_rows (splitter, node, 2, 0)))
    return unsupported;
  return onnx_split_set_output (splitter, node, 0, &dims);
}
