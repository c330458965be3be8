/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The caps field `tensors` of GStreamer 1.28: the tensors of the input and of `lstm` in the caps of
 * media, and the stock elements that read them. */
#include "media-rig.h"

#define STEPS_MAX 5

/* A group with the name of its only tensor */
#define TENSOR(id, dims, order)                                                                \
  "(caps)\"tensor/strided,tensor-id=" id ",dims=" dims ",dims-order=" order ",type=float32\""
#define GROUP(id, dims) id "=(/uniquelist){" TENSOR (id, dims, "row-major") "}"
#define GROUPS(groups) VIDEO ",tensors=(structure)[tensorgroups," groups "]"

/* Returns the first dimension of the tensor @id in the group @id of @caps, or -1 without such a
 * tensor. */
static gint
find_steps (const GstCaps *caps, const gchar *id)
{
  const GValue *tensors = gst_structure_get_value (gst_caps_get_structure (caps, 0), "tensors");
  const GValue *group = tensors
                            ? gst_structure_get_value (gst_value_get_structure (tensors), id)
                            : NULL;

  for (guint i = 0; group && i < gst_value_unique_list_get_size (group); i++) {
    const GstStructure *s = gst_caps_get_structure (
        gst_value_get_caps (gst_value_unique_list_get_value (group, i)), 0);

    if (g_strcmp0 (gst_structure_get_string (s, "tensor-id"), id) == 0)
      return g_value_get_int (
          gst_value_array_get_value (gst_structure_get_value (s, "dims"), 0));
  }
  return -1;
}

static void
assert_steps (Rig *rig, const gchar *id, gint expected)
{
  g_autoptr (GstCaps) caps = rig_get_src_caps (rig);

  g_assert_cmpint (find_steps (caps, id), ==, expected);
}

/* --- Steps --- */

/* The caps of the output have the steps of the input tensor in the caps, or one step if these are
 * unknown. */
static void
test_steps_of_caps (void)
{
  static const struct {
    const gchar *properties, *in;
    gint steps;
  } cases[] = {
      {"", VIDEO, 1},
      {"", GROUPS (GROUP ("a", "(int)<3>")), 1},
      {"", GROUPS (GROUP ("a", "(int)<1,3>")), 1},
      {"", GROUPS (GROUP ("a", "(int)<2,3>")), 2},
      {"", GROUPS (GROUP ("a", "(int)<1,2,3>")), 2},
      {"", GROUPS (GROUP ("a", "(int)<1,2,3,1>")), 2},
      {"", GROUPS (GROUP ("a", "(int)<0,3>")), 1}, /* unknown */
      {"", GROUPS (GROUP ("a", "(int)<2,0,3>")), 1},
      {"", GROUPS (GROUP ("a", "(int)<2,4>")), 1},
      {"", GROUPS ("a=(/uniquelist){" TENSOR ("a", "(int)<2,3>", "col-major") "}"), 1},
      {"", GROUPS (GROUP ("a", "(int)<2,3>") "," GROUP ("b", "(int)<4,3>")), 1},
      {"", GROUPS (GROUP ("a", "(int)<2,4>") "," GROUP ("b", "(int)<4,3>")), 4},
      {"input-tensor-id=b", GROUPS (GROUP ("a", "(int)<2,3>") "," GROUP ("b", "(int)<4,3>")),
          4},
      {"input-tensor-id=c", GROUPS (GROUP ("a", "(int)<2,3>") "," GROUP ("b", "(int)<4,3>")),
          1},
      {"input-tensor-id=b",
          GROUPS ("g=(/uniquelist){" TENSOR ("a", "(int)<2,3>", "row-major") "," TENSOR (
              "b", "(int)<4,3>", "row-major") "}"),
          4},
      /* The first dimension is streams. */
      {"axes=streams", GROUPS (GROUP ("a", "(int)<2,3>")), 2},
      {"axes=streams-steps", GROUPS (GROUP ("a", "(int)<4,2,3>")), 4},
      {"axes=steps-streams", GROUPS (GROUP ("a", "(int)<2,4,3>")), 2},
      {"axes=streams", VIDEO, 1},
      {"output-mode=window window-length=2", GROUPS (GROUP ("a", "(int)<2,3>")), 1},
      {"output-mode=final", GROUPS (GROUP ("a", "(int)<2,3>")), -1},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    Rig rig;

    g_test_message ("%s %s", cases[i].properties, cases[i].in);
    rig_init (&rig, FOLDER, cases[i].properties);
    rig_begin_stream_with_caps (&rig, cases[i].in);
    assert_steps (&rig, "lstm-output", cases[i].steps);
    rig_clear (&rig);
  }
}

