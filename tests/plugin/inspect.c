/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Descriptions that gst-inspect-1.0 shows for each element, and their entries in the element's
 * page. */
#include "testutil.h"
#include <string.h>

static const gchar *const elements[] = {
    "lstm", "lstmfeatures", "lstmlabel", "npysink", "npysrc"};

static GstElement *element;
static gchar *page;

/* Asserts that @text is a description as elsewhere in GStreamer: words without a full stop. */
static void
assert_described (const gchar *what, const gchar *text)
{
  if (!text || !g_ascii_isalpha (text[0]) || g_str_has_suffix (text, ".") || strchr (text, '_'))
    g_error ("%s: '%s' is no description", what, text ? text : "(none)");
}

/* Returns: (transfer full): the row of the page's tables whose first cell has @name */
static gchar *
find_row (const gchar *name)
{
  g_autofree gchar *quoted = g_strdup_printf ("`%s`", name);
  g_auto (GStrv) lines = g_strsplit (page, "\n", -1);

  for (guint i = 0; lines[i]; i++) {
    g_auto (GStrv) cells = g_strsplit (lines[i], " | ", 2);

    if (g_str_has_prefix (lines[i], "| ") && strstr (cells[0], quoted))
      return g_strdup (lines[i]);
  }
  g_error ("%s: the page has no row of `%s`", GST_OBJECT_NAME (element), name);
}

static void
assert_row_has (const gchar *name, const gchar *row, const gchar *text)
{
  if (!strstr (row, text))
    g_error ("%s: the page's row of `%s` lacks %s", GST_OBJECT_NAME (element), name, text);
}

static void
check_value (const GParamSpec *spec, const gchar *row, const gchar *name, const gchar *nick)
{
  g_autofree gchar *quoted = g_strdup_printf ("`%s`", nick);

  assert_described (nick, name);
  assert_row_has (spec->name, row, quoted);
}

static void
check_values (GParamSpec *spec, const gchar *row)
{
  if (G_IS_PARAM_SPEC_ENUM (spec)) {
    const GEnumClass *values = G_PARAM_SPEC_ENUM (spec)->enum_class;

    for (guint i = 0; i < values->n_values; i++)
      check_value (spec, row, values->values[i].value_name, values->values[i].value_nick);
  } else if (G_IS_PARAM_SPEC_FLAGS (spec)) {
    const GFlagsClass *values = G_PARAM_SPEC_FLAGS (spec)->flags_class;

    for (guint i = 0; i < values->n_values; i++)
      check_value (spec, row, values->values[i].value_name, values->values[i].value_nick);
  }
}

/* Returns: (transfer full): the default value as the page spells it */
static gchar *
get_default_text (GParamSpec *spec)
{
  const GValue *value = g_param_spec_get_default_value (spec);

  if (G_IS_PARAM_SPEC_BOXED (spec) || GST_IS_PARAM_SPEC_ARRAY_LIST (spec))
    return g_strdup ("none");
  if (G_IS_PARAM_SPEC_STRING (spec))
    return g_strdup (g_value_get_string (value) ? g_value_get_string (value) : "none");
  if (G_IS_PARAM_SPEC_ENUM (spec)) {
    GEnumClass *values = G_PARAM_SPEC_ENUM (spec)->enum_class;

    return g_strdup (g_enum_get_value (values, g_value_get_enum (value))->value_nick);
  }
  if (G_IS_PARAM_SPEC_FLAGS (spec)) {
    GFlagsClass *values = G_PARAM_SPEC_FLAGS (spec)->flags_class;
    const GFlagsValue *first = g_flags_get_first_value (values, g_value_get_flags (value));

    return g_strdup (first ? first->value_nick : "none");
  }
  if (G_IS_PARAM_SPEC_DOUBLE (spec))
    return g_strdup_printf ("%g", g_value_get_double (value));
  if (G_IS_PARAM_SPEC_FLOAT (spec))
    return g_strdup_printf ("%g", (double) g_value_get_float (value));
  return gst_value_serialize (value);
}

/* Checks a property of the element; base classes document their own properties. */
static void
check_property (GParamSpec *spec)
{
  g_autofree gchar *row = NULL;

  if (spec->owner_type != G_OBJECT_TYPE (element))
    return;
  row = find_row (spec->name);
  assert_described (spec->name, g_param_spec_get_nick (spec));
  assert_described (spec->name, g_param_spec_get_blurb (spec));
  check_values (spec, row);
  if (spec->flags & G_PARAM_WRITABLE) {
    g_autofree gchar *text = get_default_text (spec);

    assert_row_has (spec->name, row, text);
    g_assert_true (spec->flags & (GST_PARAM_MUTABLE_READY | GST_PARAM_MUTABLE_PLAYING));
  } else {
    assert_row_has (spec->name, row, "read-only");
  }
}

