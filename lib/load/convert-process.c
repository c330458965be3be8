/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Other formats than safetensors, read by another process: a library for them may fail on a
 * hostile file, and takes the converter with it, not the application. */
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
#define SECONDS 10        /* to convert a small file in, and one more for every 20 MB */
#define MEMORY 1024       /* MB of address space for a small file */
#define MAX_MESSAGE 65536 /* bytes of stderr that are kept */

/* The process, and what it has written so far */
typedef struct {
  const char *path; /* of what it converts, for messages */
  GPid pid;
  LstmLifeline line;
  int fds[2]; /* its stdout and stderr; -1 at their end */
  GByteArray *written[2];
  gsize most[2];   /* bytes that are read of each; more is an error */
  gint64 deadline; /* monotonic µs */
} Process;

typedef struct {
  const LstmLifeline *line;
  gsize megabytes;
} Child;

/* Lowers a limit to @most. A lower limit of the application stays. */
static void
limit (int resource, rlim_t most)
{
  struct rlimit limits;

  if (getrlimit (resource, &limits) == 0 && limits.rlim_cur < most)
    most = limits.rlim_cur;
  limits.rlim_cur = limits.rlim_max = most;
  setrlimit (resource, &limits);
}

/* The program would inherit the signals that the application ignores or blocks. Handlers go
 * first, as they must not run here. */
static void
restore_signals (void)
{
  sigset_t none;

  for (int i = 1; i < NSIG; i++)
    signal (i, SIG_DFL);
  sigemptyset (&none);
  sigprocmask (SIG_SETMASK, &none, NULL);
}

/* In the child, before the program: only what is safe there. */
static void
prepare_child (gpointer data)
{
  const Child *child = data;

  restore_signals ();
  setpgid (0, 0); /* killed with whatever it starts */
  lstm_lifeline_depend (child->line, -getpid ());
  limit (RLIMIT_AS, child->megabytes * MEGABYTE);
  limit (RLIMIT_FSIZE, 0); /* it answers through pipes */
  limit (RLIMIT_CORE, 0);
}

static gboolean
start (Process *process, const char *program, gsize size, GError **error)
{
  const char *const argv[] = {program, "-o", "-", "--answer", "--", process->path, NULL};
  const char *const nothing[] = {NULL};
  const Child child = {&process->line, MEMORY + 16 * (size / MEGABYTE)};
  g_autoptr (GError) cause = NULL;

  if (lstm_lifeline_open (&process->line, &cause)) {
    if (g_spawn_async_with_pipes (NULL, (char **) argv,
            lstm_is_privileged () ? (char **) nothing : NULL,
            G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_CLOEXEC_PIPES, prepare_child, (gpointer) &child,
            &process->pid, NULL, &process->fds[0], &process->fds[1], &cause)) {
      process->deadline = g_get_monotonic_time ()
                          + (gint64) (SECONDS + size / (20 * MEGABYTE)) * G_USEC_PER_SEC;
      return TRUE;
    }
    lstm_lifeline_cut (&process->line);
  }
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_FILE,
      "%s: expected a safetensors file, or " PROGRAM
      " to make one of it, but %s does not run: %s%s",
      process->path, program, cause->message,
      g_error_matches (cause, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT)
          ? "; is the package lstm-tools missing?"
          : "");
  return FALSE;
}

/* FALSE at the end of a pipe, or when more comes than anybody wants. */
static gboolean
take (Process *process, guint i)
{
  guint8 buffer[65536];
  ssize_t n = read (process->fds[i], buffer, sizeof buffer);

  if (n < 0)
    return errno == EINTR;
  if (n == 0)
    return FALSE;
  if (process->written[i]->len + (gsize) n <= process->most[i])
    g_byte_array_append (process->written[i], buffer, (guint) n);
  else if (i == 0)
    return FALSE;
  return TRUE;
}

/* Reads until both pipes have ended; FALSE at the deadline. */
static gboolean
read_pipes (Process *process)
{
  while (process->fds[0] >= 0 || process->fds[1] >= 0) {
    struct pollfd polled[2] = {{process->fds[0], POLLIN, 0}, {process->fds[1], POLLIN, 0}};
    const gint64 left = process->deadline - g_get_monotonic_time ();

    if (left <= 0)
      return FALSE;
    if (poll (polled, 2, (int) (left / 1000) + 1) < 0 && errno != EINTR)
      return FALSE;
    for (guint i = 0; i < 2; i++) {
      if (polled[i].fd >= 0 && polled[i].revents && !take (process, i)) {
        close (process->fds[i]);
        process->fds[i] = -1;
      }
    }
  }
  return TRUE;
}

