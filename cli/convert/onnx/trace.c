/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/trace.h"
#include "onnx/activation.h"

/* Returns @tensor as (n), if it has one value for each feature or one for all, or NULL. */
static const OnnxTensor *
broadcast_constant (OnnxReader *reader, const OnnxTensor *tensor, gsize n)
{
  const gssize stride = tensor->n_values == 1 ? 0 : 1;

  if (tensor->n_values != 1
      && (tensor->n_values != n || tensor->shape[tensor->n_dims - 1] != n))
    return NULL;
  return onnx_tensor_view (reader, tensor, 1, &n, 0, &stride);
}

static guint
count_axes (const OnnxValue *value)
{
  return value->kind == ONNX_VALUE_TENSOR ? value->tensor->n_dims : value->n_axes;
}

/* Returns: (nullable): input @i as (n), if it is constant and broadcasts to n features */
static const OnnxTensor *
get_constant (OnnxReader *reader, const OnnxNode *node, guint i, gsize n)
{
  const OnnxTensor *tensor = onnx_get_real_input (node, i);

  return tensor ? broadcast_constant (reader, tensor, n) : NULL;
}

/* Returns: (nullable): input @i as an affine form of @n features */
static const OnnxAffine *
get_form (OnnxReader *reader, const OnnxNode *node, guint i, gsize n)
{
  const OnnxValue *value = node->inputs[i];
  const OnnxTensor *constant;

  if (onnx_value_is (value, ONNX_VALUE_STEP))
    return value->affine->n == n ? value->affine : NULL;
  constant = get_constant (reader, node, i, n);
  return constant ? onnx_affine_from_bias (reader, n, constant) : NULL;
}

static const OnnxAffine *
scale_by_number (OnnxReader *reader, const OnnxAffine *affine, float number)
{
  OnnxTensor *scale = onnx_tensor_new (reader, FALSE, 1, &affine->n);

  for (gsize k = 0; scale && k < affine->n; k++)
    scale->reals[k] = number;
  return scale ? onnx_affine_scale (reader, affine, scale) : NULL;
}

static const OnnxTensor *
invert_values (OnnxReader *reader, const OnnxTensor *tensor)
{
  OnnxTensor *result = onnx_tensor_new (reader, FALSE, tensor->n_dims, tensor->shape);

  for (gsize k = 0; result && k < tensor->n_values; k++)
    result->reals[k] = 1 / tensor->reals[k];
  return result;
}

/* Returns the product of the inputs of @node, one of which may be constant, or the quotient, whose
 * divisor is constant. */
static OnnxValue *
multiply_inputs (OnnxReader *reader, OnnxNode *node, gsize n, guint n_axes)
{
  guint i_step = onnx_value_is (node->inputs[0], ONNX_VALUE_STEP) ? 0 : 1;
  const OnnxTensor *constant = get_constant (reader, node, !i_step, n);
  gboolean divides = node->op->arithmetic == '/';

  if (constant && divides && i_step == 0)
    constant = invert_values (reader, constant);
  if (constant && (!divides || i_step == 0))
    return onnx_step_new (reader, node,
        onnx_affine_scale (reader, node->inputs[i_step]->affine, constant), n_axes);
  if (divides || !onnx_value_is (node->inputs[!i_step], ONNX_VALUE_STEP))
    return onnx_unsupported_input (reader, node, "input 1", 1, "a constant");
  return onnx_step_from_atom (reader,
      (OnnxAtom){.kind = ONNX_ATOM_PRODUCT,
          .n = n,
          .operands = {node->inputs[0]->affine, node->inputs[1]->affine}},
      n_axes);
}

static gboolean
is_mask (const OnnxAffine *affine, OnnxAtomKind kind)
{
  const OnnxAtom *atom = affine ? onnx_affine_get_atom (affine) : NULL;

  return atom && atom->kind == kind;
}

