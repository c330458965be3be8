/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Segments, gaps and timestamps of `lstm`: which segments begin a sequence, which steps are run,
 * and the timestamps of outputs. */
#include "lstm-rig.h"

#define NONE GST_CLOCK_TIME_NONE
#define SECOND GST_SECOND

/* --- Segments --- */

#define T GST_FORMAT_TIME
#define B GST_FORMAT_BYTES
static const struct {
  const gchar *name;
  RigSegment a, b;
  gboolean continues; /* the sequence continues in segment b */
} updates[] = {
    {"equal", {T, 1, 1, 0, NONE, 0, 0, 0, NONE}, {T, 1, 1, 0, NONE, 0, 0, 0, NONE}, TRUE},
    {"stop", {T, 1, 1, 0, NONE, 0, 0, 0, NONE}, {T, 1, 1, 0, SECOND, 0, 0, 0, NONE}, TRUE},
    {"position", {T, 1, 1, 0, NONE, 0, 0, 0, NONE}, {T, 1, 1, 0, NONE, 0, 0, 9, NONE}, TRUE},
    {"duration", {T, 1, 1, 0, NONE, 0, 0, 0, NONE}, {T, 1, 1, 0, NONE, 0, 0, 0, 9}, TRUE},
    {"later start", {T, 1, 1, 0, NONE, 0, 0, 0, NONE},
        {T, 1, 1, 5000, NONE, 5000, 5000, 5000, NONE}, TRUE},
    {"later start, twice as fast", {T, 2, 1, 0, NONE, 0, 0, 0, NONE},
        {T, 2, 1, 4000, NONE, 4000, 2000, 4000, NONE}, TRUE},
    {"backwards", {T, -1, 1, 0, SECOND, 0, 0, 0, NONE}, {T, -1, 1, 0, SECOND, 0, 0, 9, NONE},
        TRUE},
    {"base", {T, 1, 1, 0, NONE, 0, 0, 0, NONE}, {T, 1, 1, 0, NONE, 0, 5000, 0, NONE}, FALSE},
    {"start", {T, 1, 1, 0, NONE, 0, 0, 0, NONE}, {T, 1, 1, 5000, NONE, 0, 0, 5000, NONE},
        FALSE},
    {"time", {T, 1, 1, 0, NONE, 0, 0, 0, NONE}, {T, 1, 1, 0, NONE, 9, 0, 0, NONE}, FALSE},
    {"rate", {T, 1, 1, 0, NONE, 0, 0, 0, NONE}, {T, 2, 1, 0, NONE, 0, 0, 0, NONE}, FALSE},
    {"applied rate", {T, 1, 1, 0, NONE, 0, 0, 0, NONE}, {T, 1, 2, 0, NONE, 0, 0, 0, NONE},
        FALSE},
    {"turned back", {T, 1, 1, 0, SECOND, 0, 0, 0, NONE}, {T, -1, 1, 0, SECOND, 0, 0, 0, NONE},
        FALSE},
    {"backwards from elsewhere", {T, -1, 1, 0, SECOND, 0, 0, 0, NONE},
        {T, -1, 1, 0, SECOND / 2, 0, 0, 0, NONE}, FALSE},
    {"bytes", {B, 1, 1, 0, NONE, 0, 0, 0, NONE}, {B, 1, 1, 0, 400, 0, 0, 0, 400}, TRUE},
    {"bytes, base", {B, 1, 1, 0, NONE, 0, 0, 0, NONE}, {B, 1, 1, 0, NONE, 0, 240, 0, NONE},
        FALSE},
    {"bytes, time", {B, 1, 1, 0, NONE, 0, 0, 0, NONE}, {B, 1, 1, 24, NONE, 24, 24, 24, NONE},
        TRUE},
    {"bytes, start", {B, 1, 1, 0, NONE, 0, 0, 0, NONE}, {B, 1, 1, 24, NONE, 24, 0, 24, NONE},
        FALSE},
    {"time, then bytes", {T, 1, 1, 0, NONE, 0, 0, 0, NONE}, {B, 1, 1, 0, NONE, 0, 0, 0, NONE},
        FALSE},
};

