/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * `lstm` with batches of streams: the indices of the streams, resets, and batches that are
 * refused. */
#include "batch-rig.h"

/* The state of a stream belongs to its index, wherever the stream is in the batch. A batch may lack
 * streams. */
static void
test_order (void)
{
  static const guint orders[][3] = {{0, 1, 2}, {2, 0, 1}, {1, 2, 0}, {2, 1, 7}, {7, 0, 1}};
  LstmState *states[8] = {NULL};
  gsize step = 0;
  Rig rig;

  rig_init (&rig, FOLDER, "input-tensor-id=features");
  rig_begin_stream_with_caps (&rig, BATCH_CAPS);
  for (guint b = 0; b < G_N_ELEMENTS (orders); b++) {
    GstBuffer *batch = batch_new (3);

    for (guint i = 0; i < 3; i++, step++) {
      gst_buffer_get_analytics_batch_meta (batch)->streams[i].index = orders[b][i];
      batch_add_object (
          batch, i, GST_MINI_OBJECT_CAST (step_frame_new (&rig, "features", step, 1)));
    }
    g_assert_cmpint (gst_harness_push (rig.harness, batch), ==, GST_FLOW_OK);
    batch = gst_harness_pull (rig.harness);
    for (guint i = 0; i < 3; i++) {
      LstmState **state = &states[orders[b][i]];
      const GstTensor *tensor = find_tensor (
          GST_BUFFER (batch_get_object (batch, i, 0)), "lstm-output");
      gfloat expected[N], found[N];

      if (!*state)
        *state = lstm_state_new (lstm_state_get_model (rig.state), 1, NULL);
      lstm_state_run (*state, 1, rig.x.items + (step - 3 + i) * D, expected);
      g_assert_cmpuint (
          gst_buffer_extract (tensor->data, 0, found, sizeof found), ==, sizeof found);
      g_assert_cmpmem (found, sizeof found, expected, sizeof expected);
    }
    gst_buffer_unref (batch);
  }
  for (guint i = 0; i < G_N_ELEMENTS (states); i++)
    g_clear_pointer (&states[i], lstm_state_unref);
  rig_clear (&rig);
}

/* The signal resets all streams. */
static void
test_reset (void)
{
  Rig rig;

  rig_init (&rig, FOLDER, "input-tensor-id=features");
  rig_begin_stream_with_caps (&rig, BATCH_CAPS);
  for (guint b = 0; b < 4; b++) {
    GstBuffer *batch = batch_new (1);
    const GstTensor *tensor;
    gfloat y[N];

    batch_add_object (batch, 0, GST_MINI_OBJECT_CAST (step_frame_new (&rig, "features", b, 1)));
    g_assert_cmpint (gst_harness_push (rig.harness, batch), ==, GST_FLOW_OK);
    batch = gst_harness_pull (rig.harness);
    tensor = find_tensor (GST_BUFFER (batch_get_object (batch, 0, 0)), "lstm-output");
    gst_buffer_extract (tensor->data, 0, y, sizeof y);
    g_array_append_vals (rig.outputs, y, N);
    gst_buffer_unref (batch);
    rig_expect_outputs (&rig, b, 1, 1);
    if (b == 1) {
      rig_emit_reset (&rig);
      rig_expect_reset (&rig);
      g_assert_cmpuint (rig_get_stat (&rig, "resets"), ==, 1);
    }
  }
  rig_assert_outputs (&rig);
  rig_clear (&rig);
}

static void
push_step (Rig *rig)
{
  GstBuffer *batch = batch_new (1);

  batch_add_object (batch, 0, GST_MINI_OBJECT_CAST (step_frame_new (rig, "features", 0, 1)));
  g_assert_cmpint (gst_harness_push (rig->harness, batch), ==, GST_FLOW_OK);
}

/* The streams of batches have no saved states, and keep their model. */
static void
test_fixed (void)
{
  g_autofree gchar *path = get_vector_path (FOLDER, "model.safetensors");
  g_autoptr (LstmModel) model = lstm_model_load (path, NULL);
  g_autoptr (GBytes) state = NULL, none = NULL;
  gboolean ok = TRUE;
  Rig rig;

  rig_init (&rig, FOLDER, "input-tensor-id=features");
  rig_begin_stream_with_caps (&rig, BATCH_CAPS);
  g_signal_emit_by_name (rig.lstm, "get-state", &state);
  g_assert_nonnull (state);
  push_step (&rig);
  g_signal_emit_by_name (rig.lstm, "get-state", &none);
  g_assert_null (none);
  assert_warning_posted (
      rig.bus, "get-state: h and c: expected buffers without GstAnalyticsBatchMeta, *");
  g_signal_emit_by_name (rig.lstm, "set-state", state, &ok);
  g_assert_false (ok);
  assert_warning_posted (
      rig.bus, "set-state: expected buffers without GstAnalyticsBatchMeta, *");
  g_object_set (rig.lstm, "model", model, NULL);
  assert_warning_posted (rig.bus,
      "the previous model stays: property model: expected state NULL or READY, because the "
      "buffers are batches, *");
  push_step (&rig);
  rig_clear (&rig);
}

static void
test_state_location (void)
{
  gchar *dir = test_dir_new ();
  g_autofree gchar *properties = g_strdup_printf (
      "input-tensor-id=features state-location=%s/state", dir);
  Rig rig;

  rig_init (&rig, FOLDER, properties);
  rig_begin_stream_with_caps (&rig, BATCH_CAPS);
  g_assert_cmpint (gst_harness_push (rig.harness, batch_new (1)), ==, GST_FLOW_ERROR);
  assert_error_posted (
      rig.bus, "property state-location: expected none, because the buffers are batches, *");
  rig_clear (&rig);
  test_dir_remove (dir);
}

