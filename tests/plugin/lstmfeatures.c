/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Vectors of `lstmfeatures` for frames of all formats. */
#include "lstmfeatures-rig.h"

/* All kinds of layouts, and sizes that are and are not multiples of the grid */
static void
test_grid (void)
{
  static const gchar *formats[] = {"GRAY8", "I420", "NV12", "NV21", "Y42B", "Y444", "YUY2",
      "UYVY", "AYUV", "RGB", "BGRx", "xRGB", "GBR", "GRAY16_LE", "I420_10LE", "P010_10LE",
      "Y444_12LE", "ARGB64_LE"};
  static const struct {
    gint width, height;
    guint columns, rows;
  } sizes[] = {{320, 240, 16, 12}, {333, 247, 16, 12}, {640, 360, 7, 5}, {17, 13, 16, 12},
      {16, 12, 16, 12}, {32, 24, 16, 12}, {8, 6, 16, 12}, {1, 1, 4, 3}, {5, 300, 9, 1},
      {64, 48, 1, 1}, {9, 7, 40, 31}};

  for (guint f = 0; f < G_N_ELEMENTS (formats); f++)
    for (guint s = 0; s < G_N_ELEMENTS (sizes); s++)
      for (gint rgb = 0; rgb < 2; rgb++) {
        g_autofree gchar *name = g_strdup_printf (
            "%s %dx%d", formats[f], sizes[s].width, sizes[s].height);
        Picture p = picture_new (formats[f], sizes[s].width, sizes[s].height, NULL, rgb);

        features_assert_grid (&p, sizes[s].columns, sizes[s].rows, rgb, name);
        picture_clear (&p);
      }
}

static void
test_large (void)
{
  static const gchar *formats[] = {"I420", "BGRx"};

  for (guint f = 0; f < G_N_ELEMENTS (formats); f++) {
    Picture p = picture_new (formats[f], 1920, 1080, NULL, f);

    features_assert_grid (&p, 16, 12, f, formats[f]);
    picture_clear (&p);
  }
}

/* Range and matrix are those of the caps. */
static void
test_colorimetry (void)
{
  static const struct {
    const gchar *format, *colorimetry;
  } cases[] = {{"I420", "bt601"}, {"I420", "bt709"}, {"I420", "1:4:0:0"}, {"I420", "1:3:5:1"},
      {"AYUV", "1:6:0:0"}, {"NV12", "bt2020"}, {"I420_10LE", "bt709"}, {"I420_10LE", "1:3:5:1"},
      {"GRAY8", "2:4:0:0"}, {"GRAY8", "1:1:7:1"}, {"GRAY16_LE", "2:0:0:0"}, {"RGB", "sRGB"},
      {"RGB", "2:1:0:0"}, {"BGRx", "2:1:0:0"}, {"ARGB64_LE", "2:1:0:0"}};

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    for (gint rgb = 0; rgb < 2; rgb++) {
      Picture p = picture_new (cases[i].format, 40, 31, cases[i].colorimetry, rgb);

      features_assert_grid (&p, 8, 6, rgb, cases[i].colorimetry);
      picture_clear (&p);
    }
}

