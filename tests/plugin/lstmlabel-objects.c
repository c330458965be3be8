/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * `lstmlabel` with scores of objects, in GstAnalyticsTensorMtd that object detections are related
 * to. Random objects appear, disappear and return, in any order. */
#include "npy-files.h"
#include <gst/analytics/analytics.h>
#include <gst/video/gstvideometa.h>

#define VIDEO "video/x-raw,format=GRAY8,width=40,height=20,framerate=30/1"
#define N_LABELS 3
#define N_OBJECTS 40
#define N_FRAMES 2000
#define MAX_STEPS 3
#define MAX_DETECTIONS 12
#define FORGET_FRAMES 300 /* documented in docs/elements/lstmlabel.md */
#define THRESHOLD 0.4
#define NO_LABEL (-1)
#define UNKNOWN (-2) /* no previous label */

static const gchar *const labels[N_LABELS] = {"a", "b", "c"};

typedef struct {
  GstHarness *harness;
  GstBus *bus;
  gchar *dir;
  GRand *rand;
  guint64 frame;
  struct {
    gint index;
    guint64 frame;
  } previous[N_OBJECTS + 1]; /* the last one: of the picture */
} ObjectRig;

static void
object_rig_init (ObjectRig *rig, const gchar *properties)
{
  g_autofree gchar *location = NULL;
  g_autofree gchar *line = NULL;

  *rig = (ObjectRig){.dir = test_dir_new (), .rand = g_rand_new_with_seed (7)};
  for (guint i = 0; i <= N_OBJECTS; i++)
    rig->previous[i].index = UNKNOWN;
  location = g_build_filename (rig->dir, "labels", NULL);
  g_assert_true (g_file_set_contents (location, "a\nb\nc\n", -1, NULL));
  line = g_strdup_printf ("lstmlabel labels-location=%s %s", location, properties);
  rig->harness = gst_harness_new_parse (line);
  rig->bus = gst_bus_new ();
  gst_element_set_bus (rig->harness->element, rig->bus);
  gst_harness_set_src_caps_str (rig->harness, VIDEO);
}

static void
object_rig_clear (ObjectRig *rig)
{
  gst_element_set_bus (rig->harness->element, NULL);
  gst_harness_teardown (rig->harness);
  gst_object_unref (rig->bus);
  g_rand_free (rig->rand);
  test_dir_remove (rig->dir);
}

/* Returns: (transfer full): a frame with a relation meta */
static GstBuffer *
frame_new (ObjectRig *rig, GstAnalyticsRelationMeta **relations)
{
  GstBuffer *frame = gst_buffer_new_allocate (NULL, 40 * 20, NULL);

  GST_BUFFER_PTS (frame) = rig->frame * 6000;
  GST_BUFFER_DURATION (frame) = 6000;
  *relations = gst_buffer_add_analytics_relation_meta (frame);
  return frame;
}

/* Relates detection @detection to a tensor of @n scores per step. @scores: (steps, n) */
static void
add_scores (GstAnalyticsRelationMeta *relations, guint detection, const gchar *id, gsize n_dims,
    const gfloat *scores, gsize steps, gsize n)
{
  gsize dims[] = {steps, n};
  GstAnalyticsTensorMtd tensor;

  g_assert_true (gst_analytics_relation_meta_add_tensor_mtd_simple (relations,
      g_quark_from_string (id), GST_TENSOR_DATA_TYPE_FLOAT32,
      gst_buffer_new_memdup (scores, steps * n * sizeof *scores),
      GST_TENSOR_DIM_ORDER_ROW_MAJOR, n_dims, dims + 2 - n_dims, &tensor));
  g_assert_true (gst_analytics_relation_meta_set_relation (
      relations, GST_ANALYTICS_REL_TYPE_RELATE_TO, detection, tensor.id));
}

/* Returns: the id of a new object detection, which is related to a track if @object is not
 * N_OBJECTS */
