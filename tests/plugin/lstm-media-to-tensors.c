/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tensors of media that leave `lstm` as other/tensors, because downstream accepts no media. */
#include "media-rig.h"

#define TENSORS "other/tensors"
#define TENSORS_CAPS(dimensions, framerate)                                                    \
  TENSORS ",format=static,num_tensors=1,types=float32,dimensions=(string)" dimensions          \
          ",framerate=" framerate ",names=output"

static void
begin (Rig *rig, const gchar *properties, const gchar *downstream, const gchar *caps)
{
  rig_init (rig, FOLDER, properties);
  gst_harness_set_sink_caps_str (rig->harness, downstream);
  rig_begin_stream_with_caps (rig, caps);
}

static void
push (Rig *rig, GstBuffer *buffer)
{
  g_assert_cmpint (gst_harness_push (rig->harness, buffer), ==, GST_FLOW_OK);
}

/* --- Caps --- */

/* Media precede other/tensors, in whichever order downstream names them. */
static void
test_caps (void)
{
  static const struct {
    const gchar *properties, *in, *downstream, *out;
  } cases[] = {
      {"", VIDEO, TENSORS, TENSORS_CAPS ("16:1", "30/1")},
      {"", VIDEO, "other/tensors,dimensions=(string)16", TENSORS_CAPS ("16", "30/1")},
      {"", VIDEO, "other/tensor",
          "other/tensor,type=float32,dimension=(string)16:1,framerate=30/1"},
      {"", VIDEO, "other/tensors,format=flexible",
          "other/tensors,format=flexible,framerate=30/1"},
      {"", VIDEO, "other/tensors;video/x-raw", VIDEO},
      {"", VIDEO, "video/x-raw;other/tensors", VIDEO},
      {"", "video/x-raw,format=GRAY8,width=2,height=2", TENSORS, TENSORS_CAPS ("16:1", "0/1")},
      {"", "video/x-raw(memory:GLMemory),format=RGBA,width=2,height=2,framerate=25/1", TENSORS,
          TENSORS_CAPS ("16:1", "25/1")},
      {"input-tensor-id=features", "application/x-anything", TENSORS,
          TENSORS_CAPS ("16:1", "0/1")},
      {"input-tensor-id=features",
          "audio/x-raw,format=S16LE,rate=8000,channels=1,layout=interleaved", TENSORS,
          TENSORS_CAPS ("16:1", "0/1")},
      {"output-mode=final", VIDEO, TENSORS, TENSORS_CAPS ("16:1", "30/1")},
      {"output-mode=window", VIDEO, TENSORS, TENSORS_CAPS ("16:1", "30/1")},
      {"emit=output+gates", VIDEO, TENSORS,
          "other/tensors,format=static,num_tensors=2,types=(string)\"float32,float32\","
          "dimensions=(string)\"16:1,16:4:1\",framerate=30/1,names=(string)\"output,gates\""},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GstCaps) out = gst_caps_from_string (cases[i].out);
    g_autoptr (GstCaps) caps = NULL;
    Rig rig;

    g_test_message ("row %u: %s %s", i, cases[i].properties, cases[i].in);
    begin (&rig, cases[i].properties, cases[i].downstream, cases[i].in);
    caps = gst_caps_make_writable (rig_get_src_caps (&rig));
    gst_structure_remove_field (gst_caps_get_structure (caps, 0), "tensors"); /* of 1.28 */
    g_test_message ("%" GST_PTR_FORMAT, caps);
    g_assert_true (gst_caps_is_equal (caps, out));
    rig_clear (&rig);
  }
}

/* Answers like an element that has its own order, whatever the order of the filter. */
static gboolean
answer_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  g_autoptr (GstCaps) caps = gst_caps_from_string ("other/tensors;video/x-raw");

  if (GST_QUERY_TYPE (query) == GST_QUERY_ACCEPT_CAPS)
    gst_query_set_accept_caps_result (query, TRUE);
  else if (GST_QUERY_TYPE (query) == GST_QUERY_CAPS)
    gst_query_set_caps_result (query, caps);
  else
    return GST_QUERY_TYPE (query) == GST_QUERY_ALLOCATION
           || gst_pad_query_default (pad, parent, query);
  return TRUE;
}

static void
test_order (void)
{
  g_autoptr (GstCaps) caps = NULL;
  Rig rig;

  rig_init (&rig, FOLDER, "");
  gst_pad_set_query_function (rig.harness->sinkpad, answer_query);
  rig_begin_stream_with_caps (&rig, VIDEO);
  caps = rig_get_src_caps (&rig);
  g_assert_true (gst_structure_has_name (gst_caps_get_structure (caps, 0), "video/x-raw"));
  rig_clear (&rig);
}

