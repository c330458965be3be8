/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "testutil.h"
#include <gst/video/video.h>
#include <math.h>
#include <string.h>

#define TOLERANCE 3e-6          /* of float32 sums */
#define TOLERANCE_8 (1.5 / 255) /* where GstVideoConverter rounds a pixel to 8 bits */
#define TOLERANCE_RGB                                                                          \
  (2.25 / 255) /* from YUV of 8 bits, where its matrix is not exact either */

typedef struct {
  GstVideoInfo info;
  GstBuffer *buffer;
  gdouble *pixels; /* (height, width, 3), what it shows: luma in all three, or R G B */
} Picture;

/* Some value of @depth bits, different everywhere. */
static guint
noise (guint x, guint y, guint c, guint depth)
{
  guint n = x * 374761393u + y * 668265263u + c * 2147483647u + 12345u;

  n = (n ^ (n >> 13)) * 1274126177u;
  return (n ^ (n >> 16)) & ((1u << depth) - 1);
}

static void
paint (GstVideoFrame *frame, guint c)
{
  const GstVideoFormatInfo *finfo = frame->info.finfo;
  guint depth = GST_VIDEO_FRAME_COMP_DEPTH (frame, c);
  /* The table of GStreamer 1.22 has P010's V at byte 1 of a pixel; it is at 2. */
  guint fix = depth > 8 ? GST_VIDEO_FRAME_COMP_POFFSET (frame, c) & 1 : 0;

  for (gint y = 0; y < GST_VIDEO_FRAME_COMP_HEIGHT (frame, c); y++)
    for (gint x = 0; x < GST_VIDEO_FRAME_COMP_WIDTH (frame, c); x++) {
      guint8 *pixel = (guint8 *) GST_VIDEO_FRAME_COMP_DATA (frame, c)
                      + y * GST_VIDEO_FRAME_COMP_STRIDE (frame, c)
                      + x * GST_VIDEO_FRAME_COMP_PSTRIDE (frame, c) + fix;
      guint value = noise (x, y, c, depth);

      if (depth > 8)
        GST_WRITE_UINT16_LE (
            pixel, (guint16) (value << GST_VIDEO_FORMAT_INFO_SHIFT (finfo, c)));
      else
        *pixel = (guint8) value;
    }
}

/* Component @c at a pixel in nominal range: [0, 1], or [-.5, .5] for chroma. */
static gdouble
component (const GstVideoInfo *info, gint x, gint y, guint c)
{
  const GstVideoFormatInfo *finfo = info->finfo;
  guint depth = GST_VIDEO_FORMAT_INFO_DEPTH (finfo, c);
  gdouble value = noise (x >> GST_VIDEO_FORMAT_INFO_W_SUB (finfo, c),
      y >> GST_VIDEO_FORMAT_INFO_H_SUB (finfo, c), c, depth);
  gboolean chroma = GST_VIDEO_INFO_IS_YUV (info) && c > 0;
  gdouble unit = 1 << (depth - 8);

  if (info->colorimetry.range == GST_VIDEO_COLOR_RANGE_16_235)
    return chroma ? (value - 128 * unit) / (224 * unit) : (value - 16 * unit) / (219 * unit);
  return (value - (chroma ? 128 * unit : 0)) / ((1 << depth) - 1);
}

/* Whether pixels are computed, not only carried, on the way to 8 bits of luma or RGB. */
static gboolean
is_converted (const GstVideoInfo *info, gboolean rgb)
{
  return rgb != GST_VIDEO_INFO_IS_RGB (info);
}

static gdouble
tolerance (const GstVideoInfo *info, gboolean rgb)
{
  gboolean deep = GST_VIDEO_INFO_COMP_DEPTH (info, 0) > 8;

  if (rgb && GST_VIDEO_INFO_IS_YUV (info) && !deep)
    return TOLERANCE_RGB;
  return is_converted (info, rgb) || deep ? TOLERANCE_8 : TOLERANCE;
}

