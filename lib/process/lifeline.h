/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A pipe that limits the lifetime of processes that depend on it. The kernel kills the dependents
 * when the pipe is cut, or when the process that owns the pipe ends for any reason. A lifeline
 * needs no watcher, no thread, and no cooperation of the dependents. A lifeline stores no process
 * id, which another process could have by then. */
#pragma once

#include <glib.h>
#include <sys/types.h>

typedef struct {
  int ends[2]; /* to read from and to write to; -1 if closed */
} LstmLifeline;

#define LSTM_LIFELINE_NONE ((LstmLifeline){{-1, -1}})

/* Creates the pipe. Returns FALSE with @error after a failure. */
gboolean lstm_lifeline_open (LstmLifeline *line, GError **error);

/* Makes @dependent, a process id or minus a process group id, depend on @line. The caller is a
 * child after fork(): this function calls only functions that are async-signal-safe. */
void lstm_lifeline_depend (const LstmLifeline *line, pid_t dependent);

/* Kills the dependents and sets @line to LSTM_LIFELINE_NONE. */
void lstm_lifeline_cut (LstmLifeline *line);
