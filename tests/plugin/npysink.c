/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Names of the files of `npysink`, errors, and state changes. */
#include "npysink-rig.h"
#include <glib/gstdio.h>

/* --- Names --- */

static const struct {
  const gchar *location, *names;
  const gchar *files[3];
} name_cases[] = {
    {"%s.npy", "output,hidden,cell", {"output.npy", "hidden.npy", "cell.npy"}},
    {"y-%s.npy", NULL, {"y-0.npy", "y-1.npy", "y-2.npy"}},
    {"y-%s.npy", ",b,", {"y-0.npy", "y-b.npy", "y-2.npy"}},
    {"%d%n-%s-%s%%s%", "a,b,c", {"%d%n-a-a%a%", "%d%n-b-b%b%", "%d%n-c-c%c%"}},
    {"%s", "%s,%d,..", {"%s", "%d", NULL}},
};

static gboolean
push_three (SinkRig *rig)
{
  GstBuffer *buffer = gst_buffer_new ();

  append_numbers (buffer, 0, 2);
  append_numbers (buffer, 10, 6);
  append_numbers (buffer, 20, 2);
  return gst_harness_push (rig->harness, buffer) == GST_FLOW_OK;
}

/* Returns: (transfer full): caps of three tensors. @names: (nullable) */
static gchar *
build_caps_of_three (const gchar *names)
{
  return g_strdup_printf ("%s%s%s%s", TENSOR_CAPS (3, "float32,float32,float32", "1:2,3:2,1:2"),
      names ? ",names=(string)\"" : "", names ? names : "", names ? "\"" : "");
}

static void
test_names (SinkRig *rig, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (name_cases); i++) {
    g_autofree gchar *caps = build_caps_of_three (name_cases[i].names);
    gboolean is_valid = name_cases[i].files[2] != NULL;

    sink_rig_set_location (rig, name_cases[i].location);
    sink_rig_start (rig, caps);
    g_assert_true (push_three (rig) == is_valid);
    sink_rig_stop (rig);
    if (!is_valid) /* ".." is a directory */
      assert_error_posted (rig->bus, "*expected a file to write, found a directory");
    for (guint k = 0; is_valid && k < 3; k++) {
      g_autofree gchar *path = g_build_filename (rig->dir, name_cases[i].files[k], NULL);

      assert_npy_file (path, k == 1 ? "(2, 3)" : "(2, 1)", (gint) k * 10, k == 1 ? 6 : 2);
      g_assert_cmpint (g_unlink (path), ==, 0);
    }
    sink_rig_assert_n_files (rig, 0);
  }
}

static void
test_name_of_one (SinkRig *rig, gconstpointer data)
{
  g_autofree gchar *named = g_build_filename (rig->dir, "y-hidden", NULL);
  g_autofree gchar *by_index = g_build_filename (rig->dir, "y-0", NULL);

  sink_rig_set_location (rig, "y-%s");
  sink_rig_start (rig, CAPS_1 ("3") ",names=(string)hidden");
  g_assert_cmpint (sink_rig_push_numbers (rig, 0, 3), ==, GST_FLOW_OK);
  sink_rig_stop (rig);
  assert_npy_file (named, "(1, 3)", 0, 3);
  sink_rig_start (rig, CAPS_1 ("3"));
  g_assert_cmpint (sink_rig_push_numbers (rig, 0, 3), ==, GST_FLOW_OK);
  sink_rig_stop (rig);
  assert_npy_file (by_index, "(1, 3)", 0, 3);
  sink_rig_assert_n_files (rig, 2);
}

/* --- Caps of NNStreamer --- */

/* Placeholder caps without a buffer are no error. */
static void
test_placeholder (SinkRig *rig, gconstpointer data)
{
  sink_rig_start (rig, TENSOR_CAPS (1, "uint8", "1:1:1:1"));
  sink_rig_push_caps (rig, CAPS_1 ("3"));
  g_assert_cmpint (sink_rig_push_numbers (rig, 0, 3), ==, GST_FLOW_OK);
  sink_rig_stop (rig);
  assert_npy_file (rig->path, "(1, 3)", 0, 3);
}

