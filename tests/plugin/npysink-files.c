/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Content of the files of `npysink`, and when they appear. */
#include "npysink-rig.h"

/* --- Round trips --- */

/* Writes random bits, also NaN with payloads. */
static void
write_random_file (const gchar *path, const gchar *shape, gsize n)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (504);
  g_autofree gchar *text = g_strdup_printf (
      "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }", shape);
  g_autofree gchar *padded = g_strdup_printf ("%-117s\n", text);
  GByteArray *bytes = npy_header_new (1, padded);

  for (gsize i = 0; i < n; i++) {
    guint32 bits = g_rand_int (rand);

    g_byte_array_append (bytes, (const guint8 *) &bits, sizeof bits);
  }
  npy_write (path, bytes);
}

static void
check_round_trip (SinkRig *rig, const gchar *in, guint steps)
{
  g_autofree gchar *error = NULL;

  if (!test_launch (&error, "npysrc location=%s steps-per-buffer=%u ! npysink location=%s", in,
          steps, rig->path))
    g_error ("%s", error);
  test_assert_same_file (in, rig->path);
}

static void
test_round_trip (SinkRig *rig, gconstpointer data)
{
  static const struct {
    const gchar *shape;
    gsize n;
  } shapes[] = {
      {"(20, 3)", 60},
      {"(5, 20, 3)", 300},
      {"(5, 1, 3)", 15},
      {"(20, 1)", 20},
      {"(5, 0, 3)", 0},
      /* More data than one block of the copy by streams; a step longer than a block */
      {"(5, 3001, 40)", 600200},
      {"(3, 8, 90000)", 2160000},
  };
  static const guint steps[] = {1, 7, 0};
  g_autofree gchar *in = g_build_filename (rig->dir, "in.npy", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (shapes); i++) {
    write_random_file (in, shapes[i].shape, shapes[i].n);
    for (guint k = 0; k < G_N_ELEMENTS (steps); k++)
      check_round_trip (rig, in, steps[k]);
  }
  sink_rig_assert_n_files (rig, 2);
}

/* The files are those of NumPy, byte by byte. */
static void
test_numpy (SinkRig *rig, gconstpointer data)
{
  static const gchar *const names[] = {"npy/f4-4x3.npy", "npy/f4-2x4x3.npy", "npy/f4-0x3.npy"};

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree gchar *in = test_vector_path (names[i]);

    check_round_trip (rig, in, 1);
  }
}

/* --- When a file appears --- */

static void
test_eos (SinkRig *rig, gconstpointer data)
{
  sink_rig_start (rig, CAPS_1 ("3:2"));
  g_assert_cmpint (sink_rig_push_numbers (rig, 0, 6), ==, GST_FLOW_OK);
  g_assert_cmpint (sink_rig_push_numbers (rig, 6, 6), ==, GST_FLOW_OK);
  sink_rig_assert_n_files (rig, 0); /* an incomplete file has no name */
  sink_rig_push_eos (rig);
  assert_npy_file (rig->path, "(4, 3)", 0, 12);
  sink_rig_assert_n_files (rig, 1);
  sink_rig_stop (rig);
  assert_npy_file (rig->path, "(4, 3)", 0, 12);
}

/* Without EOS the file has the steps that arrived. */
static void
test_stop (SinkRig *rig, gconstpointer data)
{
  for (guint i = 0; i < 3; i++) {
    sink_rig_start (rig, CAPS_1 ("3"));
    for (guint k = 0; k <= i; k++)
      g_assert_cmpint (sink_rig_push_numbers (rig, (gint) (i + 3 * k), 3), ==, GST_FLOW_OK);
    sink_rig_stop (rig);
    g_assert_null (gst_bus_pop_filtered (rig->bus, GST_MESSAGE_ERROR));
    sink_rig_assert_n_files (rig, 1);
  }
  assert_npy_file (rig->path, "(3, 3)", 2, 9);
}

static void
test_stop_streams (SinkRig *rig, gconstpointer data)
{
  static const gfloat expected[] = {0, 1, 2, 100, 3, 4, 5, 101};
  g_autofree gchar *contents = NULL;
  gsize length;

  sink_rig_start (rig, CAPS_1 ("1:3:2"));
  g_assert_cmpint (sink_rig_push_numbers (rig, 0, 6), ==, GST_FLOW_OK);
  sink_rig_push_caps (rig, CAPS_1 ("1:1:2"));
  g_assert_cmpint (sink_rig_push_numbers (rig, 100, 2), ==, GST_FLOW_OK);
  sink_rig_stop (rig);
  sink_rig_assert_n_files (rig, 1);
  g_assert_true (g_file_get_contents (rig->path, &contents, &length, NULL));
  g_assert_nonnull (strstr (contents + 10, "(2, 4, 1)"));
  g_assert_cmpuint (length, ==, 128 + sizeof expected);
  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    g_assert_cmpfloat (get_npy_float (contents, i), ==, expected[i]);
}

