/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * `lstm` with raw audio: an audio frame is a step. The models and vectors are from PyTorch. */
#include "lstm-rig.h"

#define AUDIO(rate, channels, more)                                                            \
  "audio/x-raw,format=F32LE,layout=interleaved,rate=" rate ",channels=" channels more

/* --- Buffers --- */

/* Returns: (transfer full): a buffer of @n frames from @first on */
static GstBuffer *
frames_buffer_new (Rig *rig, gsize first, gsize n)
{
  const gsize size = rig->x.size * sizeof (gfloat);
  GstBuffer *buffer = n ? gst_buffer_new_memdup (rig->x.items + first * rig->x.size, n * size)
                        : gst_buffer_new ();

  GST_BUFFER_PTS (buffer) = gst_util_uint64_scale (first, GST_SECOND, 48000);
  GST_BUFFER_DURATION (buffer) = gst_util_uint64_scale (n, GST_SECOND, 48000);
  GST_BUFFER_OFFSET (buffer) = first;
  GST_BUFFER_OFFSET_END (buffer) = first + n;
  return buffer;
}

static void
begin_audio (Rig *rig, const gchar *folder, const gchar *properties, const gchar *caps)
{
  rig_init (rig, folder, properties);
  rig_begin_stream_with_caps (rig, caps);
}

static void
push_frames (Rig *rig, gsize first, gsize n)
{
  g_assert_cmpint (
      gst_harness_push (rig->harness, frames_buffer_new (rig, first, n)), ==, GST_FLOW_OK);
}

/* The outputs are those of PyTorch. They do not depend, to the bit, on the sizes of buffers. */
static void
test_vectors (void)
{
  static const gchar *const folders[] = {"effect", "stereo"};
  static const gchar *const caps[] = {AUDIO ("48000", "1", ""), AUDIO ("48000", "2", "")};
  static const gsize cuts[][4] = {{480}, {1}, {64}, {7, 100, 1, 13}};

  for (guint i = 0; i < G_N_ELEMENTS (folders); i++) {
    g_autofree gchar *path = get_vector_path (folders[i], "expected.npy");
    StepArray expected = step_array_load (path);

    for (guint k = 0; k < G_N_ELEMENTS (cuts); k++) {
      gsize n;
      Rig rig;

      begin_audio (&rig, folders[i], "", caps[i]);
      for (gsize first = 0, cut = 0; first < rig.x.length; first += n) {
        n = cuts[k][cut++ % 4];
        n = MIN (n ? n : cuts[k][0], rig.x.length - first);
        push_frames (&rig, first, n);
      }
      rig_expect_outputs (&rig, 0, rig.x.length, rig.x.length);
      g_assert_cmpuint (rig.outputs->len, ==, expected.length * expected.size);
      g_assert_cmpfloat (
          test_error ((const gfloat *) rig.outputs->data, expected.items, rig.outputs->len), <,
          1e-5);
      rig_assert_outputs (&rig);
      rig_clear (&rig);
    }
    g_free (expected.items);
  }
}

/* Like an audio filter, the element does not change the metadata of buffers. */
static void
test_metadata (void)
{
  GstBuffer *buffer, *out;
  Rig rig;

  begin_audio (&rig, "effect", "", AUDIO ("48000", "1", ""));
  buffer = frames_buffer_new (&rig, 48, 96);
  GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT | GST_BUFFER_FLAG_RESYNC);
  g_assert_cmpint (gst_harness_push (rig.harness, buffer), ==, GST_FLOW_OK);
  out = gst_harness_pull (rig.harness);
  g_assert_cmpuint (GST_BUFFER_PTS (out), ==, GST_MSECOND);
  g_assert_cmpuint (GST_BUFFER_DURATION (out), ==, 2 * GST_MSECOND);
  g_assert_cmpuint (GST_BUFFER_OFFSET (out), ==, 48);
  g_assert_cmpuint (GST_BUFFER_OFFSET_END (out), ==, 144);
  g_assert_true (GST_BUFFER_IS_DISCONT (out));
  g_assert_true (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_RESYNC));
  g_assert_cmpuint (gst_buffer_get_size (out), ==, 96 * sizeof (gfloat));
  gst_buffer_unref (out);
  rig_clear (&rig);
}

