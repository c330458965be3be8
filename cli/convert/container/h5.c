/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Runs libhdf5 in a child process, because libhdf5 up to 1.14.3 reads and writes out of bounds if a
 * file is broken on purpose. The child process cannot open files, and its computing time is
 * limited. The parent process sends questions and receives answers. A missing answer is an
 * error. */
#include "container/h5-file.h"
#include "convert.h"
#include "process/lifeline.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_SECONDS 30               /* computing time of the child process */
#define MAX_TEXT (512 * 1024 * 1024) /* bytes of an answer, except the values of a dataset */

typedef enum { ASK_EXISTS, ASK_HAS_DATA, ASK_LIST, ASK_STRINGS, ASK_READ } Question;

typedef enum {
  ANSWER_NO, /* the object or attribute does not exist */
  ANSWER_YES,
  ANSWER_ERROR /* a message follows */
} Answer;

/* The header of a message. The path and the name of a question follow, or the content of an
 * answer. */
typedef struct {
  guint32 kind;      /* Question or Answer */
  guint32 name_size; /* bytes of the name that follows the path, with its zero */
  guint64 size;      /* bytes that follow */
} Header;

struct _H5 {
  char *path; /* for messages */
  pid_t pid;
  LstmLifeline lifeline; /* ends the child process when the parent process ends */
  int socket;
};

static gboolean
send_all (int to, const void *data, gsize size)
{
  const guint8 *at = data;

  while (size > 0) {
    gssize n = send (to, at, size, MSG_NOSIGNAL);

    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return FALSE;
    at += n;
    size -= (gsize) n;
  }
  return TRUE;
}

static gboolean
receive_all (int from, void *data, gsize size)
{
  guint8 *at = data;

  while (size > 0) {
    gssize n = recv (from, at, size, 0);

    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return FALSE;
    at += n;
    size -= (gsize) n;
  }
  return TRUE;
}

static gboolean
send_answer (int to, Answer answer, const void *data, gsize size)
{
  const Header header = {answer, 0, size};

  return send_all (to, &header, sizeof header) && send_all (to, data, size);
}

static gboolean
send_error (int to, const GError *error)
{
  return send_answer (to, ANSWER_ERROR, error->message, strlen (error->message) + 1);
}

static gboolean
send_strings (int to, GPtrArray *strings, const GError *error)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  if (!strings)
    return error ? send_error (to, error) : send_answer (to, ANSWER_NO, NULL, 0);
  for (guint i = 0; i < strings->len; i++) {
    const char *text = g_ptr_array_index (strings, i);

    g_byte_array_append (bytes, (const guint8 *) text, (guint) strlen (text) + 1);
  }
  return send_answer (to, ANSWER_YES, bytes->data, bytes->len);
}

static gboolean
send_array (int to, H5File *file, const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autofree float *values = NULL;
  H5Array array;

  if (!h5_file_read (file, path, &array, &error)) {
    g_free (array.values);
    return send_error (to, error);
  }
  values = g_steal_pointer (&array.values);
  return send_answer (to, ANSWER_YES, &array, sizeof array)
         && send_all (to, values, array.size * sizeof *values);
}

static gboolean
answer_question (int to, H5File *file, Question question, const char *path, const char *name)
{
  g_autoptr (GPtrArray) strings = NULL;
  g_autoptr (GError) error = NULL;

  switch (question) {
  case ASK_EXISTS:
    return send_answer (to, h5_file_exists (file, path) ? ANSWER_YES : ANSWER_NO, NULL, 0);
  case ASK_HAS_DATA:
    return send_answer (to, h5_file_has_data (file, path) ? ANSWER_YES : ANSWER_NO, NULL, 0);
  case ASK_LIST:
    strings = h5_file_list (file, path, &error);
    return send_strings (to, strings, error);
  case ASK_STRINGS:
    strings = h5_file_get_strings (file, path, name, &error);
    return send_strings (to, strings, error);
  default:
    return send_array (to, file, path);
  }
}

