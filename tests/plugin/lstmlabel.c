/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files of labels, errors, pipelines and properties of `lstmlabel`. */
#include "lstmlabel-rig.h"
#include <gst/base/gstbasetransform.h>
#include <string.h>
#include <sys/stat.h>

/* Spellings of a file with three labels */
static void
test_files (void)
{
  static const gchar *files[] = {LABELS, "still\r\npan-left\r\nzoom-in\r\n",
      "still\npan-left\nzoom-in", "still\npan-left\nzoom-in\n\n \r\n\n",
      "\xef\xbb\xbfstill\npan-left\nzoom-in\n", "still  \npan-left\t\nzoom-in"};
  static const gfloat scores[] = {1, 0, 0, 0, 1, 0, 0, 0, 1};

  for (guint i = 0; i < G_N_ELEMENTS (files); i++) {
    gchar *dir = test_dir_new ();
    g_autofree gchar *location = write_labels (dir, files[i], -1);
    LabelRig rig = label_rig_new (location, "3:3", "25/1");

    g_assert_cmpint (label_rig_push_scores (&rig, scores, 9, 0, 3 * FRAME), ==, GST_FLOW_OK);
    for (guint step = 0; step < 3; step++) {
      static const gchar *texts[] = {"still 1.00", "pan-left 1.00", "zoom-in 1.00"};
      g_autofree gchar *text = label_rig_pull_text (&rig, NULL, NULL);

      g_assert_cmpstr (text, ==, texts[step]);
    }
    label_rig_clear (&rig);
    test_dir_remove (dir);
  }
}

/* With a file without valid labels the element does not start and posts an error. */
static void
test_bad_files (void)
{
  static const struct {
    const gchar *text;
    gssize size;
    const gchar *cause;
  } cases[] = {
      {"", 0, "expected one label per line, found none"},
      {"\n\r\n \n", -1, "expected one label per line, found none"},
      {"\xef\xbb\xbf\n", -1, "expected one label per line, found none"},
      {"a\n\nb\n", -1, "line 2: expected a label, found a blank line"},
      {"\na\n", -1, "line 1: expected a label, found a blank line"},
      {"a\nb\xff\n", -1, "expected UTF-8 text, found byte 0xff at byte 3"},
      {"a\0b\n", 4, "expected UTF-8 text, found byte 0x00 at byte 1"},
      {NULL, (1 << 20) + 1, "expected at most 1048576 bytes, found 1048577"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases) + 3; i++) {
    gchar *dir = test_dir_new ();
    g_autofree gchar *large = g_strnfill ((1 << 20) + 1, 'a');
    g_autofree gchar *location = NULL;
    const gchar *cause;
    GstElement *element = gst_element_factory_make ("lstmlabel", NULL);
    g_autoptr (GstBus) bus = gst_bus_new ();

    if (i < G_N_ELEMENTS (cases)) {
      location = write_labels (dir, cases[i].text ? cases[i].text : large, cases[i].size);
      cause = cases[i].cause;
    } else if (i == G_N_ELEMENTS (cases)) {
      location = g_build_filename (dir, "missing", NULL);
      cause = "No such file";
    } else if (i == G_N_ELEMENTS (cases) + 1) {
      location = g_build_filename (dir, "labels.txt", NULL);
      cause = "expected a file, found a FIFO";
      g_assert_cmpint (mkfifo (location, 0600), ==, 0);
    } else {
      location = g_strdup (dir);
      cause = "directory";
    }
    gst_element_set_bus (element, bus);
    g_object_set (
        element, "labels-location", location, NULL); /* setting the property posts no message */
    g_assert_false (gst_bus_have_pending (bus));
    g_assert_cmpint (
        gst_element_set_state (element, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_FAILURE);
    assert_error_has (bus, (const gchar *[]){location, cause, NULL});
    gst_element_set_state (element, GST_STATE_NULL);
    gst_element_set_bus (
        element, NULL); /* messages on the bus hold references of the element */
    gst_object_unref (element);
    test_dir_remove (dir);
  }
}

/* A file of exactly 1 MiB is accepted. */
static void
test_largest_file (void)
{
  gchar *dir = test_dir_new ();
  g_autofree gchar *text = g_strnfill (1 << 20, 'a');
  g_autofree gchar *location = write_labels (dir, text, 1 << 20);
  LabelRig rig = label_rig_new (location, "1", "25/1");
  g_autofree gchar *label = NULL;

  g_assert_cmpint (
      label_rig_push_scores (&rig, (const gfloat[]){1}, 1, 0, FRAME), ==, GST_FLOW_OK);
  label = label_rig_pull_text (&rig, NULL, NULL);
  g_assert_cmpuint (strlen (label), ==, (1 << 20) + 5);
  label_rig_clear (&rig);
  test_dir_remove (dir);
}

/* Caps that the labels or the element do not allow are an error, posted once. */
static void
test_bad_caps (void)
{
  static const struct {
    const gchar *dimensions, *parts[4];
  } cases[] = {
      {"2:1", {"labels.txt", "expected 3 scores", "found 2"}},
      {"4:1", {"labels.txt", "expected 3 scores", "found 4"}},
      {"3:1:2", {"expected 1 stream", "found 2"}},
      {"3:2:1:2", {"dimensions"}},
      {"3:x", {"dimensions"}},
  };
  gchar *dir = test_dir_new ();
  g_autofree gchar *location = write_labels (dir, LABELS, -1);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    LabelRig rig = label_rig_new (location, cases[i].dimensions, "25/1");

    for (guint k = 0; k < 2; k++) /* the caps are pushed again with the second buffer */
      g_assert_cmpint (label_rig_push_scores (&rig, (const gfloat[4]){0}, 3, k * FRAME, FRAME),
          ==, GST_FLOW_NOT_NEGOTIATED);
    assert_error_has (rig.bus, cases[i].parts);
    g_assert_null (gst_bus_pop_filtered (rig.bus, GST_MESSAGE_ERROR));
    label_rig_clear (&rig);
  }
  test_dir_remove (dir);
}

