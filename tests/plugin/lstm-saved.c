/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Saved states: the time of the next step, when the file is written, and NaN, which is never
 * saved. */
#include "lstm-rig.h"
#include "state-location.h"
#include <glib/gstdio.h>
#include <math.h>

#define FOLDER "three-layers"
#define NONE GST_CLOCK_TIME_NONE

/* Returns the number @key in the metadata of a state, or NONE if there is none. */
static guint64
get_metadata_number (GBytes *bytes, const gchar *key)
{
  g_autofree gchar *pattern = g_strdup_printf ("\"%s\":\"", key);
  gsize size;
  const gchar *content = g_bytes_get_data (bytes, &size);
  const gchar *found = g_strstr_len (content + 8, (gssize) size - 8, pattern);

  return found ? g_ascii_strtoull (found + strlen (pattern), NULL, 10) : NONE;
}

/* Asserts the time of the next step and the number of steps in a saved state. */
static void
assert_next (Rig *rig, guint64 time, guint64 steps)
{
  g_autoptr (GBytes) bytes = NULL;

  g_signal_emit_by_name (rig->lstm, "get-state", &bytes);
  g_assert_nonnull (bytes);
  g_assert_cmpuint (get_metadata_number (bytes, "lstm.next-time"), ==, time);
  g_assert_cmpuint (get_metadata_number (bytes, "lstm.steps"), ==, steps);
}

static void
push_step_at (Rig *rig, GstClockTime pts, GstClockTime duration)
{
  GstBuffer *buffer = rig_buffer_new (rig, 0);

  GST_BUFFER_PTS (buffer) = pts;
  GST_BUFFER_DURATION (buffer) = duration;
  g_assert_cmpint (gst_harness_push (rig->harness, buffer), ==, GST_FLOW_OK);
}

/* --- The time of the next step --- */

static const struct {
  gint n, d;
} framerates[] = {{30, 1}, {30000, 1001}, {24, 1}, {24000, 1001}, {25, 1}, {7, 3}, {1, 1},
    {60, 1}, {10, 1}, {3, 1000}, {16000, 1}, {44100, 1}, {48000, 1}, {1000000, 1}, {90000, 7}};

/* Returns the timestamp of step @i. */
static GstClockTime
get_step_time (guint framerate, guint64 i)
{
  return gst_util_uint64_scale (
      i, (guint64) framerates[framerate].d * GST_SECOND, (guint64) framerates[framerate].n);
}

/* The time of the next step is the one that a source of frames computes, for buffers of any size
 * and streams of any length. */
static void
test_times (void)
{
  static const guint64 begins[] = {0, 1000003, G_GUINT64_CONSTANT (3000000019)};
  static const guint steps[] = {1, 3, 7};

  for (guint f = 0; f < G_N_ELEMENTS (framerates); f++)
    for (guint k = 0; k < G_N_ELEMENTS (steps); k++) {
      g_autofree gchar *framerate = g_strdup_printf ("%d/%d", framerates[f].n, framerates[f].d);
      guint64 n = 0;
      Rig rig;

      rig_init (&rig, FOLDER, "gap-policy=zero-step");
      rig.framerate = framerate;
      rig.n_steps = steps[k];
      rig_begin_stream (&rig);
      for (guint b = 0; b < G_N_ELEMENTS (begins); b++)
        for (guint64 i = begins[b]; i < begins[b] + 12 * steps[k]; i += steps[k]) {
          push_step_at (&rig, get_step_time (f, i),
              get_step_time (f, i + steps[k]) - get_step_time (f, i));
          assert_next (&rig, get_step_time (f, i + steps[k]), n += steps[k]);
        }
      rig_push_event (&rig, gst_event_new_gap (get_step_time (f, 11),
                                get_step_time (f, 41) - get_step_time (f, 11)));
      assert_next (&rig, get_step_time (f, 41), n + 30);
      rig_clear (&rig);
    }
}

/* npysrc maps the timestamp of a step to this step, and any earlier time to an earlier step. */
static void
test_times_of_npysrc (void)
{
  enum { STEPS = 500 };
  gchar *dir = test_dir_new ();
  g_autofree gchar *path = g_build_filename (dir, "x.npy", NULL);

  npy_write_numbers (path, "(500, 1)", STEPS);
  for (guint f = 0; f < G_N_ELEMENTS (framerates); f++) {
    GstElement *source = parse_pipeline (
        "npysrc location=%s framerate=%d/%d", path, framerates[f].n, framerates[f].d);

    gst_element_set_state (source, GST_STATE_PAUSED);
    for (gint64 i = 0; i < STEPS; i++) {
      gint64 step = -1, before = -1;
      const gint64 time = (gint64) get_step_time (f, (guint64) i);

      g_assert_true (
          gst_element_query_convert (source, GST_FORMAT_TIME, time, GST_FORMAT_DEFAULT, &step));
      g_assert_cmpint (step, ==, i);
      if (i == 0)
        continue;
      g_assert_true (gst_element_query_convert (
          source, GST_FORMAT_TIME, time - 1, GST_FORMAT_DEFAULT, &before));
      g_assert_cmpint (before, ==, i - 1);
    }
    gst_element_set_state (source, GST_STATE_NULL);
    gst_object_unref (source);
  }
  test_dir_remove (dir);
}