/* Limits the damage that a broken file can do in the child process. A crash writes no message. */
static void
restrict_process (void)
{
  static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGILL};
  const struct rlimit none = {0, 0}, seconds = {MAX_SECONDS, MAX_SECONDS};
  int null = open ("/dev/null", O_WRONLY);

  for (guint i = 0; i < G_N_ELEMENTS (signals); i++)
    signal (signals[i], SIG_DFL);
  if (null >= 0) {
    dup2 (null, STDOUT_FILENO);
    dup2 (null, STDERR_FILENO);
  }
  setrlimit (RLIMIT_CORE, &none);
  setrlimit (RLIMIT_NOFILE, &none);
  setrlimit (RLIMIT_CPU, &seconds);
}

/* Answers the questions of the parent process until the parent process closes the socket. */
static void
answer_questions (int socket, const char *path, const guint8 *data, gsize size)
{
  g_autoptr (GError) error = NULL;
  H5File *file = h5_file_open (path, data, size, &error);
  gboolean is_connected = file ? send_answer (socket, ANSWER_YES, NULL, 0)
                               : send_error (socket, error);
  Header header;

  while (file && is_connected && receive_all (socket, &header, sizeof header)) {
    g_autofree char *text = g_malloc (header.size);

    is_connected = receive_all (socket, text, header.size)
                   && answer_question (
                       socket, file, header.kind, text, text + header.size - header.name_size);
  }
}

static gboolean
fail_no_answer (const H5 *h5, GError **error)
{
  g_set_error (error, CONVERT_ERROR, CONVERT_ERROR_FILE,
      "%s: expected an HDF5 file that libhdf5 can read, found a broken file, on which libhdf5 "
      "failed",
      h5->path);
  return FALSE;
}

/* Receives an answer. The answer is as untrusted as the file.
 * @text: (transfer full) (optional): set to the @size bytes of the content, with a zero after
 * them */
static gboolean
receive_answer (H5 *h5, Answer *kind, char **text, gsize *size, GError **error)
{
  Header header;
  g_autofree char *content = NULL;

  if (!receive_all (h5->socket, &header, sizeof header) || header.size > MAX_TEXT
      || header.kind > ANSWER_ERROR)
    return fail_no_answer (h5, error);
  content = g_malloc (header.size + 1);
  if (!receive_all (h5->socket, content, header.size))
    return fail_no_answer (h5, error);
  content[header.size] = '\0';
  *kind = header.kind;
  if (*kind == ANSWER_ERROR) {
    g_autofree char *message = g_utf8_make_valid (content, -1);

    g_set_error_literal (error, CONVERT_ERROR, CONVERT_ERROR_FILE, message);
    return FALSE;
  }
  if (text)
    *text = g_steal_pointer (&content);
  if (size)
    *size = header.size;
  return TRUE;
}

static gboolean
ask_question (H5 *h5, Question question, const char *path, const char *name, Answer *kind,
    char **text, gsize *size, GError **error)
{
  gsize n_path = strlen (path) + 1, n_name = strlen (name) + 1;
  const Header header = {question, (guint32) n_name, n_path + n_name};

  if (!send_all (h5->socket, &header, sizeof header) || !send_all (h5->socket, path, n_path)
      || !send_all (h5->socket, name, n_name))
    return fail_no_answer (h5, error);
  return receive_answer (h5, kind, text, size, error);
}

static gboolean
fail_to_start (const H5 *h5, const char *reason, GError **error)
{
  g_set_error (error, CONVERT_ERROR, CONVERT_ERROR_FILE,
      "%s: expected a process for libhdf5, found none: %s", h5->path, reason);
  return FALSE;
}

static gboolean
start_process (H5 *h5, const guint8 *data, gsize size, GError **error)
{
  g_autoptr (GError) cause = NULL;
  int sockets[2];

  if (!lstm_lifeline_open (&h5->lifeline, &cause))
    return fail_to_start (h5, cause->message, error);
  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0)
    return fail_to_start (h5, g_strerror (errno), error);
  h5->pid = fork ();
  if (h5->pid == 0) {
    lstm_lifeline_depend (&h5->lifeline, getpid ());
    close (sockets[0]);
    restrict_process ();
    answer_questions (sockets[1], h5->path, data, size);
    _exit (0);
  }
  h5->socket = sockets[0];
  close (sockets[1]);
  return h5->pid > 0 || fail_to_start (h5, g_strerror (errno), error);
}

