/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * `lstm` with tensors in metas of media buffers, as GStreamer's analytics elements attach them:
 * tensors that it accepts and refuses, and frames without tensors. */
#include "media-rig.h"

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
    media_rig_begin (&rig, "");
    for (guint k = 0; k < n; k++)
      write_number (bytes + k * shapes[i].size, shapes[i].type, shapes[i].size, k);
    add_tensor (buffer, tensor_new ("features", shapes[i].type, bytes, n * shapes[i].size,
                            shapes[i].n_dims, shapes[i].dims));
    gst_buffer_unref (media_rig_push (&rig, buffer));
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

  media_rig_begin (&rig, "");
  for (guint i = 0; i < G_N_ELEMENTS (steps); first += steps[i++]) {
    media_rig_push_steps (&rig, first, steps[i]);
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
          "buffer: tensor: expected ?3] or ?T, 3], or property axes*, found a ?2, 2, 3] float32"},
      {"input-tensor-id=a", GST_TENSOR_DATA_TYPE_FLOAT32, 2, {0, 3}, 0, FALSE,
          "buffer: tensor: expected ?3] or ?T, 3], found a ?0, 3] float32"},
      {"input-tensor-id=a", GST_TENSOR_DATA_TYPE_FLOAT32, 2, {G_MAXSIZE, 3}, 12, FALSE,
          "buffer: tensor: expected ?3] or ?T, 3], found a ?18446744073709551615, 3] float32"},
      {"input-tensor-id=a", GST_TENSOR_DATA_TYPE_FLOAT32, 0, {0}, 12, FALSE,
          "buffer: tensor: expected ?3] or ?T, 3], found a ?] float32"},
      {"input-tensor-id=a", GST_TENSOR_DATA_TYPE_FLOAT32, 2, {1, G_MAXSIZE / 4 + 1}, 12, FALSE,
          "buffer: tensor: expected ?3] or ?T, 3], found a ?1, 4611686018427387904] float32"},
      {"input-tensor-id=a", (GstTensorDataType) 99, 2, {1, 3}, 12, FALSE,
          "buffer: tensor: expected float16, *, found a ?1, 3] unknown"},
      {"", GST_TENSOR_DATA_TYPE_INT4, 2, {1, 3}, 2, FALSE,
          "buffer: tensor: expected float16, *, found a ?1, 3] int4"},
      {"", GST_TENSOR_DATA_TYPE_BFLOAT16, 2, {1, 3}, 6, FALSE, "*, found a ?1, 3] bfloat16"},
      {"", GST_TENSOR_DATA_TYPE_FLOAT32, 2, {1, 3}, 8, FALSE,
          "buffer: tensor: expected as many bytes as a ?1, 3] float32 has, found 8"},
      {"", GST_TENSOR_DATA_TYPE_FLOAT32, 2, {2147483647, 3}, 12, FALSE,
          "*as many bytes as a ?2147483647, 3] float32 has, found 12"},
      {"", GST_TENSOR_DATA_TYPE_FLOAT32, 2, {2, 3}, 24, TRUE,
          "buffer: tensor: expected *dims-order 0 (row-major), found a ?2, 3] float32 with "
          "layout 0 and dims-order 1"},
  };
  static const guint8 bytes[64];

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstBuffer *buffer = frame_new (0);
    GstTensor *tensor;
    Rig rig;

    media_rig_begin (&rig, cases[i].properties);
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