/* Returns the mask of the current step multiplied by features, or NULL if no input is a mask. */
static OnnxValue *
multiply_by_mask (OnnxReader *reader, OnnxNode *node, guint n_axes)
{
  for (guint i = 0; i < 2; i++) {
    const OnnxAffine *mask = node->inputs[i]->kind == ONNX_VALUE_STEP ? node->inputs[i]->affine
                                                                      : NULL;
    const OnnxValue *other = node->inputs[!i];
    gsize n = other->kind == ONNX_VALUE_STEP   ? other->affine->n
              : onnx_get_real_input (node, !i) ? other->tensor->n_values
                                               : 0;
    const OnnxAffine *form;

    if (!n || (!is_mask (mask, ONNX_ATOM_MASK) && !is_mask (mask, ONNX_ATOM_MASKED))
        || !(form = get_form (reader, node, !i, n)))
      continue;
    return onnx_step_from_atom (reader,
        (OnnxAtom){.kind = ONNX_ATOM_PRODUCT, .n = n, .operands = {mask, form}}, n_axes);
  }
  return NULL;
}

/* Returns the features that a mask of @kind multiplies in @term, or NULL. */
static const OnnxAffine *
get_masked_features (const OnnxAffine *affine, const OnnxTerm *term, OnnxAtomKind kind)
{
  const OnnxAtom *atom = term->atom;

  return !term->matrix && !term->scale && !term->to && !term->from && term->n == affine->n
                 && atom->n == affine->n && atom->kind == ONNX_ATOM_PRODUCT
                 && is_mask (atom->operands[0], kind)
             ? atom->operands[1]
             : NULL;
}

/* Returns mask · a + (1 − mask) · b as a choice, or else @value. */
static OnnxValue *
find_choice (OnnxReader *reader, OnnxValue *value)
{
  const OnnxAffine *affine = value->kind == ONNX_VALUE_STEP ? value->affine : NULL;

  for (guint i = 0; affine && affine->n_terms == 2 && !affine->bias && i < 2; i++) {
    const OnnxAffine *a = get_masked_features (affine, &affine->terms[i], ONNX_ATOM_MASK);
    const OnnxAffine *b = get_masked_features (affine, &affine->terms[!i], ONNX_ATOM_MASKED);

    if (a && b)
      return onnx_step_from_atom (reader,
          (OnnxAtom){.kind = ONNX_ATOM_CHOICE, .n = affine->n, .operands = {a, b}},
          value->n_axes);
  }
  return value;
}

OnnxValue *
onnx_trace_where (OnnxReader *reader, OnnxNode *node)
{
  const OnnxAffine *forms[2] = {NULL}, *mask;
  gsize n = 0;

  if (node->n_inputs == 3)
    for (guint i = 1; i < 3; i++)
      if (onnx_value_is (node->inputs[i], ONNX_VALUE_STEP))
        n = node->inputs[i]->affine->n;
  for (guint i = 0; n && i < 2; i++)
    forms[i] = get_form (reader, node, i + 1, n);
  mask = node->inputs[0]->affine;
  if (!forms[0] || !forms[1]
      || (!is_mask (mask, ONNX_ATOM_MASK) && !is_mask (mask, ONNX_ATOM_MASKED)))
    return onnx_unsupported (reader, node,
        "inputs: expected the mask of a step and features of a step, found %s, %s and %s",
        onnx_describe_input (reader, node, 0), onnx_describe_input (reader, node, 1),
        onnx_describe_input (reader, node, 2));
  n = is_mask (mask, ONNX_ATOM_MASK) ? 0 : 1;
  return onnx_step_from_atom (reader,
      (OnnxAtom){.kind = ONNX_ATOM_CHOICE, .n = forms[0]->n, .operands = {forms[n], forms[!n]}},
      MAX (count_axes (node->inputs[1]), count_axes (node->inputs[2])));
}

OnnxValue *
onnx_trace_not (OnnxReader *reader, OnnxNode *node)
{
  if (!is_mask (node->inputs[0]->affine, ONNX_ATOM_MASK))
    return onnx_unsupported_input (reader, node, "X", 0, "the mask of a step");
  return onnx_step_from_atom (
      reader, (OnnxAtom){.kind = ONNX_ATOM_MASKED, .n = 1}, node->inputs[0]->n_axes);
}

