/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "types.h"
#include <string.h>

static inline gfloat
float_from_f4 (guint32 bits)
{
  gfloat value;

  bits = GUINT32_FROM_LE (bits);
  memcpy (&value, &bits, sizeof value);
  return value;
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
  guint32 half = GUINT16_FROM_LE (bits);
  guint32 sign = (half & 0x8000u) << 16;
  guint32 rest = half & 0x7fffu;
  guint32 single;
  gfloat value;

  if (rest < 0x400u) { /* subnormal: no float32 is, so that flush-to-zero cannot hurt */
    value = (gfloat) rest * 0x1p-24f;
    return sign ? -value : value;
  }
  /* The exponent's bias is 15 there and 127 here; all ones are infinity and NaN. */
  single = sign | ((rest << 13) + (rest < 0x7c00u ? 112u << 23 : 224u << 23));
  memcpy (&value, &single, sizeof value);
  return value;
}

#define AS_IT_IS(x) (x)
#define IS_TRUE(x) ((x) != 0)

/* NumPy's spelling, the C type and what makes it a number */
#define TYPES(X)                                                                               \
  X ("<f4", f4, guint32, float_from_f4)                                                        \
  X ("<f2", f2, guint16, float_from_f2)                                                        \
  X ("<f8", f8, guint64, double_from_f8)                                                       \
  X ("|b1", b1, guint8, IS_TRUE)                                                               \
  X ("|i1", i1, gint8, AS_IT_IS)                                                               \
  X ("|u1", u1, guint8, AS_IT_IS)                                                              \
  X ("<i2", i2, gint16, GINT16_FROM_LE)                                                        \
  X ("<u2", u2, guint16, GUINT16_FROM_LE)                                                      \
  X ("<i4", i4, gint32, GINT32_FROM_LE)                                                        \
  X ("<u4", u4, guint32, GUINT32_FROM_LE)                                                      \
  X ("<i8", i8, gint64, GINT64_FROM_LE)                                                        \
  X ("<u8", u8, guint64, GUINT64_FROM_LE)

#define CONVERTER(npy, name, ctype, from_le)                                                   \
  static void convert_##name (gfloat *out, gconstpointer in, gsize n)                          \
  {                                                                                            \
    const ctype *items = in;                                                                   \
                                                                                               \
    for (gsize i = 0; i < n; i++)                                                              \
      out[i] = (gfloat) from_le (items[i]);                                                    \
  }
#define ROW(npy, name, ctype, from_le) {npy, sizeof (ctype), convert_##name},

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
