/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * per-object=true: properties, caps and frames that the element refuses, and its warnings. */
#include "objects-rig.h"
#include <string.h>

/* --- Properties and caps --- */

static void
test_refused_properties (void)
{
  static const struct {
    const gchar *folder; /* nullable: the model of the rig, with 8 inputs */
    const gchar *properties, *pattern;
  } cases[] = {
      {NULL, "state-location=state.safetensors",
          "property state-location: expected none, because per-object is true*, found "
          "state.safetensors"},
      {NULL, "axes=streams-steps",
          "property axes: expected auto, because per-object is true *, found streams-steps"},
      {"lstm/long-no-bias/model.safetensors", "object-features=box",
          "property object-features: expected tensor, because the model has 3 inputs and a box "
          "has 8 values, found box"},
      {"variants/torch-bidirectional-one/model.safetensors", "",
          "property per-object: expected false, because the model needs complete sequences, "
          "found true"},
      {"variants/torch-bidirectional-one/model.safetensors", "output-mode=window",
          "property per-object: expected false, because the model needs complete sequences, "
          "found true"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    ObjectsRig rig;

    objects_rig_create (&rig, cases[i].properties);
    if (cases[i].folder) {
      g_autofree gchar *path = test_vector_path (cases[i].folder);

      g_object_set (rig.lstm, "model", NULL, "model-location", path, NULL);
    }
    g_assert_cmpint (
        gst_element_set_state (rig.lstm, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_FAILURE);
    assert_error_posted (rig.bus, cases[i].pattern);
    objects_rig_clear (&rig);
  }
}

/* The caps of media pass unchanged. */
static void
test_caps (void)
{
  static const struct {
    const gchar *properties, *caps;
  } cases[] = {
      {"", OBJECT_VIDEO},
      {"emit=output+hidden",
          "video/x-raw(memory:Any),format=NV12,width=8,height=8,framerate=0/1"},
      {"object-features=box", OBJECT_VIDEO},
      {"input-tensor-id=features", "video/x-h264,width=8,height=8"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GstCaps) expected = gst_caps_from_string (cases[i].caps);
    g_autoptr (GstCaps) caps = NULL;
    ObjectsRig rig;

    objects_rig_create (&rig, cases[i].properties);
    rig.harness = gst_harness_new_with_element (rig.lstm, "sink", "src");
    objects_rig_begin_stream (&rig, cases[i].caps);
    objects_rig_push_specs (&rig, 0, NULL, 0, OBJECT_NO_TENSORS);
    caps = gst_pad_get_current_caps (rig.harness->sinkpad);
    g_assert_true (gst_caps_is_equal (caps, expected));
    objects_rig_clear (&rig);
  }
}

static void
test_refused_caps (void)
{
  static const struct {
    const gchar *properties, *caps, *pattern; /* pattern NULL: the caps do not link */
  } cases[] = {
      {"", "other/tensors,format=static,num_tensors=1,types=float32,dimensions=(string)8",
          NULL},
      {"", "audio/x-raw,format=F32LE,layout=interleaved,channels=8,rate=8000", NULL},
      {"object-features=box", "video/x-raw,format=GRAY8,height=8",
          "caps field width: expected the size of the picture in pixels, because property "
          "object-features is box, found 0"},
      {"object-features=box", "video/x-raw,format=GRAY8,width=8,height=0",
          "caps field height: expected *, found 0"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GstCaps) caps = gst_caps_from_string (cases[i].caps);
    g_autoptr (GstPad) pad = NULL;
    ObjectsRig rig;

    objects_rig_create (&rig, cases[i].properties);
    rig.harness = gst_harness_new_with_element (rig.lstm, "sink", "src");
    pad = gst_element_get_static_pad (rig.lstm, "sink");
    g_assert_cmpint (gst_pad_query_accept_caps (pad, caps), ==, cases[i].pattern != NULL);
    if (cases[i].pattern) {
      objects_rig_begin_stream (&rig, cases[i].caps);
      g_assert_cmpint (gst_harness_push (rig.harness,
                           objects_frame_new (&rig, 0, NULL, 0, OBJECT_NO_TENSORS)),
          ==, GST_FLOW_NOT_NEGOTIATED);
      assert_error_posted (rig.bus, cases[i].pattern);
    }
    objects_rig_clear (&rig);
  }
}

/* Saved states and changes of the model are refused by name. */
static void
test_refused_states (void)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static ("abc", 3);
  g_autoptr (LstmModel) other = object_model_new ();
  g_autoptr (GBytes) state = NULL;
  gboolean ok;
  ObjectsRig rig;

  objects_rig_init (&rig, "");
  objects_rig_push_specs (&rig, 0, NULL, 0, OBJECT_NO_TENSORS);
  g_signal_emit_by_name (rig.lstm, "get-state", &state);
  g_assert_null (state);
  assert_warning_posted (
      rig.bus, "get-state: h and c: property per-object: expected false, *, found true");
  g_signal_emit_by_name (rig.lstm, "set-state", bytes, &ok);
  g_assert_false (ok);
  assert_warning_posted (
      rig.bus, "set-state: property per-object: expected false, *, found true");
  g_object_set (rig.lstm, "model", other, NULL);
  assert_warning_posted (rig.bus, "the previous model stays: property model: expected state "
                                  "NULL or READY, because per-object "
                                  "is true, found the element running");
  objects_rig_clear (&rig);
}

/* --- Frames --- */

static const ObjectSpec two[] = {
    {.id = 5, .box = {1, 2, 3, 4}, .x = {1}}, {.id = 9, .box = {5, 6, 7, 8}, .x = {2}}};

static void
relate_to_second_track (GstBuffer *frame)
{
  GstAnalyticsRelationMeta *meta = gst_buffer_get_analytics_relation_meta (frame);
  GstAnalyticsTrackingMtd track;

  gst_analytics_relation_meta_add_tracking_mtd (meta, 6, 0, &track);
  gst_analytics_relation_meta_set_relation (
      meta, GST_ANALYTICS_REL_TYPE_RELATE_TO, 0, track.id);
}

/* Adds a third detection, which is related to the tracking data of the first one. */
static void
relate_to_second_detection (GstBuffer *frame)
{
  GstAnalyticsRelationMeta *meta = gst_buffer_get_analytics_relation_meta (frame);
  GstAnalyticsODMtd od;
  gpointer state = NULL;
  GstAnalyticsMtd track;

  gst_analytics_relation_meta_iterate (
      meta, &state, gst_analytics_tracking_mtd_get_mtd_type (), &track);
  gst_analytics_relation_meta_add_od_mtd (meta, 0, 0, 0, 1, 1, 1, &od);
  gst_analytics_relation_meta_set_relation (
      meta, GST_ANALYTICS_REL_TYPE_RELATE_TO, od.id, track.id);
}

/* Adds a tensor of @n values with the id @id, to which the first detection is related. */
static void
relate_to_tensor (GstBuffer *frame, const gchar *id, gsize n)
{
  GstAnalyticsRelationMeta *meta = gst_buffer_get_analytics_relation_meta (frame);
  GstBuffer *data = gst_buffer_new_wrapped (g_new0 (gfloat, n), n * sizeof (gfloat));
  gsize dims[] = {n};
  GstAnalyticsTensorMtd tensor;

  gst_analytics_relation_meta_add_tensor_mtd_simple (meta, g_quark_from_string (id),
      GST_TENSOR_DATA_TYPE_FLOAT32, data, GST_TENSOR_DIM_ORDER_ROW_MAJOR, 1, dims, &tensor);
  gst_analytics_relation_meta_set_relation (
      meta, GST_ANALYTICS_REL_TYPE_RELATE_TO, 0, tensor.id);
}

static void
relate_to_second_tensor (GstBuffer *frame)
{
  relate_to_tensor (frame, "other", OBJECT_D);
}

static void
relate_to_short_tensor (GstBuffer *frame)
{
  relate_to_tensor (frame, "short", OBJECT_D - 1);
}

static void
relate_to_output (GstBuffer *frame)
{
  relate_to_tensor (frame, "lstm-output", OBJECT_N);
}

/* Adds a detection without a row in the tensor of the frame. */
static void
add_detection (GstBuffer *frame)
{
  GstAnalyticsODMtd od;

  gst_analytics_relation_meta_add_od_mtd (
      gst_buffer_get_analytics_relation_meta (frame), 0, 0, 0, 1, 1, 1, &od);
}

static void
add_second_rows (GstBuffer *frame)
{
  GstTensor **tensors = g_new (GstTensor *, 1);
  gsize dims[] = {2, OBJECT_D};

  tensors[0] = gst_tensor_new_simple (g_quark_from_static_string ("more"),
      GST_TENSOR_DATA_TYPE_UINT8,
      gst_buffer_new_wrapped (g_malloc0 (2 * OBJECT_D), 2 * OBJECT_D),
      GST_TENSOR_DIM_ORDER_ROW_MAJOR, 2, dims);
  gst_tensor_meta_set (
      (GstTensorMeta *) gst_buffer_add_meta (frame, GST_TENSOR_META_INFO, NULL), 1, tensors);
}

static void
remove_timestamp (GstBuffer *frame)
{
  GST_BUFFER_PTS (frame) = GST_CLOCK_TIME_NONE;
}

static const struct {
  const gchar *properties;
  ObjectTensors tensors;
  void (*change) (GstBuffer *frame);
  const gchar *pattern;
} bad_frames[] = {
    {"", OBJECT_ROWS, relate_to_second_track,
        "buffer: object detection 0: expected one tracking id, found 5 and 6"},
    {"", OBJECT_ROWS, relate_to_second_detection,
        "buffer: tracking id 5: expected one object detection, found 0 and 4"},
    {"", OBJECT_ROWS, add_detection,
        "buffer: tensor rows ?2, 8? float32: expected 3 rows, one for each object detection of "
        "the frame, found 2"},
    {"", OBJECT_ROWS, add_second_rows,
        "buffer: expected one tensor of ?2, 8?, or property input-tensor-id to select one, "
        "found rows ?2, 8? float32, more ?2, 8? uint8"},
    {"", OBJECT_OWN_TENSORS, relate_to_second_tensor,
        "object 5: buffer: expected one tensor of ?8? or ?1, 8?, or property input-tensor-id "
        "to select one, found features ?1, 8? float32, other ?8? float32"},
    {"input-tensor-id=short", OBJECT_OWN_TENSORS, relate_to_short_tensor,
        "object 5: buffer: tensor: expected ?8? or ?1, 8?, found short ?7? float32"},
    {"", OBJECT_OWN_TENSORS, relate_to_output,
        "object 5: buffer: expected no tensor lstm-output, which is the id of the output, "
        "found lstm-output ?3? float32; property output-tensor-id sets another id"},
    {"", OBJECT_ROWS, remove_timestamp,
        "buffer: expected a timestamp, by which objects are timed, found none"},
};

/* A frame that cannot be read is an error, unless max-errors tolerates it. Such a frame passes
 * without outputs, and no object takes a step. */
static void
test_bad_frames (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (bad_frames); i++)
    for (guint tolerated = 0; tolerated < 2; tolerated++) {
      g_autofree gchar *properties = g_strdup_printf (
          "%s max-errors=%u", bad_frames[i].properties, tolerated);
      gfloat values[OBJECT_N];
      GstBuffer *frame;
      ObjectsRig rig;

      g_test_message ("row %u, max-errors=%u", i, tolerated);
      objects_rig_init (&rig, properties);
      frame = objects_frame_new (&rig, 0, two, 2, bad_frames[i].tensors);
      bad_frames[i].change (frame);
      if (!tolerated) {
        g_assert_cmpint (gst_harness_push (rig.harness, frame), ==, GST_FLOW_ERROR);
        assert_error_posted (rig.bus, bad_frames[i].pattern);
      } else {
        frame = objects_rig_push (&rig, frame);
        assert_warning_posted (rig.bus, bad_frames[i].pattern);
        g_assert_cmpuint (objects_read_output (frame, 1, "lstm-output", values), ==, 0);
        gst_buffer_unref (frame);
        g_assert_cmpuint (objects_rig_get_stat (&rig, "errors"), ==, 1);
      }
      g_assert_cmpuint (objects_rig_get_stat (&rig, "steps"), ==, 0);
      objects_rig_clear (&rig);
    }
}

