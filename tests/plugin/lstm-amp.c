/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * `lstm` with models of amplifiers: a rate in the model file, channels as streams, and
 * parameters. */
#include "testutil.h"
#include <lstm/lstm.h>
#include <string.h>

#define AUDIO(rate, channels, more)                                                            \
  "audio/x-raw,format=F32LE,layout=interleaved,rate=" rate ",channels=" channels more
#define STEREO ",channel-mask=(bitmask)0x3"
#define OVERDRIVE "models/overdrive.safetensors" /* one input, one output, 48000 Hz */
#define KNOBS "tests/vectors/variants/torch-residual-parameters/model.safetensors"
#define N_FRAMES 240
#define MAX_CHANNELS 3

/* An element, and the output that liblstm computes of the same steps */
typedef struct {
  GstHarness *harness;
  GstElement *lstm;
  GstBus *bus;
  LstmModel *model;
  gsize n_channels;
  gfloat x[N_FRAMES * MAX_CHANNELS]; /* (frames, channels) */
  GArray *outputs;                   /* float */
} Rig;

/* @path: a file of the source tree */
static void
rig_init (Rig *rig, const gchar *path, const gchar *properties)
{
  g_autofree gchar *location = test_source_path (path);
  g_autofree gchar *line = g_strdup_printf ("lstm model-location=%s %s", location, properties);

  *rig = (Rig){0};
  rig->harness = gst_harness_new_parse (line);
  rig->lstm = gst_harness_find_element (rig->harness, "lstm");
  rig->bus = gst_bus_new ();
  gst_element_set_bus (rig->lstm, rig->bus);
  rig->model = lstm_model_load (location, NULL);
  g_assert_nonnull (rig->model);
  rig->outputs = g_array_new (FALSE, FALSE, sizeof (gfloat));
  for (gsize i = 0; i < G_N_ELEMENTS (rig->x); i++)
    rig->x[i] = (gfloat) ((i * 37) % 101) / 100 - .5f;
}

static void
rig_clear (Rig *rig)
{
  g_assert_null (gst_bus_pop_filtered (rig->bus, GST_MESSAGE_ERROR | GST_MESSAGE_WARNING));
  gst_element_set_bus (rig->lstm, NULL);
  gst_object_unref (rig->bus);
  gst_object_unref (rig->lstm);
  gst_harness_teardown (rig->harness);
  lstm_model_unref (rig->model);
  g_array_unref (rig->outputs);
}

static void
rig_set_caps (Rig *rig, const gchar *caps, gsize n_channels)
{
  rig->n_channels = n_channels;
  gst_harness_set_src_caps_str (rig->harness, caps);
}

/* Pushes frames [first, first + n), and appends the output to `outputs`. */
static void
push_frames (Rig *rig, gsize first, gsize n)
{
  const gsize bytes = n * rig->n_channels * sizeof (gfloat);
  GstBuffer *buffer = gst_buffer_new_memdup (rig->x + first * rig->n_channels, bytes);
  const guint at = rig->outputs->len;

  GST_BUFFER_PTS (buffer) = gst_util_uint64_scale (first, GST_SECOND, 48000);
  g_assert_cmpint (gst_harness_push (rig->harness, buffer), ==, GST_FLOW_OK);
  buffer = gst_harness_pull (rig->harness);
  g_array_set_size (rig->outputs, at + (guint) (gst_buffer_get_size (buffer) / 4));
  gst_buffer_extract (buffer, 0, &g_array_index (rig->outputs, gfloat, at), G_MAXSIZE);
  gst_buffer_unref (buffer);
}

static void
push_all (Rig *rig, gsize piece)
{
  for (gsize first = 0; first < N_FRAMES; first += piece)
    push_frames (rig, first, MIN (piece, N_FRAMES - first));
}

/* Runs channel @c of frames [first, first + n) with @parameters, after the input of the channel. */
static void
run_channel (const Rig *rig, LstmState *state, gsize c, gsize first, gsize n,
    const gfloat *parameters, gfloat *y)
{
  const gsize d = lstm_model_get_input_size (rig->model);
  g_autofree gfloat *x = g_new (gfloat, n * d);

  for (gsize t = 0; t < n; t++) {
    x[t * d] = rig->x[(first + t) * rig->n_channels + c];
    for (gsize i = 1; i < d; i++)
      x[t * d + i] = parameters[i - 1];
  }
  lstm_state_run (state, n, x, y);
}

