/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Models in other formats, through lstm-convert as an application has it: by their path. And what
 * becomes of a converter that fails, is killed, or talks nonsense. */
#include "testutil.h"
#include <glib/gstdio.h>
#include <string.h>

#define TOLERANCE 1e-5

/* The file of @dir whose name begins with "model." */
static char *
find_model (const char *dir)
{
  g_autoptr (GDir) opened = g_dir_open (dir, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (opened)))
    if (g_str_has_prefix (name, "model."))
      return g_build_filename (dir, name, NULL);
  g_error ("%s: no model", dir);
  return NULL;
}

static void
check_numbers (const char *dir, LstmModel *model)
{
  TestArray x = test_array_load (dir, "x.npy"),
            expected = test_array_load (dir, "expected.npy");
  const gsize bs = x.shape[0], steps = x.shape[1];
  g_autoptr (GError) error = NULL;
  g_autoptr (LstmState) state = lstm_state_new_whole (model, bs, steps, &error);
  g_autofree float *y = g_new (float, expected.n);

  g_assert_no_error (error);
  g_assert_cmpuint (lstm_model_get_input_size (model), ==, x.shape[2]);
  g_assert_cmpuint (lstm_model_get_output_size (model), ==, expected.shape[2]);
  g_assert_cmpuint (lstm_state_get_output_steps (state, steps), ==, expected.shape[1]);
  lstm_state_run (state, steps, x.values, y);
  g_assert_cmpfloat (test_error (y, expected.values, expected.n), <, TOLERANCE);
  test_array_clear (&x);
  test_array_clear (&expected);
}

static void
test_case (gconstpointer data)
{
  const char *dir = data;
  g_autofree char *path = find_model (dir);
  g_autofree char *refused = g_build_filename (dir, "refused.txt", NULL);
  g_autofree char *message = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (LstmModel) model = lstm_model_load (path, &error);

  if (!g_file_get_contents (refused, &message, NULL, NULL)) {
    g_assert_no_error (error);
    check_numbers (dir, model);
    return;
  }
  g_assert_null (model);
  g_assert_error (error, LSTM_ERROR, LSTM_ERROR_FORMAT);
  g_test_message ("%s", error->message);
  g_assert_true (g_str_has_prefix (error->message, path));
  g_assert_nonnull (strstr (error->message, g_strchomp (message)));
}

/* Converters that are none, and a part of what is said then */
static const struct {
  const char *name, *script, *message;
} broken[] = {
    {"silent", "exit 0", "found 0 bytes"},
    {"fails", "echo lstm-convert: a reason >&2; exit 1", "a reason"},
    {"fails-silently", "exit 3", "failed (status 3)"},
    {"killed", "kill -SEGV $$", "failed (signal 11)"},
    {"nonsense", "echo 0123456789abcdef", "model.keras: "},
    {"endless", "exec yes 0123456789abcdef", "lstm-convert failed (signal"},
};

static char *
write_model (const char *dir)
{
  char *path = g_build_filename (dir, "model.keras", NULL);

  g_assert_true (
      g_file_set_contents (path, "PK\3\4 not a model, but no safetensors either", -1, NULL));
  return path;
}

static void
check_broken (const char *program, const char *path, const char *message)
{
  g_autofree char *before = g_strdup (g_getenv ("LSTM_CONVERT"));
  g_autoptr (GError) error = NULL;

  g_setenv ("LSTM_CONVERT", program, TRUE);
  g_assert_null (lstm_model_load (path, &error));
  g_setenv ("LSTM_CONVERT", before, TRUE);
  g_assert_nonnull (error);
  g_test_message ("%s", error->message);
  g_assert_true (error->domain == LSTM_ERROR);
  g_assert_nonnull (strstr (error->message, message));
}

static void
test_broken (void)
{
  g_autofree char *dir = g_dir_make_tmp ("lstm-XXXXXX", NULL);
  g_autofree char *path = write_model (dir), *program = g_build_filename (dir, "fake", NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (broken); i++) {
    g_autofree char *script = g_strdup_printf ("#!/bin/sh\n%s\n", broken[i].script);

    g_assert_true (g_file_set_contents_full (
        program, script, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0755, NULL));
    g_assert_cmpint (g_chmod (program, 0755), ==, 0);
    check_broken (program, path, broken[i].message);
  }
  g_unlink (program);
  check_broken (program, path, "lstm-convert");
  g_unlink (path);
  g_rmdir (dir);
}

int
main (int argc, char **argv)
{
  g_autofree char *root = g_build_filename (g_getenv ("LSTM_TEST_VECTORS"), "convert", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) dir = NULL;
  const char *name;

  g_test_init (&argc, &argv, NULL);
  dir = g_dir_open (root, 0, &error);
  g_assert_no_error (error);
  while ((name = g_dir_read_name (dir))) {
    g_autofree char *path = g_strconcat ("/convert/", name, NULL);

    g_test_add_data_func_full (path, g_build_filename (root, name, NULL), test_case, g_free);
  }
  g_test_add_func ("/convert/broken", test_broken);
  return g_test_run ();
}
