/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * `lstm` with the reference vectors; its buffers, properties and models. */
#include "lstm-rig.h"
#include <math.h>

/* --- Vectors: each folder is a case --- */

#define TOLERANCE 1e-5

static void
assert_close (const gchar *found_path, const gchar *expected_path)
{
  StepArray found = step_array_load (found_path), expected = step_array_load (expected_path);
  const gsize n = expected.streams * expected.length * expected.size;

  g_assert_cmpuint (found.streams, ==, expected.streams);
  g_assert_cmpuint (found.length, ==, expected.length);
  g_assert_cmpuint (found.size, ==, expected.size);
  for (gsize i = 0; i < n; i++)
    if (!(fabsf (found.items[i] - expected.items[i]) <= TOLERANCE))
      g_error ("%s: item %" G_GSIZE_FORMAT ": expected %.9g, found %.9g", expected_path, i,
          expected.items[i], found.items[i]);
  g_free (found.items);
  g_free (expected.items);
}

/* Asserts that file @b has only the last step of file @a. */
static void
assert_last_step (const gchar *a, const gchar *b)
{
  StepArray all = step_array_load (a), last = step_array_load (b);
  g_autofree gfloat *expected = step_array_copy (&all, all.streams, all.length - 1, 1);
  const gsize bytes = all.streams * all.size * sizeof (gfloat);

  g_assert_cmpuint (last.length, ==, 1);
  g_assert_cmpmem (last.items, last.streams * last.size * sizeof (gfloat), expected, bytes);
  g_free (all.items);
  g_free (last.items);
}

/* Runs the input of @folder through its model and writes the outputs to @dir/@file. */
static void
run_vector (const gchar *folder, guint steps, const gchar *properties, const gchar *dir,
    const gchar *file)
{
  g_autofree gchar *x = get_vector_path (folder, "x.npy");
  g_autofree gchar *model = get_vector_path (folder, "model.safetensors");
  g_autofree gchar *error = NULL;

  if (!test_launch (&error,
          "npysrc location=%s steps-per-buffer=%u ! lstm model-location=%s %s ! "
          "npysink location=%s/%s",
          x, steps, model, properties, dir, file))
    g_error ("%s", error);
}

static void
check_vector (const gchar *folder, const gchar *dir)
{
  static const guint steps[] = {1, 7, 0};
  static const gchar *const tensors[][2] = {
      {"output.npy", "expected.npy"}, {"hidden.npy", "hidden.npy"}, {"cell.npy", "cell.npy"}};
  g_autofree gchar *cells = get_vector_path (folder, "cell.npy");
  g_autofree gchar *first = g_build_filename (dir, "1.npy", NULL);
  const guint n = g_file_test (cells, G_FILE_TEST_EXISTS) ? 3 : 1;

  for (guint i = 0; i < G_N_ELEMENTS (steps); i++) {
    g_autofree gchar *name = g_strdup_printf ("%u.npy", steps[i]);
    g_autofree gchar *path = g_build_filename (dir, name, NULL);
    g_autofree gchar *final = g_build_filename (dir, "final.npy", NULL);

    run_vector (folder, steps[i], "", dir, name);
    test_assert_same_file (path, first);
    run_vector (folder, steps[i], "output-mode=final", dir, "final.npy");
    assert_last_step (first, final);
  }
  run_vector (folder, 7, n == 3 ? "emit=output+hidden+cell" : "", dir,
      n == 3 ? "%s.npy" : "output.npy");
  for (guint i = 0; i < n; i++) {
    g_autofree gchar *found = g_build_filename (dir, tensors[i][0], NULL);
    g_autofree gchar *expected = get_vector_path (folder, tensors[i][1]);

    assert_close (found, expected);
    if (i == 0)
      test_assert_same_file (found, first);
  }
}