OnnxValue *
onnx_trace_arithmetic (OnnxReader *reader, OnnxNode *node)
{
  char arithmetic = node->op->arithmetic;
  const OnnxAffine *a, *b;
  OnnxValue *masked;
  guint n_axes;
  gsize n = 0;

  if (node->n_inputs != 2 || !node->inputs[0] || !node->inputs[1]
      || onnx_find_attribute (node, "axis"))
    return onnx_unsupported (
        reader, node, "inputs: expected 2 and no attribute axis, found %u", node->n_inputs);
  n_axes = MAX (count_axes (node->inputs[0]), count_axes (node->inputs[1]));
  if (arithmetic == '*' && (masked = multiply_by_mask (reader, node, n_axes)))
    return masked;
  for (guint i = 0; i < 2; i++)
    if (onnx_value_is (node->inputs[i], ONNX_VALUE_STEP))
      n = MAX (n, node->inputs[i]->affine->n);
  a = get_form (reader, node, 0, n);
  b = get_form (reader, node, 1, n);
  if (!a || !b)
    return onnx_unsupported (reader, node,
        "inputs: expected constants or vectors of %" G_GSIZE_FORMAT
        " features of a step, found %s and %s",
        n, onnx_describe_input (reader, node, 0), onnx_describe_input (reader, node, 1));
  if (arithmetic == '*' || arithmetic == '/')
    return multiply_inputs (reader, node, n, n_axes);
  if (arithmetic == '-' && !(b = scale_by_number (reader, b, -1)))
    return onnx_value_from_tensor (reader, node, NULL);
  return find_choice (
      reader, onnx_step_new (reader, node, onnx_affine_add (reader, a, b), n_axes));
}

OnnxValue *
onnx_trace_neg (OnnxReader *reader, OnnxNode *node)
{
  return onnx_step_new (reader, node, scale_by_number (reader, node->inputs[0]->affine, -1),
      node->inputs[0]->n_axes);
}

/* Returns input 0 multiplied by @matrix, (inputs, outputs). */
static OnnxValue *
multiply_matrix (OnnxReader *reader, const OnnxNode *node, const OnnxTensor *matrix)
{
  const OnnxAffine *affine = node->inputs[0]->affine;

  if (!matrix)
    return onnx_value_from_tensor (reader, node, NULL);
  if (matrix->shape[0] != affine->n || !matrix->n_values)
    return onnx_unsupported (reader, node,
        "input 1: expected weights for %" G_GSIZE_FORMAT " features, found shape %s", affine->n,
        onnx_tensor_describe_shape (reader, matrix));
  for (guint i = 0; i < affine->n_terms; i++)
    if (affine->terms[i].matrix)
      return onnx_unsupported (reader, node,
          "input 0: expected one matrix product after a function, found two products");
  return onnx_step_new (
      reader, node, onnx_affine_multiply (reader, affine, matrix), node->inputs[0]->n_axes);
}

OnnxValue *
onnx_trace_matmul (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *weight = onnx_get_real_input (node, 1);

  if (!onnx_value_is (node->inputs[0], ONNX_VALUE_STEP) || !weight || weight->n_dims != 2)
    return onnx_unsupported (reader, node,
        "inputs: expected features of a step and constant weights of 2 dimensions, found %s "
        "and "
        "%s",
        onnx_describe_input (reader, node, 0), onnx_describe_input (reader, node, 1));
  return multiply_matrix (reader, node, weight);
}

static const OnnxTensor *
transpose_matrix (OnnxReader *reader, const OnnxTensor *matrix)
{
  const gsize shape[] = {matrix->shape[1], matrix->shape[0]};
  const gssize strides[] = {1, (gssize) matrix->shape[1]};

  return onnx_tensor_view (reader, matrix, 2, shape, 0, strides);
}

OnnxValue *
onnx_trace_gemm (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *weight = onnx_get_real_input (node, 1);
  float alpha = onnx_get_float (node, "alpha", 1), beta = onnx_get_float (node, "beta", 1);
  const OnnxAffine *sum, *bias;
  OnnxValue *value;

  if (!onnx_value_is (node->inputs[0], ONNX_VALUE_STEP) || !weight || weight->n_dims != 2
      || onnx_get_int (node, "transA", 0))
    return onnx_unsupported (reader, node,
        "inputs: expected features of a step, constant weights of 2 dimensions and transA 0, "
        "found %s and %s",
        onnx_describe_input (reader, node, 0), onnx_describe_input (reader, node, 1));
  if (onnx_get_int (node, "transB", 0))
    weight = transpose_matrix (reader, weight);
  value = multiply_matrix (reader, node, weight);
  if (value->kind != ONNX_VALUE_STEP)
    return value;
  sum = value->affine;
  if (alpha != 1 && !(sum = scale_by_number (reader, sum, alpha)))
    return onnx_value_from_tensor (reader, node, NULL);
  if (onnx_get_input (node, 2)) {
    if (!(bias = get_form (reader, node, 2, sum->n)))
      return onnx_unsupported_input (reader, node, "C", 2, "a value for each output");
    if (beta != 1 && !(bias = scale_by_number (reader, bias, beta)))
      return onnx_value_from_tensor (reader, node, NULL);
    sum = onnx_affine_add (reader, sum, bias);
  }
  return onnx_step_new (reader, node, sum, value->n_axes);
}

