/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Checks that a set-user-ID program ignores the environment of the user who started it. This
 * program contains the library, because the dynamic linker would not search for the library next
 * to a copy of the program. The program is also the converter of that library. Usage:
 * test-privileged [load SAFETENSORS OTHER] */
#define _GNU_SOURCE /* setresuid() */
#include "process/answer.h"
#include <glib/gstdio.h>
#include <lstm/lstm.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#define NOBODY 65534

extern char **environ;

/* --- As a converter ----------------------------------------------------------------------- */

static int
answer_environment (const char *path)
{
  g_autofree char *all = g_strjoinv (" ", environ);
  g_autofree char *message = g_strdup_printf ("%s: environment [%s]", path, all);

  printf (LSTM_ANSWER_LINE "%s", LSTM_ANSWER_ERROR, strlen (message), message);
  return 1;
}

/* --- As a program that loads -------------------------------------------------------------- */

static int
load_models (const char *safetensors, const char *other)
{
  g_autoptr (GError) of_isa = NULL, of_converter = NULL;
  g_autoptr (LstmModel) model = lstm_model_load (safetensors, &of_isa);

  g_assert_null (lstm_model_load (other, &of_converter));
  printf ("secure: %lu\n", getauxval (AT_SECURE));
  printf ("isa: %s\n", model ? "best of this machine" : of_isa->message);
  printf ("converter: %s\n", of_converter->message);
  return 0;
}

/* --- As a test ---------------------------------------------------------------------------- */

typedef struct {
  char *dir, *program, *fake, *other;
} Place;

static void
write_file (const char *path, const char *content, gsize size, int mode)
{
  g_assert_true (g_file_set_contents (path, content, (gssize) size, NULL));
  g_assert_cmpint (g_chmod (path, mode), ==, 0);
}

/* Writes a copy of this program, a converter that must not run, and a file to convert. */
static void
place_init (Place *place, int mode)
{
  static const char script[] = "#!/bin/sh\necho taken over >&2\nexit 1\n";
  static const char other[] = "PK\3\4 config.json, but not a model";
  g_autofree char *self = NULL;
  gsize size;

  place->dir = g_dir_make_tmp ("lstm-XXXXXX", NULL);
  place->program = g_build_filename (place->dir, "load", NULL);
  place->fake = g_build_filename (place->dir, "fake", NULL);
  place->other = g_build_filename (place->dir, "model.keras", NULL);
  g_assert_cmpint (g_chmod (place->dir, 0755), ==, 0);
  g_assert_true (g_file_get_contents ("/proc/self/exe", &self, &size, NULL));
  write_file (place->program, self, size, mode);
  write_file (place->fake, script, strlen (script), 0755);
  write_file (place->other, other, strlen (other), 0644);
}

static void
place_clear (Place *place)
{
  g_unlink (place->program);
  g_unlink (place->fake);
  g_unlink (place->other);
  g_assert_cmpint (g_rmdir (place->dir), ==, 0);
  g_free (place->dir);
  g_free (place->program);
  g_free (place->fake);
  g_free (place->other);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Place, place_clear)

static void
become_nobody (gpointer data)
{
  if (getuid () == 0
      && (setgroups (0, NULL) < 0 || setresgid (NOBODY, NOBODY, NOBODY) < 0
          || setresuid (NOBODY, NOBODY, NOBODY) < 0))
    _exit (2);
}

/* Runs the copy as another user with both environment variables set. Returns: (transfer full):
 * its output */
static char *
run_as_nobody (const Place *place)
{
  g_autofree char *isa = g_strdup ("LSTM_ISA=abacus");
  g_autofree char *converter = g_strconcat ("LSTM_CONVERT=", place->fake, NULL);
  g_autofree char *model = g_build_filename (
      g_getenv ("LSTM_TEST_VECTORS"), "lstm", "head", "model.safetensors", NULL);
  const char *const argv[] = {place->program, "load", model, place->other, NULL};
  const char *const env[] = {isa, converter, "HDF5_PLUGIN_PATH=/tmp", NULL};
  g_autoptr (GError) error = NULL;
  char *output = NULL;
  int status;

  g_spawn_sync ("/", (char **) argv, (char **) env, G_SPAWN_DEFAULT, become_nobody, NULL,
      &output, NULL, &status, &error);
  g_assert_no_error (error);
  g_test_message ("%s", output);
  g_assert_cmpint (status, ==, 0);
  return output;
}

static void
test_plain (void)
{
  g_auto (Place) place = {NULL};
  g_autofree char *output = NULL;

  place_init (&place, 0755);
  output = run_as_nobody (&place);
  g_assert_nonnull (strstr (output, "secure: 0\n"));
  g_assert_nonnull (strstr (output, "taken over"));
}

static void
test_set_user_id (void)
{
  if (getuid () != 0) {
    g_test_skip ("only root can make a set-user-ID program of another user");
    return;
  }
  g_auto (Place) place = {NULL};
  g_autofree char *output = NULL;

  place_init (&place, 04755);
  output = run_as_nobody (&place);
  if (strstr (output, "secure: 0\n")) {
    g_test_skip ("set-user-ID has no effect here (nosuid, or no new privileges)");
    return;
  }
  g_assert_nonnull (strstr (output, "isa: best of this machine\n"));
  g_assert_nonnull (strstr (output, "environment []\n"));
}

int
main (int argc, char **argv)
{
  if (argc > 1 && g_str_equal (argv[1], "-o"))
    return answer_environment (argv[argc - 1]);
  if (argc == 4 && g_str_equal (argv[1], "load"))
    return load_models (argv[2], argv[3]);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/privileged/plain", test_plain);
  g_test_add_func ("/privileged/set-user-id", test_set_user_id);
  return g_test_run ();
}
