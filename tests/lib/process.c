/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tests the process that lstm_model_load() starts for other formats. The process does not depend
 * on how the application handles signals and children, and it does not outlive the application. */
#define _GNU_SOURCE /* setresuid() */
#include "converter.h"
#include "testutil.h"
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534

/* A folder with a script for a converter and a file for it */
typedef struct {
  char *dir, *program, *model, *before;
} Fake;

static void
fake_init (Fake *fake, const char *script)
{
  g_autofree char *text = g_strconcat ("#!/bin/sh\n", script, "\n", NULL);

  fake->dir = g_dir_make_tmp ("lstm-XXXXXX", NULL);
  fake->program = g_build_filename (fake->dir, "fake", NULL);
  fake->model = g_build_filename (fake->dir, "model.keras", NULL);
  fake->before = g_strdup (g_getenv ("LSTM_CONVERT"));
  g_assert_true (g_file_set_contents (fake->program, text, -1, NULL));
  g_assert_true (
      g_file_set_contents (fake->model, "PK\3\4 config.json, but not a model", -1, NULL));
  g_assert_cmpint (g_chmod (fake->program, 0755), ==, 0);
  g_assert_cmpint (g_chmod (fake->dir, 0755), ==, 0);
  g_setenv ("LSTM_CONVERT", fake->program, TRUE);
}

static void
fake_clear (Fake *fake)
{
  g_setenv ("LSTM_CONVERT", fake->before, TRUE);
  g_unlink (fake->program);
  g_unlink (fake->model);
  g_assert_cmpint (g_rmdir (fake->dir), ==, 0);
  g_free (fake->dir);
  g_free (fake->program);
  g_free (fake->model);
  g_free (fake->before);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Fake, fake_clear)

/* @message: a part of the error's message */
static void
assert_refused (const char *path, const char *message)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (LstmModel) model = lstm_model_load (path, &error);

  g_assert_null (model);
  g_assert_nonnull (error);
  g_test_message ("%s", error->message);
  g_assert_true (error->domain == LSTM_ERROR);
  g_assert_true (g_str_has_prefix (error->message, path));
  if (!strstr (error->message, message))
    g_error ("expected \"%s\" in \"%s\"", message, error->message);
}

/* Calls @function in a process of its own, whose limits and user it may change. */
static void
call_in_child (void (*function) (const Fake *), const Fake *fake)
{
  pid_t pid = fork ();
  int status;

  if (pid == 0) {
    function (fake);
    _exit (0);
  }
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_cmpint (status, ==, 0);
}

/* --- SIGCHLD of the application ------------------------------------------------------------- */

static void
reap_all (int signal_number)
{
  const int before = errno;

  while (waitpid (-1, NULL, WNOHANG) > 0)
    ;
  errno = before;
}

static const struct {
  const char *name;
  void (*handler) (int);
} dispositions[] = {{"default", SIG_DFL}, {"ignored", SIG_IGN}, {"reaped", reap_all}};

/* Files for the real converter. @message: a part of the error message; NULL if the file is a
 * model */
static const struct {
  const char *file, *message;
} real[] = {
    {"keras-k3-h5/model.h5", NULL},
    {"keras-k210/model.h5", NULL},
    {"onnx-node-bfloat16/model.onnx", NULL},
    {"keras-refused-deep/model.keras", "of at most 100 levels, found level 101"},
    {"keras-refused-conv/model.keras", "class: expected a supported class, found Conv1D"},
};

/* Converters that crash, fail or stop early, and a part of the error message */
static const struct {
  const char *script, *message;
} ends[] = {
    {"kill -SEGV $$", "lstm-convert failed ("},
    {"echo half a model; kill -ABRT $$", "lstm-convert failed ("},
    {"exit 0", "lstm-convert failed (no answer)"},
    {"echo error while loading libzip >&2; exit 127", "error while loading libzip"},
    {"printf 'lstm-convert model %020d\\n' 10 && printf 'too short'", "failed (no answer)"},
    {"m=\"$5: a reason\"; printf 'lstm-convert error %020d\\n%s' ${#m} \"$m\"", "a reason"},
};

/* Returns: (transfer full) (nullable): the path of the first model in @real that this build
 * reads */
static char *
find_readable_model (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (real); i++) {
    g_autofree char *path = g_build_filename (
        g_getenv ("LSTM_TEST_VECTORS"), "convert", real[i].file, NULL);

    if (!real[i].message && !test_is_left_out (path))
      return g_steal_pointer (&path);
  }
  g_test_skip ("the build leaves out all readers");
  return NULL;
}