/* Frames of one color, whose features can be computed by hand; they check the order of channels. */
static void
test_flat (void)
{
  static const struct {
    const gchar *format, *colorimetry;
    guint8 pixel[4];
    gboolean rgb;
    gdouble expected[3];
  } cases[] = {
      {"GRAY8", "1:4:0:0", {0}, FALSE, {0}},
      {"GRAY8", "1:4:0:0", {255}, FALSE, {1}},
      {"GRAY8", "1:4:0:0", {51}, FALSE, {.2}},
      {"GRAY8", "2:4:0:0", {16}, FALSE, {0}},
      {"GRAY8", "2:4:0:0", {235}, FALSE, {1}},
      {"GRAY8", "2:4:0:0", {3}, FALSE, {0}},
      {"GRAY8", "2:4:0:0", {255}, FALSE, {1}},
      {"AYUV", "bt601", {255, 235, 128, 128}, FALSE, {1}},
      {"AYUV", "bt601", {255, 235, 128, 128}, TRUE, {1, 1, 1}},
      {"AYUV", "bt601", {0, 16, 128, 128}, TRUE, {0, 0, 0}},
      {"AYUV", "bt601", {255, 81, 90, 240}, TRUE, {1, 0, 0}},
      {"AYUV", "bt601", {255, 145, 54, 34}, TRUE, {0, 1, 0}},
      {"AYUV", "bt601", {255, 41, 240, 110}, TRUE, {0, 0, 1}},
      {"AYUV", "bt709", {255, 63, 102, 240}, TRUE, {1, 0, 0}},
      {"RGBx", "sRGB", {255, 51, 0, 7}, TRUE, {1, .2, 0}},
      {"BGRx", "sRGB", {255, 51, 0, 7}, TRUE, {0, .2, 1}},
      {"ARGB", "sRGB", {9, 255, 51, 0}, TRUE, {1, .2, 0}},
      {"RGBx", "sRGB", {255, 0, 0, 7}, FALSE, {.299}},
      {"RGBx", "sRGB", {0, 255, 0, 7}, FALSE, {.587}},
      {"RGBx", "sRGB", {0, 0, 255, 7}, FALSE, {.114}},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstHarness *h = features_harness_new (1, 1, cases[i].rgb);
    Picture p = picture_new (cases[i].format, 4, 4, cases[i].colorimetry, FALSE);
    guint n = cases[i].rgb ? 3 : 1;
    g_autoptr (GBytes) bytes = NULL;

    for (gsize k = 0; k < p.info.size; k++)
      gst_buffer_fill (p.buffer, k, cases[i].pixel + k % p.info.finfo->pixel_stride[0], 1);
    bytes = features_compute (h, &p.info, p.buffer, n);
    for (guint k = 0; k < n; k++)
      g_assert_cmpfloat_with_epsilon (features_get (bytes, k), cases[i].expected[k], .006);
    picture_clear (&p);
    gst_harness_teardown (h);
  }
}

/* All formats of the template can be read up to the last column. */
static void
test_every_format (void)
{
  GstElementFactory *factory = gst_element_factory_find ("lstmfeatures");
  GstStaticPadTemplate *template = gst_element_factory_get_static_pad_templates (factory)->data;
  g_autoptr (GstCaps) caps = NULL;
  const GValue *formats;

  if (template->direction != GST_PAD_SINK)
    template = gst_element_factory_get_static_pad_templates (factory)->next->data;
  caps = gst_static_pad_template_get_caps (template);
  formats = gst_structure_get_value (gst_caps_get_structure (caps, 0), "format");
  g_assert_cmpuint (gst_value_list_get_size (formats), >, 90);
  for (guint i = 0; i < gst_value_list_get_size (formats); i++)
    for (gint width = 1; width < 40; width += 4) {
      gboolean rgb = width & 4;
      const gchar *format = g_value_get_string (gst_value_list_get_value (formats, i));
      GstHarness *h = features_harness_new (3, 2, rgb);
      guint n = rgb ? 18 : 6;
      GstVideoInfo info;
      g_autoptr (GstBuffer) buffer = NULL;
      g_autoptr (GBytes) bytes = NULL;

      /* GStreamer 1.26 unpacks parts of these tiles from uninitialized memory. */
      if (g_str_has_prefix (format, "MT2110")) {
        gst_harness_teardown (h);
        continue;
      }
      gst_video_info_set_format (&info, gst_video_format_from_string (format), width, 9);
      buffer = gst_buffer_new_allocate (NULL, info.size, NULL);
      gst_buffer_memset (buffer, 0, 0, info.size);
      bytes = features_compute (h, &info, buffer, n);
      for (guint k = 0; k < n; k++) {
        gfloat feature = features_get (bytes, k);

        g_assert_cmpfloat (feature, >=, 0);
        g_assert_cmpfloat (feature, <, .7); /* YUV zeros are green */
      }
      gst_harness_teardown (h);
    }
  gst_object_unref (factory);
}

