/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Streams through `lstm`: position and latency, late buffers, loops, flushes, and the order of
 * events. */
#include "lstm-rig.h"

#define NONE GST_CLOCK_TIME_NONE
#define SECOND GST_SECOND

/* --- Queries --- */

/* The position is the stream time after the last step, in every mode. */
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

/* The element adds no latency: a step needs no later steps. */
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

/* Late steps are run, and their outputs are pushed. */
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

/* Plays the segment @n times and appends the structure of each lstm-final to @finals. */
static void
play_loop (GstElement *pipeline, GPtrArray *finals, guint n)
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

/* Each pass of a loop is a sequence. All passes are equal, except for the running time. */
static void
test_loop (void)
{
  g_autofree gchar *model = get_vector_path ("seed-1x30", "model.safetensors");
  g_autofree gchar *x = get_vector_path ("seed-1x30", "x.npy");
  g_autoptr (GstElement) pipeline = parse_pipeline (
      "npysrc location=%s framerate=1000/1 ! lstm model-location=%s output-mode=final ! "
      "fakesink sync=false",
      x, model);
  g_autoptr (GPtrArray)
      finals = g_ptr_array_new_with_free_func ((GDestroyNotify) gst_structure_free);

  play_loop (pipeline, finals, 4);
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

/* A thread that the pad probe blocks until a flush */
typedef struct {
  Rig *rig;
  GMutex lock;
  GCond cond;
  gboolean is_blocked;
  GstFlowReturn flow;
} BlockedPusher;

static GstPadProbeReturn
report_block (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  BlockedPusher *pusher = data;

  g_mutex_lock (&pusher->lock);
  pusher->is_blocked = TRUE;
  g_cond_signal (&pusher->cond);
  g_mutex_unlock (&pusher->lock);
  return GST_PAD_PROBE_OK;
}

static gpointer
push_until_flush (gpointer data)
{
  BlockedPusher *pusher = data;

  for (gsize k = 6; k < 9 && pusher->flow == GST_FLOW_OK; k++)
    pusher->flow = gst_harness_push (pusher->rig->harness, rig_buffer_new (pusher->rig, k));
  rig_push_segment (pusher->rig);
  return NULL;
}

/* A flush ends the block, and a new sequence follows. */
static void
check_flush (const gchar *folder, const gchar *properties)
{
  Rig rig;
  BlockedPusher pusher = {.rig = &rig};
  g_autoptr (GstPad) pad = NULL;
  GThread *thread;
  gulong probe;

  g_test_message ("%s %s", folder, properties);
  rig_init (&rig, folder, properties);
  rig_begin_stream (&rig);
  rig_push_steps (&rig, 0, 6);
  g_mutex_init (&pusher.lock);
  g_cond_init (&pusher.cond);
  pad = gst_element_get_static_pad (rig.lstm, "src");
  probe = gst_pad_add_probe (
      pad, GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_BUFFER, report_block, &pusher, NULL);
  thread = g_thread_new ("push", push_until_flush, &pusher);
  g_mutex_lock (&pusher.lock);
  while (!pusher.is_blocked)
    g_cond_wait (&pusher.cond, &pusher.lock);
  g_mutex_unlock (&pusher.lock);
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
  g_mutex_clear (&pusher.lock);
  g_cond_clear (&pusher.cond);
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

/* A flush ends a gap of very many steps. */
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

/* Serialized events keep their positions between buffers. */
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
