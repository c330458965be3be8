/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The caps of batches: the caps of the streams in the caps of the pads, and in the events of the
 * streams. */
#include "batch-rig.h"

#define TENSOR(id, dims)                                                                       \
  id "=(/uniquelist){(caps)\"tensor/strided,tensor-id=" id ",dims=(int)" dims                  \
     ",dims-order=row-major,type=float32\"}"
#define VIDEO_WITH(tensors) VIDEO ",tensors=(structure)[tensorgroups," tensors "]"

/* Returns: (transfer full): caps of a batch of streams with the @n caps @streams */
static GstCaps *
make_batch_caps (const gchar *const *streams, guint n)
{
  GstCaps *caps = gst_caps_from_string (BATCH_CAPS);
  GValue array = G_VALUE_INIT;

  g_value_init (&array, GST_TYPE_ARRAY);
  for (guint i = 0; i < n; i++) {
    GValue value = G_VALUE_INIT;

    g_value_init (&value, GST_TYPE_CAPS);
    g_value_take_boxed (&value, gst_caps_from_string (streams[i]));
    gst_value_array_append_and_take_value (&array, &value);
  }
  gst_structure_take_value (gst_caps_get_structure (caps, 0), "streams", &array);
  return caps;
}

/* Asserts that @caps equal the caps @expected. */
static void
assert_caps (const GstCaps *caps, const gchar *expected)
{
  g_autoptr (GstCaps) expected_caps = gst_caps_from_string (expected);
  g_autofree gchar *text = gst_caps_to_string (caps);

  g_assert_nonnull (expected_caps);
  if (!gst_caps_is_equal (caps, expected_caps))
    g_error ("expected %s, found %s", expected, text);
}

/* Asserts that the streams of @caps have the @n caps @expected. */
static void
assert_streams (const GstCaps *caps, const gchar *const *expected, guint n)
{
  const GValue *streams = gst_structure_get_value (gst_caps_get_structure (caps, 0), "streams");

  g_assert_nonnull (streams);
  g_assert_cmpuint (gst_value_array_get_size (streams), ==, n);
  for (guint i = 0; i < n; i++)
    assert_caps (gst_value_get_caps (gst_value_array_get_value (streams, i)), expected[i]);
}

#define N_STREAMS 2

/* The source caps add the output to each stream, with the steps of its input. */
static void
test_source_caps (void)
{
  static const struct {
    const gchar *properties;
    const gchar *in[N_STREAMS], *out[N_STREAMS];
  } cases[] = {
      {"", {VIDEO, VIDEO},
          {VIDEO_WITH (TENSOR ("lstm-output", "<1,16>")),
              VIDEO_WITH (TENSOR ("lstm-output", "<1,16>"))}},
      {"", {VIDEO_WITH (TENSOR ("a", "<4,3>")), "application/x-other"},
          {VIDEO_WITH (TENSOR ("a", "<4,3>") "," TENSOR ("lstm-output", "<4,16>")),
              "application/x-other"}},
      {"output-mode=window output-tensor-id=y", {VIDEO_WITH (TENSOR ("a", "<4,3>")), VIDEO},
          {VIDEO_WITH (TENSOR ("a", "<4,3>") "," TENSOR ("y", "<1,16>")),
              VIDEO_WITH (TENSOR ("y", "<1,16>"))}},
      {"output-mode=final", {VIDEO, VIDEO}, {VIDEO, VIDEO}},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GstCaps) in = make_batch_caps (cases[i].in, N_STREAMS);
    g_autoptr (GstCaps) out = NULL;
    Rig rig;

    g_test_message ("row %u", i);
    rig_init (&rig, FOLDER, cases[i].properties);
    rig_push_stream_start (&rig);
    rig_push_event (&rig, gst_event_new_caps (in));
    out = rig_get_src_caps (&rig);
    g_assert_nonnull (out);
    assert_streams (out, cases[i].out, N_STREAMS);
    rig_clear (&rig);
  }
}

/* The sink caps do not require the output from upstream. */
static void
test_sink_caps (void)
{
  static const gchar *const downstream[] = {
      VIDEO_WITH (TENSOR ("a", "<4,3>") "," TENSOR ("lstm-output", "<1,16>")),
      VIDEO_WITH (TENSOR ("lstm-output", "<1,16>"))};
  static const gchar *const upstream[] = {VIDEO_WITH (TENSOR ("a", "<4,3>")), VIDEO};

  for (guint has_id = 0; has_id < 2; has_id++) {
    g_autoptr (GstCaps) filter = make_batch_caps (downstream, N_STREAMS);
    g_autoptr (GstCaps) caps = NULL;
    Rig rig;

    rig_init (&rig, FOLDER, has_id ? "input-tensor-id=a" : "");
    gst_harness_set_sink_caps (rig.harness, gst_caps_ref (filter));
    caps = gst_pad_peer_query_caps (rig.harness->srcpad, NULL);
    g_assert_cmpuint (gst_caps_get_size (caps), ==, 1);
    assert_streams (caps, upstream, N_STREAMS);
    rig_clear (&rig);
  }
}

