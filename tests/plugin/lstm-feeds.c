/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sources of steps other than npysrc: files and sockets. The outputs have the bits of
 * `npysrc ! lstm ! npysink`, which differ from the reference by at most 1e-5. */
#include "lstm-rig.h"
#include <glib/gstdio.h>

#define FOLDER "numbers"
#define STEPS 60
#define ROW 36 /* bytes of a step */

/* One float32 vector of 9 values per step */
#define TENSORS(T) CAPS ("9:" T, ",framerate=30/1")
#define QUOTED(T) "\"" TENSORS (T) "\""

/* Directory of the test. Its files: `raw` has the numbers of x without a header, `step000` … have
 * one step each, `recording` has the buffers of npysrc with caps and timestamps, and `expected` has
 * the output. */
static gchar *dir;

/* Replaces {d} by the directory, {v} by the directory of the vectors and {p} by @port.
 * Returns: (transfer full) */
static gchar *
replace_variables (const gchar *text, guint port)
{
  GString *line = g_string_new (text);
  g_autofree gchar *vectors = get_vector_path (FOLDER, ".");
  g_autofree gchar *number = g_strdup_printf ("%u", port);

  g_string_replace (line, "{d}", dir, 0);
  g_string_replace (line, "{v}", vectors, 0);
  g_string_replace (line, "{p}", number, 0);
  return g_string_free (line, FALSE);
}

#define LSTM " ! lstm name=lstm model-location={v}/model.safetensors ! npysink location={d}/"

static gchar *
build_dir_path (const gchar *name)
{
  return g_build_filename (dir, name, NULL);
}

static void
run_pipeline (const gchar *text)
{
  g_autofree gchar *line = replace_variables (text, 0);
  g_autofree gchar *error = NULL;

  if (!test_launch (&error, "%s", line))
    g_error ("%s", error);
}

static void
write_files (void)
{
  g_autofree gchar *x_path = get_vector_path (FOLDER, "x.npy");
  g_autofree gchar *raw = build_dir_path ("raw");
  StepArray x = step_array_load (x_path);

  g_assert_cmpuint (x.size * sizeof (gfloat), ==, ROW);
  g_assert_cmpuint (x.length, ==, STEPS);
  g_assert_true (g_file_set_contents (raw, (gchar *) x.items, STEPS * ROW, NULL));
  for (guint i = 0; i < STEPS; i++) {
    g_autofree gchar *name = g_strdup_printf ("step%03u", i);
    g_autofree gchar *path = build_dir_path (name);

    g_assert_true (g_file_set_contents (path, (gchar *) (x.items + i * x.size), ROW, NULL));
  }
  g_free (x.items);
  run_pipeline ("npysrc location={v}/x.npy ! gdppay ! filesink location={d}/recording");
  run_pipeline ("npysrc location={v}/x.npy" LSTM "expected");
}

static void
test_reference (void)
{
  g_autofree gchar *path = build_dir_path ("expected");
  g_autofree gchar *reference_path = get_vector_path (FOLDER, "expected.npy");
  g_auto (TestArray) found = test_array_load (path, NULL);
  g_auto (TestArray) reference = test_array_load (reference_path, NULL);

  g_assert_cmpuint (found.n, ==, reference.n);
  g_assert_cmpfloat (test_error (found.values, reference.values, found.n), <=, 1e-5);
}

static void
assert_expected (void)
{
  g_autofree gchar *output = build_dir_path ("got");
  g_autofree gchar *expected = build_dir_path ("expected");

  test_assert_same_file (output, expected);
  g_assert_cmpint (g_remove (output), ==, 0);
}

/* Returns: (transfer full) */
static GstElement *
pipeline_new (const gchar *text, guint port)
{
  g_autofree gchar *line = replace_variables (text, port);

  return parse_pipeline ("%s", line);
}

static void
assert_eos (GstElement *pipeline)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (
      bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
    gst_message_parse_error (message, &error, NULL);
  g_assert_no_error (error);
}

static void
watch_lstm (GstElement *pipeline, GstPadProbeCallback on_buffer, gpointer data)
{
  g_autoptr (GstElement) lstm = gst_bin_get_by_name (GST_BIN (pipeline), "lstm");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (lstm, "src");

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, on_buffer, data, NULL);
}

