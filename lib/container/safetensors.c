/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "container/safetensors.h"
#include "load/formats.h"
#include "container/json.h"
#include "util/small-floats.h"
#include "util/text.h"
#include <math.h>
#include <string.h>

#define MAX_HEADER 100000000 /* bytes, the format's own limit */
#define HEADER_DEPTH 3       /* { name: { "shape": [ … ] } } */

struct _LstmDtype {
  const char *name;
  gsize size;                          /* bytes */
  float (*read) (const guint8 *value); /* little endian to float; NULL: not for weights */
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

static const LstmDtype dtypes[] = {
    {"F64", 8, read_f64},
    {"F32", 4, read_f32},
    {"F16", 2, read_f16},
    {"BF16", 2, read_bf16},
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
  g_bytes_unref (st->bytes);
  g_free (st->file);
  g_free (st);
}

static gboolean fail (const LstmSafetensors *st, const char *tensor, GError **error,
    const char *format, ...) G_GNUC_PRINTF (4, 5);

static gboolean
fail (const LstmSafetensors *st, const char *tensor, GError **error, const char *format, ...)
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
  const char *name = node && JSON_NODE_HOLDS_VALUE (node) ? json_node_get_string (node) : NULL;

  for (guint i = 0; name && i < G_N_ELEMENTS (dtypes); i++)
    if (g_str_equal (name, dtypes[i].name))
      tensor->dtype = &dtypes[i];
  return tensor->dtype
         || fail (st, tensor->name, error, "expected a dtype of safetensors, found '%s'",
             name ? name : "nothing");
}

/* Fills an array of sizes; -1 unless @node is an array of at most @max of them. */
static int
parse_sizes (JsonNode *node, gsize *sizes, guint max)
{
  JsonArray *array = node && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
  guint n = array ? json_array_get_length (array) : max + 1;

  if (n > max)
    return -1;
  for (guint i = 0; i < n; i++)
    if (!lstm_json_get_size (json_array_get_element (array, i), &sizes[i]))
      return -1;
  return (int) n;
}

static gboolean
parse_tensor (LstmSafetensors *st, const char *name, JsonNode *node, GError **error)
{
  LstmTensor *tensor = g_new0 (LstmTensor, 1);
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  gsize offsets[2], bytes;
  int n_dims;

  tensor->name = g_strdup (name);
  g_ptr_array_add (st->tensors, tensor);
  g_hash_table_insert (st->by_name, tensor->name, tensor);
  if (!object || json_object_get_size (object) != 3)
    return fail (st, name, error, "expected an object of dtype, shape and data_offsets");
  if (!parse_dtype (st, tensor, json_object_get_member (object, "dtype"), error))
    return FALSE;
  n_dims = parse_sizes (json_object_get_member (object, "shape"), tensor->shape, LSTM_MAX_DIMS);
  if (n_dims < 0)
    return fail (st, name, error, "expected a shape of at most %d sizes", LSTM_MAX_DIMS);
  tensor->n_dims = (guint) n_dims;
  if (parse_sizes (json_object_get_member (object, "data_offsets"), offsets, 2) != 2
      || offsets[0] > offsets[1])
    return fail (st, name, error, "expected data_offsets [begin, end]");
  tensor->begin = offsets[0];
  tensor->end = offsets[1];

  bytes = tensor->dtype->size;
  for (guint i = 0; i < tensor->n_dims; i++)
    if (!g_size_checked_mul (&bytes, bytes, tensor->shape[i]))
      return fail (st, name, error, "the shape is more than memory can hold");
  if (bytes != tensor->end - tensor->begin)
    return fail (st, name, error,
        "expected %" G_GSIZE_FORMAT
        " bytes by shape and dtype, found data_offsets of %" G_GSIZE_FORMAT,
        bytes, tensor->end - tensor->begin);
  return TRUE;
}

static gboolean
parse_metadata (LstmSafetensors *st, JsonNode *node, GError **error)
{
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  JsonObjectIter iter;
  const char *key;
  JsonNode *value;

  if (!object)
    return fail (st, NULL, error, "__metadata__: expected an object of strings");
  json_object_iter_init_ordered (&iter, object);
  while (json_object_iter_next_ordered (&iter, &key, &value)) {
    if (!JSON_NODE_HOLDS_VALUE (value) || json_node_get_value_type (value) != G_TYPE_STRING)
      return fail (st, NULL, error, "__metadata__: expected a string for \"%s\"", key);
    g_hash_table_insert (st->metadata, g_strdup (key), g_strdup (json_node_get_string (value)));
  }
  return TRUE;
}

static int
compare_tensors (gconstpointer a, gconstpointer b)
{
  const LstmTensor *x = *(LstmTensor *const *) a, *y = *(LstmTensor *const *) b;

  if (x->begin != y->begin)
    return x->begin < y->begin ? -1 : 1;
  return (x->end > y->end) - (x->end < y->end); /* an empty tensor before what follows it */
}

/* Tensors must lie one behind the other, from the data's first byte to its last. */
static gboolean
place_tensors (LstmSafetensors *st, const guint8 *data, gsize size, GError **error)
{
  gsize at = 0;

  g_ptr_array_sort (st->tensors, compare_tensors);
  for (guint i = 0; i < st->tensors->len; i++) {
    LstmTensor *tensor = g_ptr_array_index (st->tensors, i);

    if (tensor->begin != at)
      return fail (st, tensor->name, error,
          "expected data from byte %" G_GSIZE_FORMAT
          " on, where the tensor before ends, found %" G_GSIZE_FORMAT,
          at, tensor->begin);
    if (tensor->end > size)
      return fail (st, tensor->name, error,
          "expected data up to byte %" G_GSIZE_FORMAT ", found a file of %" G_GSIZE_FORMAT
          " bytes of data",
          tensor->end, size);
    tensor->data = data + tensor->begin;
    at = tensor->end;
  }
  return at == size
         || fail (st, NULL, error,
             "expected %" G_GSIZE_FORMAT " bytes of tensors, found %" G_GSIZE_FORMAT, at, size);
}

