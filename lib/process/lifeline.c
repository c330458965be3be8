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
  fcntl (line->ends[0], F_SETSIG, SIGKILL); /* SIGIO, which may be ignored, without it */
#endif
  fcntl (line->ends[0], F_SETFL, O_ASYNC);
  /* No signal comes from a line that was cut before. */
  if (poll (&end, 1, 0) != 0)
    kill (dependent, SIGKILL);
}

void
lstm_lifeline_cut (LstmLifeline *line)
{
  /* A byte, and not only the end of the pipe: another child of this process may hold the pipe, too.
   * This process is a reader itself, so there is no SIGPIPE. */
  while (line->ends[1] >= 0 && write (line->ends[1], "", 1) < 0 && errno == EINTR)
    ;
  for (guint i = 0; i < G_N_ELEMENTS (line->ends); i++)
    if (line->ends[i] >= 0)
      close (line->ends[i]);
  *line = LSTM_LIFELINE_NONE;
}
