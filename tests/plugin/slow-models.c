/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "slow-models.h"
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* The last argument is the path of the model's file. Next to it may be
 *
 *   FILE.runs         a pipe; the script writes a byte to it
 *   FILE.gate         a pipe; the script waits until its write end is closed
 *   FILE.seconds      a number of seconds to sleep
 *   FILE.safetensors  the model; without it the script fails */
#define SLOW_CONVERTER                                                                         \
  "#!/bin/sh\n"                                                                                \
  "for file; do :; done\n"                                                                     \
  "[ -p \"$file.runs\" ] && echo > \"$file.runs\"\n"                                           \
  "[ -p \"$file.gate\" ] && read -r line < \"$file.gate\"\n"                                   \
  "[ -f \"$file.seconds\" ] && sleep \"$(cat \"$file.seconds\")\"\n"                           \
  "size=$(wc -c < \"$file.safetensors\") || exit\n"                                             \
  "printf 'lstm-convert model %020d\\n' \"$size\"\n"                                            \
  "cat \"$file.safetensors\"\n"

void
slow_converter_install (const gchar *dir)
{
  g_autofree gchar *path = g_build_filename (dir, "convert", NULL);

  g_assert_true (g_file_set_contents (path, SLOW_CONVERTER, -1, NULL));
  g_assert_cmpint (g_chmod (path, 0755), ==, 0);
  g_setenv ("LSTM_CONVERT", path, TRUE);
}

static void
write_model_file (
    const SlowModel *model, const gchar *suffix, const gchar *content, gssize size)
{
  g_autofree gchar *path = g_strconcat (model->path, suffix, NULL);

  g_assert_true (g_file_set_contents (path, content, size, NULL));
}

void
slow_model_write (const SlowModel *model, const gchar *safetensors)
{
  g_autofree gchar *content = NULL;
  g_autofree gchar *file = g_strconcat ("PK\3\4 config.json becomes ", safetensors, NULL);
  gsize size;

  g_assert_true (g_file_get_contents (safetensors, &content, &size, NULL));
  write_model_file (model, ".safetensors", content, (gssize) size);
  write_model_file (model, "", file, -1);
}

static gchar *
make_pipe (const SlowModel *model, const gchar *suffix)
{
  gchar *path = g_strconcat (model->path, suffix, NULL);

  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  return path;
}

void
slow_model_init (
    SlowModel *model, const gchar *dir, const gchar *name, const gchar *safetensors)
{
  g_autofree gchar *runs = NULL;

  *model = (SlowModel){g_build_filename (dir, name, NULL), -1, -1};
  if (safetensors)
    slow_model_write (model, safetensors);
  else
    write_model_file (model, "", "PK\3\4 config.json becomes nothing", -1);
  runs = make_pipe (model, ".runs");
  model->runs_fd = open (runs, O_RDWR | O_NONBLOCK);
  g_assert_cmpint (model->runs_fd, >=, 0);
}

void
slow_model_set_delay (const SlowModel *model, const gchar *seconds)
{
  write_model_file (model, ".seconds", seconds, -1);
}

void
slow_model_clear (SlowModel *model)
{
  close (model->runs_fd);
  g_free (model->path);
}

void
slow_model_block_load (SlowModel *model)
{
  g_free (make_pipe (model, ".gate"));
}

void
slow_model_await_load (SlowModel *model)
{
  g_autofree gchar *path = g_strconcat (model->path, ".gate", NULL);

  model->gate_fd = open (path, O_WRONLY);
  g_assert_cmpint (model->gate_fd, >=, 0);
  g_unlink (path);
}

void
slow_model_unblock_load (SlowModel *model)
{
  close (model->gate_fd);
  model->gate_fd = -1;
}

guint
slow_model_count_runs (SlowModel *model)
{
  gchar bytes[64];
  const gssize n = read (model->runs_fd, bytes, sizeof bytes);

  return n < 0 ? 0 : (guint) n;
}