/* A buffer of a stream, and the time of the step after it */
static const struct {
  const gchar *framerate;
  guint steps;
  GstClockTime pts, duration, next;
} buffers[] = {
    {"0/1", 1, 500, 70, 570},
    {"0/1", 3, 500, 70, 570},
    {"0/1", 1, 500, NONE, NONE},
    {"0/1", 1, NONE, 70, NONE},
    {"30/1", 1, NONE, 70, NONE},
    {"30/1", 1, 33333333, 70, 66666666},    /* the framerate determines the duration */
    {"30/1", 1, 66666666, NONE, 100000000}, /* the timestamp may be rounded down */
    {"30/1", 1, 33333334, NONE, 66666667},  /* or up */
    {"30/1", 2, 40000000, NONE, 106666666}, /* or be between two frames */
    {"30/1", 1, 99999999, NONE, 133333333},
};

static void
test_next_time (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (buffers); i++) {
    Rig rig;

    rig_init (&rig, FOLDER, "");
    rig.framerate = buffers[i].framerate;
    rig.n_steps = buffers[i].steps;
    rig_begin_stream (&rig);
    push_step_at (&rig, 1000, 2000); /* the next buffer replaces the time after this one */
    push_step_at (&rig, buffers[i].pts, buffers[i].duration);
    assert_next (&rig, buffers[i].next, 2 * rig.n_steps);
    rig_clear (&rig);
  }
}

/* Segments with other stream times */
static const struct {
  RigSegment segment;
  GstClockTime next; /* time after the step at 2 s, which lasts 1 s */
} segments[] = {
    {{GST_FORMAT_TIME, 1, 1, 0, NONE, 0, 0, 0, NONE}, 3 * GST_SECOND},
    {{GST_FORMAT_TIME, 2, 1, 0, NONE, 0, 0, 0, NONE}, 3 * GST_SECOND},
    {{GST_FORMAT_TIME, 1, 1, GST_SECOND, NONE, 0, 0, 0, NONE}, 2 * GST_SECOND},
    {{GST_FORMAT_TIME, 1, 1, GST_SECOND, 3 * GST_SECOND, 7 * GST_SECOND, 0, 0, NONE},
        9 * GST_SECOND},
    {{GST_FORMAT_TIME, 1, 1, GST_SECOND, 2500 * GST_MSECOND, 7 * GST_SECOND, 0, 0, NONE},
        9 * GST_SECOND},
    {{GST_FORMAT_TIME, 1, 2, 0, NONE, 0, 0, 0, NONE}, 6 * GST_SECOND},
    {{GST_FORMAT_TIME, -1, 1, 0, 4 * GST_SECOND, 0, 0, 0, NONE}, NONE},
};

static void
test_stream_times (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (segments); i++) {
    Rig rig;

    rig_init (&rig, FOLDER, "");
    rig.framerate = "1/1";
    rig_push_stream_start (&rig);
    g_assert_true (rig_push_caps (&rig));
    rig_push_exact_segment (&rig, &segments[i].segment);
    push_step_at (&rig, 2 * GST_SECOND, GST_SECOND);
    assert_next (&rig, segments[i].next, 1);
    rig_clear (&rig);
  }
}

static void
push_gap (Rig *rig)
{
  rig_push_event (rig, gst_event_new_gap (3 * GST_SECOND, GST_SECOND));
}

/* Actions after three steps of 1 s, and the time of the next step and the number of steps after
 * them */
static const struct {
  const gchar *properties;
  void (*act) (Rig *rig);
  guint64 next, steps;
} actions[] = {
    {"", rig_do_nothing, 3 * GST_SECOND, 3},
    {"", rig_emit_reset, 3 * GST_SECOND, 0}, /* the stream continues */
    {"", rig_push_segment, NONE, 0},
    {"", rig_push_flush, NONE, 0},
    {"", rig_push_eos, NONE, 0},
    {"stateful=true", rig_push_segment, 3 * GST_SECOND, 3},
    {"stateful=true", rig_push_eos, 3 * GST_SECOND, 3},
    {"stateful=true", rig_push_flush, NONE, 0},
    {"reset-on=gap", push_gap, NONE, 0},
    {"reset-on=gap gap-policy=zero-step", push_gap, 4 * GST_SECOND, 1},
    {"output-mode=window stateful=true", rig_push_segment, 3 * GST_SECOND, 3},
    {"output-mode=final stateful=true", rig_push_segment, 3 * GST_SECOND, 3},
};

