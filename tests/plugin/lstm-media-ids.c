/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Ids of tensors of media: the ids that the elements accept, and ids that a buffer or its caps
 * already have. */
#include "media-rig.h"

/* --- Characters --- */

/* A character of an id is allowed if caps keep it as the name of a field. */
static void
test_characters (void)
{
  static const gchar *const properties[][2] = {
      {"lstm", "input-tensor-id"},
      {"lstm", "output-tensor-id"},
      {"lstmlabel", "input-tensor-id"},
  };
  static const struct {
    const gchar *id, *found; /* found: in the message; NULL: accepted */
  } cases[] = {
      {"a", NULL},
      {"0", NULL},
      {"Mood-7_x.y:z+/w", NULL},
      {"/fc/Gemm_output_0", NULL},
      {"classification-generic-softmaxed-out", NULL},
      {"", "''"},
      {" ", "' '"},
      {"a b", "'a b'"},
      {"a,b", "'a,b'"},
      {"a;b", "'a;b'"},
      {"a=b", "'a=b'"},
      {"a\"b", "'a\"b'"},
      {"a[b", "'a[b'"},
      {"(int)1", "'(int)1'"},
      {"ü", "'ü'"},
      {"a\xff", "'a\xef\xbf\xbd'"},
  };

  for (guint p = 0; p < G_N_ELEMENTS (properties); p++)
    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
      g_autofree gchar *pattern = g_strdup_printf (
          "property %s: expected one or more of the characters *, found %s", properties[p][1],
          cases[i].found);
      g_autoptr (GstElement)
          element = gst_object_ref_sink (gst_element_factory_make (properties[p][0], NULL));
      g_autoptr (GstBus) bus = gst_bus_new ();
      g_autofree gchar *path = get_vector_path (FOLDER, "model.safetensors");

      g_test_message ("%s %s: row %u", properties[p][0], properties[p][1], i);
      gst_element_set_bus (element, bus);
      if (p < 2)
        g_object_set (element, "model-location", path, NULL);
      g_object_set (element, properties[p][1], cases[i].id, NULL);
      g_assert_cmpint (gst_element_set_state (element, GST_STATE_PAUSED), ==,
          cases[i].found ? GST_STATE_CHANGE_FAILURE : GST_STATE_CHANGE_SUCCESS);
      if (cases[i].found)
        assert_error_posted (bus, pattern);
      gst_element_set_state (element, GST_STATE_NULL);
      gst_element_set_bus (element, NULL);
    }
}

#if GST_CHECK_VERSION(1, 28, 0)
/* Caps with any accepted id as the name of a group survive a conversion to a string. */
static void
test_caps_keep_ids (void)
{
  static const gchar *const ids[] = {
      "a", "0", "-", "Mood-7_x.y:z+/w", "/fc/Gemm_output_0", "true", "NULL", "0x1", "tensors"};

  for (guint i = 0; i < G_N_ELEMENTS (ids); i++) {
    g_autofree gchar *properties = g_strdup_printf (
        "output-tensor-id=%s emit=output+hidden+cell+gates", ids[i]);
    g_autofree gchar *text = NULL;
    g_autoptr (GstCaps) caps = NULL;
    g_autoptr (GstCaps) copy = NULL;
    Rig rig;

    media_rig_begin (&rig, properties);
    caps = rig_get_src_caps (&rig);
    text = gst_caps_to_string (caps);
    g_test_message ("%s", text);
    copy = gst_caps_from_string (text);
    g_assert_true (copy && gst_caps_is_equal (copy, caps));
    rig_clear (&rig);
  }
}
#endif

/* --- Ids that exist --- */

/* A buffer must not have a tensor with the id of an output, because readers could not distinguish
 * the two. The input tensor is such a tensor, too. */
static void
test_buffers (void)
{
  static const struct {
    const gchar *properties;
    const gchar *ids[2];  /* of the tensors of a buffer; NULL: no more tensors */
    const gchar *pattern; /* NULL: no error */
  } cases[] = {
      {"", {"features"}, NULL},
      {"", {"lstm-output"},
          "buffer: expected no tensor lstm-output, because property output-tensor-id *, found "
          "lstm-output ?1, 3] float32"},
      {"input-tensor-id=features", {"features", "lstm-output"}, "*no tensor lstm-output, *"},
      {"input-tensor-id=features", {"features", "lstm-output-hidden"}, NULL},
      {"input-tensor-id=features emit=output+hidden+cell+gates",
          {"features", "lstm-output-hidden"}, "*no tensor lstm-output-hidden, *"},
      {"input-tensor-id=features emit=output+hidden+cell+gates",
          {"features", "lstm-output-gates"}, "*no tensor lstm-output-gates, *"},
      {"input-tensor-id=a output-tensor-id=a", {"a"},
          "*no tensor a, *, found a ?1, 3] float32"},
      {"input-tensor-id=features", {"lstm-output"}, "*no tensor lstm-output, *"},
      {"input-tensor-id=features emit=hidden", {"features", "lstm-output"}, NULL},
      {"input-tensor-id=features output-tensor-id=mood", {"features", "lstm-output"}, NULL},
      {"output-mode=window", {"lstm-output"}, "*no tensor lstm-output, *"},
      {"output-mode=final", {"lstm-output"}, NULL}, /* attaches no tensor */
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const gchar *pattern = cases[i].pattern;
    GstBuffer *buffer;
    Rig rig;

    g_test_message ("row %u: %s", i, cases[i].properties);
    media_rig_begin (&rig, cases[i].properties);
    buffer = step_frame_new (&rig, cases[i].ids[0], 0, 1);
    if (cases[i].ids[1])
      add_tensor (buffer, tensor_new (cases[i].ids[1], GST_TENSOR_DATA_TYPE_FLOAT32, "abcd", 4,
                              1, (const gsize[]){1}));
    g_assert_cmpint (
        gst_harness_push (rig.harness, buffer), ==, pattern ? GST_FLOW_ERROR : GST_FLOW_OK);
    if (pattern)
      assert_error_posted (rig.bus, pattern);
    g_assert_cmpuint (rig_get_steps (&rig), ==, !pattern);
    rig_clear (&rig);
  }
}

