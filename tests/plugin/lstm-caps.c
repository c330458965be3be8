/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Caps of `lstm`, and errors for caps and buffers that do not fit. */
#include "lstm-rig.h"

/* --- Caps --- */

/* Caps of the source pad, with tensors in the order of emit, for a model of d = 1 and m = 30 */
static const struct {
  const gchar *properties, *in, *out;
} caps_cases[] = {
    {"", CAPS ("1", ",framerate=30/1"), CAPS ("30:1", ",framerate=30/1,names=(string)output")},
    {"", CAPS ("1:1", ",framerate=25/1"),
        CAPS ("30:1", ",framerate=25/1,names=(string)output")},
    {"", CAPS ("1:1:1:1", ",framerate=0/1"),
        CAPS ("30:1", ",framerate=0/1,names=(string)output")},
    {"", CAPS ("1", ""), CAPS ("30:1", ",framerate=0/1,names=(string)output")},
    {"", CAPS ("1:7", ",framerate=30/1"),
        CAPS ("30:7", ",framerate=30/1,names=(string)output")},
    {"", CAPS ("1:7:5", ",framerate=30000/1001"),
        CAPS ("30:7:5", ",framerate=30000/1001,names=(string)output")},
    {"", CAPS ("1:1:5:1", ",framerate=30/1"),
        CAPS ("30:1:5", ",framerate=30/1,names=(string)output")},
    {"output-mode=final", CAPS ("1:7", ",framerate=30/1"),
        CAPS ("30:1", ",framerate=30/1,names=(string)output")},
    {"output-mode=final", CAPS ("1:7:5", ",framerate=30/1"),
        CAPS ("30:1:5", ",framerate=30/1,names=(string)output")},
    {"emit=cell", CAPS ("1:7", ",framerate=30/1"),
        CAPS ("30:7", ",framerate=30/1,names=(string)cell")},
    {"emit=cell+output", CAPS ("1", ",framerate=30/1"),
        "other/tensors,format=static,num_tensors=2,types=(string)\"float32,float32\","
        "dimensions=(string)\"30:1,30:1\",names=(string)\"output,cell\",framerate=30/1"},
    {"emit=output+hidden+cell output-mode=final", CAPS ("1:7:5", ",framerate=30/1"),
        "other/tensors,format=static,num_tensors=3,types=(string)\"float32,float32,float32\","
        "dimensions=(string)\"30:1:5,30:1:5,30:1:5\",names=(string)\"output,hidden,cell\","
        "framerate=30/1"},
};

static void
assert_caps (GstCaps *found, const gchar *expected)
{
  g_autoptr (GstCaps) caps = gst_caps_from_string (expected);

  g_assert_nonnull (caps);
  if (!found || !gst_caps_is_equal (found, caps)) {
    g_autofree gchar *text = found ? gst_caps_to_string (found) : NULL;

    g_error ("expected '%s', found '%s'", expected, GST_STR_NULL (text));
  }
}

static void
test_caps (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (caps_cases); i++) {
    g_autoptr (GstCaps) caps = NULL;
    Rig rig;

    rig_init (&rig, "seed-1x30", caps_cases[i].properties);
    g_assert_true (rig_push_caps_text (&rig, caps_cases[i].in));
    caps = rig_get_src_caps (&rig);
    assert_caps (caps, caps_cases[i].out);
    rig_clear (&rig);
  }
}

/* The sizes of the tensors are those of the layers. */
static void
test_caps_of_head (void)
{
  g_autoptr (GstCaps) caps = NULL;
  Rig rig;

  rig_init (&rig, "head", "emit=output+hidden");
  g_assert_true (rig_push_caps_text (&rig, CAPS ("12:3:2", ",framerate=1/1")));
  caps = rig_get_src_caps (&rig);
  assert_caps (caps,
      "other/tensors,format=static,num_tensors=2,types=(string)\"float32,float32\","
      "dimensions=(string)\"7:3:2,16:3:2\",names=(string)\"output,hidden\",framerate=1/1");
  rig_clear (&rig);
}

