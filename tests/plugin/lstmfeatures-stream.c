/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Streams through `lstmfeatures`: timestamps, caps, buffers and pools, and states. */
#include "lstmfeatures-rig.h"

static void
test_times (void)
{
  GstHarness *h = features_harness_new (4, 3, FALSE);
  Picture p = picture_new ("I420", 32, 24, NULL, FALSE);
  GstBuffer *out;
  g_autoptr (GstCaps) caps = NULL;
  gint fps_n, fps_d;

  GST_BUFFER_PTS (p.buffer) = 5 * GST_SECOND;
  GST_BUFFER_DTS (p.buffer) = 4 * GST_SECOND;
  GST_BUFFER_DURATION (p.buffer) = 33 * GST_MSECOND;
  GST_BUFFER_OFFSET (p.buffer) = 150;
  gst_harness_set_src_caps (h, gst_video_info_to_caps (&p.info));
  gst_harness_push (h, gst_buffer_ref (p.buffer));
  out = gst_harness_pull (h);
  g_assert_cmpuint (GST_BUFFER_PTS (out), ==, 5 * GST_SECOND);
  g_assert_cmpuint (GST_BUFFER_DTS (out), ==, 4 * GST_SECOND);
  g_assert_cmpuint (GST_BUFFER_DURATION (out), ==, 33 * GST_MSECOND);
  g_assert_cmpuint (GST_BUFFER_OFFSET (out), ==, 150);
  g_assert_cmpuint (gst_buffer_n_memory (out), ==, 1);
  gst_buffer_unref (out);
  caps = gst_pad_get_current_caps (h->sinkpad);
  gst_structure_get_fraction (gst_caps_get_structure (caps, 0), "framerate", &fps_n, &fps_d);
  g_assert_cmpint (fps_n, ==, 30);
  g_assert_cmpint (fps_d, ==, 1);
  g_assert_cmpstr (
      gst_structure_get_string (gst_caps_get_structure (caps, 0), "dimensions"), ==, "12:1");
  picture_clear (&p);
  gst_harness_teardown (h);
}

