/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Segments in bytes at the limits of 64-bit numbers, and played backwards. */
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

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm-bytes/seeks", test_seeks},
      {"/lstm-bytes/backwards", test_backwards},
      {"/lstm-bytes/backwards-again", test_backwards_again},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
