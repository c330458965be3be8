/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * `lstm` with tensors in metas of media buffers, as GStreamer's analytics elements attach them. */
#include "lstm-rig.h"
#include <gst/analytics/analytics.h>

#define FOLDER "long-no-bias" /* d = 3, n = 16 */
#define D 3
#define N 16
#define VIDEO "video/x-raw,format=GRAY8,width=2,height=2,framerate=30/1"

/* --- Buffers --- */

/* Returns: (transfer full): a tensor whose data have @n bytes */
static GstTensor *
tensor_new (const gchar *id, GstTensorDataType type, gconstpointer bytes, gsize n, gsize n_dims,
    const gsize *dims)
{
  GstTensor *tensor = gst_tensor_alloc (n_dims); /* does not validate the dimensions */

  tensor->id = g_quark_from_string (id);
  tensor->layout = GST_TENSOR_LAYOUT_CONTIGUOUS;
  tensor->data_type = type;
  tensor->data = n ? gst_buffer_new_memdup (bytes, n) : gst_buffer_new ();
  tensor->dims_order = GST_TENSOR_DIM_ORDER_ROW_MAJOR;
  memcpy (tensor->dims, dims, n_dims * sizeof *dims);
  return tensor;
}

/* Adds a meta with one tensor. @tensor: (transfer full) */
static void
add_tensor (GstBuffer *buffer, GstTensor *tensor)
{
  GstTensor **tensors = g_new (GstTensor *, 1);

  tensors[0] = tensor;
  gst_tensor_meta_set (
      (GstTensorMeta *) gst_buffer_add_meta (buffer, GST_TENSOR_META_INFO, NULL), 1, tensors);
}

/* Returns: (transfer full): a frame of four pixels with the timestamp of step @i */
static GstBuffer *
frame_new (gsize i)
{
  GstBuffer *buffer = gst_buffer_new_memdup ("abcd", 4);

  GST_BUFFER_PTS (buffer) = i * 1000;
  GST_BUFFER_DURATION (buffer) = 1000;
  return buffer;
}

/* Returns: (transfer full): a frame with a tensor of the steps @first to @first + @steps */
static GstBuffer *
step_frame_new (Rig *rig, const gchar *id, gsize first, gsize steps)
{
  GstBuffer *buffer = frame_new (first);
  const gsize dims[] = {steps, D};

  add_tensor (buffer, tensor_new (id, GST_TENSOR_DATA_TYPE_FLOAT32, rig->x.items + first * D,
                          steps * D * sizeof (gfloat), 2, dims));
  return buffer;
}

/* Returns: (nullable): the tensor @id; asserts that there is at most one in all metas */
static const GstTensor *
find_tensor (GstBuffer *buffer, const gchar *id)
{
  const GstTensor *found = NULL;
  gpointer state = NULL;
  GstMeta *meta;

  while ((meta = gst_buffer_iterate_meta_filtered (buffer, &state, GST_TENSOR_META_API_TYPE))) {
    GstTensorMeta *tensors = (GstTensorMeta *) meta;
    const gint i = gst_tensor_meta_get_index_from_id (tensors, g_quark_from_string (id));

    if (i >= 0) {
      g_assert_null (found);
      found = gst_tensor_meta_get (tensors, (gsize) i);
    }
  }
  return found;
}

/* Pushes @buffer and appends the values of its output tensor to the outputs.
 * Returns: (transfer full): the output buffer */
static GstBuffer *
push_frame (Rig *rig, GstBuffer *buffer)
{
  const guint n = rig->outputs->len;
  const GstTensor *tensor;
  GstBuffer *out;

  g_assert_cmpint (gst_harness_push (rig->harness, buffer), ==, GST_FLOW_OK);
  out = gst_harness_pull (rig->harness);
  g_array_set_size (rig->outputs, n); /* drops the pixels */
  tensor = find_tensor (out, "lstm-output");
  if (tensor) {
    const gsize bytes = gst_buffer_get_size (tensor->data);

    g_assert_cmpint (tensor->data_type, ==, GST_TENSOR_DATA_TYPE_FLOAT32);
    g_assert_cmpint (tensor->dims_order, ==, GST_TENSOR_DIM_ORDER_ROW_MAJOR);
    g_assert_cmpuint (tensor->num_dims, ==, 2);
    g_assert_cmpuint (tensor->dims[1], ==, N);
    g_assert_cmpuint (bytes, ==, tensor->dims[0] * N * sizeof (gfloat));
    g_array_set_size (rig->outputs, n + (guint) (bytes / sizeof (gfloat)));
    gst_buffer_extract (tensor->data, 0, &g_array_index (rig->outputs, gfloat, n), bytes);
  }
  return out;
}

