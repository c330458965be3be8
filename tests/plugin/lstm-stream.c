/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Streams through `lstm`: of bytes, late, in a loop, flushed; the order of events, and queries. */
#include "lstm-rig.h"

#define NONE GST_CLOCK_TIME_NONE
#define SECOND GST_SECOND

/* --- Bytes --- */

static const struct {
  const gchar *folder, *framerate;
  guint steps;
  guint64 bytes[5]; /* start, stop, time, base, duration of the segment that comes */
  guint64 time[5];  /* and of the one that leaves */
  guint64 offset;   /* of the first of two buffers that come, NONE if they have none */
  const gchar *log; /* of them, at offsets */
  guint64 first;    /* step, as the offset that leaves */
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
test_bytes (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (bytes_cases); i++)
    check_bytes (i);
}

/* The end of a segment is told in the segment's format. */
static void
test_bytes_done (void)
{
  g_autoptr (GstEvent) event = NULL;
  GstFormat format;
  gint64 position;
  Rig rig;

  rig_init (&rig, "seed-1x30", "");
  rig_push_stream_start (&rig);
  g_assert_true (rig_push_caps (&rig));
  rig_push_exact_segment (&rig, &(RigSegment){GST_FORMAT_BYTES, 1, 1, 0, NONE, 0, 0, 0, NONE});
  rig_push_event (&rig, gst_event_new_segment_done (GST_FORMAT_BYTES, 30 * sizeof (gfloat)));
  while ((event = gst_harness_pull_event (rig.harness))
         && GST_EVENT_TYPE (event) != GST_EVENT_SEGMENT_DONE)
    gst_clear_event (&event);
  gst_event_parse_segment_done (event, &format, &position);
  g_assert_cmpint (format, ==, GST_FORMAT_TIME);
  g_assert_cmpint (position, ==, GST_SECOND);
  rig_clear (&rig);
}

/* A file of bare numbers through filesrc is what npysrc makes of the array. */
static void
test_filesrc (void)
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
  g_autofree gchar *got = g_build_filename (dir, "got", NULL);
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
            cases[i].properties, got)
        || !test_launch (&error,
            "npysrc location=%s steps-per-buffer=%u ! lstm model-location=%s %s ! "
            "npysink location=%s",
            x_path, cases[i].steps, model, cases[i].properties, expected))
      g_error ("%s", error);
    test_assert_same_file (got, expected);
  }
  g_free (x.items);
  test_dir_remove (dir);
}

/* --- Queries --- */

/* Of @raw, with ten steps in a buffer. Returns: (transfer full) */
static GstElement *
filesrc_pipeline (const gchar *raw, guint framerate)
{
  g_autofree gchar *model = get_vector_path ("long-no-bias", "model.safetensors");
  g_autofree gchar *line = g_strdup_printf (
      "filesrc location=%s blocksize=120 ! other/tensors,format=static,num_tensors=1,"
      "types=float32,dimensions=(string)3:10,framerate=%u/1 ! "
      "lstm model-location=%s ! fakesink name=sink",
      raw, framerate, model);
  g_autoptr (GError) error = NULL;
  GstElement *pipeline = gst_parse_launch (line, &error);

  g_assert_no_error (error);
  return pipeline;
}

static void
test_filesrc_queries (void)
{
  static const struct {
    guint framerate;
    gint64 duration; /* of 1000 steps; -1: none */
  } cases[] = {{1000, 1000 * GST_MSECOND}, {0, -1}};
  gchar *dir = test_dir_new ();
  g_autofree gchar *raw = g_build_filename (dir, "x", NULL);
  gfloat zeros[3000] = {0};

  g_assert_true (g_file_set_contents (raw, (gchar *) zeros, sizeof zeros, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GstElement) pipeline = filesrc_pipeline (raw, cases[i].framerate);
    gint64 value = -1;

    gst_element_set_state (pipeline, GST_STATE_PAUSED);
    gst_element_get_state (pipeline, NULL, NULL, NONE);
    g_assert_true (gst_element_query_duration (pipeline, GST_FORMAT_TIME, &value)
                   == (cases[i].duration != -1));
    if (cases[i].duration != -1)
      g_assert_cmpint (value, ==, cases[i].duration);
    g_assert_true (gst_element_query_duration (pipeline, GST_FORMAT_BYTES, &value));
    g_assert_cmpint (value, ==, sizeof zeros);
    gst_element_set_state (pipeline, GST_STATE_NULL);
  }
  test_dir_remove (dir);
}

