/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "testutil.h"
#include <glib/gstdio.h>
#include <signal.h>

void
test_init (int *argc, char ***argv)
{
  gst_init (argc, argv);
  g_test_init (argc, argv, NULL);
}

int
test_main (int argc, char **argv, const TestRow *tests, guint n)
{
  test_init (&argc, &argv);
  for (guint i = 0; i < n; i++)
    g_test_add_func (tests[i].name, tests[i].run);
  return g_test_run ();
}

gchar *
test_vector_path (const gchar *name)
{
  return g_build_filename (g_getenv ("LSTM_TEST_VECTORS"), name, NULL);
}

gchar *
test_source_path (const gchar *name)
{
  return g_build_filename (g_getenv ("LSTM_TEST_SOURCE"), name, NULL);
}

gchar *
test_dir_new (void)
{
  g_autoptr (GError) error = NULL;
  gchar *dir = g_dir_make_tmp ("lstm-test-XXXXXX", &error);

  g_assert_no_error (error);
  return dir;
}

void
test_dir_remove (gchar *dir)
{
  g_autoptr (GDir) entries = g_dir_open (dir, 0, NULL);
  const gchar *name;

  g_assert_nonnull (entries);
  while ((name = g_dir_read_name (entries))) {
    g_autofree gchar *path = g_build_filename (dir, name, NULL);

    g_assert_cmpint (g_unlink (path), ==, 0);
  }
  g_assert_cmpint (g_rmdir (dir), ==, 0);
  g_free (dir);
}

void
test_assert_same_file (const gchar *a, const gchar *b)
{
  g_autofree gchar *content_a = NULL;
  g_autofree gchar *content_b = NULL;
  gsize size_a, size_b;

  g_assert_true (g_file_get_contents (a, &content_a, &size_a, NULL));
  g_assert_true (g_file_get_contents (b, &content_b, &size_b, NULL));
  g_assert_cmpmem (content_a, size_a, content_b, size_b);
}

void
test_set_file_size_limit (rlim_t limit)
{
  struct rlimit value;

  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &value), ==, 0);
  value.rlim_cur = MIN (limit, value.rlim_max);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &value), ==, 0);
}

void
assert_matches (const gchar *text, const gchar *pattern)
{
  if (!text || !g_pattern_match_simple (pattern, text))
    g_error ("expected '%s', found '%s'", pattern, text ? text : "(nothing)");
}

/* Pops the first message of @type and asserts that its text matches @pattern. */
static void
assert_posted (GstBus *bus, GstMessageType type,
    void (*parse) (GstMessage *message, GError **error, gchar **debug), const gchar *pattern)
{
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (bus, type);
  g_autoptr (GError) error = NULL;

  if (!message)
    g_error ("expected '%s', found no %s", pattern, gst_message_type_get_name (type));
  parse (message, &error, NULL);
  assert_matches (error->message, pattern);
}

void
assert_warning_posted (GstBus *bus, const gchar *pattern)
{
  assert_posted (bus, GST_MESSAGE_WARNING, gst_message_parse_warning, pattern);
}

void
assert_error_posted (GstBus *bus, const gchar *pattern)
{
  assert_posted (bus, GST_MESSAGE_ERROR, gst_message_parse_error, pattern);
}

void
add_pad_probe (GstElement *element, const gchar *name, GstPadProbeType type,
    GstPadProbeCallback callback, gpointer data)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (element, name);

  gst_pad_add_probe (pad, type, callback, data, NULL);
}

GstElement *
parse_pipeline (const gchar *format, ...)
{
  g_autofree gchar *line = NULL;
  g_autoptr (GError) error = NULL;
  GstElement *pipeline;
  va_list args;

  va_start (args, format);
  line = g_strdup_vprintf (format, args);
  va_end (args);
  pipeline = gst_object_ref_sink (gst_parse_launch (line, &error));
  g_assert_no_error (error);
  return pipeline;
}

void
discard_messages (GstElement *pipeline)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);

  gst_bus_set_flushing (bus, TRUE);
  gst_bus_set_flushing (bus, FALSE);
}

void
play_to_eos (GstElement *pipeline)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = NULL;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_cmpstr (GST_MESSAGE_TYPE_NAME (message), ==, "eos");
  gst_element_set_state (pipeline, GST_STATE_NULL);
}

gboolean
test_launch (gchar **error, const gchar *format, ...)
{
  g_autoptr (GError) parse_error = NULL;
  g_autoptr (GstElement) pipeline = NULL;
  g_autoptr (GstBus) bus = NULL;
  g_autoptr (GstMessage) message = NULL;
  g_autofree gchar *line = NULL;
  va_list args;

  va_start (args, format);
  line = g_strdup_vprintf (format, args);
  va_end (args);
  if (error)
    *error = NULL;
  pipeline = gst_parse_launch (line, &parse_error);
  if (parse_error) {
    if (error)
      *error = g_strdup (parse_error->message);
    return FALSE;
  }
  bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    g_autoptr (GError) cause = NULL;

    gst_message_parse_error (message, &cause, NULL);
    if (error)
      *error = g_strdup_printf ("%s: %s", GST_MESSAGE_SRC_NAME (message), cause->message);
    return FALSE;
  }
  return TRUE;
}

static void
assert_property (GstElement *element, const gchar *name, GType type, const gchar *expected)
{
  GValue value = G_VALUE_INIT, wanted = G_VALUE_INIT;

  g_value_init (&value, type);
  g_value_init (&wanted, type);
  g_object_get_property (G_OBJECT (element), name, &value);
  if (expected) {
    g_assert_true (gst_value_deserialize (&wanted, expected));
    g_assert_cmpint (gst_value_compare (&value, &wanted), ==, GST_VALUE_EQUAL);
  } else {
    g_assert_null (g_value_get_string (&value));
  }
  g_value_unset (&value);
  g_value_unset (&wanted);
}

void
test_properties_of (const gchar *name, const TestProperty *properties, guint n)
{
  g_autoptr (GstElement) element = gst_object_ref_sink (gst_element_factory_make (name, NULL));

  for (guint i = 0; i < n; i++) {
    const TestProperty *p = &properties[i];
    GParamSpec *spec = g_object_class_find_property (G_OBJECT_GET_CLASS (element), p->name);

    g_assert_nonnull (spec);
    g_assert_cmpint (spec->flags & p->flags, ==, p->flags);
    assert_property (element, p->name, spec->value_type, p->initial);
    gst_util_set_object_arg (G_OBJECT (element), p->name, p->other);
    assert_property (element, p->name, spec->value_type, p->other);
  }
}

void
test_state_cycles (const gchar *line, guint n)
{
  g_autoptr (GstElement) pipeline = parse_pipeline ("%s", line);

  for (guint i = 0; i < n; i++) {
    gst_element_set_state (pipeline, i % 2 ? GST_STATE_PLAYING : GST_STATE_PAUSED);
    if (i % 3)
      g_assert_cmpint (gst_element_get_state (pipeline, NULL, NULL, GST_CLOCK_TIME_NONE), ==,
          GST_STATE_CHANGE_SUCCESS);
    g_assert_cmpint (gst_element_set_state (pipeline, i % 5 ? GST_STATE_READY : GST_STATE_NULL),
        ==, GST_STATE_CHANGE_SUCCESS);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
}
