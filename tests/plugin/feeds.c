/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Steps from elsewhere: files of raw numbers, parsers and sockets in front of `lstm`. What npysink
 * writes in the end is always what it writes behind npysrc. */
#include "lstm-rig.h"

#define FOLDER "numbers" /* d = 9, 60 steps */
#define D 9
#define STEPS 60
#define CAPS_OF(dimensions)                                                                    \
  "other/tensors,format=static,num_tensors=1,types=float32,framerate=30/1,"                    \
  "dimensions=(string)" dimensions

/* A directory with the steps as x.f32, as files step00.f32 to step59.f32, and what is to come of
 * them. Returns: (transfer full) */
static gchar *
prepare (const gchar *model)
{
  g_autofree gchar *x = vector_file (FOLDER, "x.npy");
  Array array = array_load (x);
  const gssize step = D * sizeof (gfloat);
  gchar *dir = test_dir_new ();
  g_autofree gchar *all = g_build_filename (dir, "x.f32", NULL);

  g_assert_cmpuint (array.length, ==, STEPS);
  g_assert_cmpuint (array.size, ==, D);
  g_assert_true (g_file_set_contents (all, (const gchar *) array.items, STEPS * step, NULL));
  for (guint i = 0; i < STEPS; i++) {
    g_autofree gchar *path = g_strdup_printf ("%s/step%02u.f32", dir, i);

    g_assert_true (
        g_file_set_contents (path, (const gchar *) (array.items + i * D), step, NULL));
  }
  g_assert_true (test_launch (NULL,
      "npysrc location=%s ! lstm model-location=%s ! npysink location=%s/expected.npy", x,
      model, dir));
  g_free (array.items);
  return dir;
}

static void
assert_as_expected (const gchar *dir)
{
  g_autofree gchar *got = g_build_filename (dir, "y.npy", NULL);
  g_autofree gchar *expected = g_build_filename (dir, "expected.npy", NULL);

  test_assert_same_file (got, expected);
}

/* In front of lstm; DIR stands for the directory. */
static const gchar *const feeds[] = {
    "filesrc blocksize=36 location=DIR/x.f32 ! " CAPS_OF ("9"),
    "filesrc blocksize=108 location=DIR/x.f32 ! " CAPS_OF ("9:3"),
    "filesrc blocksize=2160 location=DIR/x.f32 ! " CAPS_OF ("9:60"),
    "multifilesrc location=DIR/step%02d.f32 stop-index=59 caps=\"" CAPS_OF ("9") "\"",
    ("filesrc blocksize=36 location=DIR/x.f32 ! " CAPS_OF (
        "9") " ! gdppay ! identity ! gdpdepay"),
    "filesrc blocksize=72 location=DIR/x.f32 ! " CAPS_OF ("9:2") " ! queue",
};

static gchar *
replace (const gchar *text, const gchar *what, const gchar *with)
{
  g_auto (GStrv) parts = g_strsplit (text, what, -1);

  return g_strjoinv (with, parts);
}

static void
test_feeds (void)
{
  g_autofree gchar *model = vector_file (FOLDER, "model.safetensors");
  gchar *dir = prepare (model);

  for (guint i = 0; i < G_N_ELEMENTS (feeds); i++) {
    g_autofree gchar *feed = replace (feeds[i], "DIR", dir);
    g_autofree gchar *error = NULL;

    g_test_message ("%s", feeds[i]);
    if (!test_launch (&error, "%s ! lstm model-location=%s ! npysink location=%s/y.npy", feed,
            model, dir))
      g_error ("%s: %s", feed, error);
    assert_as_expected (dir);
  }
  test_dir_remove (dir);
}

/* 60 steps are no whole number of buffers of 7. */
static void
test_rest (void)
{
  g_autofree gchar *model = vector_file (FOLDER, "model.safetensors");
  gchar *dir = prepare (model);
  g_autofree gchar *error = NULL;

  g_assert_false (test_launch (&error,
      "filesrc blocksize=252 location=%s/x.f32 ! " CAPS_OF (
          "9:7") " ! lstm model-location=%s ! fakesink",
      dir, model));
  assert_matches (
      error, "*buffer: tensor 0: expected 252 bytes (float32, dimensions 9:7:1), got 144*");
  test_dir_remove (dir);
}

/* --- Over TCP --- */

static GstElement *
parse (const gchar *line)
{
  g_autoptr (GError) error = NULL;
  GstElement *pipeline = gst_parse_launch (line, &error);

  g_assert_no_error (error);
  return gst_object_ref_sink (pipeline);
}

static void
wait_for_eos (GstElement *pipeline)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (
      bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);

  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_EOS);
}

/* Caps travel with the bytes. */
static void
test_tcp (void)
{
  g_autofree gchar *model = vector_file (FOLDER, "model.safetensors");
  g_autofree gchar *x = vector_file (FOLDER, "x.npy");
  gchar *dir = prepare (model);
  g_autofree gchar *there = g_strdup_printf (
      "tcpserversrc name=server port=0 host=127.0.0.1 ! gdpdepay "
      "! lstm model-location=%s ! npysink location=%s/y.npy",
      model, dir);
  g_autofree gchar *here = NULL;
  g_autoptr (GstElement) server = parse (there);
  g_autoptr (GstElement) source = gst_bin_get_by_name (GST_BIN (server), "server");
  g_autoptr (GstElement) client = NULL;
  gint port = 0;

  gst_element_set_state (source, GST_STATE_PAUSED); /* listens */
  g_object_get (source, "current-port", &port, NULL);
  g_assert_cmpint (port, >, 0);
  here = g_strdup_printf (
      "npysrc location=%s ! gdppay ! tcpclientsink host=127.0.0.1 port=%d", x, port);
  client = parse (here);
  gst_element_set_state (server, GST_STATE_PLAYING);
  gst_element_set_state (client, GST_STATE_PLAYING);
  wait_for_eos (client);
  gst_element_set_state (client, GST_STATE_NULL);
  wait_for_eos (server);
  gst_element_set_state (server, GST_STATE_NULL);
  assert_as_expected (dir);
  test_dir_remove (dir);
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/feeds/feeds", test_feeds},
      {"/feeds/rest", test_rest},
      {"/feeds/tcp", test_tcp},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
