/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/activation.h"
#include "onnx/args.h"
#include "onnx/signal.h"
#include "activations/activations.h"
#include <math.h>

typedef enum {
  USE_OP = 1,        /* an operator of ONNX */
  USE_RECURRENT = 2, /* a function of a recurrent node */
} Use;

typedef enum { HAS_ALPHA = 1, HAS_BETA = 2 } Parameters;

typedef struct {
  const char *attribute;
  float value, tolerance;
} FixedParameter;

/* An activation of ONNX. ONNX and liblstm have the same defaults of alpha and beta. */
typedef struct {
  const char *op, *name; /* in ONNX, in lstm.layers */
  Use use;
  Parameters parameters;     /* attributes that become parameters of the layer */
  FixedParameter fixed[2];   /* both or none: attributes for which liblstm has one value only */
  const char *approximation; /* in lstm.layers, with the attribute approximate = "tanh" */
} ActivationRow;

static const ActivationRow activation_rows[] = {
    {"Affine", "affine", USE_RECURRENT, HAS_ALPHA | HAS_BETA},
    {"Celu", "elu", USE_OP},
    {"Elu", "elu", USE_OP | USE_RECURRENT, HAS_ALPHA},
    {"Erf", "erf", USE_OP}, /* supported only inside GELU */
    {"Exp", "exponential", USE_OP},
    {"Gelu", "gelu", USE_OP, .approximation = "gelu_tanh"},
    {"HardSigmoid", "hard_sigmoid", USE_OP | USE_RECURRENT, HAS_ALPHA | HAS_BETA},
    {"HardSwish", "hard_silu", USE_OP},
    {"LeakyRelu", "leaky_relu", USE_OP | USE_RECURRENT, HAS_ALPHA},
    {"LogSoftmax", "log_softmax", USE_OP},
    {"Mish", "mish", USE_OP},
    {"Relu", "relu", USE_OP | USE_RECURRENT},
    {"ScaledTanh", "scaled_tanh", USE_RECURRENT, HAS_ALPHA | HAS_BETA},
    {"Selu", "selu", USE_OP,
        .fixed = {{"alpha", 1.67326324f, 1e-4f}, {"gamma", 1.05070102f, 1e-4f}}},
    {"Sigmoid", "sigmoid", USE_OP | USE_RECURRENT},
    {"Softmax", "softmax", USE_OP},
    {"Softplus", "softplus", USE_OP | USE_RECURRENT},
    {"Softsign", "softsign", USE_OP | USE_RECURRENT},
    {"Swish", "silu", USE_OP},
    {"Tanh", "tanh", USE_OP | USE_RECURRENT},
    {"ThresholdedRelu", "thresholded_relu", USE_OP | USE_RECURRENT, HAS_ALPHA},
};

static OnnxActivation
make_activation (const ActivationRow *row)
{
  LstmActivation defaults = {0};

  lstm_activation_find (row->name, &defaults);
  return (OnnxActivation){.name = row->name,
      .has_alpha = (row->parameters & HAS_ALPHA) != 0,
      .has_beta = (row->parameters & HAS_BETA) != 0,
      .alpha = defaults.alpha,
      .beta = defaults.beta};
}

gboolean
onnx_find_recurrent_activation (const char *name, OnnxActivation *activation)
{
  for (guint i = 0; i < G_N_ELEMENTS (activation_rows); i++) {
    if (activation_rows[i].use & USE_RECURRENT
        && g_ascii_strcasecmp (name, activation_rows[i].op) == 0) {
      *activation = make_activation (&activation_rows[i]);
      return TRUE;
    }
  }
  return FALSE;
}

static const ActivationRow *
find_op_row (const char *op)
{
  for (guint i = 0; i < G_N_ELEMENTS (activation_rows); i++)
    if (activation_rows[i].use & USE_OP && g_str_equal (op, activation_rows[i].op))
      return &activation_rows[i];
  return NULL;
}

gboolean
onnx_is_activation_op (const char *name)
{
  return find_op_row (name) != NULL;
}

static OnnxValue *
new_activation_value (OnnxReader *reader, OnnxNode *node, OnnxActivation activation)
{
  OnnxStage *stage = onnx_node_new_stage (
      reader, node, ONNX_STAGE_ACTIVATION, node->inputs[0]->stage);

  stage->activation = activation;
  return onnx_signal_new (reader, node->inputs[0], stage);
}

/* Returns NULL, or an unsupported value if an attribute differs from the value of liblstm. An
 * activation without the parameter alpha has alpha = 1. */