/* A millisecond of 1000 steps a second, and a step of 30 */
#define MS(n) ((n) * (gint64) GST_MSECOND)
#define STEP(n) ((n) * (gint64) GST_SECOND / 30)

static const struct {
  guint framerate;
  GstSeekType type; /* of start */
  gint64 start, stop;
  gint64 first; /* step that leaves first, -1: it cannot be sought; */
  gint64 steps; /* that leave */
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

/* What left since the last flush */
typedef struct {
  GstClockTime pts; /* of the first buffer */
  gint64 first, steps;
} Left;

static GstPadProbeReturn
on_left (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
  Left *left = data;

  if (!(GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_BUFFER)) {
    if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_FLUSH_STOP)
      left->steps = 0;
    return GST_PAD_PROBE_OK;
  }
  if (left->steps == 0) {
    left->pts = GST_BUFFER_PTS (buffer);
    left->first = (gint64) GST_BUFFER_OFFSET (buffer);
  }
  left->steps += (gint64) (GST_BUFFER_OFFSET_END (buffer) - GST_BUFFER_OFFSET (buffer));
  return GST_PAD_PROBE_OK;
}

static void
check_seek (guint i, GstElement *pipeline)
{
  const gboolean can = seeks[i].first >= 0;
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (sink, "sink");
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstQuery) query = gst_query_new_seeking (GST_FORMAT_TIME);
  g_autoptr (GstMessage) message = NULL;
  gboolean seekable = FALSE;
  Left left = {0};

  gst_pad_add_probe (pad,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM
          | GST_PAD_PROBE_TYPE_EVENT_FLUSH,
      on_left, &left, NULL);
  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  gst_element_get_state (pipeline, NULL, NULL, NONE);
  if (gst_element_query (sink, query))
    gst_query_parse_seeking (query, NULL, &seekable, NULL, NULL);
  g_assert_true (seekable == can);
  g_assert_true (
      gst_element_seek (pipeline, 1, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, seeks[i].type,
          seeks[i].start, seeks[i].stop == -1 ? GST_SEEK_TYPE_NONE : GST_SEEK_TYPE_SET,
          seeks[i].stop)
      == can);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (bus, NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_EOS);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  if (can) {
    g_assert_cmpuint (left.pts, ==, (guint64) seeks[i].first * GST_SECOND / seeks[i].framerate);
    g_assert_cmpint (left.first, ==, seeks[i].first);
  }
  g_assert_cmpint (left.steps, ==, seeks[i].steps);
}

