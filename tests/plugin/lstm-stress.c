/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * `lstm` while threads do at once what any thread may do, for a number of rounds (LSTM_TEST_ROUNDS);
 * afterwards its numbers are right. */
#include "lstm-rig.h"
#include "testutil.h"
#include <glib/gstdio.h>

static const gchar causal[] = "seed-1x30", whole[] = "./variants/keras-bidirectional-concat";

static const struct {
  const gchar *folder, *properties;
} modes[] = {
    {causal, "output-mode=sequence emit=output+hidden+cell+gates"},
    {causal, "output-mode=final"},
    {causal, "output-mode=window window-length=5 window-hop=2"},
    {whole, "output-mode=sequence"},
    {whole, "output-mode=final"},
    {whole, "output-mode=window window-length=5"},
};

static guint
n_rounds (void)
{
  const gchar *text = g_getenv ("LSTM_TEST_ROUNDS");

  return text ? (guint) g_ascii_strtoull (text, NULL, 10) : 3000;
}

/* --- What threads do to an element, time and again -------------------------------------- */

typedef struct {
  GstElement *lstm;
  guint rounds;
} Target;

static gpointer
emit_signals (gpointer data)
{
  const Target *target = data;
  g_autoptr (GBytes) kept = NULL;

  for (guint i = 0; i < target->rounds; i++) {
    g_autoptr (GBytes) bytes = NULL;
    gboolean ok;

    if (i % 5 == 0)
      g_signal_emit_by_name (target->lstm, "reset");
    g_signal_emit_by_name (target->lstm, "get-state", &bytes);
    if (i % 3 == 0 && bytes) {
      g_clear_pointer (&kept, g_bytes_unref);
      kept = g_bytes_ref (bytes);
    }
    if (kept)
      g_signal_emit_by_name (target->lstm, "set-state", kept, &ok); /* or of other streams */
  }
  return NULL;
}

static gpointer
change_properties (gpointer data)
{
  const Target *target = data;

  for (guint i = 0; i < target->rounds; i++)
    g_object_set (target->lstm, "stateful", i % 2, "reset-on", i % 4, "gap-policy", i / 2 % 2,
        "state-interval", (guint64) (i % 7), NULL);
  return NULL;
}

static gpointer
read_properties (gpointer data)
{
  const Target *target = data;
  guint n;
  g_autofree GParamSpec **specs = g_object_class_list_properties (
      G_OBJECT_GET_CLASS (target->lstm), &n);

  for (guint i = 0; i < target->rounds * 4; i++) {
    GParamSpec *spec = specs[i % n];
    GValue value = G_VALUE_INIT;

    g_value_init (&value, spec->value_type);
    g_object_get_property (G_OBJECT (target->lstm), spec->name, &value);
    g_value_unset (&value);
  }
  return NULL;
}

/* Not for the position: the base class reads its segment without a lock, and GStreamer complains
 * when a flush changes the format meanwhile. */
static gpointer
ask (gpointer data)
{
  const Target *target = data;
  g_autoptr (GstPad) src = gst_element_get_static_pad (target->lstm, "src");
  g_autoptr (GstPad) sink = gst_element_get_static_pad (target->lstm, "sink");

  for (guint i = 0; i < target->rounds; i++) {
    g_autoptr (GstCaps) out = gst_pad_query_caps (src, NULL);
    g_autoptr (GstCaps) in = gst_pad_query_caps (sink, NULL);
    g_autoptr (GstQuery) latency = gst_query_new_latency ();
    gint64 duration;

    g_assert_false (gst_caps_is_empty (out));
    g_assert_false (gst_caps_is_empty (in));
    gst_pad_query_duration (src, GST_FORMAT_TIME, &duration);
    gst_pad_query (src, latency);
  }
  return NULL;
}

static GThreadFunc const others[] = {emit_signals, change_properties, read_properties, ask};

static void
start_others (Target *target, GThread *threads[G_N_ELEMENTS (others)])
{
  for (guint k = 0; k < G_N_ELEMENTS (others); k++)
    threads[k] = g_thread_new (NULL, others[k], target);
}

static void
join_others (GThread *threads[G_N_ELEMENTS (others)])
{
  for (guint k = 0; k < G_N_ELEMENTS (others); k++)
    g_thread_join (threads[k]);
}

/* --- A harness -------------------------------------------------------------------------- */

typedef struct {
  Rig rig;
  GMutex lock; /* held by who pushes, as sources do */
} Stream;

