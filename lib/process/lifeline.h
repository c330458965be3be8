/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A pipe whose end kills the processes that depend on it. The kernel kills them when the pipe is
 * cut, or when the process that owns it ends for any reason. This needs no watcher and no thread,
 * no cooperation of the dependents, and no process id that another process may have by then. */
#pragma once

#include <glib.h>
#include <sys/types.h>

typedef struct {
  int ends[2]; /* to read from and to write to; -1 if closed */
} LstmLifeline;

#define LSTM_LIFELINE_NONE ((LstmLifeline){{-1, -1}})

gboolean lstm_lifeline_open (LstmLifeline *line, GError **error);

/* Lets the lifetime of @dependent, a process id or minus a process group id, end with @line. The
 * caller is a child after fork(): this function calls only functions that are async-signal-safe. */
void lstm_lifeline_depend (const LstmLifeline *line, pid_t dependent);

/* Kills the dependents and sets @line to LSTM_LIFELINE_NONE. */
void lstm_lifeline_cut (LstmLifeline *line);
