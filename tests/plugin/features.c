/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The model with convolutional features after GStreamer's onnxinference: video → onnxinference →
 * lstm → lstmlabel → overlay. The expected numbers are from ONNX Runtime, which ran both models
 * alone. */
#include "../array.h"
#include "testutil.h"
#include <gst/analytics/analytics.h>
#include <string.h>

#define SIDE 10 /* a pixel of the vectors is SIDE x SIDE pixels of the video */
#define TOLERANCE 1e-4
#define VIDEO "video/x-raw,format=RGB,width=320,height=240,framerate=30/1"

typedef struct {
  TestArray frames, features, scores;
  gchar *model, *network, *labels;
} Case;

static gboolean
case_init (Case *c)
{
  g_autoptr (GstElementFactory) factory = gst_element_factory_find ("onnxinference");
  g_autofree gchar *dir = test_vector_path ("features");

  if (!factory) {
    g_test_skip ("there is no onnxinference");
    return FALSE;
  }
  c->frames = test_array_load (dir, "frames.npy");
  c->features = test_array_load (dir, "features.npy");
  c->scores = test_array_load (dir, "scores.npy");
  c->network = test_source_path ("models/motion-features.onnx");
  c->model = test_source_path ("models/motion-cnn.safetensors");
  c->labels = test_source_path ("models/motion-cnn.labels");
  return TRUE;
}

static void
case_clear (Case *c)
{
  test_array_clear (&c->frames);
  test_array_clear (&c->features);
  test_array_clear (&c->scores);
  g_free (c->network);
  g_free (c->model);
  g_free (c->labels);
}

/* Returns: (transfer full): frame @i, with each pixel SIDE * SIDE times */
static GstBuffer *
frame_new (const Case *c, gsize i)
{
  const gsize rows = c->frames.shape[1], columns = c->frames.shape[2];
  const float *small = c->frames.values + i * rows * columns * 3;
  guint8 *pixels = g_malloc (rows * columns * SIDE * SIDE * 3), *out = pixels;
  GstBuffer *buffer;

  for (gsize y = 0; y < rows * SIDE; y++)
    for (gsize x = 0; x < columns * SIDE; x++)
      for (gsize k = 0; k < 3; k++)
        *out++ = (guint8) small[(y / SIDE * columns + x / SIDE) * 3 + k];
  buffer = gst_buffer_new_wrapped (pixels, rows * columns * SIDE * SIDE * 3);
  GST_BUFFER_PTS (buffer) = gst_util_uint64_scale (i, GST_SECOND, 30);
  GST_BUFFER_DURATION (buffer) = GST_SECOND / 30;
  return buffer;
}

/* Asserts that the tensor @id of @buffer is table row @i of @expected. */
static void
check_tensor (GstBuffer *buffer, const gchar *id, const TestArray *expected, gsize i)
{
  const gsize n = expected->shape[1];
  gpointer state = NULL;
  GstMeta *meta;
  GstMapInfo map;

  while ((meta = gst_buffer_iterate_meta_filtered (buffer, &state, GST_TENSOR_META_API_TYPE))) {
    const GstTensorMeta *tensors = (const GstTensorMeta *) meta;
    const GstTensor *tensor = tensors->tensors[0];

    if (tensor->id != g_quark_from_string (id))
      continue;
    g_assert_true (gst_buffer_map (tensor->data, &map, GST_MAP_READ));
    g_assert_cmpuint (map.size, ==, n * sizeof (float));
    g_assert_cmpfloat (
        test_error ((const float *) map.data, expected->values + i * n, n), <, TOLERANCE);
    gst_buffer_unmap (tensor->data, &map);
    return;
  }
  g_error ("frame %" G_GSIZE_FORMAT " has no tensor %s", i, id);
}

