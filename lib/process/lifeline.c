/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE /* F_SETSIG */
#include "process/lifeline.h"
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

gboolean
lstm_lifeline_open (LstmLifeline *line, GError **error)
{
  return g_unix_open_pipe (line->ends, FD_CLOEXEC, error);
}

void
lstm_lifeline_depend (const LstmLifeline *line, pid_t dependent)
{
  struct pollfd end = {line->ends[0], POLLIN, 0};

  close (line->ends[1]);
  fcntl (line->ends[0], F_SETFD, 0);
  fcntl (line->ends[0], F_SETOWN, dependent);
#ifdef F_SETSIG
  /* The default signal is SIGIO, which a process may ignore. */
  fcntl (line->ends[0], F_SETSIG, SIGKILL);
#endif
  fcntl (line->ends[0], F_SETFL, O_ASYNC);
  /* A line that was cut before fcntl() sends no signal. */
  if (poll (&end, 1, 0) != 0)
    kill (dependent, SIGKILL);
}

void
lstm_lifeline_cut (LstmLifeline *line)
{
  /* Writes a byte in addition to closing the pipe, because another child of this process may have
   * the pipe open. The write causes no SIGPIPE, because this process has the reading end open,
   * too. */
  while (line->ends[1] >= 0 && write (line->ends[1], "", 1) < 0 && errno == EINTR)
    ;
  for (guint i = 0; i < G_N_ELEMENTS (line->ends); i++)
    if (line->ends[i] >= 0)
      close (line->ends[i]);
  *line = LSTM_LIFELINE_NONE;
}
