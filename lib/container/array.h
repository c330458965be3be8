/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* The float32 values of a tensor, row-major. n_dims is 0 for a single value. */
typedef struct {
  const char *name; /* for messages */
  guint n_dims;
  gsize shape[2];
  float *values;
} LstmArray;