/* The sink pad accepts the media whose tensors can become the tensors of downstream. */
static void
test_query (void)
{
  static const struct {
    const gchar *properties, *downstream, *caps;
    gboolean is_accepted;
  } cases[] = {
      {"", TENSORS, VIDEO, TRUE},
      {"", TENSORS, "video/x-h264", FALSE},
      {"", "other/tensors,framerate=30/1", VIDEO, TRUE},
      {"", "other/tensors,framerate=15/1", VIDEO, FALSE},
      {"", "other/tensors,framerate=0/1", VIDEO, TRUE}, /* several steps */
      {"input-tensor-id=features", TENSORS, "video/x-h264", TRUE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GstCaps) caps = gst_caps_from_string (cases[i].caps);
    g_autoptr (GstCaps) queried = NULL;
    g_autoptr (GstPad) sink = NULL;
    Rig rig;

    g_test_message ("row %u", i);
    rig_init (&rig, FOLDER, cases[i].properties);
    gst_harness_set_sink_caps_str (rig.harness, cases[i].downstream);
    sink = gst_element_get_static_pad (rig.lstm, "sink");
    queried = gst_pad_query_caps (sink, NULL);
    g_assert_true (gst_caps_can_intersect (queried, caps) == cases[i].is_accepted);
    rig_clear (&rig);
  }
}

/* --- Buffers --- */

/* Buffers have the times and flags of the frames, and the same numbers, but no tensors in metas. */
static void
test_buffers (void)
{
  g_autoptr (GstCaps) timestamps = gst_caps_new_empty_simple ("timestamp/x-test");
  GstBuffer *out;
  Rig rig;

  begin (&rig, "", TENSORS, VIDEO);
  for (gsize i = 0; i < 3; i++) {
    GstBuffer *frame = step_frame_new (&rig, "features", i, 1);

    if (i == 1)
      GST_BUFFER_FLAG_SET (frame, GST_BUFFER_FLAG_DISCONT);
    gst_buffer_add_analytics_relation_meta (frame);
    gst_buffer_add_reference_timestamp_meta (frame, timestamps, 7, 8);
    push (&rig, frame);
    out = gst_harness_pull (rig.harness);
    g_assert_cmpuint (gst_buffer_get_size (out), ==, N * sizeof (gfloat));
    g_assert_true (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_DISCONT) == (i == 1));
    g_assert_null (gst_buffer_get_meta (out, GST_TENSOR_META_API_TYPE));
    g_assert_null (gst_buffer_get_meta (out, GST_ANALYTICS_RELATION_META_API_TYPE));
    g_assert_nonnull (gst_buffer_get_reference_timestamp_meta (out, NULL));
    gst_buffer_unref (out);
  }
  rig_expect_outputs (&rig, 0, 3, 3);
  rig_assert_outputs (&rig);
  rig_assert_log (&rig, "buffer 0+1000, buffer 1000+1000, buffer 2000+1000");
  rig_clear (&rig);
}

/* An empty buffer with a tensor is a step, too. */
static void
test_empty_buffer (void)
{
  GstBuffer *buffer;
  Rig rig;

  begin (&rig, "", TENSORS, VIDEO);
  buffer = step_frame_new (&rig, "features", 0, 1);
  gst_buffer_remove_all_memory (buffer);
  push (&rig, buffer);
  rig_expect_outputs (&rig, 0, 1, 1);
  rig_assert_outputs (&rig);
  rig_clear (&rig);
}

/* Caps follow the steps of each frame. Several steps of a frame have no framerate, because they
 * share its duration. */
static void
test_steps_change (void)
{
  static const struct {
    gsize steps;
    const gchar *caps;
  } cases[] = {
      {1, TENSORS_CAPS ("16:1", "30/1")},
      {3, TENSORS_CAPS ("16:3", "0/1")},
      {3, TENSORS_CAPS ("16:3", "0/1")},
      {1, TENSORS_CAPS ("16:1", "30/1")},
  };
  gsize first = 0;
  Rig rig;

  begin (&rig, "", TENSORS, VIDEO);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GstCaps) expected = gst_caps_from_string (cases[i].caps);
    g_autoptr (GstCaps) caps = NULL;

    push (&rig, step_frame_new (&rig, "features", first, cases[i].steps));
    caps = rig_get_src_caps (&rig);
    g_test_message ("%" GST_PTR_FORMAT, caps);
    g_assert_true (gst_caps_is_equal (caps, expected));
    rig_expect_outputs (&rig, first, cases[i].steps, cases[i].steps);
    first += cases[i].steps;
  }
  rig_assert_outputs (&rig);
  rig_assert_log (&rig, "buffer 0+1000, caps 16:3, buffer 1000+1000, buffer 4000+1000, "
                        "caps 16:1, buffer 7000+1000");
  rig_clear (&rig);
}

