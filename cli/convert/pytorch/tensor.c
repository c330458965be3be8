/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pytorch/tensor.h"
#include "util/text.h"
#include <string.h>

#define MAX_WRAPPERS 8 /* records around a tensor, such as a parameter's */

/* A call of a function of PyTorch */
typedef struct {
  const PickleValue *function, *args;
} Call;

/* Functions of PyTorch that return a tensor, and the index of the tensor in their arguments */
static const struct {
  const char *name;
  guint tensor;
} wrappers[] = {
    {"torch._utils._rebuild_parameter", 0},
    {"torch._utils._rebuild_parameter_with_state", 0},
    {"torch.nn.parameter.Parameter", 0},
    {"torch.nn.parameter.Buffer", 0},
};

/* Functions of PyTorch that make a tensor of a storage. The arguments are the storage, the offset,
 * the shape and the strides. */
static const struct {
  const char *name;
  guint metadata; /* index of an argument that must be missing or empty */
  guint type;     /* index of the type; 0: the storage has the type */
} builders[] = {
    {"torch._utils._rebuild_tensor", 4, 0},
    {"torch._utils._rebuild_tensor_v2", 6, 0},
    {"torch._utils._rebuild_tensor_v3", 7, 6},
};

/* Functions of PyTorch that make tensors of other kinds */
static const struct {
  const char *name, *kind;
} unsupported[] = {
    {"torch._utils._rebuild_qtensor", "quantized"},
    {"torch._utils._rebuild_sparse_tensor", "sparse"},
    {"torch._utils._rebuild_sparse_csr_tensor", "sparse"},
    {"torch._utils._rebuild_nested_tensor", "nested"},
    {"torch._utils._rebuild_meta_tensor_no_storage", "without numbers (meta)"},
    {"torch._utils._rebuild_device_tensor_from_numpy", "in a NumPy array"},
    {"torch._utils._rebuild_device_tensor_from_cpu_tensor", "of another device"},
    {"torch._utils._rebuild_xla_tensor", "in a NumPy array"},
    {"torch._utils._rebuild_wrapper_subclass", "of a custom class"},
};

/* Sets @call to the call that @value records. Returns FALSE if @value is no record. */
static gboolean
get_call (const PickleValue *value, Call *call)
{
  if (!value || value->kind != PICKLE_OBJECT)
    return FALSE;
  call->function = value->callable;
  call->args = value->args;
  if (!pickle_is_global (call->function, "torch._tensor._rebuild_from_type_v2"))
    return TRUE;
  /* The arguments are a function, the class of the result, and the arguments of the function. */
  call->function = pickle_get_item (value->args, 0);
  call->args = pickle_get_item (value->args, 2);
  return TRUE;
}

/* Sets @call to the call that makes the tensor of @value, without the calls around it. */
static gboolean
get_tensor_call (const PickleValue *value, Call *call)
{
  for (guint depth = 0; depth < MAX_WRAPPERS && get_call (value, call); depth++) {
    guint i = 0;

    while (i < G_N_ELEMENTS (wrappers) && !pickle_is_global (call->function, wrappers[i].name))
      i++;
    if (i == G_N_ELEMENTS (wrappers))
      return TRUE;
    value = pickle_get_item (call->args, wrappers[i].tensor);
  }
  return FALSE;
}

gboolean
torch_is_tensor (const PickleValue *value)
{
  Call call;

  if (!get_tensor_call (value, &call))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (builders); i++)
    if (pickle_is_global (call.function, builders[i].name))
      return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (unsupported); i++)
    if (pickle_is_global (call.function, unsupported[i].name))
      return TRUE;
  return FALSE;
}

guint
torch_count_dims (const PickleValue *value)
{
  Call call;

  return get_tensor_call (value, &call) ? pickle_count (pickle_get_item (call.args, 2)) : 0;
}

/* Reads a tuple of sizes. */
static gboolean
read_sizes (const PickleValue *tuple, guint *n, gsize *sizes)
{
  *n = pickle_count (tuple);
  if (!tuple || tuple->kind != PICKLE_TUPLE || *n > LSTM_MAX_DIMS)
    return FALSE;
  for (guint i = 0; i < *n; i++) {
    const PickleValue *size = pickle_get_item (tuple, i);

    if (size->kind != PICKLE_INT || size->integer < 0 || size->integer > G_MAXINT32)
      return FALSE;
    sizes[i] = (gsize) size->integer;
  }
  return TRUE;
}

/* Counts the numbers. Returns FALSE if a number lies outside of the storage. */
static gboolean
check_bounds (TorchTensor *tensor, gsize n_stored)
{
  gsize last = tensor->offset;

  tensor->n = 1;
  for (guint i = 0; i < tensor->n_dims; i++)
    if (!g_size_checked_mul (&tensor->n, tensor->n, tensor->shape[i]))
      return FALSE;
  for (guint i = 0; i < tensor->n_dims && tensor->n > 0; i++)
    if (!g_size_checked_add (&last, last, (tensor->shape[i] - 1) * tensor->strides[i]))
      return FALSE;
  return tensor->n == 0 || last < n_stored;
}