static OnnxValue *
apply_function (OnnxReader *reader, const OnnxValue *in, OnnxActivation activation)
{
  return onnx_step_from_atom (reader,
      (OnnxAtom){.kind = ONNX_ATOM_ACTIVATION,
          .n = in->affine->n,
          .activation = activation,
          .operands = {in->affine}},
      in->n_axes);
}

OnnxValue *
onnx_trace_activation (OnnxReader *reader, OnnxNode *node)
{
  OnnxActivation activation;

  if (!onnx_find_recurrent_activation (node->proto->op_type, &activation))
    return onnx_unsupported (reader, node,
        "operator: expected a function of a recurrent node in the body of a loop, found %s",
        node->proto->op_type);
  activation.alpha = onnx_get_float (node, "alpha", activation.alpha);
  activation.beta = onnx_get_float (node, "beta", activation.beta);
  return apply_function (reader, node->inputs[0], activation);
}

/* Returns max (0, min (1, @in)). */
static OnnxValue *
clamp_to_unit (OnnxReader *reader, const OnnxValue *in)
{
  OnnxActivation activation;

  onnx_find_recurrent_activation ("HardSigmoid", &activation);
  activation.alpha = 1;
  activation.beta = 0;
  return apply_function (reader, in, activation);
}

static OnnxValue *
rectify (OnnxReader *reader, const OnnxValue *in)
{
  OnnxActivation activation;

  onnx_find_recurrent_activation ("Relu", &activation);
  return apply_function (reader, in, activation);
}

OnnxValue *
onnx_trace_clip (OnnxReader *reader, OnnxNode *node)
{
  float low, high;

  onnx_get_clip_bounds (node, &low, &high);
  if (low == 0 && high == 1)
    return clamp_to_unit (reader, node->inputs[0]);
  if (low == 0 && high >= 3e38f)
    return rectify (reader, node->inputs[0]);
  return onnx_unsupported (reader, node,
      "min, max: expected 0 and 1 in the body of a loop, found %g and %g", (double) low,
      (double) high);
}

/* Returns: (nullable): the other input of @node if one input is the constant @number */
static const OnnxValue *
get_bounded (const OnnxNode *node, float number)
{
  for (guint i = 0; node->n_inputs == 2 && i < 2; i++) {
    const OnnxTensor *bound = onnx_get_real_input (node, i);

    if (bound && bound->n_values == 1 && bound->reals[0] == number)
      return node->inputs[!i];
  }
  return NULL;
}

OnnxValue *
onnx_trace_max (OnnxReader *reader, OnnxNode *node)
{
  const OnnxValue *in = get_bounded (node, 0);

  return in ? rectify (reader, in)
            : onnx_unsupported (reader, node,
                "inputs: expected the constant 0 and features of a step, found %s and %s",
                onnx_describe_input (reader, node, 0), onnx_describe_input (reader, node, 1));
}

OnnxValue *
onnx_trace_min (OnnxReader *reader, OnnxNode *node)
{
  const OnnxValue *in = get_bounded (node, 1);
  const OnnxAtom *atom = in ? onnx_affine_get_atom (in->affine) : NULL;
  OnnxValue before = {.kind = ONNX_VALUE_STEP};

  if (!atom || atom->kind != ONNX_ATOM_ACTIVATION
      || !g_str_equal (atom->activation.name, "relu"))
    return onnx_unsupported (reader, node,
        "inputs: expected the constant 1 and the result of Max with 0, found %s and %s",
        onnx_describe_input (reader, node, 0), onnx_describe_input (reader, node, 1));
  before.affine = atom->operands[0];
  before.n_axes = in->n_axes;
  return clamp_to_unit (reader, &before);
}
