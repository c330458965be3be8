/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "container/digest.h"

struct _LstmSafetensors;
struct _LstmTensor;

/* The float32 values of a tensor, row-major. n_dims is 0 for a single value. Without @values, the
 * values are in the file, and lstm_array_read_next() reads them. */
typedef struct {
  const char *name; /* for messages */
  guint n_dims;
  gsize shape[2];
  float *values; /* nullable */
  const struct _LstmSafetensors *st;
  const struct _LstmTensor *tensor;
  gsize n_read;      /* values that were read */
  LstmDigest digest; /* of these values */
} LstmArray;
