/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The programs of examples/ as a user runs them: their outputs, compared with the reference
 * vectors, and their errors. */
#include "../array.h"
#include <glib/gstdio.h>
#include <string.h>
#include <sys/wait.h>

#define TOLERANCE 1.5e-5 /* 1e-5, and rounding to six digits */
#define RATE 30

/* Result of a command */
typedef struct {
  gchar *out, *err;
  gint status;
} CommandResult;

static void
command_result_clear (CommandResult *result)
{
  g_free (result->out);
  g_free (result->err);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CommandResult, command_result_clear)

static gchar *scratch; /* working directory of commands */

/* Runs @command in a shell. {v} is replaced by the directory of the vectors, {m} by the model in
 * @folder. */
static CommandResult
run_command (const gchar *command, const gchar *folder)
{
  GString *line = g_string_new (command);
  gchar *argv[] = {(gchar *) "/bin/sh", (gchar *) "-c", NULL, NULL};
  g_autoptr (GError) error = NULL;
  CommandResult result;

  g_string_replace (line, "{m}", "{v}/{f}/model.safetensors", 0);
  g_string_replace (line, "{f}", folder, 0);
  g_string_replace (line, "{v}", g_getenv ("LSTM_TEST_VECTORS"), 0);
  g_test_message ("%s", line->str);
  argv[2] = line->str;
  g_spawn_sync (
      scratch, argv, NULL, 0, NULL, NULL, &result.out, &result.err, &result.status, &error);
  g_assert_no_error (error);
  g_string_free (line, TRUE);
  return result;
}

/* Runs @command and asserts that it succeeds. Returns: (transfer full): its output */
static gchar *
read_output (const gchar *command, const gchar *folder)
{
  g_auto (CommandResult) result = run_command (command, folder);

  g_assert_cmpstr (result.err, ==, "");
  g_assert_cmpint (result.status, ==, 0);
  return g_steal_pointer (&result.out);
}

static TestArray
load_array (const gchar *folder, const gchar *file)
{
  g_autofree gchar *dir = g_build_filename (g_getenv ("LSTM_TEST_VECTORS"), folder, NULL);

  return test_array_load (dir, file);
}

/* Writes the first sequence of x.npy to the file `steps`, a step per line. */
static void
write_steps (const gchar *folder)
{
  g_auto (TestArray) x = load_array (folder, "x.npy");
  g_autofree gchar *path = g_build_filename (scratch, "steps", NULL);
  GString *text = g_string_new (NULL);

  for (gsize i = 0; i < x.shape[1] * x.shape[2]; i++)
    g_string_append_printf (
        text, "%.9g%c", (double) x.values[i], (i + 1) % x.shape[2] ? ' ' : '\n');
  g_assert_true (g_file_set_contents (path, text->str, (gssize) text->len, NULL));
  g_string_free (text, TRUE);
}

/* Asserts that the rest of the line at *@at has these numbers, and moves *@at to the next line. */
static void
assert_line (const gchar **at, const float *expected, gsize n)
{
  for (gsize i = 0; i < n; i++) {
    gchar *end;
    const float found = (float) g_ascii_strtod (*at, &end);

    g_assert_true (end > *at);
    g_assert_cmpfloat (test_error (&found, &expected[i], 1), <=, TOLERANCE);
    *at = end;
  }
  g_assert_cmpint (**at, ==, '\n');
  ++*at;
}

/* --- Steps in, outputs out -------------------------------------------------------------- */

static const struct {
  const gchar *name, *command;
  gboolean has_times, needs_python;
} programs[] = {
    {"alone", "lstm-alone {m} < steps", FALSE, FALSE},
    {"app", "lstm-app {m} 30 < steps", TRUE, FALSE},
    {"python", "lstm-python {m} < steps", TRUE, TRUE},
    {"python-alone", "lstm-python --alone {m} < steps", FALSE, TRUE},
};

static const gchar *const folders[] = {
    "lstm/numbers", "lstm/long-no-bias", "lstm/one-unit", "lstm/head", "lstm/seed-1x30"};

/* Returns whether Python has the modules of its example. Skips the test if not. */
static gboolean
has_python (void)
{
  g_auto (CommandResult) result = run_command ("/usr/bin/python3 -c 'import gi, numpy\n"
                                               "gi.require_version(\"Gst\", \"1.0\")\n"
                                               "gi.require_version(\"Lstm\", \"1.0\")'",
      "");

  if (result.status != 0)
    g_test_skip ("needs python3-gi, python3-numpy, gir1.2-gstreamer-1.0 and the typelib of liblstm");
  return result.status == 0;
}

