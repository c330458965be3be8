/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../array.h"
#include <lstm/lstm.h>

/* Instruction sets by name, NULL at the end; a machine may lack all but "base". */
extern const char *const test_isas[];

/* Loads a model with LSTM_ISA set to @isa, and with the module chain in module-chain.txt if the
 * folder of the file has one. Returns: (transfer full) (nullable): NULL if this machine lacks
 * @isa */
LstmModel *test_model_load (const char *path, const char *isa);

/* Loads a model from memory with LSTM_ISA set to @isa. Returns: as test_model_load() */
LstmModel *test_model_load_bytes (GBytes *file, const char *isa, LstmPrecision precision);

#define TEST_N_PRECISIONS (LSTM_PRECISION_INT8 + 1)
const char *test_precision_name (LstmPrecision precision);

/* A folder of vectors and an instruction set */
typedef struct {
  char *dir;
  const char *isa;
} TestFolder;

/* Adds a test /@name/FOLDER/ISA for each folder of vectors/@folder and each of test_isas, whose
 * data is a TestFolder. */
void test_add_folders (const char *folder, const char *name, GTestDataFunc run);

/* Returns: (transfer full) (nullable): mask.npy of a folder, [bs, T], if it has one */
guint8 *test_load_mask (const char *dir);

/* Replaces the first @limit occurrences of @from in the header of a safetensors file, or all if
 * @limit is 0. There is at least one. Returns: (transfer full): the new file */
GBytes *test_edit_header (GBytes *file, const char *from, const char *to, guint limit);

LstmState *test_state_new (LstmModel *model, gsize streams);

/* Fills @values with random numbers in [-1, 1), which depend on @seed only. */
void test_fill (float *values, gsize n, guint32 seed);

/* Returns a random number from @low to @high inclusive. Do not call this in an argument of MIN()
 * and similar macros, which evaluate their arguments twice. */
gsize test_pick (GRand *rand, gsize low, gsize high);
