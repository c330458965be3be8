/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Events and other actions between two halves of a sequence: what the element pushes, and whether
 * the second half continues the state of the first. */
#include "lstm-rig.h"

/* --- Actions --- */

static void
on_longer_segment (Rig *rig)
{
  rig_push_segment_range (rig, 0, 5 * GST_SECOND);
}

static void
on_stream_start (Rig *rig)
{
  rig_push_stream_start (rig);
}

static void
on_gap (Rig *rig)
{
  rig_push_event (rig, gst_event_new_gap (5, 6));
}

static void
on_tag_and_custom (Rig *rig)
{
  rig_push_event (rig, gst_event_new_tag (gst_tag_list_new (GST_TAG_TITLE, "title", NULL)));
  rig_push_event (rig,
      gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new_empty ("custom")));
}

/* Pushes a buffer with DISCONT, and RECONFIGURE upstream. */
static void
on_discont_and_reconfigure (Rig *rig)
{
  GstBuffer *buffer = rig_buffer_new (rig, 0);

  GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  gst_harness_push_upstream_event (rig->harness, gst_event_new_reconfigure ());
  g_assert_cmpint (gst_harness_push (rig->harness, buffer), ==, GST_FLOW_OK);
  rig_expect_outputs (rig, 0, 1, 1);
}

static void
on_same_caps (Rig *rig)
{
  g_assert_true (
      rig_push_caps_text (rig, "other/tensors,format=static,num_tensors=1,types=float32,"
                               "framerate=30/1,dimensions=(string)1:1:2:1"));
}

static void
on_other_steps (Rig *rig)
{
  rig->n_steps = 3;
  g_assert_true (rig_push_caps (rig));
}

static void
on_other_framerate (Rig *rig)
{
  rig->framerate = "25/1";
  g_assert_true (rig_push_caps (rig));
}

static void
on_other_streams (Rig *rig)
{
  rig->n_streams = 5;
  g_assert_true (rig_push_caps (rig));
}

static const struct {
  const gchar *name;
  void (*act) (Rig *rig);
  const gchar *log;
  gboolean keeps_state[2]; /* without and with stateful */
} actions[] = {
    {"nothing", rig_do_nothing, "", {TRUE, TRUE}},
    {"segment", rig_push_segment, "segment 0", {FALSE, TRUE}},
    {"equal segment", rig_push_first_segment, "segment 0", {TRUE, TRUE}},
    {"longer segment", on_longer_segment, "segment 0", {TRUE, TRUE}},
    {"stream-start", on_stream_start, "stream-start", {FALSE, TRUE}},
    {"eos", rig_push_eos_and_stream_start, "eos, stream-start, segment 0", {FALSE, TRUE}},
    {"segment-done", rig_push_segment_done, "segment-done", {FALSE, TRUE}},
    {"flush", rig_push_flush, "flush-start, flush-stop, segment 0", {FALSE, FALSE}},
    {"ready", rig_restart, "", {FALSE, FALSE}},
    {"reset", rig_emit_reset, "", {FALSE, FALSE}},
    {"gap", on_gap, "gap 5+6", {TRUE, TRUE}},
    {"tag, custom", on_tag_and_custom, "tag, custom-downstream", {TRUE, TRUE}},
    {"discont", on_discont_and_reconfigure, "buffer 0+1000", {TRUE, TRUE}},
    {"same caps", on_same_caps, "", {TRUE, TRUE}},
    {"other T", on_other_steps, "caps 30:3:2", {TRUE, TRUE}},
    {"other framerate", on_other_framerate, "caps 30:1:2", {TRUE, TRUE}},
    {"other bs", on_other_streams, "caps 30:1:5", {FALSE, FALSE}},
};