static void
test_old_name (SinkRig *rig, gconstpointer data)
{
  sink_rig_start (rig, "other/tensor,type=float32,dimension=(string)3:1:1:2,framerate=30/1");
  g_assert_cmpint (sink_rig_push_numbers (rig, 0, 6), ==, GST_FLOW_OK);
  sink_rig_stop (rig);
  assert_npy_file (rig->path, "(2, 3)", 0, 6);
}

/* Pushes a tensor of @type and dimensions @size:@steps with the items @first, @first + 1, … */
static GstFlowReturn
push_flexible (SinkRig *rig, guint32 type, guint32 size, guint32 steps, gint first)
{
  const guint32 header[32] = {
      0xfeedcced, 0xde001000, type, size, steps, 1, 1, [19] = 1, [20] = 4};
  GstBuffer *buffer = gst_buffer_new (), *numbers = gst_buffer_new ();
  guint8 *bytes = g_malloc (sizeof header + size * steps * sizeof (gfloat));
  const gsize n = sizeof header + size * steps * sizeof (gfloat);

  append_numbers (numbers, first, size * steps);
  memcpy (bytes, header, sizeof header);
  gst_buffer_extract (numbers, 0, bytes + sizeof header, n - sizeof header);
  gst_buffer_unref (numbers);
  gst_buffer_append_memory (buffer, gst_memory_new_wrapped (0, bytes, n, 0, n, bytes, g_free));
  return gst_harness_push (rig->harness, buffer);
}

/* Each buffer of flexible tensors has its own number of steps. */
static void
test_flexible (SinkRig *rig, gconstpointer data)
{
  sink_rig_start (rig, "other/tensors,format=flexible,framerate=30/1");
  g_assert_cmpint (push_flexible (rig, 7, 3, 1, 0), ==, GST_FLOW_OK);
  g_assert_cmpint (push_flexible (rig, 7, 3, 4, 3), ==, GST_FLOW_OK);
  sink_rig_stop (rig);
  assert_npy_file (rig->path, "(5, 3)", 0, 15);
}

