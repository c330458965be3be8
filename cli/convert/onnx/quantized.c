/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/quantized.h"
#include "onnx/args.h"
#include "onnx/dense.h"
#include <math.h>

void
onnx_note_rounding (OnnxReader *reader, const OnnxNode *node)
{
  g_ptr_array_add (reader->notes,
      g_strdup_printf (
          "%s: the weights are dequantized; the node also rounds its input to 8 bits, "
          "and the layer does not",
          node->label));
}

/* The zero points and scales of a quantized tensor, one for each index of @axis, or one for all */
typedef struct {
  const OnnxTensor *scale, *zero; /* zero: nullable */
  gsize size, stride;             /* of the axis */
} Quantization;

/* Return the scale and the zero point of value @k of a tensor. */
static double
get_scale (const Quantization *q, gsize k)
{
  return (double) q->scale->reals[q->scale->n_values == 1 ? 0 : k / q->stride % q->size];
}

static gint64
get_zero (const Quantization *q, gsize k)
{
  return q->zero ? q->zero->ints[q->zero->n_values == 1 ? 0 : k / q->stride % q->size].offset
                 : 0;
}

/* Returns value @k of a quantized tensor as a real number. */
static float
dequantize_value (const Quantization *q, const OnnxTensor *tensor, gsize k)
{
  return (float) ((double) (tensor->ints[k].offset - get_zero (q, k)) * get_scale (q, k));
}

static gboolean
are_known_integers (const OnnxTensor *tensor)
{
  for (gsize k = 0; k < tensor->n_values; k++)
    if (tensor->ints[k].factor != ONNX_NO_FACTOR || tensor->ints[k].offset > G_MAXINT32
        || tensor->ints[k].offset < G_MININT32)
      return FALSE;
  return TRUE;
}

/* Returns whether @values has one value, or one for each index of the axis. */
static gboolean
has_size (const Quantization *q, const OnnxTensor *values)
{
  return values->n_values == 1 || (values->n_values == q->size && values->n_dims <= 1);
}

/* Reads the scale and zero point of @node, a QuantizeLinear or DequantizeLinear of @tensor. Returns
 * NULL, or an unsupported value. */
static OnnxValue *
read_quantization (
    OnnxReader *reader, OnnxNode *node, const OnnxTensor *tensor, Quantization *q)
{
  guint axis = 0;

  *q = (Quantization){onnx_get_real_input (node, 1), onnx_get_tensor_input (node, 2), 1, 1};
  if (tensor->n_dims > 1 || onnx_find_attribute (node, "axis"))
    onnx_resolve_axis (onnx_get_int (node, "axis", 1), tensor->n_dims, &axis);
  if (tensor->n_dims)
    q->size = tensor->shape[axis];
  for (guint i = axis + 1; i < tensor->n_dims; i++)
    q->stride *= tensor->shape[i];
  if (!q->scale || !has_size (q, q->scale) || onnx_get_int (node, "block_size", 0))
    return onnx_unsupported (reader, node,
        "scale: expected one constant, or one for each of %" G_GSIZE_FORMAT
        " indices of axis %u, found %s",
        q->size, axis, onnx_describe_input (reader, node, 1));
  if (onnx_get_input (node, 2)
      && (!q->zero || !q->zero->is_int || !has_size (q, q->zero)
          || !are_known_integers (q->zero)))
    return onnx_unsupported_input (
        reader, node, "zero_point", 2, "constant integers of the shape of the scale");
  return NULL;
}

OnnxValue *
onnx_fold_dequantize (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *tensor = node->inputs[0]->tensor;
  OnnxValue *unsupported;
  OnnxTensor *result;
  Quantization q;

  if (!tensor->is_int || !are_known_integers (tensor))
    return onnx_unsupported_input (reader, node, "x", 0, "constant integers");
  if ((unsupported = read_quantization (reader, node, tensor, &q)))
    return unsupported;
  result = onnx_tensor_new (reader, FALSE, tensor->n_dims, tensor->shape);
  for (gsize k = 0; result && k < tensor->n_values; k++)
    result->reals[k] = dequantize_value (&q, tensor, k);
  return onnx_value_from_tensor (reader, node, result);
}

/* Gets the range of the integers of @node, a QuantizeLinear: the data type of its zero point, or
 * uint8. Returns FALSE if the range is unknown. */
static gboolean
get_integer_range (const OnnxNode *node, const Quantization *q, double *low, double *high)
{
  static const struct {
    gint32 data_type;
    double low, high;
  } ranges[] = {
      {ONNX__TENSOR_PROTO__DATA_TYPE__UINT8, 0, G_MAXUINT8},
      {ONNX__TENSOR_PROTO__DATA_TYPE__INT8, G_MININT8, G_MAXINT8},
      {ONNX__TENSOR_PROTO__DATA_TYPE__UINT16, 0, G_MAXUINT16},
      {ONNX__TENSOR_PROTO__DATA_TYPE__INT16, G_MININT16, G_MAXINT16},
  };
  gint64 type = q->zero ? q->zero->data_type
                        : onnx_get_int (node, "output_dtype", ranges[0].data_type);

  for (guint i = 0; i < G_N_ELEMENTS (ranges); i++)
    if (ranges[i].data_type == type) {
      *low = ranges[i].low;
      *high = ranges[i].high;
      return TRUE;
    }
  return FALSE;
}

