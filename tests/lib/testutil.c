/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "testutil.h"
#include "../safetensors.h"

#include "test-isas.h" /* TEST_ISAS (X): X (name, name of an instruction set with the same bits) */

const char *const test_isas[] = {
#define X(name, same) name,
    TEST_ISAS (X)
#undef X
        NULL,
};

const char *
test_get_same_isa (const char *isa)
{
  static const struct {
    const char *name, *same;
  } isas[] = {
#define X(name, same) {name, same},
      TEST_ISAS (X)
#undef X
  };

  for (gsize i = 0; i < G_N_ELEMENTS (isas); i++)
    if (g_str_equal (isa, isas[i].name))
      return *isas[i].same ? isas[i].same : NULL;
  g_error ("expected an instruction set of lib/meson.build, found '%s'", isa);
}

static void
select_isa (const char *isa)
{
  if (!g_strv_contains (test_isas, isa))
    g_error ("expected an instruction set of lib/meson.build, found '%s'", isa);
  g_setenv ("LSTM_ISA", isa, TRUE);
}

/* Checks the result of a load with the instruction set @isa, and returns it. */
static LstmModel *
check_loaded (LstmModel *model, const char *isa, const GError *error)
{
  g_unsetenv ("LSTM_ISA");
  if (g_error_matches (error, LSTM_ERROR, LSTM_ERROR_CPU))
    return NULL;
  g_assert_no_error (error);
  g_assert_cmpstr (lstm_model_get_isa (model), ==, isa);
  return model;
}

LstmModel *
test_model_load_full (const char *path, const char *isa, LstmPrecision precision)
{
  g_autofree char *dir = g_path_get_dirname (path),
                  *module_chain = test_read_text (dir, "module-chain.txt");
  g_autoptr (GError) error = NULL;
  LstmModel *model;

  select_isa (isa);
  model = lstm_model_load_full (path, precision, module_chain, &error);
  return check_loaded (model, isa, error);
}

LstmModel *
test_model_load (const char *path, const char *isa)
{
  return test_model_load_full (path, isa, LSTM_PRECISION_FLOAT32);
}

LstmModel *
test_model_load_bytes (GBytes *file, const char *isa, LstmPrecision precision)
{
  g_autoptr (GError) error = NULL;
  LstmModel *model;

  select_isa (isa);
  model = lstm_model_load_bytes_full (file, "test", precision, NULL, &error);
  return check_loaded (model, isa, error);
}

GBytes *
test_edit_header (GBytes *file, const char *from, const char *to, guint limit)
{
  gsize size;
  const char *content = g_bytes_get_data (file, &size);
  const gsize length = (gsize) GUINT64_FROM_LE (*(const guint64 *) content);
  g_autoptr (GString) header = g_string_new_len (content + 8, (gssize) length);

  g_assert_cmpuint (g_string_replace (header, from, to, limit), >, 0);
  return test_safetensors_join (header->str, content + 8 + length, size - 8 - length);
}

const char *
test_precision_name (LstmPrecision precision)
{
  g_autoptr (GEnumClass) names = g_type_class_ref (LSTM_TYPE_PRECISION);

  return g_enum_get_value (names, (int) precision)->value_nick;
}

LstmState *
test_state_new (LstmModel *model, gsize streams)
{
  g_autoptr (GError) error = NULL;
  LstmState *state = lstm_state_new (model, streams, &error);

  g_assert_no_error (error);
  return state;
}

void
test_fill (float *values, gsize n, guint32 seed)
{
  GRand *rand = g_rand_new_with_seed (seed);

  for (gsize i = 0; i < n; i++)
    values[i] = (float) g_rand_double_range (rand, -1, 1);
  g_rand_free (rand);
}

gsize
test_pick (GRand *rand, gsize low, gsize high)
{
  return (gsize) g_rand_int_range (rand, (gint32) low, (gint32) high + 1);
}

void
test_shuffle (GRand *rand, gsize *values, gsize n)
{
  for (gsize i = 0; i < n; i++) {
    const gsize k = test_pick (rand, 0, i);

    values[i] = values[k];
    values[k] = i;
  }
}

static void
folder_free (gpointer data)
{
  TestFolder *folder = data;

  g_free (folder->dir);
  g_free (folder);
}

void
test_add_folders (const char *folder, const char *name, GTestDataFunc run)
{
  g_autofree char *root = g_build_filename (g_getenv ("LSTM_TEST_VECTORS"), folder, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) dir = g_dir_open (root, 0, &error);
  const char *file;

  g_assert_no_error (error);
  while ((file = g_dir_read_name (dir))) {
    for (gsize i = 0; test_isas[i]; i++) {
      g_autofree char *path = g_strdup_printf ("/%s/%s/%s", name, file, test_isas[i]);
      TestFolder *test = g_new (TestFolder, 1);

      *test = (TestFolder){g_build_filename (root, file, NULL), test_isas[i]};
      g_test_add_data_func_full (path, test, run, folder_free);
    }
  }
}

guint8 *
test_load_mask (const char *dir)
{
  g_autofree char *path = g_build_filename (dir, "mask.npy", NULL);
  g_auto (TestArray) array = {0};
  guint8 *mask;

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return NULL;
  array = test_array_load (path, NULL);
  mask = g_new (guint8, array.n);
  for (gsize i = 0; i < array.n; i++)
    mask[i] = array.values[i] != 0 ? 255 : 0;
  return mask;
}