/* Caps precede a buffer whose tensors have another number of steps, and no other buffer. */
static void
test_steps_of_buffers (void)
{
  static const struct {
    const gchar *properties, *in;
    guint n_buffers, steps[STEPS_MAX]; /* of input buffers */
    gint caps_steps[STEPS_MAX];        /* after each buffer */
    const gchar *log;
  } cases[] = {
      {"", VIDEO, 3, {1, 1, 1}, {1, 1, 1}, "buffer 0+1000, buffer 1000+1000, buffer 2000+1000"},
      {"", VIDEO, 5, {1, 2, 2, 1, 1}, {1, 2, 2, 1, 1},
          "buffer 0+1000, caps (null), buffer 1000+1000, buffer 3000+1000, caps (null), "
          "buffer 5000+1000, buffer 6000+1000"},
      {"", GROUPS (GROUP ("features", "(int)<0,3>")), 2, {3, 3}, {3, 3},
          "caps (null), buffer 0+1000, buffer 3000+1000"},
      {"", GROUPS (GROUP ("features", "(int)<2,3>")), 3, {2, 2, 1}, {2, 2, 1},
          "buffer 0+1000, buffer 2000+1000, caps (null), buffer 4000+1000"},
      {"axes=streams", VIDEO, 3, {1, 2, 2}, {1, 2, 2},
          "buffer 0+1000, caps (null), buffer 1000+1000, buffer 3000+1000"},
      {"emit=hidden+gates", VIDEO, 2, {2, 2}, {-1, -1},
          "caps (null), buffer 0+1000, buffer 2000+1000"},
      /* A buffer may complete several windows. */
      {"output-mode=window window-length=2 window-hop=1", VIDEO, 3, {1, 2, 2}, {1, 2, 2},
          "buffer 0+1000, caps (null), buffer 1000+1000, buffer 3000+1000"},
      {"output-mode=final", VIDEO, 2, {1, 2}, {-1, -1}, "buffer 0+1000, buffer 1000+1000"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    gsize first = 0;
    Rig rig;

    g_test_message ("row %u: %s", i, cases[i].properties);
    rig_init (&rig, FOLDER, cases[i].properties);
    rig_begin_stream_with_caps (&rig, cases[i].in);
    for (guint k = 0; k < cases[i].n_buffers; k++) {
      media_rig_push_steps (&rig, first, cases[i].steps[k]);
      first += cases[i].steps[k];
      assert_steps (&rig, "lstm-output", cases[i].caps_steps[k]);
    }
    rig_assert_log (&rig, cases[i].log);
    rig_clear (&rig);
  }
}

/* New caps of upstream determine the steps. Caps that state the same as before leave the steps to
 * the buffers. */
static void
test_steps_of_new_caps (void)
{
#define ONE GROUPS (GROUP ("features", "(int)<1,3>"))
#define TWO GROUPS (GROUP ("features", "(int)<2,3>"))
  Rig rig;

  rig_init (&rig, FOLDER, "");
  rig_begin_stream_with_caps (&rig, ONE);
  media_rig_push_steps (&rig, 0, 1);
  g_assert_true (rig_push_caps_text (&rig, TWO));
  assert_steps (&rig, "lstm-output", 2);
  media_rig_push_steps (&rig, 1, 2);
  media_rig_push_steps (&rig, 3, 1); /* contradicts the caps */
  assert_steps (&rig, "lstm-output", 1);
  gst_harness_push_upstream_event (rig.harness, gst_event_new_reconfigure ());
  media_rig_push_steps (&rig, 4, 1);
  assert_steps (&rig, "lstm-output", 1);
  rig_assert_log (&rig, "buffer 0+1000, caps (null), buffer 1000+1000, caps (null), "
                        "buffer 3000+1000, buffer 4000+1000");
  rig_expect_outputs (&rig, 0, 5, 5);
  rig_assert_outputs (&rig);
  rig_clear (&rig);
}

/* Downstream that accepts certain steps determines the steps while they are unknown, and refuses
 * other steps later. */
static void
test_steps_of_downstream (void)
{
  static const struct {
    const gchar *in, *downstream;
    gboolean links;
    guint steps;
    const gchar *log; /* NULL: refuses the buffer */
  } cases[] = {
      {VIDEO, "<(int)[0,1],16>", TRUE, 1, "buffer 0+1000"},
      {VIDEO, "<(int)[0,1],16>", TRUE, 2, NULL},
      {VIDEO, "(int)<2,16>", TRUE, 2, "buffer 0+1000"},
      {VIDEO, "(int)<2,16>", TRUE, 1, NULL},
      {VIDEO, "(int)<1,5>", FALSE, 0, NULL},
      {GROUPS (GROUP ("features", "(int)<2,3>")), "<(int)[0,1],16>", FALSE, 0, NULL},
      {GROUPS (GROUP ("features", "(int)<2,3>")), "(int)<2,16>", TRUE, 2, "buffer 0+1000"},
      {GROUPS (GROUP ("features", "(int)<0,3>")), "(int)<2,16>", TRUE, 2, "buffer 0+1000"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *downstream = g_strdup_printf (
        "video/x-raw,tensors=(structure)[tensorgroups,lstm-output=(/uniquelist){(caps)\""
        "tensor/strided,tensor-id=lstm-output,dims=%s,type=float32\"}]",
        cases[i].downstream);
    Rig rig;

    g_test_message ("row %u", i);
    rig_init (&rig, FOLDER, "");
    gst_harness_set_sink_caps_str (rig.harness, downstream);
    rig_push_stream_start (&rig);
    g_assert_true (rig_push_caps_text (&rig, cases[i].in) == cases[i].links);
    rig_push_segment (&rig);
    g_string_truncate (rig.log, 0);
    if (cases[i].log) {
      media_rig_push_steps (&rig, 0, cases[i].steps);
      rig_assert_log (&rig, cases[i].log);
    } else if (cases[i].links) {
      g_assert_cmpint (
          gst_harness_push (rig.harness, step_frame_new (&rig, "features", 0, cases[i].steps)),
          ==, GST_FLOW_NOT_NEGOTIATED);
      assert_error_posted (
          rig.bus, "caps field tensors: expected downstream to accept *steps*");
      rig_assert_log (&rig, "");
    }
    rig_clear (&rig);
  }
}

/* --- Groups --- */

/* The output caps list the tensors of the input and of the element. Caps for upstream list only
 * those of the input. Tensors of the same group stay, and each tensor of the element is a group. */
static void
test_groups (void)
{
#define MOOD GROUP ("mood", "(int)<1,16>") "," GROUP ("mood-gates", "(int)<1,4,16>")
#define FEATURES GROUP ("features", "(int)<1,3>")
  static const struct {
    const gchar *in, *out;
  } cases[] = {
      {VIDEO, GROUPS (MOOD)},
      {GROUPS (FEATURES), GROUPS (FEATURES "," MOOD)},
      {GROUPS ("mood=(/uniquelist){" TENSOR ("features", "(int)<1,3>", "row-major") "}"),
          GROUPS ("mood=(/uniquelist){" TENSOR (
              "features", "(int)<1,3>", "row-major") "," TENSOR ("mood", "(int)<1,16>",
              "row-major") "}," GROUP ("mood-gates", "(int)<1,4,16>"))},
      {GROUPS ("mood-gates=(/uniquelist){" TENSOR ("a", "(int)<1,2>", "col-major") "," TENSOR (
           "b", "(int)<5>", "row-major") "}"),
          GROUPS (GROUP ("mood", "(int)<1,16>") ",mood-gates=(/uniquelist){" TENSOR (
              "a", "(int)<1,2>", "col-major") "," TENSOR ("b", "(int)<5>",
              "row-major") "," TENSOR ("mood-gates", "(int)<1,4,16>", "row-major") "}")},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GstCaps) in = gst_caps_from_string (cases[i].in);
    g_autoptr (GstCaps) out = gst_caps_from_string (cases[i].out);
    g_autoptr (GstCaps) src_caps = NULL;
    g_autoptr (GstCaps) queried = NULL;
    g_autoptr (GstPad) sink = NULL;
    Rig rig;

    g_test_message ("%s", cases[i].in);
    g_assert_nonnull (out);
    rig_init (&rig, FOLDER, "output-tensor-id=mood emit=output+gates");
    gst_harness_set_sink_caps (rig.harness, gst_caps_ref (out));
    rig_push_stream_start (&rig);
    g_assert_true (rig_push_caps_text (&rig, cases[i].in));
    src_caps = rig_get_src_caps (&rig);
    g_assert_true (gst_caps_is_equal (src_caps, out));
    sink = gst_element_get_static_pad (rig.lstm, "sink");
    queried = gst_pad_query_caps (sink, NULL);
    g_assert_true (gst_caps_is_equal (queried, in));
    rig_clear (&rig);
  }
}

/* Groups that only downstream names are those of upstream, and are not in the caps unless upstream
 * has them: caps would state tensors that no buffer has. */
static void
test_groups_of_downstream (void)
{
  static const struct {
    const gchar *properties, *in, *downstream;
    gboolean links;
  } cases[] = {
      {"", VIDEO, GROUP ("lstm-output", "(int)<1,16>"), TRUE},
      {"", VIDEO, GROUP ("other", "(int)<1,16>"), FALSE},
      {"", VIDEO, GROUP ("lstm-output-hidden", "(int)<1,16>"), FALSE},
      {"emit=output+hidden", VIDEO, GROUP ("lstm-output-hidden", "(int)<1,16>"), TRUE},
      {"emit=output+hidden", VIDEO, GROUP ("lstm-output", "(int)<1,16>"), TRUE},
      {"output-mode=final", VIDEO, GROUP ("lstm-output", "(int)<1,16>"), FALSE},
      {"", GROUPS (FEATURES), FEATURES "," GROUP ("lstm-output", "(int)<1,16>"), TRUE},
      {"", GROUPS (FEATURES), FEATURES, TRUE},
      /* Downstream does not name all tensors of the group. */
      {"output-tensor-id=g",
          GROUPS ("g=(/uniquelist){" TENSOR ("features", "(int)<1,3>", "row-major") "}"),
          GROUP ("g", "(int)<1,16>"), FALSE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *downstream = g_strdup_printf (
        "video/x-raw,tensors=(structure)[tensorgroups,%s]", cases[i].downstream);
    Rig rig;

    g_test_message ("row %u: %s", i, downstream);
    rig_init (&rig, FOLDER, cases[i].properties);
    gst_harness_set_sink_caps_str (rig.harness, downstream);
    GST_PAD_UNSET_ACCEPT_INTERSECT (rig.harness->sinkpad); /* as the stock decoders do */
    rig_push_stream_start (&rig);
    g_assert_true (rig_push_caps_text (&rig, cases[i].in) == cases[i].links);
    rig_clear (&rig);
  }
}

/* --- Stock elements --- */

#define SSD_GROUP                                                                              \
  "ssd-mobilenet-v1-variant-1-out=(/uniquelist){" TENSOR ("generic-variant-1-out-count",       \
      "(int)<0>", "row-major") "," TENSOR ("ssd-mobilenet-v1-variant-1-out-scores",            \
      "(int)<0,0>", "row-major") "," TENSOR ("ssd-mobilenet-v1-variant-1-out-boxes",           \
      "(int)<0,0,4>", "row-major") "," TENSOR ("ssd-mobilenet-v1-variant-1-out-classes",       \
      "(int)<0,0>", "row-major") "}"

static gboolean
has_classification (GstBuffer *buffer)
{
  GstAnalyticsRelationMeta *relations = gst_buffer_get_analytics_relation_meta (buffer);
  gpointer state = NULL;
  GstAnalyticsMtd mtd;

  return relations
         && gst_analytics_relation_meta_iterate (
             relations, &state, gst_analytics_cls_mtd_get_mtd_type (), &mtd);
}

/* A stock decoder labels the output, or refuses the caps. It never receives a tensor that it would
 * ignore without an error. */
static void
test_decoders (void)
{
#define CLASSIFIER "output-tensor-id=classification-generic-out"
  static const struct {
    const gchar *properties, *in, *decoder;
    guint steps[2]; /* of two frames */
    guint n_labelled;
    GstFlowReturn flow; /* of the last frame */
    const gchar *error; /* NULL: none */
  } cases[] = {
      {CLASSIFIER, VIDEO, "classifiertensordecoder", {1, 1}, 2, GST_FLOW_OK, NULL},
      {"output-tensor-id=classification-generic-softmaxed-out", VIDEO,
          "classifiertensordecoder", {1, 1}, 2, GST_FLOW_OK, NULL},
      {CLASSIFIER " emit=output+hidden+cell+gates", VIDEO, "classifiertensordecoder", {1, 1}, 2,
          GST_FLOW_OK, NULL},
      {CLASSIFIER, GROUPS (GROUP ("features", "(int)<1,3>")), "classifiertensordecoder", {1, 1},
          2, GST_FLOW_OK, NULL},
      {CLASSIFIER, GROUPS (GROUP ("features", "(int)<0,3>")), "tensordecodebin", {1, 1}, 2,
          GST_FLOW_OK, NULL},
      {CLASSIFIER, GROUPS (GROUP ("features", "(int)<1,3>") "," SSD_GROUP), "ssdtensordec",
          {1, 1}, 0, GST_FLOW_OK, NULL},
      {CLASSIFIER, VIDEO, "classifiertensordecoder", {1, 2}, 1, GST_FLOW_NOT_NEGOTIATED,
          "caps field tensors: expected downstream to accept buffers of 2 steps, *"},
      {CLASSIFIER, VIDEO, "classifiertensordecoder", {2, 1}, 0, GST_FLOW_NOT_NEGOTIATED,
          "caps field tensors: expected downstream to accept buffers of 2 steps, *"},
      /* tensordecodebin accepts all caps, and is not linked without a decoder. */
      {CLASSIFIER, VIDEO, "tensordecodebin", {2, 1}, 0, GST_FLOW_NOT_LINKED, NULL},
      {CLASSIFIER, GROUPS (GROUP ("features", "(int)<2,3>")), "classifiertensordecoder", {0}, 0,
          GST_FLOW_NOT_NEGOTIATED, NULL},
      {CLASSIFIER,
          GROUPS ("classification-generic-out=(/uniquelist){" TENSOR (
              "features", "(int)<1,3>", "row-major") "}"),
          "classifiertensordecoder", {0}, 0, GST_FLOW_NOT_NEGOTIATED, NULL},
      {CLASSIFIER " output-mode=final", VIDEO, "classifiertensordecoder", {0}, 0,
          GST_FLOW_NOT_NEGOTIATED, NULL},
      {"", VIDEO, "classifiertensordecoder", {0}, 0, GST_FLOW_NOT_NEGOTIATED, NULL},
      {"output-tensor-id=yolo-v8-out", VIDEO, "yolov8tensordec", {0}, 0,
          GST_FLOW_NOT_NEGOTIATED, NULL},
      {CLASSIFIER, VIDEO, "ssdtensordec", {0}, 0, GST_FLOW_NOT_NEGOTIATED, NULL},
  };
  g_autofree gchar *model = get_vector_path (FOLDER, "model.safetensors");
  g_autofree gchar *x = get_vector_path (FOLDER, "x.npy");
  Rig rig = {.x = step_array_load (x)};

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GstElementFactory) factory = gst_element_factory_find (cases[i].decoder);
    g_autofree gchar *line = g_strdup_printf (
        "lstm model-location=%s %s ! %s", model, cases[i].properties, cases[i].decoder);
    g_autoptr (GstBus) bus = gst_bus_new ();
    GstFlowReturn ret = GST_FLOW_OK;
    guint n_labelled = 0;
    GstHarness *harness;

    g_test_message ("row %u: %s, %s", i, cases[i].properties, cases[i].decoder);
    if (!factory) {
      g_test_incomplete (cases[i].decoder);
      continue;
    }
    harness = gst_harness_new_parse (line);
    gst_element_set_bus (harness->element, bus);
    gst_harness_set_src_caps_str (harness, cases[i].in);
    for (guint k = 0; k < 2 && ret == GST_FLOW_OK; k++) {
      ret = gst_harness_push (
          harness, step_frame_new (&rig, "features", k, MAX (cases[i].steps[k], 1)));
      if (ret == GST_FLOW_OK) {
        GstBuffer *out = gst_harness_pull (harness);

        n_labelled += has_classification (out);
        gst_buffer_unref (out);
      }
    }
    g_assert_cmpint (ret, ==, cases[i].flow);
    g_assert_cmpuint (n_labelled, ==, cases[i].n_labelled);
    if (cases[i].error)
      assert_error_posted (bus, cases[i].error);
    g_assert_null (gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR));
    gst_harness_teardown (harness);
  }
  g_free (rig.x.items);
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm-media-groups/steps-of-caps", test_steps_of_caps},
      {"/lstm-media-groups/steps-of-buffers", test_steps_of_buffers},
      {"/lstm-media-groups/steps-of-new-caps", test_steps_of_new_caps},
      {"/lstm-media-groups/steps-of-downstream", test_steps_of_downstream},
      {"/lstm-media-groups/groups", test_groups},
      {"/lstm-media-groups/groups-of-downstream", test_groups_of_downstream},
      {"/lstm-media-groups/decoders", test_decoders},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
