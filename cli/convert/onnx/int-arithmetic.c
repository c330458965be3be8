/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/int-arithmetic.h"

const OnnxInt onnx_int_unknown = {0, 0, ONNX_UNKNOWN_FACTOR};

static gboolean
are_known (OnnxInt a, OnnxInt b)
{
  return a.factor == ONNX_NO_FACTOR && b.factor == ONNX_NO_FACTOR;
}

OnnxInt
onnx_int_add (const OnnxReader *reader, OnnxInt a, OnnxInt b)
{
  OnnxInt sum = {0, 0, a.factor ? a.factor : b.factor};

  if ((a.factor && b.factor && a.factor != b.factor) || sum.factor == ONNX_UNKNOWN_FACTOR
      || __builtin_add_overflow (a.offset, b.offset, &sum.offset)
      || __builtin_add_overflow (a.coefficient, b.coefficient, &sum.coefficient))
    return onnx_int_unknown;
  return sum.coefficient ? sum : onnx_int_constant (sum.offset);
}

OnnxInt
onnx_int_multiply (const OnnxReader *reader, OnnxInt a, OnnxInt b)
{
  OnnxInt product = {0, 0, a.factor ? a.factor : b.factor};
  gint64 multiplier = a.factor ? b.offset : a.offset;
  OnnxInt other = a.factor ? a : b;

  if ((a.factor && b.factor) || product.factor == ONNX_UNKNOWN_FACTOR
      || __builtin_mul_overflow (other.offset, multiplier, &product.offset)
      || __builtin_mul_overflow (other.coefficient, multiplier, &product.coefficient))
    return onnx_int_unknown;
  return product.coefficient ? product : onnx_int_constant (product.offset);
}

OnnxInt
onnx_int_negate (const OnnxReader *reader, OnnxInt a)
{
  return onnx_int_multiply (reader, a, onnx_int_constant (-1));
}

OnnxInt
onnx_int_subtract (const OnnxReader *reader, OnnxInt a, OnnxInt b)
{
  return onnx_int_add (reader, a, onnx_int_negate (reader, b));
}

OnnxInt
onnx_int_divide (const OnnxReader *reader, OnnxInt a, OnnxInt b)
{
  gint64 d = b.offset;

  if (b.factor != ONNX_NO_FACTOR || a.factor == ONNX_UNKNOWN_FACTOR || d == 0 || d == -1)
    return d == -1 && b.factor == ONNX_NO_FACTOR ? onnx_int_multiply (reader, a, b)
                                                 : onnx_int_unknown;
  if (a.factor != ONNX_NO_FACTOR && (a.offset % d || a.coefficient % d))
    return onnx_int_unknown;
  return (OnnxInt){a.offset / d, a.coefficient / d, a.factor};
}

OnnxInt
onnx_int_remainder (const OnnxReader *reader, OnnxInt a, OnnxInt b)
{
  gint64 d = b.offset, r;

  if (!are_known (a, b) || d == 0 || d == -1)
    return onnx_int_unknown;
  r = a.offset % d;
  return onnx_int_constant (r && (r < 0) != (d < 0) ? r + d : r);
}

OnnxInt
onnx_int_absolute (const OnnxReader *reader, OnnxInt a)
{
  return a.factor == ONNX_NO_FACTOR && a.offset >= 0 ? a : onnx_int_unknown;
}

OnnxInt
onnx_int_is_equal (const OnnxReader *reader, OnnxInt a, OnnxInt b)
{
  OnnxInt difference = onnx_int_subtract (reader, a, b);

  if (onnx_int_equal (reader, a, b))
    return onnx_int_constant (1);
  return difference.factor == ONNX_NO_FACTOR ? onnx_int_constant (difference.offset == 0)
                                             : onnx_int_unknown;
}

OnnxInt
onnx_int_is_less (const OnnxReader *reader, OnnxInt a, OnnxInt b)
{
  OnnxInt difference = onnx_int_subtract (reader, a, b);
  gint64 bound;

  if (difference.factor == ONNX_NO_FACTOR)
    return onnx_int_constant (difference.offset < 0);
  /* A size is at least 1, so that the difference is at most or at least the following sum. */
  if (__builtin_add_overflow (difference.offset, difference.coefficient, &bound))
    return onnx_int_unknown;
  if (difference.factor > 0 && difference.coefficient < 0 && bound < 0)
    return onnx_int_constant (1);
  if (difference.factor > 0 && difference.coefficient > 0 && bound >= 0)
    return onnx_int_constant (0);
  return onnx_int_unknown;
}

OnnxInt
onnx_int_not (const OnnxReader *reader, OnnxInt a)
{
  return a.factor == ONNX_NO_FACTOR ? onnx_int_constant (!a.offset) : onnx_int_unknown;
}

OnnxInt
onnx_int_is_greater (const OnnxReader *reader, OnnxInt a, OnnxInt b)
{
  return onnx_int_is_less (reader, b, a);
}

OnnxInt
onnx_int_is_at_most (const OnnxReader *reader, OnnxInt a, OnnxInt b)
{
  return onnx_int_not (reader, onnx_int_is_less (reader, b, a));
}

OnnxInt
onnx_int_is_at_least (const OnnxReader *reader, OnnxInt a, OnnxInt b)
{
  return onnx_int_not (reader, onnx_int_is_less (reader, a, b));
}

OnnxInt
onnx_int_and (const OnnxReader *reader, OnnxInt a, OnnxInt b)
{
  return are_known (a, b) ? onnx_int_constant (a.offset && b.offset) : onnx_int_unknown;
}

OnnxInt
onnx_int_or (const OnnxReader *reader, OnnxInt a, OnnxInt b)
{
  return are_known (a, b) ? onnx_int_constant (a.offset || b.offset) : onnx_int_unknown;
}

OnnxInt
onnx_int_min (const OnnxReader *reader, OnnxInt a, OnnxInt b)
{
  OnnxInt less = onnx_int_is_less (reader, a, b);

  return less.factor == ONNX_NO_FACTOR ? less.offset ? a : b : onnx_int_unknown;
}

OnnxInt
onnx_int_max (const OnnxReader *reader, OnnxInt a, OnnxInt b)
{
  OnnxInt less = onnx_int_is_less (reader, a, b);

  return less.factor == ONNX_NO_FACTOR ? less.offset ? b : a : onnx_int_unknown;
}