static void
test_segment_in_bytes (void)
{
  GstSegment segment;
  ObjectsRig rig;

  objects_rig_init (&rig, "");
  gst_segment_init (&segment, GST_FORMAT_DEFAULT);
  gst_harness_push_event (rig.harness, gst_event_new_segment (&segment));
  g_assert_cmpint (
      gst_harness_push (rig.harness, objects_frame_new (&rig, 0, two, 2, OBJECT_ROWS)), ==,
      GST_FLOW_ERROR);
  assert_error_posted (
      rig.bus, "segment: expected format time, in which objects are timed, found default");
  objects_rig_clear (&rig);
}

/* --- Warnings --- */

/* Each warning is posted once. */
static void
test_warnings (void)
{
  static const struct {
    ObjectSpec spec;
    const gchar *pattern;
  } cases[] = {
      {{.id = 3, .untracked = TRUE},
          "buffer: expected object detections that are related to tracking data, *, found 1 "
          "without"},
      {{.id = 3, .unseen_for = GST_SECOND},
          "buffer: object 3: expected tracking data that were last seen in this frame, at "
          "0:00:02.000000000 (running time) or 0:00:02.000000000 (PTS), found "
          "0:00:01.000000000; the object takes no step"},
      {{.id = 3, .without_tensor = TRUE},
          "buffer: object 3: expected a related tensor ?8?, or a tensor ?1, 8? with a row for "
          "each object detection of the frame, found none, which counts as a gap"},
      {{.id = 3, .lost = TRUE}, "buffer: expected object detections that are related *"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    ObjectsRig rig;

    objects_rig_init (&rig, "");
    objects_rig_push_specs (&rig, 2 * GST_SECOND, &cases[i].spec, 1, OBJECT_OWN_TENSORS);
    assert_warning_posted (rig.bus, cases[i].pattern);
    objects_rig_push_specs (&rig, 3 * GST_SECOND, &cases[i].spec, 1, OBJECT_OWN_TENSORS);
    g_assert_cmpuint (objects_rig_get_stat (&rig, "steps"), ==, 0);
    objects_rig_clear (&rig);
  }
}

/* Objects that are forgotten from one frame to the next are a mistake of the property. */
static void
test_timeout_warning (void)
{
  ObjectsRig rig;

  objects_rig_init (&rig, "object-timeout=1000");
  for (guint i = 0; i < 3; i++)
    objects_rig_push_specs (&rig, i * OBJECT_FRAME, two, 2, OBJECT_ROWS);
  assert_warning_posted (rig.bus, "property object-timeout: expected more than the time "
                                  "between two frames, found 1000 ns*");
  objects_rig_clear (&rig);
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm-objects-errors/properties", test_refused_properties},
      {"/lstm-objects-errors/caps", test_caps},
      {"/lstm-objects-errors/refused-caps", test_refused_caps},
      {"/lstm-objects-errors/states", test_refused_states},
      {"/lstm-objects-errors/frames", test_bad_frames},
      {"/lstm-objects-errors/segment", test_segment_in_bytes},
      {"/lstm-objects-errors/warnings", test_warnings},
      {"/lstm-objects-errors/timeout", test_timeout_warning},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
