/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* float32 values of a .npy file as NumPy writes it (version 1, C order). */
typedef struct {
  guint n_dims;
  gsize shape[3];
  gsize n; /* product of the shape */
  float *values;
} TestArray;

/* Aborts the test if the file is not of that kind. @file: in @dir, or NULL if @dir is its path. */
TestArray test_array_load (const char *dir, const char *file);
void test_array_clear (TestArray *array);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TestArray, test_array_clear)
