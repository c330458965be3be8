/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Streams of `npysrc`: buffers and timestamps, caps, seeks, queries and states. */
#include "npysrc-rig.h"
#include <glib/gstdio.h>

/* --- Buffers --- */

typedef struct {
  const gchar *shape;
  guint n;
  const gchar *properties;
  const gchar *log;
} LogCase;

static const LogCase log_cases[] = {
    {"(3,)", 3, "framerate=10/1", "caps 3:1\nsegment 0\nbuffer 0-1 0+100000000\neos\n"},
    {"(2, 3)", 6, "framerate=0/1", "caps 3:1\nsegment 0\nbuffer 0-1\nbuffer 1-2\neos\n"},
    /* Rounding errors of the timestamps do not accumulate. */
    {"(4, 1)", 4, "framerate=30/1",
        "caps 1:1\nsegment 0\nbuffer 0-1 0+33333333\nbuffer 1-2 33333333+33333333\n"
        "buffer 2-3 66666666+33333334\nbuffer 3-4 100000000+33333333\neos\n"},
    {"(2, 1)", 2, "framerate=30000/1001",
        "caps 1:1\nsegment 0\nbuffer 0-1 0+33366666\nbuffer 1-2 33366666+33366667\neos\n"},
    {"(2, 1)", 2, "framerate=1/5",
        "caps 1:1\nsegment 0\nbuffer 0-1 0+5000000000\nbuffer 1-2 "
        "5000000000+5000000000\neos\n"},
    /* The number of steps is not a multiple of that of a buffer. */
    {"(10, 3)", 30, "framerate=10/1 steps-per-buffer=4",
        "caps 3:4\nsegment 0\nbuffer 0-4 0+400000000\nbuffer 4-8 400000000+400000000\n"
        "caps 3:2\nbuffer 8-10 800000000+200000000\neos\n"},
    {"(8, 3)", 24, "framerate=0/1 steps-per-buffer=4",
        "caps 3:4\nsegment 0\nbuffer 0-4\nbuffer 4-8\neos\n"},
    {"(3, 3)", 9, "framerate=0/1 steps-per-buffer=4", "caps 3:3\nsegment 0\nbuffer 0-3\neos\n"},
    {"(3, 3)", 9, "framerate=0/1 steps-per-buffer=0", "caps 3:3\nsegment 0\nbuffer 0-3\neos\n"},
    {"(2, 4, 3)", 24, "framerate=0/1 steps-per-buffer=3",
        "caps 3:3:2\nsegment 0\nbuffer 0-3\ncaps 3:1:2\nbuffer 3-4\neos\n"},
    {"(2, 2, 3)", 12, "framerate=0/1", "caps 3:1:2\nsegment 0\nbuffer 0-1\nbuffer 1-2\neos\n"},
    {"(1, 2, 3)", 6, "framerate=0/1 steps-per-buffer=0",
        "caps 3:2\nsegment 0\nbuffer 0-2\neos\n"},
    /* A file without steps */
    {"(0, 3)", 0, "steps-per-buffer=4", "caps 3:1\neos\n"},
    {"(2, 0, 3)", 0, "steps-per-buffer=0", "caps 3:1:2\neos\n"},
    /* A property of the base class */
    {"(9, 3)", 27, "framerate=0/1 num-buffers=1", "caps 3:1\nsegment 0\nbuffer 0-1\neos\n"},
};

static void
test_buffers (NpyFile *file, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (log_cases); i++) {
    NpysrcRig rig;

    npy_write_numbers (file->path, log_cases[i].shape, log_cases[i].n);
    npysrc_rig_init (&rig, file->path, "%s", log_cases[i].properties);
    npysrc_rig_finish (&rig, log_cases[i].log);
  }
}