/* Asserts that the classification is the label with the highest score. */
static void
check_label (GstBuffer *buffer, const Case *c, gsize i)
{
  const gsize n = c->scores.shape[1];
  const float *scores = c->scores.values + i * n;
  g_autofree gchar *text = NULL;
  g_auto (GStrv) labels = NULL;
  gpointer state = NULL;
  GstAnalyticsClsMtd cls;
  gsize best = 0;

  g_assert_true (g_file_get_contents (c->labels, &text, NULL, NULL));
  labels = g_strsplit (text, "\n", -1);
  for (gsize k = 1; k < n; k++)
    if (scores[k] > scores[best])
      best = k;
  g_assert_true (
      gst_analytics_relation_meta_iterate (gst_buffer_get_analytics_relation_meta (buffer),
          &state, gst_analytics_cls_mtd_get_mtd_type (), &cls));
  g_assert_cmpstr (
      g_quark_to_string (gst_analytics_cls_mtd_get_quark (&cls, 0)), ==, labels[best]);
  g_assert_cmpfloat_with_epsilon (
      gst_analytics_cls_mtd_get_level (&cls, 0), scores[best], TOLERANCE);
}

/* Checks all frames. @format: gst-launch line with %s for the network, the model and the labels
 * @id: the tensor with the scores */
static void
check_numbers (const gchar *format, const gchar *id)
{
  g_auto (GStrv) parts = g_strsplit (format, "%s", 4);
  g_autofree gchar *line = NULL;
  GstHarness *harness;
  Case c;

  if (!case_init (&c))
    return;
  line = g_strconcat (
      parts[0], c.network, parts[1], c.model, parts[2], c.labels, parts[3], NULL);
  harness = gst_harness_new_parse (line);
  gst_harness_set_src_caps_str (harness, VIDEO);
  for (gsize i = 0; i < c.frames.shape[0]; i++) {
    GstBuffer *buffer = gst_harness_push_and_pull (harness, frame_new (&c, i));

    check_tensor (buffer, "features", &c.features, i);
    check_tensor (buffer, id, &c.scores, i);
    check_label (buffer, &c, i);
    gst_buffer_unref (buffer);
  }
  gst_harness_teardown (harness);
  case_clear (&c);
}

static void
test_numbers (void)
{
  check_numbers ("onnxinference model-file=%s ! lstm model-location=%s ! "
                 "lstmlabel labels-location=%s",
      "lstm-output");
}

/* The decoder that GStreamer has since 1.28 finds the scores by their name, which states a
 * softmax. */
static void
test_decoder (void)
{
  g_autoptr (GstElementFactory) factory = gst_element_factory_find ("classifiertensordecoder");

  if (!factory) {
    g_test_skip ("there is no classifiertensordecoder");
    return;
  }
  check_numbers (
      "onnxinference model-file=%s ! "
      "lstm model-location=%s output-tensor-id=classification-generic-softmaxed-out ! "
      "classifiertensordecoder class-confidence-threshold=0 labels-file=%s",
      "classification-generic-softmaxed-out");
}

/* An overlay element of GStreamer draws the label on the frame and changes no other pixels. */
static void
test_overlay (void)
{
  g_autofree gchar *line = NULL;
  GstHarness *harness;
  gsize changed = 0;
  GstBuffer *buffer;
  GstMapInfo before_map, after_map;
  Case c;

  if (!case_init (&c))
    return;
  line = g_strdup_printf (
      "onnxinference model-file=%s ! lstm model-location=%s ! lstmlabel labels-location=%s ! "
      "videoconvert ! objectdetectionoverlay ! videoconvert ! capsfilter "
      "caps=video/x-raw,format=RGB",
      c.network, c.model, c.labels);
  harness = gst_harness_new_parse (line);
  gst_harness_set_src_caps_str (harness, VIDEO);
  buffer = gst_harness_push_and_pull (harness, frame_new (&c, 0));
  {
    g_autoptr (GstBuffer) before = frame_new (&c, 0);

    g_assert_true (gst_buffer_map (before, &before_map, GST_MAP_READ));
    g_assert_true (gst_buffer_map (buffer, &after_map, GST_MAP_READ));
    g_assert_cmpuint (after_map.size, ==, before_map.size);
    for (gsize i = 0; i < after_map.size; i++)
      changed += ABS (after_map.data[i] - before_map.data[i]) > 64;
    gst_buffer_unmap (before, &before_map);
    gst_buffer_unmap (buffer, &after_map);
  }
  g_assert_cmpuint (changed, >, 500);
  g_assert_cmpuint (changed, <, after_map.size / 10);
  gst_buffer_unref (buffer);
  gst_harness_teardown (harness);
  case_clear (&c);
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/features/numbers", test_numbers},
      {"/features/decoder", test_decoder},
      {"/features/overlay", test_overlay},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
