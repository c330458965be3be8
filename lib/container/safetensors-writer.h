/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* A float32 tensor that the caller owns */
typedef struct {
  const char *name;
  guint n_dims;
  const gsize *shape;
  const float *values; /* row-major */
} LstmTensorView;

/* Writes a safetensors file of @n_tensors float32 tensors, bit for bit. @metadata alternates keys
 * and values and ends with NULL. Returns: (transfer full): the file */
GBytes *lstm_safetensors_write (
    const char *const *metadata, const LstmTensorView *tensors, gsize n_tensors);