/* h and c continue after another rate and after an empty buffer. */
static void
test_rate_changes (void)
{
  Rig rig;

  begin_audio (&rig, "effect", "", AUDIO ("48000", "1", ""));
  push_frames (&rig, 0, 100);
  push_frames (&rig, 100, 0);
  g_assert_true (rig_push_caps_text (&rig, AUDIO ("44100", "1", "")));
  push_frames (&rig, 100, 200);
  rig_expect_outputs (&rig, 0, 300, 300);
  rig_assert_outputs (&rig);
  rig_clear (&rig);
}

static void
test_discont_and_gap (void)
{
  static const gfloat zeros[48];
  gfloat y[48];
  Rig rig;

  begin_audio (
      &rig, "effect", "reset-on=discont gap-policy=zero-step", AUDIO ("48000", "1", ""));
  push_frames (&rig, 0, 10);
  rig_expect_outputs (&rig, 0, 10, 10);
  rig_push_event (
      &rig, gst_event_new_gap (0, GST_MSECOND)); /* 48 frames, run in chunks of 10 */
  lstm_state_run (rig.state, 48, zeros, y);
  push_frames (&rig, 10, 10);
  rig_expect_outputs (&rig, 10, 10, 10);
  rig_assert_outputs (&rig);
  {
    GstBuffer *buffer = frames_buffer_new (&rig, 20, 10);

    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
    g_assert_cmpint (gst_harness_push (rig.harness, buffer), ==, GST_FLOW_OK);
  }
  rig_expect_reset (&rig);
  rig_expect_outputs (&rig, 20, 10, 10);
  rig_assert_outputs (&rig);
  rig_clear (&rig);
}

static void
test_part_of_a_frame (void)
{
  GstBuffer *buffer;
  Rig rig;

  begin_audio (&rig, "stereo", "", AUDIO ("48000", "2", ""));
  buffer = gst_buffer_new_allocate (NULL, 12, NULL);
  g_assert_cmpint (gst_harness_push (rig.harness, buffer), ==, GST_FLOW_ERROR);
  assert_error_posted (rig.bus, "buffer: expected a multiple of 8 bytes, the size of "
                                "an audio frame, found 12 bytes");
  rig_clear (&rig);
}

/* --- Tensors from audio --- */

/* If downstream accepts tensors, their dimensions follow the number of frames in a buffer. */
static void
test_to_tensors (void)
{
  Rig rig;

  rig_init (&rig, "stereo", "");
  gst_harness_set_sink_caps_str (rig.harness, "other/tensors,format=static");
  rig_begin_stream_with_caps (&rig, AUDIO ("8000", "2", ""));
  for (guint i = 0; i < 4; i++) {
    static const gsize frames[] = {20, 20, 7, 20};
    static const gchar *const caps[] = {"caps 2:20, ", "", "caps 2:7, ", "caps 2:20, "};
    GstBuffer *buffer = frames_buffer_new (&rig, 20 * i, frames[i]);
    g_autofree gchar *log = g_strconcat (caps[i], "buffer 0", NULL);

    GST_BUFFER_PTS (buffer) = 0;
    GST_BUFFER_DURATION (buffer) = GST_CLOCK_TIME_NONE;
    g_assert_cmpint (gst_harness_push (rig.harness, buffer), ==, GST_FLOW_OK);
    rig_assert_log (&rig, log);
    rig_expect_outputs (&rig, 20 * i, frames[i], frames[i]);
  }
  rig_assert_outputs (&rig);
  rig_clear (&rig);
}

/* --- Caps --- */