/* Asserts that the line begins with the time of the step, and moves *@at past this time. */
static void
assert_time (const gchar **at, gsize step)
{
  gchar *end;
  const gdouble time = g_ascii_strtod (*at, &end);

  g_assert_cmpfloat_with_epsilon (time, (gdouble) step / RATE, 0.00051);
  g_assert_cmpint (*end, ==, ':');
  *at = end + 1;
}

static void
test_outputs (gconstpointer data)
{
  const guint i = GPOINTER_TO_UINT (data);

  if (programs[i].needs_python && !has_python ())
    return;
  for (guint k = 0; k < G_N_ELEMENTS (folders); k++) {
    g_auto (TestArray) expected = load_array (folders[k], "expected.npy");
    const gsize n = expected.shape[2];
    g_autofree gchar *out = NULL;
    const gchar *at;

    write_steps (folders[k]);
    at = out = read_output (programs[i].command, folders[k]);
    for (gsize step = 0; step < expected.shape[1]; step++) {
      if (programs[i].has_times)
        assert_time (&at, step);
      assert_line (&at, expected.values + step * n, n);
    }
    g_assert_cmpstr (at, ==, "");
  }
}

/* --- A state in a file ------------------------------------------------------------------ */

/* Two commands with one state file print the output of one command without interruption. */
static const struct {
  const gchar *name, *first, *second, *undisturbed;
  gboolean needs_python;
} resumed[] = {
    {"alone", "head -n 7 steps | lstm-alone {m} state",
        "tail -n +8 steps | lstm-alone {m} state", "lstm-alone {m} < steps", FALSE},
    {"python", "head -n 7 steps | lstm-python {m} state",
        "tail -n +8 steps | lstm-python {m} state", "lstm-python {m} < steps", TRUE},
    {"python-alone", "head -n 7 steps | lstm-python --alone {m} state",
        "tail -n +8 steps | lstm-python --alone {m} state", "lstm-alone {m} < steps", TRUE},
    {"pipeline-to-alone", "head -n 7 steps | lstm-python {m} state | cut -d ' ' -f 2-",
        "tail -n +8 steps | lstm-alone {m} state", "lstm-alone {m} < steps", TRUE},
};

static void
test_resumed (gconstpointer data)
{
  const guint i = GPOINTER_TO_UINT (data);

  if (resumed[i].needs_python && !has_python ())
    return;
  for (guint k = 0; k < G_N_ELEMENTS (folders); k++) {
    g_autofree gchar *state = g_build_filename (scratch, "state", NULL);
    g_autofree gchar *first = NULL;
    g_autofree gchar *second = NULL;
    g_autofree gchar *both = NULL;
    g_autofree gchar *undisturbed = NULL;

    write_steps (folders[k]);
    g_unlink (state);
    first = read_output (resumed[i].first, folders[k]);
    second = read_output (resumed[i].second, folders[k]);
    both = g_strconcat (first, second, NULL);
    undisturbed = read_output (resumed[i].undisturbed, folders[k]);
    g_assert_cmpstr (both, ==, undisturbed);
  }
}

/* --- One model, many pipelines ---------------------------------------------------------- */

static void
test_shared (void)
{
  const gchar *x = "{v}/lstm/numbers/x.npy";
  g_auto (TestArray) expected = load_array ("lstm/numbers", "expected.npy");
  GString *command = g_string_new ("lstm-shared {m}");
  g_autofree gchar *out = NULL;
  const gchar *at;

  for (guint i = 0; i < 20; i++)
    g_string_append_printf (command, " %s", x);
  at = out = read_output (command->str, "lstm/numbers");
  for (guint i = 0; i < 20; i++) {
    at = strstr (at, "x.npy: 60 steps: ");
    g_assert_nonnull (at);
    at += strlen ("x.npy: 60 steps: ");
    assert_line (&at, expected.values + 59, 1);
  }
  g_assert_true (g_pattern_match_simple ("20 of 20 pipelines share * bytes of weights\n", at));
  g_string_free (command, TRUE);
}

/* --- Errors ----------------------------------------------------------------------------- */

