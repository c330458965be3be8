/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pytorch/torch-file.h"
#include "util/small-floats.h"
#include <string.h>

/* Defines a function that converts little-endian words of type @word to float32. */
#define CONVERT(name, word, from_le, expression)                                               \
  static void name (const guint8 *from, gsize stride, float *to, gsize n)                      \
  {                                                                                            \
    for (gsize i = 0; i < n; i++, from += stride * sizeof (word)) {                            \
      word bits;                                                                               \
                                                                                               \
      memcpy (&bits, from, sizeof bits);                                                       \
      bits = from_le (bits);                                                                   \
      to[i] = (expression);                                                                    \
    }                                                                                          \
  }

static float
get_double (guint64 bits)
{
  double value;

  memcpy (&value, &bits, sizeof value);
  return (float) value;
}

CONVERT (convert_double, guint64, GUINT64_FROM_LE, get_double (bits))
CONVERT (convert_float, guint32, GUINT32_FROM_LE, lstm_float_from_bits (bits))
CONVERT (convert_half, guint16, GUINT16_FROM_LE, lstm_float_from_float16 (bits))
CONVERT (convert_bfloat16, guint16, GUINT16_FROM_LE, lstm_float_from_bfloat16 (bits))

/* clang-format off */
static const TorchType types[] = {
    {"float64", "DoubleStorage", 8, convert_double},
    {"float32", "FloatStorage", 4, convert_float},
    {"float16", "HalfStorage", 2, convert_half},
    {"bfloat16", "BFloat16Storage", 2, convert_bfloat16},
    {"int64", "LongStorage", 8, NULL},
    {"int32", "IntStorage", 4, NULL},
    {"int16", "ShortStorage", 2, NULL},
    {"int8", "CharStorage", 1, NULL},
    {"uint8", "ByteStorage", 1, NULL},
    {"bool", "BoolStorage", 1, NULL},
    {"complex64", "ComplexFloatStorage", 8, NULL},
    {"complex128", "ComplexDoubleStorage", 16, NULL},
    {"quint8", "QUInt8Storage", 1, NULL},
    {"qint8", "QInt8Storage", 1, NULL},
    {"qint32", "QInt32Storage", 4, NULL},
    {"quint4x2", "QUInt4x2Storage", 1, NULL},
    {"quint2x4", "QUInt2x4Storage", 1, NULL},
    {"uint16", NULL, 2, NULL},
    {"uint32", NULL, 4, NULL},
    {"uint64", NULL, 8, NULL},
    {"float8_e4m3fn", NULL, 1, NULL},
    {"float8_e5m2", NULL, 1, NULL},
    {"float8_e4m3fnuz", NULL, 1, NULL},
    {"float8_e5m2fnuz", NULL, 1, NULL},
};
/* clang-format on */

const TorchType *
torch_type_find_storage (const PickleValue *class)
{
  const char *name = class && class->kind == PICKLE_GLOBAL ? strrchr (class->text, '.') : NULL;

  if (!name || !g_str_has_prefix (class->text, "torch."))
    return NULL;
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    if (types[i].storage && g_str_equal (types[i].storage, name + 1))
      return &types[i];
  return NULL;
}

const TorchType *
torch_type_find (const PickleValue *name)
{
  if (!name || name->kind != PICKLE_GLOBAL || !g_str_has_prefix (name->text, "torch."))
    return NULL;
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    if (g_str_equal (types[i].name, name->text + strlen ("torch.")))
      return &types[i];
  return NULL;
}
