/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * `filesrc ! lstm`: a file of numbers without a header, played, queried and sought. */
#include "lstm-rig.h"

#define NONE GST_CLOCK_TIME_NONE

/* The outputs are those of npysrc with the same numbers. */
static void
test_outputs (void)
{
  static const struct {
    const gchar *properties, *framerate;
    guint steps;
  } cases[] = {{"", "30/1", 1}, {"", "30/1", 20}, {"", "0/1", 4},
      {"output-mode=final", "30/1", 1}, {"output-mode=window window-length=7", "30/1", 10},
      {"output-mode=final", "0/1", 50}};
  g_autofree gchar *model = get_vector_path ("long-no-bias", "model.safetensors");
  g_autofree gchar *x_path = get_vector_path ("long-no-bias", "x.npy");
  gchar *dir = test_dir_new ();
  g_autofree gchar *raw = g_build_filename (dir, "x", NULL);
  g_autofree gchar *output = g_build_filename (dir, "got", NULL);
  g_autofree gchar *expected = g_build_filename (dir, "expected", NULL);
  StepArray x = step_array_load (x_path);

  g_assert_true (g_file_set_contents (raw, (gchar *) x.items, 12000, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *error = NULL;

    if (!test_launch (&error,
            "filesrc location=%s blocksize=%u ! other/tensors,format=static,num_tensors=1,"
            "types=float32,dimensions=(string)3:%u,framerate=%s ! lstm model-location=%s %s ! "
            "npysink location=%s",
            raw, 12 * cases[i].steps, cases[i].steps, cases[i].framerate, model,
            cases[i].properties, output)
        || !test_launch (&error,
            "npysrc location=%s steps-per-buffer=%u ! lstm model-location=%s %s ! "
            "npysink location=%s",
            x_path, cases[i].steps, model, cases[i].properties, expected))
      g_error ("%s", error);
    test_assert_same_file (output, expected);
  }
  g_free (x.items);
  test_dir_remove (dir);
}

/* Writes a file of 1000 steps of zeros. Returns: (transfer full): its path */
static gchar *
write_zeros (const gchar *dir)
{
  const gfloat zeros[3000] = {0};
  gchar *path = g_build_filename (dir, "x", NULL);

  g_assert_true (g_file_set_contents (path, (const gchar *) zeros, sizeof zeros, NULL));
  return path;
}

/* Returns: (transfer full): a pipeline that plays @raw in buffers of ten steps */
static GstElement *
filesrc_pipeline_new (const gchar *raw, guint framerate)
{
  g_autofree gchar *model = get_vector_path ("long-no-bias", "model.safetensors");

  return parse_pipeline (
      "filesrc location=%s blocksize=120 ! other/tensors,format=static,num_tensors=1,"
      "types=float32,dimensions=(string)3:10,framerate=%u/1 ! "
      "lstm model-location=%s ! fakesink name=sink",
      raw, framerate, model);
}

static void
test_queries (void)
{
  static const struct {
    guint framerate;
    gint64 duration; /* of 1000 steps; -1: none */
  } cases[] = {{1000, 1000 * GST_MSECOND}, {0, -1}};
  gchar *dir = test_dir_new ();
  g_autofree gchar *raw = write_zeros (dir);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GstElement) pipeline = filesrc_pipeline_new (raw, cases[i].framerate);
    gint64 value = -1;

    gst_element_set_state (pipeline, GST_STATE_PAUSED);
    gst_element_get_state (pipeline, NULL, NULL, NONE);
    g_assert_true (gst_element_query_duration (pipeline, GST_FORMAT_TIME, &value)
                   == (cases[i].duration != -1));
    if (cases[i].duration != -1)
      g_assert_cmpint (value, ==, cases[i].duration);
    g_assert_true (gst_element_query_duration (pipeline, GST_FORMAT_BYTES, &value));
    g_assert_cmpint (value, ==, 12000);
    gst_element_set_state (pipeline, GST_STATE_NULL);
  }
  test_dir_remove (dir);
}

/* Times in milliseconds, and in steps at 30/1 */
#define MS(n) ((n) * (gint64) GST_MSECOND)
#define STEP(n) ((n) * (gint64) GST_SECOND / 30)

