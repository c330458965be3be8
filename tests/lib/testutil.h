/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../array.h"
#include <lstm/lstm.h>

/* Worst |got - expected| / max (1, |expected|), infinite where exactly one of them is NaN. */
double test_error (const float *got, const float *expected, gsize n);

/* Instruction sets by name, NULL at the end; a machine may lack all but "base". */
extern const char *const test_isas[];

/* Loads with LSTM_ISA set to @isa. NULL, without an error, if this machine lacks it. */
LstmModel *test_model_load (const char *path, const char *isa);

/* float values in [-1, 1), the same on every machine for a seed */
void test_fill (float *values, gsize n, guint32 seed);
