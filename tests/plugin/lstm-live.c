/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * `lstm` in pipelines that drop buffers, switch streams, loop and wait for a clock. */
#include "lstm-live-rig.h"
#include <math.h>

/* --- Live sources --- */

#define CAMERA                                                                                 \
  "videotestsrc is-live=true pattern=ball num-buffers=20 ! "                                   \
  "video/x-raw,format=GRAY8,width=64,height=48,framerate=100/1 ! lstmfeatures"

static void
init_camera_rig (LiveRig *rig, const gchar *after)
{
  g_autofree gchar *model = test_source_path ("models/motion.safetensors");

  live_rig_init (rig, model, CAMERA, "", after);
}

static GstClockTime
query_latency (GstElement *pipeline)
{
  g_autoptr (GstQuery) query = gst_query_new_latency ();
  GstClockTime min;
  gboolean live;

  gst_element_get_state (
      pipeline, NULL, NULL, GST_CLOCK_TIME_NONE); /* the sink answers after preroll */
  g_assert_true (gst_element_query (pipeline, query));
  gst_query_parse_latency (query, &live, &min, NULL);
  g_assert_true (live);
  return min;
}

static GstClockTime
query_latency_without_lstm (void)
{
  g_autoptr (GstElement) pipeline = parse_pipeline (CAMERA " ! fakesink sync=true");
  GstClockTime latency;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  latency = query_latency (pipeline);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  return latency;
}

static void
test_live (void)
{
  LiveRig rig;

  init_camera_rig (&rig, "fakesink sync=true");
  gst_element_set_state (rig.pipeline, GST_STATE_PLAYING);
  g_assert_cmpuint (query_latency (rig.pipeline), ==, query_latency_without_lstm ());
  live_rig_wait (&rig, 0);
  live_rig_assert_inputs (&rig, "Snd19bE");
  live_rig_assert_outputs (&rig, "");
  g_assert_cmpmem (
      rig.output_times->data, rig.output_times->len * 8, rig.input_times->data, 20 * 8);
  g_assert_cmpuint (live_rig_get_steps (&rig), ==, 20);
  live_rig_clear (&rig);
}

/* The sink finds all frames late, drops them and reports this by QOS events. */
static void
test_late (void)
{
  LiveRig rig;

  init_camera_rig (&rig, "fakesink sync=true qos=true max-lateness=1 ts-offset=-3600000000000");
  live_rig_play (&rig);
  g_assert_cmpuint (rig.n_late, >, 0);
  live_rig_assert_inputs (&rig, "Snd19bE");
  live_rig_assert_outputs (&rig, "");
  g_assert_cmpuint (live_rig_get_steps (&rig), ==, 20);
  live_rig_clear (&rig);
}