static void
test_vectors (void)
{
  g_autofree gchar *root = test_vector_path ("lstm");
  g_autoptr (GDir) folders = g_dir_open (root, 0, NULL);
  const gchar *folder;
  guint n = 0;

  g_assert_nonnull (folders);
  for (; (folder = g_dir_read_name (folders)); n++) {
    gchar *dir = test_dir_new ();

    g_test_message ("%s", folder);
    check_vector (folder, dir);
    test_dir_remove (dir);
  }
  g_assert_cmpuint (n, >, 0);
}

/* --- Buffers --- */

/* The element does not change read-only memory of a buffer with a second reference. */
static void
test_input_untouched (void)
{
  static const gchar *const modes[] = {"", "output-mode=final", "emit=output+hidden+cell"};

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++) {
    g_autofree gfloat *items = NULL;
    g_autofree gfloat *copy = NULL;
    g_autoptr (GstBuffer) buffer = NULL;
    Rig rig;

    rig_init (&rig, "long-no-bias", modes[i]);
    rig.n_steps = 100;
    items = step_array_copy (&rig.x, 1, 0, 100);
    copy = g_memdup2 (items, 1200);
    buffer = gst_buffer_new_wrapped_full (
        GST_MEMORY_FLAG_READONLY, items, 1200, 0, 1200, NULL, NULL);
    rig_begin_stream (&rig);
    g_assert_cmpint (gst_harness_push (rig.harness, gst_buffer_ref (buffer)), ==, GST_FLOW_OK);
    rig_push_event (&rig, gst_event_new_eos ());
    g_assert_cmpuint (rig.outputs->len, >, 0);
    g_assert_cmpmem (items, 1200, copy, 1200);
    rig_clear (&rig);
  }
}

static void
test_metadata (void)
{
  static const gchar *tags[] = {NULL};
  g_autoptr (GstBuffer) out = NULL;
  GstBuffer *buffer;
  GstCustomMeta *meta;
  gint n = 0;
  Rig rig;

  gst_meta_register_custom ("LstmTestMeta", tags, NULL, NULL, NULL);
  rig_init (&rig, "seed-1x30", "");
  rig_begin_stream (&rig);
  for (guint i = 0; i < 2; i++) {
    gst_clear_buffer (&out);
    buffer = rig_buffer_new (&rig, 0);
    GST_BUFFER_PTS (buffer) = 1;
    GST_BUFFER_DTS (buffer) = 2;
    GST_BUFFER_DURATION (buffer) = 3;
    GST_BUFFER_OFFSET (buffer) = 4;
    GST_BUFFER_OFFSET_END (buffer) = 5;
    if (i == 1) /* GStreamer marks the first buffer as a discontinuity */
      GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT | GST_BUFFER_FLAG_MARKER);
    meta = gst_buffer_add_custom_meta (buffer, "LstmTestMeta");
    gst_structure_set (gst_custom_meta_get_structure (meta), "n", G_TYPE_INT, 6, NULL);
    out = gst_harness_push_and_pull (rig.harness, buffer);
    g_assert_true (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_MARKER) == (i == 1));
    g_assert_true (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_DISCONT) == (i == 1));
  }
  g_assert_cmpuint (GST_BUFFER_PTS (out), ==, 1);
  g_assert_cmpuint (GST_BUFFER_DTS (out), ==, 2);
  g_assert_cmpuint (GST_BUFFER_DURATION (out), ==, 3);
  g_assert_cmpuint (GST_BUFFER_OFFSET (out), ==, 4);
  g_assert_cmpuint (GST_BUFFER_OFFSET_END (out), ==, 5);
  meta = gst_buffer_get_custom_meta (out, "LstmTestMeta");
  g_assert_nonnull (meta);
  g_assert_true (gst_structure_get_int (gst_custom_meta_get_structure (meta), "n", &n));
  g_assert_cmpint (n, ==, 6);
  rig_clear (&rig);
}