/* Downstream that accepts no batch is no reason to output other/tensors. */
static void
test_no_tensors (void)
{
  g_autoptr (GstCaps) caps = NULL;
  Rig rig;

  rig_init (&rig, FOLDER, "");
  gst_harness_set_sink_caps_str (rig.harness, "other/tensors,format=static");
  rig_push_stream_start (&rig);
  g_assert_false (rig_push_caps_text (&rig, BATCH_CAPS));
  rig_clear (&rig);
}

static void
test_id_conflict (void)
{
  static const gchar *const in[] = {VIDEO, VIDEO_WITH (TENSOR ("lstm-output", "<4,3>"))};
  g_autoptr (GstCaps) caps = make_batch_caps (in, N_STREAMS);
  Rig rig;

  rig_init (&rig, FOLDER, "");
  rig_push_stream_start (&rig);
  rig_push_event (&rig, gst_event_new_caps (caps));
  rig_push_first_segment (&rig);
  g_assert_cmpint (
      gst_harness_push (rig.harness, batch_new (N_STREAMS)), ==, GST_FLOW_NOT_NEGOTIATED);
  assert_error_posted (
      rig.bus, "stream 1: caps field tensors: expected no tensor lstm-output, *");
  rig_clear (&rig);
}

/* --- Events of streams --- */

static GstEvent *
caps_event_new (const gchar *text)
{
  g_autoptr (GstCaps) caps = gst_caps_from_string (text);

  return gst_event_new_caps (caps);
}

/* Asserts that @object is a CAPS event of @expected. */
static void
assert_caps_event (gpointer object, const gchar *expected)
{
  GstCaps *caps;

  g_assert_true (GST_IS_EVENT (object));
  g_assert_cmpint (GST_EVENT_TYPE (object), ==, GST_EVENT_CAPS);
  gst_event_parse_caps (GST_EVENT (object), &caps);
  assert_caps (caps, expected);
}

/* The CAPS events of a stream have the output. Another CAPS event precedes a buffer whose output
 * has other steps. */
static void
test_caps_events (void)
{
  static const struct {
    guint steps;
    const gchar *sticky;   /* tensors in the sticky event */
    const gchar *inserted; /* nullable: tensors in an event before the buffer */
  } batches[] = {
      {1, VIDEO_WITH (TENSOR ("lstm-output", "<1,16>")), NULL},
      {2, VIDEO_WITH (TENSOR ("lstm-output", "<1,16>")),
          VIDEO_WITH (TENSOR ("lstm-output", "<2,16>"))},
      {2, VIDEO_WITH (TENSOR ("lstm-output", "<2,16>")), NULL},
      {1, VIDEO_WITH (TENSOR ("lstm-output", "<2,16>")),
          VIDEO_WITH (TENSOR ("lstm-output", "<1,16>"))},
  };
  g_autoptr (GstEvent) caps = caps_event_new (VIDEO);
  Rig rig;

  rig_init (&rig, FOLDER, "");
  rig_begin_stream_with_caps (&rig, BATCH_CAPS);
  for (guint i = 0; i < G_N_ELEMENTS (batches); i++) {
    GstBuffer *batch = batch_new (1);
    const GstAnalyticsBatchStream *stream;
    guint n = 0;

    g_test_message ("batch %u", i);
    batch_add_sticky_event (batch, 0, gst_event_ref (caps));
    batch_add_object (batch, 0,
        GST_MINI_OBJECT_CAST (step_frame_new (&rig, "features", 0, batches[i].steps)));
    g_assert_cmpint (gst_harness_push (rig.harness, batch), ==, GST_FLOW_OK);
    batch = gst_harness_pull (rig.harness);
    stream = &gst_buffer_get_analytics_batch_meta (batch)->streams[0];
    g_assert_cmpuint (stream->n_sticky_events, ==, 1);
    assert_caps_event (stream->sticky_events[0], batches[i].sticky);
    if (batches[i].inserted)
      assert_caps_event (stream->objects[n++], batches[i].inserted);
    g_assert_nonnull (find_tensor (GST_BUFFER (stream->objects[n++]), "lstm-output"));
    g_assert_cmpuint (stream->n_objects, ==, n);
    gst_buffer_unref (batch);
  }
  rig_clear (&rig);
}

static void
test_id_conflict_of_stream (void)
{
  GstBuffer *batch = batch_new (1);
  Rig rig;

  rig_init (&rig, FOLDER, "");
  rig_begin_stream_with_caps (&rig, BATCH_CAPS);
  batch_add_object (batch, 0,
      GST_MINI_OBJECT_CAST (caps_event_new (VIDEO_WITH (TENSOR ("lstm-output", "<4,3>")))));
  g_assert_cmpint (gst_harness_push (rig.harness, batch), ==, GST_FLOW_ERROR);
  assert_error_posted (
      rig.bus, "stream 0: caps field tensors: expected no tensor lstm-output, *");
  rig_clear (&rig);
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm-batch-caps/source-caps", test_source_caps},
      {"/lstm-batch-caps/sink-caps", test_sink_caps},
      {"/lstm-batch-caps/no-tensors", test_no_tensors},
      {"/lstm-batch-caps/id-conflict", test_id_conflict},
      {"/lstm-batch-caps/caps-events", test_caps_events},
      {"/lstm-batch-caps/id-conflict-of-stream", test_id_conflict_of_stream},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