static void
test_flexible_errors (SinkRig *rig, gconstpointer data)
{
  static const struct {
    guint32 type, size;
    const gchar *pattern;
  } cases[] = {
      {7, 4,
          "buffer: header field dimension: tensor 0: expected size 3 within a file, found 4"},
      {1, 3, "buffer: tensor 0: header field type: expected float32, found uint32"},
      {11, 3, "buffer: tensor 0: header field type: expected 0 to 10, found 11"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    sink_rig_start (rig, "other/tensors,format=flexible,framerate=30/1");
    g_assert_cmpint (push_flexible (rig, 7, 3, 1, 0), ==, GST_FLOW_OK);
    g_assert_cmpint (
        push_flexible (rig, cases[i].type, cases[i].size, 1, 3), ==, GST_FLOW_ERROR);
    assert_error_posted (rig->bus, cases[i].pattern);
    sink_rig_stop (rig);
    sink_rig_assert_n_files (rig, 0);
  }
}

/* --- Errors: each posts a message and writes no file --- */

static const struct {
  const gchar *location, *caps;
  guint n; /* numbers to push before next_caps */
  const gchar *next_caps;
  const gchar *pattern;
} error_cases[] = {
    {"y", TENSOR_CAPS (2, "float32,float32", "3,3"), 0, NULL,
        "property location: expected %s for the names of 2 tensors, found '*/y'"},
    {"%s", TENSOR_CAPS (2, "float32,float32", "3,3") ",names=(string)\"a,b/../c\"", 0, NULL,
        "caps field names: expected names without '/', found 'b/../c'"},
    {"%s", TENSOR_CAPS (2, "float32,float32", "3,3") ",names=(string)\"a,a\"", 0, NULL,
        "caps field names: expected a different file for each tensor, found */a twice"},
    {"none/y", CAPS_1 ("3"), 0, NULL,
        "*/none/y: expected a directory to write in, */none: No such file or directory"},
    {".", CAPS_1 ("3"), 0, NULL, "*/.: expected a file to write, found a directory"},
    {"y", TENSOR_CAPS (1, "uint8", "3"), 0, NULL,
        "caps field types: expected float32, found 'uint8'"},
    {"y", CAPS_1 ("3:2"), 3, NULL, "buffer: tensor 0: expected 24 bytes *, found 12"},
    {"y", CAPS_1 ("3"), 3, CAPS_1 ("4"),
        "caps field dimensions: tensor 0: expected size 3 within a file, found 4"},
    {"y", CAPS_1 ("3:1:2"), 6, CAPS_1 ("3:1:4"),
        "caps field dimensions: expected 2 streams within a file, found 4"},
    {"%s", CAPS_1 ("3"), 3, TENSOR_CAPS (2, "float32,float32", "3,3"),
        "caps field num_tensors: expected 1 within a file, found 2"},
    {"%s", CAPS_1 ("3") ",names=(string)a", 3, CAPS_1 ("3") ",names=(string)b",
        "caps field names: tensor 0: expected 'a' within a file, found 'b'"},
};

static void
test_errors (SinkRig *rig, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (error_cases); i++) {
    sink_rig_set_location (rig, error_cases[i].location);
    sink_rig_start (rig, error_cases[i].caps);
    if (error_cases[i].n > 0)
      sink_rig_push_numbers (rig, 0, error_cases[i].n);
    if (error_cases[i].next_caps)
      sink_rig_push_caps (rig, error_cases[i].next_caps);
    sink_rig_assert_n_files (rig, 0);
    g_assert_cmpint (sink_rig_push_numbers (rig, 0, 3), !=, GST_FLOW_OK);
    assert_error_posted (rig->bus, error_cases[i].pattern);
    /* Later buffers cause neither a file nor another error. */
    g_assert_cmpint (sink_rig_push_numbers (rig, 0, 3), !=, GST_FLOW_OK);
    gst_harness_push_event (rig->harness, gst_event_new_eos ());
    sink_rig_stop (rig);
    sink_rig_assert_n_files (rig, 0);
    g_assert_null (gst_bus_pop_filtered (rig->bus, GST_MESSAGE_ERROR));
  }
  /* The next start is not affected. */
  sink_rig_set_location (rig, "y");
  sink_rig_start (rig, CAPS_1 ("3"));
  g_assert_cmpint (sink_rig_push_numbers (rig, 0, 3), ==, GST_FLOW_OK);
  sink_rig_stop (rig);
  assert_npy_file (rig->path, "(1, 3)", 0, 3);
}

/* The name of a tensor may change if it is not in the name of the file. */
static void
test_other_name (SinkRig *rig, gconstpointer data)
{
  sink_rig_start (rig, CAPS_1 ("3") ",names=(string)a");
  g_assert_cmpint (sink_rig_push_numbers (rig, 0, 3), ==, GST_FLOW_OK);
  sink_rig_push_caps (rig, CAPS_1 ("3") ",names=(string)b");
  g_assert_cmpint (sink_rig_push_numbers (rig, 3, 3), ==, GST_FLOW_OK);
  sink_rig_push_eos (rig);
  assert_npy_file (rig->path, "(2, 3)", 0, 6);
}

static void
test_no_location (SinkRig *rig, gconstpointer data)
{
  static const gchar *const locations[] = {NULL, ""};

  for (guint i = 0; i < G_N_ELEMENTS (locations); i++) {
    g_object_set (rig->harness->element, "location", locations[i], NULL);
    g_assert_cmpint (gst_element_set_state (rig->harness->element, GST_STATE_PAUSED), ==,
        GST_STATE_CHANGE_FAILURE);
    assert_error_posted (rig->bus, "property location: expected a path, found none");
    gst_element_set_state (rig->harness->element, GST_STATE_NULL);
  }
}

/* A write fails. With several streams the steps fit first, and the limit is exceeded only when
 * stdio flushes its buffer at the end. */