/* The source waits for the preroll of the other branch, long before EOS. */
static void
test_preroll (void)
{
  static const struct {
    const gchar *folder, *properties;
  } cases[] = {
      {"seed-1x30", ""},
      {"seed-1x30", "output-mode=final"},
      {"seed-1x30", "output-mode=window window-length=7"},
      {STACK, ""},
      {STACK, "output-mode=final"},
      {STACK, "output-mode=window window-length=7"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    LiveRig rig;

    g_test_message ("%s %s", cases[i].folder, cases[i].properties);
    live_rig_init_vectors (&rig, cases[i].folder,
        "npysrc location=$X ! tee name=t ! queue max-size-buffers=2 ! fakesink "
        "t. ! queue max-size-buffers=2",
        cases[i].properties, "fakesink");
    gst_element_set_state (rig.pipeline, GST_STATE_PAUSED);
    g_assert_cmpint (gst_element_get_state (rig.pipeline, NULL, NULL, GST_CLOCK_TIME_NONE), ==,
        GST_STATE_CHANGE_SUCCESS);
    live_rig_finish (&rig, "Snd59bE", cases[i].properties);
  }
}

/* --- Elements that drop --- */

typedef struct {
  const gchar *mode; /* of the element that drops */
  const gchar *properties;
  const gchar *in; /* input of `lstm`, see live_rig_assert_inputs() */
} DropCase;

/* Closes the valve for steps 10 to 19 and 30 to 34. */
static GstPadProbeReturn
on_valve_input (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  g_autoptr (GstElement) valve = gst_pad_get_parent_element (pad);
  LiveRig *rig = data;
  const guint step = rig->n_sent++;

  g_object_set (valve, "drop", step / 10 == 1 || step / 5 == 6, NULL);
  return GST_PAD_PROBE_OK;
}

static void
test_valve (void)
{
  static const DropCase cases[] = {
      {"drop-all", "", "Snd9b d9b d24b E"},
      {"drop-all", "reset-on=discont", "Snd9b d9b d24b E"},
      {"drop-all", "output-mode=final", "Snd9b d9b d24b E"},
      {"forward-sticky-events", "", "Snd9b d9b d24b E"},
      {"transform-to-gap", "", "Snd9b 10g d9b 5g d24b E"},
      {"transform-to-gap", "gap-policy=hold", "Snd9b 10g d9b 5g d24b E"},
      {"transform-to-gap", "gap-policy=zero-step", "Snd9b 10g d9b 5g d24b E"},
      {"transform-to-gap", "gap-policy=zero-step reset-on=gap", "Snd9b 10g d9b 5g d24b E"},
      {"transform-to-gap", "gap-policy=zero-step output-mode=final", "Snd9b 10g d9b 5g d24b E"},
      {"transform-to-gap", "gap-policy=zero-step output-mode=window window-length=7",
          "Snd9b 10g d9b 5g d24b E"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *before = g_strdup_printf (
        "npysrc location=$X ! valve name=valve drop-mode=%s", cases[i].mode);
    g_autoptr (GstElement) valve = NULL;
    LiveRig rig;

    g_test_message ("%s %s", cases[i].mode, cases[i].properties);
    live_rig_init_vectors (&rig, "seed-1x30", before, cases[i].properties, "fakesink");
    valve = gst_bin_get_by_name (GST_BIN (rig.pipeline), "valve");
    add_pad_probe (valve, "sink", GST_PAD_PROBE_TYPE_BUFFER, on_valve_input, &rig);
    live_rig_finish (&rig, cases[i].in, cases[i].properties);
  }
}

/* Blocks the first buffer in the sink until the source is at EOS. */
static GstPadProbeReturn
on_sink_input (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  LiveRig *rig = data;

  g_mutex_lock (&rig->lock);
  rig->n_seen++;
  g_cond_broadcast (&rig->cond);
  while (!rig->at_eos)
    g_cond_wait (&rig->cond, &rig->lock);
  g_mutex_unlock (&rig->lock);
  return GST_PAD_PROBE_OK;
}

/* Blocks the second buffer in the source until the first one is in the sink. */
static GstPadProbeReturn
on_source_output (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  LiveRig *rig = data;

  g_mutex_lock (&rig->lock);
  if (!GST_IS_BUFFER (info->data))
    rig->at_eos |= GST_EVENT_TYPE (info->data) == GST_EVENT_EOS;
  else if (rig->n_sent++ > 0)
    while (rig->n_seen == 0)
      g_cond_wait (&rig->cond, &rig->lock);
  g_cond_broadcast (&rig->cond);
  g_mutex_unlock (&rig->lock);
  return GST_PAD_PROBE_OK;
}

static void
test_leaky_queue (void)
{
  static const DropCase cases[] = {
      {"downstream", "", "Snd db E"},
      {"downstream", "reset-on=discont", "Snd db E"},
      {"upstream", "", "Snd 2b E"},
      {"upstream", "reset-on=discont", "Snd 2b E"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *before = g_strdup_printf (
        "npysrc name=source location=$X ! queue leaky=%s max-size-buffers=2", cases[i].mode);
    g_autoptr (GstElement) source = NULL;
    g_autoptr (GstElement) sink = NULL;
    LiveRig rig;

    g_test_message ("%s %s", cases[i].mode, cases[i].properties);
    live_rig_init_vectors (
        &rig, "seed-1x30", before, cases[i].properties, "fakesink name=sink async=false");
    source = gst_bin_get_by_name (GST_BIN (rig.pipeline), "source");
    sink = gst_bin_get_by_name (GST_BIN (rig.pipeline), "sink");
    add_pad_probe (source, "src",
        GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_source_output,
        &rig);
    add_pad_probe (sink, "sink", GST_PAD_PROBE_TYPE_BUFFER, on_sink_input, &rig);
    live_rig_finish (&rig, cases[i].in, cases[i].properties);
  }
}

/* --- Consecutive streams --- */

static const gchar *const modes[] = {"", "output-mode=final",
    "output-mode=window window-length=7", "stateful=true", "stateful=true output-mode=final"};

static void
test_concat (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++) {
    LiveRig rig;

    g_test_message ("%s", modes[i]);
    live_rig_init_vectors (&rig, "seed-1x30",
        "npysrc location=$X ! all. npysrc location=$X num-buffers=25 ! all. concat name=all",
        modes[i], "fakesink");
    live_rig_finish (&rig, "Snd59b Snd24b E", modes[i]);
  }
}

/* Returns: (transfer full): a source pad of the test, linked to a request pad of @selector */
static GstPad *
selector_pad_new (LiveRig *rig, GstElement *selector, guint group)
{
  g_autoptr (GstPad) sink = gst_element_request_pad_simple (selector, "sink_%u");
  g_autofree gchar *caps = g_strdup_printf (
      CAPS ("%u:1:1", ",framerate=30/1"), (guint) lstm_model_get_input_size (rig->model));
  g_autoptr (GstCaps) parsed = gst_caps_from_string (caps);
  GstPad *pad = gst_pad_new (NULL, GST_PAD_SRC);
  GstSegment segment;
  GstEvent *start;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_set_active (pad, TRUE);
  g_assert_cmpint (gst_pad_link (pad, sink), ==, GST_PAD_LINK_OK);
  start = gst_event_new_stream_start (GST_PAD_NAME (pad));
  if (group != GST_GROUP_ID_INVALID)
    gst_event_set_group_id (start, group);
  gst_pad_push_event (pad, start);
  gst_pad_push_event (pad, gst_event_new_caps (parsed));
  gst_pad_push_event (pad, gst_event_new_segment (&segment));
  return pad;
}

/* Pushes eight steps to each of both pads. Those of the active pad arrive. */
static void
push_to_pads (LiveRig *rig, GstPad *const pads[2])
{
  const gsize d = lstm_model_get_input_size (rig->model);

  for (guint k = 0; k < 16; k++) {
    gfloat *x = g_new (gfloat, d);
    GstBuffer *buffer = gst_buffer_new_wrapped (x, d * sizeof (gfloat));

    for (gsize i = 0; i < d; i++)
      x[i] = sinf (0.3f * (gfloat) (rig->n_sent + i));
    GST_BUFFER_PTS (buffer) = gst_util_uint64_scale (rig->n_sent++ / 2, GST_SECOND, 30);
    g_assert_cmpint (gst_pad_push (pads[k % 2], buffer), ==, GST_FLOW_OK);
  }
}

static void
activate_selector_pad (GstElement *selector, GstPad *pad)
{
  g_autoptr (GstPad) sink = gst_pad_get_peer (pad);

  g_object_set (selector, "active-pad", sink, NULL);
}

/* After a switch another stream arrives, and therefore another sequence, also if the selector
 * switches back. The selector pushes STREAM_START only if all streams have a group; otherwise the
 * sequence continues. */
static void
check_input_selector (const gchar *properties, guint group, const gchar *in)
{
  g_autoptr (GstElement) selector = NULL;
  g_autoptr (GstPad) sink = NULL;
  GstPad *pads[2];
  LiveRig rig;

  g_test_message ("%s", properties);
  live_rig_init_vectors (&rig, "seed-1x30", "input-selector name=selector sync-streams=false",
      properties, "fakesink async=false");
  selector = gst_bin_get_by_name (GST_BIN (rig.pipeline), "selector");
  gst_element_set_state (rig.pipeline, GST_STATE_PLAYING);
  for (guint i = 0; i < 2; i++)
    pads[i] = selector_pad_new (&rig, selector, group);
  for (guint i = 0; i < 4; i++) {
    activate_selector_pad (selector, pads[i % 2]);
    push_to_pads (&rig, pads);
  }
  sink = gst_element_get_static_pad (rig.lstm, "sink");
  gst_pad_send_event (sink, gst_event_new_eos ());
  live_rig_wait (&rig, 0);
  live_rig_assert_inputs (&rig, in);
  live_rig_assert_outputs (&rig, properties);
  gst_element_set_state (rig.pipeline, GST_STATE_NULL);
  for (guint i = 0; i < 2; i++)
    gst_object_unref (pads[i]);
  live_rig_clear (&rig);
}

static void
test_input_selector (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++) {
    check_input_selector (modes[i], 1, "Sn8b Snd7b Snd7b Snd7b E");
    check_input_selector (modes[i], GST_GROUP_ID_INVALID, "Sn8b sd7b sd7b sd7b E");
  }
}

/* --- Loops --- */

#define ROUNDS 4

static const struct {
  const gchar *folder, *properties;
} loops[] = {
    {"seed-1x30", ""},
    {"seed-1x30", "output-mode=final"},
    {"seed-1x30", "output-mode=window window-length=7"},
    {STACK, ""},
    {STACK, "output-mode=final"},
    {STACK, "output-mode=window window-length=7"},
};

/* Asserts that the outputs of all rounds are the same to the bit. */
static void
assert_rounds (LiveRig *rig)
{
  const guint n = rig->outputs->len / ROUNDS;

  g_assert_cmpuint (n * ROUNDS, ==, rig->outputs->len);
  for (guint i = 1; i < ROUNDS; i++)
    g_assert_cmpmem (&g_array_index (rig->outputs, gfloat, i * n), n * sizeof (gfloat),
        rig->outputs->data, n * sizeof (gfloat));
}

/* Seeks to the beginning with a flush at each EOS, as players do. */
static void
test_flushing_loop (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (loops); i++) {
    LiveRig rig;

    g_test_message ("%s %s", loops[i].folder, loops[i].properties);
    live_rig_init_vectors (
        &rig, loops[i].folder, "npysrc location=$X", loops[i].properties, "fakesink");
    live_rig_play (&rig);
    for (guint k = 1; k < ROUNDS; k++) {
      g_assert_true (
          gst_element_seek_simple (rig.pipeline, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, 0));
      live_rig_wait (&rig, 0);
    }
    live_rig_assert_inputs (&rig, "Snd59bE Fnd59bE Fnd59bE Fnd59bE");
    live_rig_assert_outputs (&rig, loops[i].properties);
    assert_rounds (&rig);
    live_rig_clear (&rig);
  }
}

