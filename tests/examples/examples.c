/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The programs of examples/ as a user runs them: what they print beside the reference vectors, and
 * what they say of what cannot be. */
#include "../array.h"
#include <glib/gstdio.h>
#include <string.h>
#include <sys/wait.h>

#define TOLERANCE 1.5e-5 /* 1e-5, and six digits */
#define RATE 30

/* What a command left */
typedef struct {
  gchar *out, *err;
  gint status;
} Ran;

static void
ran_clear (Ran *ran)
{
  g_free (ran->out);
  g_free (ran->err);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Ran, ran_clear)

static gchar *scratch; /* a directory, where commands run */

/* @command in a shell: {v} is the vectors' directory, {m} the model in @folder of it. */
static Ran
run (const gchar *command, const gchar *folder)
{
  GString *line = g_string_new (command);
  gchar *argv[] = {(gchar *) "/bin/sh", (gchar *) "-c", NULL, NULL};
  g_autoptr (GError) error = NULL;
  Ran ran;

  g_string_replace (line, "{m}", "{v}/{f}/model.safetensors", 0);
  g_string_replace (line, "{f}", folder, 0);
  g_string_replace (line, "{v}", g_getenv ("LSTM_TEST_VECTORS"), 0);
  g_test_message ("%s", line->str);
  argv[2] = line->str;
  g_spawn_sync (scratch, argv, NULL, 0, NULL, NULL, &ran.out, &ran.err, &ran.status, &error);
  g_assert_no_error (error);
  g_string_free (line, TRUE);
  return ran;
}

/* Returns: (transfer full): what it prints; that it ends well is asserted */
static gchar *
output_of (const gchar *command, const gchar *folder)
{
  g_auto (Ran) ran = run (command, folder);

  g_assert_cmpstr (ran.err, ==, "");
  g_assert_cmpint (ran.status, ==, 0);
  return g_steal_pointer (&ran.out);
}

static TestArray
load (const gchar *folder, const gchar *file)
{
  g_autofree gchar *dir = g_build_filename (g_getenv ("LSTM_TEST_VECTORS"), folder, NULL);

  return test_array_load (dir, file);
}

/* The first sequence of x.npy into the file `steps`, a line each. */
static void
write_steps (const gchar *folder)
{
  g_auto (TestArray) x = load (folder, "x.npy");
  g_autofree gchar *path = g_build_filename (scratch, "steps", NULL);
  GString *text = g_string_new (NULL);

  for (gsize i = 0; i < x.shape[1] * x.shape[2]; i++)
    g_string_append_printf (
        text, "%.9g%c", (double) x.values[i], (i + 1) % x.shape[2] ? ' ' : '\n');
  g_assert_true (g_file_set_contents (path, text->str, (gssize) text->len, NULL));
  g_string_free (text, TRUE);
}

/* The numbers at *@at up to the end of the line are these, and *@at goes behind it. */
static void
assert_line (const gchar **at, const float *expected, gsize n)
{
  for (gsize i = 0; i < n; i++) {
    gchar *end;
    const float got = (float) g_ascii_strtod (*at, &end);

    g_assert_true (end > *at);
    g_assert_cmpfloat (test_error (&got, &expected[i], 1), <=, TOLERANCE);
    *at = end;
  }
  g_assert_cmpint (**at, ==, '\n');
  ++*at;
}

/* --- Steps in, outputs out -------------------------------------------------------------- */

static const struct {
  const gchar *name, *command;
  gboolean timed, python;
} programs[] = {
    {"alone", "lstm-alone {m} < steps", FALSE, FALSE},
    {"app", "lstm-app {m} 30 < steps", TRUE, FALSE},
    {"python", "lstm-python {m} < steps", TRUE, TRUE},
    {"python-alone", "lstm-python --alone {m} < steps", FALSE, TRUE},
};

static const gchar *const folders[] = {
    "lstm/numbers", "lstm/long-no-bias", "lstm/one-unit", "lstm/head", "lstm/seed-1x30"};

