/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Converts 16-bit floating-point numbers to float32, and finds infinity and NaN. The argument of a
 * conversion has the bits of the number, in native byte order. The conversions are exact in every
 * floating-point mode: the only results that are float32 denormals come from bfloat16 denormals, whose
 * bits are copied. */
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

static inline guint32
lstm_float_to_bits (float value)
{
  guint32 bits;

  memcpy (&bits, &value, sizeof bits);
  return bits;
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

#define LSTM_EXPONENT 0x7f800000u /* bits of a float32, all of them set in infinity and NaN */

typedef guint32 LstmFloatWords __attribute__ ((vector_size (16)));

/* Returns whether @n float32 values are finite. The loop has vectors and no exit, because a loop over
 * single values would take longer than a reading of the values. @values need no alignment. */
static inline gboolean
lstm_floats_are_finite (const void *values, gsize n)
{
  const gsize n_words = sizeof (LstmFloatWords) / sizeof (guint32);
  const guint8 *at = values, *end = at + n * sizeof (guint32);
  LstmFloatWords found = {0};
  guint32 any = 0;

  for (; (gsize) (end - at) >= sizeof found; at += sizeof found) {
    LstmFloatWords words;

    memcpy (&words, at, sizeof words);
    found |= (LstmFloatWords) ((words & LSTM_EXPONENT) == LSTM_EXPONENT);
  }
  for (gsize i = 0; i < n_words; i++)
    any |= found[i];
  for (; at < end; at += sizeof (guint32)) {
    guint32 word;

    memcpy (&word, at, sizeof word);
    any |= (word & LSTM_EXPONENT) == LSTM_EXPONENT;
  }
  return !any;
}
