/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "objects-rig.h"
#include "../safetensors.h"
#include <string.h>

#define SEED 7

/* Appends a tensor [rows, columns], or [rows] if @columns is 0, of random values. */
static void
add_weights (TestSafetensors *st, GRand *rand, const gchar *name, gsize rows, gsize columns)
{
  const gsize shape[] = {rows, columns}, n = rows * MAX (columns, 1);
  g_autofree gfloat *values = g_new (gfloat, n);

  for (gsize i = 0; i < n; i++)
    values[i] = (gfloat) g_rand_double_range (rand, -0.7, 0.7);
  test_safetensors_add (st, name, columns ? 2 : 1, shape, values);
}

LstmModel *
object_model_new (void)
{
  TestSafetensors st = test_safetensors_begin (NULL);
  GRand *rand = g_rand_new_with_seed (SEED);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  LstmModel *model;

  add_weights (&st, rand, "lstm.weight_ih_l0", 4 * OBJECT_M, OBJECT_D);
  add_weights (&st, rand, "lstm.weight_hh_l0", 4 * OBJECT_M, OBJECT_M);
  add_weights (&st, rand, "lstm.bias_ih_l0", 4 * OBJECT_M, 0);
  add_weights (&st, rand, "lstm.bias_hh_l0", 4 * OBJECT_M, 0);
  add_weights (&st, rand, "fc.weight", OBJECT_N, OBJECT_M);
  add_weights (&st, rand, "fc.bias", OBJECT_N, 0);
  g_rand_free (rand);
  bytes = test_safetensors_finish (&st);
  model = lstm_model_load_bytes_full (
      bytes, "objects", LSTM_PRECISION_FLOAT32, "lstm, fc", &error);
  g_assert_no_error (error);
  return model;
}

void
objects_rig_create (ObjectsRig *rig, const gchar *properties)
{
  g_autofree gchar *line = g_strdup_printf ("lstm per-object=true %s", properties);
  g_autoptr (GError) error = NULL;

  *rig = (ObjectsRig){.model = object_model_new ()};
  rig->lstm = gst_object_ref_sink (gst_parse_launch (line, &error));
  g_assert_no_error (error);
  g_object_set (rig->lstm, "model", rig->model, NULL);
  rig->bus = gst_bus_new ();
  gst_element_set_bus (rig->lstm, rig->bus);
}

void
objects_rig_begin_stream (ObjectsRig *rig, const gchar *text)
{
  g_autoptr (GstCaps) caps = gst_caps_from_string (text);
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.base = rig->base;
  gst_harness_push_event (rig->harness, gst_event_new_stream_start ("objects"));
  gst_harness_push_event (rig->harness, gst_event_new_caps (caps));
  gst_harness_push_event (rig->harness, gst_event_new_segment (&segment));
}

void
objects_rig_init (ObjectsRig *rig, const gchar *properties)
{
  objects_rig_create (rig, properties);
  rig->harness = gst_harness_new_with_element (rig->lstm, "sink", "src");
  objects_rig_begin_stream (rig, OBJECT_VIDEO);
}

void
objects_rig_start_after (ObjectsRig *rig, GstElement *upstream)
{
  GstElement *bin = gst_bin_new (NULL);
  g_autoptr (GstPad) sink = gst_element_get_static_pad (upstream, "sink");
  g_autoptr (GstPad) src = gst_element_get_static_pad (rig->lstm, "src");

  gst_bin_add_many (GST_BIN (bin), upstream, rig->lstm, NULL);
  g_assert_true (gst_element_link (upstream, rig->lstm));
  gst_element_add_pad (bin, gst_ghost_pad_new ("sink", sink));
  gst_element_add_pad (bin, gst_ghost_pad_new ("src", src));
  gst_element_set_bus (rig->lstm, rig->bus); /* instead of the bus of the bin */
  gst_object_ref_sink (bin);
  rig->harness = gst_harness_new_with_element (bin, "sink", "src");
  gst_object_unref (bin);
  objects_rig_begin_stream (rig, OBJECT_VIDEO);
}

