/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Arithmetic on constants and on shapes, whose sizes may be unknown. */
#include "onnx/onnx.h"
#include <math.h>

static const OnnxInt unknown = {0, 0, ONNX_UNKNOWN};

typedef struct {
  const char *op;
  double (*real) (double a, double b);
  OnnxInt (*whole) (const OnnxReader *reader, OnnxInt a, OnnxInt b); /* NULL: not on integers */
  gboolean is_truth;                                                 /* gives an integer */
} Binary;

static gboolean
are_numbers (OnnxInt a, OnnxInt b)
{
  return a.atom == ONNX_NUMBER && b.atom == ONNX_NUMBER;
}

static OnnxInt
whole_add (const OnnxReader *reader, OnnxInt a, OnnxInt b)
{
  OnnxInt sum = {0, 0, a.atom ? a.atom : b.atom};

  if ((a.atom && b.atom && a.atom != b.atom) || sum.atom == ONNX_UNKNOWN
      || __builtin_add_overflow (a.offset, b.offset, &sum.offset)
      || __builtin_add_overflow (a.factor, b.factor, &sum.factor))
    return unknown;
  return sum.factor ? sum : onnx_number (sum.offset);
}

static OnnxInt
whole_mul (const OnnxReader *reader, OnnxInt a, OnnxInt b)
{
  OnnxInt product = {0, 0, a.atom ? a.atom : b.atom};
  gint64 factor = a.atom ? b.offset : a.offset;
  OnnxInt other = a.atom ? a : b;

  if ((a.atom && b.atom) || product.atom == ONNX_UNKNOWN
      || __builtin_mul_overflow (other.offset, factor, &product.offset)
      || __builtin_mul_overflow (other.factor, factor, &product.factor))
    return unknown;
  return product.factor ? product : onnx_number (product.offset);
}

static OnnxInt
whole_sub (const OnnxReader *reader, OnnxInt a, OnnxInt b)
{
  return whole_add (reader, a, whole_mul (reader, b, onnx_number (-1)));
}

static OnnxInt
whole_div (const OnnxReader *reader, OnnxInt a, OnnxInt b)
{
  gint64 d = b.offset;

  if (b.atom != ONNX_NUMBER || a.atom == ONNX_UNKNOWN || d == 0 || d == -1)
    return d == -1 && b.atom == ONNX_NUMBER ? whole_mul (reader, a, b) : unknown;
  if (a.atom != ONNX_NUMBER && (a.offset % d || a.factor % d))
    return unknown;
  return (OnnxInt){a.offset / d, a.factor / d, a.atom};
}

static OnnxInt
whole_mod (const OnnxReader *reader, OnnxInt a, OnnxInt b)
{
  gint64 d = b.offset, r;

  if (!are_numbers (a, b) || d == 0 || d == -1)
    return unknown;
  r = a.offset % d;
  return onnx_number (r && (r < 0) != (d < 0) ? r + d : r);
}

static OnnxInt
whole_equal (const OnnxReader *reader, OnnxInt a, OnnxInt b)
{
  OnnxInt difference = whole_sub (reader, a, b);

  if (onnx_int_equal (reader, a, b))
    return onnx_number (1);
  return difference.atom == ONNX_NUMBER ? onnx_number (difference.offset == 0) : unknown;
}

static OnnxInt
whole_less (const OnnxReader *reader, OnnxInt a, OnnxInt b)
{
  OnnxInt difference = whole_sub (reader, a, b);

  if (difference.atom == ONNX_NUMBER)
    return onnx_number (difference.offset < 0);
  /* sizes are at least 1 */
  if (difference.atom > 0 && difference.factor < 0 && difference.offset <= 0)
    return onnx_number (1);
  if (difference.atom > 0 && difference.factor > 0 && difference.offset >= 0)
    return onnx_number (0);
  return unknown;
}

static OnnxInt
whole_not (OnnxInt a)
{
  return a.atom == ONNX_NUMBER ? onnx_number (!a.offset) : unknown;
}

static OnnxInt
whole_greater (const OnnxReader *reader, OnnxInt a, OnnxInt b)
{
  return whole_less (reader, b, a);
}

static OnnxInt
whole_less_or_equal (const OnnxReader *reader, OnnxInt a, OnnxInt b)
{
  return whole_not (whole_less (reader, b, a));
}

static OnnxInt
whole_greater_or_equal (const OnnxReader *reader, OnnxInt a, OnnxInt b)
{
  return whole_not (whole_less (reader, a, b));
}

static OnnxInt
whole_and (const OnnxReader *reader, OnnxInt a, OnnxInt b)
{
  return are_numbers (a, b) ? onnx_number (a.offset && b.offset) : unknown;
}

static OnnxInt
whole_or (const OnnxReader *reader, OnnxInt a, OnnxInt b)
{
  return are_numbers (a, b) ? onnx_number (a.offset || b.offset) : unknown;
}