static void
push_steps (Rig *rig, gsize first, gsize steps)
{
  gst_buffer_unref (push_frame (rig, step_frame_new (rig, "features", first, steps)));
}

static void
begin_video (Rig *rig, const gchar *properties)
{
  rig_init (rig, FOLDER, properties);
  rig_begin_stream_with_caps (rig, VIDEO);
}

/* --- Tensors --- */

/* Types and shapes of tensors with the numbers 0 to 11 */
static const struct {
  GstTensorDataType type;
  gsize size, n_dims, dims[4];
  guint steps;
} shapes[] = {
    {GST_TENSOR_DATA_TYPE_FLOAT32, 4, 1, {3}, 1},
    {GST_TENSOR_DATA_TYPE_FLOAT32, 4, 2, {1, 3}, 1},
    {GST_TENSOR_DATA_TYPE_FLOAT32, 4, 2, {4, 3}, 4},
    {GST_TENSOR_DATA_TYPE_FLOAT32, 4, 3, {1, 4, 3}, 4},
    {GST_TENSOR_DATA_TYPE_FLOAT32, 4, 4, {1, 3, 1, 1}, 1},
    {GST_TENSOR_DATA_TYPE_UINT8, 1, 2, {1, 3}, 1},
    {GST_TENSOR_DATA_TYPE_INT8, 1, 2, {4, 3}, 4},
    {GST_TENSOR_DATA_TYPE_FLOAT16, 2, 2, {2, 3}, 2},
    {GST_TENSOR_DATA_TYPE_FLOAT64, 8, 2, {1, 3}, 1},
    {GST_TENSOR_DATA_TYPE_INT16, 2, 2, {1, 3}, 1},
    {GST_TENSOR_DATA_TYPE_UINT16, 2, 2, {1, 3}, 1},
    {GST_TENSOR_DATA_TYPE_INT32, 4, 2, {1, 3}, 1},
    {GST_TENSOR_DATA_TYPE_UINT32, 4, 2, {1, 3}, 1},
    {GST_TENSOR_DATA_TYPE_INT64, 8, 2, {1, 3}, 1},
    {GST_TENSOR_DATA_TYPE_UINT64, 8, 2, {1, 3}, 1},
};

static void
write_number (guint8 *at, GstTensorDataType type, gsize size, guint i)
{
  static const guint16 halves[] = {0x0000, 0x3c00, 0x4000, 0x4200, 0x4400, 0x4500, 0x4600,
      0x4700, 0x4800, 0x4880, 0x4900, 0x4980};
  const gfloat single = (gfloat) i;
  const gdouble twice = i;
  const guint64 integer = i;

  if (type == GST_TENSOR_DATA_TYPE_FLOAT16)
    memcpy (at, &halves[i], size);
  else if (type == GST_TENSOR_DATA_TYPE_FLOAT32)
    memcpy (at, &single, size);
  else if (type == GST_TENSOR_DATA_TYPE_FLOAT64)
    memcpy (at, &twice, size);
  else
    memcpy (at, &integer, size); /* little-endian */
}

static void
test_shapes (void)
{
  const gfloat x[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};

  for (guint i = 0; i < G_N_ELEMENTS (shapes); i++) {
    const gsize n = shapes[i].steps * D;
    guint8 bytes[12 * 8];
    GstBuffer *buffer = frame_new (0);
    gfloat y[4 * N];
    Rig rig;

    g_test_message ("row %u", i);
    begin_video (&rig, "");
    for (guint k = 0; k < n; k++)
      write_number (bytes + k * shapes[i].size, shapes[i].type, shapes[i].size, k);
    add_tensor (buffer, tensor_new ("features", shapes[i].type, bytes, n * shapes[i].size,
                            shapes[i].n_dims, shapes[i].dims));
    gst_buffer_unref (push_frame (&rig, buffer));
    lstm_state_run (rig.state, shapes[i].steps, x, y);
    g_array_append_vals (rig.expected_outputs, y, shapes[i].steps * N);
    rig_assert_outputs (&rig);
    rig_clear (&rig);
  }
}

