/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "container/safetensors.h"
#include "container/formats.h"
#include "container/json.h"
#include "lstm/lstm.h"
#include "util/small-floats.h"
#include "util/text.h"
#include <math.h>
#include <string.h>

#define MAX_HEADER 100000000 /* in bytes, the limit of the format */
#define HEADER_DEPTH 3       /* levels of { name: { "shape": [ … ] } } */
#define CHUNK 16384          /* bytes that are converted at a time */

struct _LstmDtype {
  const char *name;
  gsize size; /* in bytes */
  /* Converts @n little-endian values; NULL if weights cannot have the type. */
  void (*convert) (const guint8 *from, gsize n, float *to);
};

static float
read_f64 (const guint8 *p)
{
  guint64 bits;
  double value;

  memcpy (&bits, p, sizeof bits);
  bits = GUINT64_FROM_LE (bits);
  memcpy (&value, &bits, sizeof value);
  return (float) value;
}

static float
read_f32 (const guint8 *p)
{
  guint32 bits;

  memcpy (&bits, p, sizeof bits);
  return lstm_float_from_bits (GUINT32_FROM_LE (bits));
}

static guint16
read_u16 (const guint8 *p)
{
  return (guint16) (p[0] | p[1] << 8);
}

static float
read_bf16 (const guint8 *p)
{
  return lstm_float_from_bfloat16 (read_u16 (p));
}

static float
read_f16 (const guint8 *p)
{
  return lstm_float_from_float16 (read_u16 (p));
}

#define CONVERTER(name, size)                                                                  \
  static void convert_##name (const guint8 *from, gsize n, float *to)                          \
  {                                                                                            \
    for (gsize i = 0; i < n; i++)                                                              \
      to[i] = read_##name (from + i * size);                                                   \
  }
/* clang-format off */
CONVERTER (f64, 8)
CONVERTER (f32, 4)
CONVERTER (f16, 2)
CONVERTER (bf16, 2)
/* clang-format on */

static const LstmDtype dtypes[] = {
    {"F64", 8, convert_f64},
    {"F32", 4, convert_f32},
    {"F16", 2, convert_f16},
    {"BF16", 2, convert_bf16},
    {"I64", 8, NULL},
    {"I32", 4, NULL},
    {"I16", 2, NULL},
    {"I8", 1, NULL},
    {"U64", 8, NULL},
    {"U32", 4, NULL},
    {"U16", 2, NULL},
    {"U8", 1, NULL},
    {"BOOL", 1, NULL},
    {"F8_E4M3", 1, NULL},
    {"F8_E5M2", 1, NULL},
};

static void
tensor_free (void *data)
{
  LstmTensor *tensor = data;

  g_free (tensor->name);
  g_free (tensor);
}

void
lstm_safetensors_free (LstmSafetensors *st)
{
  g_hash_table_unref (st->metadata);
  g_hash_table_unref (st->by_name);
  g_ptr_array_unref (st->tensors);
  lstm_content_unref (st->content);
  g_free (st->file);
  g_free (st);
}

static gboolean set_format_error (const LstmSafetensors *st, const char *tensor, GError **error,
    const char *format, ...) G_GNUC_PRINTF (4, 5);

/* @tensor: (nullable): the name of the tensor that has the problem. Returns: FALSE */
static gboolean
set_format_error (
    const LstmSafetensors *st, const char *tensor, GError **error, const char *format, ...)
{
  g_autofree char *problem = NULL;
  va_list args;

  va_start (args, format);
  problem = g_strdup_vprintf (format, args);
  va_end (args);
  if (tensor)
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_FORMAT, "%s: tensor \"%s\": %s", st->file,
        tensor, problem);
  else
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_FORMAT, "%s: %s", st->file, problem);
  return FALSE;
}

static gboolean
parse_dtype (LstmSafetensors *st, LstmTensor *tensor, JsonNode *node, GError **error)
{
  const char *name = lstm_json_get_string (node);
  g_autoptr (GString) names = NULL;
  g_autofree char *found = NULL;

  for (guint i = 0; name && i < G_N_ELEMENTS (dtypes); i++)
    if (g_str_equal (name, dtypes[i].name))
      tensor->dtype = &dtypes[i];
  if (tensor->dtype)
    return TRUE;
  names = g_string_new (NULL);
  found = lstm_json_describe (node);
  for (guint i = 0; i < G_N_ELEMENTS (dtypes); i++)
    lstm_text_append_item (names, dtypes[i].name);
  return set_format_error (
      st, tensor->name, error, "dtype: expected one of %s, found %s", names->str, found);
}