/* Caps of both pads that can and cannot be negotiated */
static void
test_caps (void)
{
  static const struct {
    const gchar *video, *vectors;
    gboolean fits;
  } cases[] = {
      {"framerate=30/1", "dimensions=(string)12", TRUE},
      {"framerate=30/1", "dimensions=(string)12:1:1:1", TRUE},
      {"framerate=30/1", "dimensions=(string)12:1,framerate=30/1", TRUE},
      {"framerate=0/1", "dimensions=(string)12:1,framerate=0/1", TRUE},
      {"pixel-aspect-ratio=2/1", "dimensions=(string)12:1", TRUE},
      {"framerate=30/1", "dimensions=(string)13", FALSE},
      {"framerate=30/1", "dimensions=(string)12,framerate=25/1", FALSE},
      {"framerate=30/1", "types=float64", FALSE},
      {"framerate=30/1", "num_tensors=2", FALSE},
      {"width=40000", "dimensions=(string)12", FALSE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *error = NULL;
    gboolean ok = test_launch (&error,
        "videotestsrc num-buffers=2 ! video/x-raw,%s ! lstmfeatures width=4 height=3 ! "
        "capsfilter caps=other/tensors,%s%s ! fakesink",
        cases[i].video, cases[i].vectors,
        strstr (cases[i].vectors, "dimensions") ? "" : ",dimensions=(string)12");

    if (ok != cases[i].fits)
      g_error ("video %s, vectors %s: %s", cases[i].video, cases[i].vectors,
          error ? error : "was accepted");
  }
}

static void
test_other_framerates (void)
{
  GstElement *element = gst_element_factory_make ("lstmfeatures", NULL);
  g_autoptr (GstPad) sink = gst_element_get_static_pad (element, "sink");
  g_autoptr (GstCaps)
      filter = gst_caps_from_string ("video/x-raw, format=I420, framerate={ 5/1, 25/1 }");
  g_autoptr (GstCaps) caps = gst_pad_query_caps (sink, filter);
  g_autoptr (GstCaps) five = gst_caps_from_string (
      "video/x-raw, format=I420, width=8, height=8, framerate=5/1");
  g_autoptr (GstCaps)
      six = gst_caps_from_string ("video/x-raw, format=I420, width=8, height=8, framerate=6/1");

  g_assert_true (gst_caps_can_intersect (caps, five));
  g_assert_false (gst_caps_can_intersect (caps, six));
  gst_object_unref (element);
}

/* If downstream accepts only vectors of another size, the caps for upstream are empty. */
static void
test_other_size (void)
{
  GstHarness *h = features_harness_new (4, 3, FALSE);
  g_autoptr (GstCaps) caps = NULL;

  gst_harness_set_sink_caps_str (h, "other/tensors, format=static, num_tensors=1, "
                                    "types=float32, dimensions=(string)13, framerate=30/1");
  caps = gst_pad_peer_query_caps (h->srcpad, NULL);
  g_assert_true (gst_caps_is_empty (caps));
  gst_harness_teardown (h);
}

/* Both fields of an interlaced frame are one picture. */
static void
test_interlaced (void)
{
  GstHarness *h = features_harness_new (4, 3, TRUE);
  Picture p = picture_new ("I420", 32, 24, NULL, TRUE);
  g_autoptr (GBytes) progressive = features_compute (h, &p.info, p.buffer, 36);
  g_autoptr (GBytes) interlaced = NULL;
  g_autoptr (GBytes) flagged = NULL;

  GST_VIDEO_INFO_INTERLACE_MODE (&p.info) = GST_VIDEO_INTERLACE_MODE_INTERLEAVED;
  GST_VIDEO_INFO_FIELD_ORDER (&p.info) = GST_VIDEO_FIELD_ORDER_TOP_FIELD_FIRST;
  interlaced = features_compute (h, &p.info, p.buffer, 36);
  g_assert_true (g_bytes_equal (interlaced, progressive));
  gst_buffer_add_video_meta (
      p.buffer, GST_VIDEO_FRAME_FLAG_INTERLACED, GST_VIDEO_INFO_FORMAT (&p.info), 32, 24);
  flagged = features_compute (h, &p.info, p.buffer, 36);
  g_assert_true (g_bytes_equal (flagged, progressive));
  picture_clear (&p);
  gst_harness_teardown (h);
}

/* A buffer that is too small for its caps is an error that states both sizes. */
static void
test_short_frame (void)
{
  GstHarness *h = features_harness_new (4, 3, FALSE);
  g_autoptr (GstBus) bus = gst_bus_new ();
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  gst_element_set_bus (h->element, bus);
  gst_harness_set_src_caps_str (
      h, "video/x-raw, format=I420, width=64, height=64, framerate=30/1");
  g_assert_cmpint (
      gst_harness_push (h, gst_buffer_new_allocate (NULL, 6143, NULL)), ==, GST_FLOW_ERROR);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT);
  g_assert_nonnull (strstr (error->message, "6143 bytes"));
  g_assert_nonnull (strstr (error->message, "64x64 I420"));
  gst_element_set_bus (h->element, NULL);
  gst_harness_teardown (h);
}

static void
test_allocation (void)
{
  GstHarness *h = features_harness_new (4, 3, FALSE);
  g_autoptr (GstCaps) caps = gst_caps_from_string (
      "video/x-raw, format=I420, width=64, height=64, framerate=30/1");
  GstQuery *query = gst_query_new_allocation (caps, TRUE);

  gst_harness_set_src_caps (h, gst_caps_ref (caps));
  g_assert_true (gst_pad_peer_query (h->srcpad, query));
  g_assert_true (gst_query_find_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL));
  gst_query_unref (query);
  gst_harness_teardown (h);
}

