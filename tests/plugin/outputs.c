/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Output files of lstm-convert -o, npysink and state-location of lstm. Each writer runs in another
 * process, writes to targets of every kind, and is killed at every system call. */
#define _GNU_SOURCE
#include "testutil.h"
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STAGED ".y.lstm-tmp"
#define SKIPPED 77 /* exit status */
#define NOBODY 65534
#define KILLS 80 /* at the last of about 1600 stops; the file is written in 40 of these */

static gchar *exe, *converter, *model, *steps, *streams;

/* --- Writers --- */

enum { CONVERT, NPYSINK, STATE, N_WRITERS };

static const struct {
  const gchar *name;
  const gchar *line; /* gst-launch line; NULL: lstm-convert */
} writers[N_WRITERS] = {
    {"lstm-convert"},
    {"npysink", "npysrc location=%s ! npysink location=%s"},
    {"lstm", "npysrc location=%s ! lstm model-location=%s state-location=%s ! fakesink"},
};

/* Returns: (transfer full): the command that writes @path */
static GStrv
build_command (guint writer, const gchar *path)
{
  g_autofree gchar *line = NULL;

  if (writer == CONVERT)
    return g_strdupv ((gchar *[]){converter, model, (gchar *) "-o", (gchar *) path, NULL});
  line = writer == NPYSINK ? g_strdup_printf (writers[writer].line, streams, path)
                           : g_strdup_printf (writers[writer].line, steps, model, path);
  return g_strdupv ((gchar *[]){exe, (gchar *) "--pipeline", line, NULL});
}

/* Runs a pipeline in the child process. Prints errors as lstm-convert does. Returns the exit
 * status. */
static int
play_line (const gchar *line)
{
  g_autofree gchar *error = NULL;

  if (test_launch (&error, "%s", line))
    return 0;
  g_printerr ("%s\n", error);
  return 1;
}

/* Runs @writer on @path. Returns its exit status.
 * @prepare: (nullable): called in the child process with @data
 * @message: (out) (nullable) (transfer full): the last line that the writer printed */
static gint
run_writer (guint writer, const gchar *path, GSpawnChildSetupFunc prepare, gpointer data,
    gchar **message)
{
  g_auto (GStrv) command = build_command (writer, path);
  g_autofree gchar *printed = NULL;
  g_autoptr (GError) error = NULL;
  gint status;
  gchar *last;

  g_spawn_sync (NULL, command, NULL, G_SPAWN_STDOUT_TO_DEV_NULL, prepare, data, NULL, &printed,
      &status, &error);
  g_assert_no_error (error);
  g_assert_true (WIFEXITED (status));
  last = strrchr (g_strchomp (printed), '\n');
  if (message)
    *message = g_strdup (last ? last + 1 : printed);
  return WEXITSTATUS (status);
}

static void
assert_writes (guint writer, const gchar *path)
{
  g_autofree gchar *message = NULL;

  if (run_writer (writer, path, NULL, NULL, &message) != 0)
    g_error ("%s on %s: %s", writers[writer].name, path, message);
}

/* --- Environments --- */

