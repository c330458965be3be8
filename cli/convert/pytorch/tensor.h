/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tensors of PyTorch: a shape, and strides in a storage. */
#pragma once

#include "container/safetensors.h"
#include "pytorch/torch-file.h"

typedef struct {
  const TorchType *type;
  TorchStorage storage;
  guint n_dims;
  gsize shape[LSTM_MAX_DIMS], strides[LSTM_MAX_DIMS]; /* in numbers */
  gsize offset;                                       /* of the first number */
  gsize n;                                            /* numbers */
} TorchTensor;

/* Returns whether @value, which may be NULL, is a tensor or a parameter. */
gboolean torch_is_tensor (const PickleValue *value);

/* Returns the number of dimensions of @value, for which torch_is_tensor() is TRUE; 0 if the record
 * does not show it. */
guint torch_count_dims (const PickleValue *value);

/* Parses @value, for which torch_is_tensor() is TRUE. @name: for messages. */
gboolean torch_tensor_parse (const TorchFile *file, const char *name, const PickleValue *value,
    TorchTensor *tensor, GError **error);

/* Returns: (transfer full): the numbers as float32, row-major; NULL with @error if the type is
 * not supported, or a number lies outside of the storage */
float *torch_tensor_read (
    TorchFile *file, const char *name, const TorchTensor *tensor, GError **error);