/* The file is (streams, length, size), a buffer (streams, steps, size). */
static void
test_streams (NpyFile *file, gconstpointer data)
{
  enum { STREAMS = 3, LENGTH = 7, SIZE = 2 };
  static const guint steps_per_buffer[] = {1, 2, 3, 7, 0, 100};

  npy_write_numbers (file->path, "(3, 7, 2)", STREAMS * LENGTH * SIZE);
  for (guint k = 0; k < G_N_ELEMENTS (steps_per_buffer); k++) {
    NpysrcRig rig;
    guint i = 0;
    guint max_steps = steps_per_buffer[k] > 0 ? steps_per_buffer[k] : LENGTH;

    npysrc_rig_init (&rig, file->path, "steps-per-buffer=%u", steps_per_buffer[k]);
    npysrc_rig_play_until (&rig, GST_MESSAGE_EOS);
    g_assert_cmpuint (rig.items->len, ==, STREAMS * LENGTH * SIZE);
    for (guint first = 0; first < LENGTH; first += max_steps)
      for (guint s = 0; s < STREAMS; s++)
        for (guint t = first; t < MIN (first + max_steps, LENGTH); t++)
          for (guint j = 0; j < SIZE; j++)
            g_assert_cmpfloat (
                npysrc_rig_get_float (&rig, i++), ==, (gfloat) ((s * LENGTH + t) * SIZE + j));
    npysrc_rig_clear (&rig);
  }
}

/* --- Caps --- */

static void
test_caps (NpyFile *file, gconstpointer data)
{
  NpysrcRig rig;
  g_autoptr (GstPad) pad = NULL;
  g_autoptr (GstCaps) caps = NULL;
  g_autoptr (GstCaps) expected = gst_caps_from_string (
      "other/tensors, format = (string) static, num_tensors = (int) 1, types = (string) "
      "float32, dimensions = (string) 3:1:1:1, framerate = (fraction) 25/2");

  npy_write_numbers (file->path, "(2, 3)", 6);
  npysrc_rig_init (
      &rig, file->path, "framerate=25/2 ! other/tensors,dimensions=(string)3:1:1:1");
  npysrc_rig_set_state (&rig, GST_STATE_PAUSED);
  pad = gst_element_get_static_pad (rig.src, "src");
  caps = gst_pad_get_current_caps (pad);
  g_assert_true (gst_caps_is_equal (caps, expected));
  npysrc_rig_clear (&rig);
}

/* The last, shorter buffer has caps in a spelling that downstream accepts, or is an error. */
static void
test_caps_of_last_buffer (NpyFile *file, gconstpointer data)
{
  NpysrcRig rig;
  g_autofree gchar *error = NULL;

  npy_write_numbers (file->path, "(3, 3)", 9);
  npysrc_rig_init (&rig, file->path,
      "framerate=0/1 steps-per-buffer=2 ! other/tensors,dimensions=(string){3:2:1,3:1:1}");
  npysrc_rig_finish (&rig, "caps 3:2:1\nsegment 0\nbuffer 0-2\ncaps 3:1:1\nbuffer 2-3\neos\n");

  g_assert_false (test_launch (&error,
      "npysrc name=src location=%s steps-per-buffer=2 ! other/tensors,dimensions=(string)3:2 ! "
      "fakesink",
      file->path));
  assert_matches (
      error, "src: */x.npy: expected downstream to accept a buffer of 1 of the 3 steps, found *");
}

/* --- Seeks --- */

static gboolean
seek_pipeline (NpysrcRig *rig, GstFormat format, GstSeekFlags flags, gint64 start, gint64 stop)
{
  return gst_element_seek (rig->pipeline, 1.0, format, flags, GST_SEEK_TYPE_SET, start,
      stop < 0 ? GST_SEEK_TYPE_NONE : GST_SEEK_TYPE_SET, stop);
}

