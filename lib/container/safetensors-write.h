/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

typedef struct {
  const char *name;
  guint n_dims;
  const gsize *shape;
  const float *values; /* row-major */
} LstmStored;

/* The safetensors file of float32 tensors, whose bits stay what they are. @metadata: names and
 * values in turn, NULL at the end. */
GBytes *lstm_safetensors_write (
    const char *const *metadata, const LstmStored *tensors, gsize n_tensors);
