/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads formats other than safetensors in another process. A hostile file may crash the library
 * that parses the file. Such a crash ends the converter, not the application. */
#define _GNU_SOURCE /* F_SETPIPE_SZ */
#include "load/convert-process.h"
#include "lstm/lstm.h"
#include "process/answer.h"
#include "process/environment.h"
#include "process/lifeline.h"
#include "process/standard-files.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM "lstm-convert"
#define MEGABYTE ((gsize) 1 << 20)
#define PIPE_SIZE (1 << 20) /* bytes; a small pipe wakes both processes for every 64 kB */
#define SECONDS 10          /* time limit for a small file; one second more for every 20 MB */
#define MEMORY 1024         /* limit of the address space for a small file, in MB */
#define MAX_MESSAGE 65536   /* bytes of stderr, or of an error, that are stored */
#define MAX_KEPT 4096       /* bytes of a read that can be repeated */

enum { STDOUT, STDERR, N_PIPES };

/* Bytes of the model that can be read again */
typedef struct {
  guint64 offset;
  GBytes *bytes;
} Part;

/* A converter and its answer, which is the source of a content */
typedef struct {
  char *path;    /* of the converted file, for messages */
  char *command; /* for the report */
  char **report; /* see lstm_convert_file() */
  GPid pid;      /* 0 after the end of the process */
  LstmLifeline line;
  int fds[N_PIPES];       /* to read from; -1 after the end of a pipe */
  GByteArray *messages;   /* from stderr */
  gboolean in_time;       /* FALSE after the deadline */
  gint64 begin, deadline; /* monotonic time, in µs */
  int status;             /* after the end, as from waitpid(); 0 if it is unknown */
  guint64 size, at;       /* bytes of the model, and bytes of it that were read */
  GArray *parts;          /* of Part, by offset */
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

/* Enlarges the pipe if the system permits it. The pipe works without, too. */
static void
enlarge_pipe (int descriptor)
{
#ifdef F_SETPIPE_SZ
  fcntl (descriptor, F_SETPIPE_SZ, PIPE_SIZE);
#endif
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
      enlarge_pipe (process->fds[STDOUT]);
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

/* --- Pipes --- */

static void
close_pipe (Process *process, guint i)
{
  close (process->fds[i]);
  process->fds[i] = -1;
}

/* Waits until a pipe has bytes or ends. Clears process->in_time at the deadline, or if poll()
 * fails. */
static void
wait_for_pipes (Process *process, struct pollfd polled[N_PIPES])
{
  const gint64 left = process->deadline - g_get_monotonic_time ();

  for (guint i = 0; i < N_PIPES; i++)
    polled[i] = (struct pollfd){process->fds[i], POLLIN, 0};
  if (left <= 0 || (poll (polled, N_PIPES, (int) (left / 1000) + 1) < 0 && errno != EINTR))
    process->in_time = FALSE;
}

/* Reads stderr once, and drops what exceeds MAX_MESSAGE. */
static void
read_messages (Process *process)
{
  guint8 buffer[MAX_MESSAGE];
  const ssize_t n = read (process->fds[STDERR], buffer, sizeof buffer);

  if (n == 0 || (n < 0 && errno != EINTR))
    close_pipe (process, STDERR);
  else if (n > 0 && process->messages->len + (gsize) n <= MAX_MESSAGE)
    g_byte_array_append (process->messages, buffer, (guint) n);
}

/* Reads @n bytes of stdout, and stderr in the meantime. Returns the number of bytes, less than @n at
 * the end of stdout and at the deadline. */
static gsize
read_output (Process *process, guint8 *to, gsize n)
{
  gsize done = 0;

  while (done < n && process->fds[STDOUT] >= 0 && process->in_time) {
    struct pollfd polled[N_PIPES];
    ssize_t n_read;

    wait_for_pipes (process, polled);
    if (process->fds[STDERR] >= 0 && polled[STDERR].revents)
      read_messages (process);
    if (!polled[STDOUT].revents)
      continue;
    n_read = read (process->fds[STDOUT], to + done, n - done);
    if (n_read == 0 || (n_read < 0 && errno != EINTR))
      close_pipe (process, STDOUT);
    else if (n_read > 0)
      done += (gsize) n_read;
  }
  return done;
}

/* Reads stderr to its end. */
static void
drain_messages (Process *process)
{
  while (process->fds[STDERR] >= 0 && process->in_time) {
    struct pollfd polled[N_PIPES];

    wait_for_pipes (process, polled);
    if (polled[STDERR].revents)
      read_messages (process);
  }
}

/* --- End --- */

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

/* Ends the process and all processes that it started, and sets process->status. Clears
 * process->in_time if the process outlives the deadline. */
static void
end_process (Process *process)
{
  if (!process->pid)
    return;
  for (guint i = 0; i < N_PIPES; i++)
    if (process->fds[i] >= 0)
      close_pipe (process, i);
  /* The process may close its pipes before it exits. */
  while (process->in_time && waitpid (process->pid, &process->status, WNOHANG) == 0) {
    process->in_time = g_get_monotonic_time () < process->deadline;
    g_usleep (500);
  }
  lstm_lifeline_cut (&process->line);
  if (!process->in_time && waitpid (process->pid, &process->status, WNOHANG) == 0) {
    kill (process->pid, SIGKILL); /* on systems without signals from a pipe */
    while (waitpid (process->pid, &process->status, 0) < 0 && errno == EINTR)
      ;
  }
  g_spawn_close_pid (process->pid);
  process->pid = 0;
}

/* Ends a process that wrote no complete answer, and reports how it ended. Returns: FALSE */
static gboolean
refuse_process (Process *process, GError **error)
{
  g_autofree char *message = NULL, *how = NULL;

  if (process->fds[STDOUT] < 0)
    drain_messages (process);
  end_process (process);
  if (!process->in_time) {
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_FORMAT,
        "%s: " PROGRAM " was not ready in time and was stopped", process->path);
    return FALSE;
  }
  message = get_last_line (process->messages);
  how = WIFSIGNALED (process->status)
            ? g_strdup_printf ("signal %d", WTERMSIG (process->status))
        : WEXITSTATUS (process->status)
            ? g_strdup_printf ("status %d", WEXITSTATUS (process->status))
            : g_strdup ("no answer");
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_FORMAT, "%s: " PROGRAM " failed (%s)%s%s",
      process->path, how, message ? ": " : "", message ? message : "");
  return FALSE;
}