/* The number of steps may change from buffer to buffer. */
static void
test_steps_vary (void)
{
  static const gsize steps[] = {1, 1, 4, 2, 1, 5};
  gsize first = 0;
  Rig rig;

  begin_video (&rig, "");
  for (guint i = 0; i < G_N_ELEMENTS (steps); first += steps[i++]) {
    push_steps (&rig, first, steps[i]);
    rig_expect_outputs (&rig, first, steps[i], steps[i]);
  }
  rig_assert_outputs (&rig);
  rig_clear (&rig);
}

static void
test_refused_tensors (void)
{
  static const struct {
    const gchar *properties;
    GstTensorDataType type;
    gsize n_dims, dims[3], bytes;
    gboolean column_major;
    const gchar *pattern;
  } cases[] = {
      {"", GST_TENSOR_DATA_TYPE_FLOAT32, 2, {1, 4}, 16, FALSE,
          "buffer: expected one tensor of ?3] or ?T, 3], *name another tensor, found a ?1, 4] float32"},
      {"input-tensor-id=a", GST_TENSOR_DATA_TYPE_FLOAT32, 2, {1, 4}, 16, FALSE,
          "buffer: tensor: expected ?3] or ?T, 3], found a ?1, 4] float32"},
      {"input-tensor-id=a", GST_TENSOR_DATA_TYPE_FLOAT32, 3, {2, 2, 3}, 48, FALSE,
          "buffer: tensor: expected ?3] or ?T, 3], found a ?2, 2, 3] float32"},
      {"input-tensor-id=a", GST_TENSOR_DATA_TYPE_FLOAT32, 2, {0, 3}, 0, FALSE,
          "buffer: tensor: expected ?3] or ?T, 3], found a ?0, 3] float32"},
      {"input-tensor-id=a", GST_TENSOR_DATA_TYPE_FLOAT32, 2, {G_MAXSIZE, 3}, 12, FALSE,
          "buffer: tensor: expected ?3] or ?T, 3], found a ?18446744073709551615, 3] float32"},
      {"", GST_TENSOR_DATA_TYPE_INT4, 2, {1, 3}, 2, FALSE,
          "buffer: tensor: expected float16, *, found a ?1, 3] int4"},
      {"", GST_TENSOR_DATA_TYPE_BFLOAT16, 2, {1, 3}, 6, FALSE, "*, found a ?1, 3] bfloat16"},
      {"", GST_TENSOR_DATA_TYPE_FLOAT32, 2, {1, 3}, 8, FALSE,
          "buffer: tensor: expected as many bytes as a ?1, 3] float32 has, found 8"},
      {"", GST_TENSOR_DATA_TYPE_FLOAT32, 2, {2147483647, 3}, 12, FALSE,
          "*as many bytes as a ?2147483647, 3] float32 has, found 12"},
      {"", GST_TENSOR_DATA_TYPE_FLOAT32, 2, {2, 3}, 24, TRUE,
          "buffer: tensor: expected *row-major order, found a ?2, 3] float32"},
  };
  static const guint8 bytes[64];

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstBuffer *buffer = frame_new (0);
    GstTensor *tensor;
    Rig rig;

    begin_video (&rig, cases[i].properties);
    tensor = tensor_new (
        "a", cases[i].type, bytes, cases[i].bytes, cases[i].n_dims, cases[i].dims);
    if (cases[i].column_major)
      tensor->dims_order = GST_TENSOR_DIM_ORDER_COL_MAJOR;
    add_tensor (buffer, tensor);
    g_assert_cmpint (gst_harness_push (rig.harness, buffer), ==, GST_FLOW_ERROR);
    assert_error_posted (rig.bus, cases[i].pattern);
    rig_clear (&rig);
  }
}

/* --- Several tensors --- */