static const struct {
  GstFormat format;
  gint64 start, stop;
  const gchar *log;
} seeks[] = {
    {GST_FORMAT_TIME, 0, -1,
        "flush\nsegment 0\nbuffer 0-2 0+200000000\nbuffer 2-4 200000000+200000000\n"
        "caps 1:1\nbuffer 4-5 400000000+100000000\neos\n"},
    /* Within a step: from its beginning */
    {GST_FORMAT_TIME, 199999999, -1,
        "flush\nsegment 100000000\nbuffer 1-3 100000000+200000000\n"
        "buffer 3-5 300000000+200000000\neos\n"},
    {GST_FORMAT_TIME, 200000000, -1,
        "flush\nsegment 200000000\nbuffer 2-4 200000000+200000000\n"
        "caps 1:1\nbuffer 4-5 400000000+100000000\neos\n"},
    /* All steps that begin before the stop */
    {GST_FORMAT_TIME, 100000000, 300000001,
        "flush\nsegment 100000000-300000001\nbuffer 1-3 100000000+200000000\n"
        "caps 1:1\nbuffer 3-4 300000000+100000000\neos\n"},
    {GST_FORMAT_TIME, 100000000, 300000000,
        "flush\nsegment 100000000-300000000\nbuffer 1-3 100000000+200000000\neos\n"},
    /* At and beyond the end: without a buffer the base class pushes no segment. */
    {GST_FORMAT_TIME, 500000000, -1, "flush\neos\n"},
    {GST_FORMAT_TIME, 100 * GST_SECOND, -1, "flush\neos\n"},
    {GST_FORMAT_TIME, 0, 0, "flush\neos\n"},
    {GST_FORMAT_DEFAULT, 3, -1,
        "flush\nsegment 300000000\nbuffer 3-5 300000000+200000000\neos\n"},
    {GST_FORMAT_DEFAULT, 1, 3,
        "flush\nsegment 100000000-300000000\nbuffer 1-3 100000000+200000000\neos\n"},
};

static void
test_seek (NpyFile *file, gconstpointer data)
{
  npy_write_numbers (file->path, "(5, 1)", 5);
  for (guint i = 0; i < G_N_ELEMENTS (seeks); i++) {
    NpysrcRig rig;

    npysrc_rig_init_paused (&rig, file->path, "framerate=10/1 steps-per-buffer=2");
    npysrc_rig_assert_log (&rig, "caps 1:2\nsegment 0\nbuffer 0-2 0+200000000\n");
    g_assert_true (seek_pipeline (
        &rig, seeks[i].format, GST_SEEK_FLAG_FLUSH, seeks[i].start, seeks[i].stop));
    npysrc_rig_finish (&rig, seeks[i].log);
  }
}

/* The rounded timestamp of each step maps to this step. */
static void
test_seek_rounding (NpyFile *file, gconstpointer data)
{
  NpysrcRig rig;

  npy_write_numbers (file->path, "(100, 1)", 100);
  npysrc_rig_init_paused (&rig, file->path, "framerate=30000/1001");
  for (gint64 i = 0; i < 100; i++) {
    gint64 time, step;
    gint64 expected = (gint64) gst_util_uint64_scale ((guint64) i, 1001 * GST_SECOND, 30000);

    g_assert_true (
        gst_element_query_convert (rig.src, GST_FORMAT_DEFAULT, i, GST_FORMAT_TIME, &time));
    g_assert_cmpint (time, ==, expected);
    g_assert_true (
        gst_element_query_convert (rig.src, GST_FORMAT_TIME, time, GST_FORMAT_DEFAULT, &step));
    g_assert_cmpint (step, ==, i);
    if (i > 0) {
      g_assert_true (gst_element_query_convert (
          rig.src, GST_FORMAT_TIME, time - 1, GST_FORMAT_DEFAULT, &step));
      g_assert_cmpint (step, ==, i - 1);
    }
  }
  npysrc_rig_clear (&rig);
}

