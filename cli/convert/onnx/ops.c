/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/ops.h"
#include "onnx/activation.h"
#include "onnx/batch-order.h"
#include "onnx/dense.h"
#include "onnx/directions.h"
#include "onnx/elementwise.h"
#include "onnx/factored-norm.h"
#include "onnx/fold-arithmetic.h"
#include "onnx/fold-shape.h"
#include "onnx/fold-values.h"
#include "onnx/if.h"
#include "onnx/int-arithmetic.h"
#include "onnx/layout.h"
#include "onnx/loop.h"
#include "onnx/mask.h"
#include "onnx/normalization.h"
#include "onnx/pool.h"
#include "onnx/quantized.h"
#include "onnx/recurrent.h"
#include "onnx/repeat.h"
#include "onnx/reshape.h"
#include "onnx/select.h"
#include "onnx/trace.h"
#include <math.h>

#define BINARY(name, expression)                                                               \
  static double name##_reals (double a, double b)                                              \
  {                                                                                            \
    return expression;                                                                         \
  }
/* clang-format off */
BINARY (add, a + b)
BINARY (subtract, a - b)
BINARY (multiply, a * b)
BINARY (divide, a / b)
BINARY (equal, a == b)
BINARY (less, a < b)
BINARY (greater, a > b)
BINARY (at_most, a <= b)
BINARY (at_least, a >= b)
/* clang-format on */

static double
negate_real (double x)
{
  return -x;
}

static double
invert_real (double x)
{
  return 1 / x;
}