static guint
add_detection (GstAnalyticsRelationMeta *relations, guint object)
{
  GstAnalyticsODMtd detection;
  GstAnalyticsTrackingMtd tracking;

  g_assert_true (gst_analytics_relation_meta_add_od_mtd (
      relations, g_quark_from_string ("thing"), 1, 2, 3, 4, .5f, &detection));
  if (object == N_OBJECTS)
    return detection.id;
  g_assert_true (
      gst_analytics_relation_meta_add_tracking_mtd (relations, 1000 + object, 0, &tracking));
  g_assert_true (gst_analytics_relation_meta_set_relation (
      relations, GST_ANALYTICS_REL_TYPE_RELATE_TO, detection.id, tracking.id));
  return detection.id;
}

/* Sets @scores to random scores, sometimes with no label. Returns the index of the label. */
static gint
draw_scores (ObjectRig *rig, gfloat *scores)
{
  gint index = g_rand_int_range (rig->rand, 0, N_LABELS);

  for (guint i = 0; i < N_LABELS; i++)
    scores[i] = (gfloat) g_rand_double_range (rig->rand, 0, THRESHOLD - 0.1);
  if (g_rand_int_range (rig->rand, 0, 8) == 0)
    return NO_LABEL;
  scores[index] = (gfloat) g_rand_double_range (rig->rand, THRESHOLD + 0.1, 1);
  return index;
}

/* Appends the message of the step at @pts if the label @index is new for @object. */
static void
expect_label (ObjectRig *rig, GString *messages, guint object, gint index, GstClockTime pts)
{
  const gboolean is_known = rig->frame - rig->previous[object].frame <= FORGET_FRAMES;

  if (object == N_OBJECTS)
    return;
  if (!is_known || rig->previous[object].index != index)
    g_string_append_printf (messages, "%u:%s@%" G_GUINT64_FORMAT " ", 1000 + object,
        index == NO_LABEL ? "" : labels[index], pts);
  rig->previous[object].index = index;
  rig->previous[object].frame = rig->frame;
}

/* Adds random steps to detection @detection of @object, and appends the expected messages.
 * Returns the index of the last label. */
static gint
add_random_steps (ObjectRig *rig, GstAnalyticsRelationMeta *relations, guint detection,
    guint object, GString *messages)
{
  const gsize steps = (gsize) g_rand_int_range (rig->rand, 1, MAX_STEPS + 1);
  gfloat scores[MAX_STEPS][N_LABELS] = {{0, 0, 1}};
  gint index = NO_LABEL;

  if (g_rand_boolean (rig->rand)) /* the last tensor of an object counts */
    add_scores (relations, detection, "lstm-output", 2, scores[0], 1, N_LABELS);
  for (gsize i = 0; i < steps; i++) {
    index = draw_scores (rig, scores[i]);
    expect_label (
        rig, messages, object, index, rig->frame * 6000 + (GstClockTime) (i * 6000 / steps));
  }
  add_scores (relations, detection, "lstm-output",
      steps == 1 && g_rand_boolean (rig->rand) ? 1 : 2, scores[0], steps, N_LABELS);
  return index;
}

/* Returns: (transfer full): a frame with random objects. Appends the expected classification of
 * each detection to @classes, and the expected messages to @messages. */
static GstBuffer *
random_frame_new (ObjectRig *rig, GString *classes, GString *messages)
{
  static const gfloat other[N_LABELS] = {1, 0, 0};
  gboolean is_used[N_OBJECTS + 1] = {FALSE};
  GstAnalyticsRelationMeta *relations;
  GstBuffer *frame = frame_new (rig, &relations);
  const gint n = g_rand_int_range (rig->rand, 0, MAX_DETECTIONS);

  for (gint i = 0; i < n; i++) {
    /* Most objects are rare, so that some are forgotten. The last number is an untracked object. */
    const guint object = (guint) g_rand_int_range (
        rig->rand, 0, g_rand_int_range (rig->rand, 0, 100) ? 10 : N_OBJECTS + 1);
    gint index = NO_LABEL;
    guint detection;

    if (is_used[object])
      continue;
    is_used[object] = object < N_OBJECTS;
    detection = add_detection (relations, object);
    add_scores (relations, detection, "another-id", 2, other, 1, N_LABELS);
    if (g_rand_int_range (rig->rand, 0, 5))
      index = add_random_steps (rig, relations, detection, object, messages);
    g_string_append_printf (classes, "[%s]", index == NO_LABEL ? "" : labels[index]);
  }
  return frame;
}

