/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads formats other than safetensors in another process. A hostile file may crash the library
 * that parses the file. Such a crash ends the converter, not the application. */
#include "load/convert-process.h"
#include "process/answer.h"
#include "process/environment.h"
#include "process/lifeline.h"
#include "process/standard-files.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM "lstm-convert"
#define MEGABYTE ((gsize) 1 << 20)
#define SECONDS 10        /* time limit for a small file; one second more for every 20 MB */
#define MEMORY 1024       /* limit of the address space for a small file, in MB */
#define MAX_MESSAGE 65536 /* bytes of stderr that are stored */

enum { STDOUT, STDERR, N_PIPES };

/* A running converter and its output */
typedef struct {
  const char *path; /* of the converted file, for messages */
  GPid pid;
  LstmLifeline line;
  int fds[N_PIPES]; /* to read from; -1 after the end of a pipe */
  GByteArray *output[N_PIPES];
  gsize limits[N_PIPES]; /* in bytes; more is an error on stdout and is dropped on stderr */
  gint64 deadline;       /* monotonic time, in µs */
} Process;

/* Arguments of prepare_child() */
typedef struct {
  const LstmLifeline *line;
  gsize megabytes; /* limit of the address space */
} Child;

/* Lowers the soft and the hard limit to @limit, or to the soft limit of the application if that
 * is lower. */
static void
lower_limit (int resource, rlim_t limit)
{
  struct rlimit limits;

  if (getrlimit (resource, &limits) == 0 && limits.rlim_cur < limit)
    limit = limits.rlim_cur;
  limits.rlim_cur = limits.rlim_max = limit;
  setrlimit (resource, &limits);
}

/* Resets signals, because the program would inherit those that the application ignores or blocks.
 * Removes the handlers before it unblocks signals, because a handler must not run in the child. */
static void
restore_signals (void)
{
  sigset_t none;

  for (int i = 1; i < NSIG; i++)
    signal (i, SIG_DFL);
  sigemptyset (&none);
  sigprocmask (SIG_SETMASK, &none, NULL);
}

/* Runs in the child between fork() and exec(), and calls only functions that are
 * async-signal-safe. */
static void
prepare_child (gpointer data)
{
  const Child *child = data;

  restore_signals ();
  setpgid (0, 0); /* so that the processes that the program starts are killed with it */
  lstm_lifeline_depend (child->line, -getpid ());
  lower_limit (RLIMIT_AS, child->megabytes * MEGABYTE);
  lower_limit (RLIMIT_FSIZE, 0); /* the program answers through pipes */
  lower_limit (RLIMIT_CORE, 0);
}

static gboolean
start_process (Process *process, const char *const *argv, gsize size, GError **error)
{
  const char *const no_environment[] = {NULL};
  const Child child = {&process->line, MEMORY + 16 * (size / MEGABYTE)};
  g_autoptr (GError) cause = NULL;

  if (lstm_lifeline_open (&process->line, &cause)) {
    if (g_spawn_async_with_pipes (NULL, (char **) argv,
            lstm_is_privileged () ? (char **) no_environment : NULL,
            G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_CLOEXEC_PIPES, prepare_child, (gpointer) &child,
            &process->pid, NULL, &process->fds[STDOUT], &process->fds[STDERR], &cause)) {
      process->deadline = g_get_monotonic_time ()
                          + (gint64) (SECONDS + size / (20 * MEGABYTE)) * G_USEC_PER_SEC;
      return TRUE;
    }
    lstm_lifeline_cut (&process->line);
  }
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_FILE,
      "%s: expected safetensors, or " PROGRAM
      " to convert the file, found that %s does not run: %s%s",
      process->path, argv[0], cause->message,
      g_error_matches (cause, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT)
          ? "; the Debian package lstm-tools contains " PROGRAM
          : "");
  return FALSE;
}

/* Reads once from pipe @i. Returns FALSE at the end of the pipe, or if stdout exceeds its limit. */
static gboolean
read_pipe (Process *process, guint i)
{
  guint8 buffer[65536];
  ssize_t n = read (process->fds[i], buffer, sizeof buffer);

  if (n < 0)
    return errno == EINTR;
  if (n == 0)
    return FALSE;
  if (process->output[i]->len + (gsize) n <= process->limits[i])
    g_byte_array_append (process->output[i], buffer, (guint) n);
  else if (i == STDOUT)
    return FALSE;
  return TRUE;
}

/* Reads both pipes to their ends. Returns FALSE at the deadline, or if poll() fails. */
static gboolean
read_pipes (Process *process)
{
  while (process->fds[STDOUT] >= 0 || process->fds[STDERR] >= 0) {
    struct pollfd polled[N_PIPES] = {
        {process->fds[STDOUT], POLLIN, 0}, {process->fds[STDERR], POLLIN, 0}};
    const gint64 left = process->deadline - g_get_monotonic_time ();

    if (left <= 0)
      return FALSE;
    if (poll (polled, N_PIPES, (int) (left / 1000) + 1) < 0 && errno != EINTR)
      return FALSE;
    for (guint i = 0; i < N_PIPES; i++) {
      if (polled[i].fd >= 0 && polled[i].revents && !read_pipe (process, i)) {
        close (process->fds[i]);
        process->fds[i] = -1;
      }
    }
  }
  return TRUE;
}

/* Returns: (transfer full) (nullable): the last line of @output without the name of the
 * converter; NULL if the line is empty */