/* A tensor may have neither data nor an id. */
static void
test_no_data (void)
{
  static const gsize dims[] = {1, D};
  GstTensor *tensor = tensor_new ("a", GST_TENSOR_DATA_TYPE_FLOAT32, NULL, 0, 2, dims);
  GstBuffer *buffer = frame_new (0);
  Rig rig;

  media_rig_begin (&rig, "");
  gst_clear_buffer (&tensor->data);
  tensor->id = 0;
  add_tensor (buffer, tensor);
  g_assert_cmpint (gst_harness_push (rig.harness, buffer), ==, GST_FLOW_ERROR);
  assert_error_posted (
      rig.bus, "buffer: tensor: expected as many bytes as (no id) ?1, 3] float32 has, found 0");
  rig_clear (&rig);
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

    media_rig_begin (&rig, named ? "input-tensor-id=b" : "");
    buffer = frame_new (0);
    add_tensor (buffer, tensor_new ("other", GST_TENSOR_DATA_TYPE_FLOAT32, none, 20, 2, other));
    add_tensor (
        buffer, tensor_new ("b", GST_TENSOR_DATA_TYPE_FLOAT32, rig.x.items, 12, 2, dims));
    if (named)
      add_tensor (buffer, tensor_new ("a", GST_TENSOR_DATA_TYPE_FLOAT32, none, 12, 2, dims));
    out = media_rig_push (&rig, buffer);
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

  media_rig_begin (&rig, "");
  buffer = step_frame_new (&rig, "a", 0, 1);
  add_tensor (buffer,
      tensor_new ("b", GST_TENSOR_DATA_TYPE_FLOAT32, rig.x.items, 12, 1, (const gsize[]){3}));
  g_assert_cmpint (gst_harness_push (rig.harness, buffer), ==, GST_FLOW_ERROR);
  assert_error_posted (
      rig.bus, "*input-tensor-id to select one, found a ?1, 3? float32, b ?3? float32");
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

    media_rig_begin (&rig, cases[i].properties);
    media_rig_push_steps (&rig, 0, 1);
    rig_expect_outputs (&rig, 0, 1, 1);
    out = media_rig_push (&rig, frame_new (1));
    g_assert_null (gst_buffer_get_tensor_meta (out));
    gst_buffer_unref (out);
    if (cases[i].resets)
      rig_expect_reset (&rig);
    for (guint k = 0; k < cases[i].zeros; k++)
      lstm_state_run (rig.state, 1, zeros, y);
    media_rig_push_steps (&rig, 2, 1);
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

  media_rig_begin (&rig, "output-mode=window window-length=2 gap-policy=zero-step");
  media_rig_push_steps (&rig, 0, 1);
  rig_push_event (&rig, gst_event_new_gap (1000, GST_CLOCK_TIME_NONE));
  g_assert_cmpuint (rig.outputs->len, ==, 0);
  media_rig_push_steps (&rig, 2, 1);
  lstm_state_run (rig.state, 1, zeros, y);
  rig_expect_outputs (&rig, 2, 1, 1);
  out = media_rig_push (&rig, frame_new (3));
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

  media_rig_begin (&rig, "input-tensor-id=features");
  for (guint i = 0; i < 3; i++)
    gst_buffer_unref (media_rig_push (&rig, frame_new (i)));
  assert_warning_posted (rig.bus, "buffer: expected a tensor features, found none*");
  g_assert_null (gst_bus_pop_filtered (rig.bus, GST_MESSAGE_WARNING));
  rig_clear (&rig);
}

static void
test_outside (void)
{
  GstBuffer *out;
  Rig rig;

  media_rig_begin (&rig, "");
  rig_push_segment_range (&rig, 0, 500);
  out = media_rig_push (
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

  media_rig_begin (&rig, "");
  gst_harness_add_propose_allocation_meta (rig.harness, GST_TENSOR_META_API_TYPE, NULL);
  media_rig_push_steps (&rig, 0, 1);
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
      {"/lstm-media/no-data", test_no_data},
      {"/lstm-media/ids", test_ids},
      {"/lstm-media/ambiguous", test_ambiguous},
      {"/lstm-media/gaps", test_gaps},
      {"/lstm-media/gap-in-window", test_gap_in_window},
      {"/lstm-media/first-gap-warns", test_first_gap_warns},
      {"/lstm-media/outside", test_outside},
      {"/lstm-media/allocation", test_allocation},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
