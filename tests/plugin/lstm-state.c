/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * h and c that outlive an element: state-location, get-state and set-state, and a process that is
 * killed while it writes. */
#include "lstm-rig.h"
#include "state-location.h"
#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FOLDER "three-layers"

/* Replaces the element by a new one, as if another process started. */
static void
restart_element (Rig *rig, const StateLocation *location)
{
  LstmState *state = lstm_state_ref (rig->state);
  const guint streams = rig->n_streams, steps = rig->n_steps;
  GArray *expected = g_array_ref (rig->expected_outputs);

  rig_clear (rig);
  rig_init (rig, FOLDER, location->properties);
  lstm_state_unref (rig->state);
  g_array_unref (rig->expected_outputs);
  rig->state = state;
  rig->expected_outputs = expected;
  rig->n_streams = streams;
  rig->n_steps = steps;
}

static void
push_gap (Rig *rig)
{
  rig_push_event (rig, gst_event_new_gap (5, 6));
}

static void
reset_and_step (Rig *rig)
{
  rig_emit_reset (rig);
  rig_push_steps (rig, 0, rig->n_steps);
  rig_expect_reset (rig);
  rig_expect_outputs (rig, 0, rig->n_steps, 0);
  g_array_set_size (rig->outputs, 0);
}

/* Two consecutive elements with one state file */
static const struct {
  const gchar *more;        /* properties */
  void (*end) (Rig *rig);   /* ends the first element */
  void (*begin) (Rig *rig); /* precedes the first step of the second element */
  gboolean keeps_state;     /* the second element continues the state of the first */
} lives[] = {
    {"", rig_push_eos, rig_do_nothing, TRUE},
    {"", rig_do_nothing, rig_do_nothing, TRUE},
    {"stateful=true", rig_push_eos, rig_do_nothing, TRUE},
    {"", rig_push_segment, rig_do_nothing, FALSE}, /* saves a state of zeros */
    {"", rig_push_eos, rig_push_flush, TRUE},
    {"", rig_push_eos, rig_push_segment, TRUE},
    {"reset-on=gap", rig_push_eos, push_gap, TRUE},
    {"", rig_push_eos, rig_emit_reset, FALSE},
    {"", rig_emit_reset, rig_do_nothing, FALSE},
    {"", reset_and_step, rig_do_nothing, TRUE},
    {"emit=output state-interval=1", rig_push_eos, rig_do_nothing, TRUE},
};

static void
check_lives (guint i, guint streams, guint steps)
{
  StateLocation location = state_location_new (lives[i].more);
  Rig rig;

  g_test_message ("life %u, %u streams, %u steps", i, streams, steps);
  rig_init (&rig, FOLDER, location.properties);
  rig.n_streams = streams;
  rig.n_steps = steps;
  rig_expect_reset (&rig);
  rig_begin_stream (&rig);
  rig_push_and_expect (&rig, 0, 6);
  rig_assert_outputs (&rig);
  lives[i].end (&rig);
  restart_element (&rig, &location);
  rig_begin_stream (&rig);
  lives[i].begin (&rig);
  if (!lives[i].keeps_state)
    rig_expect_reset (&rig);
  rig_push_and_expect (&rig, 0, 6);
  rig_assert_outputs (&rig);
  rig_clear (&rig);
  state_location_clear (&location);
}

static void
test_lives (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (lives); i++) {
    check_lives (i, 1, 1);
    check_lives (i, 2, 3);
  }
}

/* The message lstm-restored has the position at which the stream continues. */
static void
test_restored (void)
{
  StateLocation location = state_location_new ("");
  g_autoptr (GstMessage) message = NULL;
  guint64 time, steps;
  Rig rig;

  rig_init (&rig, FOLDER, location.properties);
  rig.framerate = "1000000/1"; /* matches the durations of the buffers */
  g_assert_null (gst_bus_pop_filtered (rig.bus, GST_MESSAGE_ELEMENT));
  rig_begin_stream (&rig);
  rig_push_and_expect (&rig, 0, 5);
  restart_element (&rig, &location);
  message = gst_bus_pop_filtered (rig.bus, GST_MESSAGE_ELEMENT);
  g_assert_nonnull (message);
  g_assert_true (gst_message_has_name (message, "lstm-restored"));
  gst_structure_get (gst_message_get_structure (message), "stream-time", G_TYPE_UINT64, &time,
      "steps", G_TYPE_UINT64, &steps, NULL);
  g_assert_cmpuint (time, ==, 5000);
  g_assert_cmpuint (steps, ==, 5);
  rig_clear (&rig);
  state_location_clear (&location);
}

