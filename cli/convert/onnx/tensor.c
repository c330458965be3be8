/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/onnx.h"
#include "util/small-floats.h"
#include "util/text.h"
#include <math.h>
#include <string.h>

#define TYPE(name) ONNX__TENSOR_PROTO__DATA_TYPE__##name

/* One of them is read, by is_int */
typedef struct {
  float f;
  gint64 i;
} Number;

static guint64
get_bits (const guint8 *p, guint size)
{
  guint64 bits = 0;

  for (guint i = 0; i < size; i++)
    bits |= (guint64) p[i] << 8 * i;
  return bits;
}

static Number
read_f64 (guint64 bits)
{
  double value;

  memcpy (&value, &bits, sizeof value);
  return (Number){.f = (float) value};
}

static Number
read_f32 (guint64 bits)
{
  return (Number){.f = lstm_float_from_bits ((guint32) bits)};
}

static Number
read_bf16 (guint64 bits)
{
  return (Number){.f = lstm_float_from_bfloat16 ((guint16) bits)};
}

static Number
read_f16 (guint64 bits)
{
  return (Number){.f = lstm_float_from_float16 ((guint16) bits)};
}

#define INTEGER(name, type)                                                                    \
  static Number read_##name (guint64 bits)                                                     \
  {                                                                                            \
    return (Number){.i = (gint64) (type) bits};                                                \
  }
/* clang-format off */
INTEGER (i8, gint8)
INTEGER (u8, guint8)
INTEGER (i16, gint16)
INTEGER (u16, guint16)
INTEGER (i32, gint32)
INTEGER (u32, guint32)
INTEGER (i64, gint64)
/* clang-format on */

static Number
read_bool (guint64 bits)
{
  return (Number){.i = bits != 0};
}

typedef struct {
  gint32 type;
  guint size; /* bytes */
  gboolean is_int;
  Number (*read) (guint64 bits);
  /* the typed field: where its count and pointer are, and its values' size */
  gsize count, pointer;
  guint field_size;
} Type;