H5 *
h5_open (const char *path, const guint8 *data, gsize size, GError **error)
{
  g_autoptr (H5) h5 = g_new0 (H5, 1);
  Answer kind;

  h5->path = g_strdup (path);
  h5->lifeline = LSTM_LIFELINE_NONE;
  h5->socket = -1;
  h5->pid = -1;
  if (!start_process (h5, data, size, error) || !receive_answer (h5, &kind, NULL, NULL, error))
    return NULL;
  return g_steal_pointer (&h5);
}

void
h5_close (H5 *h5)
{
  if (h5->socket >= 0)
    close (h5->socket);
  lstm_lifeline_cut (&h5->lifeline);
  while (h5->pid > 0 && waitpid (h5->pid, NULL, 0) < 0 && errno == EINTR)
    ;
  g_free (h5->path);
  g_free (h5);
}

gboolean
h5_exists (H5 *h5, const char *path)
{
  Answer kind;

  return ask_question (h5, ASK_EXISTS, path, "", &kind, NULL, NULL, NULL) && kind == ANSWER_YES;
}

gboolean
h5_has_data (H5 *h5, const char *path)
{
  Answer kind;

  return ask_question (h5, ASK_HAS_DATA, path, "", &kind, NULL, NULL, NULL)
         && kind == ANSWER_YES;
}

static GPtrArray *
ask_strings (H5 *h5, Question question, const char *path, const char *name, GError **error)
{
  g_autofree char *text = NULL;
  GPtrArray *strings;
  Answer kind;
  gsize size;

  if (!ask_question (h5, question, path, name, &kind, &text, &size, error) || kind == ANSWER_NO)
    return NULL;
  strings = g_ptr_array_new_with_free_func (g_free);
  for (gsize at = 0; at < size; at += strlen (text + at) + 1)
    g_ptr_array_add (strings, g_strdup (text + at));
  return strings;
}

GPtrArray *
h5_list (H5 *h5, const char *path, GError **error)
{
  g_autoptr (GError) cause = NULL;
  GPtrArray *names = ask_strings (h5, ASK_LIST, path, "", &cause);

  if (!names && !cause)
    fail_no_answer (h5, &cause);
  if (cause)
    g_propagate_error (error, g_steal_pointer (&cause));
  return names;
}

GPtrArray *
h5_get_strings (H5 *h5, const char *path, const char *name, GError **error)
{
  return ask_strings (h5, ASK_STRINGS, path, name, error);
}

static gboolean
is_consistent (const H5Array *array)
{
  gsize size = 1;

  if (array->n_dims > H5_MAX_DIMS)
    return FALSE;
  for (guint i = 0; i < array->n_dims; i++)
    if (!g_size_checked_mul (&size, size, array->shape[i]))
      return FALSE;
  return size == array->size && size <= G_MAXSSIZE / sizeof (float);
}

gboolean
h5_read (H5 *h5, const char *path, H5Array *array, GError **error)
{
  g_autofree char *text = NULL;
  Answer kind;
  gsize size;

  *array = (H5Array){0};
  if (!ask_question (h5, ASK_READ, path, "", &kind, &text, &size, error))
    return FALSE;
  if (kind != ANSWER_YES || size != sizeof *array)
    return fail_no_answer (h5, error);
  memcpy (array, text, sizeof *array);
  array->values = is_consistent (array) ? g_try_new (float, MAX (array->size, 1)) : NULL;
  if (array->values
      && receive_all (h5->socket, array->values, array->size * sizeof *array->values))
    return TRUE;
  g_clear_pointer (&array->values, g_free);
  return fail_no_answer (h5, error);
}