/* Windows that are incomplete in the saved state continue, at whichever step the state was
 * saved. */
static void
test_window (void)
{
  static const gchar windows[] = "output-mode=window window-length=5 window-hop=2";
  Rig undisturbed;

  rig_init (&undisturbed, FOLDER, windows);
  rig_begin_stream (&undisturbed);
  rig_push_steps (&undisturbed, 0, 12);
  g_assert_cmpuint (undisturbed.outputs->len, >, 0);
  for (guint cut = 1; cut < 12; cut++) {
    StateLocation location = state_location_new (windows);
    Rig rig;

    rig_init (&rig, FOLDER, location.properties);
    rig_begin_stream (&rig);
    rig_push_steps (&rig, 0, cut);
    g_array_append_vals (rig.expected_outputs, rig.outputs->data, rig.outputs->len);
    restart_element (&rig, &location);
    g_array_append_vals (rig.outputs, rig.expected_outputs->data, rig.expected_outputs->len);
    rig_begin_stream (&rig);
    rig_push_steps (&rig, cut, 12 - cut);
    assert_same_bits (rig.outputs, undisturbed.outputs);
    rig_clear (&rig);
    state_location_clear (&location);
  }
  rig_clear (&undisturbed);
}

/* --- Signals --- */

static void
test_signals (void)
{
  g_autoptr (GBytes) none = NULL;
  g_autoptr (GBytes) bytes = NULL;
  gboolean ok;
  Rig rig;

  rig_init (&rig, FOLDER, "");
  g_signal_emit_by_name (rig.lstm, "get-state", &none);
  g_assert_null (none);
  rig_begin_stream (&rig);
  rig_push_and_expect (&rig, 0, 4);
  g_signal_emit_by_name (rig.lstm, "get-state", &bytes);
  g_assert_nonnull (bytes);
  rig_push_and_expect (&rig, 4, 4);
  rig_assert_outputs (&rig);
  g_signal_emit_by_name (rig.lstm, "set-state", bytes, &ok);
  g_assert_true (ok);
  rig_expect_reset (&rig);
  rig_expect_outputs (&rig, 0, 4, 0);
  rig_push_and_expect (&rig, 4, 4);
  rig_assert_outputs (&rig);
  rig_clear (&rig);
}

/* States that set-state refuses with a warning; h and c do not change. */
static const struct {
  const gchar *folder; /* vector whose model saved the state; NULL: bytes that are no state */
  guint streams;
  const gchar *message;
} refusals[] = {
    {"uneven", 1, "set-state: state of another model: expected "},
    {FOLDER, 2, "set-state: expected a state of 1 streams, which the caps have, found 2"},
    {NULL, 1, "set-state: "},
};

/* Returns: (transfer full) */
static GBytes *
save_state (const gchar *folder, guint streams)
{
  GBytes *bytes;
  Rig rig;

  if (!folder)
    return g_bytes_new_static ("nothing", 7);
  rig_init (&rig, folder, "");
  rig.n_streams = streams;
  rig_begin_stream (&rig);
  rig_push_steps (&rig, 0, 2);
  g_signal_emit_by_name (rig.lstm, "get-state", &bytes);
  rig_clear (&rig);
  return bytes;
}

static void
test_refusals (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (refusals); i++) {
    g_autoptr (GBytes) bytes = save_state (refusals[i].folder, refusals[i].streams);
    g_autoptr (GstMessage) message = NULL;
    g_autoptr (GError) warning = NULL;
    gboolean ok = TRUE;
    Rig rig;

    rig_init (&rig, FOLDER, "");
    rig_begin_stream (&rig);
    rig_push_and_expect (&rig, 0, 4);
    g_signal_emit_by_name (rig.lstm, "set-state", bytes, &ok);
    g_assert_false (ok);
    message = gst_bus_pop_filtered (rig.bus, GST_MESSAGE_WARNING);
    g_assert_nonnull (message);
    gst_message_parse_warning (message, &warning, NULL);
    g_assert_true (g_str_has_prefix (warning->message, refusals[i].message));
    rig_push_and_expect (&rig, 4, 4);
    rig_assert_outputs (&rig);
    rig_clear (&rig);
  }
}