static void
test_short_write (SinkRig *rig, gconstpointer data)
{
  static const struct {
    const gchar *caps;
    guint n;
    rlim_t limit;
  } cases[] = {
      {CAPS_1 ("30000"), 30000, 60000},
      {CAPS_1 ("3"), 3, 136},
      {CAPS_1 ("1:3:2"), 6, 130},
      {CAPS_1 ("30000:1:2"), 60000, 130000},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    npy_write_numbers (rig->path, "(1, 3)", 3);
    sink_rig_start (rig, cases[i].caps);
    test_set_file_size_limit (cases[i].limit);
    sink_rig_push_numbers (rig, 0, cases[i].n);
    gst_harness_push_event (rig->harness, gst_event_new_eos ());
    test_set_file_size_limit (RLIM_INFINITY);
    assert_error_posted (rig->bus, "*/y.npy: writing: File too large");
    sink_rig_stop (rig);
    g_assert_null (gst_bus_pop_filtered (rig->bus, GST_MESSAGE_ERROR));
    sink_rig_assert_n_files (rig, 1); /* the previous file is unchanged */
    g_assert_cmpint (g_unlink (rig->path), ==, 0);
  }
}

/* If one of several files cannot be written, complete files stay. */
static void
test_error_at_end (SinkRig *rig, gconstpointer data)
{
  g_autofree gchar *caps = build_caps_of_three ("a,b,c");
  g_autofree gchar *a = g_build_filename (rig->dir, "a", NULL);
  g_autofree gchar *b = g_build_filename (rig->dir, "b", NULL);

  sink_rig_set_location (rig, "%s");
  sink_rig_start (rig, caps);
  g_assert_true (push_three (rig));
  g_assert_cmpint (g_mkdir (b, 0700), ==, 0); /* a file cannot replace a directory */
  g_assert_false (gst_harness_push_event (rig->harness, gst_event_new_eos ()));
  assert_error_posted (rig->bus, "*/b: replacing it: Is a directory");
  assert_npy_file (a, "(2, 1)", 0, 2);
  sink_rig_assert_n_files (rig, 2);
  sink_rig_stop (rig);
  sink_rig_assert_n_files (rig, 2);
  g_assert_cmpint (g_rmdir (b), ==, 0);
}

/* --- State changes --- */

static void
test_cycles (SinkRig *rig, gconstpointer data)
{
  static const GstState states[] = {GST_STATE_READY, GST_STATE_PAUSED, GST_STATE_PLAYING,
      GST_STATE_READY, GST_STATE_PLAYING, GST_STATE_NULL};

  for (guint i = 0; i < 100; i++) {
    for (guint k = 0; k < G_N_ELEMENTS (states); k++) {
      gst_element_set_state (rig->harness->element, states[k]);
      if (states[k] == GST_STATE_PLAYING) {
        sink_rig_start (rig, CAPS_1 ("3:1:2"));
        g_assert_cmpint (sink_rig_push_numbers (rig, 0, 6), ==, GST_FLOW_OK);
      }
    }
    assert_npy_file (rig->path, "(2, 1, 3)", 0, 6);
    sink_rig_assert_n_files (rig, 1);
  }
}

static void
test_properties (void)
{
  g_autoptr (GstElement)
      element = gst_object_ref_sink (gst_element_factory_make ("npysink", NULL));
  g_autofree gchar *location = NULL;
  gboolean sync;

  g_object_get (element, "location", &location, "sync", &sync, NULL);
  g_assert_null (location);
  g_assert_false (sync);
  g_object_set (element, "location", "a.npy", NULL);
  g_object_get (element, "location", &location, NULL);
  g_assert_cmpstr (location, ==, "a.npy");
}

int
main (int argc, char **argv)
{
  static const SinkRigTest tests[] = {
      {"/npysink/names", test_names},
      {"/npysink/name-of-one", test_name_of_one},
      {"/npysink/other-name", test_other_name},
      {"/npysink/placeholder", test_placeholder},
      {"/npysink/old-name", test_old_name},
      {"/npysink/flexible", test_flexible},
      {"/npysink/flexible-errors", test_flexible_errors},
      {"/npysink/errors", test_errors},
      {"/npysink/no-location", test_no_location},
      {"/npysink/short-write", test_short_write},
      {"/npysink/error-at-end", test_error_at_end},
      {"/npysink/cycles", test_cycles},
  };

  test_init (&argc, &argv);
  TEST_ADD_FIXTURE_ROWS (tests, SinkRig, sink_rig_init, sink_rig_clear);
  g_test_add_func ("/npysink/properties", test_properties);
  return g_test_run ();
}