static void
seek_segment (GstElement *element, GstSeekFlags flags)
{
  g_assert_true (
      gst_element_send_event (element, gst_event_new_seek (1.0, GST_FORMAT_TIME, flags,
                                           GST_SEEK_TYPE_SET, 0, GST_SEEK_TYPE_NONE, 0)));
}

/* Loops without a gap: a segment seek before the start, and another one at the end of each
 * round. */
static void
test_segment_loop (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (loops); i++) {
    g_autoptr (GstElement) source = NULL;
    LiveRig rig;

    g_test_message ("%s %s", loops[i].folder, loops[i].properties);
    live_rig_init_vectors (&rig, loops[i].folder, "npysrc name=source location=$X",
        loops[i].properties, "fakesink");
    source = gst_bin_get_by_name (GST_BIN (rig.pipeline), "source");
    gst_element_set_state (rig.pipeline, GST_STATE_READY);
    seek_segment (source, GST_SEEK_FLAG_SEGMENT);
    gst_element_set_state (rig.pipeline, GST_STATE_PLAYING);
    for (guint k = 1; k < ROUNDS; k++) {
      g_assert_cmpint (
          live_rig_wait (&rig, GST_MESSAGE_SEGMENT_DONE), ==, GST_MESSAGE_SEGMENT_DONE);
      seek_segment (rig.pipeline, k + 1 < ROUNDS ? GST_SEEK_FLAG_SEGMENT : 0);
    }
    live_rig_wait (&rig, 0);
    live_rig_assert_inputs (&rig, "Snd59bD nd59bD nd59bD nd59bE");
    live_rig_assert_outputs (&rig, loops[i].properties);
    assert_rounds (&rig);
    live_rig_clear (&rig);
  }
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm-live/live", test_live},
      {"/lstm-live/late", test_late},
      {"/lstm-live/preroll", test_preroll},
      {"/lstm-live/valve", test_valve},
      {"/lstm-live/leaky-queue", test_leaky_queue},
      {"/lstm-live/concat", test_concat},
      {"/lstm-live/input-selector", test_input_selector},
      {"/lstm-live/flushing-loop", test_flushing_loop},
      {"/lstm-live/segment-loop", test_segment_loop},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
