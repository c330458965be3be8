/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Models whose loading a test delays. Their files are in a format that only lstm-convert reads, and
 * a script takes the place of lstm-convert. */
#pragma once
#include "testutil.h"

typedef struct {
  gchar *path;
  gint runs_fd; /* read end of the pipe to which each run of the script writes a byte */
  gint gate_fd; /* write end of the pipe that blocks a load; -1 if no load is blocked */
} SlowModel;

/* Writes the script to @dir and sets LSTM_CONVERT to its path. */
void slow_converter_install (const gchar *dir);

/* Initializes @model as a file @name in @dir. @safetensors: (nullable): path of the model that the
 * script returns; with NULL the script fails. */
void slow_model_init (
    SlowModel *model, const gchar *dir, const gchar *name, const gchar *safetensors);
void slow_model_clear (SlowModel *model);

/* Writes the file of the model and a copy of the file @safetensors, which the script returns. */
void slow_model_write (const SlowModel *model, const gchar *safetensors);

/* Delays each load of @model by @seconds, a number for sleep(1). */
void slow_model_set_delay (const SlowModel *model, const gchar *seconds);

/* Makes the next load wait until slow_model_unblock_load(). */
void slow_model_block_load (SlowModel *model);

/* Returns as soon as a load waits. Later loads do not wait. */
void slow_model_await_load (SlowModel *model);
void slow_model_unblock_load (SlowModel *model);

/* Returns the number of runs of the script since the last call. */
guint slow_model_count_runs (SlowModel *model);
