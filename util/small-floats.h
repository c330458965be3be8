/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Converts 16-bit floating-point numbers to float32. The argument has the bits of the number, in
 * native byte order. The conversions are exact in every floating-point mode: the only results
 * that are float32 denormals come from bfloat16 denormals, whose bits are copied. */
#pragma once

#include <glib.h>
#include <string.h>

static inline float
lstm_float_from_bits (guint32 bits)
{
  float value;

  memcpy (&value, &bits, sizeof value);
  return value;
}

/* Converts bfloat16, the upper half of a float32. */
static inline float
lstm_float_from_bfloat16 (guint16 bits)
{
  return lstm_float_from_bits ((guint32) bits << 16);
}

/* Converts IEEE 754 binary16: sign, 5 bits of exponent with a bias of 15, 10 bits of fraction. */
static inline float
lstm_float_from_float16 (guint16 bits)
{
  const guint32 sign = (guint32) (bits & 0x8000) << 16;
  const guint32 exponent = (bits >> 10) & 0x1f, fraction = bits & 0x3ff;

  if (exponent == 0) /* a subnormal of 16 bits is a normal float32 */
    return sign ? -((float) fraction * 0x1p-24f) : (float) fraction * 0x1p-24f;
  if (exponent == 31) /* infinity and NaN */
    return lstm_float_from_bits (sign | 0x7f800000 | fraction << 13);
  return lstm_float_from_bits (sign | (exponent + 127 - 15) << 23 | fraction << 13);
}