static void
check_update (guint i, const gchar *framerate)
{
  Rig rig;

  g_test_message ("%s, %s", updates[i].name, framerate);
  rig_init (&rig, "seed-1x30", "");
  rig.framerate = framerate;
  rig_push_stream_start (&rig);
  g_assert_true (rig_push_caps (&rig));
  rig_push_exact_segment (&rig, &updates[i].a);
  rig_push_and_expect (&rig, 0, 6);
  rig_push_exact_segment (&rig, &updates[i].b);
  if (!updates[i].continues)
    rig_expect_reset (&rig);
  rig_push_and_expect (&rig, 6, 6);
  rig_assert_outputs (&rig);
  rig_clear (&rig);
}

/* If two segments map timestamps alike, the sequence continues. */
static void
test_updates (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (updates); i++) {
    check_update (i, "1000000/1");
    check_update (i, "0/1");
  }
}
#undef T
#undef B

/* A segment is played backwards twice. Both passes have the same outputs. */
static void
test_segments_backwards (void)
{
  static const RigSegment first = {GST_FORMAT_TIME, -1, 1, 0, SECOND, 0, 0, SECOND, NONE};
  static const RigSegment second = {GST_FORMAT_TIME, -1, 1, 0, SECOND, 0, SECOND, SECOND, NONE};
  Rig rig;

  rig_init (&rig, "seed-1x30", "output-mode=final");
  rig.framerate = "0/1";
  rig_begin_stream (&rig);
  for (guint pass = 0; pass < 2; pass++) {
    rig_push_exact_segment (&rig, pass ? &second : &first);
    rig_expect_reset (&rig);
    for (gint i = 5; i >= 0; i--) {
      rig_push_steps (&rig, (gsize) i, 1);
      rig_expect_outputs (&rig, (gsize) i, 1, i == 0);
    }
  }
  g_string_truncate (rig.log, 0);
  rig_push_eos (&rig);
  rig_assert_log (&rig, "buffer 0+1000, eos");
  rig_assert_outputs (&rig);
  rig_clear (&rig);
}

/* --- Steps outside of the segment --- */

/* Buffers in a segment from 5000 to 8000 */
static const struct {
  guint64 pts, duration;
  gboolean is_run;
} bounds[] = {
    {0, 1000, FALSE},
    {4000, 1000, FALSE}, /* ends at the start of the segment */
    {4000, 1001, TRUE},
    {4999, 0, FALSE},
    {5000, 0, TRUE},
    {5000, 1000, TRUE},
    {7999, 1000, TRUE},
    {8000, 1000, FALSE},
    {9000, NONE, FALSE},
    {6000, NONE, TRUE},
    {NONE, NONE, TRUE},
    {0, 100000, TRUE},
};

/* A step outside of the segment does not change h and c and has no output. */
static void
check_bounds (guint i, const gchar *properties)
{
  const gboolean direct = *properties == '\0';
  GstBuffer *buffer;
  Rig rig;

  g_test_message ("bounds %u %s", i, properties);
  rig_init (&rig, "seed-1x30", properties);
  rig.framerate = "0/1";
  rig_begin_stream (&rig);
  rig_push_exact_segment (
      &rig, &(RigSegment){GST_FORMAT_TIME, 1, 1, 5000, 8000, 0, 0, 5000, NONE});
  rig_push_steps (&rig, 5, 1);
  rig_expect_outputs (&rig, 5, 1, direct);
  g_string_truncate (rig.log, 0);
  buffer = rig_buffer_new (&rig, 0);
  GST_BUFFER_PTS (buffer) = bounds[i].pts;
  GST_BUFFER_DURATION (buffer) = bounds[i].duration;
  g_assert_cmpint (gst_harness_push (rig.harness, buffer), ==, GST_FLOW_OK);
  if (bounds[i].is_run)
    rig_expect_outputs (&rig, 0, 1, direct);
  else
    rig_assert_log (&rig, "");
  rig_push_steps (&rig, 6, 1);
  rig_expect_outputs (&rig, 6, 1, TRUE);
  rig_push_eos (&rig);
  rig_assert_outputs (&rig);
  g_assert_cmpuint (rig_get_steps (&rig), ==, 2 + bounds[i].is_run);
  rig_clear (&rig);
}

static void
test_bounds (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (bounds); i++) {
    check_bounds (i, "");
    check_bounds (i, "output-mode=final");
    check_bounds (i,
        "reset-on=discont output-mode=final"); /* a step that is left out is no discontinuity */
  }
}

