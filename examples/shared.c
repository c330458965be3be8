/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One model, shared by many pipelines: the weights are in memory once, and each pipeline has h and c of
 * its own. All run beside each other; how many steps each has run is printed in the end.
 *
 *     shared MODEL FEATURES.npy PIPELINES */
#include <gst/gst.h>
#include <lstm/lstm.h>

typedef struct {
  GMainLoop *loop;
  guint running;
  gboolean failed;
} Application;

static gboolean
on_message (GstBus *bus, GstMessage *message, gpointer data)
{
  Application *app = data;
  g_autoptr (GError) error = NULL;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    gst_message_parse_error (message, &error, NULL);
    g_printerr ("shared: %s: %s\n", GST_MESSAGE_SRC_NAME (message), error->message);
    app->failed = TRUE;
    g_main_loop_quit (app->loop);
  } else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS && --app->running == 0) {
    g_main_loop_quit (app->loop);
  }
  return G_SOURCE_CONTINUE;
}

/* Returns: (transfer full): a pipeline whose lstm takes a reference of @model */
static GstElement *
make_pipeline (Application *app, LstmModel *model, const char *features, GError **error)
{
  GstElement *pipeline = gst_parse_launch_full (
      "npysrc name=source ! lstm name=lstm ! fakesink", NULL, GST_PARSE_FLAG_FATAL_ERRORS,
      error);
  g_autoptr (GstElement) source = NULL;
  g_autoptr (GstElement) lstm = NULL;
  g_autoptr (GstBus) bus = NULL;

  if (!pipeline)
    return NULL;
  source = gst_bin_get_by_name (GST_BIN (pipeline), "source");
  g_object_set (source, "location", features, NULL);
  lstm = gst_bin_get_by_name (GST_BIN (pipeline), "lstm");
  g_object_set (lstm, "model", model, NULL);
  bus = gst_element_get_bus (pipeline);
  gst_bus_add_watch (bus, on_message, app);
  app->running++;
  return pipeline;
}

/* Says how many steps it ran, while lstm still knows. */
static void
finish (GstElement *pipeline)
{
  g_autoptr (GstElement) lstm = gst_bin_get_by_name (GST_BIN (pipeline), "lstm");
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstStructure) stats = NULL;
  guint64 steps = 0;

  g_object_get (lstm, "stats", &stats, NULL);
  gst_structure_get_uint64 (stats, "steps", &steps);
  g_print ("%s: %" G_GUINT64_FORMAT " steps\n", GST_OBJECT_NAME (pipeline), steps);
  gst_bus_remove_watch (bus);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}

int
main (int argc, char **argv)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GPtrArray) pipelines = g_ptr_array_new_with_free_func ((GDestroyNotify) finish);
  g_autoptr (GError) error = NULL;
  g_autoptr (LstmModel) model = NULL;
  Application app = {.loop = loop};
  guint64 n = 0;

  gst_init (&argc, &argv);
  if (argc != 4 || !g_ascii_string_to_unsigned (argv[3], 10, 1, 1000, &n, NULL)) {
    g_printerr ("usage: shared MODEL FEATURES.npy PIPELINES\n");
    return 2;
  }
  model = lstm_model_load (argv[1], &error);
  for (guint64 i = 0; model && !error && i < n; i++) {
    GstElement *pipeline = make_pipeline (&app, model, argv[2], &error);

    if (pipeline)
      g_ptr_array_add (pipelines, pipeline);
  }
  if (error) {
    g_printerr ("shared: %s\n", error->message);
    return 1;
  }
  for (guint i = 0; i < pipelines->len; i++)
    gst_element_set_state (g_ptr_array_index (pipelines, i), GST_STATE_PLAYING);
  g_main_loop_run (loop);
  return app.failed ? 1 : 0;
}