/* With max-errors the frame passes without an output. */
static void
test_tolerated_buffer (void)
{
  GstBuffer *out;
  Rig rig;

  media_rig_begin (&rig, "max-errors=1");
  out = gst_harness_push_and_pull (rig.harness, step_frame_new (&rig, "lstm-output", 0, 1));
  assert_warning_posted (rig.bus, "buffer: expected no tensor lstm-output, *");
  g_assert_cmpuint (rig_get_stat (&rig, "errors"), ==, 1);
  g_assert_cmpuint (find_tensor (out, "lstm-output")->dims[1], ==, D); /* of the input */
  gst_buffer_unref (out);
  g_array_set_size (rig.outputs, 0); /* drops the pixels */
  media_rig_push_steps (&rig, 0, 1);
  rig_expect_outputs (&rig, 0, 1, 1);
  rig_assert_outputs (&rig);
  rig_clear (&rig);
}

#if GST_CHECK_VERSION(1, 28, 0)
#  define TENSOR(id) "(caps)\"tensor/strided,tensor-id=" id ",dims=(int)<1,3>\""
#  define CAPS_WITH(groups) VIDEO ",tensors=(structure)[tensorgroups," groups "]"

/* Caps that already have the id of an output are refused. */
static void
test_caps (void)
{
  static const struct {
    const gchar *properties, *caps;
    const gchar *pattern; /* NULL: no error */
  } cases[] = {
      {"", CAPS_WITH ("g=(/uniquelist){" TENSOR ("features") "}"), NULL},
      {"", CAPS_WITH ("lstm-output=(/uniquelist){" TENSOR ("features") "}"), NULL},
      {"", CAPS_WITH ("g=(/uniquelist){" TENSOR ("features") "," TENSOR ("lstm-output") "}"),
          "caps field tensors: expected no tensor lstm-output, because property "
          "output-tensor-id *, found one in the group g"},
      {"", CAPS_WITH ("lstm-output=(/uniquelist){" TENSOR ("lstm-output") "}"),
          "*no tensor lstm-output, *, found one in the group lstm-output"},
      {"", CAPS_WITH ("g=(/uniquelist){" TENSOR ("lstm-output-cell") "}"), NULL},
      {"emit=output+cell", CAPS_WITH ("g=(/uniquelist){" TENSOR ("lstm-output-cell") "}"),
          "*no tensor lstm-output-cell, *"},
      {"output-tensor-id=classification-generic-softmaxed-out",
          CAPS_WITH ("g=(/uniquelist){" TENSOR ("classification-generic-softmaxed-out") "}"),
          "*no tensor classification-generic-softmaxed-out, *"},
      {"output-mode=final", CAPS_WITH ("g=(/uniquelist){" TENSOR ("lstm-output") "}"), NULL},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    Rig rig;

    g_test_message ("row %u: %s", i, cases[i].properties);
    rig_init (&rig, FOLDER, cases[i].properties);
    rig_push_stream_start (&rig);
    g_assert_true (rig_push_caps_text (&rig, cases[i].caps) == !cases[i].pattern);
    if (cases[i].pattern)
      rig_assert_caps_error (&rig, cases[i].pattern);
    rig_clear (&rig);
  }
}
#endif

/* Tensors have no ids in other/tensors. */
static void
test_other_tensors (void)
{
  Rig rig;

  rig_init (&rig, FOLDER, "");
  gst_harness_set_sink_caps_str (rig.harness, "other/tensors");
#if GST_CHECK_VERSION(1, 28, 0)
  rig_begin_stream_with_caps (
      &rig, CAPS_WITH ("lstm-output=(/uniquelist){" TENSOR ("lstm-output") "}"));
#else
  rig_begin_stream_with_caps (&rig, VIDEO);
#endif
  g_assert_cmpint (gst_harness_push (rig.harness, step_frame_new (&rig, "lstm-output", 0, 1)),
      ==, GST_FLOW_OK);
  rig_expect_outputs (&rig, 0, 1, 1);
  rig_assert_outputs (&rig);
  rig_clear (&rig);
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
    {"/lstm-media-ids/characters", test_characters},
    {"/lstm-media-ids/buffers", test_buffers},
    {"/lstm-media-ids/tolerated-buffer", test_tolerated_buffer},
    {"/lstm-media-ids/other-tensors", test_other_tensors},
#if GST_CHECK_VERSION(1, 28, 0)
    {"/lstm-media-ids/caps-keep-ids", test_caps_keep_ids},
    {"/lstm-media-ids/caps", test_caps},
#endif
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