static void
test_ids (void)
{
  const gsize dims[] = {1, D}, other[] = {1, 5};
  const gfloat none[5] = {9, 9, 9, 9, 9};

  for (guint named = 0; named < 2; named++) {
    GstBuffer *buffer, *out;
    Rig rig;

    begin_video (&rig, named ? "input-tensor-id=b" : "");
    buffer = frame_new (0);
    add_tensor (buffer, tensor_new ("other", GST_TENSOR_DATA_TYPE_FLOAT32, none, 20, 2, other));
    add_tensor (
        buffer, tensor_new ("b", GST_TENSOR_DATA_TYPE_FLOAT32, rig.x.items, 12, 2, dims));
    if (named)
      add_tensor (buffer, tensor_new ("a", GST_TENSOR_DATA_TYPE_FLOAT32, none, 12, 2, dims));
    out = push_frame (&rig, buffer);
    rig_expect_outputs (&rig, 0, 1, 1);
    rig_assert_outputs (&rig);
    g_assert_nonnull (find_tensor (out, "other"));
    g_assert_nonnull (find_tensor (out, "b"));
    gst_buffer_unref (out);
    rig_clear (&rig);
  }
}

static void
test_ambiguous (void)
{
  GstBuffer *buffer;
  Rig rig;

  begin_video (&rig, "");
  buffer = step_frame_new (&rig, "a", 0, 1);
  add_tensor (buffer,
      tensor_new ("b", GST_TENSOR_DATA_TYPE_FLOAT32, rig.x.items, 12, 1, (const gsize[]){3}));
  g_assert_cmpint (gst_harness_push (rig.harness, buffer), ==, GST_FLOW_ERROR);
  assert_error_posted (
      rig.bus, "*input-tensor-id to select one, found a ?1, 3? float32, b ?3? float32");
  rig_clear (&rig);
}

/* --- Output --- */

/* The media pass with the same memory and metas, also if the buffer has a second reference. */
static void
test_in_place (void)
{
  for (guint shared = 0; shared < 2; shared++) {
    g_autoptr (GstCaps) timestamps = gst_caps_new_empty_simple ("timestamp/x-test");
    GstBuffer *buffer, *out;
    GstMemory *pixels;
    Rig rig;

    begin_video (&rig, "");
    buffer = step_frame_new (&rig, "features", 0, 1);
    pixels = gst_buffer_peek_memory (buffer, 0);
    gst_buffer_add_reference_timestamp_meta (buffer, timestamps, 7, 8);
    GST_BUFFER_OFFSET (buffer) = 5;
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_MARKER);
    if (shared)
      gst_buffer_ref (buffer);
    out = push_frame (&rig, buffer);
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

  begin_video (&rig, "output-tensor-id=mood emit=output+hidden+cell+gates");
  out = push_frame (&rig, step_frame_new (&rig, "features", 0, 2));
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
  push_steps (&rig, 0, 1);
  rig_expect_outputs (&rig, 0, 1, 1);
  rig_assert_outputs (&rig);
  rig_clear (&rig);
}

/* The output of a window is attached to the frame that completes the window. */
static void
test_window (void)
{
  Rig rig;

  begin_video (&rig, "output-mode=window window-length=3 window-hop=2");
  for (guint i = 0; i < 8; i++) {
    GstBuffer *out = push_frame (&rig, step_frame_new (&rig, "features", i, 1));
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
  push_steps (&rig, 0, 7);
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

  begin_video (&rig, "output-mode=final");
  push_steps (&rig, 0, 1);
  push_steps (&rig, 1, 2); /* two steps share a duration of 1000 */
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

/* --- Frames without the tensor --- */

static void
test_gaps (void)
{
  static const struct {
    const gchar *properties;
    guint zeros; /* steps of zeros that a gap adds */
    gboolean resets;
  } cases[] = {
      {"input-tensor-id=features", 0, FALSE},
      {"", 0, FALSE},
      {"gap-policy=zero-step", 1, FALSE},
      {"reset-on=gap", 0, TRUE},
  };
  static const gfloat zeros[D];

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GstStructure) stats = NULL;
    guint64 gaps = 0;
    GstBuffer *out;
    gfloat y[N];
    Rig rig;

    begin_video (&rig, cases[i].properties);
    push_steps (&rig, 0, 1);
    rig_expect_outputs (&rig, 0, 1, 1);
    out = push_frame (&rig, frame_new (1));
    g_assert_null (gst_buffer_get_tensor_meta (out));
    gst_buffer_unref (out);
    if (cases[i].resets)
      rig_expect_reset (&rig);
    for (guint k = 0; k < cases[i].zeros; k++)
      lstm_state_run (rig.state, 1, zeros, y);
    push_steps (&rig, 2, 1);
    rig_expect_outputs (&rig, 2, 1, 1);
    rig_assert_outputs (&rig);
    g_object_get (rig.lstm, "stats", &stats, NULL);
    g_assert_true (gst_structure_get_uint64 (stats, "gaps", &gaps));
    g_assert_cmpuint (gaps, ==, 1);
    g_assert_null (gst_bus_pop_filtered (rig.bus, GST_MESSAGE_WARNING));
    rig_clear (&rig);
  }
}