/* The last line of @written, without the converter's name; NULL if there is none */
static char *
get_last_line (const GByteArray *written)
{
  g_autofree char *text = g_utf8_make_valid (
      written->len ? (const char *) written->data : "", written->len);
  char *line = strrchr (g_strchomp (text), '\n');

  line = line ? line + 1 : text;
  if (g_str_has_prefix (line, PROGRAM ": "))
    line += strlen (PROGRAM ": ");
  return *line ? g_strdup (line) : NULL;
}

/* Returns TRUE if the answer is a @kind of answer.h, and cuts the line off that says so. */
static gboolean
has_answered (Process *process, const char *kind)
{
  GByteArray *written = process->written[0];
  g_autofree char *line = NULL;

  if (written->len < LSTM_ANSWER_LINE_SIZE)
    return FALSE;
  line = g_strdup_printf (LSTM_ANSWER_LINE, kind, (gsize) written->len - LSTM_ANSWER_LINE_SIZE);
  if (memcmp (written->data + written->len - LSTM_ANSWER_LINE_SIZE, line, LSTM_ANSWER_LINE_SIZE)
      != 0)
    return FALSE;
  g_byte_array_set_size (written, written->len - LSTM_ANSWER_LINE_SIZE);
  return TRUE;
}

/* @status: as from waitpid(), or 0 if it is unknown */
static void
set_failed (const Process *process, int status, GError **error)
{
  g_autofree char *message = get_last_line (process->written[1]);
  g_autofree char *how = WIFSIGNALED (status) ? g_strdup_printf ("signal %d", WTERMSIG (status))
                         : WEXITSTATUS (status)
                             ? g_strdup_printf ("status %d", WEXITSTATUS (status))
                             : g_strdup ("no answer");

  g_set_error (error, LSTM_ERROR, LSTM_ERROR_FORMAT, "%s: " PROGRAM " failed (%s)%s%s",
      process->path, how, message ? ": " : "", message ? message : "");
}

/* The answer alone decides, as the exit status may be lost. */
static gboolean
check_answer (Process *process, gboolean in_time, int status, GError **error)
{
  if (!in_time) {
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_FORMAT,
        "%s: " PROGRAM " was not ready in time and was stopped", process->path);
    return FALSE;
  }
  if (has_answered (process, LSTM_ANSWER_MODEL))
    return TRUE;
  if (has_answered (process, LSTM_ANSWER_ERROR)) {
    g_autofree char *message = get_last_line (process->written[0]);

    if (message) {
      g_set_error_literal (error, LSTM_ERROR, LSTM_ERROR_FORMAT, message);
      return FALSE;
    }
  }
  set_failed (process, status, error);
  return FALSE;
}

/* Ends the process and all that it started. Returns its status as from waitpid(), or 0 if the
 * application has reaped it. */
static int
finish (Process *process, gboolean *in_time)
{
  int status = 0;

  for (guint i = 0; i < 2; i++)
    if (process->fds[i] >= 0)
      close (process->fds[i]);
  /* The process may still run when its pipes have ended. */
  while (*in_time && waitpid (process->pid, &status, WNOHANG) == 0) {
    *in_time = g_get_monotonic_time () < process->deadline;
    g_usleep (500);
  }
  lstm_lifeline_cut (&process->line);
  if (!*in_time && waitpid (process->pid, &status, WNOHANG) == 0) {
    kill (process->pid, SIGKILL); /* for systems where a pipe sends no signals */
    while (waitpid (process->pid, &status, 0) < 0 && errno == EINTR)
      ;
  }
  g_spawn_close_pid (process->pid);
  return status;
}

GBytes *
lstm_convert (const char *path, gsize size, GError **error)
{
  const char *program = lstm_getenv ("LSTM_CONVERT");
  Process process = {
      .path = path, .most = {MIN (64 * MEGABYTE + 16 * size, G_MAXUINT), MAX_MESSAGE}};
  const guint filled = lstm_standard_files_fill ();
  gboolean in_time, ok;
  int status;

  ok = start (&process, program ? program : LSTM_CONVERT_PROGRAM, size, error);
  lstm_standard_files_clear (filled);
  if (!ok)
    return NULL;
  for (guint i = 0; i < 2; i++)
    process.written[i] = g_byte_array_new ();
  in_time = read_pipes (&process);
  status = finish (&process, &in_time);
  ok = check_answer (&process, in_time, status, error);
  g_byte_array_unref (process.written[1]);
  if (ok)
    return g_byte_array_free_to_bytes (process.written[0]);
  g_byte_array_unref (process.written[0]);
  return NULL;
}
