/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files that are written. A regular file is replaced as a whole: the new one is made in the
 * directory of the old one, at the end of all links, and takes its name when it is complete and
 * synced; the mode stays, and the owner where that is permitted. It has no name before that, so a
 * process that is killed leaves none. Two things can leave one, always the same,
 * .NAME.lstm-tmp: a kill between the two system calls that replace a file, and a file system
 * without O_TMPFILE. The next write, or check, removes it.
 *
 * Devices, pipes and descriptors of this process, as /dev/stdout, are written in place.
 *
 * Errors are of G_FILE_ERROR, and begin with the path. */
#pragma once
#include <glib.h>
#include <sys/types.h>

typedef struct {
  char *path;        /* as it was given, for messages */
  char *name;        /* in the directory, at the end of all links; NULL: written in place */
  char *staged;      /* the name before it is complete */
  gboolean has_name; /* staged is there, and ours */
  mode_t mode;       /* to make it with */
  int directory;     /* descriptor, -1 where it is written in place */
  int descriptor;    /* to write to */
} LstmOutputFile;

/* Begins to write @path. @rewinds: the writer seeks, back to the first byte too, so a target that
 * cannot is refused. On an error nothing is to be freed. */
gboolean lstm_output_file_open (
    LstmOutputFile *file, const char *path, gboolean rewinds, GError **error);

/* Gives the file its name and frees @file, also on an error, which leaves the file before as it
 * was. @durable: the name survives a loss of power, too. */
gboolean lstm_output_file_commit (LstmOutputFile *file, gboolean durable, GError **error);

/* Frees @file; a file that had the name stays as it was. */
void lstm_output_file_abort (LstmOutputFile *file);

/* Returns: a descriptor of a file that never has a name, where @file is, or -1 with @error */
int lstm_output_file_open_scratch (const LstmOutputFile *file, GError **error);

/* FALSE, with @error, unless @path is a regular file that can be replaced, or can become one.
 * Nothing is written. */
gboolean lstm_output_file_check (const char *path, GError **error);

/* Opens, writes and commits. */
gboolean lstm_output_file_write (
    const char *path, GBytes *bytes, gboolean durable, GError **error);