static const struct {
  guint framerate;
  GstSeekType type; /* of start */
  gint64 start, stop;
  gint64 first; /* first output step; -1: seeking is not possible */
  gint64 steps; /* number of output steps */
} seeks[] = {
    {1000, GST_SEEK_TYPE_SET, 0, -1, 0, 1000},
    {1000, GST_SEEK_TYPE_SET, MS (600), -1, 600, 400},
    {1000, GST_SEEK_TYPE_SET, MS (609), -1, 600, 400},
    {1000, GST_SEEK_TYPE_SET, MS (200), MS (300), 200, 100},
    {1000, GST_SEEK_TYPE_END, MS (-100), -1, 900, 100},
    {1000, GST_SEEK_TYPE_END, MS (-95), -1, 900, 100},
    {30, GST_SEEK_TYPE_SET, STEP (610), -1, 610, 390}, /* 20333333333.3 ns */
    {30, GST_SEEK_TYPE_SET, STEP (610) - 1, -1, 600, 400},
    {30, GST_SEEK_TYPE_SET, 0, STEP (20), 0, 20},
    {30, GST_SEEK_TYPE_END, -STEP (100), -1, 900, 100},
    {0, GST_SEEK_TYPE_SET, 0, -1, -1, 1000},
};

/* Output since the last flush */
typedef struct {
  GstClockTime pts;    /* of the first buffer */
  gint64 first, steps; /* first step and number of steps */
} OutputRange;

static GstPadProbeReturn
record_range (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
  OutputRange *range = data;

  if (!(GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_BUFFER)) {
    if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_FLUSH_STOP)
      range->steps = 0;
    return GST_PAD_PROBE_OK;
  }
  if (range->steps == 0) {
    range->pts = GST_BUFFER_PTS (buffer);
    range->first = (gint64) GST_BUFFER_OFFSET (buffer);
  }
  range->steps += (gint64) (GST_BUFFER_OFFSET_END (buffer) - GST_BUFFER_OFFSET (buffer));
  return GST_PAD_PROBE_OK;
}

static void
check_seek (guint i, GstElement *pipeline)
{
  const gboolean is_seekable = seeks[i].first >= 0;
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (sink, "sink");
  g_autoptr (GstQuery) query = gst_query_new_seeking (GST_FORMAT_TIME);
  gboolean seekable = FALSE;
  OutputRange range = {0};

  gst_pad_add_probe (pad,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM
          | GST_PAD_PROBE_TYPE_EVENT_FLUSH,
      record_range, &range, NULL);
  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  gst_element_get_state (pipeline, NULL, NULL, NONE);
  if (gst_element_query (sink, query))
    gst_query_parse_seeking (query, NULL, &seekable, NULL, NULL);
  g_assert_true (seekable == is_seekable);
  g_assert_true (
      gst_element_seek (pipeline, 1, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, seeks[i].type,
          seeks[i].start, seeks[i].stop == -1 ? GST_SEEK_TYPE_NONE : GST_SEEK_TYPE_SET,
          seeks[i].stop)
      == is_seekable);
  play_to_eos (pipeline);
  if (is_seekable) {
    g_assert_cmpuint (
        range.pts, ==, (guint64) seeks[i].first * GST_SECOND / seeks[i].framerate);
    g_assert_cmpint (range.first, ==, seeks[i].first);
  }
  g_assert_cmpint (range.steps, ==, seeks[i].steps);
}

/* The element converts a seek in time to one in bytes: to the beginning of the buffer that has the
 * step. */
static void
test_seeks (void)
{
  gchar *dir = test_dir_new ();
  g_autofree gchar *raw = write_zeros (dir);

  for (guint i = 0; i < G_N_ELEMENTS (seeks); i++) {
    g_autoptr (GstElement) pipeline = filesrc_pipeline_new (raw, seeks[i].framerate);

    g_test_message ("seek %u", i);
    check_seek (i, pipeline);
  }
  test_dir_remove (dir);
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm-filesrc/outputs", test_outputs},
      {"/lstm-filesrc/queries", test_queries},
      {"/lstm-filesrc/seeks", test_seeks},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
