/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
#include <sys/types.h>

/* A file that is written; see util/output-file.h */
typedef struct {
  char *path;        /* as the caller passed it, for messages */
  char *name;        /* in @directory, after all links are resolved; NULL: written in place */
  char *staged_name; /* in @directory, the name of the file before it is complete */
  gboolean owns_staged; /* the file has @staged_name, and this process created it */
  mode_t mode;          /* of a new file */
  int directory;        /* descriptor; -1: written in place */
  int descriptor;       /* to write to */
} LstmOutputFile;
