/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Normalizations, of which exporters make single nodes before opset 17. */
#include "onnx/onnx.h"
#include <math.h>

/* A MOMENT step's op: what of x it is, x being the parent of all of them */
enum {
  MEAN = 'm',
  CENTRED = 'c', /* x − mean */
  SQUARED = 's', /* centred² */
  VARIANCE = 'v',
  VARIANCE_EPSILON = 'e', /* variance + epsilon */
  DEVIATION = 'd',        /* √(variance + epsilon) */
  DEVIATION_BELOW = 'r',  /* its reciprocal */
};

static const OnnxTensor *
get_features (OnnxReader *reader, const OnnxNode *node, guint i, gsize n)
{
  const OnnxValue *value = i < node->n_in ? node->in[i] : NULL;

  if (!value || value->kind != ONNX_TENSOR || value->tensor->is_int || value->tensor->n != n)
    return NULL;
  return onnx_tensor_alias (reader, value->tensor, 1, &n);
}

OnnxValue *
onnx_stream_batch_norm (OnnxReader *reader, OnnxNode *node)
{
  OnnxValue *in = node->in[0];
  double epsilon = (double) onnx_get_float (node, "epsilon", 1e-5f);
  const OnnxTensor *gamma, *beta, *mean, *variance;
  OnnxTensor *scale;
  OnnxInt size;
  gsize d;

  if (in->kind != ONNX_STREAM || in->n_axes < 2 || onnx_get_int (node, "training_mode", 0)
      || (reader->opset < 7 && !onnx_get_int (node, "is_test", 0))
      || !onnx_get_int (node, "spatial", 1)
      || !onnx_bind_features (reader, in->step, &in->axes[1]))
    return onnx_bad (
        reader, node, "expected the features along axis 1, not in training, found others");
  d = node->n_in > 1 && node->in[1] && node->in[1]->tensor ? node->in[1]->tensor->n : 0;
  size = onnx_axis_size (reader, &in->axes[1]);
  gamma = get_features (reader, node, 1, d);
  beta = get_features (reader, node, 2, d);
  mean = get_features (reader, node, 3, d);
  variance = get_features (reader, node, 4, d);
  if (!gamma || !beta || !mean || !variance || !d
      || (size.atom == ONNX_NUMBER && (gsize) size.offset != d))
    return onnx_bad (reader, node,
        "expected a scale, bias, mean and variance for each feature, found others");
  if (!(scale = onnx_tensor_new (reader, FALSE, 1, &d)))
    return onnx_value_tensor (reader, node, NULL);
  for (gsize k = 0; k < d; k++)
    scale->f[k] = (float) ((double) gamma->f[k] / sqrt ((double) variance->f[k] + epsilon));
  in = onnx_stream_affine (reader, node, in, '-', mean);
  in = onnx_stream_affine (reader, node, in, '*', scale);
  return onnx_stream_affine (reader, node, in, '+', beta);
}

static OnnxValue *
layer_norm (OnnxReader *reader, OnnxNode *node, const OnnxValue *like, const OnnxStep *x,
    double epsilon)
{
  OnnxStep *step = onnx_step_new (reader, node, ONNX_STEP_LAYER_NORM, x);

  step->epsilon = epsilon;
  return onnx_stream_new (reader, node, like, step);
}

/* The features of all axes from @axis on */
static gboolean
are_features (OnnxReader *reader, const OnnxValue *in, guint axis)
{
  OnnxAxis over = {0};

  for (guint i = axis; i < in->n_axes; i++)
    if (!onnx_axis_append (&over, &in->axes[i]))
      return FALSE;
  return onnx_bind_features (reader, in->step, &over);
}

OnnxValue *
onnx_stream_layer_norm (OnnxReader *reader, OnnxNode *node)
{
  OnnxValue *in = node->in[0], *value;
  gsize d = node->n_in > 1 && node->in[1] && node->in[1]->tensor ? node->in[1]->tensor->n : 0;
  OnnxInt size;
  guint axis;

  if (in->kind != ONNX_STREAM
      || !onnx_get_axis (onnx_get_int (node, "axis", -1), in->n_axes, &axis)
      || !are_features (reader, in, axis))
    return onnx_bad (
        reader, node, "expected the features of a step along the last axes, found others");
  value = layer_norm (
      reader, node, in, in->step, (double) onnx_get_float (node, "epsilon", 1e-5f));
  size = onnx_axis_size (reader, &in->step->features);
  value->step->scale = get_features (reader, node, 1, d);
  value->step->bias = get_features (reader, node, 2, d);
  if (!d || !value->step->scale || (size.atom == ONNX_NUMBER && (gsize) size.offset != d)
      || (node->n_in > 2 && node->in[2] && !value->step->bias))
    return onnx_bad (
        reader, node, "expected a scale and a bias for each feature, found others");
  return value;
}

static OnnxValue *
moment (OnnxReader *reader, OnnxNode *node, const OnnxValue *like, const OnnxStep *x, char op)
{
  OnnxStep *step = onnx_step_new (reader, node, ONNX_STEP_MOMENT, x);

  step->op = op;
  return onnx_stream_new (reader, node, like, step);
}

static gboolean
is_moment (const OnnxValue *value, char op)
{
  return value && value->kind == ONNX_STREAM && value->step->kind == ONNX_STEP_MOMENT
         && value->step->op == op;
}

