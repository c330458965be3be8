/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <lstm/lstm.h>

/* float32 values of a .npy file as NumPy writes it (version 1, C order). */
typedef struct {
  guint n_dims;
  gsize shape[3];
  gsize n; /* product of the shape */
  float *values;
} TestArray;

/* Aborts the test if the file is not of that kind. */
TestArray test_array_load (const char *dir, const char *file);
gboolean test_array_exists (const char *dir, const char *file);
void test_array_clear (TestArray *array);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TestArray, test_array_clear)

/* Worst |got - expected| / max (1, |expected|), infinite where exactly one of them is NaN. */
double test_error (const float *got, const float *expected, gsize n);

/* Instruction sets by name, NULL at the end; a machine may lack all but "base". */
extern const char *const test_isas[];

/* Loads with LSTM_ISA set to @isa. NULL, without an error, if this machine lacks it. */
LstmModel *test_model_load (const char *path, const char *isa);

/* float values in [-1, 1), the same on every machine for a seed */
void test_fill (float *values, gsize n, guint32 seed);