/* Caps of the source pad if downstream accepts any caps */
static const struct {
  const gchar *folder, *properties, *in, *out;
} caps_cases[] = {
    {"effect", "", AUDIO ("48000", "1", ""), AUDIO ("48000", "1", "")},
    {"stereo", "", AUDIO ("44100", "2", ",channel-mask=(bitmask)0x3"),
        AUDIO ("44100", "2", ",channel-mask=(bitmask)0x3")},
    {"seed-1x30", "", AUDIO ("8000", "1", ""),
        AUDIO ("8000", "30", ",channel-mask=(bitmask)0x0")},
    {"head", "", AUDIO ("8000", "12", ",channel-mask=(bitmask)0"),
        AUDIO ("8000", "7", ",channel-mask=(bitmask)0x13f")},
    {"effect", "output-mode=final", AUDIO ("48000", "1", ""),
        CAPS ("1:1", ",framerate=48000/1,names=(string)output")},
    {"effect", "emit=hidden", AUDIO ("48000", "1", ""),
        CAPS ("40:1", ",framerate=48000/1,names=(string)hidden")},
    {"wide", "", AUDIO ("48000", "5", ",channel-mask=(bitmask)0x1f"),
        CAPS ("257:1", ",framerate=48000/1,names=(string)output")},
};

static void
test_caps (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (caps_cases); i++) {
    g_autoptr (GstCaps) expected = gst_caps_from_string (caps_cases[i].out);
    g_autoptr (GstCaps) found = NULL;
    g_autofree gchar *text = NULL;
    Rig rig;

    rig_init (&rig, caps_cases[i].folder, caps_cases[i].properties);
    rig_push_stream_start (&rig);
    g_assert_true (rig_push_caps_text (&rig, caps_cases[i].in));
    found = rig_get_src_caps (&rig);
    text = gst_caps_to_string (found);
    g_test_message ("%s: %s", caps_cases[i].in, text);
    g_assert_true (gst_caps_is_equal (found, expected));
    rig_clear (&rig);
  }
}

static void
test_refused_caps (void)
{
  static const struct {
    const gchar *caps, *pattern; /* of the error; NULL: the template refuses the caps */
  } cases[] = {
      {AUDIO ("48000", "3", ",channel-mask=(bitmask)0x7"),
          "caps field channels: expected 2, *, found 3"},
      {AUDIO ("48000", "65", ",channel-mask=(bitmask)0"), NULL},
      {"audio/x-raw,format=S16LE,layout=interleaved,rate=48000,channels=2", NULL},
      {"audio/x-raw,format=F32LE,layout=non-interleaved,rate=48000,channels=2", NULL},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    Rig rig;

    rig_init (&rig, "stereo", "");
    rig_push_stream_start (&rig);
    g_assert_false (rig_push_caps_text (&rig, cases[i].caps));
    if (cases[i].pattern)
      rig_assert_caps_error (&rig, cases[i].pattern);
    rig_clear (&rig);
  }
}

/* --- Pipelines --- */

/* Converters on both sides negotiate a format by themselves. */
static void
test_pipelines (void)
{
  static const gchar *const lines[] = {
      ("audiotestsrc num-buffers=5 ! audio/x-raw,format=S16LE,channels=2,rate=44100 ! "
       "audioconvert ! "
       "audioresample ! lstm model-location=%s ! audioconvert ! "
       "audio/x-raw,format=S16LE,channels=2 "
       "! fakesink"),
      ("audiotestsrc num-buffers=5 ! audioconvert ! lstm model-location=%s ! "
       "audio/x-raw,rate=48000 ! audioconvert ! wavenc ! fakesink"),
      ("audiotestsrc num-buffers=5 samplesperbuffer=100 ! audioconvert ! lstm "
       "model-location=%s "
       "output-mode=final ! other/tensors,dimensions=(string)1:1 ! fakesink"),
      ("audiotestsrc num-buffers=5 ! audioconvert ! lstm model-location=%s "
       "! audioresample ! audio/x-raw,rate=8000 ! audioconvert ! audio/x-raw,format=U8 ! "
       "fakesink"),
  };
  g_autofree gchar *model = get_vector_path ("effect", "model.safetensors");

  for (guint i = 0; i < G_N_ELEMENTS (lines); i++) {
    g_auto (GStrv) parts = g_strsplit (lines[i], "%s", -1);
    g_autofree gchar *line = g_strjoinv (model, parts);
    g_autofree gchar *error = NULL;

    if (!test_launch (&error, "%s", line))
      g_error ("%s: %s", line, error);
  }
}