/* The same holds for the steps of gaps. The GAP events are forwarded in any case. */
static void
test_gap_bounds (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (bounds); i++) {
    Rig rig;

    if (bounds[i].pts == NONE)
      continue;
    g_test_message ("bounds %u", i);
    rig_init (&rig, "seed-1x30", "gap-policy=zero-step");
    rig.framerate = "0/1";
    rig_begin_stream (&rig);
    rig_push_exact_segment (
        &rig, &(RigSegment){GST_FORMAT_TIME, 1, 1, 5000, 8000, 0, 0, 5000, NONE});
    g_string_truncate (rig.log, 0);
    rig_push_event (&rig, gst_event_new_gap (bounds[i].pts, bounds[i].duration));
    g_assert_true (g_str_has_prefix (rig.log->str, "gap "));
    g_assert_cmpuint (rig_get_steps (&rig), ==, bounds[i].is_run);
    rig_clear (&rig);
  }
}

/* --- Gaps and discontinuities --- */

static const struct {
  const gchar *properties, *framerate;
  guint64 duration;
  guint steps; /* steps of zeros */
  gboolean resets;
} gaps[] = {
    {"", "30/1", 100 * GST_MSECOND, 0, FALSE},
    {"reset-on=gap", "30/1", 100 * GST_MSECOND, 0, TRUE},
    {"reset-on=discont", "30/1", 100 * GST_MSECOND, 0, FALSE},
    {"gap-policy=zero-step", "30/1", 100 * GST_MSECOND, 3, FALSE},
    {"gap-policy=zero-step", "30/1", 33333333, 1, FALSE},
    {"gap-policy=zero-step", "30/1", 49999999, 1, FALSE},
    {"gap-policy=zero-step", "30/1", 50 * GST_MSECOND, 2, FALSE},
    {"gap-policy=zero-step", "30/1", 16666666, 0, FALSE},
    {"gap-policy=zero-step", "30/1", 16666667, 1, FALSE},
    {"gap-policy=zero-step", "30/1", 1, 0, FALSE},
    {"gap-policy=zero-step", "30/1", NONE, 1, FALSE},
    {"gap-policy=zero-step", "0/1", 100 * GST_MSECOND, 1, FALSE},
    {"gap-policy=zero-step", "30000/1001", SECOND, 30, FALSE},
    {"gap-policy=zero-step reset-on=gap", "30/1", 100 * GST_MSECOND, 3, TRUE},
    {"gap-policy=zero-step reset-on=gap+discont", "30/1", 66666666, 2, TRUE},
};

/* Pushes a gap between buffers of @steps steps of two streams. */
static void
check_gap (guint i, guint steps)
{
  const gsize first = 10, n = gaps[i].steps;
  Rig rig;

  g_test_message ("gap %u, T %u", i, steps);
  rig_init (&rig, "seed-1x30", gaps[i].properties);
  rig.n_streams = 2;
  rig.n_steps = steps;
  rig.framerate = gaps[i].framerate;
  rig_expect_reset (&rig);
  for (gsize s = 0; s < 2; s++)
    memset (rig.x.items + s * rig.x.length + first, 0, n * sizeof (gfloat));
  rig_begin_stream (&rig);
  rig_push_and_expect (&rig, 0, first);
  g_string_truncate (rig.log, 0);
  rig_push_event (&rig, gst_event_new_gap (first * 1000, gaps[i].duration));
  g_assert_true (g_str_has_prefix (rig.log->str, "gap 10000"));
  g_assert_null (strchr (rig.log->str, ','));
  if (gaps[i].resets)
    rig_expect_reset (&rig);
  if (n > 0)
    rig_expect_outputs (&rig, first, n, 0);
  rig_push_and_expect (&rig, first + n, 10);
  rig_assert_outputs (&rig);
  g_assert_cmpuint (rig_get_steps (&rig), ==, 20 + n);
  rig_clear (&rig);
}

static void
test_gaps (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (gaps); i++) {
    check_gap (i, 1);
    check_gap (i, 2);
  }
}