static void
check_state (guint i, gboolean stateful)
{
  Rig rig;

  g_test_message ("%s, stateful %d", actions[i].name, stateful);
  rig_init (&rig, "seed-1x30", stateful ? "stateful=true" : "stateful=false");
  rig.n_streams = 2;
  rig_expect_reset (&rig);
  rig_begin_stream (&rig);
  rig_push_and_expect (&rig, 0, 6);
  g_string_truncate (rig.log, 0);
  actions[i].act (&rig);
  rig_assert_log (&rig, actions[i].log);
  if (!actions[i].keeps_state[stateful])
    rig_expect_reset (&rig);
  rig_push_and_expect (&rig, 6, 6);
  rig_assert_outputs (&rig);
  rig_clear (&rig);
}

static void
test_state (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (actions); i++)
    for (gint stateful = FALSE; stateful <= TRUE; stateful++)
      check_state (i, stateful);
}

/* The property stateful counts when a sequence ends, not when it begins. */
static void
test_stateful_while_playing (void)
{
  Rig rig;

  rig_init (&rig, "seed-1x30", "");
  rig_begin_stream (&rig);
  for (guint i = 0; i < 4; i++) {
    rig_push_and_expect (&rig, 5 * i, 5);
    g_object_set (rig.lstm, "stateful", i % 2 == 0, NULL);
    rig_push_segment (&rig);
    if (i % 2)
      rig_expect_reset (&rig);
  }
  rig_assert_outputs (&rig);
  rig_clear (&rig);
}

/* --- Final mode --- */

static const struct {
  void (*end) (Rig *rig);
  const gchar *log; /* after the final vector */
} endings[] = {
    {rig_push_eos, "eos"},
    {rig_push_segment_done, "segment-done"},
    {rig_push_segment, "segment 0"},
    {on_stream_start, "stream-start"},
    {rig_push_eos_and_stream_start, "eos, stream-start, segment 0"},
};

/* Three buffers at 0, steps and 2 steps us. The final vector has the time of the last step. */
static const struct {
  guint streams, steps;
  const gchar *framerate;
  GstClockTime duration;
  const gchar *log;
} final_cases[] = {
    {1, 1, "30/1", 1000, "gap 0+1000, gap 1000+1000, gap 2000+1000, buffer 2000+33333333"},
    {5, 1, "30/1", 1000, "gap 0+1000, gap 1000+1000, gap 2000+1000, buffer 2000+33333333"},
    {1, 7, "30/1", 7000,
        "gap 0+7000, gap 7000+7000, gap 14000+7000, buffer 200014000+33333333"},
    {5, 7, "30/1", 7000,
        "gap 0+7000, gap 7000+7000, gap 14000+7000, buffer 200014000+33333333"},
    {1, 1, "0/1", 1000, "gap 0+1000, gap 1000+1000, gap 2000+1000, buffer 2000+1000"},
    {5, 7, "0/1", 7001, "gap 0+7001, gap 7000+7001, gap 14000+7001, buffer 20000+1001"},
    {5, 7, "0/1", GST_CLOCK_TIME_NONE, "gap 0, gap 7000, gap 14000, buffer 14000"},
};

static void
check_final (guint c, guint e)
{
  g_autofree gchar *log = g_strdup_printf ("%s, %s", final_cases[c].log, endings[e].log);
  Rig rig;

  g_test_message ("case %u, %s", c, endings[e].log);
  rig_init (&rig, "seed-1x30", "output-mode=final");
  rig.n_streams = final_cases[c].streams;
  rig.n_steps = final_cases[c].steps;
  rig.framerate = final_cases[c].framerate;
  rig.duration = final_cases[c].duration;
  rig_expect_reset (&rig);
  rig_begin_stream (&rig);
  rig_push_and_expect_last (&rig, 0, 3 * rig.n_steps);
  g_assert_cmpuint (rig.outputs->len, ==, 0);
  endings[e].end (&rig);
  rig_assert_log (&rig, log);
  rig_assert_outputs (&rig);
  endings[e].end (&rig); /* no step has arrived since */
  g_assert_cmpuint (rig.outputs->len, ==, 0);
  rig_clear (&rig);
}

