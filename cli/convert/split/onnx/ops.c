/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/onnx/ops.h"
#include "split/onnx/unrolled.h"

#define UNARY onnx_split_run_unary
#define BROADCAST onnx_split_run_broadcast
#define CONDITION onnx_split_run_broadcast, SPLIT_TYPE_BOOL
#define SLIDING onnx_split_run_sliding, .verb = "slides along"
#define PICTURES onnx_split_run_pictures, .verb = "reads neighbours along"
#define REDUCE onnx_split_run_reduce, .verb = "reduces"

static const SplitOp ops[] = {
    /* elementwise, of one tensor */
    {"Abs", UNARY},
    {"Acos", UNARY},
    {"Acosh", UNARY},
    {"Asin", UNARY},
    {"Asinh", UNARY},
    {"Atan", UNARY},
    {"Atanh", UNARY},
    {"BitwiseNot", UNARY},
    {"Cast", UNARY, SPLIT_TYPE_TO},
    {"CastLike", UNARY, SPLIT_TYPE_INPUT_1},
    {"Ceil", UNARY},
    {"Celu", UNARY},
    {"Clip", UNARY},
    {"Cos", UNARY},
    {"Cosh", UNARY},
    {"Dropout", onnx_split_run_dropout, SPLIT_TYPE_SAME, SPLIT_TYPE_BOOL},
    {"Elu", UNARY},
    {"Erf", UNARY},
    {"Exp", UNARY},
    {"Floor", UNARY},
    {"Gelu", UNARY},
    {"HardSigmoid", UNARY},
    {"HardSwish", UNARY},
    {"Identity", UNARY},
    {"IsInf", UNARY, SPLIT_TYPE_BOOL},
    {"IsNaN", UNARY, SPLIT_TYPE_BOOL},
    {"LeakyRelu", UNARY},
    {"Log", UNARY},
    {"Mish", UNARY},
    {"Neg", UNARY},
    {"Not", UNARY},
    {"Reciprocal", UNARY},
    {"Relu", UNARY},
    {"Round", UNARY},
    {"Selu", UNARY},
    {"Shrink", UNARY},
    {"Sigmoid", UNARY},
    {"Sign", UNARY},
    {"Sin", UNARY},
    {"Sinh", UNARY},
    {"Softplus", UNARY},
    {"Softsign", UNARY},
    {"Sqrt", UNARY},
    {"Swish", UNARY},
    {"Tan", UNARY},
    {"Tanh", UNARY},
    {"ThresholdedRelu", UNARY},
    {"Gelu", UNARY, .is_microsoft = TRUE},
    {"QuickGelu", UNARY, .is_microsoft = TRUE},

    /* elementwise, of tensors that broadcast */
    {"Add", BROADCAST},
    {"And", CONDITION},
    {"BitShift", BROADCAST},
    {"BitwiseAnd", BROADCAST},
    {"BitwiseOr", BROADCAST},
    {"BitwiseXor", BROADCAST},
    {"Div", BROADCAST},
    {"Equal", CONDITION},
    {"Greater", CONDITION},
    {"GreaterOrEqual", CONDITION},
    {"Less", CONDITION},
    {"LessOrEqual", CONDITION},
    {"Max", BROADCAST},
    {"Mean", BROADCAST},
    {"Min", BROADCAST},
    {"Mod", BROADCAST},
    {"Mul", BROADCAST},
    {"Or", CONDITION},
    {"PRelu", BROADCAST},
    {"Pow", BROADCAST},
    {"Sub", BROADCAST},
    {"Sum", BROADCAST},
    {"Where", BROADCAST, SPLIT_TYPE_INPUT_1},
    {"Xor", CONDITION},

    /* numbers of 8 bits */
    {"DequantizeLinear", onnx_split_run_quantize, SPLIT_TYPE_INPUT_1},
    {"QuantizeLinear", onnx_split_run_quantize, SPLIT_TYPE_INPUT_2},
    {"DynamicQuantizeLinear",
        .reason = "expected a fixed scale, found one that the numbers of all frames determine"},

    /* windows that slide over a picture */
    {"AveragePool", SLIDING},
    {"Conv", SLIDING, .weights = 1},
    {"ConvInteger", SLIDING, .weights = 1, .type = SPLIT_TYPE_INT32},
    {"ConvTranspose", SLIDING, .weights = 1},
    {"LpPool", SLIDING},
    {"MaxPool", SLIDING},
    {"QLinearConv", SLIDING, .weights = 3},
    {"FusedConv", SLIDING, .weights = 1, .is_microsoft = TRUE},

    /* pictures that axis 0 numbers */
    {"DepthToSpace", onnx_split_run_depth_to_space, .verb = "moves pixels along"},
    {"GlobalAveragePool", onnx_split_run_global_pool, .verb = "pools"},
    {"GlobalLpPool", onnx_split_run_global_pool, .verb = "pools"},
    {"GlobalMaxPool", onnx_split_run_global_pool, .verb = "pools"},
    {"GroupNormalization", PICTURES},
    {"InstanceNormalization", PICTURES},
    {"LRN", PICTURES},
    {"Resize", onnx_split_run_resize, .verb = "resizes"},
    {"SpaceToDepth", onnx_split_run_space_to_depth, .verb = "moves pixels along"},
    {"Upsample", onnx_split_run_resize, .verb = "resizes"},

    /* along axes */
    {"ArgMax", onnx_split_run_arg, SPLIT_TYPE_INT64, .verb = "compares numbers along"},
    {"ArgMin", onnx_split_run_arg, SPLIT_TYPE_INT64, .verb = "compares numbers along"},
    {"BatchNormalization", onnx_split_run_batch_norm,
        .verb = "has statistics for each index of"},
    {"CumSum", onnx_split_run_cumulate, .verb = "sums along"},
    {"Hardmax", onnx_split_run_softmax, .axis = -1, .old_axis = 1, .verb = "normalizes along"},
    {"LayerNormalization", onnx_split_run_layer_norm, .axis = -1, .old_axis = -1,
        .verb = "normalizes along"},
    {"LogSoftmax", onnx_split_run_softmax, .axis = -1, .old_axis = 1,
        .verb = "normalizes along"},
    {"LpNormalization", onnx_split_run_along, .axis = -1, .old_axis = -1,
        .verb = "normalizes along"},
    {"MeanVarianceNormalization", onnx_split_run_moments, .verb = "normalizes along"},
    {"RMSNormalization", onnx_split_run_layer_norm, .axis = -1, .old_axis = -1,
        .verb = "normalizes along"},
    {"ReduceL1", REDUCE},
    {"ReduceL2", REDUCE},
    {"ReduceLogSum", REDUCE},
    {"ReduceLogSumExp", REDUCE},
    {"ReduceMax", REDUCE},
    {"ReduceMean", REDUCE},
    {"ReduceMin", REDUCE},
    {"ReduceProd", REDUCE},
    {"ReduceSum", REDUCE},
    {"ReduceSumSquare", REDUCE},
    {"Softmax", onnx_split_run_softmax, .axis = -1, .old_axis = 1, .verb = "normalizes along"},
    {"TopK", onnx_split_run_top_k, .next_type = SPLIT_TYPE_INT64, .axis = -1, .old_axis = -1,
        .verb = "sorts along"},

    /* products of matrices */
    {"FusedGemm", onnx_split_run_gemm, .is_microsoft = TRUE, .verb = "sums over"},
    {"Gemm", onnx_split_run_gemm, .verb = "sums over"},
    {"MatMul", onnx_split_run_matmul, .verb = "sums over"},
    {"MatMulInteger", onnx_split_run_matmul, SPLIT_TYPE_INT32, .verb = "sums over"},
    {"QLinearMatMul", onnx_split_run_quantized_matmul, .verb = "sums over"},

    /* moves */
    {"Concat", onnx_split_run_concat, .is_joining = TRUE},
    {"Expand", onnx_split_run_expand},
    {"Flatten", onnx_split_run_flatten, .is_literal = TRUE},
    {"Gather", onnx_split_run_gather},
    {"Pad", onnx_split_run_pad},
    {"Reshape", onnx_split_run_reshape, .is_literal = TRUE},
    {"ScatterND", onnx_split_scatter},
    {"ReverseSequence", onnx_split_run_reverse_sequence},
    {"Slice", onnx_split_run_slice},
    {"Split", onnx_split_run_split},
    {"Squeeze", onnx_split_run_squeeze, .is_literal = TRUE},
    {"Tile", onnx_split_run_tile},
    {"Transpose", onnx_split_run_transpose},
    {"Unsqueeze", onnx_split_run_unsqueeze, .is_literal = TRUE},

    /* constants alone */
    {"Constant", NULL, SPLIT_TYPE_VALUE},
    {"ConstantOfShape", NULL, SPLIT_TYPE_VALUE},
    {"Range", NULL},
    {"Shape", NULL, SPLIT_TYPE_INT64},
    {"Size", NULL, SPLIT_TYPE_INT64},
};

const SplitOp *
onnx_split_find_op (const Onnx__NodeProto *proto)
{
  const char *domain = onnx_string (proto->domain), *name = onnx_string (proto->op_type);
  gboolean is_microsoft = g_str_equal (domain, "com.microsoft");

  if (*domain && !is_microsoft && !g_str_equal (domain, "ai.onnx"))
    return NULL;
  for (guint i = 0; i < G_N_ELEMENTS (ops); i++)
    if (ops[i].is_microsoft == is_microsoft && g_str_equal (name, ops[i].name))
      return &ops[i];
  return NULL;
}
