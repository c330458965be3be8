/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Segments in bytes: at the limits of 64-bit numbers, played backwards, and mapped to time. */
#include "lstm-rig.h"

#define NONE GST_CLOCK_TIME_NONE
#define D 1 /* input size of seed-1x30 */

static void
begin_bytes (Rig *rig, const gchar *framerate, const RigSegment *segment)
{
  rig_init (rig, "seed-1x30", "");
  rig->framerate = framerate;
  rig_push_stream_start (rig);
  g_assert_true (rig_push_caps (rig));
  rig_push_exact_segment (rig, segment);
  g_string_truncate (rig->log, 0);
}

static GstPadProbeReturn
store_seek (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);

  if (GST_EVENT_TYPE (event) != GST_EVENT_SEEK)
    return GST_PAD_PROBE_OK;
  gst_event_replace (data, event);
  return GST_PAD_PROBE_DROP;
}

/* A seek to any time requests a multiple of a step that fits 64 bits. */
static void
test_seeks (void)
{
  static const struct {
    const gchar *framerate;
    gint64 time, step;
  } cases[] = {
      {"30/1", G_MININT64, -276701161106},
      {"30/1", G_MININT64 + 1, -276701161106},
      {"30/1", -1, -1},
      {"30/1", 0, 0},
      {"30/1", 33333333, 1},
      {"30/1", 33333332, 0},
      {"30/1", G_MAXINT64, 276701161105},
      {"1000000000/1", G_MININT64, 0}, /* more bytes than 64 bits can count */
      {"1000000000/1", G_MAXINT64, 0},
  };
  const gint64 row = D * sizeof (gfloat);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GstEvent) seek = NULL;
    GstFormat format;
    gint64 start, limit;
    Rig rig;

    g_test_message ("%s, %" G_GINT64_FORMAT, cases[i].framerate, cases[i].time);
    begin_bytes (&rig, cases[i].framerate,
        &(RigSegment){GST_FORMAT_BYTES, 1, 1, 0, NONE, 0, 0, 0, NONE});
    gst_pad_add_probe (
        rig.harness->srcpad, GST_PAD_PROBE_TYPE_EVENT_UPSTREAM, store_seek, &seek, NULL);
    gst_harness_push_upstream_event (
        rig.harness, gst_event_new_seek (1, GST_FORMAT_TIME, GST_SEEK_FLAG_NONE,
                         cases[i].time < 0 ? GST_SEEK_TYPE_END : GST_SEEK_TYPE_SET,
                         cases[i].time, GST_SEEK_TYPE_NONE, -1));
    g_assert_nonnull (seek);
    gst_event_parse_seek (seek, NULL, &format, NULL, NULL, &start, NULL, NULL);
    limit = cases[i].time < 0 ? -G_MAXINT64 : G_MAXINT64;
    g_assert_cmpint (format, ==, GST_FORMAT_BYTES);
    g_assert_cmpint (start, ==, i < G_N_ELEMENTS (cases) - 2 ? cases[i].step * row : limit);
    rig_clear (&rig);
  }
}

/* A stream is played backwards. Each buffer has an output, and GStreamer logs no criticals. */
static void
test_backwards (void)
{
  static const struct {
    const gchar *framerate;
    guint64 stop, duration; /* of the input segment */
    guint64 time[2];        /* start and stop of the output segment */
    const gchar *log;
  } cases[] = {
      {"30/1", 12, NONE, {0, 100000000}, "buffer 66666666+33333334"},
      {"30/1", NONE, 12, {0, 100000000}, "buffer 66666666+33333334"},
      {"30/1", NONE, NONE, {0, G_MAXINT64}, "buffer 66666666+33333334"},
      {"1/2147483647", NONE, G_MAXINT64, {0, G_MAXINT64},
          "buffer 4294967294000000000+2147483647000000000"},
      {"0/1", 12, NONE, {0, 0}, "buffer"},
      {"0/1", NONE, NONE, {0, 0}, "buffer"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GstEvent) event = NULL;
    const GstSegment *segment;
    GstBuffer *buffer;
    Rig rig;

    g_test_message ("backwards %u", i);
    begin_bytes (&rig, cases[i].framerate,
        &(RigSegment){GST_FORMAT_BYTES, -1, 1, 0, cases[i].stop, 0, 0, 12, cases[i].duration});
    event = gst_pad_get_sticky_event (rig.harness->sinkpad, GST_EVENT_SEGMENT, 0);
    gst_event_parse_segment (event, &segment);
    g_assert_cmpint (segment->format, ==, GST_FORMAT_TIME);
    g_assert_cmpuint (segment->start, ==, cases[i].time[0]);
    g_assert_cmpuint (segment->stop, ==, cases[i].time[1]);
    buffer = rig_buffer_new (&rig, 2);
    GST_BUFFER_PTS (buffer) = GST_BUFFER_DURATION (buffer) = NONE;
    GST_BUFFER_OFFSET (buffer) = 2 * D * sizeof (gfloat);
    g_assert_cmpint (gst_harness_push (rig.harness, buffer), ==, GST_FLOW_OK);
    rig_expect_outputs (&rig, 2, 1, 1);
    rig_push_eos (&rig);
    rig_assert_outputs (&rig);
    g_string_truncate (rig.log, rig.log->len - strlen (", eos"));
    rig_assert_log (&rig, cases[i].log);
    rig_clear (&rig);
  }
}