/* An output buffer has one memory for each tensor. */
static void
test_memories (void)
{
  static const struct {
    const gchar *emit;
    guint n;
    gsize sizes[3];
  } cases[] = {
      {"emit=output", 1, {84}},
      {"emit=hidden+output", 2, {84, 192}},
      {"emit=output+hidden+cell", 3, {84, 192, 192}},
      {"emit=cell", 1, {192}},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GstBuffer) out = NULL;
    Rig rig;

    rig_init (&rig, "head", cases[i].emit);
    rig.n_steps = 3;
    rig_begin_stream (&rig);
    out = gst_harness_push_and_pull (rig.harness, rig_buffer_new (&rig, 0));
    g_assert_cmpuint (gst_buffer_n_memory (out), ==, cases[i].n);
    for (guint k = 0; k < cases[i].n; k++)
      g_assert_cmpuint (gst_memory_get_sizes (gst_buffer_peek_memory (out, k), NULL, NULL), ==,
          cases[i].sizes[k]);
    rig_clear (&rig);
  }
}

/* The tensor begins at an odd address, or is in two memories, split within a number. */
static void
test_odd_memory (void)
{
  static const struct {
    gsize prefix; /* bytes before the tensor */
    gsize first;  /* bytes of the tensor in the first memory */
  } cases[] = {{0, 120}, {1, 120}, {3, 120}, {0, 7}, {1, 60}, {4, 119}};

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const gsize first = cases[i].first, prefix = cases[i].prefix;
    g_autofree gfloat *items = NULL;
    GstBuffer *buffer = gst_buffer_new ();
    guint8 *bytes = g_malloc (prefix + 120);
    Rig rig;

    rig_init (&rig, "long-no-bias", "");
    rig.n_steps = 10;
    rig_begin_stream (&rig);
    items = step_array_copy (&rig.x, 1, 0, 10);
    memcpy (bytes + prefix, items, 120);
    gst_buffer_append_memory (
        buffer, gst_memory_new_wrapped (0, bytes, prefix + 120, prefix, first, bytes, g_free));
    if (first < 120) {
      guint8 *rest = g_memdup2 ((guint8 *) items + first, 120 - first);

      gst_buffer_append_memory (
          buffer, gst_memory_new_wrapped (0, rest, 120 - first, 0, 120 - first, rest, g_free));
    }
    g_assert_cmpint (gst_harness_push (rig.harness, buffer), ==, GST_FLOW_OK);
    rig_expect_outputs (&rig, 0, 10, 10);
    rig_assert_outputs (&rig);
    rig_clear (&rig);
  }
}

/* --- Properties and states --- */

static void
test_properties (void)
{
  static const TestProperty properties[] = {
      {"model-location", NULL, "a.safetensors", GST_PARAM_MUTABLE_PLAYING},
      {"precision", "float32", "int8", GST_PARAM_MUTABLE_READY},
      {"module-chain", NULL, "lstm", GST_PARAM_MUTABLE_READY},
      {"output-mode", "sequence", "final", GST_PARAM_MUTABLE_READY},
      {"emit", "output", "hidden+cell", GST_PARAM_MUTABLE_READY},
      {"stateful", "false", "true", GST_PARAM_MUTABLE_PLAYING},
      {"qos", "false", "true", 0}, /* off: late steps are run */
  };

  test_properties_of ("lstm", properties, G_N_ELEMENTS (properties));
}

/* The outputs are those of the library with a model of the same precision. */
static void
test_precision (void)
{
  static const gchar *const names[] = {
      "float32", "bfloat16", "int8"}; /* order of LstmPrecision */
  g_autofree gchar *path = get_vector_path ("uneven", "model.safetensors");
  g_autofree gchar *x_path = get_vector_path ("uneven", "x.npy");
  StepArray x = step_array_load (x_path);
  gchar *dir = test_dir_new ();

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree gchar *property = g_strconcat ("precision=", names[i], NULL);
    g_autofree gchar *file = g_build_filename (dir, names[i], NULL);
    g_autoptr (GError) error = NULL;
    g_autoptr (LstmModel) model = lstm_model_load_full (path, (LstmPrecision) i, NULL, &error);
    g_autoptr (LstmState) state = lstm_state_new (model, x.streams, &error);
    const gsize n = x.streams * x.length * lstm_model_get_output_size (model);
    g_autofree gfloat *expected = g_new (gfloat, n);
    StepArray found;

    g_assert_cmpint (lstm_model_get_precision (model), ==, i);
    lstm_state_run (state, x.length, x.items, expected);
    run_vector ("uneven", 7, property, dir, names[i]);
    found = step_array_load (file);
    g_assert_cmpmem (found.items, found.streams * found.length * found.size * sizeof (gfloat),
        expected, n * sizeof (gfloat));
    g_free (found.items);
  }
  g_free (x.items);
  test_dir_remove (dir);
}