/* A frame in tiles has the features of the same frame in lines. */
static void
test_tiles (void)
{
  static const gchar *formats[] = {"NV12_64Z32", "NV12_4L4", "NV12_32L32", "NV12_16L32S"};
  Picture p = picture_new ("NV12", 70, 50, NULL, FALSE);

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    GstHarness *h = features_harness_new (4, 3, FALSE);
    g_autoptr (GBytes) lines = features_compute (h, &p.info, p.buffer, 12);
    GstVideoInfo info;
    GstVideoFrame from, to;
    GstVideoConverter *converter;
    g_autoptr (GstBuffer) buffer = NULL;
    g_autoptr (GBytes) tiles = NULL;

    gst_video_info_set_format (&info, gst_video_format_from_string (formats[i]), 70, 50);
    info.fps_n = p.info.fps_n;
    buffer = gst_buffer_new_allocate (NULL, info.size, NULL);
    converter = gst_video_converter_new (&p.info, &info, NULL);
    g_assert_true (gst_video_frame_map (&from, &p.info, p.buffer, GST_MAP_READ));
    g_assert_true (gst_video_frame_map (&to, &info, buffer, GST_MAP_WRITE));
    gst_video_converter_frame (converter, &from, &to);
    gst_video_frame_unmap (&to);
    gst_video_frame_unmap (&from);
    gst_video_converter_free (converter);
    tiles = features_compute (h, &info, buffer, 12);
    for (guint k = 0; k < 12; k++)
      g_assert_cmpfloat_with_epsilon (
          features_get (tiles, k), features_get (lines, k), TOLERANCE);
    gst_harness_teardown (h);
  }
  picture_clear (&p);
}

/* The properties mean and scale may change between two buffers. */
static void
test_mean_scale (void)
{
  GstHarness *h = features_harness_new (5, 4, FALSE);
  Picture p = picture_new ("GRAY8", 50, 40, NULL, FALSE);
  g_autoptr (GBytes) plain = features_compute (h, &p.info, p.buffer, 20);
  g_autoptr (GBytes) changed = NULL;

  g_object_set (h->element, "mean", 0.5, "scale", 4.0, NULL);
  changed = features_compute (h, &p.info, p.buffer, 20);
  for (guint i = 0; i < 20; i++)
    g_assert_cmpfloat_with_epsilon (
        features_get (changed, i), (features_get (plain, i) - .5) * 4, 1e-6);
  picture_clear (&p);
  gst_harness_teardown (h);
}

/* The frame is a part of a larger one, as videocrop marks it by a meta. */
static void
test_strides (void)
{
  static const gchar *formats[] = {"GRAY8", "I420", "YUY2", "RGB", "I420_10LE"};

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    GstHarness *h = features_harness_new (4, 3, FALSE);
    Picture p = picture_new (formats[i], 46, 34, NULL, FALSE);
    g_autoptr (GBytes) packed = features_compute (h, &p.info, p.buffer, 12);
    GstVideoInfo wide = p.info;
    GstVideoFrame from, to;
    GstVideoMeta *meta;
    gsize offsets[GST_VIDEO_MAX_PLANES] = {0};
    g_autoptr (GstBuffer) padded = NULL;
    g_autoptr (GBytes) features = NULL;

    wide.size = 0;
    for (guint plane = 0; plane < GST_VIDEO_INFO_N_PLANES (&wide); plane++) {
      offsets[plane] = wide.size + 10;
      wide.stride[plane] += 26;
      wide.size = offsets[plane] + (gsize) wide.stride[plane] * 36;
    }
    padded = gst_buffer_new_allocate (NULL, wide.size, NULL);
    gst_buffer_memset (padded, 0, 0xaa, wide.size);
    meta = gst_buffer_add_video_meta_full (padded, GST_VIDEO_FRAME_FLAG_NONE,
        GST_VIDEO_INFO_FORMAT (&wide), 46, 34, GST_VIDEO_INFO_N_PLANES (&wide), offsets,
        wide.stride);
    g_assert_true (gst_video_frame_map (&from, &p.info, p.buffer, GST_MAP_READ));
    g_assert_true (gst_video_frame_map (&to, &p.info, padded, GST_MAP_WRITE));
    g_assert_true (gst_video_frame_copy (&to, &from));
    gst_video_frame_unmap (&to);
    gst_video_frame_unmap (&from);
    meta->width += 4; /* pixels beyond the size in the caps are padding */
    meta->height += 2;
    features = features_compute (h, &p.info, padded, 12);
    g_assert_true (g_bytes_equal (features, packed));
    picture_clear (&p);
    gst_harness_teardown (h);
  }
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstmfeatures/grid", test_grid},
      {"/lstmfeatures/large", test_large},
      {"/lstmfeatures/colorimetry", test_colorimetry},
      {"/lstmfeatures/flat", test_flat},
      {"/lstmfeatures/every-format", test_every_format},
      {"/lstmfeatures/tiles", test_tiles},
      {"/lstmfeatures/mean-scale", test_mean_scale},
      {"/lstmfeatures/strides", test_strides},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