static void
test_final (void)
{
  for (guint c = 0; c < G_N_ELEMENTS (final_cases); c++)
    for (guint e = 0; e < G_N_ELEMENTS (endings); e++)
      check_final (c, e);
}

/* Buffers without timestamps cause no GAP events. */
static void
test_final_untimed (void)
{
  GstBuffer *buffer;
  Rig rig;

  rig_init (&rig, "seed-1x30", "output-mode=final");
  rig_begin_stream (&rig);
  buffer = rig_buffer_new (&rig, 0);
  GST_BUFFER_PTS (buffer) = GST_CLOCK_TIME_NONE;
  GST_BUFFER_DURATION (buffer) = GST_CLOCK_TIME_NONE;
  g_assert_cmpint (gst_harness_push (rig.harness, buffer), ==, GST_FLOW_OK);
  rig_expect_outputs (&rig, 0, 1, 1);
  rig_push_eos (&rig);
  rig_assert_log (&rig, "buffer+33333333, eos"); /* the framerate determines the duration */
  rig_assert_outputs (&rig);
  rig_clear (&rig);
}

/* The final vector after an action in the middle of the sequence */
static const struct {
  const gchar *name;
  void (*act) (Rig *rig);
  const gchar *log;     /* output of the action */
  gboolean pushes_half; /* the action pushes the final vector of the first half */
  gboolean keeps_state; /* the second half continues the state of the first */
} final_actions[] = {
    {"nothing", rig_do_nothing, "", FALSE, TRUE},
    {"segment", rig_push_segment, "buffer 5000+33333333, segment 0", TRUE, FALSE},
    {"flush", rig_push_flush, "flush-start, flush-stop, segment 0", FALSE, FALSE},
    {"ready", rig_restart, "", FALSE, FALSE},
    {"reset", rig_emit_reset, "", FALSE, FALSE},
    {"gap", on_gap, "gap 5+6", FALSE, TRUE},
    {"tag, custom", on_tag_and_custom, "tag, custom-downstream", FALSE, TRUE},
    {"other T", on_other_steps, "", FALSE, TRUE},
    {"other framerate", on_other_framerate, "caps 30:1:2", FALSE, TRUE},
    {"other bs", on_other_streams, "buffer 5000+33333333, caps 30:1:5", TRUE, FALSE},
};

static void
check_final_action (guint i)
{
  Rig rig;

  g_test_message ("%s", final_actions[i].name);
  rig_init (&rig, "seed-1x30", "output-mode=final");
  rig.n_streams = 2;
  rig_expect_reset (&rig);
  rig_begin_stream (&rig);
  rig_push_steps (&rig, 0, 6);
  rig_expect_outputs (&rig, 0, 6, final_actions[i].pushes_half);
  g_string_truncate (rig.log, 0);
  final_actions[i].act (&rig);
  rig_assert_log (&rig, final_actions[i].log);
  if (!final_actions[i].keeps_state)
    rig_expect_reset (&rig);
  rig_push_and_expect_last (&rig, 6, 6);
  rig_push_eos (&rig);
  rig_assert_outputs (&rig);
  rig_clear (&rig);
}

static void
test_final_actions (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (final_actions); i++)
    check_final_action (i);
}

/* After a reset an event pushes no vector. */
static void
test_final_reset (void)
{
  static void (*const asks[]) (Rig * rig) = {
      rig_push_eos, rig_push_segment, on_stream_start, rig_push_segment_done, on_other_streams};

  for (guint i = 0; i < G_N_ELEMENTS (asks); i++) {
    Rig rig;

    rig_init (&rig, "seed-1x30", "output-mode=final");
    rig_begin_stream (&rig);
    rig_push_steps (&rig, 0, 3);
    rig_emit_reset (&rig);
    asks[i](&rig);
    g_assert_cmpuint (rig.outputs->len, ==, 0);
    rig_clear (&rig);
  }
}