static const OnnxOp ops[] = {
    {"Abs", onnx_fold_unary, .unary = {fabs, onnx_int_absolute}},
    {"Add", onnx_fold_binary, onnx_apply_arithmetic, .binary = {add_reals, onnx_int_add},
        .arithmetic = '+', .accepts_constant_first = TRUE, .trace = onnx_trace_arithmetic},
    {"And", onnx_fold_binary, .binary = {NULL, onnx_int_and, TRUE}},
    {"Attention", .unsupported_reason = "attention"},
    {"AveragePool", NULL, onnx_apply_pool, .reduction = "mean"},
    {"BatchNormalization", NULL, onnx_apply_batch_norm},
    {"Cast", onnx_fold_cast, onnx_apply_cast, .n_moved_inputs = 1, .trace = onnx_trace_cast},
    {"Ceil", onnx_fold_unary, .unary = {ceil}},
    {"Clip", onnx_fold_clip, onnx_apply_clip, .trace = onnx_trace_clip},
    {"Concat", onnx_fold_concat, onnx_apply_concat, .n_moved_inputs = ONNX_ALL_INPUTS,
        .trace = onnx_trace_concat},
    {"Constant", onnx_fold_constant, .needs_no_input = TRUE},
    {"ConstantOfShape", onnx_fold_constant_of_shape},
    {"Conv", .unsupported_reason = "a convolution"},
    {"DequantizeLinear", onnx_fold_dequantize, onnx_apply_dequantize, .is_microsoft = TRUE},
    {"Div", onnx_fold_binary, onnx_apply_arithmetic, .binary = {divide_reals, onnx_int_divide},
        .arithmetic = '/', .accepts_constant_first = TRUE, .trace = onnx_trace_arithmetic},
    {"Dropout", onnx_apply_dropout, onnx_apply_dropout, .n_moved_inputs = 1},
    {"DynamicQuantizeLSTM", NULL, onnx_apply_recurrent, .recurrence = &onnx_recurrence_lstm,
        .is_quantized = TRUE, .is_microsoft = TRUE},
    {"DynamicQuantizeLinear", NULL, onnx_apply_dynamic_quantize},
    {"DynamicQuantizeMatMul", NULL, onnx_apply_quantized_matmul, .is_microsoft = TRUE},
    {"Equal", onnx_fold_binary, onnx_apply_equal,
        .binary = {equal_reals, onnx_int_is_equal, TRUE}, .accepts_constant_first = TRUE},
    {"Exp", onnx_fold_unary, onnx_apply_activation, .unary = {exp}},
    {"Expand", onnx_fold_expand, onnx_apply_expand, .n_moved_inputs = 1},
    {"Flatten", NULL, onnx_apply_flatten, .n_moved_inputs = 1},
    {"Floor", onnx_fold_unary, .unary = {floor}},
    {"GRU", NULL, onnx_apply_recurrent, .recurrence = &onnx_recurrence_gru},
    {"Gather", onnx_fold_gather, onnx_apply_gather, .n_moved_inputs = 1,
        .accepts_constant_first = TRUE},
    {"GatherElements", NULL, onnx_apply_gather_elements, .n_moved_inputs = 1},
    {"Gemm", NULL, onnx_apply_gemm, .trace = onnx_trace_gemm},
    {"GlobalAveragePool", NULL, onnx_apply_global_pool, .reduction = "mean"},
    {"GlobalMaxPool", NULL, onnx_apply_global_pool, .reduction = "max"},
    {"Greater", onnx_fold_binary, onnx_apply_greater,
        .binary = {greater_reals, onnx_int_is_greater, TRUE}},
    {"GreaterOrEqual", onnx_fold_binary,
        .binary = {at_least_reals, onnx_int_is_at_least, TRUE}},
    {"Identity", onnx_fold_identity, onnx_apply_cast, .n_moved_inputs = 1,
        .trace = onnx_apply_cast},
    {"If", onnx_run_if, onnx_run_if},
    {"LSTM", NULL, onnx_apply_recurrent, .recurrence = &onnx_recurrence_lstm},
    {"LayerNormalization", NULL, onnx_apply_layer_norm},
    {"Less", onnx_fold_binary, .binary = {less_reals, onnx_int_is_less, TRUE}},
    {"LessOrEqual", onnx_fold_binary, .binary = {at_most_reals, onnx_int_is_at_most, TRUE}},
    {"LogSoftmax", NULL, onnx_apply_softmax},
    {"Loop", NULL, onnx_apply_loop, .is_loop = TRUE},
    {"MatMul", NULL, onnx_apply_matmul, .trace = onnx_trace_matmul},
    {"MatMulInteger", NULL, onnx_apply_matmul_integer},
    {"MatMulIntegerToFloat", NULL, onnx_apply_quantized_matmul, .is_microsoft = TRUE},
    {"Max", onnx_fold_binary, onnx_apply_max, .binary = {fmax, onnx_int_max},
        .trace = onnx_trace_max, .accepts_constant_first = TRUE},
    {"MaxPool", NULL, onnx_apply_pool, .reduction = "max"},
    {"Min", onnx_fold_binary, .binary = {fmin, onnx_int_min}, .trace = onnx_trace_min,
        .accepts_constant_first = TRUE},
    {"Mod", onnx_fold_binary, .binary = {fmod, onnx_int_remainder}},
    {"Mul", onnx_fold_binary, onnx_apply_arithmetic,
        .binary = {multiply_reals, onnx_int_multiply}, .arithmetic = '*',
        .accepts_constant_first = TRUE, .trace = onnx_trace_arithmetic},
    {"MultiHeadAttention", .unsupported_reason = "attention"},
    {"Neg", onnx_fold_unary, onnx_apply_neg, .unary = {negate_real, onnx_int_negate},
        .trace = onnx_trace_neg},
    {"Not", onnx_fold_unary, onnx_apply_not, .unary = {NULL, onnx_int_not},
        .trace = onnx_trace_not},
    {"Or", onnx_fold_binary, .binary = {NULL, onnx_int_or, TRUE}},
    {"PRelu", NULL, onnx_apply_prelu},
    {"Pad", NULL, onnx_apply_pad, .n_moved_inputs = 1},
    {"Pow", onnx_fold_binary, onnx_apply_power, .binary = {pow}},
    {"QuantizeLinear", onnx_fold_quantize, onnx_refuse_quantize, .is_microsoft = TRUE},
    {"RNN", NULL, onnx_apply_recurrent, .recurrence = &onnx_recurrence_rnn},
    {"Range", onnx_fold_range},
    {"Reciprocal", onnx_fold_unary, onnx_apply_moment, .unary = {invert_real},
        .moment = {ONNX_MOMENT_DEVIATION, ONNX_MOMENT_INVERSE_DEVIATION}},
    {"ReduceMax", NULL, onnx_apply_reduce, .reduction = "max"},
    {"ReduceMean", NULL, onnx_apply_reduce, .reduction = "mean"},
    {"ReduceProd", onnx_fold_reduce_prod},
    {"ReduceSum", NULL, onnx_apply_reduce, .reduction = "sum"},
    {"Reshape", onnx_fold_reshape, onnx_apply_reshape, .n_moved_inputs = 1,
        .trace = onnx_trace_reshape},
    {"ReverseSequence", NULL, onnx_apply_reverse_sequence},
    {"Scan", NULL, onnx_apply_scan, .is_loop = TRUE},
    {"ScatterElements", onnx_fold_scatter_elements},
    {"Shape", onnx_fold_shape, onnx_apply_shape},
    {"Size", onnx_fold_size},
    {"Slice", onnx_fold_slice, onnx_apply_slice, .n_moved_inputs = 1,
        .trace = onnx_trace_slice},
    {"Softmax", NULL, onnx_apply_softmax},
    {"Split", onnx_fold_split, onnx_apply_split, .n_moved_inputs = 1,
        .trace = onnx_trace_split},
    {"Sqrt", onnx_fold_unary, onnx_apply_moment, .unary = {sqrt},
        .moment = {ONNX_MOMENT_VARIANCE_EPSILON, ONNX_MOMENT_DEVIATION}},
    {"Squeeze", onnx_fold_squeeze, onnx_apply_squeeze, .n_moved_inputs = 1,
        .trace = onnx_trace_squeeze},
    {"Sub", onnx_fold_binary, onnx_apply_arithmetic,
        .binary = {subtract_reals, onnx_int_subtract}, .arithmetic = '-',
        .accepts_constant_first = TRUE, .trace = onnx_trace_arithmetic},
    {"Sum", NULL, onnx_apply_sum},
    {"Tile", onnx_fold_tile, onnx_apply_tile, .n_moved_inputs = 1, .trace = onnx_trace_tile},
    {"TopK", onnx_fold_top_k, .n_moved_inputs = 1},
    {"Transpose", onnx_fold_transpose, onnx_apply_transpose, .n_moved_inputs = 1,
        .trace = onnx_trace_transpose},
    {"Unsqueeze", onnx_fold_unsqueeze, onnx_apply_unsqueeze, .n_moved_inputs = 1,
        .trace = onnx_trace_unsqueeze},
    {"Where", onnx_fold_where, onnx_apply_where, .trace = onnx_trace_where},
};

/* The row of each operator that is an activation and has no row above */
static const OnnxOp activation_op = {
    "activation", NULL, onnx_apply_activation, onnx_trace_activation};

const OnnxOp *
onnx_find_op (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (ops); i++)
    if (g_str_equal (name, ops[i].name))
      return &ops[i];
  return onnx_is_activation_op (name) ? &activation_op : NULL;
}
