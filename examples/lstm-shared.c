/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Shares one model among many pipelines. The program loads the model once, runs each FILE through a
 * separate pipeline, all pipelines at the same time, and prints the last output of each pipeline.
 *
 * Usage: lstm-shared MODEL FILE…
 *
 * FILE is a NumPy array [length, d]. */
#include "numbers.h"
#include <gst/gst.h>
#include <lstm/lstm.h>

typedef struct {
  GMainLoop *loop;
  guint running; /* number of pipelines that run */
  int status;    /* exit status */
} App;

typedef struct {
  App *app;
  const char *file;
  GstElement *pipeline, *lstm;
} Pipe;

/* Prints the message that lstm posts at the end of a sequence. The message contains the number of
 * steps and the last output, an array of float. */
static void
print_final (const Pipe *pipe, const GstStructure *final)
{
  const GValue *output = gst_structure_get_value (final, "output");
  const guint n = gst_value_array_get_size (output);
  g_autofree float *numbers = g_new (float, n);
  guint64 steps = 0;

  for (guint i = 0; i < n; i++)
    numbers[i] = g_value_get_float (gst_value_array_get_value (output, i));
  gst_structure_get_uint64 (final, "steps", &steps);
  printf ("%s: %" G_GUINT64_FORMAT " steps: ", pipe->file, steps);
  numbers_print (numbers, n);
}

/* Handles a message of a pipeline in the main loop. An error stops only that pipeline. */
static gboolean
on_message (GstBus *bus, GstMessage *message, gpointer data)
{
  Pipe *pipe = data;
  g_autoptr (GError) error = NULL;

  if (gst_message_has_name (message, "lstm-final"))
    print_final (pipe, gst_message_get_structure (message));
  if (!(GST_MESSAGE_TYPE (message) & (GST_MESSAGE_ERROR | GST_MESSAGE_EOS)))
    return G_SOURCE_CONTINUE;
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    gst_message_parse_error (message, &error, NULL);
    g_printerr ("lstm-shared: %s: %s\n", pipe->file, error->message);
    pipe->app->status = 1;
  }
  if (--pipe->app->running == 0)
    g_main_loop_quit (pipe->app->loop);
  return G_SOURCE_REMOVE;
}

/* Makes a pipeline. The element keeps a reference to @model. */
static gboolean
pipe_init (Pipe *pipe, LstmModel *model, GError **error)
{
  g_autoptr (GstElement) src = NULL;
  g_autoptr (GstBus) bus = NULL;

  pipe->pipeline = gst_parse_launch_full ("npysrc name=src ! "
                                          "lstm name=lstm output-mode=final ! fakesink",
      NULL, GST_PARSE_FLAG_FATAL_ERRORS, error);
  if (!pipe->pipeline)
    return FALSE;
  src = gst_bin_get_by_name (GST_BIN (pipe->pipeline), "src");
  g_object_set (src, "location", pipe->file, NULL);
  pipe->lstm = gst_bin_get_by_name (GST_BIN (pipe->pipeline), "lstm");
  g_object_set (pipe->lstm, "model", model, NULL);
  bus = gst_element_get_bus (pipe->pipeline);
  gst_bus_add_watch (bus, on_message, pipe);
  return TRUE;
}

static void
pipe_clear (Pipe *pipe)
{
  gst_element_set_state (pipe->pipeline, GST_STATE_NULL);
  gst_object_unref (pipe->lstm);
  gst_object_unref (pipe->pipeline);
}

/* Prints how many pipelines share @model. RAM contains the weights once, and h and c for each
 * pipeline. */
static void
print_sharing (const Pipe *pipes, guint n, LstmModel *model)
{
  guint same = 0;

  for (guint i = 0; i < n; i++) {
    g_autoptr (LstmModel) used = NULL;

    g_object_get (pipes[i].lstm, "model", &used, NULL);
    same += used == model;
  }
  printf ("%u of %u pipelines share %" G_GSIZE_FORMAT " bytes of weights\n", same, n,
      lstm_model_get_packed_size (model));
}

/* Runs the pipelines. Each pipeline has its own streaming thread. */
static gboolean
run_pipelines (App *app, Pipe *pipes, guint n, LstmModel *model, GError **error)
{
  for (guint i = 0; i < n; i++)
    if (!pipe_init (&pipes[i], model, error))
      return FALSE;
  app->running = n;
  for (guint i = 0; i < n; i++)
    gst_element_set_state (pipes[i].pipeline, GST_STATE_PLAYING);
  g_main_loop_run (app->loop);
  print_sharing (pipes, n, model);
  for (guint i = 0; i < n; i++)
    pipe_clear (&pipes[i]);
  return TRUE;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (LstmModel) model = NULL;
  g_autofree Pipe *pipes = NULL;
  App app = {0};

  gst_init (&argc, &argv);
  if (argc < 3) {
    g_printerr ("usage: lstm-shared MODEL FILE…\n");
    return 2;
  }
  app.loop = g_main_loop_new (NULL, FALSE);
  pipes = g_new0 (Pipe, argc - 2);
  for (int i = 2; i < argc; i++)
    pipes[i - 2] = (Pipe){.app = &app, .file = argv[i]};
  model = lstm_model_load (argv[1], &error);
  if (!model || !run_pipelines (&app, pipes, (guint) argc - 2, model, &error)) {
    g_printerr ("lstm-shared: %s\n", error->message);
    app.status = 1;
  }
  g_main_loop_unref (app.loop);
  return app.status;
}
