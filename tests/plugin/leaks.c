/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pipelines under GStreamer's leaks tracer: after they are freed, none of their objects is
 * alive. */
#include "testutil.h"
#include <string.h>

/* Appends the type of each live object to @text. Returns: (transfer full): a structure that owns
 * the last references of leaked objects */
static GstStructure *
list_live_objects (GString *text)
{
  GList *tracers = gst_tracing_get_active_tracers ();
  GstStructure *live = NULL;
  const GValue *objects;

  g_assert_cmpuint (g_list_length (tracers), ==, 1);
  g_signal_emit_by_name (tracers->data, "get-live-objects", &live);
  g_list_free_full (tracers, gst_object_unref);
  g_assert_nonnull (live);
  objects = gst_structure_get_value (live, "live-objects-list");
  for (guint i = 0; i < gst_value_list_get_size (objects); i++) {
    const GstStructure *object = gst_value_get_structure (
        gst_value_list_get_value (objects, i));
    const GValue *value = gst_structure_get_value (object, "object");

    g_string_append_printf (text, "%s\n", G_VALUE_TYPE_NAME (value));
  }
  return live;
}

/* {x}: a .npy file; {model}: a model for it; {non-causal}: a model that needs complete sequences;
 * {demo}: the demo model; {labels}: its labels */
#define N_GOOD_LINES 10 /* the other lines cause errors */
static const gchar *const lines[] = {
    "npysrc location={x} ! lstm model-location={model} ! fakesink",
    "npysrc location={x} steps-per-buffer=7 ! lstm model-location={model} "
    "emit=output+hidden+cell ! fakesink",
    "npysrc location={x} ! lstm model-location={model} output-mode=final ! queue ! fakesink",
    "npysrc location={x} ! lstm model-location={model} output-mode=final stateful=true ! "
    "lstmlabel ! fakesink",
    "videotestsrc num-buffers=20 ! video/x-raw,width=64,height=48 ! lstmfeatures ! "
    "lstm model-location={demo} ! lstmlabel labels-location={labels} ! fakesink",
    "npysrc location={x} steps-per-buffer=20 ! lstm model-location={model} output-mode=window "
    "window-length=7 ! fakesink",
    "npysrc location={x} ! lstm model-location={model} output-mode=final ! fakesink "
    "npysrc location={x} ! lstm model-location={model} ! fakesink", /* a shared model */
    "npysrc location={x} ! lstm model-location={non-causal} ! fakesink",
    "npysrc location={x} ! lstm model-location={non-causal} output-mode=final ! fakesink",
    "npysrc location={x} ! lstm model-location={non-causal} output-mode=window ! fakesink",
    "npysrc location={x} ! lstm model-location={demo} ! fakesink", /* another input size */
    "npysrc location={x} ! lstm model-location={non-causal} max-steps=999 ! fakesink",
    "npysrc location={x} ! lstm model-location={x} ! fakesink", /* not a model */
};

/* Replaces the names in braces by paths. Returns: (transfer full) */
static gchar *
replace_paths (const gchar *line)
{
  const struct {
    const gchar *token;
    gchar *path;
  } paths[] = {
      {"{x}", test_vector_path ("lstm/long-no-bias/x.npy")},
      {"{model}", test_vector_path ("lstm/long-no-bias/model.safetensors")},
      {"{non-causal}",
          test_vector_path ("variants/keras-bidirectional-concat/model.safetensors")},
      {"{demo}", test_source_path ("models/motion.safetensors")},
      {"{labels}", test_source_path ("models/motion.labels")},
  };
  GString *text = g_string_new (line);

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++) {
    g_string_replace (text, paths[i].token, paths[i].path, 0);
    g_free (paths[i].path);
  }
  return g_string_free (text, FALSE);
}

static void
run_lines (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (lines); i++) {
    g_autofree gchar *error = NULL;
    g_autofree gchar *line = replace_paths (lines[i]);
    const gboolean good = i < N_GOOD_LINES;

    g_test_message ("%s", line);
    if (test_launch (&error, "%s", line) != good)
      g_error ("%s", good ? error : "expected an error");
  }
}

/* The tracer finds objects that are not freed; after the pipelines there are none. */
static void
test_leaks (void)
{
  const gpointer leaked[] = {gst_buffer_new (), gst_event_new_eos (),
      gst_caps_new_empty_simple ("other/tensors"), gst_bus_new ()};
  static const gchar *const names[] = {"GstBuffer\n", "GstEvent\n", "GstCaps\n", "GstBus\n"};
  GString *text = g_string_new (NULL);
  GstStructure *live = list_live_objects (text);

  for (guint i = 0; i < G_N_ELEMENTS (leaked); i++) {
    g_assert_nonnull (leaked[i]);
    g_assert_nonnull (strstr (text->str, names[i]));
  }
  gst_structure_free (live);
  run_lines ();
  gst_task_cleanup_all (); /* threads free their tasks late; GStreamer cannot be used afterwards */
  g_string_truncate (text, 0);
  live = list_live_objects (text);
  g_assert_cmpstr (text->str, ==, "");
  gst_structure_free (live);
  g_string_free (text, TRUE);
}

int
main (int argc, char **argv)
{
  g_setenv ("GST_TRACERS", "leaks", TRUE);
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/leaks", test_leaks);
  return g_test_run ();
}
