/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the file of state-location may be, and writes that fail. */
#include "lstm-rig.h"
#include "state-location.h"
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER "three-layers"

/* --- Files that are refused --- */

/* Going to PAUSED with @location fails at once. Returns: (transfer full): what is posted */
static gchar *
refusal_of (const gchar *location)
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
  g_autofree gchar *message = refusal_of (location);
  g_autofree gchar *whole = g_strconcat (
      "property state-location: ", location, ": ", pattern, NULL);

  if (!g_pattern_match_simple (whole, message))
    g_error ("expected '%s', got '%s'", whole, message);
}

static void
test_fifo (void)
{
  StateLocation location = state_location_new ("");

  g_assert_cmpint (mkfifo (location.file, 0600), ==, 0);
  assert_refused (location.file, "expected a file, found a FIFO");
  state_location_clear (&location);
}

/* Bytes that this process has read so far; 0 where the kernel does not count them */
static guint64
count_read (void)
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

/* A file of 3 GB, all zeros or a state at its beginning, is refused and not read. */
static void
test_large_file (void)
{
  for (guint i = 0; i < 2; i++) {
    StateLocation location = state_location_new ("");
    guint64 before;

    if (i)
      write_state (&location);
    else
      g_file_set_contents (location.file, "", 0, NULL);
    g_assert_cmpint (truncate (location.file, 3000000000), ==, 0);
    before = count_read ();
    assert_refused (location.file, "expected *, found 3000000000 bytes");
    g_assert_cmpuint (count_read () - before, <, 10000000);
    state_location_clear (&location);
  }
}

/* --- Writes that fail --- */

/* The kernel refuses to write beyond a size, as a full disk would. */
static void
set_file_size_limit (rlim_t limit)
{
  struct rlimit value;

  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &value), ==, 0);
  value.rlim_cur = MIN (limit, value.rlim_max);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &value), ==, 0);
}

static void
assert_one_warning (Rig *rig, const gchar *pattern)
{
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (rig->bus, GST_MESSAGE_WARNING);
  g_autoptr (GError) warning = NULL;

  g_assert_nonnull (message);
  gst_message_parse_warning (message, &warning, NULL);
  g_assert_error (warning, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_WRITE);
  if (!g_pattern_match_simple (pattern, warning->message))
    g_error ("expected '%s', got '%s'", pattern, warning->message);
  g_assert_null (gst_bus_pop_filtered (rig->bus, GST_MESSAGE_WARNING));
}

static void
rig_stop (Rig *rig)
{
  gst_element_set_state (rig->lstm, GST_STATE_READY);
}

static void
push_step (Rig *rig)
{
  rig_push_steps (rig, 6, 1);
}

/* Writes fail, with one warning for a reason, and the stream goes on; then the disk has room again. The next
 * write, which @retries, writes the state that should be there: that of EOS is not the one that
 * the element has. */
static const struct {
  const gchar *more;
  void (*ends) (Rig *rig); /* the last write that fails */
  void (*retries) (Rig *rig);
  gboolean newer; /* what is written is of the retry's own step */
} retries[] = {
    {"", rig_push_eos, rig_stop, FALSE},
    {"state-interval=1", rig_do_nothing, rig_stop, FALSE},
    {"state-interval=1", rig_push_eos, rig_stop, FALSE},
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
    set_file_size_limit (100);
    rig_push_and_expect (&rig, 0, 6);
    rig_assert_outputs (&rig);
    g_signal_emit_by_name (rig.lstm, "get-state", &bytes);
    retries[i].ends (&rig);
    set_file_size_limit (RLIM_INFINITY);
    assert_one_warning (
        &rig, "property state-location: */state.safetensors: writing: File too large");
    g_assert_false (g_file_test (location.file, G_FILE_TEST_EXISTS));
    retries[i].retries (&rig);
    g_assert_null (gst_bus_pop_filtered (rig.bus, GST_MESSAGE_WARNING));
    if (retries[i].newer) {
      g_clear_pointer (&bytes, g_bytes_unref);
      g_signal_emit_by_name (rig.lstm, "get-state", &bytes);
    }
    g_assert_true (g_file_get_contents (location.file, &content, &size, NULL));
    g_assert_cmpmem (content, size, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
    rig_clear (&rig);
    state_location_clear (&location);
  }
}

/* Another reason is another warning, and so is the same one after a write. */
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
    set_file_size_limit (100);
    rig_push_steps (&rig, 2, 2);
    assert_one_warning (&rig, too_large);
    set_file_size_limit (RLIM_INFINITY);
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
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/lstm-state-file/fifo", test_fifo);
  g_test_add_func ("/lstm-state-file/large", test_large_file);
  g_test_add_func ("/lstm-state-file/retries", test_retries);
  g_test_add_func ("/lstm-state-file/reasons", test_reasons);
  return g_test_run ();
}
