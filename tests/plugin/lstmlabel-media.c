/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * `lstmlabel` with scores in a GstTensorMeta of video frames: it adds classifications to the
 * frames. */
#include "npy-files.h"
#include <gst/analytics/analytics.h>

#define VIDEO "video/x-raw,format=GRAY8,width=40,height=20,framerate=30/1"

typedef struct {
  GstHarness *harness;
  GstBus *bus;
  gchar *dir;
} MediaRig;

/* The labels are a, b and c. */
static void
media_rig_init (MediaRig *rig, const gchar *properties)
{
  g_autofree gchar *location = NULL;
  g_autofree gchar *line = NULL;

  rig->dir = test_dir_new ();
  location = g_build_filename (rig->dir, "labels", NULL);
  g_assert_true (g_file_set_contents (location, "a\nb\nc\n", -1, NULL));
  line = g_strdup_printf ("lstmlabel labels-location=%s %s", location, properties);
  rig->harness = gst_harness_new_parse (line);
  rig->bus = gst_bus_new ();
  gst_element_set_bus (rig->harness->element, rig->bus);
  gst_harness_set_src_caps_str (rig->harness, VIDEO);
}

static void
media_rig_clear (MediaRig *rig)
{
  g_assert_null (gst_bus_pop_filtered (rig->bus, GST_MESSAGE_ERROR));
  gst_element_set_bus (rig->harness->element, NULL);
  gst_harness_teardown (rig->harness);
  gst_object_unref (rig->bus);
  test_dir_remove (rig->dir);
}

/* Returns: (transfer full): a frame with the tensor @scores, (steps, n), or with no tensor if it is
 * NULL */
static GstBuffer *
frame_new (const gchar *id, const gfloat *scores, gsize steps, gsize n)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, 40 * 20, NULL);
  gsize dims[] = {steps, n};
  GstTensor **tensors;

  GST_BUFFER_PTS (buffer) = 3000;
  GST_BUFFER_DURATION (buffer) = 1000;
  if (!scores)
    return buffer;
  tensors = g_new (GstTensor *, 1);
  tensors[0] = gst_tensor_new_simple (g_quark_from_string (id), GST_TENSOR_DATA_TYPE_FLOAT32,
      gst_buffer_new_memdup (scores, steps * n * sizeof *scores),
      GST_TENSOR_DIM_ORDER_ROW_MAJOR, 2, dims);
  gst_tensor_meta_set (gst_buffer_add_tensor_meta (buffer), 1, tensors);
  return buffer;
}

/* Returns: (transfer full): the classifications as "LABEL SCORE", followed by " x,y wxh" for each
 * region that is related */
static gchar *
describe_relations (GstBuffer *buffer)
{
  GstAnalyticsRelationMeta *relations = gst_buffer_get_analytics_relation_meta (buffer);
  GString *text = g_string_new (NULL);
  GstAnalyticsClsMtd cls;
  GstAnalyticsODMtd region;
  gpointer state = NULL;
  gint x, y, w, h;
  gfloat level;

  if (!relations)
    return g_string_free (text, FALSE);
  while (gst_analytics_relation_meta_iterate (
      relations, &state, gst_analytics_cls_mtd_get_mtd_type (), &cls))
    g_string_append_printf (text, "%s %.2f",
        g_quark_to_string (gst_analytics_cls_mtd_get_quark (&cls, 0)),
        gst_analytics_cls_mtd_get_level (&cls, 0));
  state = NULL;
  while (gst_analytics_relation_meta_iterate (
      relations, &state, gst_analytics_od_mtd_get_mtd_type (), &region)) {
    g_assert_true (gst_analytics_relation_meta_get_direct_related (relations, region.id,
        GST_ANALYTICS_REL_TYPE_RELATE_TO, gst_analytics_cls_mtd_get_mtd_type (), NULL, &cls));
    g_assert_true (gst_analytics_od_mtd_get_location (&region, &x, &y, &w, &h, &level));
    g_string_append_printf (text, " %d,%d %dx%d", x, y, w, h);
  }
  return g_string_free (text, FALSE);
}

static const struct {
  const gchar *properties, *id;
  gfloat scores[6];
  gsize steps, n;         /* 0 steps: no tensor */
  const gchar *relations; /* classifications of the output frame */
  const gchar *messages;  /* "LABEL PTS+DURATION" */
} frames[] = {
    {"", "lstm-output", {.1f, .7f, .2f}, 1, 3, "b 0.70 4,2 32x16", "b 3000+1000"},
    {"region=false", "lstm-output", {.1f, .7f, .2f}, 1, 3, "b 0.70", "b 3000+1000"},
    {"", "lstm-output", {.1f, .7f, .2f, .9f, 0, .1f}, 2, 3, "a 0.90 4,2 32x16",
        "b 3000+500, a 3500+500"},
    {"threshold=0.8", "lstm-output", {.1f, .7f, .2f}, 1, 3, "", " 3000+1000"},
    {"input-tensor-id=mood", "mood", {0, 0, 1}, 1, 3, "c 1.00 4,2 32x16", "c 3000+1000"},
    {"input-tensor-id=mood", "lstm-output", {0, 0, 1}, 1, 3, "", ""},
    {"", "lstm-output", {0}, 0, 0, "", ""},
};