static GstPadProbeReturn
answer_allocation (GstPad *pad, GstPadProbeInfo *info, gpointer pool)
{
  GstQuery *query = GST_PAD_PROBE_INFO_QUERY (info);
  GstStructure *config;
  guint size;

  if (GST_QUERY_TYPE (query) != GST_QUERY_ALLOCATION)
    return GST_PAD_PROBE_OK;
  config = gst_buffer_pool_get_config (pool);
  gst_buffer_pool_config_get_params (config, NULL, &size, NULL, NULL);
  gst_structure_free (config);
  gst_query_add_allocation_pool (query, pool, size, 0, 0);
  return GST_PAD_PROBE_HANDLED;
}

/* Buffers of a pool of downstream may be larger than a vector, but not smaller. */
static void
test_pools (void)
{
  static const guint sizes[] = {48, 4096, 47};

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    GstHarness *h = features_harness_new (4, 3, FALSE);
    Picture p = picture_new ("I420", 32, 24, NULL, FALSE);
    GstBufferPool *pool = gst_buffer_pool_new ();
    GstStructure *config = gst_buffer_pool_get_config (pool);

    gst_buffer_pool_config_set_params (config, NULL, sizes[i], 0, 0);
    gst_buffer_pool_set_config (pool, config);
    gst_pad_add_probe (
        h->sinkpad, GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM, answer_allocation, pool, NULL);
    if (sizes[i] >= 48)
      g_bytes_unref (features_compute (h, &p.info, p.buffer, 12));
    else {
      gst_harness_set_src_caps (h, gst_video_info_to_caps (&p.info));
      g_assert_cmpint (gst_harness_push (h, gst_buffer_ref (p.buffer)), ==, GST_FLOW_ERROR);
    }
    gst_object_unref (pool);
    picture_clear (&p);
    gst_harness_teardown (h);
  }
}

/* The size of frames changes within a stream. The vectors continue. */
static void
test_renegotiation (void)
{
  static const gint widths[] = {64, 17, 640, 1};
  GstHarness *h = features_harness_new (4, 3, FALSE);

  for (guint i = 0; i < G_N_ELEMENTS (widths); i++) {
    Picture p = picture_new (i & 1 ? "RGB" : "I420", widths[i], 20, NULL, FALSE);
    g_autoptr (GBytes) bytes = features_compute (h, &p.info, p.buffer, 12);

    g_assert_cmpfloat_with_epsilon (features_get (bytes, 0),
        picture_get_cell (&p, 4, 3, 0, 0, 0), picture_get_tolerance (&p.info, FALSE));
    picture_clear (&p);
  }
  gst_harness_teardown (h);
}

static void
test_states (void)
{
  test_state_cycles ("videotestsrc ! lstmfeatures ! fakesink", 100);
}

static void
test_properties (void)
{
  static const TestProperty properties[] = {
      {"width", "16", "1024", GST_PARAM_MUTABLE_READY},
      {"height", "12", "1", GST_PARAM_MUTABLE_READY},
      {"color", "gray", "rgb", GST_PARAM_MUTABLE_READY},
      {"mean", "0", "-0.25", GST_PARAM_MUTABLE_PLAYING | GST_PARAM_CONTROLLABLE},
      {"scale", "1", "255.5", GST_PARAM_MUTABLE_PLAYING | GST_PARAM_CONTROLLABLE},
      {"qos", "false", "true", 0},
  };

  test_properties_of ("lstmfeatures", properties, G_N_ELEMENTS (properties));
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstmfeatures/other-size", test_other_size},
      {"/lstmfeatures/interlaced", test_interlaced},
      {"/lstmfeatures/times", test_times},
      {"/lstmfeatures/caps", test_caps},
      {"/lstmfeatures/other-framerates", test_other_framerates},
      {"/lstmfeatures/short-frame", test_short_frame},
      {"/lstmfeatures/allocation", test_allocation},
      {"/lstmfeatures/pools", test_pools},
      {"/lstmfeatures/renegotiation", test_renegotiation},
      {"/lstmfeatures/states", test_states},
      {"/lstmfeatures/properties", test_properties},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