OnnxValue *
onnx_fold_quantize (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *tensor = node->inputs[0]->tensor;
  OnnxValue *unsupported;
  OnnxTensor *result;
  double low, high;
  Quantization q;

  if (tensor->is_int)
    return onnx_unsupported_input (reader, node, "x", 0, "constant real numbers");
  if ((unsupported = read_quantization (reader, node, tensor, &q)))
    return unsupported;
  if (!get_integer_range (node, &q, &low, &high))
    return onnx_unsupported (reader, node,
        "zero_point: expected int8, uint8, int16 or uint16, found ONNX data type %d",
        q.zero ? q.zero->data_type : (int) onnx_get_int (node, "output_dtype", 0));
  result = onnx_tensor_new (reader, TRUE, tensor->n_dims, tensor->shape);
  for (gsize k = 0; result && k < tensor->n_values; k++) {
    double scaled = rint ((double) tensor->reals[k] / get_scale (&q, k));

    if (!isfinite (scaled))
      return onnx_unsupported (
          reader, node, "x, scale: expected finite quotients, found %g", scaled);
    result->ints[k] = onnx_int_constant (
        (gint64) CLAMP (scaled + (double) get_zero (&q, k), low, high));
  }
  return onnx_value_from_tensor (reader, node, result);
}

/* Returns whether input @i is omitted, or one value that equals @number. */
static gboolean
is_number (const OnnxNode *node, guint i, double number)
{
  const OnnxTensor *tensor = onnx_get_tensor_input (node, i);

  return !onnx_get_input (node, i)
         || (tensor && tensor->n_values == 1
             && (tensor->is_int ? tensor->ints[0].factor == ONNX_NO_FACTOR
                                      && (double) tensor->ints[0].offset == number
                                : (double) tensor->reals[0] == number));
}

OnnxValue *
onnx_apply_dequantize (OnnxReader *reader, OnnxNode *node)
{
  if (node->inputs[0]->kind == ONNX_VALUE_SIGNAL && is_number (node, 1, 1)
      && is_number (node, 2, 0))
    return node->inputs[0];
  return onnx_unsupported_input (
      reader, node, "x", 0, "constant weights, or the result of DynamicQuantizeLinear");
}

OnnxValue *
onnx_refuse_quantize (OnnxReader *reader, OnnxNode *node)
{
  return onnx_unsupported (reader, node,
      "x: quantization with a constant scale is supported only for weights that the file "
      "contains "
      "as integers, because it rounds and clamps other values; found %s (export the model "
      "without static quantization)",
      onnx_describe_input (reader, node, 0));
}

OnnxValue *
onnx_apply_dynamic_quantize (OnnxReader *reader, OnnxNode *node)
{
  const float scale = 1;
  const gint64 zero = 0;
  OnnxTensor *tensors[] = {
      onnx_tensor_from_reals (reader, &scale, 1), onnx_tensor_from_ints (reader, &zero, 1)};

  for (guint i = 0; i < 2; i++) {
    if (tensors[i])
      tensors[i]->n_dims = 0;
    if (i + 1 < node->n_outputs)
      node->outputs[i + 1] = onnx_value_from_tensor (reader, node, tensors[i]);
  }
  onnx_note_rounding (reader, node);
  return node->inputs[0];
}

/* Returns input @i, (d, n), as (n, d), without its zero points, input @i_zero, and multiplied by
 * its scales, input @i_scale or none if @i_scale is 0. Returns NULL with *unsupported. */
static OnnxTensor *
dequantize_matrix (OnnxReader *reader, const OnnxNode *node, guint i, guint i_scale,
    guint i_zero, OnnxValue **unsupported)
{
  static const float one = 1;
  const OnnxTensor *tensor = onnx_get_tensor_input (node, i);
  Quantization q = {
      i_scale ? onnx_get_real_input (node, i_scale) : onnx_tensor_from_reals (reader, &one, 1),
      onnx_get_tensor_input (node, i_zero), 1, 1};
  OnnxTensor *result;
  gsize shape[2];

  if (!tensor || !tensor->is_int || tensor->n_dims != 2 || !tensor->n_values
      || !are_known_integers (tensor)) {
    *unsupported = onnx_unsupported_input (
        reader, node, "B", i, "constant integers of 2 dimensions");
    return NULL;
  }
  q.size = shape[0] = tensor->shape[1];
  shape[1] = tensor->shape[0];
  if (!q.scale || (q.scale->n_values != 1 && q.scale->n_values != q.size)
      || (onnx_get_input (node, i_zero)
          && (!q.zero || !q.zero->is_int || !are_known_integers (q.zero)
              || (q.zero->n_values != 1 && q.zero->n_values != q.size)))) {
    *unsupported = onnx_unsupported (reader, node,
        "scale and zero point of B: expected one constant, or one for each of %" G_GSIZE_FORMAT
        " columns, found %s and %s",
        q.size, i_scale ? onnx_describe_input (reader, node, i_scale) : "1",
        onnx_describe_input (reader, node, i_zero));
    return NULL;
  }
  result = onnx_tensor_new (reader, FALSE, 2, shape);
  for (gsize k = 0; result && k < tensor->n_values; k++)
    result->reals[k % q.size * shape[1] + k / q.size] = dequantize_value (&q, tensor, k);
  if (!result)
    *unsupported = onnx_value_from_tensor (reader, node, NULL);
  return result;
}