/* Asserts that the outputs are, to the bit, those of each channel by itself. */
static void
assert_channels (Rig *rig, const gfloat *parameters)
{
  g_assert_cmpuint (rig->outputs->len, ==, N_FRAMES * rig->n_channels);
  for (gsize c = 0; c < rig->n_channels; c++) {
    g_autoptr (LstmState) state = lstm_state_new (rig->model, 1, NULL);
    gfloat y[N_FRAMES];

    run_channel (rig, state, c, 0, N_FRAMES, parameters, y);
    for (gsize t = 0; t < N_FRAMES; t++)
      g_assert_cmpfloat (
          g_array_index (rig->outputs, gfloat, t * rig->n_channels + c), ==, y[t]);
  }
  g_array_set_size (rig->outputs, 0);
}

/* --- Channels --- */

/* A model of one input runs each channel as a stream, in buffers of any size. */
static void
test_channels (void)
{
  static const struct {
    gsize n_channels;
    const gchar *caps;
  } cases[] = {
      {1, AUDIO ("48000", "1", "")},
      {2, AUDIO ("48000", "2", STEREO)},
      {3, AUDIO ("48000", "3", ",channel-mask=(bitmask)0x7")},
  };
  static const gsize pieces[] = {1, 7, 64, N_FRAMES};

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    for (guint k = 0; k < G_N_ELEMENTS (pieces); k++) {
      g_autoptr (GstCaps) expected = gst_caps_from_string (cases[i].caps);
      g_autoptr (GstCaps) found = NULL;
      Rig rig;

      rig_init (&rig, OVERDRIVE, "");
      rig_set_caps (&rig, cases[i].caps, cases[i].n_channels);
      push_all (&rig, pieces[k]);
      assert_channels (&rig, NULL);
      found = gst_pad_get_current_caps (rig.harness->sinkpad);
      g_assert_true (gst_caps_is_equal (found, expected));
      rig_clear (&rig);
    }
}

/* Tensors have the channels as streams, [channels, frames, 1]. */
static void
test_to_tensors (void)
{
  g_autoptr (GstCaps) caps = NULL;
  const gchar *dimensions;
  Rig rig;

  rig_init (&rig, OVERDRIVE, "");
  gst_harness_set_sink_caps_str (rig.harness, "other/tensors,format=static");
  rig_set_caps (&rig, AUDIO ("48000", "2", STEREO), 2);
  push_frames (&rig, 0, N_FRAMES);
  caps = gst_pad_get_current_caps (rig.harness->sinkpad);
  dimensions = gst_structure_get_string (gst_caps_get_structure (caps, 0), "dimensions");
  g_assert_cmpstr (dimensions, ==, "1:240:2");
  for (gsize c = 0; c < 2; c++) {
    g_autoptr (LstmState) state = lstm_state_new (rig.model, 1, NULL);
    gfloat y[N_FRAMES];

    run_channel (&rig, state, c, 0, N_FRAMES, NULL, y);
    g_assert_cmpmem (&g_array_index (rig.outputs, gfloat, c * N_FRAMES), sizeof y, y, sizeof y);
  }
  rig_clear (&rig);
}

/* Another number of channels begins new sequences, like another number of streams of tensors. */
static void
test_other_channels (void)
{
  Rig rig;

  rig_init (&rig, OVERDRIVE, "");
  rig_set_caps (&rig, AUDIO ("48000", "2", STEREO), 2);
  push_all (&rig, 64);
  assert_channels (&rig, NULL);
  rig_set_caps (&rig, AUDIO ("48000", "1", ""), 1);
  push_all (&rig, 64);
  assert_channels (&rig, NULL);
  rig_set_caps (&rig, AUDIO ("48000", "3", ",channel-mask=(bitmask)0x7"), 3);
  push_all (&rig, 64);
  assert_channels (&rig, NULL);
  rig_clear (&rig);
}

/* --- Rate --- */

/* Another rate than that of the model posts one warning for each caps, which names both rates. */
static void
test_warnings (void)
{
  Rig rig;

  rig_init (&rig, OVERDRIVE, "");
  rig_set_caps (&rig, AUDIO ("48000", "1", ""), 1);
  push_frames (&rig, 0, 10);
  rig_set_caps (&rig, AUDIO ("44100", "1", ""), 1);
  push_frames (&rig, 10, 10);
  push_frames (&rig, 20, 10);
  assert_warning_posted (rig.bus, "caps field rate: expected 48000, *, found 44100");
  rig_set_caps (&rig, AUDIO ("8000", "1", ""), 1);
  assert_warning_posted (rig.bus, "caps field rate: expected 48000, *, found 8000");
  rig_set_caps (&rig, AUDIO ("48000", "1", ""), 1);
  rig_clear (&rig);
  rig_init (&rig, "tests/vectors/lstm/effect/model.safetensors", ""); /* without a rate */
  rig_set_caps (&rig, AUDIO ("44100", "1", ""), 1);
  rig_clear (&rig);
}