static void
look (const GstVideoInfo *info, gint x, gint y, gboolean rgb, gdouble out[3])
{
  gdouble v[3] = {component (info, x, y, 0), 0, 0};
  gdouble kr = 0.299, kb = 0.114;

  for (guint c = 1; c < 3 && !GST_VIDEO_INFO_IS_GRAY (info); c++)
    v[c] = component (info, x, y, c);
  if (!GST_VIDEO_INFO_IS_RGB (info) && rgb) {
    gst_video_color_matrix_get_Kr_Kb (info->colorimetry.matrix, &kr, &kb);
    out[0] = v[0] + 2 * (1 - kr) * v[2];
    out[2] = v[0] + 2 * (1 - kb) * v[1];
    out[1] = (v[0] - kr * out[0] - kb * out[2]) / (1 - kr - kb);
  } else if (!GST_VIDEO_INFO_IS_RGB (info)) {
    out[0] = out[1] = out[2] = v[0];
  } else if (rgb) {
    memcpy (out, v, sizeof v);
  } else {
    out[0] = out[1] = out[2] = kr * v[0] + (1 - kr - kb) * v[1] + kb * v[2];
  }
  for (guint c = 0; c < 3 && is_converted (info, rgb); c++)
    out[c] = CLAMP (out[c], 0, 1); /* 8 bits hold no more */
}

static Picture
picture_new (
    const gchar *format, gint width, gint height, const gchar *colorimetry, gboolean rgb)
{
  Picture p;
  GstVideoFrame frame;

  gst_video_info_set_format (&p.info, gst_video_format_from_string (format), width, height);
  GST_VIDEO_INFO_FPS_N (&p.info) = 30;
  if (colorimetry)
    g_assert_true (gst_video_colorimetry_from_string (&p.info.colorimetry, colorimetry));
  p.buffer = gst_buffer_new_allocate (NULL, p.info.size, NULL);
  gst_buffer_memset (p.buffer, 0, 0xff, p.info.size);
  g_assert_true (gst_video_frame_map (&frame, &p.info, p.buffer, GST_MAP_WRITE));
  for (guint c = 0; c < GST_VIDEO_FRAME_N_COMPONENTS (&frame); c++)
    paint (&frame, c);
  gst_video_frame_unmap (&frame);
  p.pixels = g_new (gdouble, (gsize) width * height * 3);
  for (gint y = 0; y < height; y++)
    for (gint x = 0; x < width; x++)
      look (&p.info, x, y, rgb, p.pixels + 3 * ((gsize) y * width + x));
  return p;
}

static void
picture_clear (Picture *p)
{
  gst_clear_buffer (&p->buffer);
  g_free (p->pixels);
}

/* By the definition: a tent whose foot is one cell from its top, at least one pixel; pixels
 * beyond the edge are those at the edge. */
static gdouble
tent (const Picture *p, guint columns, guint rows, guint column, guint row, guint c)
{
  gint width = p->info.width, height = p->info.height;
  gdouble rx = MAX ((gdouble) width / columns, 1), ry = MAX ((gdouble) height / rows, 1);
  gdouble cx = (column + 0.5) * width / columns - 0.5, cy = (row + 0.5) * height / rows - 0.5;
  gdouble sum = 0, weights = 0;

  for (gint y = (gint) floor (cy - ry); y <= cy + ry; y++)
    for (gint x = (gint) floor (cx - rx); x <= cx + rx; x++) {
      gdouble w = MAX (0, 1 - fabs (x - cx) / rx) * MAX (0, 1 - fabs (y - cy) / ry);
      gsize at = (gsize) CLAMP (y, 0, height - 1) * width + CLAMP (x, 0, width - 1);

      sum += w * p->pixels[3 * at + c];
      weights += w;
    }
  return CLAMP (sum / weights, 0, 1);
}

static GstHarness *
harness_new (guint columns, guint rows, gboolean rgb)
{
  GstHarness *h = gst_harness_new ("lstmfeatures");

  g_object_set (h->element, "width", columns, "height", rows, NULL);
  gst_util_set_object_arg (G_OBJECT (h->element), "colour", rgb ? "rgb" : "gray");
  return h;
}