static void
test_sigchld (gconstpointer handler)
{
  void (*before) (int) = signal (SIGCHLD, *(void (*const *) (int)) handler);

  for (gsize i = 0; i < G_N_ELEMENTS (real); i++) {
    g_autofree char *path = g_build_filename (
        g_getenv ("LSTM_TEST_VECTORS"), "convert", real[i].file, NULL);
    g_autoptr (GError) error = NULL;
    g_autoptr (LstmModel) model = NULL;

    if (test_is_left_out (path))
      continue;
    if (real[i].message) {
      assert_refused (path, real[i].message);
      continue;
    }
    model = lstm_model_load (path, &error);
    g_assert_no_error (error);
    g_assert_nonnull (model);
  }
  for (gsize i = 0; i < G_N_ELEMENTS (ends); i++) {
    g_auto (Fake) fake = {NULL};

    fake_init (&fake, ends[i].script);
    assert_refused (fake.model, ends[i].message);
  }
  signal (SIGCHLD, before);
}

/* --- End of the application ---------------------------------------------------------------- */

/* Converters that never end. Each of their processes has the FIFO "pipe" in their folder open. */
static const char *const endless[] = {
    "exec 9> \"${0%/*}/pipe\"; echo >&9; exec sleep 1000",
    "exec 9> \"${0%/*}/pipe\"; sleep 1000 & echo >&9; sleep 1000",
    "exec 9> \"${0%/*}/pipe\"; trap '' TERM HUP IO; (sleep 1000 & echo >&9; wait) & exit 0",
};

/* Kills a process that loads a model, and waits for the end of all processes that it started. */
static void
test_killed (gconstpointer script)
{
  g_auto (Fake) fake = {NULL};
  g_autofree char *pipe = NULL;
  pid_t loader;
  char byte;
  int fd;

  fake_init (&fake, script);
  pipe = g_build_filename (fake.dir, "pipe", NULL);
  g_assert_cmpint (mkfifo (pipe, 0600), ==, 0);
  loader = fork ();
  if (loader == 0) {
    lstm_model_load (fake.model, NULL);
    _exit (1);
  }
  fd = open (pipe, O_RDONLY);
  g_assert_cmpint (read (fd, &byte, 1), ==, 1);
  g_assert_cmpint (kill (loader, SIGKILL), ==, 0);
  g_assert_cmpint (waitpid (loader, NULL, 0), ==, loader);
  g_assert_cmpint (read (fd, &byte, 1), ==, 0);
  close (fd);
  g_unlink (pipe);
}

/* A converter may leave a process that has no pipe of the library open. */
static void
test_left (void)
{
  g_auto (Fake) fake = {NULL};
  g_autofree char *pipe = NULL;
  char byte;
  int fd;

  fake_init (&fake, "exec 9<> \"${0%/*}/pipe\"; sleep 1000 > /dev/null 2>&1 & exit 3");
  pipe = g_build_filename (fake.dir, "pipe", NULL);
  g_assert_cmpint (mkfifo (pipe, 0600), ==, 0);
  fd = open (pipe, O_RDONLY | O_NONBLOCK);
  assert_refused (fake.model, "failed (status 3)");
  g_assert_cmpint (fcntl (fd, F_SETFL, 0), ==, 0);
  g_assert_cmpint (read (fd, &byte, 1), ==, 0);
  close (fd);
  g_unlink (pipe);
}

/* --- Inheritance from the application ----------------------------------------------------- */

/* A script that answers with an error: the path, then the output of COMMAND on one line */
#define ANSWER(command)                                                                        \
  "m=\"$5: $(" command " | tr '\\n\\t' '  ')\"\n"                                              \
  "printf 'lstm-convert error %020d\\n%s' ${#m} \"$m\""

/* Returns the signals 32 and 33 if this process ignores them. The C library reserves them, and permits no
 * program to change them. GNU make 4.3 ignores them in its children. */
static guint64
find_ignored_reserved (void)
{
  g_autofree char *status = NULL;
  const char *line;

  g_assert_true (g_file_get_contents ("/proc/self/status", &status, NULL, NULL));
  line = strstr (status, "SigIgn:");
  g_assert_nonnull (line);
  return g_ascii_strtoull (line + strlen ("SigIgn:"), NULL, 16)
         & (G_GUINT64_CONSTANT (3) << 31);
}

static void
load_without_signals (const Fake *fake)
{
  g_autofree char *expected = g_strdup_printf (
      "SigBlk: 0000000000000000 SigIgn: %016" G_GINT64_MODIFIER "x", find_ignored_reserved ());
  sigset_t all;

  for (int i = 1; i < NSIG; i++)
    if (i != SIGABRT)
      signal (i, SIG_IGN);
  sigfillset (&all);
  sigprocmask (SIG_SETMASK, &all, NULL);
  assert_refused (fake->model, expected);
}

