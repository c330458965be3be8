/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/onnx.h"
#include <math.h>

/* ONNX's op, or an LSTM's function, to ours with its defaults. @lstm: LSTMs may have it */
typedef struct {
  const char *op, *name;
  gboolean lstm, has_alpha, has_beta;
  float alpha, beta;
} Function;

static const Function functions[] = {
    {"Sigmoid", "sigmoid", TRUE}, {"Tanh", "tanh", TRUE}, {"Relu", "relu", TRUE},
    {"HardSigmoid", "hard_sigmoid", TRUE, TRUE, TRUE, .2f, .5f},
    {"LeakyRelu", "leaky_relu", TRUE, TRUE, FALSE, .01f},
    {"ThresholdedRelu", "thresholded_relu", TRUE, TRUE, FALSE, 1},
    {"ScaledTanh", "scaled_tanh", TRUE, TRUE, TRUE, 1, 1},
    {"Affine", "affine", TRUE, TRUE, TRUE, 1, 0}, {"Elu", "elu", TRUE, TRUE, FALSE, 1},
    {"Softsign", "softsign", TRUE}, {"Softplus", "softplus", TRUE}, {"Selu", "selu", FALSE},
    {"Exp", "exponential", FALSE}, {"HardSwish", "hard_silu", FALSE}, {"Mish", "mish", FALSE},
    {"Swish", "silu", FALSE}, {"Gelu", "gelu", FALSE}, {"Softmax", "softmax", FALSE},
    {"LogSoftmax", "log_softmax", FALSE}, {"Celu", "elu", FALSE},
    {"Erf", "erf", FALSE}, /* within GELU only */
};

static OnnxActivation
from_function (const Function *f)
{
  return (OnnxActivation){f->name, f->has_alpha, f->has_beta, f->alpha, f->beta};
}

gboolean
onnx_find_activation (const char *name, OnnxActivation *activation)
{
  for (guint i = 0; i < G_N_ELEMENTS (functions); i++) {
    if (functions[i].lstm && g_ascii_strcasecmp (name, functions[i].op) == 0) {
      *activation = from_function (&functions[i]);
      return TRUE;
    }
  }
  return FALSE;
}

static OnnxValue *
activation_value (OnnxReader *reader, OnnxNode *node, OnnxActivation activation)
{
  OnnxStep *step = onnx_step_new (reader, node, ONNX_STEP_ACTIVATION, node->in[0]->step);

  step->activation = activation;
  return onnx_stream_new (reader, node, node->in[0], step);
}

/* A parameter that ours do not have must be what they compute with. */
static gboolean
check_parameters (const OnnxNode *node, OnnxActivation *activation)
{
  g_autofree char *approximate = onnx_get_string (node, "approximate", "none");

  if (g_str_equal (activation->name, "gelu") && g_str_equal (approximate, "tanh"))
    activation->name = "gelu_tanh";
  else if (!g_str_equal (approximate, "none"))
    return FALSE;
  if (g_str_equal (activation->name, "selu"))
    return fabsf (onnx_get_float (node, "alpha", 1.67326324f) - 1.67326324f) < 1e-4f
           && fabsf (onnx_get_float (node, "gamma", 1.05070102f) - 1.05070102f) < 1e-4f;
  return activation->has_alpha || onnx_get_float (node, "alpha", 1) == 1;
}

OnnxValue *
onnx_stream_activation (OnnxReader *reader, OnnxNode *node)
{
  OnnxActivation activation = {NULL};

  for (guint i = 0; i < G_N_ELEMENTS (functions); i++)
    if (g_str_equal (node->proto->op_type, functions[i].op))
      activation = from_function (&functions[i]);
  if (node->in[0]->kind != ONNX_STREAM || !activation.name
      || !check_parameters (node, &activation))
    return onnx_bad (
        reader, node, "expected one tensor, and parameters as usual, found others");
  activation.alpha = onnx_get_float (node, "alpha", activation.alpha);
  activation.beta = onnx_get_float (node, "beta", activation.beta);
  return activation_value (reader, node, activation);
}

/* Before opset 13 all axes from one on are one. */
OnnxValue *
onnx_stream_softmax (OnnxReader *reader, OnnxNode *node)
{
  const OnnxValue *in = node->in[0];
  gboolean to_end = reader->opset < 13;
  OnnxAxis over = {0};
  guint axis;

  if (in->kind != ONNX_STREAM
      || !onnx_get_axis (onnx_get_int (node, "axis", to_end ? 1 : -1), in->n_axes, &axis))
    return onnx_bad (reader, node, "expected an axis of its input, found another");
  for (guint i = axis; i < (to_end ? in->n_axes : axis + 1); i++)
    if (!onnx_axis_append (&over, &in->axes[i]))
      over.n = ONNX_MAX_ATOMS;
  if (!onnx_bind_features (reader, in->step, &over))
    return onnx_bad (
        reader, node, "expected the features of a step along axis %u, found others", axis);
  return onnx_stream_activation (reader, node);
}

