/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Output of `lstm` in metas of media buffers: the frames, the tensors, and the modes. */
#include "media-rig.h"

/* The media pass with the same memory and metas, also if the buffer has a second reference. */
static void
test_in_place (void)
{
  for (guint shared = 0; shared < 2; shared++) {
    g_autoptr (GstCaps) timestamps = gst_caps_new_empty_simple ("timestamp/x-test");
    GstBuffer *buffer, *out;
    GstMemory *pixels;
    Rig rig;

    media_rig_begin (&rig, "");
    buffer = step_frame_new (&rig, "features", 0, 1);
    pixels = gst_buffer_peek_memory (buffer, 0);
    gst_buffer_add_reference_timestamp_meta (buffer, timestamps, 7, 8);
    GST_BUFFER_OFFSET (buffer) = 5;
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_MARKER);
    if (shared)
      gst_buffer_ref (buffer);
    out = media_rig_push (&rig, buffer);
    g_assert_true ((out == buffer) == !shared);
    g_assert_true (gst_buffer_peek_memory (out, 0) == pixels);
    g_assert_cmpuint (gst_buffer_n_memory (out), ==, 1);
    g_assert_cmpuint (GST_BUFFER_OFFSET (out), ==, 5);
    g_assert_cmpuint (GST_BUFFER_PTS (out), ==, 0);
    g_assert_cmpuint (GST_BUFFER_DURATION (out), ==, 1000);
    g_assert_true (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_MARKER));
    g_assert_nonnull (gst_buffer_get_reference_timestamp_meta (out, NULL));
    g_assert_nonnull (find_tensor (out, "features"));
    if (shared) {
      g_assert_nonnull (find_tensor (buffer, "features"));
      g_assert_null (find_tensor (buffer, "lstm-output"));
      gst_buffer_unref (buffer);
    }
    gst_buffer_unref (out);
    rig_clear (&rig);
  }
}

static void
test_emit (void)
{
  static const struct {
    const gchar *id;
    gsize n_dims, dims[3];
  } cases[] = {
      {"mood", 2, {2, 16}},
      {"mood-hidden", 2, {2, 16}},
      {"mood-cell", 2, {2, 16}},
      {"mood-gates", 3, {2, 4, 16}},
  };
  GstBuffer *out;
  Rig rig;

  media_rig_begin (&rig, "output-tensor-id=mood emit=output+hidden+cell+gates");
  out = media_rig_push (&rig, step_frame_new (&rig, "features", 0, 2));
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const GstTensor *tensor = find_tensor (out, cases[i].id);
    gsize n = sizeof (gfloat);

    g_assert_nonnull (tensor);
    g_assert_cmpuint (tensor->num_dims, ==, cases[i].n_dims);
    for (gsize k = 0; k < tensor->num_dims; n *= tensor->dims[k++])
      g_assert_cmpuint (tensor->dims[k], ==, cases[i].dims[k]);
    g_assert_cmpuint (gst_buffer_get_size (tensor->data), ==, n);
  }
  gst_buffer_unref (out);
  rig_clear (&rig);
}

/* If output-tensor-id is NULL, the default is used. */
static void
test_no_id (void)
{
  Rig rig;

  rig_init (&rig, FOLDER, "");
  gst_element_set_state (rig.lstm, GST_STATE_NULL);
  g_object_set (rig.lstm, "output-tensor-id", NULL, NULL);
  gst_element_set_state (rig.lstm, GST_STATE_PLAYING);
  rig_begin_stream_with_caps (&rig, VIDEO);
  media_rig_push_steps (&rig, 0, 1);
  rig_expect_outputs (&rig, 0, 1, 1);
  rig_assert_outputs (&rig);
  rig_clear (&rig);
}

/* The output of a window is attached to the frame that completes the window. */
static void
test_window (void)
{
  Rig rig;

  media_rig_begin (&rig, "output-mode=window window-length=3 window-hop=2");
  for (guint i = 0; i < 8; i++) {
    GstBuffer *out = media_rig_push (&rig, step_frame_new (&rig, "features", i, 1));
    const gboolean complete = i >= 2 && i % 2 == 0;

    g_assert_true ((find_tensor (out, "lstm-output") != NULL) == complete);
    gst_buffer_unref (out);
    if (complete) {
      rig_expect_reset (&rig);
      rig_expect_outputs (&rig, i - 2, 3, 1);
    }
  }
  rig_assert_outputs (&rig);
  /* One buffer may complete several windows. */
  rig_push_flush (&rig);
  media_rig_push_steps (&rig, 0, 7);
  for (guint i = 2; i < 7; i += 2) {
    rig_expect_reset (&rig);
    rig_expect_outputs (&rig, i - 2, 3, 1);
  }
  rig_assert_outputs (&rig);
  rig_clear (&rig);
}

/* The final vector is only in a message: no frame follows that could carry it. */
static void
test_final (void)
{
  g_autoptr (GstMessage) message = NULL;
  const GValue *values;
  guint64 timestamp;
  Rig rig;

  media_rig_begin (&rig, "output-mode=final");
  media_rig_push_steps (&rig, 0, 1);
  media_rig_push_steps (&rig, 1, 2); /* two steps share a duration of 1000 */
  g_assert_cmpuint (rig.outputs->len, ==, 0);
  g_string_truncate (rig.log, 0);
  rig_push_eos (&rig);
  rig_assert_log (&rig, "eos");
  message = gst_bus_pop_filtered (rig.bus, GST_MESSAGE_ELEMENT);
  g_assert_nonnull (message);
  g_assert_true (gst_message_has_name (message, "lstm-final"));
  g_assert_true (
      gst_structure_get_uint64 (gst_message_get_structure (message), "timestamp", &timestamp));
  g_assert_cmpuint (timestamp, ==, 1500);
  values = gst_structure_get_value (gst_message_get_structure (message), "output");
  for (guint i = 0; i < gst_value_array_get_size (values); i++) {
    const gfloat value = g_value_get_float (gst_value_array_get_value (values, i));

    g_array_append_val (rig.outputs, value);
  }
  rig_expect_outputs (&rig, 0, 3, 1);
  rig_assert_outputs (&rig);
  rig_clear (&rig);
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm-media-output/in-place", test_in_place},
      {"/lstm-media-output/emit", test_emit},
      {"/lstm-media-output/no-id", test_no_id},
      {"/lstm-media-output/window", test_window},
      {"/lstm-media-output/final", test_final},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