/* Emulates a file system without O_TMPFILE, such as NFS: openat() refuses the flag. */
static void
disable_tmpfile (gpointer data)
{
  struct sock_filter filter[] = {
      BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, nr)),
      BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
      BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, args[2])),
      BPF_JUMP (BPF_JMP | BPF_JSET | BPF_K, O_TMPFILE & ~O_DIRECTORY, 0, 1),
      BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
      BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const struct sock_fprog program = {G_N_ELEMENTS (filter), filter};

  if (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
      || prctl (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
    _exit (SKIPPED);
}

/* Changes from root, which may write everything, to another user. */
static void
drop_root (gpointer data)
{
  if (geteuid () == 0
      && (setgroups (0, NULL) != 0 || setresgid (NOBODY, NOBODY, NOBODY) != 0
          || setresuid (NOBODY, NOBODY, NOBODY) != 0 || access (exe, X_OK) != 0))
    _exit (SKIPPED);
}

/* Mounts the file alone, as in a container. */
static void
mount_file (gpointer path)
{
  if (unshare (CLONE_NEWNS | (geteuid () ? CLONE_NEWUSER : 0)) != 0
      || mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0
      || mount (path, path, NULL, MS_BIND, NULL) != 0)
    _exit (SKIPPED);
}

/* --- Content --- */

/* Expected content for each writer. A state continues from the old content. */
static struct {
  gchar *old;      /* path of the old content */
  gchar *replaced; /* path of the content that replaces the old one */
  gchar *created;  /* path of the content of a new file */
} contents[N_WRITERS];
static gchar *contents_dir;

static void
make_contents (void)
{
  contents_dir = test_dir_new ();
  for (guint i = 0; i < N_WRITERS; i++) {
    g_autofree gchar *content = NULL;
    gsize size;

    contents[i].created = g_strdup_printf ("%s/created-%u", contents_dir, i);
    contents[i].replaced = g_strdup_printf ("%s/replaced-%u", contents_dir, i);
    contents[i].old = g_strdup_printf ("%s/old-%u", contents_dir, i);
    assert_writes (i, contents[i].created);
    g_assert_true (g_file_get_contents (contents[i].created, &content, &size, NULL));
    g_file_set_contents (
        contents[i].old, content, i == STATE ? (gssize) size : (gssize) size / 2, NULL);
    g_file_set_contents (contents[i].replaced, content, (gssize) size, NULL);
    assert_writes (i, contents[i].replaced);
  }
}

static gboolean
has_content (const gchar *path, const gchar *other)
{
  g_autofree gchar *a = NULL;
  g_autofree gchar *b = NULL;
  gsize size_a, size_b;

  return g_file_get_contents (path, &a, &size_a, NULL)
         && g_file_get_contents (other, &b, &size_b, NULL) && size_a == size_b
         && memcmp (a, b, size_a) == 0;
}

/* --- Targets --- */

/* Runs @script in @dir. $old is the path of the old content. Returns the exit status. */
static gint
run_script (const gchar *dir, guint writer, const gchar *script)
{
  const gchar *argv[] = {"/bin/sh", "-ec", script, NULL};
  g_auto (GStrv)
      environment = g_environ_setenv (g_get_environ (), "old", contents[writer].old, TRUE);
  g_autoptr (GError) error = NULL;
  gint status;

  g_spawn_sync (dir, (gchar **) argv, environment,
      G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, NULL, NULL, &status,
      &error);
  g_assert_no_error (error);
  return WIFEXITED (status) ? WEXITSTATUS (status) : 1;
}

#define FULL "*No space left on device"
#define DEVICE "*expected a file, found a character device"
#define READ_ONLY "*Permission denied"
#define ALL(pattern)                                                                           \
  {                                                                                            \
    pattern, pattern, pattern                                                                  \
  }
#define NULL_DEVICE "test $(id -u) != 0 && ln -s /dev/null n || mknod n c 1 3 || exit 77;"
#define FULL_DEVICE "test $(id -u) != 0 && ln -s /dev/full n || mknod n c 1 7 || exit 77;"
#define NAME_200                                                                               \
  "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567"   \
  "8901234567890123456789012345678901234567890123456789012345678901234567890123456789012345"   \
  "678901234567890123456789"
#define NAME_255 NAME_200 "0123456789012345678901234567890123456789012345678901234"

static const struct {
  const gchar *name;
  const gchar *before; /* script that creates the target */
  const gchar *path;   /* path to write to */
  const gchar *file;   /* file that then has the content; NULL: none */
  const gchar *after;  /* script that checks the target */
  GSpawnChildSetupFunc prepare;
  const gchar *patterns[N_WRITERS]; /* errors; NULL: the file is written */
} targets[] = {
    {"new", "", "y", "y", "test $(stat -c %a y) = 640"},
    {"private", "cp $old y; chmod 600 y", "y", "y", "test $(stat -c %a y) = 600"},
    {"public", "cp $old y; chmod 666 y", "y", "y", "test $(stat -c %a y) = 666"},
    {"link", "mkdir d; cp $old d/y; ln -s d/y l", "l", "d/y", "test $(readlink l) = d/y"},
    {"absolute link", "cp $old y; ln -s $PWD/y l", "l", "y", "test $(readlink l) = $PWD/y"},
    {"links", "mkdir a b; cp $old b/y; ln -s ../b/l a/l; ln -s y b/l", "a/l", "b/y",
        "test $(readlink a/l) = ../b/l -a $(readlink b/l) = y"},
    {"link to nothing", "mkdir d; ln -s d/y l", "l", "d/y", "test $(readlink l) = d/y"},
    {"link of a directory", "mkdir d; cp $old d/y; ln -s d l", "l/y", "d/y", "test -L l"},
    {"hard link", "cp $old y; ln y other", "y", "y", "cmp other $old"},
    {"long name", "cp $old " NAME_255, NAME_255, NAME_255, ""},
    {"leftover", "cp $old y; cp $old " STAGED, "y", "y", "test ! -e " STAGED},
    {"null", NULL_DEVICE, "n", NULL, "test -c n", NULL, {NULL, NULL, DEVICE}},
    {"link to null", NULL_DEVICE "ln -s n l", "l", NULL, "test -c n -a -L l", NULL,
        {NULL, NULL, DEVICE}},
    {"full", FULL_DEVICE, "n", NULL, "test -c n", NULL, {FULL, FULL, DEVICE}},
    {"directory", "mkdir y", "y", NULL, "test -d y", NULL,
        ALL ("*/y: expected a file*, found a directory")},
    {"slash", "", "y/", NULL, "", NULL, ALL ("*: expected *")},
    {"no directory", "", "none/y", NULL, "", NULL,
        ALL ("*/none/y: expected a directory to write in, */none: No such file or directory")},
    {"file for a directory", "cp $old f", "f/y", NULL, "cmp f $old", NULL,
        ALL ("*/f/y: *Not a directory")},
    {"nameless file", "exec 3> gone; rm gone; sleep 9 & ln -s /proc/$!/fd/3 l", "l", NULL,
        "test -L l", NULL, ALL ("*/l: expected *a file*")},
    {"loop", "ln -s a b; ln -s b a", "a", NULL, "test -L a", NULL,
        ALL ("*/a: *Too many levels of symbolic links")},
    {"read-only file", "cp $old y; chmod 444 y; chown -R 65534 . || true", "y", NULL,
        "cmp y $old", drop_root, ALL ("*/y: *Permission denied")},
    {"read-only directory", "chmod 555 .", "y", NULL, "chmod 755 .", drop_root,
        ALL ("*/y: *Permission denied")},
    {"read-only directory of a file", "cp $old y; chmod 666 y; chmod 555 .", "y", NULL,
        "cmp y $old; chmod 755 .", drop_root, ALL ("*/y: *Permission denied")},
    {"mount point", "cp $old y", "y", NULL, "cmp y $old", mount_file,
        ALL ("*/y: *found a mount point; mount its directory instead*")},
};

static guint
count_entries (const gchar *dir)
{
  g_autoptr (GDir) entries = g_dir_open (dir, 0, NULL);
  const gchar *name;
  guint n = 0;

  while ((name = g_dir_read_name (entries))) {
    g_autofree gchar *path = g_build_filename (dir, name, NULL);

    n++;
    if (g_file_test (path, G_FILE_TEST_IS_DIR) && !g_file_test (path, G_FILE_TEST_IS_SYMLINK))
      n += count_entries (path);
  }
  return n;
}

static void
remove_all (gchar *dir)
{
  g_assert_cmpint (run_script (dir, 0, "rm -rf $PWD"), ==, 0);
  g_free (dir);
}

/* Returns FALSE if this machine cannot have the target. */
static gboolean
write_and_check (guint i, guint writer, GSpawnChildSetupFunc prepare, const gchar *dir)
{
  const gchar *pattern = targets[i].patterns[writer], *file = targets[i].file;
  const gboolean had_content = strstr (targets[i].before, "$old") != NULL;
  g_autofree gchar *path = g_build_filename (dir, targets[i].path, NULL);
  g_autofree gchar *written = g_build_filename (dir, file, NULL);
  g_autofree gchar *message = NULL;
  guint n;
  gint status;

  if (run_script (dir, writer, targets[i].before) != 0)
    return FALSE;
  n = count_entries (dir) + (file && !had_content)
      - (strstr (targets[i].before, STAGED) != NULL);
  status = run_writer (writer, path, prepare, path, &message);
  if (status == SKIPPED)
    return FALSE;
  if (pattern ? !g_pattern_match_simple (pattern, message) : status != 0)
    g_error ("expected '%s', found '%s'", pattern ? pattern : "no error", message);
  g_assert_cmpint (status, ==, pattern ? 1 : 0);
  g_assert_cmpint (run_script (dir, writer, targets[i].after), ==, 0);
  g_assert_cmpuint (count_entries (dir), ==, n);
  if (file)
    test_assert_same_file (
        written, had_content ? contents[writer].replaced : contents[writer].created);
  return TRUE;
}

static void
check_target (guint i, guint writer, GSpawnChildSetupFunc prepare)
{
  gchar *dir = test_dir_new ();

  g_test_message ("%s, %s%s", targets[i].name, writers[writer].name,
      prepare == disable_tmpfile ? ", without O_TMPFILE" : "");
  if (!write_and_check (i, writer, prepare, dir))
    g_test_message ("skipped: this machine has no such target");
  remove_all (dir);
}

static void
test_target (gconstpointer row)
{
  const guint i = GPOINTER_TO_UINT (row);

  for (guint writer = 0; writer < N_WRITERS; writer++) {
    check_target (i, writer, targets[i].prepare);
    if (!targets[i].prepare)
      check_target (i, writer, disable_tmpfile);
  }
}

/* The target is a pipe with a reader. npysink must seek to write its header, and a state file is
 * replaced: both refuse the pipe. */
static void
test_fifo (void)
{
  static const gchar *const patterns[N_WRITERS] = {NULL,
      "*/y: expected a file that can seek, found a FIFO", "*/y: expected a file, found a FIFO"};
  gchar *dir = test_dir_new ();
  g_autofree gchar *path = g_build_filename (dir, "y", NULL);
  g_autofree gchar *expected = NULL;
  g_autofree gchar *received = NULL;
  gsize size;
  gint fifo;

  g_assert_true (g_file_get_contents (contents[CONVERT].created, &expected, &size, NULL));
  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  fifo = open (path, O_RDWR | O_CLOEXEC);
  g_assert_cmpint (fcntl (fifo, F_SETPIPE_SZ, (gint) size), >=, (gint) size);
  for (guint writer = 0; writer < N_WRITERS; writer++) {
    g_autofree gchar *message = NULL;
    gint status = run_writer (writer, path, NULL, NULL, &message);

    g_assert_cmpint (status, ==, patterns[writer] ? 1 : 0);
    if (patterns[writer] && !g_pattern_match_simple (patterns[writer], message))
      g_error ("expected '%s', found '%s'", patterns[writer], message);
    g_assert_cmpuint (count_entries (dir), ==, 1);
  }
  received = g_malloc (size);
  g_assert_cmpint (read (fifo, received, size), ==, (gssize) size);
  g_assert_cmpmem (received, size, expected, size);
  close (fifo);
  test_dir_remove (dir);
}

/* A file that a shell has opened is written at its position, and the shell continues after the
 * output. The test writes to a link instead of /dev/stdout, which a faulty writer that runs as root
 * would replace. */
static void
test_descriptors (void)
{
  static const gchar *const scripts[] = {
      "(echo a; $convert -o /proc/self/fd/1; echo b) > y",
      "(echo a; $convert -o /dev/fd/3 3>&1; echo b) > y",
      "(echo a; $convert -o l; echo b) > y",
      "echo a > y; $convert -o /proc/self/fd/1 >> y; echo b >> y",
      "(echo a; $convert -o l | cat; echo b) > y",
      "(echo a; $convert -o -; echo b) > y",
  };
  g_autofree gchar *command = g_strjoin (" ", converter, model, NULL);

  g_setenv ("convert", command, TRUE);
  g_setenv ("created", contents[CONVERT].created, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (scripts); i++) {
    gchar *dir = test_dir_new ();

    g_test_message ("%s", scripts[i]);
    g_assert_cmpint (run_script (dir, CONVERT, "ln -s /proc/self/fd/1 l"), ==, 0);
    g_assert_cmpint (run_script (dir, CONVERT, scripts[i]), ==, 0);
    g_assert_cmpint (
        run_script (dir, CONVERT, "(echo a; cat $created; echo b) | cmp - y"), ==, 0);
    g_assert_cmpuint (count_entries (dir), ==, 2);
    remove_all (dir);
  }
}

/* --- Several writers, and kills --- */

/* Processes write the same file at the same time. The file is complete. */
static void
test_together (void)
{
  GSpawnChildSetupFunc const prepares[] = {NULL, disable_tmpfile};

  for (guint i = 0; i < 20; i++) {
    gchar *dir = test_dir_new ();
    g_autofree gchar *path = g_build_filename (dir, "y", NULL);
    GPid pids[4];

    for (guint k = 0; k < G_N_ELEMENTS (pids); k++) {
      g_auto (GStrv) command = build_command (CONVERT, path);
      g_autoptr (GError) error = NULL;

      g_spawn_async (NULL, command, NULL, G_SPAWN_DO_NOT_REAP_CHILD, prepares[(i + k / 2) % 2],
          NULL, &pids[k], &error);
      g_assert_no_error (error);
    }
    for (guint k = 0; k < G_N_ELEMENTS (pids); k++) {
      gint status;

      g_assert_cmpint (waitpid (pids[k], &status, 0), ==, pids[k]);
      g_assert_cmpint (status, ==, 0);
    }
    test_assert_same_file (path, contents[CONVERT].created);
    g_assert_cmpuint (count_entries (dir), ==, 1);
    test_dir_remove (dir);
  }
}

static void
allow_tracing (gpointer prepare)
{
  if (prepare)
    disable_tmpfile (NULL);
  if (ptrace (PTRACE_TRACEME, 0, NULL, NULL) != 0)
    _exit (SKIPPED);
}

/* Kills a writer of @path at its stop @at: before or after a system call. Returns the number of its
 * stops; 0 if processes cannot be traced. */
static guint
kill_at (const gchar *path, guint at, GSpawnChildSetupFunc prepare)
{
  g_auto (GStrv) command = build_command (CONVERT, path);
  g_auto (GStrv) environment = g_environ_setenv (/* a leak checker traces the process itself */
      g_get_environ (), "ASAN_OPTIONS", "detect_leaks=0", TRUE);
  g_autoptr (GError) error = NULL;
  guint stops = 0;
  gint status;
  GPid pid;

  g_spawn_async (NULL, command, environment,
      G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDERR_TO_DEV_NULL, allow_tracing, (gpointer) prepare,
      &pid, &error);
  g_assert_no_error (error);
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  while (WIFSTOPPED (status)) {
    const gint number = WSTOPSIG (status);

    if (++stops == at)
      kill (pid, SIGKILL);
    else
      ptrace (PTRACE_SYSCALL, pid, NULL, (gpointer) (gintptr) (number == SIGTRAP ? 0 : number));
    g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  }
  g_spawn_close_pid (pid);
  return WIFEXITED (status) && WEXITSTATUS (status) == SKIPPED ? 0 : stops;
}

/* After a kill the file has the old or the new content. The directory may have the temporary name,
 * which the next write removes. */
static void
test_killed_at (gconstpointer prepare)
{
  gchar *dir = test_dir_new ();
  g_autofree gchar *path = g_build_filename (dir, "y", NULL);
  g_autofree gchar *staged = g_build_filename (dir, STAGED, NULL);
  guint stops, n_new = 0, n_staged = 0;

  g_assert_cmpint (run_script (dir, CONVERT, "cp $old y"), ==, 0);
  stops = kill_at (path, 0, (GSpawnChildSetupFunc) prepare);
  for (guint at = stops - MIN (stops, KILLS); at < stops; at++) {
    gboolean is_new, is_staged;

    g_assert_cmpint (run_script (dir, CONVERT, "cp $old y; rm -f " STAGED), ==, 0);
    kill_at (path, at, (GSpawnChildSetupFunc) prepare);
    n_new += is_new = has_content (path, contents[CONVERT].created);
    n_staged += is_staged = g_file_test (staged, G_FILE_TEST_EXISTS);
    g_assert_true (is_new || has_content (path, contents[CONVERT].old));
    g_assert_cmpuint (count_entries (dir), ==, is_staged ? 2 : 1);
  }
  g_test_message ("%u kills: %u of the file written, %u of one that has its name for now",
      MIN (stops, KILLS), n_new, n_staged);
  if (stops == 0)
    g_test_skip ("processes cannot be traced here");
  else {
    g_assert_cmpuint (n_new, >, 0);
    g_assert_cmpuint (n_staged, >, 0);
    assert_writes (CONVERT, path);
    g_assert_cmpuint (count_entries (dir), ==, 1);
  }
  test_dir_remove (dir);
}

static void
add_targets (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (targets); i++) {
    g_autofree gchar *name = g_strconcat ("/outputs/", targets[i].name, NULL);

    g_test_add_data_func (name, GUINT_TO_POINTER (i), test_target);
  }
}

int
main (int argc, char **argv)
{
  gint status;

  gst_init (&argc, &argv);
  if (argc == 3 && g_str_equal (argv[1], "--pipeline"))
    return play_line (argv[2]);
  g_test_init (&argc, &argv, NULL);
  umask (027);
  exe = g_file_read_link ("/proc/self/exe", NULL);
  converter = g_build_filename (g_getenv ("LSTM_TEST_BUILD"), "cli", "lstm-convert", NULL);
  model = test_vector_path ("lstm/head/model.safetensors");
  steps = test_vector_path ("lstm/head/x.npy");
  streams = test_vector_path ("npy/f4-2x4x3.npy");
  make_contents ();
  add_targets ();
  g_test_add_func ("/outputs/fifo", test_fifo);
  g_test_add_func ("/outputs/descriptors", test_descriptors);
  g_test_add_func ("/outputs/together", test_together);
  g_test_add_data_func ("/outputs/killed", NULL, test_killed_at);
  g_test_add_data_func (
      "/outputs/killed-without-tmpfile", (gconstpointer) disable_tmpfile, test_killed_at);
  status = g_test_run ();
  remove_all (contents_dir);
  return status;
}
