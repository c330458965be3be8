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
      g_autoptr (GstElement) element = gst_object_ref_sink (
          gst_element_factory_make (properties[p][0], NULL));
      g_autoptr (GstBus) bus = gst_bus_new ();
      g_autofree gchar *path = get_vector_path (FOLDER, "model.safetensors");

      g_test_message ("%s %s: '%s'", properties[p][0], properties[p][1], cases[i].id);
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

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
    {"/lstm-media-ids/characters", test_characters},
#if GST_CHECK_VERSION(1, 28, 0)
    {"/lstm-media-ids/caps-keep-ids", test_caps_keep_ids},
#endif
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
