/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../array.h"
#include <lstm/lstm.h>

/* Instruction sets by name, NULL at the end; a machine may lack all but "base". */
extern const char *const test_isas[];

/* Loads with LSTM_ISA set to @isa, and with the module chain that stands in module-chain.txt beside the file, if there
 * is one. NULL, without an error, if this machine lacks it. */
LstmModel *test_model_load (const char *path, const char *isa);

/* As test_model_load(), from memory. */
LstmModel *test_model_load_bytes (GBytes *file, const char *isa, LstmPrecision precision);

#define TEST_N_PRECISIONS (LSTM_PRECISION_INT8 + 1)
const char *test_precision_name (LstmPrecision precision);

/* A folder of vectors, on an instruction set */
typedef struct {
  char *dir;
  const char *isa;
} TestFolder;

/* Adds a test /@name/FOLDER/ISA for each folder of vectors/@folder and each of test_isas, whose
 * data is a TestFolder. */
void test_add_folders (const char *folder, const char *name, GTestDataFunc run);

/* Returns: (transfer full) (nullable): mask.npy of a folder, [bs, T], if it has one */
guint8 *test_load_mask (const char *dir);

/* A safetensors file in whose header the first @most (0: all) @from are @to. At least one is. */
GBytes *test_edit_header (GBytes *file, const char *from, const char *to, guint most);

LstmState *test_state_new (LstmModel *model, gsize streams);

/* float values in [-1, 1), the same on every machine for a seed */
void test_fill (float *values, gsize n, guint32 seed);

/* low to high, both of them too. Not inside of MIN() and the like, which take it twice. */
gsize test_pick (GRand *rand, gsize low, gsize high);
