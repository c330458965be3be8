/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/content.h"

/* Little-endian float32 values in a file */
typedef struct {
  LstmContent *content;
  guint64 offset; /* in bytes */
  gsize n;        /* values */
} LstmTensorPart;

/* A float32 tensor that the caller owns */
typedef struct {
  const char *name;
  guint n_dims;
  const gsize *shape;
  const float *values; /* row-major; NULL: the tensor consists of @parts */
  const LstmTensorPart *parts;
  guint n_parts;
} LstmTensorView;

/* Writes the next @n bytes of a file. Returns FALSE with @error. */
typedef gboolean (*LstmWrite) (gpointer target, const void *data, gsize n, GError **error);

/* Returns: (transfer full): the beginning of a safetensors file of @n_tensors float32 tensors.
 * @metadata alternates keys and values and ends with NULL. @size: set to the bytes of all tensors,
 * which follow in the order of @tensors */
GBytes *lstm_safetensors_write_header (
    const char *const *metadata, const LstmTensorView *tensors, gsize n_tensors, guint64 *size);

/* Writes the values of a tensor bit for bit, those of a file block by block. Returns FALSE with
 * @error. */
gboolean lstm_safetensors_write_tensor (
    const LstmTensorView *tensor, LstmWrite write, gpointer target, GError **error);

/* Writes a safetensors file of tensors in memory. Returns: (transfer full): the file */
GBytes *lstm_safetensors_write (
    const char *const *metadata, const LstmTensorView *tensors, gsize n_tensors);