/* Returns: (transfer full): the vector as floats, of which there are @n. The frame goes to
 * others too, so it must stay as it is. */
static GBytes *
features_of (GstHarness *h, const GstVideoInfo *info, GstBuffer *buffer, gsize n)
{
  g_autoptr (GstBuffer) before = gst_buffer_copy_deep (buffer);
  g_autoptr (GstBuffer) out = NULL;
  GstMapInfo map;
  gpointer features;
  gsize size;

  gst_harness_set_src_caps (h, gst_video_info_to_caps (info));
  g_assert_cmpint (gst_harness_push (h, gst_buffer_ref (buffer)), ==, GST_FLOW_OK);
  g_assert_true (gst_buffer_map (before, &map, GST_MAP_READ));
  g_assert_cmpint (gst_buffer_memcmp (buffer, 0, map.data, map.size), ==, 0);
  gst_buffer_unmap (before, &map);
  out = gst_harness_pull (h);
  gst_buffer_extract_dup (out, 0, n * sizeof (gfloat), &features, &size);
  g_assert_cmpuint (size, ==, n * sizeof (gfloat));
  g_assert_cmpuint (gst_buffer_get_size (out), ==, size);
  return g_bytes_new_take (features, size);
}

static gfloat
feature_at (GBytes *bytes, guint i)
{
  return ((const gfloat *) g_bytes_get_data (bytes, NULL))[i];
}

static void
check (const Picture *p, guint columns, guint rows, gboolean rgb, const gchar *name)
{
  GstHarness *h = harness_new (columns, rows, rgb);
  guint channels = rgb ? 3 : 1;
  g_autoptr (GBytes)
      bytes = features_of (h, &p->info, p->buffer, (gsize) columns * rows * channels);
  guint i = 0;

  for (guint row = 0; row < rows; row++)
    for (guint column = 0; column < columns; column++)
      for (guint c = 0; c < channels; c++, i++) {
        gdouble expected = tent (p, columns, rows, column, row, c);

        if (!(fabs (feature_at (bytes, i) - expected) <= tolerance (&p->info, rgb)))
          g_error ("%s: %ux%u cells, [%u, %u, %u] expected %f, got %f", name, columns, rows,
              row, column, c, expected, feature_at (bytes, i));
      }
  gst_harness_teardown (h);
}

/* Every kind of layout, over sizes that do and do not divide. */
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

        check (&p, sizes[s].columns, sizes[s].rows, rgb, name);
        picture_clear (&p);
      }
}

static void
test_large (void)
{
  static const gchar *formats[] = {"I420", "BGRx"};

  for (guint f = 0; f < G_N_ELEMENTS (formats); f++) {
    Picture p = picture_new (formats[f], 1920, 1080, NULL, f);

    check (&p, 16, 12, f, formats[f]);
    picture_clear (&p);
  }
}

/* Range and matrix, as the caps tell them. */
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

      check (&p, 8, 6, rgb, cases[i].colorimetry);
      picture_clear (&p);
    }
}

/* A flat frame through numbers that one can check by hand; also the order of the channels. */
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
    GstHarness *h = harness_new (1, 1, cases[i].rgb);
    Picture p = picture_new (cases[i].format, 4, 4, cases[i].colorimetry, FALSE);
    guint n = cases[i].rgb ? 3 : 1;
    g_autoptr (GBytes) bytes = NULL;

    for (gsize k = 0; k < p.info.size; k++)
      gst_buffer_fill (p.buffer, k, cases[i].pixel + k % p.info.finfo->pixel_stride[0], 1);
    bytes = features_of (h, &p.info, p.buffer, n);
    for (guint k = 0; k < n; k++)
      g_assert_cmpfloat_with_epsilon (feature_at (bytes, k), cases[i].expected[k], .006);
    picture_clear (&p);
    gst_harness_teardown (h);
  }
}