static char *
get_last_line (const GByteArray *output)
{
  g_autofree char *text = g_utf8_make_valid (
      output->len ? (const char *) output->data : "", output->len);
  char *line = strrchr (g_strchomp (text), '\n');

  line = line ? line + 1 : text;
  if (g_str_has_prefix (line, PROGRAM ": "))
    line += strlen (PROGRAM ": ");
  return *line ? g_strdup (line) : NULL;
}

/* Removes the last line of stdout if it states that the answer is of @kind; see process/answer.h.
 * Returns whether it does. */
static gboolean
strip_answer_line (Process *process, const char *kind)
{
  GByteArray *output = process->output[STDOUT];
  g_autofree char *line = NULL;

  if (output->len < LSTM_ANSWER_LINE_SIZE)
    return FALSE;
  line = g_strdup_printf (LSTM_ANSWER_LINE, kind, (gsize) output->len - LSTM_ANSWER_LINE_SIZE);
  if (memcmp (output->data + output->len - LSTM_ANSWER_LINE_SIZE, line, LSTM_ANSWER_LINE_SIZE)
      != 0)
    return FALSE;
  g_byte_array_set_size (output, output->len - LSTM_ANSWER_LINE_SIZE);
  return TRUE;
}

/* Reports a converter that wrote no answer. @status: as from waitpid(), or 0 if it is unknown */
static void
set_process_error (const Process *process, int status, GError **error)
{
  g_autofree char *message = get_last_line (process->output[STDERR]);
  g_autofree char *how = WIFSIGNALED (status) ? g_strdup_printf ("signal %d", WTERMSIG (status))
                         : WEXITSTATUS (status)
                             ? g_strdup_printf ("status %d", WEXITSTATUS (status))
                             : g_strdup ("no answer");

  g_set_error (error, LSTM_ERROR, LSTM_ERROR_FORMAT, "%s: " PROGRAM " failed (%s)%s%s",
      process->path, how, message ? ": " : "", message ? message : "");
}

/* Returns whether the answer is a model. The exit status does not decide, because the application
 * may have reaped the process. */
static gboolean
check_answer (Process *process, gboolean in_time, int status, GError **error)
{
  if (!in_time) {
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_FORMAT,
        "%s: " PROGRAM " was not ready in time and was stopped", process->path);
    return FALSE;
  }
  if (strip_answer_line (process, LSTM_ANSWER_MODEL))
    return TRUE;
  if (strip_answer_line (process, LSTM_ANSWER_ERROR)) {
    g_autofree char *message = get_last_line (process->output[STDOUT]);

    if (message) {
      g_set_error_literal (error, LSTM_ERROR, LSTM_ERROR_FORMAT, message);
      return FALSE;
    }
  }
  set_process_error (process, status, error);
  return FALSE;
}

/* Ends the process and all processes that it started. Clears @in_time if the process outlives the
 * deadline. Returns the status as from waitpid(), or 0 if the application has reaped the
 * process. */
static int
finish_process (Process *process, gboolean *in_time)
{
  int status = 0;

  for (guint i = 0; i < N_PIPES; i++)
    if (process->fds[i] >= 0)
      close (process->fds[i]);
  /* The process may close its pipes before it exits. */
  while (*in_time && waitpid (process->pid, &status, WNOHANG) == 0) {
    *in_time = g_get_monotonic_time () < process->deadline;
    g_usleep (500);
  }
  lstm_lifeline_cut (&process->line);
  if (!*in_time && waitpid (process->pid, &status, WNOHANG) == 0) {
    kill (process->pid, SIGKILL); /* on systems without signals from a pipe */
    while (waitpid (process->pid, &status, 0) < 0 && errno == EINTR)
      ;
  }
  g_spawn_close_pid (process->pid);
  return status;
}

/* Returns: (transfer full): a line about a conversion that began at @begin, monotonic time in µs */
static char *
make_report (const char *const *argv, gint64 begin)
{
  g_autofree char *command = g_strjoinv (" ", (char **) argv);

  return g_strdup_printf (
      "converted in %.1f ms by %s", (double) (g_get_monotonic_time () - begin) / 1000, command);
}

GBytes *
lstm_convert_file (
    const char *path, gsize size, const char *module_chain, char **report, GError **error)
{
  const char *program = lstm_getenv ("LSTM_CONVERT");
  g_autofree char *option = module_chain ? g_strconcat ("--module-chain=", module_chain, NULL)
                                         : NULL;
  const char *const argv[] = {program ? program : LSTM_CONVERT_PROGRAM, "-o", "-", "--answer",
      option ? option : "--", option ? "--" : path, option ? path : NULL, NULL};
  const gint64 begin = g_get_monotonic_time ();
  Process process = {
      .path = path, .limits = {MIN (64 * MEGABYTE + 16 * size, G_MAXUINT), MAX_MESSAGE}};
  const guint filled = lstm_standard_files_fill ();
  gboolean in_time, ok;
  int status;

  ok = start_process (&process, argv, size, error);
  lstm_standard_files_clear (filled);
  if (!ok)
    return NULL;
  for (guint i = 0; i < N_PIPES; i++)
    process.output[i] = g_byte_array_new ();
  in_time = read_pipes (&process);
  status = finish_process (&process, &in_time);
  ok = check_answer (&process, in_time, status, error);
  g_byte_array_unref (process.output[STDERR]);
  if (ok)
    *report = make_report (argv, begin);
  if (ok)
    return g_byte_array_free_to_bytes (process.output[STDOUT]);
  g_byte_array_unref (process.output[STDOUT]);
  return NULL;
}
