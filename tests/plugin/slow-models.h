/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Models that load as slowly as a test wants: files that only lstm-convert reads, and a script in its
 * place, which waits first. */
#pragma once
#include "testutil.h"
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* The last argument is the file. Beside it may be a pipe to note runs in, a pipe to wait for, and a
 * number of seconds; and the model, without which the script fails. */
#define SLOW_CONVERTER                                                                         \
  "#!/bin/sh\n"                                                                                \
  "for file; do :; done\n"                                                                     \
  "[ -p \"$file.runs\" ] && echo > \"$file.runs\"\n"                                           \
  "[ -p \"$file.held\" ] && read -r line < \"$file.held\"\n"                                   \
  "[ -f \"$file.seconds\" ] && sleep \"$(cat \"$file.seconds\")\"\n"                           \
  "cat \"$file.safetensors\" || exit\n"                                                        \
  "printf 'lstm-convert model %020d\\n' \"$(wc -c < \"$file.safetensors\")\"\n"

typedef struct {
  gchar *path;
  gint runs; /* the end of the pipe that is read; */
  gint held; /* that of the other one, which is closed to end the wait. -1: not open */
} SlowModel;

/* Puts the script into @dir, to be used from now on. */
static inline void
slow_converter_install (const gchar *dir)
{
  g_autofree gchar *path = g_build_filename (dir, "convert", NULL);

  g_assert_true (g_file_set_contents (path, SLOW_CONVERTER, -1, NULL));
  g_assert_cmpint (g_chmod (path, 0755), ==, 0);
  g_setenv ("LSTM_CONVERT", path, TRUE);
}

static inline void
slow_put (const SlowModel *model, const gchar *suffix, const gchar *content, gssize size)
{
  g_autofree gchar *path = g_strconcat (model->path, suffix, NULL);

  g_assert_true (g_file_set_contents (path, content, size, NULL));
}

/* The model that it becomes: of a file of safetensors, with which the file itself changes too. */
static inline void
slow_model_set (const SlowModel *model, const gchar *safetensors)
{
  g_autofree gchar *content = NULL;
  g_autofree gchar *file = g_strconcat ("PK\3\4 config.json becomes ", safetensors, NULL);
  gsize size;

  g_assert_true (g_file_get_contents (safetensors, &content, &size, NULL));
  slow_put (model, ".safetensors", content, (gssize) size);
  slow_put (model, "", file, -1);
}

static inline gchar *
slow_pipe (const SlowModel *model, const gchar *suffix)
{
  gchar *path = g_strconcat (model->path, suffix, NULL);

  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  return path;
}

/* @safetensors: NULL makes one that does not load. */
static inline void
slow_model_init (
    SlowModel *model, const gchar *dir, const gchar *name, const gchar *safetensors)
{
  g_autofree gchar *runs = NULL;

  *model = (SlowModel){g_build_filename (dir, name, NULL), -1, -1};
  if (safetensors)
    slow_model_set (model, safetensors);
  else
    slow_put (model, "", "PK\3\4 config.json becomes nothing", -1);
  runs = slow_pipe (model, ".runs");
  model->runs = open (runs, O_RDWR | O_NONBLOCK);
  g_assert_cmpint (model->runs, >=, 0);
}

static inline void
slow_model_clear (SlowModel *model)
{
  close (model->runs);
  g_free (model->path);
}

/* The next load waits for slow_model_release(). */
static inline void
slow_model_hold (SlowModel *model)
{
  g_free (slow_pipe (model, ".held"));
}

/* Returns when a load waits; later ones do not. */
static inline void
slow_model_await (SlowModel *model)
{
  g_autofree gchar *path = g_strconcat (model->path, ".held", NULL);

  model->held = open (path, O_WRONLY);
  g_assert_cmpint (model->held, >=, 0);
  g_unlink (path);
}

static inline void
slow_model_release (SlowModel *model)
{
  close (model->held);
  model->held = -1;
}

/* Since the last call */
static inline guint
slow_model_count_runs (SlowModel *model)
{
  gchar bytes[64];
  const gssize n = read (model->runs, bytes, sizeof bytes);

  return n < 0 ? 0 : (guint) n;
}