static void
clear_part (gpointer part)
{
  g_bytes_unref (((Part *) part)->bytes);
}

static void
free_process (gpointer source)
{
  Process *process = source;

  process->in_time = FALSE; /* The answer is complete, or it is not needed. */
  end_process (process);
  g_byte_array_unref (process->messages);
  g_array_unref (process->parts);
  g_free (process->command);
  g_free (process->path);
  g_free (process);
}

/* --- Answer --- */

/* Reads the line that states the kind and the size of the answer; see process/answer.h. Returns FALSE if
 * there is no such line, or if the size exceeds @limit. */
static gboolean
read_answer_line (Process *process, const char *kind, const char *line, gsize limit)
{
  g_autofree char *expected = NULL;
  const char *digits = line + strlen (LSTM_ANSWER_PREFIX) + strlen (kind) + 1;

  if (!g_ascii_isdigit (*digits))
    return FALSE;
  process->size = g_ascii_strtoull (digits, NULL, 10);
  expected = g_strdup_printf (LSTM_ANSWER_LINE, kind, (gsize) process->size);
  return g_str_equal (line, expected) && process->size <= limit;
}

/* Reads the message of an error. Sets @error to the message. Returns FALSE if the message is not
 * complete. */
static gboolean
read_error (Process *process, GError **error)
{
  g_autoptr (GByteArray) text = g_byte_array_new ();
  g_autofree char *message = NULL;
  guint8 rest;

  g_byte_array_set_size (text, (guint) process->size);
  if (read_output (process, text->data, text->len) < text->len
      || read_output (process, &rest, 1) || !(message = get_last_line (text)))
    return FALSE;
  g_set_error_literal (error, LSTM_ERROR, LSTM_ERROR_FORMAT, message);
  return TRUE;
}

/* Reads the beginning of the answer. Returns TRUE if a model of process->size bytes follows, else
 * FALSE with @error. @size: of the converted file */
static gboolean
read_answer (Process *process, gsize size, GError **error)
{
  char line[LSTM_ANSWER_LINE_SIZE + 1] = "";

  if (read_output (process, (guint8 *) line, LSTM_ANSWER_LINE_SIZE) < LSTM_ANSWER_LINE_SIZE)
    return refuse_process (process, error);
  if (read_answer_line (process, LSTM_ANSWER_MODEL, line, 64 * MEGABYTE + 16 * size))
    return TRUE;
  if (read_answer_line (process, LSTM_ANSWER_ERROR, line, MAX_MESSAGE)
      && read_error (process, error))
    return FALSE;
  return refuse_process (process, error);
}

/* --- The model as a content --- */

/* Copies up to @n bytes from byte @offset on that were read before. Returns the number of bytes; 0 if
 * the byte was not kept. */
static gsize
copy_part (const Process *process, guint64 offset, gsize n, guint8 *to)
{
  for (guint i = 0; i < process->parts->len; i++) {
    const Part *part = &g_array_index (process->parts, Part, i);
    gsize size;
    const guint8 *bytes = g_bytes_get_data (part->bytes, &size);

    if (offset < part->offset || offset - part->offset >= size)
      continue;
    n = MIN (n, size - (gsize) (offset - part->offset));
    memcpy (to, bytes + (offset - part->offset), n);
    return n;
  }
  return 0;
}

