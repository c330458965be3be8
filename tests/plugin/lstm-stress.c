/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * `lstm` while several threads act on it, for a number of rounds (LSTM_TEST_ROUNDS). Afterwards its
 * outputs are correct. */
#include "lstm-rig.h"
#include <glib/gstdio.h>

static const gchar causal[] = "seed-1x30",
                   non_causal[] = "./variants/keras-bidirectional-concat";

static const struct {
  const gchar *folder, *properties;
} modes[] = {
    {causal, "output-mode=sequence emit=output+hidden+cell+gates"},
    {causal, "output-mode=final"},
    {causal, "output-mode=window window-length=5 window-hop=2"},
    {non_causal, "output-mode=sequence"},
    {non_causal, "output-mode=final"},
    {non_causal, "output-mode=window window-length=5"},
};

static guint
get_n_rounds (void)
{
  const gchar *text = g_getenv ("LSTM_TEST_ROUNDS");

  return text ? (guint) g_ascii_strtoull (text, NULL, 10) : 3000;
}

/* --- Threads ---------------------------------------------------------------------------- */

typedef struct {
  GstElement *lstm;
  guint rounds;
} Target;

static gpointer
emit_signals (gpointer data)
{
  const Target *target = data;
  g_autoptr (GBytes) saved = NULL;

  for (guint i = 0; i < target->rounds; i++) {
    g_autoptr (GBytes) bytes = NULL;
    gboolean ok;

    if (i % 5 == 0)
      g_signal_emit_by_name (target->lstm, "reset");
    g_signal_emit_by_name (target->lstm, "get-state", &bytes);
    if (i % 3 == 0 && bytes) {
      g_clear_pointer (&saved, g_bytes_unref);
      saved = g_bytes_ref (bytes);
    }
    if (saved)
      g_signal_emit_by_name (
          target->lstm, "set-state", saved, &ok); /* may be refused: other streams */
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

/* Sends queries, except for the position: the base class reads its segment without a lock, and
 * GStreamer logs a critical if a flush changes the format meanwhile. */
static gpointer
send_queries (gpointer data)
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

static GThreadFunc const others[] = {
    emit_signals, change_properties, read_properties, send_queries};

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
  GMutex lock; /* locked while pushing, as by sources */
} Stream;

/* Flushes, also while a buffer is being pushed. */
static gpointer
flush_stream (gpointer data)
{
  Stream *stream = data;
  Rig *rig = &stream->rig;
  const guint rounds = get_n_rounds () / 3;

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

/* Pushes a buffer with changing T and bs, and sometimes gaps, segments and EOS. A buffer may be
 * refused: during a flush, or if a restored state has other streams. */
static void
push_item (Rig *rig, guint i)
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

/* Earlier errors do not affect a new sequence: its outputs are those of liblstm. */
static void
check_new_sequence (Rig *rig, guint mode)
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
    rig_expect_outputs (rig, 0, 5, modes[mode].folder == non_causal ? 5 : 1);
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
  target = (Target){stream.rig.lstm, get_n_rounds ()};
  start_others (&target, threads);
  flushes = g_thread_new (NULL, flush_stream, &stream);
  for (guint i = 0; i < get_n_rounds () * 4; i++) {
    g_mutex_lock (&stream.lock);
    push_item (&stream.rig, i);
    g_mutex_unlock (&stream.lock);
  }
  g_thread_join (flushes);
  join_others (threads);
  check_new_sequence (&stream.rig, mode);
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

/* Plays from the beginning to the end, with the initial properties. */
static void
play_pipeline (GstElement *pipeline)
{
  g_autoptr (GstElement) lstm = gst_bin_get_by_name (GST_BIN (pipeline), "lstm");

  g_object_set (
      lstm, "stateful", FALSE, "reset-on", 0, "gap-policy", 0, "state-location", NULL, NULL);
  gst_element_set_state (pipeline, GST_STATE_READY);
  discard_messages (pipeline);
  play_to_eos (pipeline);
}

/* @file: %s is replaced by the name of the tensor. Returns: (transfer full) */
static GstElement *
pipeline_new (guint mode, const gchar *dir, const gchar *file, const gchar *more)
{
  g_autofree gchar *model = get_vector_path (modes[mode].folder, "model.safetensors");
  g_autofree gchar *x = get_vector_path (modes[mode].folder, "x.npy");
  g_autofree gchar *line = g_strdup_printf ("npysrc location=%s ! queue ! lstm name=lstm "
                                            "model-location=%s %s %s ! queue ! "
                                            "npysink async=false location=%s/%s",
      x, model, modes[mode].properties, more, dir, file);

  g_test_message ("%s", line);
  return parse_pipeline ("%s", line);
}

/* After the state changes the pipeline writes the same file as an undisturbed one. */
static void
test_states (void)
{
  gchar *dir = test_dir_new ();
  g_autofree gchar *state = g_strdup_printf ("state-location=%s/state", dir);
  g_autofree gchar *a = g_build_filename (dir, "a-output.npy", NULL);
  g_autofree gchar *b = g_build_filename (dir, "b-output.npy", NULL);
  g_autofree gchar *file = g_build_filename (dir, "state", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++) {
    g_autoptr (GstElement) undisturbed = pipeline_new (i, dir, "a-%s.npy", "");
    g_autoptr (GstElement)
        pipeline = pipeline_new (i, dir, "b-%s.npy", modes[i].folder == causal ? state : "");
    g_autoptr (GstElement) lstm = gst_bin_get_by_name (GST_BIN (pipeline), "lstm");
    GThread *threads[G_N_ELEMENTS (others)];
    Target target = {lstm, get_n_rounds ()};

    start_others (&target, threads);
    cycle_states (pipeline, get_n_rounds () / 8);
    join_others (threads);
    play_pipeline (pipeline);
    play_pipeline (undisturbed);
    test_assert_same_file (a, b);
    g_unlink (file);
  }
  test_dir_remove (dir);
}

/* --- A shared model -------------------------------------------------------------------- */

static gpointer
start_and_stop (gpointer data)
{
  g_autoptr (GstElement) lstm = parse_pipeline ("lstm model-location=%s", (const gchar *) data);

  for (guint i = 0; i < get_n_rounds () / 4; i++) {
    g_assert_cmpint (
        gst_element_set_state (lstm, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_SUCCESS);
    gst_element_set_state (lstm, GST_STATE_READY);
  }
  gst_element_set_state (lstm, GST_STATE_NULL);
  return NULL;
}

/* Several elements open and close one model at once. */
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
  static const TestRow tests[] = {
      {"/lstm-stress/harness", test_harness},
      {"/lstm-stress/states", test_states},
      {"/lstm-stress/models", test_models},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