/* Reads an array of at most @max sizes. Returns the number of sizes, or -1 if @node is no such
 * array. */
static int
parse_sizes (JsonNode *node, gsize *sizes, guint max)
{
  JsonArray *array = lstm_json_get_array (node);
  guint n = array ? json_array_get_length (array) : max + 1;

  if (n > max)
    return -1;
  for (guint i = 0; i < n; i++)
    if (!lstm_json_get_size (json_array_get_element (array, i), &sizes[i]))
      return -1;
  return (int) n;
}

static gboolean
check_size (const LstmSafetensors *st, const LstmTensor *tensor, GError **error)
{
  const gsize found = tensor->end - tensor->begin;
  gsize bytes = tensor->dtype->size;

  for (guint i = 0; i < tensor->n_dims; i++) {
    if (!g_size_checked_mul (&bytes, bytes, tensor->shape[i])) {
      g_autofree char *shape = lstm_text_shape (tensor->n_dims, tensor->shape);

      return set_format_error (
          st, tensor->name, error, "expected a shape that fits into memory, found %s", shape);
    }
  }
  return bytes == found
         || set_format_error (st, tensor->name, error,
             "expected %" G_GSIZE_FORMAT " bytes by shape and dtype, found %" G_GSIZE_FORMAT
             " bytes by data_offsets",
             bytes, found);
}

static gboolean
parse_shape (LstmSafetensors *st, LstmTensor *tensor, JsonNode *node, GError **error)
{
  const int n_dims = parse_sizes (node, tensor->shape, LSTM_MAX_DIMS);
  g_autofree char *found = n_dims < 0 ? lstm_json_describe (node) : NULL;

  if (n_dims < 0)
    return set_format_error (st, tensor->name, error,
        "shape: expected an array of at most %d sizes, found %s", LSTM_MAX_DIMS, found);
  tensor->n_dims = (guint) n_dims;
  return TRUE;
}

static gboolean
parse_offsets (LstmSafetensors *st, LstmTensor *tensor, JsonNode *node, GError **error)
{
  gsize offsets[2];

  if (parse_sizes (node, offsets, 2) != 2 || offsets[0] > offsets[1]) {
    g_autofree char *found = lstm_json_describe (node);

    return set_format_error (st, tensor->name, error,
        "data_offsets: expected [begin, end] with begin ≤ end, found %s", found);
  }
  tensor->begin = offsets[0];
  tensor->end = offsets[1];
  return TRUE;
}

static gboolean
parse_tensor (LstmSafetensors *st, const char *name, JsonNode *node, GError **error)
{
  LstmTensor *tensor = g_new0 (LstmTensor, 1);
  JsonObject *object = lstm_json_get_object (node);

  tensor->name = g_strdup (name);
  g_ptr_array_add (st->tensors, tensor);
  g_hash_table_insert (st->by_name, tensor->name, tensor);
  if (!object || json_object_get_size (object) != 3) {
    g_autofree char *found = lstm_json_describe (node);

    return set_format_error (st, name, error,
        "expected an object of dtype, shape and data_offsets, found %s", found);
  }
  return parse_dtype (st, tensor, json_object_get_member (object, "dtype"), error)
         && parse_shape (st, tensor, json_object_get_member (object, "shape"), error)
         && parse_offsets (st, tensor, json_object_get_member (object, "data_offsets"), error)
         && check_size (st, tensor, error);
}