/* Flushes, also while a buffer is on its way. */
static gpointer
flush (gpointer data)
{
  Stream *stream = data;
  Rig *rig = &stream->rig;
  const guint rounds = n_rounds () / 3;

  for (guint i = 0; i < rounds; i++) {
    gst_harness_push_upstream_event (
        rig->harness, gst_event_new_seek (1, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH,
                          GST_SEEK_TYPE_SET, 0, GST_SEEK_TYPE_NONE, -1));
    rig_push_event (rig, gst_event_new_flush_start ());
    g_mutex_lock (&stream->lock);
    rig_push_event (rig, gst_event_new_flush_stop (TRUE));
    rig_push_segment (rig);
    g_mutex_unlock (&stream->lock);
    gst_harness_push_upstream_event (rig->harness, gst_event_new_reconfigure ());
  }
  return NULL;
}

/* A buffer now and then, of changing T and bs, gaps, segments and ends. What a flush, or a restored
 * state of other streams, refuses is refused. */
static void
push_something (Rig *rig, guint i)
{
  GstBuffer *buffer;

  rig->n_steps = 1 + i / 16 % 5;
  rig->n_streams = rig->x.streams > 1 ? 1 + i / 128 % 2 : 1;
  if (i % 64 == 0)
    rig_push_stream_start (rig);
  if (i % 16 == 0)
    rig_push_caps (rig);
  if (i % 32 == 0)
    rig_push_segment (rig);
  buffer = rig_buffer_new (rig, i % (rig->x.length - rig->n_steps));
  if (i % 8 == 2)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  gst_harness_push (rig->harness, buffer);
  if (i % 20 == 0)
    rig_push_event (rig, gst_event_new_gap (0, GST_SECOND / 4));
  if (i % 96 == 95) {
    rig_push_event (rig, gst_event_new_eos ());
    rig_push_stream_start (rig);
    rig_push_segment (rig);
  }
  while (gst_harness_buffers_in_queue (rig->harness))
    gst_buffer_unref (gst_harness_pull (rig->harness));
}

/* Nothing is left of the errors, and a fresh sequence is liblstm's. */
static void
check_fresh (Rig *rig, guint mode)
{
  const gboolean final = strstr (modes[mode].properties, "final") != NULL;
  GstMessage *message;

  while ((message = gst_bus_pop (rig->bus)))
    gst_message_unref (message);
  gst_element_set_state (rig->lstm, GST_STATE_READY);
  g_object_set (rig->lstm, "stateful", FALSE, "reset-on", 0, "gap-policy", 0, "emit", 1, NULL);
  gst_element_set_state (rig->lstm, GST_STATE_PLAYING);
  rig->n_steps = rig->n_streams = 1;
  rig_expect_reset (rig);
  rig_begin_stream (rig);
  g_array_set_size (rig->outputs, 0);
  if (strstr (modes[mode].properties, "window")) {
    rig_push_steps (rig, 0, 5);
    rig_expect_outputs (rig, 0, 5, modes[mode].folder == whole ? 5 : 1);
  } else if (final) {
    rig_push_and_expect_last (rig, 0, 7);
  } else {
    rig_push_steps (rig, 0, 7);
    rig_expect_outputs (rig, 0, 7, 7);
  }
  rig_push_event (rig, gst_event_new_eos ());
  rig_assert_outputs (rig);
}

static void
run_stream (guint mode)
{
  GThread *threads[G_N_ELEMENTS (others)], *flushes;
  Stream stream;
  Target target;

  g_mutex_init (&stream.lock);
  rig_init (&stream.rig, modes[mode].folder, modes[mode].properties);
  rig_begin_stream (&stream.rig);
  target = (Target){stream.rig.lstm, n_rounds ()};
  start_others (&target, threads);
  flushes = g_thread_new (NULL, flush, &stream);
  for (guint i = 0; i < n_rounds () * 4; i++) {
    g_mutex_lock (&stream.lock);
    push_something (&stream.rig, i);
    g_mutex_unlock (&stream.lock);
  }
  g_thread_join (flushes);
  join_others (threads);
  check_fresh (&stream.rig, mode);
  rig_clear (&stream.rig);
  g_mutex_clear (&stream.lock);
}

static void
test_harness (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++) {
    g_test_message ("%s %s", modes[i].folder, modes[i].properties);
    run_stream (i);
  }
}

/* --- Pipelines that change state -------------------------------------------------------- */

