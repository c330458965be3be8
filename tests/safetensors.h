/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Writes safetensors files in memory, also malformed ones. */
#pragma once

#include <glib.h>

typedef struct {
  GString *header; /* JSON without the final brace */
  GByteArray *data;
} TestSafetensors;

/* Begins a file. @metadata: (nullable): the JSON of __metadata__ */
TestSafetensors test_safetensors_begin (const char *metadata);

/* Appends a float32 tensor. @values: (nullable): row-major; NULL for zeros */
void test_safetensors_add (TestSafetensors *st, const char *name, guint n_dims,
    const gsize *shape, const float *values);

/* Frees @st. Returns: (transfer full): the file */
GBytes *test_safetensors_finish (TestSafetensors *st);

/* Returns: (transfer full): a file of the JSON text @header and @size bytes of data. @data:
 * (nullable): NULL for zeros */
GBytes *test_safetensors_join (const char *header, const void *data, gsize size);