/* The element does not start if the file of state-location has one of these states. Another number
 * of streams is refused later, with the caps. */
static void
test_refused_files (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (refusals); i++) {
    StateLocation location = state_location_new ("");
    g_autoptr (GBytes) bytes = save_state (refusals[i].folder, refusals[i].streams);
    g_autofree gchar *model = get_vector_path (FOLDER, "model.safetensors");
    GstElement *lstm = gst_object_ref_sink (gst_element_factory_make ("lstm", NULL));
    const gboolean other_streams = refusals[i].streams > 1;

    g_file_set_contents (
        location.file, g_bytes_get_data (bytes, NULL), (gssize) g_bytes_get_size (bytes), NULL);
    g_object_set (lstm, "model-location", model, "state-location", location.file, NULL);
    g_assert_cmpint (gst_element_set_state (lstm, GST_STATE_PAUSED), ==,
        other_streams ? GST_STATE_CHANGE_SUCCESS : GST_STATE_CHANGE_FAILURE);
    gst_element_set_state (lstm, GST_STATE_NULL);
    gst_object_unref (lstm);
    state_location_clear (&location);
  }
}

/* Another number of streams is refused with the caps, which specify it. */
static void
test_other_streams (void)
{
  StateLocation location = state_location_new ("");
  Rig rig;

  rig_init (&rig, FOLDER, location.properties);
  rig.n_streams = 2;
  rig_begin_stream (&rig);
  rig_push_steps (&rig, 0, 2);
  restart_element (&rig, &location);
  rig.n_streams = 1;
  rig_push_stream_start (&rig);
  g_assert_false (rig_push_caps (&rig));
  rig_assert_caps_error (
      &rig, "caps field dimensions: expected 2 streams, which the restored state has, found 1");
  rig_clear (&rig);
  state_location_clear (&location);
}

/* --- Killed --- */

#define STEPS 1000
#define KILLS 20

/* Computes step @i of a sequence of any length. */
static void
fill_step (gfloat *x, gsize d, guint i)
{
  for (gsize k = 0; k < d; k++)
    x[k] = (gfloat) ((i * 31 + k * 17) % 64) / 32 - 1;
}

/* The child process. Continues at the step of the file, saves the state after each step, and writes
 * a record to its stdout: the number and the output of the step. */
static int
run_child (const gchar *file)
{
  g_autofree gchar *properties = g_strdup_printf ("state-location=%s state-interval=1", file);
  g_autoptr (GstMessage) message = NULL;
  guint64 first = 0;
  Rig rig;

  rig_init (&rig, FOLDER, properties);
  message = gst_bus_pop_filtered (rig.bus, GST_MESSAGE_ELEMENT);
  if (message)
    gst_structure_get_uint64 (gst_message_get_structure (message), "steps", &first);
  rig_begin_stream (&rig);
  for (guint i = (guint) first; i < STEPS; i++) {
    GstBuffer *buffer = rig_buffer_new (&rig, 0);
    GstMapInfo map;

    gst_buffer_map (buffer, &map, GST_MAP_WRITE);
    fill_step ((gfloat *) map.data, rig.x.size, i);
    gst_buffer_unmap (buffer, &map);
    GST_BUFFER_PTS (buffer) = i * 1000;
    g_array_set_size (rig.outputs, 0);
    if (gst_harness_push (rig.harness, buffer) != GST_FLOW_OK
        || write (STDOUT_FILENO, &i, sizeof i) != sizeof i
        || write (STDOUT_FILENO, rig.outputs->data, rig.outputs->len * sizeof (gfloat)) < 0)
      return 1;
  }
  rig_push_eos (&rig);
  rig_clear (&rig);
  return 0;
}

/* Reads a complete record of the child. Returns FALSE at the end or within a record. */
static gboolean
read_record (gint fd, gpointer record, gsize size)
{
  for (gsize done = 0; done < size;) {
    gssize n = read (fd, (gchar *) record + done, size - done);

    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return FALSE;
    done += (gsize) n;
  }
  return TRUE;
}