/* Two elements use one model at once. They hold the only references. */
static void
test_model (void)
{
  g_autofree gchar *x = get_vector_path ("uneven", "x.npy");
  g_autofree gchar *path = get_vector_path ("uneven", "model.safetensors");
  g_autofree gchar *expected = get_vector_path ("uneven", "expected.npy");
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = NULL;
  LstmModel *model = lstm_model_load (path, &error);
  gchar *dir = test_dir_new ();

  g_assert_no_error (error);
  pipeline = parse_pipeline ("npysrc location=%s ! lstm name=a model-location=/none ! "
                             "npysink location=%s/a npysrc location=%s ! lstm name=b ! "
                             "npysink location=%s/b",
      x, dir, x, dir);
  for (guint i = 0; i < 2; i++) {
    g_autoptr (GstElement) lstm = gst_bin_get_by_name (GST_BIN (pipeline), i ? "b" : "a");
    g_autoptr (LstmModel) found = NULL;

    g_object_set (lstm, "model", model, NULL);
    g_object_get (lstm, "model", &found, NULL);
    g_assert_true (found == model);
  }
  lstm_model_unref (model);
  play_to_eos (pipeline);
  for (guint i = 0; i < 2; i++) {
    g_autofree gchar *found = g_build_filename (dir, i ? "b" : "a", NULL);

    assert_close (found, expected);
  }
  test_dir_remove (dir);
}

/* Without a model the path is used again. A model that is set in READY is used at the next
 * start. */
static void
test_model_replaced (void)
{
  g_autofree gchar *path = get_vector_path ("head", "model.safetensors");
  g_autoptr (GError) error = NULL;
  g_autoptr (LstmModel) head = lstm_model_load (path, &error);
  Rig rig;

  g_assert_no_error (error);
  rig_init (&rig, "seed-1x30", "");
  for (guint i = 0; i < 4; i++) {
    gst_element_set_state (rig.lstm, GST_STATE_READY);
    g_object_set (rig.lstm, "model", i % 2 ? head : NULL, NULL);
    gst_element_set_state (rig.lstm, GST_STATE_PLAYING);
    rig_push_stream_start (&rig);
    g_assert_true (rig_push_caps_text (&rig, i % 2 ? CAPS ("12", "") : CAPS ("1", "")));
    g_assert_nonnull (strstr (rig.log->str, i % 2 ? "caps 7:1" : "caps 30:1"));
    g_string_truncate (rig.log, 0);
  }
  rig_clear (&rig);
}

static void
test_cycles (void)
{
  static const gchar *const modes[] = {"", "output-mode=final", "emit=output+hidden+cell"};
  g_autofree gchar *model = get_vector_path ("seed-1x30", "model.safetensors");

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++) {
    g_autofree gchar *line = g_strdup_printf (
        "videotestsrc ! video/x-raw,width=32,height=24 ! lstmfeatures width=1 height=1 ! "
        "queue ! lstm model-location=%s %s ! fakesink",
        model, modes[i]);

    test_state_cycles (line, 100);
  }
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm/vectors", test_vectors},
      {"/lstm/input-untouched", test_input_untouched},
      {"/lstm/metadata", test_metadata},
      {"/lstm/memories", test_memories},
      {"/lstm/odd-memory", test_odd_memory},
      {"/lstm/properties", test_properties},
      {"/lstm/precision", test_precision},
      {"/lstm/model", test_model},
      {"/lstm/model-replaced", test_model_replaced},
      {"/lstm/cycles", test_cycles},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