static const struct {
  const gchar *command;
  gint status;
  const gchar *err;
  gboolean needs_python;
} errors[] = {
    {"lstm-alone", 2, "usage: *"},
    {"lstm-alone /none", 1, "lstm-alone: */none*"},
    {"echo 1 2 | lstm-alone {m}", 1, "lstm-alone: line 1: expected 9 numbers, *, found 2\n"},
    {"echo 1 b | lstm-alone {m}", 1, "lstm-alone: line 1: expected a number, found 'b'\n"},
    {"(head -n 3 steps; echo) | lstm-alone {m}", 1,
        "lstm-alone: line 4: expected numbers, found none\n"},
    {"lstm-alone {m} {m}", 1, "lstm-alone: */model.safetensors: *"},
    {"head -n 1 steps | lstm-alone {m} /none/state", 1, "lstm-alone: */none/state*"},
    {"lstm-app {m}", 2, "usage: *"},
    {"lstm-app {m} 0", 2, "usage: *"},
    {"lstm-app /none 30 < steps", 1, "lstm-app: lstm: */none*"},
    {"echo 1 2 | lstm-app {m} 30", 1,
        "lstm-app: lstm: caps field dimensions: expected vectors of 9 values, *, found 2\n"},
    {"(head -n 3 steps; echo 1 2) | lstm-app {m} 30", 1,
        "lstm-app: lstm: caps field dimensions: expected vectors of 9 values, *, found 2\n"},
    {"(head -n 3 steps; echo) | lstm-app {m} 30", 1,
        "lstm-app: src: expected numbers, found none\n"},
    {"lstm-shared {m}", 2, "usage: *"},
    {"lstm-shared /none {v}/{f}/x.npy", 1, "lstm-shared: */none*"},
    {"lstm-shared {m} {v}/{f}/x.npy /none", 1, "lstm-shared: /none: *"},
    {"lstm-shared {m} {v}/{f}/x.npy {v}/lstm/even/x.npy", 1,
        "lstm-shared: */even/x.npy: caps field dimensions: expected vectors of 9 values, *"},
    {"lstm-python", 1, "usage: *", TRUE},
    {"lstm-python /none", 1, "lstm-python: */none*", TRUE},
    {"echo 1 2 | lstm-python {m}", 1, "lstm-python: line 1: expected 9 numbers, *, found 2\n",
        TRUE},
    {"echo 1 b | lstm-python --alone {m}", 1, "lstm-python: line 1: *'b'\n", TRUE},
    {"lstm-python {m} {m}", 1, "lstm-python: */model.safetensors: *", TRUE},
    {"lstm-python {m} .", 1, "lstm-python: *directory*", TRUE},
    {"GST_PLUGIN_PATH_1_0= GST_REGISTRY_1_0=registry lstm-python {m} < steps", 1,
        "lstm-python: no element \"lstm\"\n", TRUE},
    {"GST_PLUGIN_PATH_1_0= GST_REGISTRY_1_0=registry lstm-app {m} 30 < steps", 1,
        "lstm-app: no element \"lstm\"\n"},
};

static void
test_errors (gconstpointer data)
{
  const gboolean python = GPOINTER_TO_UINT (data) != 0;

  if (python && !has_python ())
    return;
  write_steps ("lstm/numbers");
  for (guint i = 0; i < G_N_ELEMENTS (errors); i++) {
    g_auto (CommandResult) result = {0};

    if (errors[i].needs_python != python)
      continue;
    result = run_command (errors[i].command, "lstm/numbers");
    if (!g_pattern_match_simple (errors[i].err, result.err))
      g_error ("expected '%s', found '%s'", errors[i].err, result.err);
    g_assert_true (WIFEXITED (result.status));
    g_assert_cmpint (WEXITSTATUS (result.status), ==, errors[i].status);
  }
}

static void
add_test (const gchar *group, const gchar *name, guint row, GTestDataFunc test)
{
  g_autofree gchar *path = g_strdup_printf ("/examples/%s/%s", group, name);

  g_test_add_data_func (path, GUINT_TO_POINTER (row), test);
}

int
main (int argc, char **argv)
{
  static const gchar *const files[] = {"steps", "state", "registry"};
  g_autoptr (GError) error = NULL;
  int status;

  g_test_init (&argc, &argv, NULL);
  scratch = g_dir_make_tmp ("lstm-test-XXXXXX", &error);
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (programs); i++)
    add_test ("outputs", programs[i].name, i, test_outputs);
  for (guint i = 0; i < G_N_ELEMENTS (resumed); i++)
    add_test ("resumed", resumed[i].name, i, test_resumed);
  g_test_add_func ("/examples/shared", test_shared);
  add_test ("errors", "c", FALSE, test_errors);
  add_test ("errors", "python", TRUE, test_errors);
  status = g_test_run ();
  for (guint i = 0; i < G_N_ELEMENTS (files); i++) {
    g_autofree gchar *path = g_build_filename (scratch, files[i], NULL);

    g_unlink (path);
  }
  g_assert_cmpint (g_rmdir (scratch), ==, 0);
  g_free (scratch);
  return status;
}