/* Returns: (transfer full): the outputs of a run without interruption, (STEPS, n) */
static gfloat *
run_undisturbed (gsize *n)
{
  g_autofree gchar *path = get_vector_path (FOLDER, "model.safetensors");
  g_autoptr (LstmModel) model = lstm_model_load (path, NULL);
  g_autoptr (LstmState) state = lstm_state_new (model, 1, NULL);
  const gsize d = lstm_model_get_input_size (model);
  g_autofree gfloat *x = g_new (gfloat, STEPS * d);
  gfloat *y;

  *n = lstm_model_get_output_size (model);
  y = g_new (gfloat, STEPS * *n);
  for (guint i = 0; i < STEPS; i++)
    fill_step (x + i * d, d, i);
  lstm_state_run (state, STEPS, x, y);
  return y;
}

/* Kills a child after @max_records records and reads the records before its death. The child may
 * have saved a step that it has not written yet.
 * @n_known: number of steps that earlier children wrote. Returns: its new value */
static guint
run_and_kill (
    const gchar *file, guint max_records, const gfloat *expected, gsize n, guint n_known)
{
  const gchar *argv[] = {"/proc/self/exe", "--child", file, NULL};
  g_autofree gchar *record = g_malloc (sizeof (guint) + n * sizeof (gfloat));
  g_autoptr (GError) error = NULL;
  guint count = 0, step;
  GPid pid;
  gint out;

  g_spawn_async_with_pipes (NULL, (gchar **) argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL,
      &pid, NULL, &out, NULL, &error);
  g_assert_no_error (error);
  while (read_record (out, record, sizeof step + n * sizeof (gfloat))) {
    memcpy (&step, record, sizeof step);
    g_assert_cmpuint (step, <, STEPS);
    g_assert_cmpuint (step, <=, n_known + 1); /* at most this one step is missing */
    g_assert_cmpmem (
        record + sizeof step, n * sizeof (gfloat), expected + step * n, n * sizeof (gfloat));
    n_known = MAX (n_known, step + 1);
    if (++count == max_records)
      kill (pid, SIGKILL);
  }
  kill (pid, SIGKILL);
  waitpid (pid, NULL, 0);
  g_spawn_close_pid (pid);
  close (out);
  return n_known;
}

/* Asserts that the directory has no file except the state and its temporary name. */
static void
assert_names (const gchar *dir)
{
  g_autoptr (GDir) entries = g_dir_open (dir, 0, NULL);
  const gchar *name;

  while ((name = g_dir_read_name (entries)))
    if (!g_str_equal (name, "state.safetensors"))
      g_assert_cmpstr (name, ==, ".state.safetensors.lstm-tmp");
}

static void
test_killed (void)
{
  StateLocation location = state_location_new ("");
  gsize n;
  g_autofree gfloat *expected = run_undisturbed (&n);
  guint n_known = 0;

  for (guint i = 0; i < KILLS; i++) {
    n_known = run_and_kill (
        location.file, (guint) g_test_rand_int_range (1, STEPS / KILLS), expected, n, n_known);
    assert_names (location.dir);
  }
  g_assert_cmpuint (n_known, <, STEPS);
  g_assert_cmpuint (n_known, >, KILLS);
  g_assert_cmpuint (run_and_kill (location.file, STEPS + 1, expected, n, n_known), ==, STEPS);
  g_assert_cmpint (g_unlink (location.file), ==, 0);
  g_assert_cmpint (g_rmdir (location.dir), ==, 0); /* no other file remains */
  g_assert_cmpint (g_mkdir (location.dir, 0700), ==, 0);
  state_location_clear (&location);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  if (argc == 3 && g_str_equal (argv[1], "--child"))
    return run_child (argv[2]);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/lstm/lives", test_lives);
  g_test_add_func ("/lstm/restored", test_restored);
  g_test_add_func ("/lstm/window-state", test_window);
  g_test_add_func ("/lstm/state-signals", test_signals);
  g_test_add_func ("/lstm/state-refusals", test_refusals);
  g_test_add_func ("/lstm/state-files-refused", test_refused_files);
  g_test_add_func ("/lstm/state-other-streams", test_other_streams);
  g_test_add_func ("/lstm/killed", test_killed);
  return g_test_run ();
}