/* After refused caps the caps before work as before, and the same refused caps are an error
 * again. */
static void
test_caps_return (void)
{
  g_autoptr (GstCaps) good = NULL, wrong = NULL;
  gchar *dir = test_dir_new ();
  g_autofree gchar *location = write_labels (dir, LABELS, -1);
  LabelRig rig = label_rig_new (location, "3:1", "25/1");
  GstPad *pad = gst_element_get_static_pad (rig.harness->element, "sink");

  g_assert_cmpint (
      label_rig_push_scores (&rig, (const gfloat[3]){0, 1, 0}, 3, 0, FRAME), ==, GST_FLOW_OK);
  good = gst_pad_get_current_caps (pad);
  wrong = gst_caps_copy (good);
  gst_caps_set_simple (wrong, "dimensions", G_TYPE_STRING, "4:2", NULL);
  for (guint k = 1; k < 3; k++) {
    g_autofree gchar *text = NULL;

    g_free (label_rig_pull_text (&rig, NULL, NULL));
    gst_harness_push_event (rig.harness, gst_event_new_caps (wrong));
    g_assert_cmpint (label_rig_push_scores (&rig, (const gfloat[3]){0}, 3, k * FRAME, FRAME),
        ==, GST_FLOW_NOT_NEGOTIATED);
    assert_error_has (rig.bus, (const gchar *[]){"expected 3 scores", "found 4", NULL});
    gst_harness_push_event (rig.harness, gst_event_new_caps (good));
    g_assert_cmpint (
        label_rig_push_scores (&rig, (const gfloat[3]){k == 1, 0, k == 2}, 3, k * FRAME, FRAME),
        ==, GST_FLOW_OK);
    text = label_rig_pull_text (&rig, NULL, NULL);
    g_assert_cmpstr (text, ==, k == 1 ? "still 1.00" : "zoom-in 1.00");
  }
  gst_object_unref (pad);
  label_rig_clear (&rig);
  test_dir_remove (dir);
}

/* Returns: (transfer full): a buffer of a flexible tensor of @n scores, the second of which is the
 * greatest */
static GstBuffer *
flexible_scores_new (guint32 n)
{
  const guint32 header[32] = {0xfeedcced, 0xde001000, 7, n, 1, [19] = 1, [20] = 4};
  const gfloat scores[4] = {0, 1, 0, 0};
  GstBuffer *buffer = gst_buffer_new_memdup (header, sizeof header);

  buffer = gst_buffer_append (buffer, gst_buffer_new_memdup (scores, n * sizeof (gfloat)));
  /* one memory, as NNStreamer sends it */
  gst_buffer_replace_all_memory (buffer, gst_buffer_get_all_memory (buffer));
  return buffer;
}