static void
test_actions (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (actions); i++) {
    Rig rig;

    g_test_message ("%u", i);
    rig_init (&rig, FOLDER, actions[i].properties);
    rig.framerate = "1/1";
    rig_begin_stream (&rig);
    for (guint t = 0; t < 3; t++)
      push_step_at (&rig, t * GST_SECOND, GST_SECOND);
    actions[i].act (&rig);
    assert_next (&rig, actions[i].next, actions[i].steps);
    rig_clear (&rig);
  }
}

/* set-state drops a final vector that waits. The final vector of the restored sequence counts the
 * steps before the state was saved. */
static void
test_final (void)
{
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GstMessage) restored = NULL, message = NULL;
  guint64 steps;
  gboolean ok;
  Rig rig;

  rig_init (&rig, FOLDER, "output-mode=final");
  rig_begin_stream (&rig);
  rig_push_steps (&rig, 0, 3);
  g_signal_emit_by_name (rig.lstm, "get-state", &bytes);
  rig_push_steps (&rig, 5, 4);
  g_signal_emit_by_name (rig.lstm, "set-state", bytes, &ok);
  g_assert_true (ok);
  rig_push_segment (&rig);
  g_assert_cmpuint (rig.outputs->len, ==, 0);
  rig_expect_outputs (&rig, 0, 3, 0);
  rig_push_and_expect_last (&rig, 3, 2);
  restored = gst_bus_pop_filtered (rig.bus, GST_MESSAGE_ELEMENT);
  g_assert_true (gst_message_has_name (restored, "lstm-restored"));
  rig_push_eos (&rig);
  rig_assert_outputs (&rig);
  message = gst_bus_pop_filtered (rig.bus, GST_MESSAGE_ELEMENT);
  g_assert_true (gst_message_has_name (message, "lstm-final"));
  g_assert_true (
      gst_structure_get_uint64 (gst_message_get_structure (message), "steps", &steps));
  g_assert_cmpuint (steps, ==, 5);
  rig_clear (&rig);
}

/* --- Not finite --- */

/* Returns: (transfer full) (nullable) */
static GBytes *
read_state_file (const StateLocation *location)
{
  gchar *content;
  gsize size;

  return g_file_get_contents (location->file, &content, &size, NULL)
             ? g_bytes_new_take (content, size)
             : NULL;
}

static void
push_value (Rig *rig, guint i, gfloat value)
{
  GstBuffer *buffer = rig_buffer_new (rig, i);

  gst_buffer_fill (buffer, sizeof value, &value, sizeof value);
  g_assert_cmpint (gst_harness_push (rig->harness, buffer), ==, GST_FLOW_OK);
}

/* Returns: (transfer full) (nullable): the text of the warning that begins with @prefix; asserts
 * that there is at most one. Other warnings of NaN are ignored. */
static gchar *
pop_warning (Rig *rig, const gchar *prefix)
{
  gchar *text = NULL;
  GstMessage *message;

  while ((message = gst_bus_pop_filtered (rig->bus, GST_MESSAGE_WARNING))) {
    g_autoptr (GError) warning = NULL;

    gst_message_parse_warning (message, &warning, NULL);
    gst_message_unref (message);
    if (!g_str_has_prefix (warning->message, prefix))
      continue;
    g_assert_null (text);
    text = g_strdup (warning->message);
  }
  return text;
}

static void
set_ready (Rig *rig)
{
  gst_element_set_state (rig->lstm, GST_STATE_READY);
}

/* Actions that write the file */
static const struct {
  const gchar *more; /* properties */
  void (*end) (Rig *rig);
} ends[] = {{"", rig_push_eos}, {"", set_ready}, {"state-interval=1", rig_do_nothing},
    {"output-mode=window window-length=4", rig_push_eos}, {"stateful=true", rig_push_eos}};

/* A state with NaN is not written: the file keeps the previous state, and one warning is posted. */
static void
test_not_written (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (ends); i++) {
    StateLocation location = state_location_new (ends[i].more);
    g_autoptr (GBytes) good = NULL, after = NULL;
    g_autofree gchar *warning = NULL, *expected = NULL;
    Rig rig;

    g_test_message ("%u", i);
    rig_init (&rig, FOLDER, location.properties);
    rig_begin_stream (&rig);
    push_step_at (&rig, 0, 1000);
    push_step_at (&rig, 1000, 1000);
    set_ready (&rig);
    good = read_state_file (&location);
    g_assert_nonnull (good);
    gst_element_set_state (rig.lstm, GST_STATE_PLAYING);
    rig_begin_stream (&rig);
    for (guint t = 0; t < 3; t++)
      push_value (&rig, t, NAN);
    ends[i].end (&rig);
    after = read_state_file (&location);
    g_assert_true (g_bytes_equal (after, good));
    warning = pop_warning (&rig, "property state-location: ");
    expected = g_strdup_printf ("property state-location: %s was not written: h and c: tensor "
                                "\"0.hidden\": expected finite values, found *nan at [0, *",
        location.file);
    assert_matches (warning, expected);
    set_ready (&rig);
    g_assert_null (pop_warning (&rig, "property state-location: "));
    rig_clear (&rig);
    state_location_clear (&location);
  }
}

