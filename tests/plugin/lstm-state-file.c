/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * state-location: files that are refused, and writes that fail. */
#include "lstm-rig.h"
#include "state-location.h"
#include <glib/gstdio.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER "three-layers"

/* --- Files that are refused --- */

/* Asserts that an element with @location does not start. Returns: (transfer full): the text of the
 * error */
static gchar *
get_start_error (const gchar *location)
{
  g_autofree gchar *model = get_vector_path (FOLDER, "model.safetensors");
  GstElement *lstm = gst_object_ref_sink (gst_element_factory_make ("lstm", NULL));
  g_autoptr (GstBus) bus = gst_bus_new ();
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  gst_element_set_bus (lstm, bus);
  g_object_set (lstm, "model-location", model, "state-location", location, NULL);
  g_assert_cmpint (
      gst_element_set_state (lstm, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_FAILURE);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  gst_element_set_bus (lstm, NULL);
  gst_element_set_state (lstm, GST_STATE_NULL);
  gst_object_unref (lstm);
  return g_strdup (error->message);
}

static void
assert_refused (const gchar *location, const gchar *pattern)
{
  g_autofree gchar *message = get_start_error (location);
  g_autofree gchar *expected = g_strconcat (
      "property state-location: ", location, ": ", pattern, NULL);

  if (!g_pattern_match_simple (expected, message))
    g_error ("expected '%s', found '%s'", expected, message);
}

static void
test_fifo (void)
{
  StateLocation location = state_location_new ("");

  g_assert_cmpint (mkfifo (location.file, 0600), ==, 0);
  assert_refused (location.file, "expected a file, found a FIFO");
  state_location_clear (&location);
}

/* Returns the bytes that this process has read; 0 if the kernel does not count them. */
static guint64
count_read_bytes (void)
{
  g_autofree gchar *text = NULL;
  guint64 n = 0;

  if (g_file_get_contents ("/proc/self/io", &text, NULL, NULL))
    sscanf (text, "rchar: %" G_GINT64_MODIFIER "u", &n);
  return n;
}

static void
write_state (const StateLocation *location)
{
  Rig rig;

  rig_init (&rig, FOLDER, location->properties);
  rig_begin_stream (&rig);
  rig_push_steps (&rig, 0, 2);
  rig_clear (&rig);
}

/* A file of 3 GB is refused and not read, whether it begins with a state or not. So is a file that
 * does not end with a complete stream. */
static void
test_large_file (void)
{
  static const gint64 sizes[] = {3000000000, 3000000000, 3000001};

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    g_autofree gchar *pattern = g_strdup_printf (
        "expected *, found %" G_GINT64_FORMAT " bytes", sizes[i]);
    StateLocation location = state_location_new ("");
    guint64 before;

    if (i)
      write_state (&location);
    else
      g_file_set_contents (location.file, "", 0, NULL);
    g_assert_cmpint (truncate (location.file, sizes[i]), ==, 0);
    before = count_read_bytes ();
    assert_refused (location.file, pattern);
    g_assert_cmpuint (count_read_bytes () - before, <, 2000000);
    state_location_clear (&location);
  }
}

/* --- Writes that fail --- */

static void
assert_one_warning (Rig *rig, const gchar *pattern)
{
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (rig->bus, GST_MESSAGE_WARNING);
  g_autoptr (GError) warning = NULL;

  g_assert_nonnull (message);
  gst_message_parse_warning (message, &warning, NULL);
  g_assert_error (warning, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_WRITE);
  if (!g_pattern_match_simple (pattern, warning->message))
    g_error ("expected '%s', found '%s'", pattern, warning->message);
  g_assert_null (gst_bus_pop_filtered (rig->bus, GST_MESSAGE_WARNING));
}

static void
set_ready (Rig *rig)
{
  gst_element_set_state (rig->lstm, GST_STATE_READY);
}

static void
push_step (Rig *rig)
{
  rig_push_steps (rig, 6, 1);
}

/* Writes fail with one warning for each reason, and the stream continues. Then the disk has room
 * again, and the next write succeeds. It writes the state of the write that failed: after EOS the
 * element has another one. */
static const struct {
  const gchar *more;        /* properties */
  void (*fail) (Rig *rig);  /* causes the last write that fails */
  void (*retry) (Rig *rig); /* causes the write that succeeds */
  gboolean has_new_step;    /* the retry writes the state after its own step */
} retries[] = {
    {"", rig_push_eos, set_ready, FALSE},
    {"state-interval=1", rig_do_nothing, set_ready, FALSE},
    {"state-interval=1", rig_push_eos, set_ready, FALSE},
    {"state-interval=1", rig_do_nothing, push_step, TRUE},
};

static void
test_retries (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (retries); i++) {
    StateLocation location = state_location_new (retries[i].more);
    g_autoptr (GBytes) bytes = NULL;
    g_autofree gchar *content = NULL;
    gsize size;
    Rig rig;

    g_test_message ("retry %u", i);
    rig_init (&rig, FOLDER, location.properties);
    rig_begin_stream (&rig);
    test_set_file_size_limit (100);
    rig_push_and_expect (&rig, 0, 6);
    rig_assert_outputs (&rig);
    g_signal_emit_by_name (rig.lstm, "get-state", &bytes);
    retries[i].fail (&rig);
    test_set_file_size_limit (RLIM_INFINITY);
    assert_one_warning (
        &rig, "property state-location: */state.safetensors: writing: File too large");
    g_assert_false (g_file_test (location.file, G_FILE_TEST_EXISTS));
    retries[i].retry (&rig);
    g_assert_null (gst_bus_pop_filtered (rig.bus, GST_MESSAGE_WARNING));
    if (retries[i].has_new_step) {
      g_clear_pointer (&bytes, g_bytes_unref);
      g_signal_emit_by_name (rig.lstm, "get-state", &bytes);
    }
    g_assert_true (g_file_get_contents (location.file, &content, &size, NULL));
    g_assert_cmpmem (content, size, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
    rig_clear (&rig);
    state_location_clear (&location);
  }
}

/* Another reason causes another warning; so does the same reason after a successful write. */
static void
test_reasons (void)
{
  StateLocation location = state_location_new ("state-interval=1");
  static const gchar too_large[] = "*writing: File too large";
  Rig rig;

  rig_init (&rig, FOLDER, location.properties);
  rig_begin_stream (&rig);
  rig_push_steps (&rig, 0, 2);
  for (guint i = 0; i < 2; i++) {
    test_set_file_size_limit (100);
    rig_push_steps (&rig, 2, 2);
    assert_one_warning (&rig, too_large);
    test_set_file_size_limit (RLIM_INFINITY);
    g_unlink (location.file);
    g_mkdir (location.file, 0700);
    rig_push_steps (&rig, 4, 2);
    assert_one_warning (&rig, "*expected a file to write, found a directory");
    g_rmdir (location.file);
    rig_push_steps (&rig, 6, 2);
    g_assert_null (gst_bus_pop_filtered (rig.bus, GST_MESSAGE_WARNING));
  }
  rig_clear (&rig);
  state_location_clear (&location);
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm-state-file/fifo", test_fifo},
      {"/lstm-state-file/large", test_large_file},
      {"/lstm-state-file/retries", test_retries},
      {"/lstm-state-file/reasons", test_reasons},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