/* Flexible tensors have their steps in a header of 128 bytes. */
static void
test_flexible (void)
{
  gsize first = 0;
  Rig rig;

  begin (&rig, "", "other/tensors,format=flexible", VIDEO);
  for (gsize steps = 1; steps < 4; first += steps++) {
    GstBuffer *out;

    push (&rig, step_frame_new (&rig, "features", first, steps));
    out = gst_harness_pull (rig.harness);
    g_assert_cmpuint (gst_buffer_get_size (out), ==, 128 + steps * N * sizeof (gfloat));
    gst_buffer_unref (out);
  }
  rig_assert_log (&rig, "buffer 0+1000, buffer 1000+1000, buffer 3000+1000");
  rig_clear (&rig);
}

/* Frames without the tensor, and frames that cannot be read, become GAP events. */
static void
test_gaps (void)
{
  static const gsize wrong_dims[] = {1, 2};
  GstBuffer *bad;
  Rig rig;

  begin (&rig, "input-tensor-id=features max-errors=1", TENSORS, VIDEO);
  push (&rig, frame_new (0));
  assert_warning_posted (rig.bus, "buffer: expected a tensor features, found none, *");
  push (&rig, step_frame_new (&rig, "features", 1, 1));
  push (&rig, frame_new (2));
  bad = frame_new (3);
  add_tensor (
      bad, tensor_new ("features", GST_TENSOR_DATA_TYPE_FLOAT32, "abcdefgh", 8, 2, wrong_dims));
  push (&rig, bad);
  assert_warning_posted (rig.bus, "buffer: tensor: expected ?3] or *");
  push (&rig, step_frame_new (&rig, "features", 4, 1));
  rig_assert_log (
      &rig, "gap 0+1000, buffer 1000+1000, gap 2000+1000, gap 3000+1000, buffer 4000+1000");
  g_assert_cmpuint (rig_get_stat (&rig, "gaps"), ==, 2);
  rig_expect_outputs (&rig, 1, 1, 1);
  rig_expect_outputs (&rig, 4, 1, 1);
  rig_assert_outputs (&rig);
  rig_clear (&rig);
}

/* A frame without the tensor is one step of zeros, and completes windows. */
static void
test_zero_steps (void)
{
  Rig rig;

  begin (&rig, "gap-policy=zero-step output-mode=window window-length=2 window-hop=2", TENSORS,
      VIDEO);
  push (&rig, step_frame_new (&rig, "features", 0, 1));
  push (&rig, frame_new (1));
  g_assert_cmpuint (rig_get_steps (&rig), ==, 2);
  rig_assert_log (&rig, "gap 0+1000, buffer 1000+33333333, gap 1000+1000");
  rig_clear (&rig);
}

/* Windows and last outputs are buffers of their own, also at an event. */
static void
test_modes (void)
{
  g_autoptr (GstMessage) message = NULL;
  Rig rig;

  begin (&rig, "output-mode=window window-length=3 window-hop=1", TENSORS, VIDEO);
  push (&rig, step_frame_new (&rig, "features", 0, 1));
  push (&rig, step_frame_new (&rig, "features", 1, 4));
  for (gsize i = 0; i < 3; i++) {
    rig_expect_reset (&rig);
    rig_expect_outputs (&rig, i, 3, 1);
  }
  rig_assert_outputs (&rig);
  rig_assert_log (&rig, "gap 0+1000, buffer 1250+250, buffer 1500+250, buffer 1750+250");
  rig_clear (&rig);

  begin (&rig, "output-mode=final", TENSORS, VIDEO);
  push (&rig, step_frame_new (&rig, "features", 0, 2));
  push (&rig, step_frame_new (&rig, "features", 2, 1));
  rig_push_eos (&rig);
  rig_expect_outputs (&rig, 0, 3, 1);
  rig_assert_outputs (&rig);
  rig_assert_log (&rig, "gap 0+1000, gap 2000+1000, buffer 2000+33333333, eos");
  message = gst_bus_pop_filtered (rig.bus, GST_MESSAGE_ELEMENT);
  g_assert_true (message && gst_message_has_name (message, "lstm-final"));
  rig_clear (&rig);
}