static gboolean
parse_metadata (LstmSafetensors *st, JsonNode *node, GError **error)
{
  JsonObject *object = lstm_json_get_object (node);
  JsonObjectIter iter;
  const char *key;
  JsonNode *value;

  if (!object) {
    g_autofree char *found = lstm_json_describe (node);

    return set_format_error (
        st, NULL, error, "__metadata__: expected an object of strings, found %s", found);
  }
  json_object_iter_init_ordered (&iter, object);
  while (json_object_iter_next_ordered (&iter, &key, &value)) {
    const char *text = lstm_json_get_string (value);

    if (!text) {
      g_autofree char *found = lstm_json_describe (value);

      return set_format_error (
          st, NULL, error, "__metadata__: \"%s\": expected a string, found %s", key, found);
    }
    g_hash_table_insert (st->metadata, g_strdup (key), g_strdup (text));
  }
  return TRUE;
}

static int
compare_tensors (gconstpointer a, gconstpointer b)
{
  const LstmTensor *x = *(LstmTensor *const *) a, *y = *(LstmTensor *const *) b;

  if (x->begin != y->begin)
    return x->begin < y->begin ? -1 : 1;
  return (x->end > y->end) - (x->end < y->end); /* an empty tensor first */
}

/* Checks that the tensors fill the data from its first to its last byte without gap and overlap. */
static gboolean
locate_tensors (LstmSafetensors *st, GError **error)
{
  const guint8 *data = lstm_content_get_data (st->content);
  const gsize size = (gsize) (lstm_content_get_size (st->content) - st->data_begin);
  gsize at = 0;

  g_ptr_array_sort (st->tensors, compare_tensors);
  for (guint i = 0; i < st->tensors->len; i++) {
    LstmTensor *tensor = g_ptr_array_index (st->tensors, i);

    if (tensor->begin != at)
      return set_format_error (st, tensor->name, error,
          "expected data from byte %" G_GSIZE_FORMAT
          ", where the previous tensor ends, found data from byte %" G_GSIZE_FORMAT,
          at, tensor->begin);
    if (tensor->end > size)
      return set_format_error (st, tensor->name, error,
          "expected data up to byte %" G_GSIZE_FORMAT ", found %" G_GSIZE_FORMAT
          " bytes of data in the file",
          tensor->end, size);
    tensor->data = data ? data + st->data_begin + tensor->begin : NULL;
    at = tensor->end;
  }
  return at == size
         || set_format_error (st, NULL, error,
             "expected %" G_GSIZE_FORMAT
             " bytes of data, the size of all tensors, found %" G_GSIZE_FORMAT,
             at, size);
}

/* Sets @error to @cause with the code LSTM_ERROR_FILE, unless @cause is an error of liblstm. Returns:
 * FALSE */
static gboolean
set_read_error (GError *cause, GError **error)
{
  if (cause->domain != LSTM_ERROR) {
    cause->domain = LSTM_ERROR;
    cause->code = LSTM_ERROR_FILE;
  }
  g_propagate_error (error, cause);
  return FALSE;
}

static gboolean
read_bytes (const LstmSafetensors *st, guint64 offset, gsize n, gpointer to, GError **error)
{
  GError *cause = NULL;

  return lstm_content_read (st->content, offset, n, to, &cause)
         || set_read_error (cause, error);
}

/* Reads the length of the header. */
static gboolean
read_length (const LstmSafetensors *st, gsize *length, GError **error)
{
  const guint64 size = lstm_content_get_size (st->content);
  guint64 stored;

  if (!lstm_format_is_native (st->content)) {
    g_autofree char *found = lstm_format_describe (st->content);

    return set_format_error (st, NULL, error, "expected safetensors, found %s", found);
  }
  if (size < sizeof stored)
    return set_format_error (st, NULL, error,
        "expected at least %" G_GSIZE_FORMAT " bytes of safetensors, found %" G_GUINT64_FORMAT
        " bytes",
        sizeof stored, size);
  if (!read_bytes (st, 0, sizeof stored, &stored, error))
    return FALSE;
  stored = GUINT64_FROM_LE (stored);
  if (stored > MAX_HEADER || stored > size - sizeof stored)
    return set_format_error (st, NULL, error,
        "expected a header length of at most %d bytes that fits into the file of "
        "%" G_GUINT64_FORMAT " bytes, found %" G_GUINT64_FORMAT,
        MAX_HEADER, size, stored);
  *length = (gsize) stored;
  return TRUE;
}