/* In final mode the last step may be a step of zeros. */
static void
test_final_gap (void)
{
  static const struct {
    const gchar *properties, *framerate;
    guint zeros;
    const gchar *log;
  } cases[] = {
      {"", "30/1", 0, "gap 10000+100000000, buffer 9000+33333333, eos"},
      {"gap-policy=zero-step", "30/1", 3, "gap 10000+100000000, buffer 66676666+33333333, eos"},
      {"gap-policy=zero-step", "0/1", 1, "gap 10000+100000000, buffer 10000+100000000, eos"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    Rig rig;

    g_test_message ("case %u", i);
    rig_init (&rig, "seed-1x30", cases[i].properties);
    gst_element_set_state (rig.lstm, GST_STATE_READY);
    gst_util_set_object_arg (G_OBJECT (rig.lstm), "output-mode", "final");
    gst_element_set_state (rig.lstm, GST_STATE_PLAYING);
    rig.framerate = cases[i].framerate;
    memset (rig.x.items + 10, 0, cases[i].zeros * sizeof (gfloat));
    rig_begin_stream (&rig);
    rig_push_steps (&rig, 0, 10);
    rig_expect_outputs (&rig, 0, 10 + cases[i].zeros, 1);
    g_string_truncate (rig.log, 0);
    rig_push_event (&rig, gst_event_new_gap (10000, 100 * GST_MSECOND));
    rig_push_eos (&rig);
    rig_assert_log (&rig, cases[i].log);
    rig_assert_outputs (&rig);
    rig_clear (&rig);
  }
}

/* A sequence may consist of gaps only. */
static void
test_final_gaps_only (void)
{
  static const struct {
    const gchar *properties, *log;
  } cases[] = {
      {"output-mode=final", "gap 0+1000, gap 1000+1000, eos"},
      {"output-mode=final gap-policy=zero-step",
          "gap 0+1000, gap 1000+1000, buffer 1000+1000, eos"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    Rig rig;

    rig_init (&rig, "seed-1x30", cases[i].properties);
    rig.framerate = "1000000/1";
    rig_begin_stream (&rig);
    rig_push_event (&rig, gst_event_new_gap (0, 1000));
    rig_push_event (&rig, gst_event_new_gap (1000, 1000));
    rig_push_eos (&rig);
    rig_assert_log (&rig, cases[i].log);
    rig_clear (&rig);
  }
}

/* With reset-on=discont a buffer with DISCONT resets h and c before its own step. */
static void
test_discont (void)
{
  static const struct {
    const gchar *properties;
    gboolean resets;
  } cases[] = {
      {"", FALSE},
      {"reset-on=gap", FALSE},
      {"reset-on=discont", TRUE},
      {"reset-on=discont stateful=true", TRUE},
      {"reset-on=gap+discont", TRUE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstBuffer *buffer;
    Rig rig;

    g_test_message ("case %u", i);
    rig_init (&rig, "seed-1x30", cases[i].properties);
    rig_begin_stream (&rig);
    rig_push_and_expect (&rig, 0, 5);
    buffer = rig_buffer_new (&rig, 5);
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
    g_assert_cmpint (gst_harness_push (rig.harness, buffer), ==, GST_FLOW_OK);
    if (cases[i].resets)
      rig_expect_reset (&rig);
    rig_expect_outputs (&rig, 5, 1, 1);
    rig_push_and_expect (&rig, 6, 5);
    rig_assert_outputs (&rig);
    rig_clear (&rig);
  }
}

/* --- Timestamps of outputs --- */

static const struct {
  guint steps;
  const gchar *framerate;
  guint64 pts, duration, offset, offset_end; /* of a buffer */
  guint64 stop;                              /* of the segment */
  guint64 last[4];                           /* pts, duration and offsets of the last step */
} times[] = {
    {4, "30/1", 100, 9, 50, 54, NONE, {100000100, 33333333, 53, 54}},
    {4, "30/1", 100, 9, 50, 53, NONE, {100000100, 33333333, NONE, NONE}},
    {4, "30/1", 100, 9, NONE, NONE, NONE, {100000100, 33333333, NONE, NONE}},
    {4, "30/1", 100, NONE, 0, 4, 100000200, {100000100, 100, 3, 4}},
    {4, "30/1", 100, NONE, 0, 4, 100000050, {66666717, 33333333, 3, 4}},
    {4, "30/1", 100, NONE, 0, 4, 100000100, {66666767, 33333333, 3, 4}},
    {4, "30/1", 100, NONE, 0, 4, 33333000, {0, 33333000, 3, 4}},
    {4, "0/1", 100, 8, 50, 54, 104, {102, 2, 53, 54}},
    {4, "30000/1001", 0, NONE, 7, 11, NONE, {100100000, 33366666, 10, 11}},
    {4, "0/1", 100, 8, 50, 54, NONE, {106, 2, 53, 54}},
    {3, "0/1", 100, 8, 50, 53, NONE, {105, 3, 52, 53}},
    {3, "0/1", 100, 8, 50, 53, 107, {105, 2, 52, 53}},
    {4, "0/1", 100, NONE, 50, 54, NONE, {100, NONE, 53, 54}},
    {4, "30/1", NONE, NONE, 50, 54, NONE, {NONE, 33333333, 53, 54}},
    {1, "30/1", 7, 9, 1, 2, 20, {7, 13, 1, 2}},
};

/* Asserts that a sink which clips shows the buffer, and that the message has the same times. */
static void
assert_final_in_segment (Rig *rig, GstBuffer *out)
{
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (rig->bus, GST_MESSAGE_ELEMENT);
  g_autoptr (GstEvent)
      event = gst_pad_get_sticky_event (rig->harness->sinkpad, GST_EVENT_SEGMENT, 0);
  const GstClockTime pts = GST_BUFFER_PTS (out), duration = GST_BUFFER_DURATION (out);
  const GstSegment *segment;
  guint64 timestamp, stream_time, running_time, length;

  gst_event_parse_segment (event, &segment);
  if (GST_CLOCK_TIME_IS_VALID (pts) && GST_CLOCK_TIME_IS_VALID (duration))
    g_assert_true (
        gst_segment_clip (segment, GST_FORMAT_TIME, pts, pts + duration, NULL, NULL));
  g_assert_true (gst_structure_get (gst_message_get_structure (message), "timestamp",
      G_TYPE_UINT64, &timestamp, "stream-time", G_TYPE_UINT64, &stream_time, "running-time",
      G_TYPE_UINT64, &running_time, "duration", G_TYPE_UINT64, &length, NULL));
  g_assert_cmpuint (timestamp, ==, pts);
  g_assert_cmpuint (length, ==, duration);
  g_assert_cmpuint (
      stream_time, ==, gst_segment_to_stream_time (segment, GST_FORMAT_TIME, pts));
  g_assert_cmpuint (
      running_time, ==, gst_segment_to_running_time (segment, GST_FORMAT_TIME, pts));
}

static void
test_times (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (times); i++) {
    g_autoptr (GstBuffer) out = NULL;
    GstBuffer *buffer;
    Rig rig;

    g_test_message ("times %u", i);
    rig_init (&rig, "seed-1x30", "output-mode=final");
    rig.n_steps = times[i].steps;
    rig.framerate = times[i].framerate;
    rig_begin_stream (&rig);
    rig_push_segment_range (&rig, 0, times[i].stop);
    buffer = rig_buffer_new (&rig, 0);
    GST_BUFFER_PTS (buffer) = times[i].pts;
    GST_BUFFER_DURATION (buffer) = times[i].duration;
    GST_BUFFER_OFFSET (buffer) = times[i].offset;
    GST_BUFFER_OFFSET_END (buffer) = times[i].offset_end;
    g_assert_cmpint (gst_harness_push (rig.harness, buffer), ==, GST_FLOW_OK);
    rig_push_eos (&rig);
    out = gst_harness_try_pull (rig.harness);
    g_assert_nonnull (out);
    g_assert_cmpuint (GST_BUFFER_PTS (out), ==, times[i].last[0]);
    g_assert_cmpuint (GST_BUFFER_DURATION (out), ==, times[i].last[1]);
    g_assert_cmpuint (GST_BUFFER_OFFSET (out), ==, times[i].last[2]);
    g_assert_cmpuint (GST_BUFFER_OFFSET_END (out), ==, times[i].last[3]);
    assert_final_in_segment (&rig, out);
    rig_clear (&rig);
  }
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm-time/updates", test_updates},
      {"/lstm-time/segments-backwards", test_segments_backwards},
      {"/lstm-time/bounds", test_bounds},
      {"/lstm-time/gap-bounds", test_gap_bounds},
      {"/lstm-time/gaps", test_gaps},
      {"/lstm-time/final-gap", test_final_gap},
      {"/lstm-time/final-gaps-only", test_final_gaps_only},
      {"/lstm-time/discont", test_discont},
      {"/lstm-time/times", test_times},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