/* The caps use the spelling of downstream. Another size does not link. */
static void
test_spellings (void)
{
  static const struct {
    const gchar *folder, *properties, *dimensions;
    guint steps;
    gboolean links;
  } cases[] = {
      {"long-no-bias", "", "16", 1, TRUE},
      {"long-no-bias", "", "16:1", 1, TRUE},
      {"long-no-bias", "", "16:1:1", 1, TRUE},
      {"long-no-bias", "", "16:1:1:1", 1, TRUE},
      {"long-no-bias", "", "16:1:1:1:1", 1, TRUE},
      {"long-no-bias", "", "16:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1", 1, TRUE},
      {"long-no-bias", "", "16:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1", 1, FALSE},
      {"long-no-bias", "", "16:10:1:1:1:1:1:1:1", 10, TRUE},
      {"long-no-bias", "", "17", 1, FALSE},
      {"long-no-bias", "", "16:2", 1, FALSE},
      {"long-no-bias", "", "16:10:1", 10, TRUE},
      {"long-no-bias", "output-mode=final", "16:1:1", 10, TRUE},
      {"seed-1x30", "", "30:6:5", 6, TRUE},
      {"seed-1x30", "", "30:6:5:1", 6, TRUE},
      {"seed-1x30", "", "30:6", 6, FALSE},
      {"seed-1x30", "output-mode=final", "30:1:5:1", 6, TRUE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *x = get_vector_path (cases[i].folder, "x.npy");
    g_autofree gchar *model = get_vector_path (cases[i].folder, "model.safetensors");
    gboolean links;

    g_test_message ("%s %s", cases[i].properties, cases[i].dimensions);
    links = test_launch (NULL,
        "npysrc location=%s steps-per-buffer=%u ! lstm model-location=%s %s ! "
        "other/tensors,dimensions=(string)%s ! fakesink",
        x, cases[i].steps, model, cases[i].properties, cases[i].dimensions);
    g_assert_true (links == cases[i].links);
  }
}

/* Downstream restricts the framerate to 25 steps per second. The sink pad restricts it likewise,
 * with and without a model. */
/* Removes video, which GStreamer 1.26 and later add. @caps: (transfer full).
 * Returns: (transfer full) */
static GstCaps *
remove_video (GstCaps *caps)
{
  caps = gst_caps_make_writable (caps);
  for (guint i = gst_caps_get_size (caps); i-- > 0;)
    if (gst_structure_has_name (gst_caps_get_structure (caps, i), "video/x-raw"))
      gst_caps_remove_structure (caps, i);
  return caps;
}

static void
test_framerate_upstream (void)
{
  static const GstState states[] = {GST_STATE_NULL, GST_STATE_PLAYING};
  static const gchar *const channels[] = {"[1,64]", "1"};

  for (guint i = 0; i < G_N_ELEMENTS (states); i++) {
    g_autofree gchar *expected = g_strconcat (
        "other/tensors,format=static,num_tensors=(int)[1,max],framerate=25/1;"
        "other/tensors,format=flexible,framerate=25/1;other/tensor,framerate=25/1;"
        "audio/x-raw,format=F32LE,layout=interleaved,rate=25,channels=(int)",
        channels[i], NULL);
    g_autoptr (GstPad) pad = NULL;
    g_autoptr (GstCaps) caps = NULL;
    Rig rig;

    rig_init (&rig, "seed-1x30", "");
    gst_element_set_state (rig.lstm, states[i]);
    gst_harness_set_sink_caps_str (rig.harness, CAPS ("30:1", ",framerate=25/1"));
    pad = gst_element_get_static_pad (rig.lstm, "sink");
    caps = remove_video (gst_pad_query_caps (pad, NULL));
    assert_caps (caps, expected);
    rig_clear (&rig);
  }
}

static void
test_refused_types (void)
{
  static const gchar *const texts[] = {
      "other/tensors,format=sparse",
      "other/tensors,num_tensors=1,types=float32,dimensions=(string)1",
      "text/x-raw,format=utf8",
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autoptr (GstPad) pad = NULL;
    g_autoptr (GstCaps) caps = gst_caps_from_string (texts[i]);
    Rig rig;

    rig_init (&rig, "seed-1x30", "");
    pad = gst_element_get_static_pad (rig.lstm, "sink");
    g_assert_false (gst_pad_query_accept_caps (pad, caps));
    g_assert_false (rig_push_caps_text (&rig, texts[i]));
    rig_clear (&rig);
  }
}

/* A thread that queries caps while the element starts and stops */
typedef struct {
  GstPad *pad;
  gint done; /* atomic */
  gint n;    /* atomic: number of queries */
} CapsQuerier;

static gpointer
query_caps (gpointer data)
{
  CapsQuerier *querier = data;

  while (!g_atomic_int_get (&querier->done)) {
    g_autoptr (GstCaps) caps = gst_pad_query_caps (querier->pad, NULL);

    g_assert_false (gst_caps_is_empty (caps));
    g_atomic_int_inc (&querier->n);
  }
  return NULL;
}

/* The model is already loaded, so that queries often arrive while the element opens or closes
 * it. */
static void
test_caps_while_stopping (void)
{
  g_autofree gchar *path = get_vector_path ("seed-1x30", "model.safetensors");
  g_autoptr (GError) error = NULL;
  g_autoptr (LstmModel) model = lstm_model_load (path, &error);
  g_autoptr (GstElement) bin = gst_parse_launch (
      "capsfilter caps=\"" CAPS (
          "1", ",framerate=30/1") "\" ! lstm name=lstm emit=output+hidden+cell",
      NULL);
  g_autoptr (GstElement) lstm = gst_bin_get_by_name (GST_BIN (bin), "lstm");
  CapsQuerier querier = {gst_element_get_static_pad (lstm, "src")};
  GThread *thread;

  g_assert_no_error (error);
  g_object_set (lstm, "model", model, NULL);
  thread = g_thread_new ("querier", query_caps, &querier);
  while (g_atomic_int_get (&querier.n) < 20000) {
    gst_element_set_state (lstm, GST_STATE_PAUSED);
    gst_element_set_state (lstm, GST_STATE_READY);
  }
  g_atomic_int_set (&querier.done, TRUE);
  g_thread_join (thread);
  gst_element_set_state (bin, GST_STATE_NULL);
  gst_object_unref (querier.pad);
}

/* --- Errors --- */

static void
assert_one_error (Rig *rig, const gchar *pattern)
{
  assert_error_posted (rig->bus, pattern);
  g_assert_null (gst_bus_pop_filtered (rig->bus, GST_MESSAGE_ERROR));
}

/* Files with which the element does not start */
static const struct {
  const gchar *content;  /* NULL: no file */
  gssize size;           /* of the content; -1: a string */
  const gchar *location; /* %s is replaced by the directory */
  const gchar *pattern;  /* of the error */
} start_errors[] = {
    {NULL, 0, NULL, "property model-location: expected a path, found none"},
    {NULL, 0, "%s/none", "*/none: *No such file or directory"},
    {NULL, 0, "%s", "*: expected a file, found a directory"},
    {"", 0, "%s/file", "*/file: expected at least 8 bytes of safetensors, found 0 bytes"},
    {"This is no model.", -1, "%s/file",
        "*/file: expected safetensors, or lstm-convert to convert the file, *"},
    {"\2\0\0\0\0\0\0\0{}", 10, "%s/file", "*/file: expected \"lstm.layers\" in __metadata__*"},
};

static void
check_start_error (GstElement *lstm, const gchar *pattern)
{
  g_autoptr (GstBus) bus = gst_bus_new ();

  gst_element_set_bus (lstm, bus);
  g_assert_cmpint (
      gst_element_set_state (lstm, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_FAILURE);
  assert_error_posted (bus, pattern);
  g_assert_null (gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR));
  gst_element_set_state (lstm, GST_STATE_NULL);
  gst_element_set_bus (lstm, NULL);
}

static void
test_start_errors (void)
{
  gchar *dir = test_dir_new ();
  g_autofree gchar *file = g_build_filename (dir, "file", NULL);
  g_autofree gchar *good = get_vector_path ("seed-1x30", "model.safetensors");
  g_autofree gchar *stateless = get_vector_path ("no-memory", "model.safetensors");
  g_autofree gchar *gru = test_vector_path ("variants/gru-plain/model.safetensors");
  g_autofree gchar *rnn = test_vector_path ("variants/rnn-plain/model.safetensors");
  g_autoptr (GstElement) lstm = gst_object_ref_sink (gst_element_factory_make ("lstm", NULL));

  for (guint i = 0; i < G_N_ELEMENTS (start_errors); i++) {
    const gchar *content = start_errors[i].content;
    g_auto (GStrv)
        parts = g_strsplit (start_errors[i].location ? start_errors[i].location : "", "%s", -1);
    g_autofree gchar *location = g_strjoinv (dir, parts);

    if (content)
      g_assert_true (g_file_set_contents (file, content, start_errors[i].size, NULL));
    g_object_set (lstm, "model-location", start_errors[i].location ? location : NULL, NULL);
    check_start_error (lstm, start_errors[i].pattern);
  }
  g_object_set (lstm, "model-location", good, "emit", 0, NULL);
  check_start_error (lstm, "property emit: expected at least one of *, found none");
  g_object_set (lstm, "model-location", stateless, "emit", 1 | 2, NULL);
  check_start_error (
      lstm, "property emit: expected only output, *no recurrent layer, found output, hidden");
  g_object_set (lstm, "model-location", gru, "emit", 1 | 4, NULL);
  check_start_error (lstm,
      "property emit: expected no cell, because recurrent layer 0 has no cell state, found "
      "output, cell");
  g_object_set (lstm, "model-location", rnn, "emit", 8, NULL);
  check_start_error (lstm,
      "property emit: expected no gates, because recurrent layer 0 has no gates, found gates");
  g_object_set (lstm, "emit", 1 | 2, NULL);
  /* The errors do not affect the next start. */
  g_object_set (lstm, "model-location", good, NULL);
  g_assert_cmpint (
      gst_element_set_state (lstm, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_SUCCESS);
  gst_element_set_state (lstm, GST_STATE_NULL);
  test_dir_remove (dir);
}

/* Upstream pushes the same wrong caps several times. One error is posted, with the first buffer. */
static void
test_caps_errors (void)
{
  static const struct {
    const gchar *dimensions, *pattern;
  } cases[] = {
      {"4", "caps field dimensions: expected vectors of 3 values*, found 4"},
      {"2:7:5", "caps field dimensions: expected vectors of 3 values*, found 2"},
      {"0", "caps field dimensions: expected d, d:T or d:T:bs *, found '0'"},
      {"3:-1", "caps field dimensions: expected d, d:T or d:T:bs *, found '3:-1'"},
      {"3:2:1:2", "caps field dimensions: expected d, d:T or d:T:bs *, found '3:2:1:2'"},
      {"3:1:2:2", "caps field dimensions: expected d, d:T or d:T:bs *, found '3:1:2:2'"},
      {"3:1:1:2:2", "caps field dimensions: expected d, d:T or d:T:bs *, found '3:1:1:2:2'"},
      {"3:2147483647:2147483647",
          "caps field dimensions: expected a tensor that fits into memory, found '*'"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *text = g_strdup_printf (
        "other/tensors,format=static,num_tensors=1,types=float32,framerate=30/1,"
        "dimensions=(string)%s",
        cases[i].dimensions);
    Rig rig;

    rig_init (&rig, "long-no-bias", "");
    rig_push_stream_start (&rig);
    for (guint k = 0; k < 3; k++)
      g_assert_false (rig_push_caps_text (&rig, text));
    rig_assert_caps_error (&rig, cases[i].pattern);
    rig_push_refused_buffer (&rig);
    rig_push_event (&rig, gst_event_new_eos ());
    g_assert_null (gst_bus_pop_filtered (rig.bus, GST_MESSAGE_ERROR));
    /* After other caps the same wrong caps are an error again. */
    rig_begin_stream (&rig);
    rig_push_and_expect (&rig, 0, 2);
    rig_assert_outputs (&rig);
    g_assert_false (rig_push_caps_text (&rig, text));
    rig_assert_caps_error (&rig, cases[i].pattern);
    rig_clear (&rig);
  }
}

/* Errors that the element `lstm` of a pipeline posted, from any thread */
typedef struct {
  GMutex lock;
  GString *text;
  guint n;
} Errors;

static GstBusSyncReply
record_error (GstBus *bus, GstMessage *message, gpointer data)
{
  Errors *errors = data;
  g_autoptr (GError) error = NULL;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR
      && g_str_equal (GST_MESSAGE_SRC_NAME (message), "lstm")) {
    gst_message_parse_error (message, &error, NULL);
    g_mutex_lock (&errors->lock);
    g_string_append (errors->text, error->message);
    errors->n++;
    g_mutex_unlock (&errors->lock);
  }
  return GST_BUS_PASS;
}

/* After a real source, which pushes its caps with each event and buffer, one error is posted. */
static void
test_pipeline_error (void)
{
  g_autofree gchar *x = get_vector_path ("even", "x.npy");
  g_autofree gchar *model = get_vector_path ("uneven", "model.safetensors");
  g_autofree gchar *line = g_strdup_printf (
      "npysrc location=%s ! lstm name=lstm model-location=%s ! fakesink async=false", x, model);
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (line, &error);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = NULL;
  Errors errors = {.text = g_string_new (NULL)};

  g_assert_no_error (error);
  g_mutex_init (&errors.lock);
  gst_bus_set_sync_handler (bus, record_error, &errors, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS);
  if (!message) /* an error of the source may precede it */
    g_error ("expected EOS");
  gst_element_set_state (pipeline, GST_STATE_NULL);
  assert_matches (errors.text->str, "*expected vectors of 7 values*, found 64");
  g_assert_cmpuint (errors.n, ==, 1);
  g_string_free (errors.text, TRUE);
  g_mutex_clear (&errors.lock);
}

static void
test_buffer_errors (void)
{
  static const struct {
    gsize bytes;
    const gchar *pattern;
  } cases[] = {
      {23, "buffer: tensor 0: expected 24 bytes (float32, dimensions 3:2:1), found 23"},
      {25, "buffer: tensor 0: expected 24 bytes *, found 25"},
      {48, "buffer: tensor 0: expected 24 bytes *, found 48"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    for (guint final = 0; final < 2; final++) {
      GstBuffer *buffer = gst_buffer_new_allocate (NULL, cases[i].bytes, NULL);
      Rig rig;

      rig_init (&rig, "long-no-bias", final ? "output-mode=final" : "");
      rig.n_steps = 2;
      rig_begin_stream (&rig);
      g_assert_cmpint (gst_harness_push (rig.harness, buffer), ==, GST_FLOW_ERROR);
      assert_one_error (&rig, cases[i].pattern);
      g_assert_cmpuint (rig.outputs->len, ==, 0);
      rig_clear (&rig);
    }
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm/caps", test_caps},
      {"/lstm/caps-of-head", test_caps_of_head},
      {"/lstm/spellings", test_spellings},
      {"/lstm/framerate-upstream", test_framerate_upstream},
      {"/lstm/refused-types", test_refused_types},
      {"/lstm/start-errors", test_start_errors},
      {"/lstm/caps-errors", test_caps_errors},
      {"/lstm/pipeline-error", test_pipeline_error},
      {"/lstm/buffer-errors", test_buffer_errors},
      {"/lstm/caps-while-stopping", test_caps_while_stopping},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