/* Sources and filters with a number of channels that the model does not accept. Some of them query
 * the caps of the pad. */
static void
test_wrong_channels (void)
{
  static const gchar *const sources[] = {
      "audiotestsrc num-buffers=5 ! " AUDIO ("48000", "1", ""),
      "audiotestsrc num-buffers=5 ! audioconvert ! " AUDIO ("48000", "1", ""),
      "appsrc name=source caps=\"" AUDIO ("48000", "1", "") "\"",
  };
  g_autofree gchar *model = get_vector_path ("stereo", "model.safetensors");

  for (guint i = 0; i < G_N_ELEMENTS (sources); i++) {
    g_autofree gchar *line = g_strdup_printf (
        "%s ! lstm model-location=%s ! fakesink", sources[i], model);
    g_autoptr (GstElement) pipeline = gst_parse_launch (line, NULL);
    g_autoptr (GstElement) source = gst_bin_get_by_name (GST_BIN (pipeline), "source");
    g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
    g_autoptr (GstMessage) message = NULL;
    g_autoptr (GError) error = NULL;
    GstFlowReturn flow;

    gst_element_set_state (pipeline, GST_STATE_PLAYING);
    if (source) {
      g_autoptr (GstBuffer) buffer = gst_buffer_new_allocate (NULL, 16, NULL);

      g_signal_emit_by_name (source, "push-buffer", buffer, &flow);
    }
    /* The error of the element is the first one. "not-negotiated" of the source follows. */
    message = gst_bus_timed_pop_filtered (bus, 60 * GST_SECOND, GST_MESSAGE_ERROR);
    g_assert_nonnull (message);
    gst_message_parse_error (message, &error, NULL);
    g_test_message ("%s: %s", sources[i], error->message);
    g_assert_true (g_pattern_match_simple (
        "caps field channels: expected 2, *, found 1*", error->message));
    gst_element_set_state (pipeline, GST_STATE_NULL);
  }
}

/* Raw samples from a file, in a segment in bytes, and parsed samples */
static void
test_file (void)
{
  static const gchar *const parsers[] = {
      AUDIO ("48000", "1", ""),
      "rawaudioparse use-sink-caps=false format=pcm pcm-format=f32le num-channels=1",
  };
  g_autofree gchar *model = get_vector_path ("effect", "model.safetensors");
  gchar *dir = test_dir_new ();
  g_autofree gchar *raw = g_build_filename (dir, "x.f32", NULL);
  g_autofree gchar *y = g_build_filename (dir, "y.f32", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (parsers); i++) {
    g_autofree gchar *error = NULL;
    g_autofree gchar *content = NULL;
    gsize length;
    Rig rig;

    rig_init (&rig, "effect", "");
    g_assert_true (g_file_set_contents (
        raw, (const gchar *) rig.x.items, (gssize) rig.x.length * 4, NULL));
    if (!test_launch (&error,
            "filesrc location=%s blocksize=256 ! %s ! lstm model-location=%s ! filesink "
            "location=%s",
            raw, parsers[i], model, y))
      g_error ("%s", error);
    rig_expect_outputs (&rig, 0, rig.x.length, rig.x.length);
    g_assert_true (g_file_get_contents (y, &content, &length, NULL));
    g_array_append_vals (rig.outputs, content, (guint) (length / sizeof (gfloat)));
    rig_assert_outputs (&rig);
    rig_clear (&rig);
  }
  test_dir_remove (dir);
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm-audio/vectors", test_vectors},
      {"/lstm-audio/metadata", test_metadata},
      {"/lstm-audio/rate-changes", test_rate_changes},
      {"/lstm-audio/discont-and-gap", test_discont_and_gap},
      {"/lstm-audio/part-of-a-frame", test_part_of_a_frame},
      {"/lstm-audio/to-tensors", test_to_tensors},
      {"/lstm-audio/caps", test_caps},
      {"/lstm-audio/refused-caps", test_refused_caps},
      {"/lstm-audio/wrong-channels", test_wrong_channels},
      {"/lstm-audio/pipelines", test_pipelines},
      {"/lstm-audio/file", test_file},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