/* Channels in place of the parameters of a model with one output post a warning. */
static void
test_missing_parameters (void)
{
  Rig rig;

  rig_init (&rig, KNOBS, "");
  rig_set_caps (&rig, AUDIO ("48000", "3", ",channel-mask=(bitmask)0x7"), 1);
  assert_warning_posted (rig.bus, "property parameters: expected 2 values *, found 0*");
  rig_clear (&rig);
}

/* The sink pad lists the rate of the model first, and then any rate. */
static void
test_caps_query (void)
{
  static const gchar *const filters[] = {
      NULL, "audio/x-raw,rate=44100; audio/x-raw", "audio/x-raw,rate=8000"};
  static const gint rates[] = {48000, 48000, 8000};

  for (guint i = 0; i < G_N_ELEMENTS (filters); i++) {
    g_autoptr (GstCaps) filter = filters[i] ? gst_caps_from_string (filters[i]) : NULL;
    g_autoptr (GstCaps) any_rate = gst_caps_from_string (AUDIO ("8000", "2", STEREO));
    g_autoptr (GstCaps) caps = NULL;
    g_autoptr (GstPad) pad = NULL;
    gint rate = 0;
    Rig rig;

    rig_init (&rig, OVERDRIVE, "");
    pad = gst_element_get_static_pad (rig.lstm, "sink");
    caps = gst_pad_query_caps (pad, filter);
    gst_structure_get_int (gst_caps_get_structure (caps, 0), "rate", &rate);
    g_assert_cmpint (rate, ==, rates[i]);
    g_assert_true (gst_caps_can_intersect (caps, any_rate));
    rig_clear (&rig);
  }
}

/* Converters upstream produce the rate of the model. */
static void
test_pipelines (void)
{
  static const gchar *const lines[] = {
      "audio/x-raw,rate=44100,channels=2 ! audioresample",
      "audio/x-raw,rate=8000,format=S16LE ! audioconvert ! audioresample",
      "identity",
  };
  g_autofree gchar *model = test_source_path (OVERDRIVE);

  for (guint i = 0; i < G_N_ELEMENTS (lines); i++) {
    g_autofree gchar *error = NULL;

    if (!test_launch (&error,
            "audiotestsrc num-buffers=3 ! %s ! lstm model-location=%s ! audio/x-raw,rate=48000 "
            "! audioresample ! "
            "audio/x-raw,rate=22050 ! fakesink",
            lines[i], model))
      g_error ("%s: %s", lines[i], error);
  }
}

/* --- Parameters --- */

static void
set_parameters (Rig *rig, const gchar *text)
{
  gst_util_set_object_arg (G_OBJECT (rig->lstm), "parameters", text);
}

static void
test_parameters (void)
{
  static const gfloat values[] = {.5f, -1};

  for (gsize n_channels = 1; n_channels <= 2; n_channels++)
    for (gsize piece = 1; piece <= N_FRAMES; piece *= 30) {
      Rig rig;

      rig_init (&rig, KNOBS, "parameters=<0.5,-1.0>");
      rig_set_caps (&rig,
          n_channels == 1 ? AUDIO ("48000", "1", "") : AUDIO ("48000", "2", STEREO),
          n_channels);
      push_all (&rig, piece);
      assert_channels (&rig, values);
      rig_clear (&rig);
    }
}

/* New values are the input from the next buffer on. A gap has the values too. */
static void
test_changed_parameters (void)
{
  static const gfloat first[] = {.5f, -1}, second[] = {2, 0};
  gfloat y[N_FRAMES];
  g_autoptr (LstmState) state = NULL;
  Rig rig;

  rig_init (&rig, KNOBS, "parameters=<0.5,-1.0> gap-policy=zero-step");
  rig_set_caps (&rig, AUDIO ("48000", "1", ""), 1);
  state = lstm_state_new (rig.model, 1, NULL);
  push_frames (&rig, 0, 48);
  set_parameters (&rig, "<2,0>");
  push_frames (&rig, 48, 48);
  gst_harness_push_event (rig.harness, gst_event_new_gap (2 * GST_MSECOND, GST_MSECOND));
  push_frames (&rig, 96, 48);
  run_channel (&rig, state, 0, 0, 48, first, y);
  run_channel (&rig, state, 0, 48, 48, second, y + 48);
  {
    const gfloat gap[] = {0, 2, 0};

    for (guint t = 0; t < 48; t++)
      lstm_state_run (state, 1, gap, y + 96);
  }
  run_channel (&rig, state, 0, 96, 48, second, y + 96);
  g_assert_cmpmem (rig.outputs->data, rig.outputs->len * 4, y, 144 * sizeof *y);
  rig_clear (&rig);
}