/* One seeks in time, and the source in bytes: to the beginning of the buffer that has the step. */
static void
test_filesrc_seeks (void)
{
  gchar *dir = test_dir_new ();
  g_autofree gchar *raw = g_build_filename (dir, "x", NULL);
  gfloat zeros[3000] = {0};

  g_assert_true (g_file_set_contents (raw, (gchar *) zeros, sizeof zeros, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (seeks); i++) {
    g_autoptr (GstElement) pipeline = filesrc_pipeline (raw, seeks[i].framerate);

    g_test_message ("seek %u", i);
    check_seek (i, pipeline);
  }
  test_dir_remove (dir);
}

/* The stream time behind the last step, in every mode. */
static void
test_position (void)
{
  static const struct {
    const gchar *folder, *properties;
  } cases[] = {
      {"seed-1x30", ""},
      {"seed-1x30", "output-mode=final"},
      {"seed-1x30", "output-mode=window window-length=2"},
      {"seed-1x30", "output-mode=window window-length=20"},
      {"variants/torch-bidirectional-stacked", ""},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    for (gint bytes = FALSE; bytes <= TRUE; bytes++) {
      const gsize row = 4 * (g_str_has_prefix (cases[i].folder, "seed") ? 1 : 4);
      gint64 position = -1;
      Rig rig;

      g_test_message ("case %u, bytes %d", i, bytes);
      rig_init (&rig, cases[i].folder, cases[i].properties);
      rig.framerate = "1000000/1";
      rig_push_stream_start (&rig);
      g_assert_true (rig_push_caps (&rig));
      rig_push_exact_segment (
          &rig, bytes ? &(RigSegment){GST_FORMAT_BYTES, 1, 1, 0, NONE, 50 * row, 0, 0, NONE}
                      : &(RigSegment){GST_FORMAT_TIME, 1, 1, 0, NONE, 50000, 0, 0, NONE});
      for (gsize k = 0; k < 4; k++) {
        GstBuffer *buffer = rig_buffer_new (&rig, k);

        if (bytes) {
          GST_BUFFER_PTS (buffer) = GST_BUFFER_DURATION (buffer) = NONE;
          GST_BUFFER_OFFSET (buffer) = k * row;
        }
        g_assert_cmpint (gst_harness_push (rig.harness, buffer), ==, GST_FLOW_OK);
      }
      g_assert_true (gst_element_query_position (rig.lstm, GST_FORMAT_TIME, &position));
      g_assert_cmpint (position, ==, 54000);
      rig_clear (&rig);
    }
}

/* A step needs none to come. */
static void
test_latency (void)
{
  Rig rig;

  rig_init (&rig, "seed-1x30", "");
  gst_harness_set_upstream_latency (rig.harness, 7 * GST_MSECOND);
  rig_begin_stream (&rig);
  g_assert_cmpuint (gst_harness_query_latency (rig.harness), ==, 7 * GST_MSECOND);
  rig_clear (&rig);
}

/* --- Quality of service --- */

/* However late they are, steps count, and their outputs leave. */
static void
test_qos (void)
{
  static const gchar *const modes[] = {"", "output-mode=final"};

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++) {
    Rig rig;

    rig_init (&rig, "seed-1x30", modes[i]);
    rig_begin_stream (&rig);
    for (gsize k = 0; k < 10; k++) {
      gst_harness_push_upstream_event (
          rig.harness, gst_event_new_qos (GST_QOS_TYPE_UNDERFLOW, 5.0, SECOND, k * 1000));
      rig_push_steps (&rig, k, 1);
      rig_expect_outputs (&rig, k, 1, i == 0 || k == 9);
    }
    rig_push_eos (&rig);
    rig_assert_outputs (&rig);
    rig_clear (&rig);
  }
}

/* --- Seeks and flushes --- */

/* Plays @n times, segment after segment, and notes each one's lstm-final. */
static void
run_loop (GstElement *pipeline, GPtrArray *finals, guint n)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);

  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  gst_element_get_state (pipeline, NULL, NULL, NONE);
  g_assert_true (gst_element_seek_simple (
      pipeline, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH | (n > 1 ? GST_SEEK_FLAG_SEGMENT : 0), 0));
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  for (;;) {
    g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (bus, NONE,
        GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_SEGMENT_DONE | GST_MESSAGE_ELEMENT);

    g_assert_cmpstr (GST_MESSAGE_TYPE_NAME (message), !=, "error");
    if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS)
      break;
    if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ELEMENT)
      g_ptr_array_add (finals, gst_structure_copy (gst_message_get_structure (message)));
    else
      g_assert_true (gst_element_seek_simple (
          pipeline, GST_FORMAT_TIME, --n > 1 ? GST_SEEK_FLAG_SEGMENT : 0, 0));
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
}

/* Each pass of a loop is one sequence, and like the others but for its running time. */
static void
test_loop (void)
{
  g_autofree gchar *model = get_vector_path ("seed-1x30", "model.safetensors");
  g_autofree gchar *x = get_vector_path ("seed-1x30", "x.npy");
  g_autofree gchar *line = g_strdup_printf (
      "npysrc location=%s framerate=1000/1 ! lstm model-location=%s output-mode=final ! "
      "fakesink sync=false",
      x, model);
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (line, &error);
  g_autoptr (GPtrArray)
      finals = g_ptr_array_new_with_free_func ((GDestroyNotify) gst_structure_free);

  g_assert_no_error (error);
  run_loop (pipeline, finals, 4);
  g_assert_cmpuint (finals->len, ==, 4);
  for (guint i = 0; i < 4; i++) {
    const GstStructure *s = finals->pdata[i], *first = finals->pdata[0];
    guint64 stream, running, steps;

    g_assert_true (gst_structure_get (s, "stream-time", G_TYPE_UINT64, &stream, "running-time",
        G_TYPE_UINT64, &running, "steps", G_TYPE_UINT64, &steps, NULL));
    g_assert_cmpuint (steps, ==, 60);
    g_assert_cmpuint (stream, ==, 59 * GST_MSECOND);
    g_assert_cmpuint (running, ==, (59 + 60 * i) * GST_MSECOND);
    g_assert_cmpint (gst_value_compare (gst_structure_get_value (s, "output"),
                         gst_structure_get_value (first, "output")),
        ==, GST_VALUE_EQUAL);
  }
}