void
objects_rig_clear (ObjectsRig *rig)
{
  GstMessage *message = gst_bus_pop_filtered (
      rig->bus, GST_MESSAGE_ERROR | GST_MESSAGE_WARNING);

  if (message)
    g_error ("%s", gst_structure_to_string (gst_message_get_structure (message)));
  gst_element_set_bus (rig->lstm, NULL);
  if (rig->harness)
    gst_harness_teardown (rig->harness);
  gst_element_set_state (rig->lstm, GST_STATE_NULL);
  gst_object_unref (rig->lstm);
  gst_object_unref (rig->bus);
  lstm_model_unref (rig->model);
}

/* --- Frames --- */

static GstAnalyticsMtd
get_mtd (GstAnalyticsRelationMeta *meta, guint id)
{
  return (GstAnalyticsMtd){.id = id, .meta = meta};
}

/* Relates the object detection @od and @other in the direction of @spec. */
static void
relate (GstAnalyticsRelationMeta *meta, const ObjectSpec *spec, guint od, guint other)
{
  g_assert_true (
      gst_analytics_relation_meta_set_relation (meta, GST_ANALYTICS_REL_TYPE_RELATE_TO,
          spec->from_track ? other : od, spec->from_track ? od : other));
}

static void
add_tracking (
    GstAnalyticsRelationMeta *meta, const ObjectSpec *spec, guint od, GstClockTime now)
{
  GstAnalyticsTrackingMtd track;

  gst_analytics_relation_meta_add_tracking_mtd (meta, spec->id, 0, &track);
  gst_analytics_tracking_mtd_update_last_seen (&track, now - spec->unseen_for);
  if (spec->lost)
    gst_analytics_tracking_mtd_set_lost (&track);
  relate (meta, spec, od, track.id);
}

static void
add_own_tensor (GstAnalyticsRelationMeta *meta, const ObjectSpec *spec, guint od)
{
  gsize dims[] = {1, OBJECT_D};
  GstBuffer *data = gst_buffer_new_memdup (spec->x, sizeof spec->x);
  GstAnalyticsTensorMtd tensor;

  gst_analytics_relation_meta_add_tensor_mtd_simple (meta,
      g_quark_from_static_string ("features"), GST_TENSOR_DATA_TYPE_FLOAT32, data,
      GST_TENSOR_DIM_ORDER_ROW_MAJOR, 2, dims, &tensor);
  relate (meta, spec, od, tensor.id);
}

static void
add_rows (GstBuffer *frame, const ObjectSpec *specs, guint n, gboolean as_mtd)
{
  const GQuark id = g_quark_from_static_string ("rows");
  const gsize row_bytes = OBJECT_D * sizeof (gfloat);
  GstBuffer *data = gst_buffer_new_and_alloc (n * row_bytes);
  GstTensor **tensors = g_new (GstTensor *, 1);
  gsize dims[] = {n, OBJECT_D};

  for (guint i = 0; i < n; i++)
    gst_buffer_fill (data, i * row_bytes, specs[i].x, row_bytes);
  if (as_mtd) {
    g_free (tensors);
    gst_analytics_relation_meta_add_tensor_mtd_simple (
        gst_buffer_get_analytics_relation_meta (frame), id, GST_TENSOR_DATA_TYPE_FLOAT32, data,
        GST_TENSOR_DIM_ORDER_ROW_MAJOR, 2, dims, NULL);
    return;
  }
  tensors[0] = gst_tensor_new_simple (
      id, GST_TENSOR_DATA_TYPE_FLOAT32, data, GST_TENSOR_DIM_ORDER_ROW_MAJOR, 2, dims);
  gst_tensor_meta_set (gst_buffer_add_tensor_meta (frame), 1, tensors);
}

GstBuffer *
objects_frame_new (const ObjectsRig *rig, GstClockTime pts, const ObjectSpec *specs, guint n,
    ObjectTensors tensors)
{
  GstBuffer *frame = gst_buffer_new_memdup ("abcd", 4);
  GstAnalyticsRelationMeta *meta;

  GST_BUFFER_PTS (frame) = pts;
  GST_BUFFER_DURATION (frame) = OBJECT_FRAME;
  meta = gst_buffer_add_analytics_relation_meta (frame);
  for (guint i = 0; i < n; i++) {
    const ObjectSpec *spec = &specs[i];
    GstAnalyticsODMtd od;

    gst_analytics_relation_meta_add_od_mtd (
        meta, 0, spec->box[0], spec->box[1], spec->box[2], spec->box[3], 1, &od);
    if (tensors == OBJECT_OWN_TENSORS && !spec->without_tensor)
      add_own_tensor (meta, spec, od.id);
    if (!spec->untracked)
      add_tracking (meta, spec, od.id, rig->base + pts);
  }
  if (tensors >= OBJECT_ROWS && n > 0)
    add_rows (frame, specs, n, tensors == OBJECT_ROWS_MTD);
  return frame;
}