/* --- Files ------------------------------------------------------------------------------ */

#define RAW "filesrc location={d}/raw blocksize="

static const struct {
  const gchar *name, *feed;
  GstClockTime end; /* end time of the last step */
} files[] = {
    {"filesrc", RAW "36 ! " TENSORS ("1"), 2 * GST_SECOND},
    {"filesrc-steps", RAW "720 ! " TENSORS ("20"), 2 * GST_SECOND},
    {"filesrc-whole", RAW "2160 ! " TENSORS ("60"), 2 * GST_SECOND},
    {"filesrc-untimed", RAW "36 ! " CAPS ("9", ",framerate=0/1"), GST_CLOCK_TIME_NONE},
    {"gdp", "filesrc location={d}/recording ! gdpdepay", 2 * GST_SECOND},
    {"multifilesrc", "multifilesrc location={d}/step%03d caps=" QUOTED ("1"), 2 * GST_SECOND},
};

/* Asserts that a buffer begins at the end of the one before, if it has a timestamp. */
static GstPadProbeReturn
check_time (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
  GstClockTime *end = data;

  if (GST_BUFFER_PTS_IS_VALID (buffer)) {
    g_assert_cmpuint (GST_BUFFER_PTS (buffer), ==, *end);
    *end += GST_BUFFER_DURATION (buffer);
  } else {
    *end = GST_CLOCK_TIME_NONE;
  }
  return GST_PAD_PROBE_OK;
}

static void
test_file (gconstpointer data)
{
  const guint i = GPOINTER_TO_UINT (data);
  g_autofree gchar *text = g_strconcat (files[i].feed, LSTM "got", NULL);
  g_autoptr (GstElement) pipeline = pipeline_new (text, 0);
  GstClockTime end = 0;

  watch_lstm (pipeline, check_time, &end);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  assert_eos (pipeline);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  assert_expected ();
  g_assert_cmpuint (end, ==, files[i].end);
}

/* Buffers whose sizes are not multiples of a step */
static const struct {
  const gchar *feed, *error;
} misfits[] = {
    {RAW "252 ! " TENSORS ("7"), /* the last buffer has 4 steps instead of 7 */
        "lstm: buffer: tensor 0: expected 252 bytes (float32, dimensions 9:7:1), found 144"},
    {RAW "4096 ! " TENSORS ("1"),
        "lstm: buffer: tensor 0: expected 36 bytes (float32, dimensions 9:1:1), found 2160"},
    {RAW "40 ! " CAPS ("10:1", ",framerate=30/1"),
        "lstm: caps field dimensions: expected vectors of 9 values, *, found 10"},
    {"multifilesrc location={d}/raw caps=" QUOTED ("1"),
        "lstm: buffer: tensor 0: expected 36 bytes (float32, dimensions 9:1:1), found 2160"},
};

static void
test_misfits (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (misfits); i++) {
    g_autofree gchar *text = g_strconcat (misfits[i].feed, LSTM "got", NULL);
    g_autofree gchar *line = replace_variables (text, 0);
    g_autofree gchar *error = NULL;

    g_assert_false (test_launch (&error, "%s", line));
    assert_matches (error, misfits[i].error);
  }
}

/* --- Sockets ---------------------------------------------------------------------------- */

/* Two pipelines, of which one listens at a port that the system chooses */
static const struct {
  const gchar *name, *listener, *other;
  const gchar *port; /* (nullable): property of the listener's element `end` */
  const gchar
      *connected; /* (nullable): signal of `end`, if the listener sends, for a new client */
} sockets[] = {
    {"tcp-server", "tcpserversrc name=end host=127.0.0.1 port=0 ! gdpdepay" LSTM "got",
        "npysrc location={v}/x.npy ! gdppay ! "
        "tcpclientsink host=127.0.0.1 port={p} sync=false",
        "current-port", NULL},
    {"tcp-client",
        "npysrc location={v}/x.npy ! gdppay ! "
        "tcpserversink name=end host=127.0.0.1 port=0 sync=false",
        "tcpclientsrc host=127.0.0.1 port={p} ! gdpdepay" LSTM "got", "current-port",
        "client-added"},
    {"udp",
        "udpsrc name=end address=127.0.0.1 port=0 num-buffers=60 caps=" QUOTED ("1") LSTM "got",
        "npysrc location={v}/x.npy ! udpsink host=127.0.0.1 port={p} sync=false", "port", NULL},
    {"shm",
        "npysrc location={v}/x.npy ! shmsink name=end socket-path={d}/shm sync=false "
        "wait-for-connection=true",
        "shmsrc socket-path={d}/shm num-buffers=60 ! " TENSORS ("1") LSTM "got", NULL,
        "client-connected"},
};