/* Reads the header. Returns: (transfer full): its JSON text, or NULL with @error */
static char *
read_header (const LstmSafetensors *st, gsize *length, GError **error)
{
  g_autofree char *header = NULL;

  if (!read_length (st, length, error))
    return NULL;
  header = g_malloc (MAX (*length, 1));
  return read_bytes (st, sizeof (guint64), *length, header, error) ? g_steal_pointer (&header)
                                                                   : NULL;
}

static gboolean
parse_members (LstmSafetensors *st, JsonNode *root, GError **error)
{
  JsonObject *object = lstm_json_get_object (root);
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;

  if (!object) {
    g_autofree char *found = lstm_json_describe (root);

    return set_format_error (
        st, NULL, error, "header: expected a JSON object, found %s", found);
  }
  json_object_iter_init_ordered (&iter, object);
  while (json_object_iter_next_ordered (&iter, &name, &node)) {
    if (!(g_str_equal (name, "__metadata__") ? parse_metadata (st, node, error)
                                             : parse_tensor (st, name, node, error)))
      return FALSE;
  }
  return TRUE;
}

static gboolean
parse_file (LstmSafetensors *st, GError **error)
{
  g_autofree char *source = g_strdup_printf ("%s: header", st->file);
  g_autoptr (JsonNode) root = NULL;
  gsize length = 0;
  g_autofree char *header = read_header (st, &length, error);

  if (!header || !(root = lstm_json_parse (header, length, HEADER_DEPTH, source, error))
      || !parse_members (st, root, error))
    return FALSE;
  st->data_begin = sizeof (guint64) + length;
  return locate_tensors (st, error);
}

LstmSafetensors *
lstm_safetensors_new (LstmContent *content, const char *file, GError **error)
{
  g_autoptr (LstmSafetensors) st = g_new0 (LstmSafetensors, 1);

  st->file = g_strdup (file);
  st->content = lstm_content_ref (content);
  st->tensors = g_ptr_array_new_with_free_func (tensor_free);
  st->by_name = g_hash_table_new (g_str_hash, g_str_equal);
  st->metadata = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return parse_file (st, error) ? g_steal_pointer (&st) : NULL;
}

LstmSafetensors *
lstm_safetensors_new_from_bytes (GBytes *bytes, const char *file, GError **error)
{
  g_autoptr (LstmContent) content = lstm_content_new (bytes);

  return lstm_safetensors_new (content, file, error);
}

gboolean
lstm_safetensors_check (const LstmSafetensors *st, GError **error)
{
  GError *cause = NULL;

  return lstm_content_check (st->content, &cause) || set_read_error (cause, error);
}

LstmTensor *
lstm_safetensors_find (const LstmSafetensors *st, const char *name)
{
  return g_hash_table_lookup (st->by_name, name);
}

const LstmTensor *
lstm_safetensors_find_unused (const LstmSafetensors *st)
{
  for (guint i = 0; i < st->tensors->len; i++) {
    const LstmTensor *tensor = g_ptr_array_index (st->tensors, i);

    if (!tensor->is_used)
      return tensor;
  }
  return NULL;
}

LstmTensor *
lstm_safetensors_require (const LstmSafetensors *st, const char *name, guint n_dims,
    const gsize *shape, GError **error)
{
  LstmTensor *tensor = lstm_safetensors_find (st, name);
  g_autofree char *expected = lstm_text_shape (n_dims, shape);
  g_autofree char *found = tensor ? lstm_text_shape (tensor->n_dims, tensor->shape) : NULL;

  if (!tensor) {
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_TENSOR,
        "%s: expected a tensor \"%s\", found none of that name", st->file, name);
    return NULL;
  }
  if (tensor->dtype->convert != convert_f32) {
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_TENSOR,
        "%s: tensor \"%s\": expected F32, found %s", st->file, name, tensor->dtype->name);
    return NULL;
  }
  if (!g_str_equal (expected, found)) {
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_SHAPE,
        "%s: tensor \"%s\": expected shape %s, found %s", st->file, name, expected, found);
    return NULL;
  }
  tensor->is_used = TRUE;
  return tensor;
}

