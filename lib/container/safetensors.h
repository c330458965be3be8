/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Parser of safetensors files: named tensors and string metadata. The parser checks every rule of
 * the file format before a caller can see a tensor. */
#pragma once

#include "container/array.h"

#define LSTM_MAX_DIMS 8

typedef struct _LstmDtype LstmDtype;

typedef struct {
  char *name;
  const LstmDtype *dtype;
  guint n_dims;
  gsize shape[LSTM_MAX_DIMS];
  gsize begin, end;   /* in bytes from the start of the data */
  const guint8 *data; /* little-endian, owned by the file */
  gboolean is_used;   /* the model or the state needs the tensor */
} LstmTensor;

typedef struct {
  char *file; /* the name that error messages begin with */
  GBytes *bytes;
  GPtrArray *tensors;   /* LstmTensor, by offset */
  GHashTable *by_name;  /* name → LstmTensor, not owned */
  GHashTable *metadata; /* string → string */
} LstmSafetensors;

/* Parses the safetensors file @bytes. Error messages begin with @file.
 * Returns: (transfer full): NULL with LSTM_ERROR_FORMAT */
LstmSafetensors *lstm_safetensors_new (GBytes *bytes, const char *file, GError **error);
void lstm_safetensors_free (LstmSafetensors *st);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LstmSafetensors, lstm_safetensors_free)

/* Returns: (transfer none) (nullable): the tensor that is called @name */
LstmTensor *lstm_safetensors_find (const LstmSafetensors *st, const char *name);

/* Returns: (transfer none) (nullable): the first tensor that is not marked as used */
const LstmTensor *lstm_safetensors_find_unused (const LstmSafetensors *st);

/* Finds a float32 tensor whose shape is exactly @shape, and marks the tensor as used.
 * Returns: (transfer none): NULL with LSTM_ERROR_TENSOR or LSTM_ERROR_SHAPE */
LstmTensor *lstm_safetensors_require (const LstmSafetensors *st, const char *name, guint n_dims,
    const gsize *shape, GError **error);

/* Copies the values [@first, @first + @n) of a float32 tensor bit for bit. NaN and infinity are
 * allowed. */
void lstm_tensor_copy_values (const LstmTensor *tensor, gsize first, gsize n, float *values);

/* Converts a tensor of at most two dimensions to float32 and marks it as used. The caller frees
 * array->values with g_free(). Returns FALSE with LSTM_ERROR_TENSOR, _VALUE or _MEMORY if the
 * tensor has more dimensions, another type than F64, F32, F16 or BF16, or a value that is not
 * finite. */
gboolean lstm_safetensors_read (
    const LstmSafetensors *st, LstmTensor *tensor, LstmArray *array, GError **error);