/* Returns: (transfer full): the classifications of each detection, as "[LABEL]" */
static gchar *
describe_detections (GstBuffer *frame)
{
  GstAnalyticsRelationMeta *relations = gst_buffer_get_analytics_relation_meta (frame);
  GString *text = g_string_new (NULL);
  GstAnalyticsODMtd detection;
  GstAnalyticsClsMtd cls;
  gpointer state = NULL;

  while (gst_analytics_relation_meta_iterate (
      relations, &state, gst_analytics_od_mtd_get_mtd_type (), &detection)) {
    gpointer cls_state = NULL;

    g_string_append_c (text, '[');
    while (gst_analytics_relation_meta_get_direct_related (relations, detection.id,
        GST_ANALYTICS_REL_TYPE_RELATE_TO, gst_analytics_cls_mtd_get_mtd_type (), &cls_state,
        &cls)) {
      g_string_append (text, g_quark_to_string (gst_analytics_cls_mtd_get_quark (&cls, 0)));
      g_assert_cmpfloat (gst_analytics_cls_mtd_get_level (&cls, 0), >, THRESHOLD);
    }
    g_string_append_c (text, ']');
  }
  return g_string_free (text, FALSE);
}

/* Returns: (transfer full): the messages as "OBJECT:LABEL@PTS ", without "OBJECT:" for the
 * picture */
static gchar *
describe_messages (ObjectRig *rig)
{
  GString *text = g_string_new (NULL);
  GstMessage *message;

  while ((message = gst_bus_pop_filtered (rig->bus, GST_MESSAGE_ELEMENT))) {
    const GstStructure *s = gst_message_get_structure (message);
    guint64 object, pts;

    g_assert_true (gst_structure_has_name (s, "lstm-label"));
    g_assert_true (gst_structure_get (s, "timestamp", GST_TYPE_CLOCK_TIME, &pts, NULL));
    if (gst_structure_get (s, "object", G_TYPE_UINT64, &object, NULL))
      g_string_append_printf (text, "%" G_GUINT64_FORMAT ":", object);
    g_string_append_printf (
        text, "%s@%" G_GUINT64_FORMAT " ", gst_structure_get_string (s, "label"), pts);
    gst_message_unref (message);
  }
  return g_string_free (text, FALSE);
}

/* Pushes @frame (transfer full) and compares classifications and messages. */
static void
push_frame (
    ObjectRig *rig, GstBuffer *frame, const gchar *classes, const gchar *expected_messages)
{
  g_autoptr (GstBuffer) out = gst_harness_push_and_pull (rig->harness, frame);
  g_autofree gchar *detections = describe_detections (out);
  g_autofree gchar *messages = describe_messages (rig);

  g_assert_cmpstr (detections, ==, classes);
  g_assert_cmpstr (messages, ==, expected_messages);
}

static void
test_random_objects (void)
{
  ObjectRig rig;

  object_rig_init (&rig, "threshold=0.4");
  for (rig.frame = 1; rig.frame <= N_FRAMES; rig.frame++) {
    g_autoptr (GString) classes = g_string_new (NULL);
    g_autoptr (GString) messages = g_string_new (NULL);
    GstBuffer *frame = random_frame_new (&rig, classes, messages);
    /* The element copies a frame that it does not own alone. */
    g_autoptr (GstBuffer) shared = g_rand_boolean (rig.rand) ? gst_buffer_ref (frame) : NULL;

    push_frame (&rig, frame, classes->str, messages->str);
  }
  object_rig_clear (&rig);
}

/* Copies the relation meta of @from to @to through a rotation, which no box survives. The ids of the
 * boxes stay unused in @to. */
static void
copy_rotated (GstBuffer *to, GstBuffer *from)
{
  GstVideoMetaTransformMatrix rotation = {.matrix = {{.7f, -.7f, 0}, {.7f, .7f, 0}, {0, 0, 1}}};
  GstMeta *meta = gst_buffer_get_meta (from, GST_ANALYTICS_RELATION_META_API_TYPE);

  g_assert_true (meta->info->transform_func (
      to, meta, from, gst_video_meta_transform_matrix_get_quark (), &rotation));
}