/* Whatever the template names can be read, to the last column. */
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
      GstHarness *h = harness_new (3, 2, rgb);
      guint n = rgb ? 18 : 6;
      GstVideoInfo info;
      g_autoptr (GstBuffer) buffer = NULL;
      g_autoptr (GBytes) bytes = NULL;

      /* GStreamer 1.26 unpacks parts of these tiles from memory that it has not filled. */
      if (g_str_has_prefix (format, "MT2110")) {
        gst_harness_teardown (h);
        continue;
      }
      gst_video_info_set_format (&info, gst_video_format_from_string (format), width, 9);
      buffer = gst_buffer_new_allocate (NULL, info.size, NULL);
      gst_buffer_memset (buffer, 0, 0, info.size);
      bytes = features_of (h, &info, buffer, n);
      for (guint k = 0; k < n; k++) {
        gfloat feature = feature_at (bytes, k);

        g_assert_cmpfloat (feature, >=, 0);
        g_assert_cmpfloat (feature, <, .7); /* YUV zeros are green */
      }
      gst_harness_teardown (h);
    }
  gst_object_unref (factory);
}

/* Pixels of tiles are not where those of lines are. */
static void
test_tiles (void)
{
  static const gchar *formats[] = {"NV12_64Z32", "NV12_4L4", "NV12_32L32", "NV12_16L32S"};
  Picture p = picture_new ("NV12", 70, 50, NULL, FALSE);

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    GstHarness *h = harness_new (4, 3, FALSE);
    g_autoptr (GBytes) lines = features_of (h, &p.info, p.buffer, 12);
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
    tiles = features_of (h, &info, buffer, 12);
    for (guint k = 0; k < 12; k++)
      g_assert_cmpfloat_with_epsilon (feature_at (tiles, k), feature_at (lines, k), TOLERANCE);
    gst_harness_teardown (h);
  }
  picture_clear (&p);
}

/* Mean and scale may change between two buffers. */
static void
test_mean_scale (void)
{
  GstHarness *h = harness_new (5, 4, FALSE);
  Picture p = picture_new ("GRAY8", 50, 40, NULL, FALSE);
  g_autoptr (GBytes) plain = features_of (h, &p.info, p.buffer, 20);
  g_autoptr (GBytes) changed = NULL;

  g_object_set (h->element, "mean", 0.5, "scale", 4.0, NULL);
  changed = features_of (h, &p.info, p.buffer, 20);
  for (guint i = 0; i < 20; i++)
    g_assert_cmpfloat_with_epsilon (
        feature_at (changed, i), (feature_at (plain, i) - .5) * 4, 1e-6);
  picture_clear (&p);
  gst_harness_teardown (h);
}

/* A frame inside a larger one, as videocrop cuts it out by a meta. */
static void
test_strides (void)
{
  static const gchar *formats[] = {"GRAY8", "I420", "YUY2", "RGB", "I420_10LE"};

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    GstHarness *h = harness_new (4, 3, FALSE);
    Picture p = picture_new (formats[i], 46, 34, NULL, FALSE);
    g_autoptr (GBytes) packed = features_of (h, &p.info, p.buffer, 12);
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
    meta->width += 4; /* what is beyond the size in caps is padding */
    meta->height += 2;
    features = features_of (h, &p.info, padded, 12);
    g_assert_true (g_bytes_equal (features, packed));
    picture_clear (&p);
    gst_harness_teardown (h);
  }
}