#define FIELD(name, size)                                                                      \
  G_STRUCT_OFFSET (Onnx__TensorProto, n_##name), G_STRUCT_OFFSET (Onnx__TensorProto, name), size

static const Type types[] = {
    {TYPE (FLOAT), 4, FALSE, read_f32, FIELD (float_data, 4)},
    {TYPE (DOUBLE), 8, FALSE, read_f64, FIELD (double_data, 8)},
    {TYPE (FLOAT16), 2, FALSE, read_f16, FIELD (int32_data, 4)},
    {TYPE (BFLOAT16), 2, FALSE, read_bf16, FIELD (int32_data, 4)},
    {TYPE (INT8), 1, TRUE, read_i8, FIELD (int32_data, 4)},
    {TYPE (UINT8), 1, TRUE, read_u8, FIELD (int32_data, 4)},
    {TYPE (INT16), 2, TRUE, read_i16, FIELD (int32_data, 4)},
    {TYPE (UINT16), 2, TRUE, read_u16, FIELD (int32_data, 4)},
    {TYPE (INT32), 4, TRUE, read_i32, FIELD (int32_data, 4)},
    {TYPE (BOOL), 1, TRUE, read_bool, FIELD (int32_data, 4)},
    {TYPE (UINT32), 4, TRUE, read_u32, FIELD (uint64_data, 8)},
    {TYPE (UINT64), 8, TRUE, read_i64, FIELD (uint64_data, 8)},
    {TYPE (INT64), 8, TRUE, read_i64, FIELD (int64_data, 8)},
};

/* FALSE if @type is none of numbers */
gboolean
onnx_find_type (gint64 type, gboolean *is_int)
{
  for (guint i = 0; i < G_N_ELEMENTS (types); i++) {
    *is_int = types[i].is_int;
    if (types[i].type == type)
      return TRUE;
  }
  return FALSE;
}

OnnxInt
onnx_number (gint64 value)
{
  return (OnnxInt){value, 0, ONNX_NUMBER};
}

/* *n: the product; FALSE if strides, which an empty tensor has too, would overflow */
static gboolean
count (guint n_dims, const gsize *shape, gsize *n)
{
  gsize strides = sizeof (OnnxInt);

  *n = 1;
  for (guint i = 0; i < n_dims; i++) {
    *n *= shape[i];
    if (!g_size_checked_mul (&strides, strides, MAX (shape[i], 1)) || strides > G_MAXSSIZE)
      return FALSE;
  }
  return TRUE;
}

OnnxTensor *
onnx_tensor_new (OnnxReader *reader, gboolean is_int, guint n_dims, const gsize *shape)
{
  OnnxTensor *tensor = onnx_alloc (reader, 1, sizeof *tensor);
  gpointer values;

  if (!tensor || n_dims > ONNX_MAX_DIMS || !count (n_dims, shape, &tensor->n))
    return NULL;
  tensor->is_int = is_int;
  tensor->n_dims = n_dims;
  for (guint i = 0; i < n_dims; i++)
    tensor->shape[i] = shape[i];
  values = onnx_alloc (reader, tensor->n, is_int ? sizeof (OnnxInt) : sizeof (float));
  if (!values)
    return NULL;
  if (is_int)
    tensor->i = values;
  else
    tensor->f = values;
  return tensor;
}

/* The same values in another shape of the same size. */
OnnxTensor *
onnx_tensor_alias (
    OnnxReader *reader, const OnnxTensor *tensor, guint n_dims, const gsize *shape)
{
  OnnxTensor *alias = onnx_alloc (reader, 1, sizeof *alias);

  if (!alias)
    return NULL;
  *alias = *tensor;
  alias->n_dims = n_dims;
  for (guint i = 0; i < n_dims; i++)
    alias->shape[i] = shape[i];
  return alias;
}

/* Element by element: at index k of the result is what lies strides · k behind start. */
OnnxTensor *
onnx_tensor_view (OnnxReader *reader, const OnnxTensor *tensor, guint n_dims,
    const gsize *shape, gsize start, const gssize *strides)
{
  OnnxTensor *view = onnx_tensor_new (reader, tensor->is_int, n_dims, shape);
  gsize index[ONNX_MAX_DIMS] = {0};
  gssize at = (gssize) start;

  if (!view)
    return NULL;
  view->repeated = tensor->repeated;
  for (gsize k = 0; k < view->n; k++) {
    if (view->is_int)
      view->i[k] = tensor->i[at];
    else
      view->f[k] = tensor->f[at];
    for (guint i = n_dims; i-- > 0;) {
      at += strides[i];
      if (++index[i] < shape[i])
        break;
      at -= strides[i] * (gssize) shape[i];
      index[i] = 0;
    }
  }
  return view;
}

void
onnx_tensor_strides (const OnnxTensor *tensor, gssize *strides)
{
  gssize stride = 1;

  for (guint i = tensor->n_dims; i-- > 0;) {
    strides[i] = stride;
    stride *= (gssize) tensor->shape[i];
  }
}

OnnxTensor *
onnx_tensor_from_ints (OnnxReader *reader, const gint64 *values, gsize n)
{
  OnnxTensor *tensor = onnx_tensor_new (reader, TRUE, 1, &n);

  for (gsize k = 0; tensor && k < n; k++)
    tensor->i[k] = onnx_number (values[k]);
  return tensor;
}

/* For messages */
const char *
onnx_shape_text (OnnxReader *reader, guint n_dims, const gsize *shape)
{
  return onnx_text (reader, lstm_text_shape (n_dims, shape));
}

static guint64
get_typed (const Onnx__TensorProto *proto, const Type *type, gsize k)
{
  const guint8 *values = G_STRUCT_MEMBER (const guint8 *, proto, type->pointer);
  guint64 wide;
  guint32 narrow;

  if (type->field_size == 8) {
    memcpy (&wide, values + 8 * k, sizeof wide);
    return wide;
  }
  memcpy (&narrow, values + 4 * k, sizeof narrow);
  return narrow;
}

static void
fill (OnnxTensor *tensor, const Onnx__TensorProto *proto, const Type *type)
{
  for (gsize k = 0; k < tensor->n; k++) {
    guint64 bits = proto->has_raw_data
                       ? get_bits (proto->raw_data.data + k * type->size, type->size)
                       : get_typed (proto, type, k);
    Number number = type->read (bits);

    if (tensor->is_int)
      tensor->i[k] = onnx_number (number.i);
    else
      tensor->f[k] = number.f;
  }
}

static const char *
get_shape (const Onnx__TensorProto *proto, gsize *shape, gsize *n)
{
  if (proto->n_dims > ONNX_MAX_DIMS)
    return "expected at most 8 dimensions, found more";
  for (gsize i = 0; i < proto->n_dims; i++) {
    if (proto->dims[i] < 0)
      return "expected sizes from 0 on, found a negative one";
    shape[i] = (gsize) proto->dims[i];
  }
  if (!count ((guint) proto->n_dims, shape, n))
    return "expected a shape that fits in memory, found more";
  return NULL;
}

/* Returns: NULL with *problem if it is not one of numbers, or more or less than its shape says */
OnnxTensor *
onnx_tensor_decode (OnnxReader *reader, const Onnx__TensorProto *proto, const char **problem)
{
  const Type *type = NULL;
  OnnxTensor *tensor;
  gsize shape[ONNX_MAX_DIMS], n, there, expected;

  *problem = NULL;
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    if (types[i].type == proto->data_type)
      type = &types[i];
  if (!type)
    *problem = "expected a type of real numbers or integers, found another";
  else if (proto->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL)
    *problem = "expected its values in the file, found external data";
  else if (proto->segment)
    *problem = "expected a whole tensor, found a segment";
  else
    *problem = get_shape (proto, shape, &n);
  if (*problem)
    return NULL;
  there = proto->has_raw_data ? proto->raw_data.len
                              : G_STRUCT_MEMBER (size_t, proto, type->count);
  if (!g_size_checked_mul (&expected, n, proto->has_raw_data ? type->size : 1)
      || there != expected) {
    *problem = onnx_text (
        reader, g_strdup_printf ("expected %" G_GSIZE_FORMAT
                                 " %s by shape and type, found %" G_GSIZE_FORMAT,
                    expected, proto->has_raw_data ? "bytes" : "values", there));
    return NULL;
  }
  tensor = onnx_tensor_new (reader, type->is_int, (guint) proto->n_dims, shape);
  if (tensor)
    fill (tensor, proto, type);
  else
    *problem = "expected constants that fit in memory, found more";
  return tensor;
}

OnnxInt
onnx_axis_size (const OnnxReader *reader, const OnnxAxis *axis)
{
  OnnxInt size = onnx_number (1);

  for (guint i = 0; i < axis->n; i++) {
    gint64 n = onnx_atom (reader, axis->atoms[i])->size;

    if (n < 0 && size.atom == ONNX_NUMBER)
      size = (OnnxInt){0, size.offset, axis->atoms[i]};
    else if (n < 0 || __builtin_mul_overflow (size.factor, n, &size.factor)
             || __builtin_mul_overflow (size.offset, n, &size.offset))
      return (OnnxInt){0, 0, ONNX_UNKNOWN};
  }
  return size;
}

gboolean
onnx_int_equal (const OnnxReader *reader, OnnxInt a, OnnxInt b)
{
  gboolean same_atom = a.atom == b.atom;

  /* The lengths of sequences are the size of time: a stream has no steps beyond them. */
  if (a.atom > 0 && b.atom > 0 && (a.atom == reader->length || b.atom == reader->length))
    same_atom |= onnx_atom (reader, a.atom)->role == ONNX_ROLE_TIME
                 && onnx_atom (reader, b.atom)->role == ONNX_ROLE_TIME;
  return a.atom != ONNX_UNKNOWN && same_atom && a.offset == b.offset
         && (a.atom == ONNX_NUMBER || a.factor == b.factor);
}
