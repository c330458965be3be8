/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#define TEST_MAX_DIMS 4

/* Values of a .npy file as NumPy writes it (version 1, C order; f4, f8, i4 or u1), as float32. */
typedef struct {
  guint n_dims;
  gsize shape[TEST_MAX_DIMS];
  gsize n; /* product of the shape */
  float *values;
} TestArray;

/* Aborts the test if the file is not of that kind. @file: in @dir, or NULL if @dir is its path. */
TestArray test_array_load (const char *dir, const char *file);
void test_array_clear (TestArray *array);

/* As test_array_load(), of a file whose axes are @axes, outermost first: some of B streams, T steps,
 * L directions or LSTM layers, N features. Becomes [B, T, L N], of what is missing one. */
TestArray test_array_load_axes (const char *dir, const char *file, const char *axes);

/* Returns: (transfer full) (nullable): the text of a file in @dir without its last line break; NULL if
 * there is none */
char *test_read_text (const char *dir, const char *file);

/* [bs, steps, n], zero */
TestArray test_array_new (gsize bs, gsize steps, gsize n);

/* Worst |got - expected| / max (1, |expected|), infinite where exactly one of them is NaN. */
double test_error (const float *got, const float *expected, gsize n);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TestArray, test_array_clear)
