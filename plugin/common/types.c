/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/types.h"
#include "util/small-floats.h"
#include <string.h>

static inline gfloat
float_from_f4 (guint32 bits)
{
  return lstm_float_from_bits (GUINT32_FROM_LE (bits));
}

static inline gdouble
double_from_f8 (guint64 bits)
{
  gdouble value;

  bits = GUINT64_FROM_LE (bits);
  memcpy (&value, &bits, sizeof value);
  return value;
}

static inline gfloat
float_from_f2 (guint16 bits)
{
  return lstm_float_from_float16 (GUINT16_FROM_LE (bits));
}

#define KEEP_VALUE(x) (x)
#define IS_TRUE(x) ((x) != 0)

/* Name in NumPy, name and number in NNStreamer, name in C, type of an item in memory, and the
 * function that converts an item from little-endian to a number */
#define TYPES(X)                                                                               \
  X ("<f4", "float32", 7, f4, guint32, float_from_f4)                                          \
  X ("<f2", "float16", 10, f2, guint16, float_from_f2)                                         \
  X ("<f8", "float64", 6, f8, guint64, double_from_f8)                                         \
  X ("|b1", NULL, -1, b1, guint8, IS_TRUE)                                                     \
  X ("|i1", "int8", 4, i1, gint8, KEEP_VALUE)                                                  \
  X ("|u1", "uint8", 5, u1, guint8, KEEP_VALUE)                                                \
  X ("<i2", "int16", 2, i2, gint16, GINT16_FROM_LE)                                            \
  X ("<u2", "uint16", 3, u2, guint16, GUINT16_FROM_LE)                                         \
  X ("<i4", "int32", 0, i4, gint32, GINT32_FROM_LE)                                            \
  X ("<u4", "uint32", 1, u4, guint32, GUINT32_FROM_LE)                                         \
  X ("<i8", "int64", 8, i8, gint64, GINT64_FROM_LE)                                            \
  X ("<u8", "uint64", 9, u8, guint64, GUINT64_FROM_LE)

#define CONVERTER(npy, tensors, number, name, ctype, from_le)                                  \
  static void convert_##name (gfloat *out, gconstpointer in, gsize n)                          \
  {                                                                                            \
    for (gsize i = 0; i < n; i++) {                                                            \
      ctype item;                                                                              \
                                                                                               \
      memcpy (&item, (const guint8 *) in + i * sizeof item, sizeof item);                      \
      out[i] = (gfloat) from_le (item);                                                        \
    }                                                                                          \
  }
#define ROW(npy, tensors, number, name, ctype, from_le)                                        \
  {npy, tensors, number, sizeof (ctype), convert_##name},

TYPES (CONVERTER)
static const GstLstmType types[] = {TYPES (ROW)};

const GstLstmType *
gst_lstm_type_from_npy (const gchar *descr)
{
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    if (g_str_equal (types[i].npy, descr))
      return &types[i];
  return NULL;
}

const GstLstmType *
gst_lstm_type_from_tensors (const gchar *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    if (g_strcmp0 (types[i].tensors, name) == 0)
      return &types[i];
  return NULL;
}

const GstLstmType *
gst_lstm_type_from_number (guint32 number)
{
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    if (types[i].number == (gint64) number)
      return &types[i];
  return NULL;
}