/* A step of zeros completes a window. The output is attached to the frame, or dropped if a GAP
 * event has no frame. */
static void
test_gap_in_window (void)
{
  static const gfloat zeros[D];
  GstBuffer *out;
  gfloat y[2 * N];
  Rig rig;

  begin_video (&rig, "output-mode=window window-length=2 gap-policy=zero-step");
  push_steps (&rig, 0, 1);
  rig_push_event (&rig, gst_event_new_gap (1000, GST_CLOCK_TIME_NONE));
  g_assert_cmpuint (rig.outputs->len, ==, 0);
  push_steps (&rig, 2, 1);
  lstm_state_run (rig.state, 1, zeros, y);
  rig_expect_outputs (&rig, 2, 1, 1);
  out = push_frame (&rig, frame_new (3));
  g_assert_nonnull (find_tensor (out, "lstm-output"));
  gst_buffer_unref (out);
  rig_expect_reset (&rig);
  lstm_state_run (rig.state, 1, rig.x.items + 2 * D, y);
  lstm_state_run (rig.state, 1, zeros, y);
  g_array_append_vals (rig.expected_outputs, y, N);
  rig_assert_outputs (&rig);
  rig_clear (&rig);
}

/* Frames without any tensor cause one warning: perhaps no element attaches tensors. */
static void
test_first_gap_warns (void)
{
  Rig rig;

  begin_video (&rig, "input-tensor-id=features");
  for (guint i = 0; i < 3; i++)
    gst_buffer_unref (push_frame (&rig, frame_new (i)));
  assert_warning_posted (rig.bus, "buffer: expected a tensor features, found none*");
  g_assert_null (gst_bus_pop_filtered (rig.bus, GST_MESSAGE_WARNING));
  rig_clear (&rig);
}

static void
test_outside (void)
{
  GstBuffer *out;
  Rig rig;

  begin_video (&rig, "");
  rig_push_segment_range (&rig, 0, 500);
  out = push_frame (
      &rig, step_frame_new (&rig, "features", 2, 1)); /* passes, as in every filter */
  g_assert_null (find_tensor (out, "lstm-output"));
  gst_buffer_unref (out);
  g_assert_cmpuint (rig_get_steps (&rig), ==, 0);
  rig_clear (&rig);
}

/* The element forwards allocation queries to downstream. */
static void
test_allocation (void)
{
  g_autoptr (GstCaps) caps = gst_caps_from_string (VIDEO);
  g_autoptr (GstQuery) query = gst_query_new_allocation (caps, TRUE);
  Rig rig;

  begin_video (&rig, "");
  gst_harness_add_propose_allocation_meta (rig.harness, GST_TENSOR_META_API_TYPE, NULL);
  push_steps (&rig, 0, 1);
  g_assert_true (gst_pad_peer_query (rig.harness->srcpad, query));
  g_assert_true (gst_query_find_allocation_meta (query, GST_TENSOR_META_API_TYPE, NULL));
  rig_clear (&rig);
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm-media/shapes", test_shapes},
      {"/lstm-media/steps-vary", test_steps_vary},
      {"/lstm-media/refused-tensors", test_refused_tensors},
      {"/lstm-media/ids", test_ids},
      {"/lstm-media/ambiguous", test_ambiguous},
      {"/lstm-media/in-place", test_in_place},
      {"/lstm-media/emit", test_emit},
      {"/lstm-media/no-id", test_no_id},
      {"/lstm-media/window", test_window},
      {"/lstm-media/final", test_final},
      {"/lstm-media/gaps", test_gaps},
      {"/lstm-media/gap-in-window", test_gap_in_window},
      {"/lstm-media/first-gap-warns", test_first_gap_warns},
      {"/lstm-media/outside", test_outside},
      {"/lstm-media/allocation", test_allocation},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