/* The number of values must be the number of inputs that are no audio. */
static void
test_refused_parameters (void)
{
  static const struct {
    const gchar *path, *properties, *caps, *pattern;
  } cases[] = {
      {KNOBS, "", AUDIO ("48000", "1", ""),
          "caps field channels: expected 3, *, found 1; or property parameters: expected 2 "
          "values, found 0"},
      {KNOBS, "parameters=<0.5>", AUDIO ("48000", "1", ""),
          "property parameters: expected 2 values, *3 inputs*1 channels, found 1"},
      {KNOBS, "parameters=<0.5>", AUDIO ("48000", "2", STEREO),
          "property parameters: expected 2 values, *, found 1"},
      {KNOBS, "parameters=<1,2,3>", AUDIO ("48000", "2", STEREO),
          "property parameters: expected 2 values, *, found 3"},
      {OVERDRIVE, "parameters=<1.0>", AUDIO ("48000", "1", ""),
          "property parameters: expected 0 values, *, found 1"},
      {KNOBS, "parameters=<1,2>",
          "other/tensors,format=static,num_tensors=1,types=float32,dimensions=(string)3",
          "property parameters: expected none for other/tensors, found 2 values"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    Rig rig;

    rig_init (&rig, cases[i].path, cases[i].properties);
    rig_set_caps (&rig, cases[i].caps, 1);
    g_assert_cmpint (gst_harness_push (rig.harness, gst_buffer_new_memdup (rig.x, 4)), ==,
        GST_FLOW_NOT_NEGOTIATED);
    assert_error_posted (rig.bus, cases[i].pattern);
    rig_clear (&rig);
  }
}

/* Items that are no numbers print a warning, and change nothing. */
static void
test_no_numbers (void)
{
  g_autoptr (GstElement) lstm = gst_element_factory_make ("lstm", NULL);
  g_auto (GValue) value = G_VALUE_INIT;

  gst_object_ref_sink (lstm);
  gst_util_set_object_arg (G_OBJECT (lstm), "parameters", "<1,0.5>");
  g_test_expect_message ("lstm", G_LOG_LEVEL_WARNING,
      "*property parameters: expected an array of numbers, found a value of type gchararray");
  gst_util_set_object_arg (G_OBJECT (lstm), "parameters", "<2,a>");
  g_test_assert_expected_messages ();
  g_object_get_property (G_OBJECT (lstm), "parameters", gst_value_array_init (&value, 0));
  g_assert_cmpuint (gst_value_array_get_size (&value), ==, 2);
  g_assert_cmpfloat (g_value_get_float (gst_value_array_get_value (&value, 1)), ==, .5f);
}

/* A running element keeps the number of values. */
static void
test_late_parameters (void)
{
  static const gfloat values[] = {.5f, -1};
  Rig rig;

  rig_init (&rig, KNOBS, "parameters=<0.5,-1.0>");
  rig_set_caps (&rig, AUDIO ("48000", "1", ""), 1);
  g_test_expect_message ("lstm", G_LOG_LEVEL_WARNING,
      "*property parameters: expected as many values as before*found 1");
  set_parameters (&rig, "<3.0>");
  g_test_assert_expected_messages ();
  push_all (&rig, 64);
  assert_channels (&rig, values);
  rig_clear (&rig);
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm-amp/channels", test_channels},
      {"/lstm-amp/to-tensors", test_to_tensors},
      {"/lstm-amp/other-channels", test_other_channels},
      {"/lstm-amp/warnings", test_warnings},
      {"/lstm-amp/missing-parameters", test_missing_parameters},
      {"/lstm-amp/caps-query", test_caps_query},
      {"/lstm-amp/pipelines", test_pipelines},
      {"/lstm-amp/parameters", test_parameters},
      {"/lstm-amp/changed-parameters", test_changed_parameters},
      {"/lstm-amp/refused-parameters", test_refused_parameters},
      {"/lstm-amp/no-numbers", test_no_numbers},
      {"/lstm-amp/late-parameters", test_late_parameters},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