/* Caps of NNStreamer: placeholder caps without a buffer, the older name, and flexible tensors */
static void
test_nnstreamer_caps (void)
{
  static const gchar *const placeholders[] = {
      "other/tensors,format=static,num_tensors=1,types=uint8,dimensions=(string)1:1:1:1",
      "other/tensor,type=uint8,dimension=(string)1:1:1:1",
  };
  gchar *dir = test_dir_new ();
  g_autofree gchar *location = write_labels (dir, LABELS, -1);

  for (guint i = 0; i < G_N_ELEMENTS (placeholders); i++) {
    LabelRig rig = label_rig_new (location, "5", "25/1");
    g_autofree gchar *old = NULL, *flexible = NULL;

    gst_harness_set_src_caps_str (rig.harness, placeholders[i]);
    gst_harness_set_src_caps_str (
        rig.harness, "other/tensor,type=float32,dimension=(string)3:1,framerate=25/1");
    g_assert_cmpint (
        label_rig_push_scores (&rig, (const gfloat[3]){0, 1, 0}, 3, 0, FRAME), ==, GST_FLOW_OK);
    old = label_rig_pull_text (&rig, NULL, NULL);
    g_assert_cmpstr (old, ==, "pan-left 1.00");
    gst_harness_set_src_caps_str (rig.harness, "other/tensors,format=flexible");
    g_assert_cmpint (gst_harness_push (rig.harness, flexible_scores_new (3)), ==, GST_FLOW_OK);
    flexible = label_rig_pull_text (&rig, NULL, NULL);
    g_assert_cmpstr (flexible, ==, "pan-left 1.00");
    g_assert_null (gst_bus_pop_filtered (rig.bus, GST_MESSAGE_ERROR));
    g_assert_cmpint (
        gst_harness_push (rig.harness, flexible_scores_new (4)), ==, GST_FLOW_ERROR);
    assert_error_has (rig.bus,
        (const gchar *[]){"header field dimension", "expected 3 scores", "found 4", NULL});
    label_rig_clear (&rig);
  }
  test_dir_remove (dir);
}

/* A buffer of another size than its caps is an error. The next buffer is processed. */
static void
test_bad_buffers (void)
{
  static const guint sizes[] = {0, 1, 2, 4, 7};

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    LabelRig rig = label_rig_new (NULL, "3:1", "25/1");
    g_autofree gchar *text = NULL;

    g_assert_cmpint (label_rig_push_scores (&rig, (const gfloat[7]){0}, sizes[i], 0, FRAME), ==,
        GST_FLOW_ERROR);
    assert_error_has (rig.bus, (const gchar *[]){"expected 12 bytes", NULL});
    g_assert_cmpint (
        label_rig_push_scores (&rig, (const gfloat[3]){0}, 3, 0, FRAME), ==, GST_FLOW_OK);
    text = label_rig_pull_text (&rig, NULL, NULL);
    g_assert_cmpstr (text, ==, "0 0.00");
    label_rig_clear (&rig);
  }
}

/* A tensor may be split into several memories. */
static void
test_split_memory (void)
{
  static const gfloat scores[] = {0, 0, 1};
  LabelRig rig = label_rig_new (NULL, "3:1", "25/1");
  GstBuffer *buffer = gst_buffer_new_memdup (scores, 8);
  g_autofree gchar *text = NULL;

  buffer = gst_buffer_append (buffer, gst_buffer_new_memdup (scores + 2, 4));
  g_assert_cmpint (gst_harness_push (rig.harness, gst_buffer_ref (buffer)), ==, GST_FLOW_OK);
  text = label_rig_pull_text (&rig, NULL, NULL);
  g_assert_cmpstr (text, ==, "2 1.00");
  g_assert_cmpint (
      GST_MINI_OBJECT_REFCOUNT_VALUE (buffer), ==, 1); /* the element has released the buffer */
  gst_buffer_unref (buffer);
  label_rig_clear (&rig);
}

/* Refuses the second buffer. */
static GstPadProbeReturn
refuse_once (GstPad *pad, GstPadProbeInfo *info, gpointer calls)
{
  if (++*(guint *) calls != 2)
    return GST_PAD_PROBE_OK;
  gst_clear_buffer ((GstBuffer **) &info->data);
  GST_PAD_PROBE_INFO_FLOW_RETURN (info) = GST_FLOW_NOT_LINKED;
  return GST_PAD_PROBE_HANDLED;
}