GstBuffer *
objects_rig_push (ObjectsRig *rig, GstBuffer *frame)
{
  g_assert_cmpint (gst_harness_push (rig->harness, frame), ==, GST_FLOW_OK);
  return gst_harness_pull (rig->harness);
}

void
objects_rig_push_specs (
    ObjectsRig *rig, GstClockTime pts, const ObjectSpec *specs, guint n, ObjectTensors tensors)
{
  gst_buffer_unref (objects_rig_push (rig, objects_frame_new (rig, pts, specs, n, tensors)));
}

/* --- Output --- */

/* Returns the id of the detection with the index @i. */
static guint
find_detection (GstAnalyticsRelationMeta *meta, guint i)
{
  gpointer state = NULL;
  GstAnalyticsMtd od;

  do
    g_assert_true (gst_analytics_relation_meta_iterate (
        meta, &state, gst_analytics_od_mtd_get_mtd_type (), &od));
  while (i-- > 0);
  return od.id;
}

gsize
objects_read_output (GstBuffer *buffer, guint i, const gchar *tensor_id, gfloat *values)
{
  GstAnalyticsRelationMeta *meta = gst_buffer_get_analytics_relation_meta (buffer);
  const GstAnalyticsMtd od = get_mtd (meta, find_detection (meta, i));
  gpointer state = NULL;
  GstAnalyticsMtd mtd;
  gsize n = 0;

  while (gst_analytics_relation_meta_get_direct_related (meta, od.id,
      GST_ANALYTICS_REL_TYPE_RELATE_TO, gst_analytics_tensor_mtd_get_mtd_type (), &state,
      &mtd)) {
    const GstTensor *tensor = gst_analytics_tensor_mtd_get_tensor (&mtd);

    if (tensor->id != g_quark_from_string (tensor_id))
      continue;
    g_assert_cmpuint (n, ==, 0);
    g_assert_cmpint (tensor->data_type, ==, GST_TENSOR_DATA_TYPE_FLOAT32);
    g_assert_cmpuint (tensor->dims[0], ==, 1);
    n = 1;
    for (gsize k = 0; k < tensor->num_dims; k++)
      n *= tensor->dims[k];
    g_assert_cmpuint (gst_buffer_extract (tensor->data, 0, values, n * sizeof (gfloat)), ==,
        n * sizeof (gfloat));
  }
  return n;
}

guint64
objects_read_id (GstBuffer *buffer, guint i)
{
  GstAnalyticsRelationMeta *meta = gst_buffer_get_analytics_relation_meta (buffer);
  GstClockTime first_seen, last_seen;
  GstAnalyticsMtd track;
  gboolean is_lost;
  guint64 id;

  g_assert_true (gst_analytics_relation_meta_get_direct_related (meta, find_detection (meta, i),
      GST_ANALYTICS_REL_TYPE_RELATE_TO, gst_analytics_tracking_mtd_get_mtd_type (), NULL,
      &track));
  gst_analytics_tracking_mtd_get_info (&track, &id, &first_seen, &last_seen, &is_lost);
  return id;
}

guint64
objects_rig_get_stat (ObjectsRig *rig, const gchar *field)
{
  g_autoptr (GstStructure) stats = NULL;
  guint64 value;

  g_object_get (rig->lstm, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, field, &value));
  return value;
}

GstMessage *
objects_rig_pop_final (ObjectsRig *rig)
{
  GstMessage *message;

  while ((message = gst_bus_pop_filtered (rig->bus, GST_MESSAGE_ELEMENT))) {
    if (gst_message_has_name (message, "lstm-final"))
      return message;
    gst_message_unref (message);
  }
  return NULL;
}

gsize
objects_read_final (GstMessage *final, const gchar *field, gfloat *values)
{
  const GValue *array = gst_structure_get_value (gst_message_get_structure (final), field);

  g_assert_nonnull (array);
  for (guint i = 0; i < gst_value_array_get_size (array); i++)
    values[i] = g_value_get_float (gst_value_array_get_value (array, i));
  return gst_value_array_get_size (array);
}