/* A buffer after caps that the model refuses ends the sequence. Its final vector is pushed. Caps
 * without a buffer, which may be placeholders, do not end the sequence. */
static void
test_final_refused_caps (void)
{
  Rig rig;

  rig_init (&rig, "seed-1x30", "output-mode=final");
  rig_begin_stream (&rig);
  rig_push_and_expect_last (&rig, 0, 3);
  g_string_truncate (rig.log, 0);
  g_assert_false (rig_push_caps_text (&rig, CAPS ("7:1:1", ",framerate=30/1")));
  rig_assert_log (&rig, "");
  rig_assert_caps_error (&rig, "caps field dimensions: *found 7");
  rig_assert_log (&rig, "buffer 2000+33333333");
  rig_assert_outputs (&rig);
  rig_clear (&rig);
}

/* With stateful, each segment ends with a vector, and the state continues. */
static void
test_final_stateful (void)
{
  Rig rig;

  rig_init (&rig, "seed-1x30", "output-mode=final stateful=true");
  rig_begin_stream (&rig);
  for (guint i = 0; i < 3; i++) {
    rig_push_and_expect_last (&rig, i * 5, 5);
    rig_push_segment (&rig);
    rig_push_segment (&rig);
  }
  g_assert_cmpuint (rig.outputs->len, ==, 3 * 30);
  rig_assert_outputs (&rig);
  rig_clear (&rig);
}

static void
test_final_tensors (void)
{
  g_autofree gfloat *x = NULL;
  gfloat expected[3][2 * 7 * 30];
  Rig rig;

  rig_init (&rig, "seed-1x30", "output-mode=final emit=output+hidden+cell");
  rig.n_streams = 2;
  rig.n_steps = 7;
  rig_expect_reset (&rig);
  rig_begin_stream (&rig);
  rig_push_steps (&rig, 0, 7);
  rig_push_eos (&rig);
  x = step_array_copy (&rig.x, 2, 0, 7);
  lstm_state_run_full (rig.state, &(LstmRun){.size = sizeof (LstmRun),
                                      7,
                                      x,
                                      .output = expected[0],
                                      .hidden = expected[1],
                                      .cell = expected[2]});
  for (guint k = 0; k < 3; k++)
    for (guint s = 0; s < 2; s++)
      g_array_append_vals (rig.expected_outputs, expected[k] + (s * 7 + 6) * 30, 30);
  rig_assert_outputs (&rig);
  rig_clear (&rig);
}

/* The source waits for the preroll of the other branch, long before EOS. A sink that receives the
 * final vector prerolls nevertheless. */
static void
test_final_preroll (void)
{
  g_autofree gchar *model = get_vector_path ("long-no-bias", "model.safetensors");
  g_autofree gchar *x = get_vector_path ("long-no-bias", "x.npy");
  g_autoptr (GstElement) pipeline = parse_pipeline (
      "npysrc location=%s ! tee name=t ! queue max-size-buffers=2 ! fakesink "
      "t. ! queue max-size-buffers=2 ! lstm model-location=%s output-mode=final ! fakesink",
      x, model);

  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  g_assert_cmpint (gst_element_get_state (pipeline, NULL, NULL, GST_CLOCK_TIME_NONE), ==,
      GST_STATE_CHANGE_SUCCESS);
  gst_element_set_state (pipeline, GST_STATE_NULL);
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm/state", test_state},
      {"/lstm/stateful-while-playing", test_stateful_while_playing},
      {"/lstm/final", test_final},
      {"/lstm/final-untimed", test_final_untimed},
      {"/lstm/final-actions", test_final_actions},
      {"/lstm/final-reset", test_final_reset},
      {"/lstm/final-refused-caps", test_final_refused_caps},
      {"/lstm/final-stateful", test_final_stateful},
      {"/lstm/final-tensors", test_final_tensors},
      {"/lstm/final-preroll", test_final_preroll},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