/* The outputs of a model that needs complete sequences follow at the end. */
static void
test_complete_sequence (void)
{
  Rig rig;

  rig_init (&rig, "variants/keras-bidirectional-ave", "");
  rig_begin_stream_with_caps (&rig, VIDEO);
  for (gsize i = 0; i < 3; i++) {
    GstBuffer *frame = frame_new (i);

    add_tensor (
        frame, tensor_new ("features", GST_TENSOR_DATA_TYPE_FLOAT32,
                   rig.x.items + i * rig.x.size, rig.x.size * sizeof (gfloat), 1, &rig.x.size));
    push (&rig, frame);
  }
  rig_assert_log (&rig, "gap 0+1000, gap 1000+1000, gap 2000+1000");
  rig_push_eos (&rig);
  rig_expect_outputs (&rig, 0, 3, 3);
  rig_assert_outputs (&rig);
  rig_assert_log (&rig, "buffer 0+1000, buffer 1000+1000, buffer 2000+1000, eos");
  rig_clear (&rig);
}

/* Hidden states and gates are further memories of a buffer. */
static void
test_emit (void)
{
  static const gsize sizes[] = {2 * N, 2 * N, 2 * N, 2 * 4 * N};
  GstBuffer *out;
  Rig rig;

  begin (&rig, "emit=output+hidden+cell+gates", TENSORS, VIDEO);
  push (&rig, step_frame_new (&rig, "features", 0, 2));
  out = gst_harness_pull (rig.harness);
  g_assert_cmpuint (gst_buffer_n_memory (out), ==, G_N_ELEMENTS (sizes));
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    g_assert_cmpuint (gst_buffer_peek_memory (out, i)->size, ==, sizes[i] * sizeof (gfloat));
  gst_buffer_unref (out);
  rig_clear (&rig);
}

/* A RECONFIGURE event may change the kind of the output while the sequence continues. */
static void
test_downstream_changes (void)
{
  Rig rig;

  begin (&rig, "", TENSORS, VIDEO);
  push (&rig, step_frame_new (&rig, "features", 0, 1));
  rig_expect_outputs (&rig, 0, 1, 1);
  rig_assert_outputs (&rig);
  gst_harness_set_sink_caps_str (rig.harness, "video/x-raw");
  gst_harness_push_upstream_event (rig.harness, gst_event_new_reconfigure ());
  gst_buffer_unref (gst_harness_pull (rig.harness));
  media_rig_push_steps (&rig, 1, 1);
  rig_expect_outputs (&rig, 1, 1, 1);
  rig_assert_outputs (&rig);
  gst_harness_set_sink_caps_str (rig.harness, TENSORS);
  gst_harness_push_upstream_event (rig.harness, gst_event_new_reconfigure ());
  push (&rig, step_frame_new (&rig, "features", 2, 1));
  rig_expect_outputs (&rig, 2, 1, 1);
  rig_assert_outputs (&rig);
  rig_clear (&rig);
}

/* --- Pipelines --- */

/* Labels become text, and vectors become a file, without a video sink. */
static void
test_text (void)
{
  g_autofree gchar *path = get_vector_path (FOLDER, "model.safetensors");
  g_autofree gchar *x = get_vector_path (FOLDER, "x.npy");
  g_autofree gchar *line = g_strdup_printf (
      "lstm model-location=%s ! lstmlabel ! capsfilter caps=text/x-raw", path);
  Rig rig = {.x = step_array_load (x)};
  GstHarness *harness = gst_harness_new_parse (line);

  gst_harness_set_src_caps_str (harness, VIDEO);
  for (gsize i = 0; i < 3; i++) {
    GstBuffer *text = gst_harness_push_and_pull (
        harness, step_frame_new (&rig, "features", i, 1));

    g_assert_cmpuint (GST_BUFFER_PTS (text), ==, i * 1000);
    g_assert_cmpuint (gst_buffer_get_size (text), >, 0);
    gst_buffer_unref (text);
  }
  gst_harness_teardown (harness);
  g_free (rig.x.items);
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm-media-to-tensors/caps", test_caps},
      {"/lstm-media-to-tensors/order", test_order},
      {"/lstm-media-to-tensors/query", test_query},
      {"/lstm-media-to-tensors/buffers", test_buffers},
      {"/lstm-media-to-tensors/empty-buffer", test_empty_buffer},
      {"/lstm-media-to-tensors/steps-change", test_steps_change},
      {"/lstm-media-to-tensors/flexible", test_flexible},
      {"/lstm-media-to-tensors/gaps", test_gaps},
      {"/lstm-media-to-tensors/zero-steps", test_zero_steps},
      {"/lstm-media-to-tensors/modes", test_modes},
      {"/lstm-media-to-tensors/complete-sequence", test_complete_sequence},
      {"/lstm-media-to-tensors/emit", test_emit},
      {"/lstm-media-to-tensors/downstream-changes", test_downstream_changes},
      {"/lstm-media-to-tensors/text", test_text},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