/* The same segment without a stop arrives again. The sequence continues, also backwards. */
static void
test_backwards_again (void)
{
  static const RigSegment segment = {GST_FORMAT_BYTES, -1, 1, 0, NONE, 0, 0, 12, NONE};
  Rig rig;

  begin_bytes (&rig, "30/1", &segment);
  for (guint i = 3; i-- > 0;) {
    g_assert_cmpint (gst_harness_push (rig.harness, rig_buffer_new (&rig, i)), ==, GST_FLOW_OK);
    rig_expect_outputs (&rig, i, 1, 1);
    rig_push_exact_segment (&rig, &segment);
  }
  rig_push_eos (&rig);
  rig_assert_outputs (&rig);
  rig_clear (&rig);
}

/* --- Streams --- */

static const struct {
  const gchar *folder, *framerate;
  guint steps;
  guint64 bytes[5]; /* start, stop, time, base, duration of the input segment */
  guint64 time[5];  /* start, stop, time, base, duration of the output segment */
  guint64 offset;   /* of the first of two input buffers; NONE: without offsets */
  const gchar *log; /* output */
  guint64 first;    /* offset of the first output buffer, in steps */
} bytes_cases[] = {
    {"seed-1x30", "1000000/1", 1, {0, NONE, 0, 0, NONE}, {0, NONE, 0, 0, NONE}, 0,
        "buffer 0+1000, buffer 1000+1000", 0},
    {"seed-1x30", "1000000/1", 1, {0, NONE, 0, 0, NONE}, {0, NONE, 0, 0, NONE}, NONE,
        "buffer 0+1000, buffer 1000+1000", 0},
    {"seed-1x30", "1000000/1", 5, {0, 800, 0, 0, 1600}, {0, 200000, 0, 0, 400000}, 0,
        "buffer 0+5000, buffer 5000+5000", 0},
    {"seed-1x30", "1000000/1", 2, {40, 80, 40, 400, 120}, {10000, 20000, 10000, 100000, 30000},
        40, "buffer 10000+2000, buffer 12000+2000", 10},
    {"seed-1x30", "1000000/1", 2, {40, 80, 40, 400, 120}, {10000, 20000, 10000, 100000, 30000},
        NONE, "buffer 10000+2000, buffer 12000+2000", 10},
    {"long-no-bias", "1000000/1", 2, {24, NONE, 24, 0, 1200}, {2000, NONE, 2000, 0, 100000}, 24,
        "buffer 2000+2000, buffer 4000+2000", 2},
    {"seed-1x30", "30/1", 1, {0, NONE, 0, 0, 12}, {0, NONE, 0, 0, 100000000}, 8,
        "buffer 66666666+33333334, buffer 100000000+33333333", 2},
    {"seed-1x30", "0/1", 2, {40, 80, 40, 400, 120}, {0, NONE, 0, 0, NONE}, 40, "buffer, buffer",
        10},
};

static void
assert_segment (Rig *rig, const guint64 expected[5])
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (rig->lstm, "src");
  g_autoptr (GstEvent) event = gst_pad_get_sticky_event (pad, GST_EVENT_SEGMENT, 0);
  const GstSegment *segment;

  gst_event_parse_segment (event, &segment);
  g_assert_cmpint (segment->format, ==, GST_FORMAT_TIME);
  g_assert_cmpuint (segment->start, ==, expected[0]);
  g_assert_cmpuint (segment->stop, ==, expected[1]);
  g_assert_cmpuint (segment->time, ==, expected[2]);
  g_assert_cmpuint (segment->base, ==, expected[3]);
  g_assert_cmpuint (segment->duration, ==, expected[4]);
}

static void
push_bytes (Rig *rig, guint i, gsize first)
{
  const gsize row = rig->n_streams * rig->x.size * sizeof (gfloat);
  GstBuffer *buffer = rig_buffer_new (rig, first);

  GST_BUFFER_PTS (buffer) = GST_BUFFER_DURATION (buffer) = NONE;
  if (bytes_cases[i].offset != NONE)
    GST_BUFFER_OFFSET (buffer) = bytes_cases[i].offset + first * row;
  g_assert_cmpint (gst_harness_push (rig->harness, buffer), ==, GST_FLOW_OK);
}