static void
test_times (void)
{
  GstHarness *h = harness_new (4, 3, FALSE);
  Picture p = picture_new ("I420", 32, 24, NULL, FALSE);
  GstBuffer *out;
  g_autoptr (GstCaps) caps = NULL;
  gint fps_n, fps_d;

  GST_BUFFER_PTS (p.buffer) = 5 * GST_SECOND;
  GST_BUFFER_DTS (p.buffer) = 4 * GST_SECOND;
  GST_BUFFER_DURATION (p.buffer) = 33 * GST_MSECOND;
  GST_BUFFER_OFFSET (p.buffer) = 150;
  gst_harness_set_src_caps (h, gst_video_info_to_caps (&p.info));
  gst_harness_push (h, gst_buffer_ref (p.buffer));
  out = gst_harness_pull (h);
  g_assert_cmpuint (GST_BUFFER_PTS (out), ==, 5 * GST_SECOND);
  g_assert_cmpuint (GST_BUFFER_DTS (out), ==, 4 * GST_SECOND);
  g_assert_cmpuint (GST_BUFFER_DURATION (out), ==, 33 * GST_MSECOND);
  g_assert_cmpuint (GST_BUFFER_OFFSET (out), ==, 150);
  g_assert_cmpuint (gst_buffer_n_memory (out), ==, 1);
  gst_buffer_unref (out);
  caps = gst_pad_get_current_caps (h->sinkpad);
  gst_structure_get_fraction (gst_caps_get_structure (caps, 0), "framerate", &fps_n, &fps_d);
  g_assert_cmpint (fps_n, ==, 30);
  g_assert_cmpint (fps_d, ==, 1);
  g_assert_cmpstr (
      gst_structure_get_string (gst_caps_get_structure (caps, 0), "dimensions"), ==, "12:1");
  picture_clear (&p);
  gst_harness_teardown (h);
}

/* Caps of a side that do or do not fit caps of the other. */
static void
test_caps (void)
{
  static const struct {
    const gchar *video, *vectors;
    gboolean fits;
  } cases[] = {
      {"framerate=30/1", "dimensions=(string)12", TRUE},
      {"framerate=30/1", "dimensions=(string)12:1:1:1", TRUE},
      {"framerate=30/1", "dimensions=(string)12:1,framerate=30/1", TRUE},
      {"framerate=0/1", "dimensions=(string)12:1,framerate=0/1", TRUE},
      {"pixel-aspect-ratio=2/1", "dimensions=(string)12:1", TRUE},
      {"framerate=30/1", "dimensions=(string)13", FALSE},
      {"framerate=30/1", "dimensions=(string)12,framerate=25/1", FALSE},
      {"framerate=30/1", "types=float64", FALSE},
      {"framerate=30/1", "num_tensors=2", FALSE},
      {"width=40000", "dimensions=(string)12", FALSE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *error = NULL;
    gboolean ok = test_launch (&error,
        "videotestsrc num-buffers=2 ! video/x-raw,%s ! lstmfeatures width=4 height=3 ! "
        "capsfilter caps=other/tensors,%s%s ! fakesink",
        cases[i].video, cases[i].vectors,
        strstr (cases[i].vectors, "dimensions") ? "" : ",dimensions=(string)12");

    if (ok != cases[i].fits)
      g_error ("video %s, vectors %s: %s", cases[i].video, cases[i].vectors,
          error ? error : "was accepted");
  }
}

static void
test_other_framerates (void)
{
  GstElement *element = gst_element_factory_make ("lstmfeatures", NULL);
  g_autoptr (GstPad) sink = gst_element_get_static_pad (element, "sink");
  g_autoptr (GstCaps)
      filter = gst_caps_from_string ("video/x-raw, format=I420, framerate={ 5/1, 25/1 }");
  g_autoptr (GstCaps) caps = gst_pad_query_caps (sink, filter);
  g_autoptr (GstCaps) five = gst_caps_from_string (
      "video/x-raw, format=I420, width=8, height=8, framerate=5/1");
  g_autoptr (GstCaps)
      six = gst_caps_from_string ("video/x-raw, format=I420, width=8, height=8, framerate=6/1");

  g_assert_true (gst_caps_can_intersect (caps, five));
  g_assert_false (gst_caps_can_intersect (caps, six));
  gst_object_unref (element);
}

/* No video gives vectors of another size, which upstream is told beforehand. */
static void
test_other_size (void)
{
  GstHarness *h = harness_new (4, 3, FALSE);
  g_autoptr (GstCaps) caps = NULL;

  gst_harness_set_sink_caps_str (h, "other/tensors, format=static, num_tensors=1, "
                                    "types=float32, dimensions=(string)13, framerate=30/1");
  caps = gst_pad_peer_query_caps (h->srcpad, NULL);
  g_assert_true (gst_caps_is_empty (caps));
  gst_harness_teardown (h);
}

/* Both fields of a frame are one picture. */
static void
test_interlaced (void)
{
  GstHarness *h = harness_new (4, 3, TRUE);
  Picture p = picture_new ("I420", 32, 24, NULL, TRUE);
  g_autoptr (GBytes) progressive = features_of (h, &p.info, p.buffer, 36);
  g_autoptr (GBytes) interlaced = NULL;
  g_autoptr (GBytes) flagged = NULL;

  GST_VIDEO_INFO_INTERLACE_MODE (&p.info) = GST_VIDEO_INTERLACE_MODE_INTERLEAVED;
  GST_VIDEO_INFO_FIELD_ORDER (&p.info) = GST_VIDEO_FIELD_ORDER_TOP_FIELD_FIRST;
  interlaced = features_of (h, &p.info, p.buffer, 36);
  g_assert_true (g_bytes_equal (interlaced, progressive));
  gst_buffer_add_video_meta (
      p.buffer, GST_VIDEO_FRAME_FLAG_INTERLACED, GST_VIDEO_INFO_FORMAT (&p.info), 32, 24);
  flagged = features_of (h, &p.info, p.buffer, 36);
  g_assert_true (g_bytes_equal (flagged, progressive));
  picture_clear (&p);
  gst_harness_teardown (h);
}

/* A buffer that is too small for its caps: an error that says so, and no crash. */
static void
test_short_frame (void)
{
  GstHarness *h = harness_new (4, 3, FALSE);
  g_autoptr (GstBus) bus = gst_bus_new ();
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  gst_element_set_bus (h->element, bus);
  gst_harness_set_src_caps_str (
      h, "video/x-raw, format=I420, width=64, height=64, framerate=30/1");
  g_assert_cmpint (
      gst_harness_push (h, gst_buffer_new_allocate (NULL, 6143, NULL)), ==, GST_FLOW_ERROR);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT);
  g_assert_nonnull (strstr (error->message, "6143 bytes"));
  g_assert_nonnull (strstr (error->message, "64x64 I420"));
  gst_element_set_bus (h->element, NULL);
  gst_harness_teardown (h);
}

