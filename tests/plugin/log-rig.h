/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Records what the elements of the plugin log, at all levels. */
#pragma once
#include "testutil.h"

/* A message that the log must contain once */
typedef struct {
  const gchar *category; /* of the element */
  GstDebugLevel level;
  const gchar *pattern; /* glob of the message */
} LogFact;

/* Calls test_init(). No message is printed. GStreamer never frees the list of log functions, so the
 * list must not change later. */
void log_init (int *argc, char ***argv);

/* Begins to record, with an empty log. */
void log_begin (void);

/* Ends the recording. Asserts that @n_warnings messages have level WARNING or a more severe level. */
void log_end (guint n_warnings);

/* Returns the number of recorded messages of @fact. */
guint log_count (const LogFact *fact);

/* Asserts that the log contains @fact exactly once, and its pattern at no other level. */
void log_assert (const LogFact *fact);
