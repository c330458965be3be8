/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#define TEST_MAX_DIMS 4

/* Values of a .npy file that NumPy wrote (version 1, C order; f4, f8, i4 or u1), converted to
 * float32 */
typedef struct {
  guint n_dims;
  gsize shape[TEST_MAX_DIMS];
  gsize n; /* product of the shape */
  float *values;
} TestArray;

/* Loads a file. Aborts the test if the file has another format.
 * @file: (nullable): name of a file in @dir; NULL if @dir is the path of the file */
TestArray test_array_load (const char *dir, const char *file);
void test_array_clear (TestArray *array);

/* Loads a file as test_array_load() and reorders it to (B, T, L N).
 * @axes: the axes of the file, outermost first: B streams, T steps, L directions or LSTM layers,
 * N features. The size of a missing axis is 1. */
TestArray test_array_load_axes (const char *dir, const char *file, const char *axes);

/* Returns: (transfer full) (nullable): the text of a file in @dir without the last line break; NULL
 * if there is no file */
char *test_read_text (const char *dir, const char *file);

/* Returns: (transfer full): an array (bs, steps, n) of zeros */
TestArray test_array_new (gsize bs, gsize steps, gsize n);

/* Returns the largest |found - expected| / max (1, |expected|); infinity if exactly one value of a
 * pair is NaN. */
double test_error (const float *found, const float *expected, gsize n);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TestArray, test_array_clear)