/* Returns: (transfer full): the messages of labels as "LABEL PTS+DURATION", separated by commas */
static gchar *
describe_messages (MediaRig *rig)
{
  GString *text = g_string_new (NULL);
  GstMessage *message;

  while ((message = gst_bus_pop_filtered (rig->bus, GST_MESSAGE_ELEMENT))) {
    const GstStructure *s = gst_message_get_structure (message);
    guint64 pts, duration;

    g_assert_true (gst_structure_get (s, "timestamp", GST_TYPE_CLOCK_TIME, &pts, "duration",
        GST_TYPE_CLOCK_TIME, &duration, NULL));
    g_string_append_printf (text, "%s%s %" G_GUINT64_FORMAT "+%" G_GUINT64_FORMAT,
        text->len ? ", " : "", gst_structure_get_string (s, "label"), pts, duration);
    gst_message_unref (message);
  }
  return g_string_free (text, FALSE);
}

static void
test_frames (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (frames); i++) {
    g_autofree gchar *relations = NULL;
    g_autofree gchar *messages = NULL;
    GstBuffer *buffer, *out;
    MediaRig rig;

    g_test_message ("row %u", i);
    media_rig_init (&rig, frames[i].properties);
    buffer = frame_new (
        frames[i].id, frames[i].steps ? frames[i].scores : NULL, frames[i].steps, frames[i].n);
    out = gst_harness_push_and_pull (rig.harness, buffer);
    g_assert_true (out == buffer);
    relations = describe_relations (out);
    g_assert_cmpstr (relations, ==, frames[i].relations);
    messages = describe_messages (&rig);
    g_assert_cmpstr (messages, ==, frames[i].messages);
    g_assert_true ((gst_buffer_get_tensor_meta (out) != NULL) == (frames[i].steps > 0));
    gst_buffer_unref (out);
    media_rig_clear (&rig);
  }
}

/* The element adds its classification to the existing classifications. */
static void
test_relations_stay (void)
{
  static const gfloat scores[] = {0, 1, 0};
  GstBuffer *buffer = frame_new ("lstm-output", scores, 1, 3);
  g_autofree gchar *text = NULL;
  GstAnalyticsClsMtd cls;
  MediaRig rig;

  media_rig_init (&rig, "region=false");
  gst_analytics_relation_meta_add_one_cls_mtd (
      gst_buffer_add_analytics_relation_meta (buffer), .5f, g_quark_from_string ("dog"), &cls);
  buffer = gst_harness_push_and_pull (rig.harness, buffer);
  text = describe_relations (buffer);
  g_assert_cmpstr (text, ==, "dog 0.50b 1.00");
  gst_buffer_unref (buffer);
  media_rig_clear (&rig);
}

static void
test_wrong_count (void)
{
  static const gfloat scores[] = {0, 1, 0, 0};
  MediaRig rig;

  media_rig_init (&rig, "");
  g_assert_cmpint (gst_harness_push (rig.harness, frame_new ("lstm-output", scores, 1, 4)), ==,
      GST_FLOW_ERROR);
  assert_error_posted (
      rig.bus, "buffer: tensor: expected ?3? or ?T, 3?, found lstm-output ?1, 4? float32");
  media_rig_clear (&rig);
}

/* Without labels a vector may have any size, but not a size whose bytes overflow. */
static void
test_huge_vector (void)
{
  static const gfloat scores[] = {0, 1};
  GstBuffer *buffer = frame_new ("lstm-output", scores, 1, 2);
  MediaRig rig;

  media_rig_init (&rig, "");
  gst_element_set_state (rig.harness->element, GST_STATE_READY);
  g_object_set (GST_BIN_CHILDREN (rig.harness->element)->data, "labels-location", NULL, NULL);
  gst_harness_play (rig.harness);
  gst_harness_set_src_caps_str (rig.harness, VIDEO);
  gst_buffer_get_tensor_meta (buffer)->tensors[0]->dims[1] = G_MAXSIZE / 4 + 1;
  g_assert_cmpint (gst_harness_push (rig.harness, buffer), ==, GST_FLOW_ERROR);
  assert_error_posted (
      rig.bus, "buffer: tensor: expected ?n? or ?T, n? with n up to 2147483647, found lstm-output ?1, "
      "4611686018427387904? float32");
  media_rig_clear (&rig);
}

#if GST_CHECK_VERSION(1, 28, 0)
/* Scores in the relation meta are found like those in a GstTensorMeta. */
static void
test_scores_in_relations (void)
{
  static const gfloat scores[] = {0, 1, 0};
  GstBuffer *buffer = frame_new (NULL, NULL, 0, 0);
  g_autofree gchar *text = NULL;
  gsize dims[] = {1, 3};
  MediaRig rig;

  media_rig_init (&rig, "region=false");
  g_assert_true (gst_analytics_relation_meta_add_tensor_mtd_simple (
      gst_buffer_add_analytics_relation_meta (buffer), g_quark_from_string ("lstm-output"),
      GST_TENSOR_DATA_TYPE_FLOAT32, gst_buffer_new_memdup (scores, sizeof scores),
      GST_TENSOR_DIM_ORDER_ROW_MAJOR, 2, dims, NULL));
  buffer = gst_harness_push_and_pull (rig.harness, buffer);
  text = describe_relations (buffer);
  g_assert_cmpstr (text, ==, "b 1.00");
  gst_buffer_unref (buffer);
  media_rig_clear (&rig);
}
#endif

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstmlabel-media/frames", test_frames},
      {"/lstmlabel-media/relations-stay", test_relations_stay},
      {"/lstmlabel-media/wrong-count", test_wrong_count},
      {"/lstmlabel-media/huge-vector", test_huge_vector},
#if GST_CHECK_VERSION(1, 28, 0)
      {"/lstmlabel-media/scores-in-relations", test_scores_in_relations},
#endif
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