static OnnxInt
whole_min (const OnnxReader *reader, OnnxInt a, OnnxInt b)
{
  OnnxInt less = whole_less (reader, a, b);

  return less.atom == ONNX_NUMBER ? less.offset ? a : b : unknown;
}

static OnnxInt
whole_max (const OnnxReader *reader, OnnxInt a, OnnxInt b)
{
  OnnxInt less = whole_less (reader, a, b);

  return less.atom == ONNX_NUMBER ? less.offset ? b : a : unknown;
}

#define REAL(name, expression)                                                                 \
  static double real_##name (double a, double b)                                               \
  {                                                                                            \
    return expression;                                                                         \
  }
/* clang-format off */
REAL (add, a + b)
REAL (sub, a - b)
REAL (mul, a * b)
REAL (div, a / b)
REAL (equal, a == b)
REAL (less, a < b)
REAL (greater, a > b)
REAL (less_or_equal, a <= b)
REAL (greater_or_equal, a >= b)
/* clang-format on */

static const Binary binaries[] = {
    {"Add", real_add, whole_add, FALSE},
    {"Sub", real_sub, whole_sub, FALSE},
    {"Mul", real_mul, whole_mul, FALSE},
    {"Div", real_div, whole_div, FALSE},
    {"Mod", fmod, whole_mod, FALSE},
    {"Pow", pow, NULL, FALSE},
    {"Min", fmin, whole_min, FALSE},
    {"Max", fmax, whole_max, FALSE},
    {"Equal", real_equal, whole_equal, TRUE},
    {"Less", real_less, whole_less, TRUE},
    {"Greater", real_greater, whole_greater, TRUE},
    {"LessOrEqual", real_less_or_equal, whole_less_or_equal, TRUE},
    {"GreaterOrEqual", real_greater_or_equal, whole_greater_or_equal, TRUE},
    {"And", NULL, whole_and, TRUE},
    {"Or", NULL, whole_or, TRUE},
};

/* The shape both broadcast to, and strides in it */
static gboolean
broadcast (const OnnxTensor *a, const OnnxTensor *b, guint n, gsize *shape, gssize *strides)
{
  gssize own[ONNX_MAX_DIMS];
  guint before = n - a->n_dims;

  onnx_tensor_strides (a, own);
  for (guint i = 0; i < n; i++) {
    gsize size = i < before ? 1 : a->shape[i - before];
    gsize other = i < n - b->n_dims ? 1 : b->shape[i - (n - b->n_dims)];

    if (size != other && size != 1 && other != 1)
      return FALSE;
    shape[i] = size == 1 ? other : size;
    strides[i] = size == 1 ? 0 : own[i - before];
  }
  return TRUE;
}

/* @tensor in the shape that it and @other broadcast to, or NULL */
static const OnnxTensor *
spread (OnnxReader *reader, const OnnxTensor *tensor, const OnnxTensor *other)
{
  guint n = MAX (tensor->n_dims, other->n_dims);
  gssize strides[ONNX_MAX_DIMS];
  gsize shape[ONNX_MAX_DIMS];

  if (!broadcast (tensor, other, n, shape, strides))
    return NULL;
  return onnx_tensor_view (reader, tensor, n, shape, 0, strides);
}

OnnxValue *
onnx_fold_binary (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *a = node->in[0]->tensor;
  const OnnxTensor *b = node->n_in == 2 && node->in[1] ? node->in[1]->tensor : NULL;
  const Binary *op = binaries;
  OnnxTensor *result;

  while (!g_str_equal (op->op, node->proto->op_type))
    op++;
  if (onnx_attribute (node, "axis") || onnx_get_int (node, "fmod", !a->is_int) == a->is_int)
    return onnx_bad (reader, node, "expected no axis, nor another remainder, found one");
  if (!b || a->is_int != b->is_int || (a->is_int ? !op->whole : !op->real))
    return onnx_bad (reader, node, "expected two constants of one type, found others");
  a = spread (reader, a, b);
  b = a ? spread (reader, b, a) : NULL;
  if (!b)
    return onnx_bad (reader, node, "expected two constants to broadcast, found others");
  result = onnx_tensor_new (reader, a->is_int || op->is_truth, a->n_dims, a->shape);
  for (gsize k = 0; result && k < a->n; k++) {
    if (a->is_int)
      result->i[k] = op->whole (reader, a->i[k], b->i[k]);
    else if (op->is_truth)
      result->i[k] = onnx_number ((gint64) op->real (a->f[k], b->f[k]));
    else
      result->f[k] = (float) op->real (a->f[k], b->f[k]);
  }
  if (result)
    result->repeated = a->repeated || b->repeated;
  return onnx_value_tensor (reader, node, result);
}

static double
negate (double x)
{
  return -x;
}

static double
reciprocal (double x)
{
  return 1 / x;
}