static void
test_allocation (void)
{
  GstHarness *h = harness_new (4, 3, FALSE);
  g_autoptr (GstCaps) caps = gst_caps_from_string (
      "video/x-raw, format=I420, width=64, height=64, framerate=30/1");
  GstQuery *query = gst_query_new_allocation (caps, TRUE);

  gst_harness_set_src_caps (h, gst_caps_ref (caps));
  g_assert_true (gst_pad_peer_query (h->srcpad, query));
  g_assert_true (gst_query_find_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL));
  gst_query_unref (query);
  gst_harness_teardown (h);
}

static GstPadProbeReturn
answer_allocation (GstPad *pad, GstPadProbeInfo *info, gpointer pool)
{
  GstQuery *query = GST_PAD_PROBE_INFO_QUERY (info);
  GstStructure *config;
  guint size;

  if (GST_QUERY_TYPE (query) != GST_QUERY_ALLOCATION)
    return GST_PAD_PROBE_OK;
  config = gst_buffer_pool_get_config (pool);
  gst_buffer_pool_config_get_params (config, NULL, &size, NULL, NULL);
  gst_structure_free (config);
  gst_query_add_allocation_pool (query, pool, size, 0, 0);
  return GST_PAD_PROBE_HANDLED;
}

/* What downstream allocates may be larger than a vector, but not smaller. */
static void
test_pools (void)
{
  static const guint sizes[] = {48, 4096, 47};

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    GstHarness *h = harness_new (4, 3, FALSE);
    Picture p = picture_new ("I420", 32, 24, NULL, FALSE);
    GstBufferPool *pool = gst_buffer_pool_new ();
    GstStructure *config = gst_buffer_pool_get_config (pool);

    gst_buffer_pool_config_set_params (config, NULL, sizes[i], 0, 0);
    gst_buffer_pool_set_config (pool, config);
    gst_pad_add_probe (
        h->sinkpad, GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM, answer_allocation, pool, NULL);
    if (sizes[i] >= 48)
      g_bytes_unref (features_of (h, &p.info, p.buffer, 12));
    else {
      gst_harness_set_src_caps (h, gst_video_info_to_caps (&p.info));
      g_assert_cmpint (gst_harness_push (h, gst_buffer_ref (p.buffer)), ==, GST_FLOW_ERROR);
    }
    gst_object_unref (pool);
    picture_clear (&p);
    gst_harness_teardown (h);
  }
}

