/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../array.h"
#include <lstm/lstm.h>

/* The names of all instruction sets of the table in lib/meson.build, NULL at the end. A machine
 * can lack all of them except "base". */
extern const char *const test_isas[];

/* Returns an instruction set whose results have the same bits as those of @isa; NULL if there is
 * none. Fails for a name that is not in test_isas. */
const char *test_get_same_isa (const char *isa);

/* Loads a model with LSTM_ISA set to @isa, and with the module chain in module-chain.txt in the
 * same folder, if there is one. Returns NULL if this machine lacks the instruction set, and fails
 * for a name that is not in test_isas. */
LstmModel *test_model_load (const char *path, const char *isa);

/* Loads a model in @precision, see test_model_load(). */
LstmModel *test_model_load_full (const char *path, const char *isa, LstmPrecision precision);

/* Loads a model from memory, see test_model_load(). */
LstmModel *test_model_load_bytes (GBytes *file, const char *isa, LstmPrecision precision);

#define TEST_N_PRECISIONS (LSTM_PRECISION_INT8 + 1)
const char *test_precision_name (LstmPrecision precision);

/* A folder of vectors, and the instruction set of a test */
typedef struct {
  char *dir;
  const char *isa;
} TestFolder;

/* Adds a test /@name/FOLDER/ISA for each folder of vectors/@folder and each instruction set. Its
 * data is a TestFolder. */
void test_add_folders (const char *folder, const char *name, GTestDataFunc run);

/* Returns: (transfer full) (nullable): mask.npy of a folder, [bs, T]; NULL if there is none */
guint8 *test_load_mask (const char *dir);

/* Returns a copy of a safetensors file with the first @limit (0: all) occurrences of @from in its
 * header replaced by @to. Fails if there is none. */
GBytes *test_edit_header (GBytes *file, const char *from, const char *to, guint limit);

LstmState *test_state_new (LstmModel *model, gsize streams);

/* Fills @values with random numbers in [-1, 1), which depend on @seed only. */
void test_fill (float *values, gsize n, guint32 seed);

/* Returns a random number from @low to @high inclusive. Do not call this in an argument of MIN()
 * and similar macros, which evaluate their arguments twice. */
gsize test_pick (GRand *rand, gsize low, gsize high);

/* Fills @values with 0 to @n - 1 in a random order. */
void test_shuffle (GRand *rand, gsize *values, gsize n);