/* Keeps @bytes, the last bytes that were read. @bytes: (transfer full) */
static void
keep_part (Process *process, GBytes *bytes)
{
  const Part part = {process->at - g_bytes_get_size (bytes), bytes};

  g_array_append_val (process->parts, part);
}

/* Reads the next @n bytes of the model. */
static gboolean
read_next (Process *process, gsize n, guint8 *to, GError **error)
{
  if (read_output (process, to, n) < n)
    return refuse_process (process, error);
  process->at += n;
  return TRUE;
}

/* Reads up to byte @offset, and keeps the bytes. */
static gboolean
skip_bytes (Process *process, guint64 offset, GError **error)
{
  const gsize n = (gsize) (offset - process->at);
  g_autofree guint8 *bytes = g_try_malloc (n);

  if (!bytes) {
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_MEMORY,
        "%s: no memory for %" G_GSIZE_FORMAT " bytes", process->path, n);
    return FALSE;
  }
  if (!read_next (process, n, bytes, error))
    return FALSE;
  keep_part (process, g_bytes_new_take (g_steal_pointer (&bytes), n));
  return TRUE;
}

/* Reads up to @n bytes that were kept. Returns the number of bytes, or 0 with @error. */
static gsize
read_again (const Process *process, guint64 offset, gsize n, guint8 *to, GError **error)
{
  const gsize n_read = copy_part (process, offset, MIN (n, (gsize) (process->at - offset)), to);

  if (!n_read)
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_FORMAT,
        "%s: expected to read each byte of the converted model once, found byte "
        "%" G_GUINT64_FORMAT " after byte %" G_GUINT64_FORMAT,
        process->path, offset, process->at);
  return n_read;
}

/* The pipe returns each byte once. The weights are read in the order of the file, so that they need
 * no memory here. Small reads, and bytes that were skipped, can be repeated. */
static gboolean
read_model (gpointer source, guint64 offset, gsize n, guint8 *to, GError **error)
{
  Process *process = source;

  while (n > 0 && offset < process->at) {
    const gsize n_read = read_again (process, offset, n, to, error);

    if (!n_read)
      return FALSE;
    offset += n_read;
    to += n_read;
    n -= n_read;
  }
  if (!n)
    return TRUE;
  if ((offset > process->at && !skip_bytes (process, offset, error))
      || !read_next (process, n, to, error))
    return FALSE;
  if (n <= MAX_KEPT)
    keep_part (process, g_bytes_new (to, n));
  return TRUE;
}

/* Checks that the answer has exactly the size that its first line states. The exit status does not
 * decide, because the application may have reaped the process. */
static gboolean
check_model (gpointer source, GError **error)
{
  Process *process = source;
  guint8 rest;

  if (process->at < process->size && !skip_bytes (process, process->size, error))
    return FALSE;
  if (read_output (process, &rest, 1) || !process->in_time)
    return refuse_process (process, error);
  drain_messages (process);
  end_process (process);
  if (!process->in_time)
    return refuse_process (process, error);
  *process->report = g_strdup_printf ("converted in %.1f ms by %s",
      (double) (g_get_monotonic_time () - process->begin) / 1000, process->command);
  return TRUE;
}

static const LstmContentType model_type = {read_model, check_model, free_process};

LstmContent *
lstm_convert_file (
    const char *path, gsize size, const char *module_chain, char **report, GError **error)
{
  const char *program = lstm_getenv ("LSTM_CONVERT");
  g_autofree char *option = module_chain ? g_strconcat ("--module-chain=", module_chain, NULL)
                                         : NULL;
  const char *const argv[] = {program ? program : LSTM_CONVERT_PROGRAM, "-o", "-", "--answer",
      option ? option : "--", option ? "--" : path, option ? path : NULL, NULL};
  Process *process = g_new0 (Process, 1);
  const guint filled = lstm_standard_files_fill ();
  gboolean ok;

  process->path = g_strdup (path);
  process->command = g_strjoinv (" ", (char **) argv);
  process->report = report;
  process->messages = g_byte_array_new ();
  process->parts = g_array_new (FALSE, FALSE, sizeof (Part));
  g_array_set_clear_func (process->parts, clear_part);
  process->in_time = TRUE;
  process->begin = g_get_monotonic_time ();
  ok = start_process (process, argv, size, error);
  lstm_standard_files_clear (filled);
  if (ok && read_answer (process, size, error))
    return lstm_content_new_from_source (process->size, &model_type, process);
  free_process (process);
  return NULL;
}
