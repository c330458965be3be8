/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reference vectors of `lstm` and the steps in them. */
#pragma once
#include "../array.h"
#include "testutil.h"

/* float32 steps of a .npy file */
typedef struct {
  gsize streams, length, size;
  gfloat *items; /* (streams, length, size) */
} StepArray;

/* Loads a file of the shape (length, size) or (streams, length, size). */
StepArray step_array_load (const gchar *path);

/* Returns: (transfer full): steps @first to @first + @n of the first @streams streams, in the
 * layout of a buffer */
gfloat *step_array_copy (const StepArray *array, gsize streams, gsize first, gsize n);

/* Returns: (transfer full): the path of @file in a folder of vectors/lstm; if @folder contains a
 * slash, in a folder of vectors */
gchar *get_vector_path (const gchar *folder, const gchar *file);

/* Asserts that both arrays have the same 32-bit items. */
void assert_same_bits (const GArray *found, const GArray *expected);