/* A frame of another size in mid-stream: the vectors go on. */
static void
test_renegotiation (void)
{
  static const gint widths[] = {64, 17, 640, 1};
  GstHarness *h = harness_new (4, 3, FALSE);

  for (guint i = 0; i < G_N_ELEMENTS (widths); i++) {
    Picture p = picture_new (i & 1 ? "RGB" : "I420", widths[i], 20, NULL, FALSE);
    g_autoptr (GBytes) bytes = features_of (h, &p.info, p.buffer, 12);

    g_assert_cmpfloat_with_epsilon (
        feature_at (bytes, 0), tent (&p, 4, 3, 0, 0, 0), tolerance (&p.info, FALSE));
    picture_clear (&p);
  }
  gst_harness_teardown (h);
}

static void
test_states (void)
{
  test_state_cycles ("videotestsrc ! lstmfeatures ! fakesink", 100);
}

static void
test_properties (void)
{
  static const TestProperty properties[] = {
      {"width", "16", "1024", GST_PARAM_MUTABLE_READY},
      {"height", "12", "1", GST_PARAM_MUTABLE_READY},
      {"colour", "gray", "rgb", GST_PARAM_MUTABLE_READY},
      {"mean", "0", "-0.25", GST_PARAM_MUTABLE_PLAYING | GST_PARAM_CONTROLLABLE},
      {"scale", "1", "255.5", GST_PARAM_MUTABLE_PLAYING | GST_PARAM_CONTROLLABLE},
      {"qos", "false", "true", 0},
  };

  test_properties_of ("lstmfeatures", properties, G_N_ELEMENTS (properties));
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/lstmfeatures/grid", test_grid);
  g_test_add_func ("/lstmfeatures/large", test_large);
  g_test_add_func ("/lstmfeatures/colorimetry", test_colorimetry);
  g_test_add_func ("/lstmfeatures/flat", test_flat);
  g_test_add_func ("/lstmfeatures/every-format", test_every_format);
  g_test_add_func ("/lstmfeatures/tiles", test_tiles);
  g_test_add_func ("/lstmfeatures/mean-scale", test_mean_scale);
  g_test_add_func ("/lstmfeatures/strides", test_strides);
  g_test_add_func ("/lstmfeatures/other-size", test_other_size);
  g_test_add_func ("/lstmfeatures/interlaced", test_interlaced);
  g_test_add_func ("/lstmfeatures/times", test_times);
  g_test_add_func ("/lstmfeatures/caps", test_caps);
  g_test_add_func ("/lstmfeatures/other-framerates", test_other_framerates);
  g_test_add_func ("/lstmfeatures/short-frame", test_short_frame);
  g_test_add_func ("/lstmfeatures/allocation", test_allocation);
  g_test_add_func ("/lstmfeatures/pools", test_pools);
  g_test_add_func ("/lstmfeatures/renegotiation", test_renegotiation);
  g_test_add_func ("/lstmfeatures/states", test_states);
  g_test_add_func ("/lstmfeatures/properties", test_properties);
  return g_test_run ();
}