/* Whether Python has what its example needs; the test says so if not. */
static gboolean
has_python (void)
{
  g_auto (Ran) ran = run ("/usr/bin/python3 -c 'import gi\n"
                          "gi.require_version(\"Gst\", \"1.0\")\n"
                          "gi.require_version(\"Lstm\", \"1.0\")'",
      "");

  if (ran.status != 0)
    g_test_skip ("needs python3-gi, gir1.2-gstreamer-1.0 and the typelib of liblstm");
  return ran.status == 0;
}

/* The time that the line begins with is the step's, and *@at goes behind it. */
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

  if (programs[i].python && !has_python ())
    return;
  for (guint k = 0; k < G_N_ELEMENTS (folders); k++) {
    g_auto (TestArray) expected = load (folders[k], "expected.npy");
    const gsize n = expected.shape[2];
    g_autofree gchar *out = NULL;
    const gchar *at;

    write_steps (folders[k]);
    at = out = output_of (programs[i].command, folders[k]);
    for (gsize step = 0; step < expected.shape[1]; step++) {
      if (programs[i].timed)
        assert_time (&at, step);
      assert_line (&at, expected.values + step * n, n);
    }
    g_assert_cmpstr (at, ==, "");
  }
}

/* --- A state in a file ------------------------------------------------------------------ */

/* What goes on where a state was saved prints what an undisturbed run does. */
static const struct {
  const gchar *name, *first, *second, *whole;
  gboolean python;
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

  if (resumed[i].python && !has_python ())
    return;
  for (guint k = 0; k < G_N_ELEMENTS (folders); k++) {
    g_autofree gchar *state = g_build_filename (scratch, "state", NULL);
    g_autofree gchar *first = NULL;
    g_autofree gchar *second = NULL;
    g_autofree gchar *both = NULL;
    g_autofree gchar *whole = NULL;

    write_steps (folders[k]);
    g_unlink (state);
    first = output_of (resumed[i].first, folders[k]);
    second = output_of (resumed[i].second, folders[k]);
    both = g_strconcat (first, second, NULL);
    whole = output_of (resumed[i].whole, folders[k]);
    g_assert_cmpstr (both, ==, whole);
  }
}

/* --- One model, many pipelines ---------------------------------------------------------- */

static void
test_shared (void)
{
  const gchar *x = "{v}/lstm/numbers/x.npy";
  g_auto (TestArray) expected = load ("lstm/numbers", "expected.npy");
  GString *command = g_string_new ("lstm-shared {m}");
  g_autofree gchar *out = NULL;
  const gchar *at;

  for (guint i = 0; i < 20; i++)
    g_string_append_printf (command, " %s", x);
  at = out = output_of (command->str, "lstm/numbers");
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
  gboolean python;
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
        "lstm-app: lstm: caps field dimensions: expected vectors of 9 values, *, got 2\n"},
    {"(head -n 3 steps; echo 1 2) | lstm-app {m} 30", 1,
        "lstm-app: lstm: caps field dimensions: expected vectors of 9 values, *, got 2\n"},
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
    g_auto (Ran) ran = {0};

    if (errors[i].python != python)
      continue;
    ran = run (errors[i].command, "lstm/numbers");
    if (!g_pattern_match_simple (errors[i].err, ran.err))
      g_error ("expected '%s', got '%s'", errors[i].err, ran.err);
    g_assert_true (WIFEXITED (ran.status));
    g_assert_cmpint (WEXITSTATUS (ran.status), ==, errors[i].status);
  }
}

static void
add (const gchar *group, const gchar *name, guint row, GTestDataFunc test)
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
    add ("outputs", programs[i].name, i, test_outputs);
  for (guint i = 0; i < G_N_ELEMENTS (resumed); i++)
    add ("resumed", resumed[i].name, i, test_resumed);
  g_test_add_func ("/examples/shared", test_shared);
  add ("errors", "c", FALSE, test_errors);
  add ("errors", "python", TRUE, test_errors);
  status = g_test_run ();
  for (guint i = 0; i < G_N_ELEMENTS (files); i++) {
    g_autofree gchar *path = g_build_filename (scratch, files[i], NULL);

    g_unlink (path);
  }
  g_assert_cmpint (g_rmdir (scratch), ==, 0);
  g_free (scratch);
  return status;
}