/* A later finite state is written. The next state with NaN causes another warning. */
static void
test_good_again (void)
{
  StateLocation location = state_location_new ("state-interval=1");
  Rig rig;

  rig_init (&rig, FOLDER, location.properties);
  rig_begin_stream (&rig);
  for (guint round = 1; round <= 2; round++) {
    g_autoptr (GBytes) none = NULL, file = NULL;
    g_autofree gchar *not_saved = NULL, *warning = NULL;

    push_value (&rig, 10 * round, NAN); /* the interval of the first round begins here */
    push_value (&rig, 10 * round + 1, INFINITY);
    push_value (&rig, 10 * round + 2, 0);
    not_saved = pop_warning (&rig, "property state-location: ");
    g_assert_nonnull (not_saved);
    g_signal_emit_by_name (rig.lstm, "get-state", &none);
    g_assert_null (none);
    warning = pop_warning (&rig, "get-state");
    assert_matches (
        warning, "get-state: h and c: tensor \"0.hidden\": expected finite values*");
    rig_emit_reset (&rig);
    push_value (&rig, 10 * round + 3, 0);
    push_value (&rig, 10 * round + 4, 0);
    file = read_state_file (&location);
    g_assert_cmpuint (get_metadata_number (file, "lstm.steps"), ==, 2);
  }
  rig_clear (&rig);
  state_location_clear (&location);
}

/* --- When it is written --- */

/* Buffers of 1 s without timestamps; the interval is 3 s */
static const struct {
  const gchar *framerate;
  GstClockTime duration;
  gboolean by_clock; /* the clock measures the interval */
} feeds[] = {
    {"1/1", NONE, FALSE},
    {"3/1", NONE, FALSE},
    {"0/1", GST_SECOND, FALSE},
    {"30/1", GST_SECOND, FALSE},
    {"0/1", NONE, TRUE},
};

static void
test_interval (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (feeds); i++) {
    StateLocation location = state_location_new ("state-interval=3000000000");
    Rig rig;

    rig_init (&rig, FOLDER, location.properties);
    gst_harness_use_testclock (rig.harness);
    rig.framerate = feeds[i].framerate;
    rig.n_steps = i == 1 ? 3 : 1;
    rig_begin_stream (&rig);
    for (guint t = 0; t < 8; t++) {
      g_autoptr (GBytes) file = NULL;

      if (feeds[i].by_clock)
        gst_harness_set_time (rig.harness, t * GST_SECOND);
      push_step_at (&rig, NONE, feeds[i].duration);
      file = read_state_file (&location);
      if (t < 3)
        g_assert_null (file);
      else
        g_assert_cmpuint (
            get_metadata_number (file, "lstm.steps"), ==, (t < 6 ? 4 : 7) * rig.n_steps);
    }
    rig_clear (&rig);
    state_location_clear (&location);
  }
}

/* Steps of zeros for gaps count for the interval. */
static void
test_interval_of_gaps (void)
{
  StateLocation location = state_location_new (
      "state-interval=3000000000 gap-policy=zero-step");
  g_autoptr (GBytes) file = NULL;
  Rig rig;

  rig_init (&rig, FOLDER, location.properties);
  rig.framerate = "1/1";
  rig_begin_stream (&rig);
  for (guint t = 0; t < 4; t++)
    rig_push_event (&rig, gst_event_new_gap (t * GST_SECOND, GST_SECOND));
  file = read_state_file (&location);
  g_assert_nonnull (file);
  g_assert_cmpuint (get_metadata_number (file, "lstm.steps"), ==, 4);
  rig_clear (&rig);
  state_location_clear (&location);
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm/saved/times", test_times},
      {"/lstm/saved/times-of-npysrc", test_times_of_npysrc},
      {"/lstm/saved/next-time", test_next_time},
      {"/lstm/saved/stream-times", test_stream_times},
      {"/lstm/saved/actions", test_actions},
      {"/lstm/saved/final", test_final},
      {"/lstm/saved/not-written", test_not_written},
      {"/lstm/saved/good-again", test_good_again},
      {"/lstm/saved/interval", test_interval},
      {"/lstm/saved/interval-of-gaps", test_interval_of_gaps},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