/* A copy of a frame has no unused ids of mtds, so that the ids of its detections differ. */
static void
test_other_ids_in_copy (void)
{
  static const gfloat b[] = {0, 1, 0}, c[] = {0, 0, 1};
  ObjectRig rig;

  object_rig_init (&rig, "");
  for (rig.frame = 0; rig.frame < 2; rig.frame++) {
    GstAnalyticsRelationMeta *relations;
    g_autoptr (GstBuffer) unrotated = frame_new (&rig, &relations);
    GstBuffer *frame = gst_buffer_copy_region (
        unrotated, GST_BUFFER_COPY_MEMORY | GST_BUFFER_COPY_TIMESTAMPS, 0, -1);
    g_autoptr (GstBuffer) shared = NULL;

    add_detection (relations, N_OBJECTS);
    copy_rotated (frame, unrotated);
    relations = gst_buffer_get_analytics_relation_meta (frame);
    add_scores (relations, add_detection (relations, 5), "lstm-output", 2, b, 1, N_LABELS);
    add_scores (relations, add_detection (relations, 6), "lstm-output", 2, c, 1, N_LABELS);
    shared = gst_buffer_ref (frame);
    push_frame (&rig, frame, "[b][c]", rig.frame == 0 ? "1005:b@0 1006:c@0 " : "");
  }
  object_rig_clear (&rig);
}

/* The label of the picture and the labels of its objects do not affect each other. */
static void
test_picture_and_object (void)
{
  static const gfloat b[] = {0, 1, 0}, c[] = {0, 0, 1};
  ObjectRig rig;

  object_rig_init (&rig, "region=false");
  for (rig.frame = 0; rig.frame < 3; rig.frame++) {
    GstAnalyticsRelationMeta *relations;
    GstBuffer *frame = frame_new (&rig, &relations);
    GstTensor **tensors = g_new (GstTensor *, 1);
    gsize dims[] = {1, N_LABELS};

    tensors[0] = gst_tensor_new_simple (g_quark_from_string ("lstm-output"),
        GST_TENSOR_DATA_TYPE_FLOAT32, gst_buffer_new_memdup (c, sizeof c),
        GST_TENSOR_DIM_ORDER_ROW_MAJOR, 2, dims);
    gst_tensor_meta_set (gst_buffer_add_tensor_meta (frame), 1, tensors);
    add_scores (relations, add_detection (relations, 5), "lstm-output", 2, b, 1, N_LABELS);
    push_frame (&rig, frame, "[b]", rig.frame == 0 ? "1005:b@0 c@0 " : "");
  }
  object_rig_clear (&rig);
}

/* Relates @detection and new tracking data in either direction. */
static void
add_tracking (GstAnalyticsRelationMeta *relations, guint detection, guint64 id,
    GstClockTime last_seen, gboolean is_lost, gboolean from_track)
{
  GstAnalyticsTrackingMtd tracking;

  gst_analytics_relation_meta_add_tracking_mtd (relations, id, 0, &tracking);
  gst_analytics_tracking_mtd_update_last_seen (&tracking, last_seen);
  if (is_lost)
    gst_analytics_tracking_mtd_set_lost (&tracking);
  g_assert_true (
      gst_analytics_relation_meta_set_relation (relations, GST_ANALYTICS_REL_TYPE_RELATE_TO,
          from_track ? tracking.id : detection, from_track ? detection : tracking.id));
}

/* Trackers relate detections to tracks, or tracks to detections. Messages have the id of the track
 * that is not lost and was last seen. */
