/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The layers after the cut, over windows of T vectors, of which one ends at each vector. */
#pragma once

#include <lstm/lstm.h>

typedef struct {
  LstmModel *model;
  gsize n_steps;      /* T */
  LstmWindow *window; /* of a causal model */
  LstmState *state;   /* of a model that needs complete sequences */
  float *vectors;     /* (T, d), of such a model */
  float *sequence;    /* (output steps, n), its output */
} VideoMemory;

/* Loads the file @path. video_memory_close() must follow, also after an error. */
gboolean video_memory_open (VideoMemory *self, const char *path, gsize n_steps, GError **error);
void video_memory_close (VideoMemory *self);

/* Appends @vector [d], and sets @output [n] to the last output step of the window that ends with
 * @vector. The first T - 1 vectors of a causal model have no output. */
void video_memory_run (VideoMemory *self, const float *vector, float *output);