static OnnxValue *
check_fixed_parameters (OnnxReader *reader, const OnnxNode *node, const ActivationRow *row)
{
  static const FixedParameter unit_alpha = {"alpha", 1, 0};
  gboolean has_fixed = row->fixed[0].attribute != NULL;
  const FixedParameter *fixed = has_fixed ? row->fixed : &unit_alpha;
  guint n = has_fixed ? G_N_ELEMENTS (row->fixed) : row->parameters & HAS_ALPHA ? 0 : 1;

  for (guint i = 0; i < n; i++) {
    float found = onnx_get_float (node, fixed[i].attribute, fixed[i].value);

    if (!(fabsf (found - fixed[i].value) <= fixed[i].tolerance))
      return onnx_unsupported (reader, node, "%s: expected %g, found %g", fixed[i].attribute,
          (double) fixed[i].value, (double) found);
  }
  return NULL;
}

OnnxValue *
onnx_apply_activation (OnnxReader *reader, OnnxNode *node)
{
  const ActivationRow *row = find_op_row (node->proto->op_type);
  g_autofree char *approximate = onnx_get_string (node, "approximate", "none");
  OnnxActivation activation = make_activation (row);
  OnnxValue *unsupported = check_fixed_parameters (reader, node, row);

  if (unsupported)
    return unsupported;
  if (row->approximation && g_str_equal (approximate, "tanh"))
    activation.name = row->approximation;
  else if (!g_str_equal (approximate, "none"))
    return onnx_unsupported (reader, node, "approximate: expected %s, found \"%s\"",
        row->approximation ? "\"none\" or \"tanh\"" : "\"none\"",
        onnx_shorten_text (reader, approximate));
  activation.alpha = onnx_get_float (node, "alpha", activation.alpha);
  activation.beta = onnx_get_float (node, "beta", activation.beta);
  return new_activation_value (reader, node, activation);
}

/* Returns the softmax of a single value, which is 1, or its logarithm. */
static OnnxValue *
new_softmax_of_one (OnnxReader *reader, const OnnxNode *node)
{
  gsize shape[ONNX_MAX_DIMS];
  OnnxTensor *tensor;

  for (guint i = 0; i < node->inputs[0]->n_axes; i++)
    shape[i] = 1;
  if ((tensor = onnx_tensor_new (reader, FALSE, node->inputs[0]->n_axes, shape))) {
    tensor->reals[0] = g_str_equal (node->proto->op_type, "Softmax") ? 1 : 0;
    tensor->is_repeated = TRUE;
  }
  return onnx_value_from_tensor (reader, node, tensor);
}

/* Before opset 13, Softmax normalizes over all values of the axes from `axis` to the last one. */
OnnxValue *
onnx_apply_softmax (OnnxReader *reader, OnnxNode *node)
{
  const OnnxValue *in = node->inputs[0];
  gboolean to_end = reader->opset < 13;
  OnnxAxis axes = {0};
  OnnxValue *unsupported;
  guint axis;

  if ((unsupported = onnx_get_axis (reader, node, to_end ? 1 : -1, in->n_axes, &axis)))
    return unsupported;
  for (guint i = axis; i < (to_end ? in->n_axes : axis + 1); i++)
    if (!onnx_axis_append (&axes, &in->axes[i]))
      axes.n = ONNX_MAX_FACTORS;
  if (!axes.n)
    return new_softmax_of_one (reader, node);
  if (!onnx_stage_bind_features (reader, in->stage, &axes))
    return onnx_unsupported (reader, node,
        "axis: expected the features of a step, found axis %u, %s, of %s%s", axis,
        onnx_axis_describe (reader, &axes), onnx_value_describe (reader, in),
        onnx_axis_is_time (reader, &axes) ? ONNX_ATTENTION : "");
  return onnx_apply_activation (reader, node);
}

/* Returns a bound of Clip, which is an attribute or an input, or NaN if it is not constant. */
static float
get_bound (const OnnxNode *node, const char *name, guint input, float missing)
{
  const OnnxTensor *bound = onnx_get_real_input (node, input);

  if (onnx_get_input (node, input))
    return bound && bound->n_values == 1 ? bound->reals[0] : NAN;
  return onnx_get_float (node, name, missing);
}

void
onnx_get_clip_bounds (const OnnxNode *node, float *low, float *high)
{
  *low = get_bound (node, "min", 1, -INFINITY);
  *high = get_bound (node, "max", 2, INFINITY);
}