static void
check_properties (void)
{
  g_autofree GParamSpec **specs = g_object_class_list_properties (
      G_OBJECT_GET_CLASS (element), NULL);

  for (guint i = 0; specs[i]; i++)
    check_property (specs[i]);
}

static void
check_signals (void)
{
  guint n;
  g_autofree guint *ids = g_signal_list_ids (G_OBJECT_TYPE (element), &n);

  for (guint i = 0; i < n; i++)
    g_free (find_row (g_signal_name (ids[i])));
}

static void
check_statistics (void)
{
  g_autoptr (GstStructure) stats = NULL;
  g_autofree gchar *row = NULL;
  GParamSpec *spec = g_object_class_find_property (G_OBJECT_GET_CLASS (element), "stats");

  if (!spec || spec->owner_type != G_OBJECT_TYPE (element))
    return;
  row = find_row ("stats");
  g_object_get (element, "stats", &stats, NULL);
  for (gint i = 0; i < gst_structure_n_fields (stats); i++) {
    g_autofree gchar *quoted = g_strdup_printf (
        "`%s`", gst_structure_nth_field_name (stats, (guint) i));

    assert_row_has ("stats", row, quoted);
  }
}

static void
check_metadata (void)
{
  static const gchar *const keys[] = {GST_ELEMENT_METADATA_LONGNAME, GST_ELEMENT_METADATA_KLASS,
      GST_ELEMENT_METADATA_DESCRIPTION, GST_ELEMENT_METADATA_AUTHOR};
  GstElementClass *klass = GST_ELEMENT_GET_CLASS (element);
  g_autofree gchar *page_name = g_strdup_printf ("/element-%s.html", GST_OBJECT_NAME (element));

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    assert_described (keys[i], gst_element_class_get_metadata (klass, keys[i]));
  g_assert_cmpstr (gst_element_class_get_metadata (klass, GST_ELEMENT_METADATA_AUTHOR), ==,
      "The gst-lstm developers");
  g_assert_true (g_str_has_suffix (
      gst_element_class_get_metadata (klass, GST_ELEMENT_METADATA_DOC_URI), page_name));
}

static void
test_element (gconstpointer name)
{
  g_autofree gchar *file = g_strdup_printf ("docs/elements/%s.md", (const gchar *) name);
  g_autofree gchar *path = test_source_path (file);

  element = gst_object_ref_sink (gst_element_factory_make (name, name));
  g_assert_true (g_file_get_contents (path, &page, NULL, NULL));
  check_metadata ();
  check_properties ();
  check_signals ();
  check_statistics ();
  g_free (page);
  gst_object_unref (element);
}

/* The list above has all elements of the plugin. */
static void
test_list (void)
{
  GList *features = gst_registry_get_feature_list_by_plugin (gst_registry_get (), "lstm");

  g_assert_cmpuint (g_list_length (features), ==, G_N_ELEMENTS (elements));
  gst_plugin_feature_list_free (features);
}

/* The plugin states its package, a URL and a date. */
static void
test_plugin (void)
{
  g_autoptr (GstPlugin) plugin = gst_registry_find_plugin (gst_registry_get (), "lstm");

  g_assert_cmpstr (gst_plugin_get_source (plugin), ==, "gst-lstm");
  g_assert_cmpstr (gst_plugin_get_package (plugin), !=, "");
  g_assert_true (g_uri_is_valid (gst_plugin_get_origin (plugin), G_URI_FLAGS_NONE, NULL));
  g_assert_true (g_regex_match_simple (
      "^\\d{4}-\\d\\d-\\d\\d$", gst_plugin_get_release_date_string (plugin), 0, 0));
}

int
main (int argc, char **argv)
{
  test_init (&argc, &argv);
  g_test_add_func ("/inspect/list", test_list);
  g_test_add_func ("/inspect/plugin", test_plugin);
  for (guint i = 0; i < G_N_ELEMENTS (elements); i++) {
    g_autofree gchar *name = g_strdup_printf ("/inspect/%s", elements[i]);

    g_test_add_data_func (name, elements[i], test_element);
  }
  return g_test_run ();
}