void
lstm_tensor_copy_values (const LstmTensor *tensor, gsize first, gsize n, float *values)
{
  const guint8 *data = tensor->data + first * sizeof *values;

  for (gsize i = 0; i < n; i++) {
    guint32 bits;

    memcpy (&bits, data + i * sizeof bits, sizeof bits);
    bits = GUINT32_FROM_LE (bits);
    memcpy (values + i, &bits, sizeof bits);
  }
}

gboolean
lstm_safetensors_open (
    const LstmSafetensors *st, LstmTensor *tensor, LstmArray *array, GError **error)
{
  const LstmDtype *dtype = tensor->dtype;

  if (!dtype->convert || tensor->n_dims > G_N_ELEMENTS (array->shape)) {
    g_autofree char *shape = lstm_text_shape (tensor->n_dims, tensor->shape);

    g_set_error (error, LSTM_ERROR, LSTM_ERROR_TENSOR,
        "%s: tensor \"%s\": expected F64, F32, F16 or BF16 and at most %u dimensions, found %s "
        "of shape %s",
        st->file, tensor->name, (guint) G_N_ELEMENTS (array->shape), dtype->name, shape);
    return FALSE;
  }
  *array = (LstmArray){
      .name = tensor->name, .n_dims = tensor->n_dims, .st = st, .tensor = tensor};
  memcpy (array->shape, tensor->shape, sizeof array->shape);
  lstm_digest_init (&array->digest);
  tensor->is_used = TRUE;
  return TRUE;
}

/* Sets @error for the first of the last @n values that were read that is not finite. Returns: FALSE */
static gboolean
refuse_infinite (const LstmArray *array, const float *values, gsize n, GError **error)
{
  gsize i = 0;

  while (i < n && isfinite (values[i]))
    i++;
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_VALUE,
      "%s: tensor \"%s\": expected finite float32 values, found %g at index %" G_GSIZE_FORMAT,
      array->st->file, array->name, (double) values[i], array->n_read - n + i);
  return FALSE;
}

/* Converts the next @n values of a tensor that is not in memory. float32 is read without a copy. */
static gboolean
read_values (const LstmArray *array, gsize n, float *values, GError **error)
{
  const LstmDtype *dtype = array->tensor->dtype;
  guint64 at = array->st->data_begin + array->tensor->begin + array->n_read * dtype->size;
  guint8 bytes[CHUNK];

  if (dtype->convert == convert_f32) {
    if (!read_bytes (array->st, at, n * dtype->size, values, error))
      return FALSE;
    if (G_BYTE_ORDER != G_LITTLE_ENDIAN)
      convert_f32 ((const guint8 *) values, n, values);
    return TRUE;
  }
  while (n > 0) {
    const gsize n_chunk = MIN (n, CHUNK / dtype->size);

    if (!read_bytes (array->st, at, n_chunk * dtype->size, bytes, error))
      return FALSE;
    dtype->convert (bytes, n_chunk, values);
    values += n_chunk;
    n -= n_chunk;
    at += n_chunk * dtype->size;
  }
  return TRUE;
}

gboolean
lstm_array_read_next (LstmArray *array, gsize n, float *values, GError **error)
{
  const LstmTensor *tensor = array->tensor;

  if (tensor->data)
    tensor->dtype->convert (tensor->data + array->n_read * tensor->dtype->size, n, values);
  else if (!read_values (array, n, values, error))
    return FALSE;
  array->n_read += n;
  if (!lstm_floats_are_finite (values, n))
    return refuse_infinite (array, values, n, error);
  lstm_digest_add (&array->digest, values, n);
  return TRUE;
}

gboolean
lstm_safetensors_read (
    const LstmSafetensors *st, LstmTensor *tensor, LstmArray *array, GError **error)
{
  gsize n;

  if (!lstm_safetensors_open (st, tensor, array, error))
    return FALSE;
  n = (tensor->end - tensor->begin) / tensor->dtype->size;
  array->values = g_try_new (float, MAX (n, 1));
  if (!array->values) {
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_MEMORY,
        "%s: tensor \"%s\": no memory for %" G_GSIZE_FORMAT " values", st->file, tensor->name,
        n);
    return FALSE;
  }
  if (lstm_array_read_next (array, n, array->values, error))
    return TRUE;
  g_clear_pointer (&array->values, g_free);
  return FALSE;
}
