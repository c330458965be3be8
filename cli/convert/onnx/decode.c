/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/decode.h"
#include "onnx/check.h"
#include "onnx/external.h"
#include "util/small-floats.h"
#include "util/text.h"
#include <string.h>

#define MIN_OPENED 256 /* values; fewer are decoded */
#define TYPE(name) ONNX__TENSOR_PROTO__DATA_TYPE__##name

/* A decoded number: i if its data type is_int, otherwise f */
typedef struct {
  float f;
  gint64 i;
} Number;

static guint64
get_raw_bits (const guint8 *p, guint size)
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
  gint32 id;
  guint size; /* bytes */
  gboolean is_int;
  Number (*read) (guint64 bits);
  gsize count_offset, values_offset; /* of the typed field in Onnx__TensorProto */
  guint field_size;                  /* bytes of one value of the typed field */
} DataType;

#define FIELD(name, size)                                                                      \
  G_STRUCT_OFFSET (Onnx__TensorProto, n_##name), G_STRUCT_OFFSET (Onnx__TensorProto, name), size

static const DataType data_types[] = {
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

static const DataType *
find_data_type (gint64 id)
{
  for (guint i = 0; i < G_N_ELEMENTS (data_types); i++)
    if (data_types[i].id == id)
      return &data_types[i];
  return NULL;
}

gboolean
onnx_find_data_type (gint64 data_type, gboolean *is_int)
{
  const DataType *type = find_data_type (data_type);

  *is_int = type && type->is_int;
  return type != NULL;
}

guint
onnx_get_type_size (gint64 data_type)
{
  const DataType *type = find_data_type (data_type);

  return type ? type->size : 0;
}

static guint64
get_field_bits (const Onnx__TensorProto *proto, const DataType *type, gsize k)
{
  const guint8 *values = G_STRUCT_MEMBER (const guint8 *, proto, type->values_offset);
  guint64 wide;
  guint32 narrow;

  if (type->field_size == 8) {
    memcpy (&wide, values + 8 * k, sizeof wide);
    return wide;
  }
  memcpy (&narrow, values + 4 * k, sizeof narrow);
  return narrow;
}

/* Fills @tensor from @raw, or from the typed field of @proto if @raw is NULL. */
static void
fill_tensor (
    OnnxTensor *tensor, const Onnx__TensorProto *proto, const DataType *type, const guint8 *raw)
{
  for (gsize k = 0; k < tensor->n_values; k++) {
    guint64 bits = raw ? get_raw_bits (raw + k * type->size, type->size)
                       : get_field_bits (proto, type, k);
    Number number = type->read (bits);

    if (tensor->is_int)
      tensor->ints[k] = onnx_int_constant (number.i);
    else
      tensor->reals[k] = number.f;
  }
}

/* Returns: (nullable): the problem, "FIELD: expected X, found Y" */
static const char *
get_shape (OnnxReader *reader, const Onnx__TensorProto *proto, gsize *shape, gsize *n)
{
  if (proto->n_dims > ONNX_MAX_DIMS)
    return onnx_own_text (reader,
        g_strdup_printf ("shape: expected at most %d dimensions, found %" G_GSIZE_FORMAT,
            ONNX_MAX_DIMS, proto->n_dims));
  for (gsize i = 0; i < proto->n_dims; i++) {
    if (proto->dims[i] < 0)
      return onnx_own_text (reader,
          g_strdup_printf (
              "shape: expected sizes of 0 or more, found %" G_GINT64_FORMAT, proto->dims[i]));
    shape[i] = (gsize) proto->dims[i];
  }
  if (!onnx_count_values ((guint) proto->n_dims, shape, n)) {
    g_autofree char *text = lstm_text_shape ((guint) proto->n_dims, shape);

    return onnx_own_text (
        reader, g_strdup_printf ("shape: expected sizes that fit in memory, found %s", text));
  }
  return NULL;
}

/* Returns: (nullable): the problem if the file has no values, or values of an unsupported type */
static const char *
check_storage (OnnxReader *reader, const Onnx__TensorProto *proto)
{
  if (!find_data_type (proto->data_type))
    return onnx_own_text (
        reader, g_strdup_printf (
                    "data type: expected real numbers or integers, found ONNX data type %d",
                    proto->data_type));
  if (proto->segment)
    return onnx_own_text (
        reader, g_strdup_printf ("values: expected a complete tensor, found its values "
                                 "%" G_GINT64_FORMAT " to %" G_GINT64_FORMAT " only",
                    proto->segment->begin, proto->segment->end));
  return NULL;
}

/* The values of a tensor: @size bytes of @content, or of the typed field of the tensor */
typedef struct {
  LstmContent *content; /* nullable */
  guint64 offset;
  const guint8 *data; /* nullable */
} Values;

static void
values_clear (Values *values)
{
  g_clear_pointer (&values->content, lstm_content_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Values, values_clear)

/* Returns: (nullable): the values of @proto that are not in the copy of the model; see check.h */
static const OnnxStored *
find_stored (const OnnxReader *reader, const Onnx__TensorProto *proto)
{
  for (unsigned i = 0; reader->stored && i < proto->base.n_unknown_fields; i++) {
    const ProtobufCMessageUnknownField *field = &proto->base.unknown_fields[i];
    guint64 index;

    if (field->tag != ONNX_STORED_FIELD)
      continue;
    /* The data of an unknown field begin with its length, one byte. */
    memcpy (&index, field->data + 1, sizeof index);
    return &g_array_index (reader->stored, OnnxStored, GUINT64_FROM_LE (index));
  }
  return NULL;
}

/* Finds the @n values of @type of @proto. @values is empty if the typed field has the values.
 * Returns: (nullable): the problem */
static const char *
find_values (OnnxReader *reader, const Onnx__TensorProto *proto, const DataType *type, gsize n,
    Values *values)
{
  const OnnxStored *stored = find_stored (reader, proto);
  gboolean is_external = proto->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
  gboolean is_raw = is_external || stored || proto->has_raw_data;
  gsize found = stored                ? stored->size
                : proto->has_raw_data ? proto->raw_data.len
                                      : G_STRUCT_MEMBER (size_t, proto, type->count_offset);
  const char *problem = NULL;
  gsize expected;

  if (!g_size_checked_mul (&expected, n, is_raw ? type->size : 1)
      || (!is_external && found != expected))
    return onnx_own_text (
        reader, g_strdup_printf ("values: expected %" G_GSIZE_FORMAT
                                 " %s by shape and data type, found %" G_GSIZE_FORMAT,
                    expected, is_raw ? "bytes" : "values", found));
  if (is_external) {
    values->content = onnx_open_external_data (
        reader, proto, expected, &values->offset, &problem);
  } else if (stored) {
    values->content = lstm_content_ref (reader->input->content);
    values->offset = stored->offset;
  } else if (proto->has_raw_data) {
    values->data = proto->raw_data.data;
  }
  return problem;
}

/* Reads the values of a file. Returns: (nullable): the problem */
static const char *
read_values (OnnxReader *reader, const Values *values, gsize n_bytes, guint8 **data)
{
  g_autoptr (GError) error = NULL;

  *data = g_try_malloc (MAX (n_bytes, 1));
  if (!*data)
    return onnx_own_text (
        reader, g_strdup_printf ("values: expected constants that fit in memory, found "
                                 "%" G_GSIZE_FORMAT " bytes",
                    n_bytes));
  if (lstm_content_read (values->content, values->offset, n_bytes, *data, &error))
    return NULL;
  return onnx_own_text (reader, g_strconcat ("values: ", error->message, NULL));
}

/* Checks all that does not depend on the values. Returns: (nullable): the problem */
static const char *
find_tensor (
    OnnxReader *reader, const Onnx__TensorProto *proto, gsize *shape, gsize *n, Values *values)
{
  const char *problem = check_storage (reader, proto);

  if (!problem)
    problem = get_shape (reader, proto, shape, n);
  return problem ? problem
                 : find_values (reader, proto, find_data_type (proto->data_type), *n, values);
}

OnnxTensor *
onnx_decode_tensor (OnnxReader *reader, const Onnx__TensorProto *proto, const char **problem)
{
  const DataType *type = find_data_type (proto->data_type);
  g_auto (Values) values = {NULL};
  g_autofree guint8 *data = NULL;
  gsize shape[ONNX_MAX_DIMS], n;
  OnnxTensor *tensor;

  if ((*problem = find_tensor (reader, proto, shape, &n, &values)))
    return NULL;
  if (values.content && (*problem = read_values (reader, &values, n * type->size, &data)))
    return NULL;
  tensor = onnx_tensor_new (reader, type->is_int, (guint) proto->n_dims, shape);
  if (tensor) {
    tensor->data_type = proto->data_type;
    fill_tensor (tensor, proto, type, data ? data : values.data);
  } else {
    *problem = onnx_own_text (
        reader, g_strdup_printf ("values: expected constants that fit in memory, found "
                                 "%" G_GSIZE_FORMAT " values",
                    n));
  }
  return tensor;
}

OnnxTensor *
onnx_open_tensor (OnnxReader *reader, const Onnx__TensorProto *proto)
{
  g_auto (Values) values = {NULL};
  gsize shape[ONNX_MAX_DIMS], n;
  OnnxTensor *tensor;
  LstmTensorPart *part;

  if (!reader->contents || proto->data_type != TYPE (FLOAT)
      || find_tensor (reader, proto, shape, &n, &values) || !values.content || n < MIN_OPENED)
    return NULL;
  tensor = onnx_alloc (reader, 1, sizeof *tensor);
  part = onnx_alloc (reader, 1, sizeof *part);
  if (!tensor || !part)
    return NULL;
  *part = (LstmTensorPart){values.content, values.offset, n};
  g_ptr_array_add (reader->contents, g_steal_pointer (&values.content));
  *tensor = (OnnxTensor){.data_type = proto->data_type,
      .n_dims = (guint) proto->n_dims,
      .n_values = n,
      .stored = part};
  memcpy (tensor->shape, shape, tensor->n_dims * sizeof *shape);
  return tensor;
}
