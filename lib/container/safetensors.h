/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Parser of safetensors files: named tensors and string metadata. The parser checks every rule of
 * the file format before a caller can see a tensor. */
#pragma once

#include "container/array.h"
#include "util/content.h"

#define LSTM_MAX_DIMS 8

typedef struct _LstmDtype LstmDtype;

typedef struct _LstmTensor {
  char *name;
  const LstmDtype *dtype;
  guint n_dims;
  gsize shape[LSTM_MAX_DIMS];
  gsize begin, end;   /* in bytes from the start of the data */
  const guint8 *data; /* little-endian, owned by the content; NULL if it is not in memory */
  gboolean is_used;   /* the model or the state needs the tensor */
} LstmTensor;

typedef struct _LstmSafetensors {
  char *file; /* the name that error messages begin with */
  LstmContent *content;
  guint64 data_begin;   /* offset of the data in the content */
  GPtrArray *tensors;   /* LstmTensor, by offset */
  GHashTable *by_name;  /* name → LstmTensor, not owned */
  GHashTable *metadata; /* string → string */
} LstmSafetensors;

/* Parses the header of the safetensors file @content, whose data stays there. Error messages begin
 * with @file.
 * Returns: (transfer full): NULL with LSTM_ERROR_FORMAT or LSTM_ERROR_FILE */
LstmSafetensors *lstm_safetensors_new (LstmContent *content, const char *file, GError **error);

/* Parses the safetensors file @bytes like lstm_safetensors_new(). */
LstmSafetensors *lstm_safetensors_new_from_bytes (
    GBytes *bytes, const char *file, GError **error);

void lstm_safetensors_free (LstmSafetensors *st);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LstmSafetensors, lstm_safetensors_free)

/* Checks that the content did not change since it was opened; see lstm_content_check(). Returns FALSE
 * with @error. */
gboolean lstm_safetensors_check (const LstmSafetensors *st, GError **error);

/* Returns: (transfer none) (nullable): the tensor that is called @name */
LstmTensor *lstm_safetensors_find (const LstmSafetensors *st, const char *name);

/* Returns: (transfer none) (nullable): the first tensor that is not marked as used */
const LstmTensor *lstm_safetensors_find_unused (const LstmSafetensors *st);

/* Finds a float32 tensor whose shape is exactly @shape, and marks the tensor as used.
 * Returns: (transfer none): NULL with LSTM_ERROR_TENSOR or LSTM_ERROR_SHAPE */
LstmTensor *lstm_safetensors_require (const LstmSafetensors *st, const char *name, guint n_dims,
    const gsize *shape, GError **error);

/* Copies the values [@first, @first + @n) of a float32 tensor in memory bit for bit. NaN and infinity
 * are allowed. */
void lstm_tensor_copy_values (const LstmTensor *tensor, gsize first, gsize n, float *values);

/* Describes a tensor of at most two dimensions in @array without reading its values, and marks the
 * tensor as used. Returns FALSE with LSTM_ERROR_TENSOR if the tensor has more dimensions, or another
 * type than F64, F32, F16 or BF16. */
gboolean lstm_safetensors_open (
    const LstmSafetensors *st, LstmTensor *tensor, LstmArray *array, GError **error);

/* Converts the next @n values of the tensor of @array to float32. Returns FALSE with
 * LSTM_ERROR_VALUE if a value is not finite, or with an error of the content. */
gboolean lstm_array_read_next (LstmArray *array, gsize n, float *values, GError **error);

/* Opens a tensor like lstm_safetensors_open() and reads all values. The caller frees array->values
 * with g_free(). Returns FALSE also with LSTM_ERROR_VALUE or _MEMORY. */
gboolean lstm_safetensors_read (
    const LstmSafetensors *st, LstmTensor *tensor, LstmArray *array, GError **error);