/* Directions summed or averaged over their axis */
static OnnxValue *
reduce_directions (OnnxReader *reader, OnnxNode *node, guint axis, gboolean keep)
{
  gboolean mean = g_str_equal (node->proto->op_type, "ReduceMean");
  OnnxValue *parts[2], *value;
  OnnxTensor *half;
  gsize one = 1;

  for (gint64 i = 0; i < 2; i++) {
    const OnnxRange range = {onnx_number (i), onnx_number (i + 1), 1};

    parts[i] = onnx_value_range (reader, node, node->in[0], axis, range);
    if (parts[i]->kind != ONNX_STREAM || parts[i]->step->kind != ONNX_STEP_LSTM)
      return NULL;
  }
  value = onnx_stream_merge (reader, node, parts[0], parts[1], "sum", 0);
  if (!value || !(half = onnx_tensor_new (reader, FALSE, 1, &one)))
    return NULL;
  half->f[0] = .5f;
  if (mean)
    value = onnx_stream_affine (reader, node, value, '*', half);
  return keep ? value : onnx_value_drop (reader, value, axis);
}

OnnxValue *
onnx_stream_reduce (OnnxReader *reader, OnnxNode *node)
{
  OnnxValue *in = node->in[0], *value = NULL;
  gboolean given, keep = onnx_get_int (node, "keepdims", 1) != 0;
  guint32 mask;

  if (in->kind == ONNX_STREAM && in->n_axes
      && onnx_get_axes (reader, node, in->n_axes, &mask, &given)) {
    for (guint i = 0; i < in->n_axes; i++)
      if (mask == 1u << i && in->step->kind == ONNX_STEP_LSTM && in->axes[i].n == 1
          && in->step->cells[0] && in->step->cells[1])
        value = reduce_directions (reader, node, i, keep);
    if (!value && mask == 1u << (in->n_axes - 1) && keep
        && g_str_equal (node->proto->op_type, "ReduceMean")) {
      if (is_moment (in, SQUARED))
        value = moment (reader, node, in, in->step->parent, VARIANCE);
      else if (are_features (reader, in, in->n_axes - 1))
        value = moment (reader, node, in, in->step, MEAN);
    }
  }
  return value ? value
               : onnx_bad (reader, node,
                   "expected a sum of directions, or the mean of a layer normalization, found "
                   "another");
}

static float
get_single (const OnnxNode *node, guint i)
{
  const OnnxValue *value = i < node->n_in ? node->in[i] : NULL;

  return value && value->kind == ONNX_TENSOR && value->tensor->n == 1
             ? value->tensor->is_int ? (float) value->tensor->i[0].offset : value->tensor->f[0]
             : NAN;
}

OnnxValue *
onnx_stream_power (OnnxReader *reader, OnnxNode *node)
{
  const OnnxValue *in = node->in[0];

  if (!is_moment (in, CENTRED) || get_single (node, 1) != 2)
    return onnx_bad (
        reader, node, "expected the square of a layer normalization, found another power");
  return moment (reader, node, in, in->step->parent, SQUARED);
}

/* Sqrt, and Reciprocal of it */
OnnxValue *
onnx_stream_square_root (OnnxReader *reader, OnnxNode *node)
{
  const OnnxValue *in = node->in[0];
  gboolean below = g_str_equal (node->proto->op_type, "Reciprocal");
  OnnxValue *value;

  if (!is_moment (in, below ? DEVIATION : VARIANCE_EPSILON))
    return onnx_bad (reader, node, "expected that of a layer normalization, found another");
  value = moment (reader, node, in, in->step->parent, below ? DEVIATION_BELOW : DEVIATION);
  value->step->epsilon = in->step->epsilon;
  return value;
}

static OnnxValue *
two_moments (OnnxReader *reader, OnnxNode *node, const char *op)
{
  OnnxValue *a = node->in[0], *b = node->in[1];
  gboolean is_product = g_str_equal (op, "Mul");

  if (is_moment (b, MEAN) && a->step == b->step->parent && g_str_equal (op, "Sub"))
    return moment (reader, node, a, a->step, CENTRED);
  if (is_product && is_moment (b, CENTRED) && is_moment (a, DEVIATION_BELOW))
    return layer_norm (reader, node, b, b->step->parent, a->step->epsilon);
  if (!is_moment (a, CENTRED) || a->step->parent != b->step->parent)
    return NULL;
  if (is_product && a->step == b->step)
    return moment (reader, node, a, a->step->parent, SQUARED);
  if ((is_product && is_moment (b, DEVIATION_BELOW))
      || (g_str_equal (op, "Div") && is_moment (b, DEVIATION)))
    return layer_norm (reader, node, a, a->step->parent, b->step->epsilon);
  return NULL;
}

OnnxValue *
onnx_stream_moment (OnnxReader *reader, OnnxNode *node)
{
  gboolean swap = node->n_in == 2 && is_moment (node->in[1], VARIANCE);
  OnnxValue *value;

  if (node->n_in != 2 || !node->in[0] || !node->in[1])
    return NULL;
  if (node->in[0]->kind == ONNX_STREAM && node->in[1]->kind == ONNX_STREAM)
    return two_moments (reader, node, node->proto->op_type);
  if (!is_moment (node->in[swap], VARIANCE) || !g_str_equal (node->proto->op_type, "Add")
      || !(get_single (node, !swap) >= 0))
    return NULL;
  value = moment (reader, node, node->in[swap], node->in[swap]->step->parent, VARIANCE_EPSILON);
  value->step->epsilon = (double) get_single (node, !swap);
  return value;
}