static gboolean
parse (LstmSafetensors *st, GError **error)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (st->bytes, &size);
  g_autofree char *what = g_strdup_printf ("%s: header", st->file);
  g_autoptr (JsonNode) root = NULL;
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;
  guint64 header;

  if (!lstm_format_is_safetensors (data, size)) {
    g_autofree char *found = lstm_format_describe (data, size, st->file);

    return fail (st, NULL, error, "expected safetensors, found %s", found);
  }
  if (size < sizeof header)
    return fail (
        st, NULL, error, "expected a safetensors file, found %" G_GSIZE_FORMAT " bytes", size);
  memcpy (&header, data, sizeof header);
  header = GUINT64_FROM_LE (header);
  if (header > MAX_HEADER || header > size - sizeof header)
    return fail (st, NULL, error,
        "expected a header length of at most %d and inside the file's %" G_GSIZE_FORMAT
        " bytes, found %" G_GUINT64_FORMAT,
        MAX_HEADER, size, header);
  root = lstm_json_parse (
      (const char *) data + sizeof header, (gsize) header, HEADER_DEPTH, what, error);
  if (!root)
    return FALSE;
  if (!JSON_NODE_HOLDS_OBJECT (root))
    return fail (st, NULL, error, "header: expected a JSON object");

  json_object_iter_init_ordered (&iter, json_node_get_object (root));
  while (json_object_iter_next_ordered (&iter, &name, &node)) {
    if (!(g_str_equal (name, "__metadata__") ? parse_metadata (st, node, error)
                                             : parse_tensor (st, name, node, error)))
      return FALSE;
  }
  return place_tensors (
      st, data + sizeof header + header, size - sizeof header - (gsize) header, error);
}

LstmSafetensors *
lstm_safetensors_new (GBytes *bytes, const char *file, GError **error)
{
  g_autoptr (LstmSafetensors) st = g_new0 (LstmSafetensors, 1);

  st->file = g_strdup (file);
  st->bytes = g_bytes_ref (bytes);
  st->tensors = g_ptr_array_new_with_free_func (tensor_free);
  st->by_name = g_hash_table_new (g_str_hash, g_str_equal);
  st->metadata = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return parse (st, error) ? g_steal_pointer (&st) : NULL;
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

    if (!tensor->used)
      return tensor;
  }
  return NULL;
}

LstmTensor *
lstm_safetensors_expect (const LstmSafetensors *st, const char *name, guint n_dims,
    const gsize *shape, GError **error)
{
  LstmTensor *tensor = lstm_safetensors_find (st, name);
  g_autofree char *wanted = lstm_text_shape (n_dims, shape);
  g_autofree char *found = tensor ? lstm_text_shape (tensor->n_dims, tensor->shape) : NULL;

  if (!tensor) {
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_TENSOR,
        "%s: expected a tensor \"%s\", found none of that name", st->file, name);
    return NULL;
  }
  if (tensor->dtype->read != read_f32) {
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_TENSOR,
        "%s: tensor \"%s\": expected F32, found %s", st->file, name, tensor->dtype->name);
    return NULL;
  }
  if (!g_str_equal (wanted, found)) {
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_SHAPE,
        "%s: tensor \"%s\": expected shape %s, found %s", st->file, name, wanted, found);
    return NULL;
  }
  tensor->used = TRUE;
  return tensor;
}

void
lstm_tensor_get_values (const LstmTensor *tensor, gsize first, gsize n, float *values)
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
lstm_safetensors_read (
    const LstmSafetensors *st, LstmTensor *tensor, LstmArray *array, GError **error)
{
  const LstmDtype *dtype = tensor->dtype;
  gsize n = (tensor->end - tensor->begin) / dtype->size;

  if (!dtype->read || tensor->n_dims > G_N_ELEMENTS (array->shape)) {
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_TENSOR,
        "%s: tensor \"%s\": expected F64, F32, F16 or BF16 and at most 2 dimensions, found %s "
        "and %u",
        st->file, tensor->name, dtype->name, tensor->n_dims);
    return FALSE;
  }
  *array = (LstmArray){.name = tensor->name, .n_dims = tensor->n_dims};
  memcpy (array->shape, tensor->shape, sizeof array->shape);
  array->values = g_try_new (float, MAX (n, 1));
  if (!array->values) {
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_MEMORY,
        "%s: tensor \"%s\": no memory for %" G_GSIZE_FORMAT " values", st->file, tensor->name,
        n);
    return FALSE;
  }
  tensor->used = TRUE;
  for (gsize i = 0; i < n; i++) {
    array->values[i] = dtype->read (tensor->data + i * dtype->size);
    if (!isfinite (array->values[i])) {
      g_set_error (error, LSTM_ERROR, LSTM_ERROR_VALUE,
          "%s: tensor \"%s\": expected finite float32 values, found %g at index "
          "%" G_GSIZE_FORMAT,
          st->file, tensor->name, (double) array->values[i], i);
      g_clear_pointer (&array->values, g_free);
      return FALSE;
    }
  }
  return TRUE;
}