/* A counter for all threads */
typedef struct {
  GMutex lock;
  GCond cond;
  guint n;
} Counter;

static void
count_init (Counter *c)
{
  g_mutex_init (&c->lock);
  g_cond_init (&c->cond);
  c->n = 0;
}

static void
count_clear (Counter *c)
{
  g_mutex_clear (&c->lock);
  g_cond_clear (&c->cond);
}

static void
count_one (Counter *c)
{
  g_mutex_lock (&c->lock);
  c->n++;
  g_cond_signal (&c->cond);
  g_mutex_unlock (&c->lock);
}

static void
count_await (Counter *c, guint n)
{
  g_mutex_lock (&c->lock);
  while (c->n < n)
    g_cond_wait (&c->cond, &c->lock);
  g_mutex_unlock (&c->lock);
}

static GstPadProbeReturn
count_buffer (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  count_one (data);
  return GST_PAD_PROBE_OK;
}

/* Closes the sender after it has sent all buffers, by which the receiver reaches EOS. */
static void
close_sender (guint i, GstElement *listener, GstElement *other, Counter *buffers)
{
  GstElement *sender = sockets[i].connected ? listener : other;

  if (sockets[i].connected)
    count_await (buffers, STEPS); /* it does not wait for its clients */
  else
    assert_eos (sender);
  gst_element_set_state (sender, GST_STATE_NULL);
  assert_eos (sender == listener ? other : listener);
}

static void
test_socket (gconstpointer data)
{
  const guint i = GPOINTER_TO_UINT (data);
  g_autoptr (GstElement) listener = pipeline_new (sockets[i].listener, 0);
  g_autoptr (GstElement) end = gst_bin_get_by_name (GST_BIN (listener), "end");
  g_autoptr (GstElement) other = NULL;
  Counter clients, buffers;
  gint port = 0;

  count_init (&clients);
  count_init (&buffers);
  if (sockets[i].connected)
    g_signal_connect_swapped (end, sockets[i].connected, G_CALLBACK (count_one), &clients);
  g_assert_cmpint (
      gst_element_set_state (listener, GST_STATE_PAUSED), !=, GST_STATE_CHANGE_FAILURE);
  if (sockets[i].port)
    g_object_get (end, sockets[i].port, &port, NULL);
  other = pipeline_new (sockets[i].other, (guint) port);
  watch_lstm (sockets[i].connected ? other : listener, count_buffer, &buffers);
  g_assert_cmpint (
      gst_element_set_state (other, GST_STATE_PLAYING), !=, GST_STATE_CHANGE_FAILURE);
  if (sockets[i].connected)
    count_await (&clients, 1);
  gst_element_set_state (listener, GST_STATE_PLAYING);
  close_sender (i, listener, other, &buffers);
  gst_element_set_state (other, GST_STATE_NULL);
  gst_element_set_state (listener, GST_STATE_NULL);
  assert_expected ();
  count_clear (&clients);
  count_clear (&buffers);
}

static void
add_test (const gchar *group, const gchar *name, guint row, GTestDataFunc test)
{
  g_autofree gchar *path = g_strdup_printf ("/lstm-feeds/%s/%s", group, name);

  g_test_add_data_func (path, GUINT_TO_POINTER (row), test);
}

int
main (int argc, char **argv)
{
  int status;

  test_init (&argc, &argv);
  dir = test_dir_new ();
  write_files ();
  g_test_add_func ("/lstm-feeds/reference", test_reference);
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    add_test ("files", files[i].name, i, test_file);
  g_test_add_func ("/lstm-feeds/misfits", test_misfits);
  for (guint i = 0; i < G_N_ELEMENTS (sockets); i++)
    add_test ("sockets", sockets[i].name, i, test_socket);
  status = g_test_run ();
  test_dir_remove (dir);
  return status;
}