/* The stream loops without a flush, and returns to full buffers after the shorter last one. */
static void
test_segment_seek (NpyFile *file, gconstpointer data)
{
  NpysrcRig rig;

  npy_write_numbers (file->path, "(3, 1)", 3);
  npysrc_rig_init_paused (&rig, file->path, "framerate=10/1 steps-per-buffer=2");
  g_assert_true (seek_pipeline (
      &rig, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_SEGMENT, 0, -1));
  npysrc_rig_play_until (&rig, GST_MESSAGE_SEGMENT_DONE);
  npysrc_rig_assert_log (&rig,
      "caps 1:2\nsegment 0\nbuffer 0-2 0+200000000\nflush\nsegment 0\nbuffer 0-2 0+200000000\n"
      "caps 1:1\nbuffer 2-3 200000000+100000000\n");
  g_assert_true (seek_pipeline (&rig, GST_FORMAT_TIME, GST_SEEK_FLAG_SEGMENT, 0, 200000000));
  npysrc_rig_play_until (&rig, GST_MESSAGE_SEGMENT_DONE);
  npysrc_rig_assert_log (&rig, "caps 1:2\nsegment 0-200000000\nbuffer 0-2 0+200000000\n");
  g_assert_true (seek_pipeline (&rig, GST_FORMAT_TIME, GST_SEEK_FLAG_NONE, 200000000, -1));
  npysrc_rig_play_until (&rig, GST_MESSAGE_EOS);
  npysrc_rig_clear (&rig);
}

/* Seeks that are refused, through the pad and through the element, do not flush. */
static void
test_seek_refused (NpyFile *file, gconstpointer data)
{
  NpysrcRig rig;
  const GstSeekFlags flags = GST_SEEK_FLAG_FLUSH;
  const GstSeekType set = GST_SEEK_TYPE_SET, none = GST_SEEK_TYPE_NONE;

  npy_write_numbers (file->path, "(2, 1)", 2);
  npysrc_rig_init_paused (&rig, file->path, "framerate=10/1");
  g_assert_false (
      gst_element_seek (rig.pipeline, -1.0, GST_FORMAT_TIME, flags, set, 0, set, 100));
  g_assert_false (gst_element_seek (rig.src, -1.0, GST_FORMAT_TIME, flags, set, 0, set, 100));
  g_assert_false (gst_element_seek (rig.src, 2.0, GST_FORMAT_TIME, flags, set, 0, none, -1));
  g_assert_false (seek_pipeline (&rig, GST_FORMAT_BYTES, flags, 0, -1));
  npysrc_rig_finish (&rig,
      "caps 1:1\nsegment 0\nbuffer 0-1 0+100000000\nbuffer 1-2 100000000+100000000\neos\n");

  npysrc_rig_init_paused (&rig, file->path, "framerate=0/1");
  g_assert_false (seek_pipeline (&rig, GST_FORMAT_TIME, flags, 0, -1));
  g_assert_false (gst_element_seek (rig.src, 1.0, GST_FORMAT_TIME, flags, set, 0, none, -1));
  npysrc_rig_finish (&rig, "caps 1:1\nsegment 0\nbuffer 0-1\nbuffer 1-2\neos\n");
}

/* A seek in READY takes effect at the start. */
static void
test_seek_in_ready (NpyFile *file, gconstpointer data)
{
  NpysrcRig rig;

  npy_write_numbers (file->path, "(3, 1)", 3);
  npysrc_rig_init (&rig, file->path, "framerate=10/1");
  npysrc_rig_set_state (&rig, GST_STATE_READY);
  g_assert_true (gst_element_seek (rig.src, 1.0, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH,
      GST_SEEK_TYPE_END, -100000000, GST_SEEK_TYPE_NONE, -1));
  npysrc_rig_finish (
      &rig, "flush\ncaps 1:1\nsegment 200000000\nbuffer 2-3 200000000+100000000\neos\n");
}

