/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Vectors through `lstmlabel`: texts, messages and times. */
#include "lstmlabel-rig.h"
#include <math.h>

/* The text and the message of a vector */
static void
test_vectors (void)
{
  static const struct {
    gfloat scores[3];
    gfloat threshold;
    const gchar *text; /* NULL: a GAP event */
    const gchar *label;
    gint index;
    gdouble score;
  } cases[] = {
      {{.01f, .97f, .02f}, 0, "pan-left 0.97", "pan-left", 1, .97f},
      {{1, 0, 0}, 0, "still 1.00", "still", 0, 1},
      {{0, 0, 1}, 1, "zoom-in 1.00", "zoom-in", 2, 1},
      {{.5f, .5f, .5f}, 0, "still 0.50", "still", 0, .5},
      {{.1f, .7f, .2f}, .7f, "pan-left 0.70", "pan-left", 1, .7f},
      {{.1f, .69f, .2f}, .7f, NULL, "", -1, .69f},
      {{0, 0, 0}, 0, "still 0.00", "still", 0, 0},
      {{-3, -1, -2}, 0, NULL, "", -1, -1},
      {{-3, -1, -2}, -10, "pan-left -1.00", "pan-left", 1, -1},
      {{0, 1234567, 2}, 0, "pan-left 1234567.00", "pan-left", 1, 1234567},
      {{0, INFINITY, 0}, 0, "pan-left inf", "pan-left", 1, INFINITY},
      {{-G_MAXFLOAT, -INFINITY, -INFINITY}, -G_MAXFLOAT,
          "still -340282346638528859811704183484516925440.00", "still", 0, -G_MAXFLOAT},
      {{-INFINITY, -INFINITY, -INFINITY}, -G_MAXFLOAT, NULL, "", -1, -INFINITY},
      {{NAN, .9f, .1f}, 0, NULL, "", -1, NAN},
      {{.9f, .1f, NAN}, 0, NULL, "", -1, NAN},
      {{NAN, NAN, NAN}, -1, NULL, "", -1, NAN},
  };
  gchar *dir = test_dir_new ();
  g_autofree gchar *location = write_labels (dir, LABELS, -1);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    LabelRig rig = label_rig_new (location, "3:1", "25/1");
    g_autofree gchar *text = NULL;
    g_autoptr (GstMessage) message = NULL;
    const GstStructure *s;
    gdouble score;
    gint index;
    GstClockTime pts, duration;

    g_object_set (rig.harness->element, "threshold", cases[i].threshold, NULL);
    g_assert_cmpint (
        label_rig_push_scores (&rig, cases[i].scores, 3, FRAME, FRAME), ==, GST_FLOW_OK);
    text = label_rig_pull_text (&rig, NULL, NULL);
    g_assert_cmpstr (text, ==, cases[i].text);
    g_assert_cmpint (label_rig_pull_gap (&rig, &pts, &duration), ==, cases[i].text == NULL);
    message = gst_bus_pop_filtered (rig.bus, GST_MESSAGE_ELEMENT);
    g_assert_nonnull (message);
    s = gst_message_get_structure (message);
    g_assert_true (gst_structure_get (
        s, "index", G_TYPE_INT, &index, "score", G_TYPE_DOUBLE, &score, NULL));
    g_assert_cmpstr (gst_structure_get_string (s, "label"), ==, cases[i].label);
    g_assert_cmpint (index, ==, cases[i].index);
    g_assert_true (isnan (cases[i].score) ? isnan (score) : score == cases[i].score);
    label_rig_clear (&rig);
  }
  test_dir_remove (dir);
}