OnnxValue *
onnx_apply_clip (OnnxReader *reader, OnnxNode *node)
{
  OnnxActivation activation = {NULL};
  float low, high;

  onnx_get_clip_bounds (node, &low, &high);
  if (low <= -3e38f && high >= 3e38f)
    return node->inputs[0];
  if (low == 0 && high >= 3e38f)
    activation.name = "relu";
  else if (low == -1 && high == 1)
    activation.name = "hard_tanh";
  else if (low == 0 && high > 0)
    activation = (OnnxActivation){
        .name = "relu_capped", .has_alpha = TRUE, .is_explicit = TRUE, .alpha = high};
  if (!activation.name)
    return onnx_unsupported (reader, node,
        "min, max: expected 0 and a constant above 0, or -1 and 1, found %g and %g",
        (double) low, (double) high);
  return new_activation_value (reader, node, activation);
}

OnnxValue *
onnx_apply_max (OnnxReader *reader, OnnxNode *node)
{
  const gboolean is_second = onnx_value_is (node->inputs[0], ONNX_VALUE_TENSOR);
  const OnnxTensor *low = node->n_inputs == 2 ? onnx_get_real_input (node, !is_second) : NULL;
  OnnxStage *stage;

  if (!low || low->n_values != 1 || low->n_dims > node->inputs[is_second]->n_axes
      || low->reals[0] != 0)
    return onnx_unsupported (reader, node,
        "%s is supported only of a tensor and 0; found %s and %s", node->proto->op_type,
        onnx_describe_input (reader, node, 0), onnx_describe_input (reader, node, 1));
  stage = onnx_node_new_stage (
      reader, node, ONNX_STAGE_ACTIVATION, node->inputs[is_second]->stage);
  stage->activation.name = "relu";
  return onnx_signal_new (reader, node->inputs[is_second], stage);
}

OnnxValue *
onnx_apply_prelu (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *slope = onnx_get_real_input (node, 1);

  if (!slope || slope->n_values != 1)
    return onnx_unsupported_input (reader, node, "slope", 1, "one constant");
  return new_activation_value (reader, node,
      (OnnxActivation){.name = "leaky_relu", .has_alpha = TRUE, .alpha = slope->reals[0]});
}

/* Returns whether @stage is the operation @arithmetic with one number that equals @number within
 * the precision of float32. */
static gboolean
is_affine (const OnnxStage *stage, char arithmetic, double number)
{
  return stage && stage->kind == ONNX_STAGE_AFFINE && stage->arithmetic == arithmetic
         && stage->operand->n_values == 1
         && fabs ((double) stage->operand->reals[0] - number) <= 1e-6 * fabs (number);
}

static gboolean
is_activation (const OnnxStage *stage, const char *name)
{
  return stage && stage->kind == ONNX_STAGE_ACTIVATION
         && g_str_equal (stage->activation.name, name);
}

/* Returns the stage that computes x if @stage computes 1 + erf (x / √2), and NULL otherwise. */
static const OnnxStage *
match_normal (const OnnxStage *stage)
{
  const OnnxStage *scaled;

  if (!is_affine (stage, '+', 1) || !is_activation (stage->parent, "erf"))
    return NULL;
  scaled = stage->parent->parent;
  return is_affine (scaled, '/', G_SQRT2) || is_affine (scaled, '*', 1 / G_SQRT2)
             ? scaled->parent
             : NULL;
}

/* Returns the name of the activation x · f (x), or NULL. */
static const char *
find_self_gated (const OnnxStage *x, const OnnxStage *f)
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
onnx_match_self_gated (OnnxReader *reader, OnnxNode *node, OnnxValue *x, const OnnxValue *y)
{
  const OnnxStage *from = x->stage, *normal = match_normal (y->stage);
  const char *name = find_self_gated (from, y->stage);
  OnnxStage *stage;

  if (x->n_axes != y->n_axes)
    return NULL;
  for (guint i = 0; i < x->n_axes; i++)
    if (!onnx_axis_equal (&x->axes[i], &y->axes[i]))
      return NULL;
  if (is_affine (y->stage, '*', .5) && match_normal (y->stage->parent) == from)
    name = "gelu";
  if (normal && (normal == from || (is_affine (from, '*', .5) && normal == from->parent))) {
    name = "gelu";
    from = normal;
  }
  if (!name)
    return NULL;
  stage = onnx_node_new_stage (reader, node, ONNX_STAGE_ACTIVATION, from);
  stage->activation.name = name;
  if (!normal || from != x->stage)
    return onnx_signal_new (reader, x, stage);
  /* A later node multiplies by a half, which removes this factor. */
  return onnx_signal_scale (reader, node, onnx_signal_new (reader, x, stage), 2);
}
