/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Streams that are computed with: dense layers, arithmetic with constants. */
#include "onnx/onnx.h"
#include <math.h>
#include <string.h>

/* Whether @axis has the features of @step, all in order; those of the model's input are learned
 * here. */
gboolean
onnx_bind_features (OnnxReader *reader, OnnxStep *step, const OnnxAxis *axis)
{
  if (!step->open)
    return onnx_axis_equal (axis, &step->features);
  for (guint i = 1; i < axis->n; i++)
    if (axis->atoms[i] <= axis->atoms[i - 1])
      return FALSE;
  if (!onnx_bind (reader, axis, ONNX_ROLE_FEATURE))
    return FALSE;
  for (OnnxStep *at = step; at; at = (OnnxStep *) at->parent) {
    at->open = FALSE;
    at->features = *axis;
  }
  return TRUE;
}

/* Whether an axis has @n values; one of unknown size has then. */
static gboolean
fix_size (OnnxReader *reader, const OnnxAxis *axis, gsize n)
{
  OnnxInt size = onnx_axis_size (reader, axis);

  if (size.atom == ONNX_NUMBER)
    return size.offset >= 0 && (gsize) size.offset == n;
  if (size.atom == ONNX_UNKNOWN || !size.factor || n % (gsize) size.factor)
    return FALSE;
  onnx_atom (reader, size.atom)->size = (gint64) (n / (gsize) size.factor);
  return TRUE;
}

static OnnxTensor *
transpose (OnnxReader *reader, const OnnxTensor *tensor)
{
  const gsize shape[] = {tensor->shape[1], tensor->shape[0]};
  const gssize strides[] = {1, (gssize) tensor->shape[1]};

  return onnx_tensor_view (reader, tensor, 2, shape, 0, strides);
}

static OnnxTensor *
scaled (OnnxReader *reader, const OnnxTensor *tensor, float factor)
{
  OnnxTensor *result = onnx_tensor_new (reader, FALSE, tensor->n_dims, tensor->shape);

  for (gsize k = 0; result && k < tensor->n; k++)
    result->f[k] = tensor->f[k] * factor;
  return result;
}

/* @weight: (n, d) */
static OnnxValue *
dense (OnnxReader *reader, OnnxNode *node, const OnnxTensor *weight, const OnnxTensor *bias)
{
  OnnxValue *in = node->in[0], *value;
  const OnnxAxis *last = &in->axes[in->n_axes - 1];
  OnnxStep *step;

  if (!weight)
    return onnx_value_tensor (reader, node, NULL);
  if (!onnx_bind_features (reader, in->step, last)
      || !fix_size (reader, last, weight->shape[1]))
    return onnx_bad (reader, node,
        "expected the %" G_GSIZE_FORMAT
        " features of each step along the last axis, found others",
        weight->shape[1]);
  if (!weight->n)
    return onnx_bad (reader, node, "expected weights, found none");
  step = onnx_step_new (reader, node, ONNX_STEP_DENSE, in->step);
  step->weight = weight;
  step->bias = bias;
  step->features = onnx_axis_of (reader, (gint64) weight->shape[0], ONNX_ROLE_FEATURE);
  value = onnx_stream_new (reader, node, in, step);
  value->axes[in->n_axes - 1] = step->features;
  return value;
}

OnnxValue *
onnx_stream_matmul (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *weight = onnx_in_reals (node, 1);
  OnnxValue *value;
  gsize shape[2];

  if (node->in[0]->kind != ONNX_STREAM || !node->in[0]->n_axes || !weight || !weight->n_dims)
    return onnx_bad (
        reader, node, "expected features times constant weights, found another product");
  shape[1] = weight->n_dims == 1 ? 1 : weight->shape[weight->n_dims - 1];
  shape[0] = weight->n_dims == 1 ? weight->n : weight->shape[weight->n_dims - 2];
  if (weight->n != shape[0] * shape[1])
    return onnx_bad (
        reader, node, "expected weights of 2 dimensions, found %u", weight->n_dims);
  if (!(weight = onnx_tensor_alias (reader, weight, 2, shape)))
    return onnx_value_tensor (reader, node, NULL);
  value = dense (reader, node, transpose (reader, weight), NULL);
  if (value->kind == ONNX_STREAM && node->in[1]->tensor->n_dims == 1)
    value = onnx_value_drop (reader, value, value->n_axes - 1);
  return value;
}

/* The bias of Gemm, which broadcasts: (n) */
static const OnnxTensor *
get_gemm_bias (OnnxReader *reader, const OnnxTensor *bias, gsize n)
{
  gsize last = bias->n_dims ? bias->shape[bias->n_dims - 1] : 1;
  gssize stride = bias->n == 1 ? 0 : 1;

  if (bias->n != last || (last != n && last != 1) || bias->n_dims > 2)
    return NULL;
  return onnx_tensor_view (reader, bias, 1, &n, 0, &stride);
}

OnnxValue *
onnx_stream_gemm (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *weight = onnx_in_reals (node, 1), *bias = onnx_in_reals (node, 2);
  float alpha = onnx_get_float (node, "alpha", 1), beta = onnx_get_float (node, "beta", 1);
  gboolean missing = node->n_in < 3 || !node->in[2];

  if (node->in[0]->kind != ONNX_STREAM || node->in[0]->n_axes != 2 || !weight
      || weight->n_dims != 2 || (!missing && !bias) || onnx_get_int (node, "transA", 0))
    return onnx_bad (
        reader, node, "expected features times constant weights, found another product");
  if (!onnx_get_int (node, "transB", 0))
    weight = transpose (reader, weight);
  if (weight && bias && !(bias = get_gemm_bias (reader, bias, weight->shape[0])))
    return onnx_bad (reader, node,
        "expected a bias for each of %" G_GSIZE_FORMAT " outputs, found another",
        weight->shape[0]);
  if (weight && alpha != 1)
    weight = scaled (reader, weight, alpha);
  if (bias && beta != 1)
    bias = scaled (reader, bias, beta);
  return dense (reader, node, weight, bias);
}

