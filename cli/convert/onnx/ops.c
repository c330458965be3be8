/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is known of ONNX's ops: a row each. */
#include "onnx/onnx.h"

static const OnnxOp ops[] = {
    {"Abs", onnx_fold_unary, NULL},
    {"Add", onnx_fold_binary, onnx_stream_arithmetic},
    {"And", onnx_fold_binary, NULL},
    {"BatchNormalization", NULL, onnx_stream_batch_norm},
    {"Cast", onnx_fold_cast, onnx_stream_identity, TRUE},
    {"Ceil", onnx_fold_unary, NULL},
    {"Celu", NULL, onnx_stream_activation},
    {"Clip", NULL, onnx_stream_clip},
    {"Concat", onnx_fold_concat, onnx_stream_concat, TRUE},
    {"Constant", onnx_fold_constant, NULL},
    {"ConstantOfShape", onnx_fold_constant_of_shape, NULL},
    {"Div", onnx_fold_binary, onnx_stream_arithmetic},
    {"Dropout", onnx_stream_dropout, onnx_stream_dropout, TRUE},
    {"Elu", NULL, onnx_stream_activation},
    {"Equal", onnx_fold_binary, NULL},
    {"Erf", NULL, onnx_stream_activation},
    {"Exp", onnx_fold_unary, onnx_stream_activation},
    {"Expand", onnx_fold_expand, onnx_stream_expand, TRUE},
    {"Flatten", NULL, onnx_stream_flatten, TRUE},
    {"Floor", onnx_fold_unary, NULL},
    {"Gather", onnx_fold_gather, onnx_stream_gather, TRUE},
    {"GatherElements", NULL, onnx_stream_gather_elements, TRUE},
    {"Gelu", NULL, onnx_stream_activation},
    {"Gemm", NULL, onnx_stream_gemm},
    {"Greater", onnx_fold_binary, NULL},
    {"GreaterOrEqual", onnx_fold_binary, NULL},
    {"HardSigmoid", NULL, onnx_stream_activation},
    {"HardSwish", NULL, onnx_stream_activation},
    {"Identity", onnx_fold_identity, onnx_stream_identity, TRUE},
    {"If", onnx_run_if, onnx_run_if},
    {"LSTM", NULL, onnx_run_lstm},
    {"LayerNormalization", NULL, onnx_stream_layer_norm},
    {"LeakyRelu", NULL, onnx_stream_activation},
    {"Less", onnx_fold_binary, NULL},
    {"LessOrEqual", onnx_fold_binary, NULL},
    {"LogSoftmax", NULL, onnx_stream_softmax},
    {"MatMul", NULL, onnx_stream_matmul},
    {"Max", onnx_fold_binary, NULL},
    {"Min", onnx_fold_binary, NULL},
    {"Mish", NULL, onnx_stream_activation},
    {"Mod", onnx_fold_binary, NULL},
    {"Mul", onnx_fold_binary, onnx_stream_arithmetic},
    {"Neg", onnx_fold_unary, NULL},
    {"Not", onnx_fold_unary, NULL},
    {"Or", onnx_fold_binary, NULL},
    {"PRelu", NULL, onnx_stream_prelu},
    {"Pow", onnx_fold_binary, onnx_stream_power},
    {"Range", onnx_fold_range, NULL},
    {"Reciprocal", onnx_fold_unary, onnx_stream_square_root},
    {"ReduceMean", NULL, onnx_stream_reduce},
    {"ReduceProd", onnx_fold_reduce_prod, NULL},
    {"ReduceSum", NULL, onnx_stream_reduce},
    {"Relu", NULL, onnx_stream_activation},
    {"Reshape", onnx_fold_reshape, onnx_stream_reshape, TRUE},
    {"ReverseSequence", NULL, onnx_stream_reverse},
    {"Selu", NULL, onnx_stream_activation},
    {"Shape", onnx_fold_shape, onnx_stream_shape},
    {"Sigmoid", NULL, onnx_stream_activation},
    {"Size", onnx_fold_shape, NULL},
    {"Slice", onnx_fold_slice, onnx_stream_slice, TRUE},
    {"Softmax", NULL, onnx_stream_softmax},
    {"Softplus", NULL, onnx_stream_activation},
    {"Softsign", NULL, onnx_stream_activation},
    {"Split", onnx_fold_split, onnx_stream_split, TRUE},
    {"Sqrt", onnx_fold_unary, onnx_stream_square_root},
    {"Squeeze", onnx_fold_squeeze, onnx_stream_squeeze, TRUE},
    {"Sub", onnx_fold_binary, onnx_stream_arithmetic},
    {"Sum", NULL, onnx_stream_sum},
    {"Swish", NULL, onnx_stream_activation},
    {"Tanh", NULL, onnx_stream_activation},
    {"ThresholdedRelu", NULL, onnx_stream_activation},
    {"Tile", onnx_fold_tile, onnx_stream_tile, TRUE},
    {"Transpose", onnx_fold_transpose, onnx_stream_transpose, TRUE},
    {"Unsqueeze", onnx_fold_unsqueeze, onnx_stream_unsqueeze, TRUE},
    {"Where", onnx_fold_where, NULL},
};

static const struct {
  const char *op, *what;
} others[] = {
    {"Attention", "attention"},
    {"Conv", "a convolution"},
    {"DynamicQuantizeLSTM", "an LSTM of integers"},
    {"GRU", "a layer of GRU, not LSTM"},
    {"GlobalAveragePool", "pooling"},
    {"Loop", "a loop of single steps"},
    {"MaxPool", "pooling"},
    {"MultiHeadAttention", "attention"},
    {"RNN", "a layer of plain RNN, not LSTM"},
    {"Scan", "a loop of single steps"},
};

/* Returns: NULL if nothing is known of it */
const OnnxOp *
onnx_find_op (const char *op)
{
  for (guint i = 0; i < G_N_ELEMENTS (ops); i++)
    if (g_str_equal (op, ops[i].op))
      return &ops[i];
  return NULL;
}

const char *
onnx_why_not (const char *op)
{
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    if (g_str_equal (op, others[i].op))
      return others[i].what;
  return NULL;
}