static void
test_signals (void)
{
  g_auto (Fake) fake = {NULL};

  fake_init (&fake, ANSWER ("grep -E 'SigBlk|SigIgn' /proc/self/status"));
  call_in_child (load_without_signals, &fake);
}

static void
load_with_less_memory (const Fake *fake)
{
  const struct rlimit limits = {700 << 20, 700 << 20};

  setrlimit (RLIMIT_AS, &limits);
  assert_refused (fake->model, "716800");
}

static void
load_without_standard_files (const Fake *fake)
{
  for (int fd = 0; fd <= STDERR_FILENO; fd++)
    close (fd);
  g_assert_nonnull (lstm_model_load (fake->model, NULL));
  g_assert_cmpint (fcntl (STDOUT_FILENO, F_GETFD), <, 0);
}

/* The application may be a daemon without standard files. */
static void
test_standard_files (void)
{
  g_autofree char *path = find_readable_model ();
  const Fake real_converter = {.model = path};

  if (path)
    call_in_child (load_without_standard_files, &real_converter);
}

static void
test_standard_files_of_converter (void)
{
  g_autofree char *in = find_readable_model ();
  const char *argv[] = {"/bin/sh", "-c", "exec \"$0\" -o \"$1\" \"$2\" <&- >&- 2>&-",
      g_getenv ("LSTM_CONVERT"), NULL, in, NULL};
  g_autoptr (GError) error = NULL;
  g_autoptr (LstmModel) model = NULL;
  int status;

  if (!in)
    return;
  g_auto (Fake) fake = {NULL};

  fake_init (&fake, "exit 0");
  argv[4] = fake.model;
  g_assert_true (g_spawn_sync (
      NULL, (char **) argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL, &status, NULL));
  g_assert_cmpint (status, ==, 0);
  model = lstm_model_load (fake.model, &error);
  g_assert_no_error (error);
}

/* A limit of the application applies if it is lower than that of the library. */
static void
test_limits (void)
{
  g_auto (Fake) fake = {NULL};

  fake_init (&fake, ANSWER ("ulimit -H -v"));
  call_in_child (load_with_less_memory, &fake);
}

/* --- Converters that do not start --------------------------------------------------------- */

static void
load_without_processes (const Fake *fake)
{
  const struct rlimit none = {0, 0};
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (setrlimit (RLIMIT_NPROC, &none), ==, 0);
  if (getuid () == 0)
    g_assert_cmpint (setresuid (NOBODY, NOBODY, NOBODY), ==, 0);
  assert_refused (fake->model, g_strerror (EAGAIN));
  g_assert_null (lstm_model_load (fake->model, &error));
  g_assert_null (strstr (error->message, "lstm-tools"));
  g_assert_nonnull (strstr (error->message, fake->program));
}

static void
load_with_few_files (const Fake *fake)
{
  struct rlimit limits;

  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &limits), ==, 0);
  limits.rlim_cur = 4; /* one for the model's file */
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limits), ==, 0);
  assert_refused (fake->model, g_strerror (EMFILE));
}

static void
test_not_started (void)
{
  g_auto (Fake) fake = {NULL};
  g_autoptr (GError) error = NULL;

  fake_init (&fake, "exit 0");
  call_in_child (load_without_processes, &fake);
  call_in_child (load_with_few_files, &fake);
  g_assert_cmpint (g_chmod (fake.program, 0644), ==, 0);
  assert_refused (fake.model, g_strerror (EACCES));
  g_assert_null (lstm_model_load (fake.model, &error));
  g_assert_null (strstr (error->message, "lstm-tools"));
  g_unlink (fake.program);
  assert_refused (fake.model, g_strerror (ENOENT));
  assert_refused (fake.model, "; the Debian package lstm-tools contains lstm-convert");
  assert_refused (fake.model, fake.program);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (dispositions); i++) {
    g_autofree char *path = g_strconcat ("/process/sigchld/", dispositions[i].name, NULL);

    g_test_add_data_func (path, &dispositions[i].handler, test_sigchld);
  }
  g_test_add_data_func ("/process/killed/alone", endless[0], test_killed);
  g_test_add_data_func ("/process/killed/child", endless[1], test_killed);
  g_test_add_data_func ("/process/killed/orphan", endless[2], test_killed);
  g_test_add_func ("/process/left", test_left);
  g_test_add_func ("/process/signals", test_signals);
  g_test_add_func ("/process/standard-files/application", test_standard_files);
  g_test_add_func ("/process/standard-files/converter", test_standard_files_of_converter);
  g_test_add_func ("/process/limits", test_limits);
  g_test_add_func ("/process/not-started", test_not_started);
  return g_test_run ();
}