/* The message has all fields. In this segment the times of all clocks differ. */
static void
test_message (void)
{
  static const gfloat scores[] = {0, 1, 0};
  static const struct {
    const gchar *field;
    GstClockTime expected;
  } times[] = {{"timestamp", 7 * GST_SECOND}, {"stream-time", 105 * GST_SECOND},
      {"running-time", 12500 * GST_MSECOND}, {"duration", FRAME}};
  LabelRig rig = label_rig_new (NULL, "3:1", "25/1");
  g_autoptr (GstMessage) message = NULL;
  const GstStructure *s;
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = 2 * GST_SECOND;
  segment.time = 100 * GST_SECOND;
  segment.base = 10 * GST_SECOND;
  segment.rate = 2.0;
  g_assert_true (gst_harness_push_event (rig.harness, gst_event_new_segment (&segment)));
  g_assert_cmpint (
      label_rig_push_scores (&rig, scores, 3, 7 * GST_SECOND, FRAME), ==, GST_FLOW_OK);
  message = gst_bus_pop_filtered (rig.bus, GST_MESSAGE_ELEMENT);
  g_assert_nonnull (message);
  g_assert_true (GST_MESSAGE_SRC (message) == GST_OBJECT (rig.harness->element));
  s = gst_message_get_structure (message);
  g_assert_true (gst_structure_has_name (s, "lstm-label"));
  g_assert_cmpint (gst_structure_n_fields (s), ==, 3 + G_N_ELEMENTS (times));
  for (guint i = 0; i < G_N_ELEMENTS (times); i++) {
    GstClockTime time;

    g_assert_true (gst_structure_get_clock_time (s, times[i].field, &time));
    g_assert_cmpuint (time, ==, times[i].expected);
  }
  g_assert_cmpstr (gst_structure_get_string (s, "label"), ==, "1");
  label_rig_clear (&rig);
}

/* A message is posted for the first step and for each change of the label. */
static void
test_changes (void)
{
  static const gfloat steps[][2] = {{1, 0}, {1, 0}, {0, 1}, {0, 1}, {.1f, .2f}, {.2f, .1f},
      {0, 1}, {1, 0}, {NAN, 0}, {0, NAN}};
  static const gint expected[] = {0, -9, 1, -9, -1, -9, 1, 0, -1, -9};
  LabelRig rig = label_rig_new (NULL, "2:1", "25/1");

  g_object_set (rig.harness->element, "threshold", .5f, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (steps); i++) {
    g_assert_cmpint (
        label_rig_push_scores (&rig, steps[i], 2, i * FRAME, FRAME), ==, GST_FLOW_OK);
    g_assert_cmpint (label_rig_pull_index (&rig), ==, expected[i]);
    g_assert_cmpint (label_rig_pull_index (&rig), ==, -9);
  }
  label_rig_clear (&rig);
}

/* After a flush, STREAM_START or a state change the label is posted again. */
static void
test_label_cleared (void)
{
  static const gfloat scores[] = {1, 0};
  LabelRig rig = label_rig_new (NULL, "2:1", "25/1");
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  for (guint i = 0; i < 6; i++) {
    if (i == 2) { /* a new segment alone does not clear the label */
      gst_harness_push_event (rig.harness, gst_event_new_segment (&segment));
    } else if (i == 3) {
      gst_harness_push_event (rig.harness, gst_event_new_flush_start ());
      gst_harness_push_event (rig.harness, gst_event_new_flush_stop (TRUE));
      gst_harness_push_event (rig.harness, gst_event_new_segment (&segment));
    } else if (i == 4) {
      gst_harness_push_event (rig.harness, gst_event_new_stream_start ("another"));
    } else if (i == 5) {
      gst_element_set_state (rig.harness->element, GST_STATE_READY);
      gst_element_set_bus (rig.harness->element, rig.bus);
      gst_harness_play (rig.harness);
      gst_harness_push_event (rig.harness, gst_event_new_stream_start ("third"));
      gst_harness_set_src_caps (rig.harness, gst_pad_get_current_caps (rig.harness->srcpad));
    }
    g_assert_cmpint (
        label_rig_push_scores (&rig, scores, 2, i * FRAME, FRAME), ==, GST_FLOW_OK);
    g_assert_cmpint (label_rig_pull_index (&rig), ==, i == 0 || i >= 3 ? 0 : -9);
  }
  label_rig_clear (&rig);
}