static void
test_replace (SinkRig *rig, gconstpointer data)
{
  npy_write_numbers (rig->path, "(1, 3)", 3);
  sink_rig_start (rig, CAPS_1 ("3"));
  g_assert_cmpint (sink_rig_push_numbers (rig, 7, 3), ==, GST_FLOW_OK);
  {
    g_autofree gchar *contents = NULL;
    gsize length;

    g_assert_true (g_file_get_contents (rig->path, &contents, &length, NULL));
    g_assert_cmpuint (length, ==, 70 + 12);
  }
  sink_rig_push_eos (rig);
  assert_npy_file (rig->path, "(1, 3)", 7, 3);
  sink_rig_assert_n_files (rig, 1);
}

static void
test_nothing (SinkRig *rig, gconstpointer data)
{
  /* Without caps there is no file. */
  sink_rig_start (rig, NULL);
  g_assert_cmpint (sink_rig_push_numbers (rig, 0, 3), ==, GST_FLOW_NOT_NEGOTIATED);
  sink_rig_push_eos (rig);
  sink_rig_stop (rig);
  sink_rig_assert_n_files (rig, 0);

  /* With caps alone, EOS writes a file of length 0, and a stop writes no file. */
  sink_rig_start (rig, CAPS_1 ("3:1:2"));
  sink_rig_stop (rig);
  sink_rig_assert_n_files (rig, 0);
  sink_rig_start (rig, CAPS_1 ("3:1:2"));
  sink_rig_push_eos (rig);
  assert_npy_file (rig->path, "(2, 0, 3)", 0, 0);
  sink_rig_assert_n_files (rig, 1);
  sink_rig_stop (rig);

  /* Caps from before the stop are cleared. */
  sink_rig_start (rig, NULL);
  g_assert_cmpint (sink_rig_push_numbers (rig, 0, 6), ==, GST_FLOW_NOT_NEGOTIATED);
}

/* After EOS a new file begins. */
static void
test_after_eos (SinkRig *rig, gconstpointer data)
{
  sink_rig_start (rig, CAPS_1 ("3"));
  g_assert_cmpint (sink_rig_push_numbers (rig, 0, 3), ==, GST_FLOW_OK);
  sink_rig_push_eos (rig);
  assert_npy_file (rig->path, "(1, 3)", 0, 3);
  sink_rig_push_flush (rig);
  g_assert_cmpint (sink_rig_push_numbers (rig, 5, 3), ==, GST_FLOW_OK);
  assert_npy_file (rig->path, "(1, 3)", 0, 3);
  sink_rig_push_eos (rig);
  assert_npy_file (rig->path, "(1, 3)", 5, 3);
  sink_rig_assert_n_files (rig, 1);
}

/* Gaps and flushes neither remove nor add steps. */
static void
test_gap_and_flush (SinkRig *rig, gconstpointer data)
{
  sink_rig_start (rig, CAPS_1 ("3"));
  g_assert_cmpint (sink_rig_push_numbers (rig, 0, 3), ==, GST_FLOW_OK);
  gst_harness_push_event (rig->harness, gst_event_new_gap (0, GST_SECOND));
  g_assert_cmpint (sink_rig_push_numbers (rig, 3, 3), ==, GST_FLOW_OK);
  sink_rig_push_flush (rig);
  g_assert_cmpint (sink_rig_push_numbers (rig, 6, 3), ==, GST_FLOW_OK);
  sink_rig_push_eos (rig);
  assert_npy_file (rig->path, "(3, 3)", 0, 9);
}

static void
test_other_steps (SinkRig *rig, gconstpointer data)
{
  sink_rig_start (rig, CAPS_1 ("3:2"));
  g_assert_cmpint (sink_rig_push_numbers (rig, 0, 6), ==, GST_FLOW_OK);
  sink_rig_push_caps (rig, CAPS_1 ("3:1:1:1"));
  g_assert_cmpint (sink_rig_push_numbers (rig, 6, 3), ==, GST_FLOW_OK);
  sink_rig_push_eos (rig);
  assert_npy_file (rig->path, "(3, 3)", 0, 9);
}

/* A tensor is split into two memories. */
static void
test_split_memory (SinkRig *rig, gconstpointer data)
{
  GstBuffer *buffer = gst_buffer_new ();

  append_numbers (buffer, 0, 2);
  append_numbers (buffer, 2, 4);
  sink_rig_start (rig, CAPS_1 ("3:2"));
  g_assert_cmpint (gst_harness_push (rig->harness, buffer), ==, GST_FLOW_OK);
  sink_rig_push_eos (rig);
  assert_npy_file (rig->path, "(2, 3)", 0, 6);
}

int
main (int argc, char **argv)
{
  static const SinkRigTest tests[] = {
      {"/npysink-files/round-trip", test_round_trip},
      {"/npysink-files/numpy", test_numpy},
      {"/npysink-files/eos", test_eos},
      {"/npysink-files/stop", test_stop},
      {"/npysink-files/stop-streams", test_stop_streams},
      {"/npysink-files/replace", test_replace},
      {"/npysink-files/nothing", test_nothing},
      {"/npysink-files/after-eos", test_after_eos},
      {"/npysink-files/gap-and-flush", test_gap_and_flush},
      {"/npysink-files/other-steps", test_other_steps},
      {"/npysink-files/split-memory", test_split_memory},
  };

  test_init (&argc, &argv);
  TEST_ADD_FIXTURE_ROWS (tests, SinkRig, sink_rig_init, sink_rig_clear);
  return g_test_run ();
}