/* Returns the layer of the weights, input @i, and the bias, input @i_bias or none if @i_bias
 * is 0. */
static OnnxValue *
apply_weights (OnnxReader *reader, OnnxNode *node, guint i_scale, guint i_zero, guint i_bias)
{
  OnnxValue *unsupported = NULL;
  const OnnxTensor *weight, *bias = NULL;

  if (node->inputs[0]->kind != ONNX_VALUE_SIGNAL || !node->inputs[0]->n_axes)
    return onnx_unsupported_input (reader, node, "A", 0, "a tensor of 1 dimension or more");
  if (!(weight = dequantize_matrix (reader, node, 1, i_scale, i_zero, &unsupported)))
    return unsupported;
  if (i_bias && onnx_get_input (node, i_bias)
      && !(bias = onnx_get_vector_input (reader, node, i_bias, weight->shape[0])))
    return onnx_unsupported_input (reader, node, "bias", i_bias, "a constant for each output");
  return onnx_make_dense (reader, node, weight, bias);
}

OnnxValue *
onnx_apply_matmul_integer (OnnxReader *reader, OnnxNode *node)
{
  OnnxValue *value;

  if (!is_number (node, 2, 0))
    return onnx_unsupported_input (
        reader, node, "a_zero_point", 2, "the zero point of DynamicQuantizeLinear");
  value = apply_weights (reader, node, 0, 3, 0);
  if (value->kind == ONNX_VALUE_SIGNAL)
    value->stage->is_unscaled = TRUE;
  return value;
}

OnnxValue *
onnx_apply_quantized_matmul (OnnxReader *reader, OnnxNode *node)
{
  gboolean quantizes = g_str_equal (node->proto->op_type, "DynamicQuantizeMatMul");

  if (quantizes) {
    onnx_note_rounding (reader, node);
    return apply_weights (reader, node, 2, 3, 4);
  }
  if (!is_number (node, 2, 1) || !is_number (node, 4, 0))
    return onnx_unsupported_input (reader, node, "a_scale, a_zero_point", 2,
        "the scale and zero point of DynamicQuantizeLinear");
  return apply_weights (reader, node, 3, 5, 6);
}

const OnnxTensor *
onnx_dequantize_recurrent (
    OnnxReader *reader, const OnnxNode *node, guint i, guint i_scale, OnnxValue **unsupported)
{
  const OnnxTensor *tensor = onnx_get_tensor_input (node, i);
  Quantization q = {
      onnx_get_real_input (node, i_scale), onnx_get_tensor_input (node, i_scale + 1), 1, 1};
  gsize n_directions, n, d;
  OnnxTensor *result;

  if (!tensor || !tensor->is_int || tensor->n_dims != 3 || !tensor->n_values
      || !are_known_integers (tensor)) {
    *unsupported = onnx_unsupported_input (
        reader, node, i == 1 ? "W" : "R", i, "constant integers of 3 dimensions");
    return NULL;
  }
  n_directions = tensor->shape[0];
  d = tensor->shape[1];
  n = tensor->shape[2];
  if (!q.scale || (q.scale->n_values != n_directions && q.scale->n_values != n_directions * n)
      || (onnx_get_input (node, i_scale + 1)
          && (!q.zero || !q.zero->is_int || !are_known_integers (q.zero)
              || q.zero->n_values != q.scale->n_values))) {
    *unsupported = onnx_unsupported (reader, node,
        "scale and zero point of %s: expected a constant for each of %" G_GSIZE_FORMAT
        " directions or of %" G_GSIZE_FORMAT " columns of each direction, found %s and %s",
        i == 1 ? "W" : "R", n_directions, n, onnx_describe_input (reader, node, i_scale),
        onnx_describe_input (reader, node, i_scale + 1));
    return NULL;
  }
  result = onnx_tensor_new (reader, FALSE, 3, (const gsize[]){n_directions, n, d});
  for (gsize k = 0; result && k < tensor->n_values; k++) {
    gsize direction = k / (d * n), row = k / n % d, column = k % n;
    gsize at = q.scale->n_values == n_directions ? direction : direction * n + column;
    gint64 zero = q.zero ? q.zero->ints[at].offset : 0;

    result->reals[(direction * n + column) * d + row] =
        (float) ((double) (tensor->ints[k].offset - zero) * (double) q.scale->reals[at]);
  }
  if (!result)
    *unsupported = onnx_value_from_tensor (reader, node, NULL);
  return result;
}