/* A thread that is inside of the element, until a flush */
typedef struct {
  Rig *rig;
  GMutex lock;
  GCond cond;
  gboolean inside;
  GstFlowReturn flow;
} Blocked;

static GstPadProbeReturn
on_blocked (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Blocked *blocked = data;

  g_mutex_lock (&blocked->lock);
  blocked->inside = TRUE;
  g_cond_signal (&blocked->cond);
  g_mutex_unlock (&blocked->lock);
  return GST_PAD_PROBE_OK;
}

static gpointer
push_until_flush (gpointer data)
{
  Blocked *blocked = data;

  for (gsize k = 6; k < 9 && blocked->flow == GST_FLOW_OK; k++)
    blocked->flow = gst_harness_push (blocked->rig->harness, rig_buffer_new (blocked->rig, k));
  rig_push_segment (blocked->rig);
  return NULL;
}

/* It is woken, and what follows the flush begins anew. */
static void
check_flush (const gchar *folder, const gchar *properties)
{
  Rig rig;
  Blocked blocked = {.rig = &rig};
  g_autoptr (GstPad) pad = NULL;
  GThread *thread;
  gulong probe;

  g_test_message ("%s %s", folder, properties);
  rig_init (&rig, folder, properties);
  rig_begin_stream (&rig);
  rig_push_steps (&rig, 0, 6);
  g_mutex_init (&blocked.lock);
  g_cond_init (&blocked.cond);
  pad = gst_element_get_static_pad (rig.lstm, "src");
  probe = gst_pad_add_probe (
      pad, GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_BUFFER, on_blocked, &blocked, NULL);
  thread = g_thread_new ("push", push_until_flush, &blocked);
  g_mutex_lock (&blocked.lock);
  while (!blocked.inside)
    g_cond_wait (&blocked.cond, &blocked.lock);
  g_mutex_unlock (&blocked.lock);
  rig_push_event (&rig, gst_event_new_flush_start ());
  g_thread_join (thread);
  gst_pad_remove_probe (pad, probe);
  rig_push_event (&rig, gst_event_new_flush_stop (TRUE));
  g_array_set_size (rig.outputs, 0);
  rig_push_segment (&rig);
  rig_push_steps (&rig, 0, 5);
  rig_push_eos (&rig);
  rig_expect_reset (&rig);
  rig_expect_outputs (&rig, 0, 5, strstr (properties, "final") ? 1 : 5);
  rig_assert_outputs (&rig);
  g_mutex_clear (&blocked.lock);
  g_cond_clear (&blocked.cond);
  rig_clear (&rig);
}

static void
test_flush (void)
{
  check_flush ("seed-1x30", "stateful=true");
  check_flush ("seed-1x30", "output-mode=final stateful=true");
  check_flush ("variants/torch-bidirectional-stacked", "output-mode=final");
  check_flush ("variants/torch-bidirectional-stacked", "stateful=true");
}

static gpointer
push_long_gap (gpointer rig)
{
  rig_push_event (rig, gst_event_new_gap (0, 1000 * 3600 * SECOND));
  return NULL;
}