/* Each step of a buffer has its own time. */
static void
test_steps (void)
{
  static const gfloat scores[] = {1, 0, 0, 1, 0, 0, 0, 1};
  static const struct {
    const gchar *framerate;
    GstClockTime pts, duration;                 /* of the buffer */
    GstClockTime step_pts[4], step_duration[4]; /* NONE: unknown */
  } cases[] = {
      {"25/1", GST_SECOND, 4 * FRAME,
          {GST_SECOND, GST_SECOND + FRAME, GST_SECOND + 2 * FRAME, GST_SECOND + 3 * FRAME},
          {FRAME, FRAME, FRAME, FRAME}},
      {"30/1", 0, GST_CLOCK_TIME_NONE, {0, 33333333, 66666666, 100000000},
          {33333333, 33333333, 33333334, 33333333}},
      {"0/1", 10, 1001, {10, 260, 510, 760}, {250, 250, 250, 251}},
      {"0/1", 10, GST_CLOCK_TIME_NONE,
          {10, GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE},
          {GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE}},
      {"25/1", GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE,
          {GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE},
          {FRAME, FRAME, FRAME, FRAME}},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    for (guint gaps = 0; gaps < 2; gaps++) {
      LabelRig rig = label_rig_new (NULL, "2:4", cases[i].framerate);

      g_object_set (rig.harness->element, "threshold", gaps ? .5f : 0.f, NULL);
      g_assert_cmpint (label_rig_push_scores (&rig, scores, 8, cases[i].pts, cases[i].duration),
          ==, GST_FLOW_OK);
      for (guint step = 0; step < 4; step++) {
        static const gchar *texts[] = {"0 1.00", "1 1.00", "0 0.00", "1 1.00"};
        gboolean gap = gaps && step == 2;
        GstClockTime pts, duration;

        if (gap && !GST_CLOCK_TIME_IS_VALID (cases[i].step_pts[step])) {
          g_assert_false (label_rig_pull_gap (
              &rig, &pts, &duration)); /* no GAP event without a timestamp */
          continue;
        }
        if (gap) {
          g_assert_true (label_rig_pull_gap (&rig, &pts, &duration));
        } else {
          g_autofree gchar *text = label_rig_pull_text (&rig, &pts, &duration);

          g_assert_cmpstr (text, ==, texts[step]);
        }
        g_assert_cmpuint (pts, ==, cases[i].step_pts[step]);
        g_assert_cmpuint (duration, ==, cases[i].step_duration[step]);
      }
      g_assert_null (label_rig_pull_text (&rig, NULL, NULL));
      label_rig_clear (&rig);
    }
}

/* With one step per buffer the duration of the buffer is used, as for video of a variable
 * framerate. */
static void
test_single_step (void)
{
  static const gfloat scores[] = {1, 0};
  static const struct {
    const gchar *framerate;
    GstClockTime duration, expected;
  } cases[] = {{"25/1", 123, 123}, {"25/1", GST_CLOCK_TIME_NONE, FRAME}, {"0/1", 123, 123},
      {"0/1", GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE}};

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    LabelRig rig = label_rig_new (NULL, "2", cases[i].framerate);
    GstClockTime pts, duration;
    g_autofree gchar *text = NULL;

    g_assert_cmpint (
        label_rig_push_scores (&rig, scores, 2, 77, cases[i].duration), ==, GST_FLOW_OK);
    text = label_rig_pull_text (&rig, &pts, &duration);
    g_assert_cmpstr (text, ==, "0 1.00");
    g_assert_cmpuint (pts, ==, 77);
    g_assert_cmpuint (duration, ==, cases[i].expected);
    label_rig_clear (&rig);
  }
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstmlabel-stream/vectors", test_vectors},
      {"/lstmlabel-stream/message", test_message},
      {"/lstmlabel-stream/changes", test_changes},
      {"/lstmlabel-stream/label-cleared", test_label_cleared},
      {"/lstmlabel-stream/steps", test_steps},
      {"/lstmlabel-stream/single-step", test_single_step},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
