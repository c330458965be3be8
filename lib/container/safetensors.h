/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The container: names, types and shapes of tensors, and a map of strings. Every rule of the
 * format is checked before a tensor can be seen. */
#pragma once

#include "model/builder.h"

#define LSTM_MAX_DIMS 8

typedef struct _LstmDtype LstmDtype;

typedef struct {
  char *name;
  const LstmDtype *dtype;
  guint n_dims;
  gsize shape[LSTM_MAX_DIMS];
  gsize begin, end; /* bytes from the start of the data */
  const guint8 *data;
  gboolean used;
} LstmTensor;

typedef struct {
  char *file;
  GBytes *bytes;
  GPtrArray *tensors;   /* LstmTensor, by offset */
  GHashTable *by_name;  /* name → LstmTensor, not owned */
  GHashTable *metadata; /* string → string */
} LstmSafetensors;

/* Returns: (transfer full): NULL with LSTM_ERROR_FORMAT or LSTM_ERROR_TENSOR. @file is what
 * messages begin with. */
LstmSafetensors *lstm_safetensors_new (GBytes *bytes, const char *file, GError **error);
void lstm_safetensors_free (LstmSafetensors *st);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LstmSafetensors, lstm_safetensors_free)

/* Returns: (transfer none) (nullable) */
LstmTensor *lstm_safetensors_find (const LstmSafetensors *st, const char *name);

/* Returns: (transfer none) (nullable): a tensor that nothing has read, or NULL */
const LstmTensor *lstm_safetensors_find_unused (const LstmSafetensors *st);

/* A tensor that has to be there, of exactly this shape and F32, and marks it used.
 * Returns: (transfer none): the tensor, or NULL with @error */
LstmTensor *lstm_safetensors_expect (const LstmSafetensors *st, const char *name, guint n_dims,
    const gsize *shape, GError **error);

/* Values [first, first + n) of a tensor of lstm_safetensors_expect(), bit for bit: these may be
 * NaN or infinite. */
void lstm_tensor_get_values (const LstmTensor *tensor, gsize first, gsize n, float *values);

/* Reads a tensor of at most two dimensions as float32 and marks it used. FALSE if its type is
 * not a floating-point one or a value is not finite. Free array->values with g_free(). */
gboolean lstm_safetensors_read (
    const LstmSafetensors *st, LstmTensor *tensor, LstmArray *array, GError **error);
