/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A pipe that processes depend on. The kernel kills them when the pipe is cut, or when the process
 * that holds it is gone, however that ended. So nobody has to watch, no thread has to stay, the
 * children need not cooperate, and no process id is used that may be another's by then. */
#pragma once

#include <glib.h>
#include <sys/types.h>

typedef struct {
  int ends[2]; /* to read and to write; -1 where there is none */
} LstmLifeline;

#define LSTM_LIFELINE_NONE ((LstmLifeline){{-1, -1}})

gboolean lstm_lifeline_open (LstmLifeline *line, GError **error);

/* To be called in a child after fork(). From now on @dependent, a process or minus a process
 * group, lives no longer than @line. Calls only functions that are safe there. */
void lstm_lifeline_depend (const LstmLifeline *line, pid_t dependent);

/* Kills what depends on it, and leaves LSTM_LIFELINE_NONE. */
void lstm_lifeline_cut (LstmLifeline *line);