static void
test_tracks (void)
{
  static const gfloat b[] = {0, 1, 0};
  static const struct {
    guint64 id;
    GstClockTime last_seen;
    gboolean is_lost, from_track;
  } rows[][2] = {
      {{7, 0, FALSE, TRUE}},
      {{5, 0, TRUE, FALSE}, {7, 0, FALSE, FALSE}},
      {{5, 0, TRUE, FALSE}, {7, 0, FALSE, TRUE}},
      {{5, 100, FALSE, FALSE}, {7, 200, FALSE, FALSE}},
      {{7, 200, FALSE, FALSE}, {5, 100, FALSE, FALSE}},
      {{5, 100, FALSE, TRUE}, {7, 200, FALSE, TRUE}},
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    GstAnalyticsRelationMeta *relations;
    GstBuffer *frame;
    guint detection;
    ObjectRig rig;

    g_test_message ("row %u", i);
    object_rig_init (&rig, "");
    frame = frame_new (&rig, &relations);
    detection = add_detection (relations, N_OBJECTS);
    for (guint k = 0; k < 2 && rows[i][k].id; k++)
      add_tracking (relations, detection, rows[i][k].id, rows[i][k].last_seen,
          rows[i][k].is_lost, rows[i][k].from_track);
    add_scores (relations, detection, "lstm-output", 2, b, 1, N_LABELS);
    push_frame (&rig, frame, "[b]", "7:b@0 ");
    object_rig_clear (&rig);
  }
}

/* A flush clears the previous labels. */
static void
test_flush (void)
{
  static const gfloat b[] = {0, 1, 0};
  ObjectRig rig;

  object_rig_init (&rig, "");
  for (guint i = 0; i < 3; i++) {
    GstAnalyticsRelationMeta *relations;
    GstBuffer *frame = frame_new (&rig, &relations);

    if (i == 2) {
      GstSegment segment;

      gst_segment_init (&segment, GST_FORMAT_TIME);
      g_assert_true (gst_harness_push_event (rig.harness, gst_event_new_flush_start ()));
      g_assert_true (gst_harness_push_event (rig.harness, gst_event_new_flush_stop (TRUE)));
      g_assert_true (gst_harness_push_event (rig.harness, gst_event_new_segment (&segment)));
    }
    add_scores (relations, add_detection (relations, 5), "lstm-output", 2, b, 1, N_LABELS);
    push_frame (&rig, frame, "[b]", i == 1 ? "" : "1005:b@0 ");
  }
  object_rig_clear (&rig);
}

/* An object is forgotten after FORGET_FRAMES frames without scores, but not after one frame
 * less. */
static void
test_forgotten (void)
{
  static const gfloat b[] = {0, 1, 0};
  static const struct {
    guint n_absent;
    const gchar *messages;
  } rows[] = {{0, "1005:b@0 "}, {FORGET_FRAMES - 1, ""}, {FORGET_FRAMES, "1005:b@0 "}};
  ObjectRig rig;

  object_rig_init (&rig, "");
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    GstAnalyticsRelationMeta *relations;
    GstBuffer *frame;

    for (guint j = 0; j < rows[i].n_absent; j++)
      push_frame (&rig, frame_new (&rig, &relations), "", "");
    frame = frame_new (&rig, &relations);
    add_scores (relations, add_detection (relations, 5), "lstm-output", 2, b, 1, N_LABELS);
    push_frame (&rig, frame, "[b]", rows[i].messages);
  }
  object_rig_clear (&rig);
}

static void
test_wrong_count (void)
{
  static const gfloat scores[] = {0, 1, 0, 0};
  GstAnalyticsRelationMeta *relations;
  GstBuffer *frame;
  ObjectRig rig;

  object_rig_init (&rig, "");
  frame = frame_new (&rig, &relations);
  add_scores (relations, add_detection (relations, 5), "lstm-output", 2, scores, 1, 4);
  g_assert_cmpint (gst_harness_push (rig.harness, frame), ==, GST_FLOW_ERROR);
  assert_error_posted (
      rig.bus, "buffer: tensor: expected ?3? or ?T, 3?, found lstm-output ?1, 4? float32");
  object_rig_clear (&rig);
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstmlabel-objects/random-objects", test_random_objects},
      {"/lstmlabel-objects/picture-and-object", test_picture_and_object},
      {"/lstmlabel-objects/other-ids-in-copy", test_other_ids_in_copy},
      {"/lstmlabel-objects/tracks", test_tracks},
      {"/lstmlabel-objects/flush", test_flush},
      {"/lstmlabel-objects/forgotten", test_forgotten},
      {"/lstmlabel-objects/wrong-count", test_wrong_count},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