/* If downstream refuses an output buffer, the remaining steps are not pushed later. */
static void
test_refused (void)
{
  static const gfloat scores[] = {1, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 1};
  LabelRig rig = label_rig_new (NULL, "2:3", "25/1");
  g_autoptr (GstPad) src = gst_element_get_static_pad (rig.harness->element, "src");
  guint calls = 0;

  gst_pad_add_probe (src, GST_PAD_PROBE_TYPE_BUFFER, refuse_once, &calls, NULL);
  g_assert_cmpint (
      label_rig_push_scores (&rig, scores, 6, 0, 3 * FRAME), ==, GST_FLOW_NOT_LINKED);
  g_assert_cmpint (
      label_rig_push_scores (&rig, scores + 6, 6, 3 * FRAME, 3 * FRAME), ==, GST_FLOW_OK);
  for (guint i = 0; i < 4; i++) {
    g_autofree gchar *text = label_rig_pull_text (&rig, NULL, NULL);

    g_assert_cmpstr (text, ==, i == 0 ? "0 1.00" : "1 1.00");
  }
  g_assert_null (label_rig_pull_text (&rig, NULL, NULL));
  label_rig_clear (&rig);
}

/* A pipeline from video to text, with thresholds that leave out no, some or all labels */
static void
test_pipeline (void)
{
  static const gchar *thresholds[] = {"0", "0.93", "2"};

  for (guint i = 0; i < G_N_ELEMENTS (thresholds); i++) {
    g_autofree gchar *error = NULL;

    if (!test_launch (&error,
            "videotestsrc num-buffers=30 pattern=ball ! video/x-raw,width=64,height=48 ! "
            "lstmfeatures width=4 height=3 ! lstmlabel threshold=%s ! fakesink async=true",
            thresholds[i]))
      g_error ("%s", error);
  }
}

static void
test_textoverlay (void)
{
  g_autoptr (GstElementFactory) factory = gst_element_factory_find ("textoverlay");
  static const gchar *thresholds[] = {"0", "0.93", "2"};

  if (!factory) {
    g_test_skip ("no textoverlay here");
    return;
  }
  for (guint i = 0; i < G_N_ELEMENTS (thresholds); i++) {
    g_autofree gchar *error = NULL;

    if (!test_launch (&error,
            "textoverlay name=o ! fakesink videotestsrc num-buffers=30 pattern=ball ! "
            "video/x-raw,width=64,height=48 ! tee name=t ! queue ! o.video_sink "
            "t. ! queue ! lstmfeatures width=4 height=3 ! lstmlabel threshold=%s ! o.text_sink",
            thresholds[i]))
      g_error ("%s", error);
  }
}

static void
test_states (void)
{
  gchar *dir = test_dir_new ();
  g_autofree gchar *location = write_labels (dir, LABELS, -1);
  g_autofree gchar *line = g_strdup_printf ("videotestsrc ! lstmfeatures width=3 height=1 ! "
                                            "lstmlabel labels-location=%s ! fakesink",
      location);

  test_state_cycles (line, 100);
  test_dir_remove (dir);
}

static void
test_properties (void)
{
  static const TestProperty properties[] = {
      {"labels-location", NULL, "/some/where", GST_PARAM_MUTABLE_READY},
      {"threshold", "0", "-1.5", GST_PARAM_MUTABLE_PLAYING},
      {"qos", "false", "true", 0},
  };

  test_properties_of ("lstmlabel", properties, G_N_ELEMENTS (properties));
}

/* In passthrough mode the element would forward allocation queries for tensors as queries for
 * text. */
static void
test_not_passed_through (void)
{
  GstHarness *h = gst_harness_new ("lstmlabel");

  g_assert_false (gst_base_transform_is_passthrough (GST_BASE_TRANSFORM (h->element)));
  gst_harness_teardown (h);
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstmlabel/files", test_files},
      {"/lstmlabel/bad-files", test_bad_files},
      {"/lstmlabel/largest-file", test_largest_file},
      {"/lstmlabel/bad-caps", test_bad_caps},
      {"/lstmlabel/bad-buffers", test_bad_buffers},
      {"/lstmlabel/split-memory", test_split_memory},
      {"/lstmlabel/refused", test_refused},
      {"/lstmlabel/caps-return", test_caps_return},
      {"/lstmlabel/nnstreamer-caps", test_nnstreamer_caps},
      {"/lstmlabel/pipeline", test_pipeline},
      {"/lstmlabel/textoverlay", test_textoverlay},
      {"/lstmlabel/states", test_states},
      {"/lstmlabel/not-passed-through", test_not_passed_through},
      {"/lstmlabel/properties", test_properties},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