static gboolean
parse_sizes (const TorchFile *file, const char *name, const PickleValue *args,
    TorchTensor *tensor, GError **error)
{
  const PickleValue *offset = pickle_get_item (args, 1);
  gsize n_stored = tensor->storage.n;
  guint n_strides;
  g_autofree char *shape = NULL, *strides = NULL, *found = NULL;

  if (!offset || offset->kind != PICKLE_INT || offset->integer < 0
      || offset->integer > G_MAXSSIZE / 64
      || !read_sizes (pickle_get_item (args, 2), &tensor->n_dims, tensor->shape)
      || !read_sizes (pickle_get_item (args, 3), &n_strides, tensor->strides)
      || n_strides != tensor->n_dims) {
    found = pickle_describe (args);
    return torch_file_fail (file, CONVERT_ERROR_FILE, error,
        "tensor \"%s\": expected an offset, and a shape and strides of at most %d dimensions, "
        "found %s",
        name, LSTM_MAX_DIMS, found);
  }
  tensor->offset = (gsize) offset->integer;
  if (!tensor->storage.type)
    n_stored /= tensor->type->size;
  if (check_bounds (tensor, n_stored))
    return TRUE;
  shape = lstm_text_shape (tensor->n_dims, tensor->shape);
  strides = lstm_text_shape (tensor->n_dims, tensor->strides);
  return torch_file_fail (file, CONVERT_ERROR_FILE, error,
      "tensor \"%s\": expected a tensor within its storage of %" G_GSIZE_FORMAT
      " numbers, found shape %s, strides %s and offset %" G_GSIZE_FORMAT,
      name, n_stored, shape, strides, tensor->offset);
}

gboolean
torch_tensor_parse (const TorchFile *file, const char *name, const PickleValue *value,
    TorchTensor *tensor, GError **error)
{
  const PickleValue *metadata = NULL;
  guint type = 0;
  Call call = {0};

  get_tensor_call (value, &call);
  for (guint i = 0; i < G_N_ELEMENTS (unsupported); i++)
    if (pickle_is_global (call.function, unsupported[i].name))
      return torch_file_fail (file, CONVERT_ERROR_UNSUPPORTED, error,
          "tensor \"%s\": expected a dense tensor, found one that is %s", name,
          unsupported[i].kind);
  for (guint i = 0; i < G_N_ELEMENTS (builders); i++) {
    if (!pickle_is_global (call.function, builders[i].name))
      continue;
    metadata = pickle_get_item (call.args, builders[i].metadata);
    type = builders[i].type;
  }
  if (metadata && metadata->kind != PICKLE_NONE
      && !(metadata->kind == PICKLE_DICT && metadata->items->len == 0))
    return torch_file_fail (file, CONVERT_ERROR_UNSUPPORTED, error,
        "tensor \"%s\": metadata: expected none, found a negated or conjugated view", name);
  if (!torch_storage_parse (file, pickle_get_item (call.args, 0), &tensor->storage, error))
    return FALSE;
  tensor->type = type ? torch_type_find (pickle_get_item (call.args, type))
                      : tensor->storage.type;
  if (!tensor->type)
    return torch_file_fail (file, CONVERT_ERROR_UNSUPPORTED, error,
        "tensor \"%s\": type: expected a type of PyTorch, found none", name);
  return parse_sizes (file, name, call.args, tensor, error);
}

/* Converts the rows of the last dimension, from the first number at @from on. Returns the end of
 * the numbers. */
static float *
read_dimension (const TorchTensor *tensor, guint dim, const guint8 *from, float *to)
{
  const gsize size = tensor->type->size;

  if (dim + 1 >= tensor->n_dims) {
    const gsize n = tensor->n_dims ? tensor->shape[dim] : 1;

    tensor->type->convert (from, tensor->n_dims ? tensor->strides[dim] : 0, to, n);
    return to + n;
  }
  for (gsize i = 0; i < tensor->shape[dim]; i++, from += tensor->strides[dim] * size)
    to = read_dimension (tensor, dim + 1, from, to);
  return to;
}

float *
torch_tensor_read (TorchFile *file, const char *name, const TorchTensor *tensor, GError **error)
{
  GBytes *bytes;
  const guint8 *data;
  gsize size, first = tensor->storage.offset + tensor->offset;
  float *values;

  if (!tensor->type->convert) {
    torch_file_fail (file, CONVERT_ERROR_UNSUPPORTED, error,
        "tensor \"%s\": type: expected float64, float32, float16 or bfloat16, found %s", name,
        tensor->type->name);
    return NULL;
  }
  if (!(bytes = torch_file_get_storage (file, tensor->storage.key, error)))
    return NULL;
  data = g_bytes_get_data (bytes, &size);
  if (tensor->storage.n > size
      || (tensor->storage.offset + tensor->storage.n)
                 * (tensor->storage.type ? tensor->type->size : 1)
             > size) {
    torch_file_fail (file, CONVERT_ERROR_FILE, error,
        "tensor \"%s\": storage \"%s\": expected %" G_GSIZE_FORMAT
        " numbers of type %s, found %" G_GSIZE_FORMAT " bytes",
        name, tensor->storage.key, tensor->storage.offset + tensor->storage.n,
        tensor->type->name, size);
    return NULL;
  }
  values = g_try_new (float, MAX (tensor->n, 1));
  if (!values)
    torch_file_fail (file, CONVERT_ERROR_FILE, error,
        "tensor \"%s\": expected memory for %" G_GSIZE_FORMAT " numbers, found too little",
        name, tensor->n);
  else if (tensor->n > 0)
    read_dimension (tensor, 0, data + first * tensor->type->size, values);
  return values;
}