static void
test_queries (NpyFile *file, gconstpointer data)
{
  NpysrcRig rig;
  gint64 value;
  g_autoptr (GstQuery) seeking = gst_query_new_seeking (GST_FORMAT_TIME);
  gboolean seekable;
  gint64 end;

  npy_write_numbers (file->path, "(7, 1)", 7);
  npysrc_rig_init_paused (&rig, file->path, "framerate=10/1 steps-per-buffer=2");
  g_assert_true (gst_element_query_duration (rig.src, GST_FORMAT_TIME, &value));
  g_assert_cmpint (value, ==, 700000000);
  g_assert_true (gst_element_query_duration (rig.src, GST_FORMAT_DEFAULT, &value));
  g_assert_cmpint (value, ==, 7);
  g_assert_true (gst_element_query (rig.src, seeking));
  gst_query_parse_seeking (seeking, NULL, &seekable, NULL, &end);
  g_assert_true (seekable);
  g_assert_cmpint (end, ==, 700000000);
  npysrc_rig_play_until (&rig, GST_MESSAGE_EOS);
  g_assert_true (gst_element_query_position (rig.src, GST_FORMAT_TIME, &value));
  g_assert_cmpint (value, ==, 700000000);
  g_assert_true (gst_element_query_position (rig.src, GST_FORMAT_DEFAULT, &value));
  g_assert_cmpint (value, ==, 7);
  npysrc_rig_clear (&rig);
}

/* --- State changes --- */

static void
test_cycles (NpyFile *file, gconstpointer data)
{
  static const GstState states[] = {GST_STATE_PAUSED, GST_STATE_PLAYING, GST_STATE_PAUSED,
      GST_STATE_READY, GST_STATE_PLAYING, GST_STATE_READY, GST_STATE_PAUSED, GST_STATE_NULL};
  NpysrcRig rig;

  npy_write_numbers (file->path, "(2, 500, 3)", 3000);
  npysrc_rig_init (&rig, file->path, "steps-per-buffer=7");
  for (guint i = 0; i < 100; i++)
    for (guint k = 0; k < G_N_ELEMENTS (states); k++)
      npysrc_rig_set_state (&rig, states[k]);
  g_array_set_size (rig.items, 0);
  g_string_truncate (rig.log, 0);
  npysrc_rig_play_until (&rig, GST_MESSAGE_EOS);
  g_assert_cmpuint (rig.items->len, ==, 3000);
  npysrc_rig_clear (&rig);
}

/* The next start uses another file and other properties. */
static void
test_restart (NpyFile *file, gconstpointer data)
{
  NpysrcRig rig;

  npy_write_numbers (file->path, "(3, 2)", 6);
  npysrc_rig_init (&rig, file->path, "framerate=10/1 steps-per-buffer=2");
  npysrc_rig_play_until (&rig, GST_MESSAGE_EOS);
  npysrc_rig_set_state (&rig, GST_STATE_READY);
  g_string_truncate (rig.log, 0);
  npy_write_numbers (file->path, "(1, 4)", 4);
  g_object_set (rig.src, "steps-per-buffer", 1, NULL);
  gst_util_set_object_arg (G_OBJECT (rig.src), "framerate", "1/1");
  npysrc_rig_finish (&rig, "caps 4:1\nsegment 0\nbuffer 0-1 0+1000000000\neos\n");
}

int
main (int argc, char **argv)
{
  static const NpyFileTest tests[] = {
      {"/npysrc/buffers", test_buffers},
      {"/npysrc/streams", test_streams},
      {"/npysrc/caps", test_caps},
      {"/npysrc/caps-of-rest", test_caps_of_last_buffer},
      {"/npysrc/seek", test_seek},
      {"/npysrc/seek-rounding", test_seek_rounding},
      {"/npysrc/segment-seek", test_segment_seek},
      {"/npysrc/seek-refused", test_seek_refused},
      {"/npysrc/seek-in-ready", test_seek_in_ready},
      {"/npysrc/queries", test_queries},
      {"/npysrc/cycles", test_cycles},
      {"/npysrc/restart", test_restart},
  };

  test_init (&argc, &argv);
  TEST_ADD_FIXTURE_ROWS (tests, NpyFile, npy_file_init, npy_file_clear);
  return g_test_run ();
}