static void
check_bytes (guint i)
{
  const guint64 *s = bytes_cases[i].bytes;
  Rig rig;

  g_test_message ("bytes %u", i);
  rig_init (&rig, bytes_cases[i].folder, "");
  rig.n_steps = bytes_cases[i].steps;
  rig.framerate = bytes_cases[i].framerate;
  rig_push_stream_start (&rig);
  g_assert_true (rig_push_caps (&rig));
  rig_push_exact_segment (
      &rig, &(RigSegment){GST_FORMAT_BYTES, 1, 1, s[0], s[1], s[2], s[3], s[0], s[4]});
  assert_segment (&rig, bytes_cases[i].time);
  g_string_truncate (rig.log, 0);
  for (guint k = 0; k < 2; k++) {
    push_bytes (&rig, i, k * rig.n_steps);
    rig_expect_outputs (&rig, k * rig.n_steps, rig.n_steps, rig.n_steps);
  }
  rig_assert_log (&rig, bytes_cases[i].log);
  rig_assert_outputs (&rig);
  for (guint k = 0; k < 2; k++) {
    g_autoptr (GstBuffer) out = gst_harness_try_pull (rig.harness);
    const guint64 first = bytes_cases[i].first + k * rig.n_steps;

    g_assert_cmpuint (GST_BUFFER_OFFSET (out), ==, first);
    g_assert_cmpuint (GST_BUFFER_OFFSET_END (out), ==, first + rig.n_steps);
  }
  rig_clear (&rig);
}

static void
test_streams (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (bytes_cases); i++)
    check_bytes (i);
}

/* Pushes SEGMENT_DONE at byte @bytes. Returns the time of the SEGMENT_DONE that follows. */
static gint64
push_segment_done (Rig *rig, gint64 bytes)
{
  g_autoptr (GstEvent) event = NULL;
  GstFormat format;
  gint64 time;

  rig_push_event (rig, gst_event_new_segment_done (GST_FORMAT_BYTES, bytes));
  while ((event = gst_harness_pull_event (rig->harness))
         && GST_EVENT_TYPE (event) != GST_EVENT_SEGMENT_DONE)
    gst_clear_event (&event);
  gst_event_parse_segment_done (event, &format, &time);
  g_assert_cmpint (format, ==, GST_FORMAT_TIME);
  return time;
}

/* SEGMENT_DONE in bytes becomes SEGMENT_DONE in time. */
static void
test_segment_done (void)
{
  Rig rig;

  rig_init (&rig, "seed-1x30", "");
  rig_push_stream_start (&rig);
  g_assert_true (rig_push_caps (&rig));
  rig_push_exact_segment (&rig, &(RigSegment){GST_FORMAT_BYTES, 1, 1, 0, NONE, 0, 0, 0, NONE});
  g_assert_cmpint (push_segment_done (&rig, 30 * sizeof (gfloat)), ==, GST_SECOND);
  rig_clear (&rig);
}

/* Flexible caps, with which a step has no size in bytes, follow static caps. The steps of buffers
 * and of SEGMENT_DONE continue. */
static void
test_unknown_step_size (void)
{
  const guint32 header[32] = {0xfeedcced, 0xde001000, 7, D, [19] = 1, [20] = 4};
  GstBuffer *buffer;
  g_autoptr (GstBuffer) out = NULL;
  Rig rig;

  begin_bytes (&rig, "30/1", &(RigSegment){GST_FORMAT_BYTES, 1, 1, 0, NONE, 0, 0, 0, NONE});
  buffer = rig_buffer_new (&rig, 0);
  GST_BUFFER_OFFSET (buffer) = 0;
  g_assert_cmpint (gst_harness_push (rig.harness, buffer), ==, GST_FLOW_OK);
  g_assert_true (rig_push_caps_text (&rig, "other/tensors,format=flexible,framerate=30/1"));
  buffer = rig_buffer_new (&rig, 1);
  gst_buffer_prepend_memory (buffer, gst_allocator_alloc (NULL, sizeof header, NULL));
  gst_buffer_fill (buffer, 0, header, sizeof header);
  gst_buffer_replace_all_memory (buffer, gst_buffer_get_all_memory (buffer));
  GST_BUFFER_PTS (buffer) = GST_BUFFER_DURATION (buffer) = NONE;
  GST_BUFFER_OFFSET (buffer) = 1000;
  g_assert_cmpint (gst_harness_push (rig.harness, buffer), ==, GST_FLOW_OK);
  rig_expect_outputs (&rig, 0, 2, 2);
  rig_assert_outputs (&rig);
  gst_buffer_unref (gst_harness_pull (rig.harness));
  out = gst_harness_pull (rig.harness);
  g_assert_cmpuint (GST_BUFFER_OFFSET (out), ==, 1);
  g_assert_cmpuint (GST_BUFFER_PTS (out), ==, 33333333);
  g_assert_cmpint (push_segment_done (&rig, 2000), ==, 66666666);
  rig_clear (&rig);
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm-bytes/seeks", test_seeks},
      {"/lstm-bytes/backwards", test_backwards},
      {"/lstm-bytes/backwards-again", test_backwards_again},
      {"/lstm-bytes/streams", test_streams},
      {"/lstm-bytes/segment-done", test_segment_done},
      {"/lstm-bytes/unknown-step-size", test_unknown_step_size},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