static void
cycle_states (GstElement *pipeline, guint rounds)
{
  static const GstState states[] = {GST_STATE_PLAYING, GST_STATE_PAUSED, GST_STATE_PLAYING,
      GST_STATE_READY, GST_STATE_PAUSED, GST_STATE_NULL};

  for (guint i = 0; i < rounds; i++) {
    const GstStateChangeReturn changed = gst_element_set_state (
        pipeline, states[i % G_N_ELEMENTS (states)]);

    g_assert_cmpint (changed, !=, GST_STATE_CHANGE_FAILURE);
    if (i % 4 == 1) {
      gst_element_get_state (pipeline, NULL, NULL, GST_CLOCK_TIME_NONE);
      gst_element_seek_simple (
          pipeline, GST_FORMAT_TIME, i % 8 == 1 ? GST_SEEK_FLAG_FLUSH : GST_SEEK_FLAG_NONE, 0);
    }
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
}

/* Plays from zero to the end, with what is asked for in the beginning. */
static void
play (GstElement *pipeline)
{
  g_autoptr (GstElement) lstm = gst_bin_get_by_name (GST_BIN (pipeline), "lstm");
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = NULL;

  g_object_set (
      lstm, "stateful", FALSE, "reset-on", 0, "gap-policy", 0, "state-location", NULL, NULL);
  gst_element_set_state (pipeline, GST_STATE_READY);
  gst_bus_set_flushing (bus, TRUE);
  gst_bus_set_flushing (bus, FALSE);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_cmpstr (GST_MESSAGE_TYPE_NAME (message), ==, "eos");
  gst_element_set_state (pipeline, GST_STATE_NULL);
}

/* @file: %s stands for the tensor. Returns: (transfer full) */
static GstElement *
pipeline_new (guint mode, const gchar *dir, const gchar *file, const gchar *more)
{
  g_autofree gchar *model = get_vector_path (modes[mode].folder, "model.safetensors");
  g_autofree gchar *x = get_vector_path (modes[mode].folder, "x.npy");
  g_autofree gchar *line = g_strdup_printf ("npysrc location=%s ! queue ! lstm name=lstm "
                                            "model-location=%s %s %s ! queue ! "
                                            "npysink async=false location=%s/%s",
      x, model, modes[mode].properties, more, dir, file);
  g_autoptr (GError) error = NULL;
  GstElement *pipeline = gst_parse_launch (line, &error);

  g_test_message ("%s", line);
  g_assert_no_error (error);
  return pipeline;
}

/* After the states came and went the pipeline writes what an undisturbed one does. */
static void
test_states (void)
{
  gchar *dir = test_dir_new ();
  g_autofree gchar *state = g_strdup_printf ("state-location=%s/state", dir);
  g_autofree gchar *a = g_build_filename (dir, "a-output.npy", NULL);
  g_autofree gchar *b = g_build_filename (dir, "b-output.npy", NULL);
  g_autofree gchar *file = g_build_filename (dir, "state", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++) {
    g_autoptr (GstElement) calm = pipeline_new (i, dir, "a-%s.npy", "");
    g_autoptr (GstElement)
        pipeline = pipeline_new (i, dir, "b-%s.npy", modes[i].folder == causal ? state : "");
    g_autoptr (GstElement) lstm = gst_bin_get_by_name (GST_BIN (pipeline), "lstm");
    GThread *threads[G_N_ELEMENTS (others)];
    Target target = {lstm, n_rounds ()};

    start_others (&target, threads);
    cycle_states (pipeline, n_rounds () / 8);
    join_others (threads);
    play (pipeline);
    play (calm);
    test_assert_same_file (a, b);
    g_unlink (file);
  }
  test_dir_remove (dir);
}

/* --- Many that share -------------------------------------------------------------------- */

static gpointer
start_and_stop (gpointer data)
{
  g_autofree gchar *line = g_strdup_printf ("lstm model-location=%s", (const gchar *) data);
  g_autoptr (GstElement) lstm = gst_object_ref_sink (gst_parse_launch (line, NULL));

  for (guint i = 0; i < n_rounds () / 4; i++) {
    g_assert_cmpint (
        gst_element_set_state (lstm, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_SUCCESS);
    gst_element_set_state (lstm, GST_STATE_READY);
  }
  gst_element_set_state (lstm, GST_STATE_NULL);
  return NULL;
}

/* One model is opened and closed by all of them. */
static void
test_models (void)
{
  g_autofree gchar *path = get_vector_path (causal, "model.safetensors");
  GThread *threads[4];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new (NULL, start_and_stop, path);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/lstm-stress/harness", test_harness);
  g_test_add_func ("/lstm-stress/states", test_states);
  g_test_add_func ("/lstm-stress/models", test_models);
  return g_test_run ();
}
