/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/dense.h"
#include "onnx/signal.h"

static OnnxTensor *
transpose_matrix (OnnxReader *reader, const OnnxTensor *matrix)
{
  const gsize shape[] = {matrix->shape[1], matrix->shape[0]};
  const gssize strides[] = {1, (gssize) matrix->shape[1]};

  return onnx_tensor_view (reader, matrix, 2, shape, 0, strides);
}

static OnnxTensor *
scale_tensor (OnnxReader *reader, const OnnxTensor *tensor, float scale)
{
  OnnxTensor *result = onnx_tensor_new (reader, FALSE, tensor->n_dims, tensor->shape);

  for (gsize k = 0; result && k < tensor->n_values; k++)
    result->reals[k] = tensor->reals[k] * scale;
  return result;
}

OnnxValue *
onnx_make_dense (
    OnnxReader *reader, OnnxNode *node, const OnnxTensor *weight, const OnnxTensor *bias)
{
  OnnxValue *in = node->inputs[0], *value;
  const OnnxAxis *last = &in->axes[in->n_axes - 1];
  OnnxStage *stage;

  if (!weight)
    return onnx_value_from_tensor (reader, node, NULL);
  if (!onnx_stage_bind_features (reader, in->stage, last)
      || !onnx_axis_set_size (reader, last, weight->shape[1]))
    return onnx_unsupported (reader, node,
        "input 0: expected all features of a step, %" G_GSIZE_FORMAT
        " by the weights, along the last axis, found %s in %s",
        weight->shape[1], onnx_axis_describe (reader, last), onnx_value_describe (reader, in));
  if (!weight->n_values)
    return onnx_unsupported (reader, node, "input 1: expected weights, found shape %s",
        onnx_tensor_describe_shape (reader, weight));
  stage = onnx_node_new_stage (reader, node, ONNX_STAGE_DENSE, in->stage);
  stage->weight = weight;
  stage->bias = bias;
  stage->features = onnx_axis_new (reader, (gint64) weight->shape[0], ONNX_ROLE_FEATURE);
  value = onnx_signal_new (reader, in, stage);
  value->axes[in->n_axes - 1] = stage->features;
  return value;
}

OnnxValue *
onnx_apply_matmul (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *weight = onnx_get_real_input (node, 1);
  OnnxValue *value;
  gsize shape[2];

  if (node->inputs[0]->kind != ONNX_VALUE_SIGNAL || !node->inputs[0]->n_axes)
    return onnx_unsupported_input (reader, node, "A", 0, "a tensor of 1 dimension or more");
  if (node->inputs[1]->kind == ONNX_VALUE_SIGNAL)
    return onnx_unsupported (reader, node,
        "B: expected constant weights, found %s" ONNX_ATTENTION,
        onnx_describe_input (reader, node, 1));
  if (!weight || !weight->n_dims)
    return onnx_unsupported_input (reader, node, "B", 1, "constant weights");
  shape[1] = weight->n_dims == 1 ? 1 : weight->shape[weight->n_dims - 1];
  shape[0] = weight->n_dims == 1 ? weight->n_values : weight->shape[weight->n_dims - 2];
  if (weight->n_values != shape[0] * shape[1])
    return onnx_unsupported (reader, node, "B: expected one matrix of weights, found shape %s",
        onnx_tensor_describe_shape (reader, weight));
  if (!(weight = onnx_tensor_alias (reader, weight, 2, shape)))
    return onnx_value_from_tensor (reader, node, NULL);
  value = onnx_make_dense (reader, node, transpose_matrix (reader, weight), NULL);
  if (value->kind == ONNX_VALUE_SIGNAL && node->inputs[1]->tensor->n_dims == 1)
    value = onnx_value_drop_axis (reader, value, value->n_axes - 1);
  return value;
}

/* Returns the bias of Gemm as (n), or NULL if it does not broadcast to (n). */
static const OnnxTensor *
broadcast_bias (OnnxReader *reader, const OnnxTensor *bias, gsize n)
{
  gsize last = bias->n_dims ? bias->shape[bias->n_dims - 1] : 1;
  gssize stride = bias->n_values == 1 ? 0 : 1;

  if (bias->n_values != last || (last != n && last != 1) || bias->n_dims > 2)
    return NULL;
  return onnx_tensor_view (reader, bias, 1, &n, 0, &stride);
}

/* Returns NULL, or an unsupported value if the inputs are not features, weights and a bias. */
static OnnxValue *
check_gemm (OnnxReader *reader, OnnxNode *node)
{
  const OnnxValue *in = node->inputs[0];
  const OnnxTensor *weight = onnx_get_real_input (node, 1);

  if (in->kind != ONNX_VALUE_SIGNAL || in->n_axes != 2)
    return onnx_unsupported_input (reader, node, "A", 0, "a tensor of 2 dimensions");
  if (!weight || weight->n_dims != 2)
    return onnx_unsupported_input (reader, node, "B", 1, "constant weights of 2 dimensions");
  if (onnx_get_input (node, 2) && !onnx_get_real_input (node, 2))
    return onnx_unsupported_input (reader, node, "C", 2, "a constant bias");
  if (onnx_get_int (node, "transA", 0))
    return onnx_unsupported (reader, node, "transA: expected 0, found %" G_GINT64_FORMAT,
        onnx_get_int (node, "transA", 0));
  return NULL;
}

OnnxValue *
onnx_apply_gemm (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *weight = onnx_get_real_input (node, 1);
  const OnnxTensor *bias = onnx_get_real_input (node, 2);
  float alpha = onnx_get_float (node, "alpha", 1), beta = onnx_get_float (node, "beta", 1);
  OnnxValue *unsupported = check_gemm (reader, node);

  if (unsupported)
    return unsupported;
  if (!onnx_get_int (node, "transB", 0))
    weight = transpose_matrix (reader, weight);
  if (weight && bias && !(bias = broadcast_bias (reader, bias, weight->shape[0])))
    return onnx_unsupported (reader, node,
        "C: expected a bias for each of %" G_GSIZE_FORMAT " outputs, found %s",
        weight->shape[0], onnx_describe_input (reader, node, 2));
  if (weight && alpha != 1)
    weight = scale_tensor (reader, weight, alpha);
  if (bias && beta != 1)
    bias = scale_tensor (reader, bias, beta);
  return onnx_make_dense (reader, node, weight, bias);
}