/* A gap of more steps than anybody waits for ends with a flush. */
static void
test_flush_gap (void)
{
  GThread *thread;
  Rig rig;

  rig_init (&rig, "seed-1x30", "gap-policy=zero-step");
  rig.framerate = "1000000/1";
  rig_begin_stream (&rig);
  thread = g_thread_new ("gap", push_long_gap, &rig);
  while (rig_get_steps (&rig) == 0)
    g_thread_yield ();
  rig_push_event (&rig, gst_event_new_flush_start ());
  g_thread_join (thread);
  rig_push_event (&rig, gst_event_new_flush_stop (TRUE));
  rig_push_segment (&rig);
  rig_push_and_expect (&rig, 0, 5);
  rig_assert_outputs (&rig);
  rig_clear (&rig);
}

/* --- Other events --- */

/* All that is serialised stays where it was between buffers. */
static void
test_order (void)
{
  static const struct {
    const gchar *properties, *log;
  } cases[] = {
      {"", "buffer 0+1000, tag, custom-downstream, buffer 1000+1000, custom-downstream-sticky, "
           "gap 2000+1, buffer 2000+1000, tag, eos"},
      {"output-mode=final",
          "gap 0+1000, tag, custom-downstream, gap 1000+1000, custom-downstream-sticky, "
          "gap 2000+1, gap 2000+1000, tag, buffer 2000+33333333, eos"},
      {"output-mode=window window-length=2",
          "gap 0+1000, tag, custom-downstream, buffer 1000+33333333, custom-downstream-sticky, "
          "gap 2000+1, buffer 2000+33333333, tag, eos"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    Rig rig;

    rig_init (&rig, "seed-1x30", cases[i].properties);
    rig_begin_stream (&rig);
    rig_push_steps (&rig, 0, 1);
    rig_push_event (&rig, gst_event_new_tag (gst_tag_list_new (GST_TAG_TITLE, "a", NULL)));
    rig_push_event (&rig,
        gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new_empty ("a")));
    rig_push_steps (&rig, 1, 1);
    rig_push_event (&rig, gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM_STICKY,
                              gst_structure_new_empty ("a")));
    rig_push_event (&rig, gst_event_new_gap (2000, 1));
    rig_push_steps (&rig, 2, 1);
    rig_push_event (&rig, gst_event_new_tag (gst_tag_list_new (GST_TAG_TITLE, "b", NULL)));
    rig_push_eos (&rig);
    rig_assert_log (&rig, cases[i].log);
    rig_clear (&rig);
  }
}

static void
test_eos (void)
{
  static const struct {
    const gchar *folder, *properties, *log; /* of two steps and an EOS */
  } cases[] = {
      {"seed-1x30", "", "buffer 0+1000, buffer 1000+1000, eos"},
      {"seed-1x30", "output-mode=final",
          "gap 0+1000, gap 1000+1000, buffer 1000+33333333, eos"},
      {"seed-1x30", "output-mode=window window-length=3", "gap 0+1000, gap 1000+1000, eos"},
      {"variants/torch-bidirectional-stacked", "",
          "gap 0+1000, gap 1000+1000, buffer 0+1000, buffer 1000+1000, eos"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    for (guint n = 0; n <= 2; n += 2) {
      Rig rig;

      rig_init (&rig, cases[i].folder, cases[i].properties);
      rig_begin_stream (&rig);
      rig_push_steps (&rig, 0, n);
      rig_push_eos (&rig);
      rig_assert_log (&rig, n ? cases[i].log : "eos");
      g_assert_false (rig_push_event (&rig, gst_event_new_eos ()));
      g_assert_cmpint (
          gst_harness_push (rig.harness, rig_buffer_new (&rig, 0)), ==, GST_FLOW_EOS);
      rig_assert_log (&rig, "");
      rig_clear (&rig);
    }
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm-stream/bytes", test_bytes},
      {"/lstm-stream/bytes-done", test_bytes_done},
      {"/lstm-stream/filesrc", test_filesrc},
      {"/lstm-stream/filesrc-queries", test_filesrc_queries},
      {"/lstm-stream/filesrc-seeks", test_filesrc_seeks},
      {"/lstm-stream/position", test_position},
      {"/lstm-stream/latency", test_latency},
      {"/lstm-stream/qos", test_qos},
      {"/lstm-stream/loop", test_loop},
      {"/lstm-stream/flush", test_flush},
      {"/lstm-stream/flush-gap", test_flush_gap},
      {"/lstm-stream/order", test_order},
      {"/lstm-stream/eos", test_eos},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
