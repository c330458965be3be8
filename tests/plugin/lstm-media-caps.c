/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Media caps that `lstm` accepts. */
#include "lstm-rig.h"

#define FOLDER "long-no-bias" /* d = 3, n = 16 */
#define VIDEO "video/x-raw,format=GRAY8,width=2,height=2,framerate=30/1"

static void
test_caps (void)
{
  static const struct {
    const gchar *properties, *caps;
    gboolean is_accepted;
  } cases[] = {
      {"", VIDEO, TRUE},
      {"", "video/x-raw(memory:GLMemory),format=RGBA,width=2,height=2,framerate=30/1", TRUE},
      {"", "video/x-h264,stream-format=byte-stream", FALSE},
      {"", "application/x-anything", FALSE},
      {"input-tensor-id=features", VIDEO, TRUE},
      {"input-tensor-id=features", "application/x-anything", TRUE},
      {"input-tensor-id=features",
          "audio/x-raw,format=S16LE,rate=8000,channels=1,layout=interleaved", TRUE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GstCaps) caps = gst_caps_from_string (cases[i].caps);
    g_autoptr (GstCaps) src_caps = NULL;
    Rig rig;

    g_test_message ("%s %s", cases[i].properties, cases[i].caps);
    rig_init (&rig, FOLDER, cases[i].properties);
    rig_push_stream_start (&rig);
    g_assert_true (rig_push_caps_text (&rig, cases[i].caps) == cases[i].is_accepted);
    src_caps = rig_get_src_caps (&rig);
    if (src_caps) { /* GStreamer 1.28 lists the tensors in the caps */
      src_caps = gst_caps_make_writable (src_caps);
      gst_structure_remove_field (gst_caps_get_structure (src_caps, 0), "tensors");
    }
    g_assert_true (cases[i].is_accepted ? gst_caps_is_equal (src_caps, caps) : !src_caps);
    rig_clear (&rig);
  }
}

/* Without input-tensor-id the pads must not offer any caps (ANY) to elements that accept any
 * caps. */
static void
test_query (void)
{
  static const gchar *const pads[] = {"sink", "src"};
  static const GstState states[] = {GST_STATE_NULL, GST_STATE_PLAYING};

  for (guint named = 0; named < 2; named++)
    for (guint i = 0; i < G_N_ELEMENTS (pads); i++)
      for (guint k = 0; k < G_N_ELEMENTS (states); k++) {
        g_autoptr (GstPad) pad = NULL;
        g_autoptr (GstCaps) caps = NULL;
        g_autoptr (GstCaps) any_video = gst_caps_from_string ("video/x-raw(ANY)");
        Rig rig;

        rig_init (&rig, FOLDER, named ? "input-tensor-id=features" : "");
        gst_element_set_state (rig.lstm, states[k]);
        pad = gst_element_get_static_pad (rig.lstm, pads[i]);
        caps = gst_pad_query_caps (pad, NULL);
        g_assert_true (gst_caps_is_any (caps) == (named > 0));
        g_assert_true (gst_caps_can_intersect (any_video, caps));
        rig_clear (&rig);
      }
}

/* Frames cannot wait for the end of a sequence. */
static void
test_not_causal (void)
{
  Rig rig;

  rig_init (&rig, "variants/keras-bidirectional-ave", "");
  gst_harness_set_sink_caps_str (rig.harness, "video/x-raw");
  rig_push_stream_start (&rig);
  g_assert_false (rig_push_caps_text (&rig, VIDEO));
  rig_assert_caps_error (&rig, "caps: expected downstream to accept other/tensors, because the "
                               "model needs complete sequences, found video/x-raw");
  rig_clear (&rig);
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm-media-caps/caps", test_caps},
      {"/lstm-media-caps/query", test_query},
      {"/lstm-media-caps/not-causal", test_not_causal},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