/* A GAP event between batches belongs to no stream. */
static void
test_gap_event (void)
{
  Rig rig;

  rig_init (&rig, FOLDER, "gap-policy=zero-step reset-on=gap");
  rig_begin_stream_with_caps (&rig, BATCH_CAPS);
  push_step (&rig);
  rig_push_event (&rig, gst_event_new_gap (1000, 1000));
  g_assert_cmpuint (rig_get_steps (&rig), ==, 1);
  g_assert_cmpuint (rig_get_stat (&rig, "gaps"), ==, 1);
  g_assert_cmpuint (rig_get_stat (&rig, "resets"), ==, 1);
  rig_clear (&rig);
}

/* --- Batches that are refused, or may be a mistake --- */

static void
make_nothing (Rig *rig, GstBuffer *batch)
{
}

static void
add_frame_without_tensor (Rig *rig, GstBuffer *batch)
{
  batch_add_object (batch, 1, GST_MINI_OBJECT_CAST (frame_new (0)));
  batch_add_object (batch, 1, GST_MINI_OBJECT_CAST (frame_new (1)));
}

static void
add_two_rows (Rig *rig, GstBuffer *batch)
{
  batch_add_object (batch, 1, GST_MINI_OBJECT_CAST (step_frame_new (rig, "features", 0, 2)));
}

static void
add_wrong_size (Rig *rig, GstBuffer *batch)
{
  GstBuffer *frame = frame_new (0);

  add_tensor (frame, tensor_new ("features", GST_TENSOR_DATA_TYPE_FLOAT32, rig->x.items, 16, 1,
                         (const gsize[]){4}));
  batch_add_object (batch, 1, GST_MINI_OBJECT_CAST (frame));
}

static void
repeat_index (Rig *rig, GstBuffer *batch)
{
  gst_buffer_get_analytics_batch_meta (batch)->streams[1].index = 0;
}

#define BATCH_OF_VIDEO                                                                         \
  "video/x-raw(meta:GstAnalyticsBatchMeta),format=GRAY8,width=2,height=2,framerate=30/1"

/* Batches of one stream may have the caps of the stream. */
static void
test_single_stream_caps (void)
{
  static const struct {
    const gchar *properties, *error;
  } cases[] = {
      {"", NULL},
      {"per-object=true",
          "property per-object: expected false, because the buffers are batches, found true"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstBuffer *batch = batch_new (1);
    Rig rig;

    rig_init (&rig, FOLDER, cases[i].properties);
    rig_begin_stream_with_caps (&rig, BATCH_OF_VIDEO);
    batch_add_object (batch, 0, GST_MINI_OBJECT_CAST (step_frame_new (&rig, "features", 0, 1)));
    g_assert_cmpint (gst_harness_push (rig.harness, batch), ==,
        cases[i].error ? GST_FLOW_ERROR : GST_FLOW_OK);
    if (cases[i].error) {
      assert_error_posted (rig.bus, cases[i].error);
    } else {
      batch = gst_harness_pull (rig.harness);
      g_assert_nonnull (
          find_tensor (GST_BUFFER (batch_get_object (batch, 0, 0)), "lstm-output"));
      gst_buffer_unref (batch);
    }
    rig_clear (&rig);
  }
}

static const struct {
  const gchar *properties;
  void (*fill) (Rig *rig, GstBuffer *batch);
  GstFlowReturn ret;
  const gchar *message; /* nullable: warning, or error if the push fails */
} odd[] = {
    {"", make_nothing, GST_FLOW_OK, NULL},
    {"", add_frame_without_tensor, GST_FLOW_OK,
        "stream 1: buffer: expected a tensor features, found none, which counts as a gap"},
    {"axes=streams", add_two_rows, GST_FLOW_ERROR,
        "stream 1: buffer: tensor: expected steps of one stream, *found 2 streams"},
    {"", add_wrong_size, GST_FLOW_ERROR,
        "stream 1: buffer: tensor: expected ?3? or ?T, 3?, found features ?4? float32"},
    {"max-errors=1", add_wrong_size, GST_FLOW_OK,
        "stream 1: buffer: tensor: expected ?3? or ?T, 3?, found features ?4? float32"},
    {"", repeat_index, GST_FLOW_ERROR,
        "buffer: batch: expected streams with different indices, found index 0 in stream 1 *"},
    {"max-errors=1", repeat_index, GST_FLOW_OK,
        "buffer: batch: expected streams with different indices, found index 0 in stream 1 *"},
};

static void
test_odd_batches (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (odd); i++) {
    g_autofree gchar *properties = g_strdup_printf (
        "input-tensor-id=features %s", odd[i].properties);
    GstBuffer *batch = batch_new (2);
    Rig rig;

    g_test_message ("row %u", i);
    rig_init (&rig, FOLDER, properties);
    rig_begin_stream_with_caps (&rig, BATCH_CAPS);
    odd[i].fill (&rig, batch);
    g_assert_cmpint (gst_harness_push (rig.harness, batch), ==, odd[i].ret);
    if (odd[i].ret != GST_FLOW_OK)
      assert_error_posted (rig.bus, odd[i].message);
    else if (odd[i].message)
      assert_warning_posted (rig.bus, odd[i].message);
    g_assert_null (gst_bus_pop_filtered (rig.bus, GST_MESSAGE_WARNING));
    rig_clear (&rig);
  }
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm-batch/order", test_order},
      {"/lstm-batch/reset", test_reset},
      {"/lstm-batch/gap-event", test_gap_event},
      {"/lstm-batch/fixed", test_fixed},
      {"/lstm-batch/state-location", test_state_location},
      {"/lstm-batch/single-stream-caps", test_single_stream_caps},
      {"/lstm-batch/odd-batches", test_odd_batches},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