/* A constant that broadcasts to a stream: a single value, or one for each feature.
 * Returns: as [1] or [d], or NULL; @value may get more axes */
static const OnnxTensor *
get_number (OnnxReader *reader, OnnxValue **value, const OnnxTensor *constant)
{
  OnnxValue *in = *value;
  OnnxAxis features = {0};
  gsize n = constant->n;

  if (!n)
    return NULL;
  if (constant->n_dims > in->n_axes) {
    guint more = constant->n_dims - in->n_axes;

    in = onnx_value_copy (reader, in);
    for (guint i = constant->n_dims; i-- > 0;)
      in->axes[i] = i < more ? (OnnxAxis){0} : (*value)->axes[i - more];
    in->n_axes = constant->n_dims;
  }
  for (guint i = 0; n > 1 && i < constant->n_dims; i++) {
    const OnnxAxis *axis = &in->axes[in->n_axes - constant->n_dims + i];

    if (constant->shape[i] == 1)
      continue;
    if (!axis->n || !onnx_axis_append (&features, axis)
        || (!onnx_bind (reader, axis, ONNX_ROLE_FEATURE))
        || !fix_size (reader, axis, constant->shape[i]))
      return NULL;
  }
  if (n > 1 && !onnx_bind_features (reader, in->step, &features))
    return NULL;
  *value = in;
  return onnx_tensor_alias (reader, constant, 1, &n);
}

static gboolean
is_scale (const OnnxStep *step)
{
  return step->kind == ONNX_STEP_AFFINE && step->op == '*' && step->number->n == 1;
}

/* A scale that undoes the one before it leaves neither. */
OnnxValue *
onnx_stream_affine (
    OnnxReader *reader, OnnxNode *node, OnnxValue *in, char op, const OnnxTensor *number)
{
  OnnxStep *step = onnx_step_new (reader, node, ONNX_STEP_AFFINE, in->step);

  step->op = op;
  step->number = number;
  if (is_scale (step) && is_scale (in->step) && number->f[0] * in->step->number->f[0] == 1)
    step = (OnnxStep *) in->step->parent;
  return onnx_stream_new (reader, node, in, step);
}

/* constant − x and constant / x: x · −1 + constant; the other is none. */
static OnnxValue *
constant_first (
    OnnxReader *reader, OnnxNode *node, OnnxValue *in, char op, const OnnxTensor *number)
{
  const gsize one = 1;
  OnnxTensor *minus;

  if (op == '*' || op == '+')
    return onnx_stream_affine (reader, node, in, op, number);
  if (op == '/')
    return onnx_bad (
        reader, node, "expected to divide by a constant, found a constant divided");
  if (!(minus = onnx_tensor_new (reader, FALSE, 1, &one)))
    return onnx_value_tensor (reader, node, NULL);
  minus->f[0] = -1;
  return onnx_stream_affine (
      reader, node, onnx_stream_affine (reader, node, in, '*', minus), '+', number);
}

static OnnxValue *
two_streams (OnnxReader *reader, OnnxNode *node, char op)
{
  OnnxValue *a = node->in[0], *b = node->in[1], *value = NULL;

  if (op == '*' && !(value = onnx_times_itself (reader, node, a, b)))
    value = onnx_times_itself (reader, node, b, a);
  if (!value && (op == '+' || op == '*'))
    value = onnx_stream_merge (reader, node, a, b, op == '+' ? "sum" : "mul", 0);
  return value ? value
               : onnx_bad (reader, node,
                   "expected a constant, or the two directions of an LSTM, found two other "
                   "tensors");
}

static const struct {
  const char *name;
  char op;
} arithmetic[] = {{"Add", '+'}, {"Sub", '-'}, {"Mul", '*'}, {"Div", '/'}};

OnnxValue *
onnx_stream_arithmetic (OnnxReader *reader, OnnxNode *node)
{
  OnnxValue *value = onnx_stream_moment (reader, node);
  const OnnxTensor *number;
  gboolean first;
  char op = 0;

  if (value)
    return value;
  for (guint i = 0; i < G_N_ELEMENTS (arithmetic); i++)
    if (g_str_equal (node->proto->op_type, arithmetic[i].name))
      op = arithmetic[i].op;
  if (node->n_in != 2 || !node->in[0] || !node->in[1])
    return onnx_bad (reader, node, "expected two inputs, found another number");
  if (node->in[0]->kind == ONNX_STREAM && node->in[1]->kind == ONNX_STREAM)
    return two_streams (reader, node, op);
  first = node->in[0]->kind == ONNX_TENSOR;
  value = node->in[first];
  number = onnx_in_reals (node, !first);
  if (value->kind != ONNX_STREAM || !number || onnx_attribute (node, "axis"))
    return onnx_bad (reader, node, "expected a constant of real numbers, found something else");
  if (!(number = get_number (reader, &value, number)))
    return onnx_bad (
        reader, node, "expected one number, or one for each feature, found another shape");
  return first ? constant_first (reader, node, value, op, number)
               : onnx_stream_affine (reader, node, value, op, number);
}

OnnxValue *
onnx_stream_sum (OnnxReader *reader, OnnxNode *node)
{
  if (node->n_in != 2 || !node->in[0] || !node->in[1] || node->in[0]->kind != ONNX_STREAM
      || node->in[1]->kind != ONNX_STREAM)
    return onnx_bad (
        reader, node, "expected the two directions of an LSTM, found something else");
  return two_streams (reader, node, '+');
}