/* A bound of Clip; NAN if it is not constant */
static float
get_bound (const OnnxNode *node, const char *name, guint input, float missing)
{
  const OnnxTensor *bound = onnx_in_reals (node, input);

  if (input < node->n_in && node->in[input])
    return bound && bound->n == 1 ? bound->f[0] : NAN;
  return onnx_get_float (node, name, missing);
}

OnnxValue *
onnx_stream_clip (OnnxReader *reader, OnnxNode *node)
{
  float low = get_bound (node, "min", 1, -INFINITY),
        high = get_bound (node, "max", 2, INFINITY);
  OnnxActivation activation = {NULL};

  if (low <= -3e38f && high >= 3e38f)
    return node->in[0];
  if (low == 0 && high >= 3e38f)
    activation.name = "relu";
  else if (low == -1 && high == 1)
    activation.name = "hard_tanh";
  else if (low == 0 && high > 0)
    activation = (OnnxActivation){"relu_capped", TRUE, FALSE, high, 0};
  if (node->in[0]->kind != ONNX_STREAM || !activation.name)
    return onnx_bad (reader, node, "expected to clip to 0 and above, or to ±1, found %g to %g",
        (double) low, (double) high);
  return activation_value (reader, node, activation);
}

/* PRelu with one slope for all features */
OnnxValue *
onnx_stream_prelu (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *slope = onnx_in_reals (node, 1);

  if (!slope || slope->n != 1)
    return onnx_bad (reader, node, "expected one constant slope, found another");
  return activation_value (
      reader, node, (OnnxActivation){"leaky_relu", TRUE, FALSE, slope->f[0], 0});
}

/* Whether @step is one of arithmetic with a single number, within float32 */
static gboolean
is_affine (const OnnxStep *step, char op, double number)
{
  return step && step->kind == ONNX_STEP_AFFINE && step->op == op && step->number->n == 1
         && fabs ((double) step->number->f[0] - number) <= 1e-6 * fabs (number);
}

static gboolean
is_activation (const OnnxStep *step, const char *name)
{
  return step && step->kind == ONNX_STEP_ACTIVATION
         && g_str_equal (step->activation.name, name);
}

/* What 1 + erf (x / √2) is made of, or NULL */
static const OnnxStep *
get_normal (const OnnxStep *step)
{
  const OnnxStep *scaled;

  if (!is_affine (step, '+', 1) || !is_activation (step->parent, "erf"))
    return NULL;
  scaled = step->parent->parent;
  return is_affine (scaled, '/', G_SQRT2) || is_affine (scaled, '*', 1 / G_SQRT2)
             ? scaled->parent
             : NULL;
}

static const char *
get_product (const OnnxStep *x, const OnnxStep *f)
{
  if (is_activation (f, "sigmoid") && f->parent == x)
    return "silu";
  if (is_activation (f, "hard_sigmoid") && f->parent == x && f->activation.beta == .5f
      && fabsf (f->activation.alpha - 1 / 6.f) < 1e-6f)
    return "hard_silu";
  if (is_activation (f, "tanh") && is_activation (f->parent, "softplus")
      && f->parent->parent == x)
    return "mish";
  return NULL;
}

OnnxValue *
onnx_times_itself (OnnxReader *reader, OnnxNode *node, OnnxValue *x, const OnnxValue *y)
{
  const OnnxStep *from = x->step, *normal = get_normal (y->step);
  const char *name = get_product (from, y->step);
  const gsize one = 1;
  OnnxTensor *two;
  OnnxStep *step;

  if (x->n_axes != y->n_axes)
    return NULL;
  for (guint i = 0; i < x->n_axes; i++)
    if (!onnx_axis_equal (&x->axes[i], &y->axes[i]))
      return NULL;
  if (normal && (normal == from || (is_affine (from, '*', .5) && normal == from->parent))) {
    name = "gelu";
    from = normal;
  }
  if (!name)
    return NULL;
  step = onnx_step_new (reader, node, ONNX_STEP_ACTIVATION, from);
  step->activation.name = name;
  if (!normal || from != x->step)
    return onnx_stream_new (reader, node, x, step);
  /* its half is still to come */
  if (!(two = onnx_tensor_new (reader, FALSE, 1, &one)))
    return NULL;
  two->f[0] = 2;
  return onnx_stream_affine (reader, node, onnx_stream_new (reader, node, x, step), '*', two);
}
