/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The order of the formats in the caps of `lstmfeatures`, which is that of the page's tables. */
#include "testutil.h"
#include <gst/video/video.h>
#include <string.h>

static const gchar *const colors[] = {"gray", "rgb"};

static GstElement *
create_element (const gchar *color)
{
  GstElement *element = gst_element_factory_make ("lstmfeatures", NULL);

  gst_util_set_object_arg (G_OBJECT (element), "color", color);
  return element;
}

/* Returns: (transfer full): the sink caps of @element for upstream caps @filter (nullable) */
static GstCaps *
query_caps (GstElement *element, const gchar *filter)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (element, "sink");
  g_autoptr (GstCaps) filter_caps = filter ? gst_caps_from_string (filter) : NULL;

  return gst_pad_query_caps (pad, filter_caps);
}

static const gchar *
get_format (const GValue *list, guint i)
{
  return g_value_get_string (gst_value_list_get_value (list, i));
}

/* Asserts that the formats of a row of a table of the page are @list from index *@i on, and adds them
 * to @names_of_page. Formats that this GStreamer lacks are not in the list. */
static void
check_row (const gchar *row, const GValue *list, guint *i, GHashTable *names_of_page)
{
  g_auto (GStrv) cells = g_strsplit (row, "|", -1);
  g_auto (GStrv) names = g_strsplit (g_strstrip (cells[2]), ", ", -1);

  for (guint k = 0; names[k]; k++) {
    if (gst_video_format_from_string (names[k]) != GST_VIDEO_FORMAT_UNKNOWN)
      g_assert_cmpstr (get_format (list, (*i)++), ==, names[k]);
    g_hash_table_add (names_of_page, g_strdup (names[k]));
  }
}

/* Asserts that the caps list the formats of the page's table for @color, in its order, and that the
 * times of the table increase. Other formats follow. */
static void
check_page (const gchar *page, const gchar *color)
{
  g_autofree gchar *head = g_strdup_printf (
      "\n| ms, `color=%s` | formats |\n|---|---|\n", color);
  g_autoptr (GstElement) element = gst_object_ref_sink (create_element (color));
  g_autoptr (GstCaps) caps = query_caps (element, NULL);
  const GValue *list = gst_structure_get_value (gst_caps_get_structure (caps, 0), "format");
  const gchar *table = strstr (page, head);
  g_autoptr (GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_auto (GStrv) rows = NULL;
  gdouble ms = 0;
  guint i = 0;

  g_assert_nonnull (table);
  rows = g_strsplit (table + strlen (head), "\n", -1);
  for (guint k = 0; rows[k][0] == '|'; k++) {
    const gdouble next = g_ascii_strtod (rows[k] + 1, NULL);

    g_assert_cmpfloat (next, >, ms);
    ms = next;
    check_row (rows[k], list, &i, names);
  }
  g_assert_cmpuint (i, >, 90);
  for (; i < gst_value_list_get_size (list); i++) /* formats of a later GStreamer */
    g_assert_false (g_hash_table_contains (names, get_format (list, i)));
}

static void
test_page (void)
{
  g_autofree gchar *path = test_source_path ("docs/elements/lstmfeatures.md");
  g_autofree gchar *page = NULL;

  g_assert_true (g_file_get_contents (path, &page, NULL, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (colors); i++)
    check_page (page, colors[i]);
}

/* The template has the formats of the default color, each one once. */
static void
test_template (void)
{
  g_autoptr (GstElement) element = gst_object_ref_sink (create_element ("gray"));
  g_autoptr (GstPad) pad = gst_element_get_static_pad (element, "sink");
  g_autoptr (GstCaps) template = gst_pad_get_pad_template_caps (pad);
  g_autoptr (GstCaps) caps = query_caps (element, NULL);
  g_autoptr (GstCaps) all = gst_caps_from_string (GST_VIDEO_CAPS_MAKE (GST_VIDEO_FORMATS_ALL));
  const GValue *list = gst_structure_get_value (gst_caps_get_structure (caps, 0), "format");
  const GValue *expected = gst_structure_get_value (gst_caps_get_structure (all, 0), "format");

  g_assert_true (gst_caps_is_strictly_equal (template, caps));
  g_assert_cmpuint (gst_value_list_get_size (list), ==, gst_value_list_get_size (expected));
  g_assert_cmpint (gst_value_compare (list, expected), ==, GST_VALUE_EQUAL); /* as sets */
}

/* A source that offers every format sends the fastest one. */
static void
test_source (void)
{
  static const gchar *const formats[] = {"I420", "RGB"};

  for (guint i = 0; i < G_N_ELEMENTS (colors); i++) {
    g_autoptr (GstElement) pipeline = parse_pipeline (
        "videotestsrc num-buffers=1 ! lstmfeatures name=features color=%s ! fakesink",
        colors[i]);
    g_autoptr (GstElement) features = gst_bin_get_by_name (GST_BIN (pipeline), "features");
    g_autoptr (GstPad) pad = gst_element_get_static_pad (features, "sink");
    g_autoptr (GstCaps) caps = NULL;

    gst_element_set_state (pipeline, GST_STATE_PAUSED);
    g_assert_cmpint (gst_element_get_state (pipeline, NULL, NULL, GST_CLOCK_TIME_NONE), ==,
        GST_STATE_CHANGE_SUCCESS);
    caps = gst_pad_get_current_caps (pad);
    g_assert_cmpstr (
        gst_structure_get_string (gst_caps_get_structure (caps, 0), "format"), ==, formats[i]);
    gst_element_set_state (pipeline, GST_STATE_NULL);
  }
}

/* The element orders the formats of a structure, but not the structures of upstream. */
static void
test_filter (void)
{
  static const struct {
    const gchar *color, *filter, *expected;
  } cases[] = {
      {"gray", "video/x-raw, format={ RGB, YUY2, NV12 }",
          "video/x-raw, format={ NV12, YUY2, RGB }"},
      {"rgb", "video/x-raw, format={ NV12, YUY2, RGB }",
          "video/x-raw, format={ RGB, YUY2, NV12 }"},
      {"gray", "video/x-raw, format=RGB; video/x-raw, format=I420",
          "video/x-raw, format=RGB; video/x-raw, format=I420"},
      {"gray", "video/x-raw, format=BGRx", "video/x-raw, format=BGRx"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GstElement) element = gst_object_ref_sink (create_element (cases[i].color));
    g_autoptr (GstCaps) caps = query_caps (element, cases[i].filter);
    g_autoptr (GstCaps) expected = gst_caps_from_string (cases[i].expected);

    g_assert_cmpuint (gst_caps_get_size (caps), ==, gst_caps_get_size (expected));
    for (guint k = 0; k < gst_caps_get_size (caps); k++) {
      const GValue *found = gst_structure_get_value (
          gst_caps_get_structure (caps, k), "format");
      g_autofree gchar *found_text = gst_value_serialize (found);
      g_autofree gchar *expected_text = gst_value_serialize (
          gst_structure_get_value (gst_caps_get_structure (expected, k), "format"));

      g_assert_cmpstr (found_text, ==, expected_text);
    }
  }
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstmfeatures-formats/page", test_page},
      {"/lstmfeatures-formats/template", test_template},
      {"/lstmfeatures-formats/source", test_source},
      {"/lstmfeatures-formats/filter", test_filter},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