static const struct {
  const char *op;
  double (*real) (double x);
} unaries[] = {
    {"Neg", negate},
    {"Abs", fabs},
    {"Sqrt", sqrt},
    {"Reciprocal", reciprocal},
    {"Floor", floor},
    {"Ceil", ceil},
    {"Exp", exp},
};

static OnnxInt
whole_unary (const OnnxReader *reader, const char *op, OnnxInt a)
{
  if (g_str_equal (op, "Neg"))
    return whole_mul (reader, a, onnx_number (-1));
  if (g_str_equal (op, "Abs") && a.atom == ONNX_NUMBER && a.offset >= 0)
    return a;
  return g_str_equal (op, "Not") ? whole_not (a) : unknown;
}

OnnxValue *
onnx_fold_unary (OnnxReader *reader, OnnxNode *node)
{
  const char *op = node->proto->op_type;
  const OnnxTensor *a = node->in[0]->tensor;
  double (*real) (double x) = NULL;
  OnnxTensor *result;

  for (guint i = 0; i < G_N_ELEMENTS (unaries); i++)
    if (g_str_equal (op, unaries[i].op))
      real = unaries[i].real;
  if (!a->is_int && !real)
    return onnx_bad (reader, node, "expected integers, found real numbers");
  result = onnx_tensor_new (reader, a->is_int, a->n_dims, a->shape);
  for (gsize k = 0; result && k < a->n; k++) {
    if (a->is_int)
      result->i[k] = whole_unary (reader, op, a->i[k]);
    else
      result->f[k] = (float) real (a->f[k]);
  }
  if (result)
    result->repeated = a->repeated;
  return onnx_value_tensor (reader, node, result);
}

/* An unknown choice between integers is an unknown integer. */
OnnxValue *
onnx_fold_where (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *in[3], *all;
  OnnxTensor *result;

  for (guint i = 0; i < 3; i++)
    in[i] = i < node->n_in && node->in[i] ? node->in[i]->tensor : NULL;
  if (!in[0] || !in[1] || !in[2] || !in[0]->is_int || !in[1]->is_int || !in[2]->is_int)
    return onnx_bad (reader, node, "expected a choice between integers, found another");
  if (!(all = spread (reader, in[0], in[1])) || !(all = spread (reader, all, in[2])))
    return onnx_bad (reader, node, "expected constants to broadcast, found others");
  for (guint i = 0; i < 3; i++)
    if (!(in[i] = spread (reader, in[i], all)))
      return onnx_value_tensor (reader, node, NULL);
  result = onnx_tensor_new (reader, TRUE, all->n_dims, all->shape);
  for (gsize k = 0; result && k < all->n; k++) {
    if (in[0]->i[k].atom != ONNX_NUMBER)
      result->i[k] = onnx_int_equal (reader, in[1]->i[k], in[2]->i[k]) ? in[1]->i[k] : unknown;
    else
      result->i[k] = in[in[0]->i[k].offset ? 1 : 2]->i[k];
  }
  return onnx_value_tensor (reader, node, result);
}

OnnxValue *
onnx_fold_reduce_prod (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *a = node->in[0]->tensor;
  gboolean keep = onnx_get_int (node, "keepdims", 1) != 0;
  const gsize one = 1;
  OnnxTensor *result;

  if (!a->is_int || a->n_dims > 1 || onnx_get_int (node, "noop_with_empty_axes", 0))
    return onnx_bad (reader, node, "expected a list of integers, found another tensor");
  if (!(result = onnx_tensor_new (reader, TRUE, keep ? a->n_dims : 0, &one)))
    return onnx_value_tensor (reader, node, NULL);
  result->i[0] = onnx_number (1);
  for (gsize k = 0; k < a->n; k++)
    result->i[0] = whole_mul (reader, result->i[0], a->i[k]);
  return onnx_value_tensor (reader, node, result);
}

OnnxValue *
onnx_fold_range (OnnxReader *reader, OnnxNode *node)
{
  gint64 at[3] = {0, 0, 1}, count;
  OnnxTensor *result;
  gsize n;

  for (guint i = 0; i < 3; i++) {
    const OnnxTensor *a = i < node->n_in && node->in[i] ? node->in[i]->tensor : NULL;

    if (!a || !a->is_int || a->n != 1 || a->i[0].atom != ONNX_NUMBER
        || ABS (a->i[0].offset / 2) > G_MAXINT32)
      return onnx_bad (reader, node, "expected three small integers, found others");
    at[i] = a->i[0].offset;
  }
  if (at[2] == 0)
    return onnx_bad (reader, node, "expected a step, found 0");
  count = (at[1] - at[0]) / at[2] + ((at[1] - at[0]) % at[2] && (at[1] > at[0]) == (at[2] > 0));
  n = (gsize) MAX (0, count);
  result = onnx_tensor_new (reader, TRUE, 1, &n);
  for (gsize k = 0; result && k < n; k++)
    result->i[k] = onnx_number (at[0] + (gint64) k * at[2]);
  return onnx_value_tensor (reader, node, result);
}
