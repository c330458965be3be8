/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstmfeatures-rig.h"
#include <math.h>
#include <string.h>

#define TOLERANCE_8_BITS (1.5 / 255) /* GstVideoConverter rounds a pixel to 8 bits */
/* From YUV of 8 bits, for which the matrix of GstVideoConverter is not exact either */
#define TOLERANCE_RGB (2.25 / 255)

/* Returns a pseudo-random value of @depth bits for component @c at (@x, @y). */
static guint
get_noise (guint x, guint y, guint c, guint depth)
{
  guint n = x * 374761393u + y * 668265263u + c * 2147483647u + 12345u;

  n = (n ^ (n >> 13)) * 1274126177u;
  return (n ^ (n >> 16)) & ((1u << depth) - 1);
}

static void
paint_component (GstVideoFrame *frame, guint c)
{
  const GstVideoFormatInfo *finfo = frame->info.finfo;
  guint depth = GST_VIDEO_FRAME_COMP_DEPTH (frame, c);
  /* The table of GStreamer 1.22 has the wrong offset of V in P010: byte 1 of a pixel instead of
   * 2. */
  guint fix = depth > 8 ? GST_VIDEO_FRAME_COMP_POFFSET (frame, c) & 1 : 0;

  for (gint y = 0; y < GST_VIDEO_FRAME_COMP_HEIGHT (frame, c); y++)
    for (gint x = 0; x < GST_VIDEO_FRAME_COMP_WIDTH (frame, c); x++) {
      guint8 *pixel = (guint8 *) GST_VIDEO_FRAME_COMP_DATA (frame, c)
                      + y * GST_VIDEO_FRAME_COMP_STRIDE (frame, c)
                      + x * GST_VIDEO_FRAME_COMP_PSTRIDE (frame, c) + fix;
      guint value = get_noise (x, y, c, depth);

      if (depth > 8)
        GST_WRITE_UINT16_LE (
            pixel, (guint16) (value << GST_VIDEO_FORMAT_INFO_SHIFT (finfo, c)));
      else
        *pixel = (guint8) value;
    }
}

/* Returns component @c at a pixel in nominal range: [0, 1], or [-.5, .5] for chroma. */
static gdouble
get_nominal_value (const GstVideoInfo *info, gint x, gint y, guint c)
{
  const GstVideoFormatInfo *finfo = info->finfo;
  guint depth = GST_VIDEO_FORMAT_INFO_DEPTH (finfo, c);
  gdouble value = get_noise (x >> GST_VIDEO_FORMAT_INFO_W_SUB (finfo, c),
      y >> GST_VIDEO_FORMAT_INFO_H_SUB (finfo, c), c, depth);
  gboolean chroma = GST_VIDEO_INFO_IS_YUV (info) && c > 0;
  gdouble unit = 1 << (depth - 8);

  if (info->colorimetry.range == GST_VIDEO_COLOR_RANGE_16_235)
    return chroma ? (value - 128 * unit) / (224 * unit) : (value - 16 * unit) / (219 * unit);
  return (value - (chroma ? 128 * unit : 0)) / ((1 << depth) - 1);
}

/* Returns whether the conversion to 8 bits of luma or RGB computes pixels. */
static gboolean
is_converted (const GstVideoInfo *info, gboolean rgb)
{
  return rgb != GST_VIDEO_INFO_IS_RGB (info);
}

gdouble
picture_get_tolerance (const GstVideoInfo *info, gboolean rgb)
{
  gboolean deep = GST_VIDEO_INFO_COMP_DEPTH (info, 0) > 8;

  if (rgb && GST_VIDEO_INFO_IS_YUV (info) && !deep)
    return TOLERANCE_RGB;
  return is_converted (info, rgb) || deep ? TOLERANCE_8_BITS : TOLERANCE;
}

static void
compute_color (const GstVideoInfo *info, gint x, gint y, gboolean rgb, gdouble out[3])
{
  gdouble v[3] = {get_nominal_value (info, x, y, 0), 0, 0};
  gdouble kr = 0.299, kb = 0.114;

  for (guint c = 1; c < 3 && !GST_VIDEO_INFO_IS_GRAY (info); c++)
    v[c] = get_nominal_value (info, x, y, c);
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
    out[c] = CLAMP (out[c], 0, 1); /* the range of 8 bits */
}

Picture
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
    paint_component (&frame, c);
  gst_video_frame_unmap (&frame);
  p.pixels = g_new (gdouble, (gsize) width * height * 3);
  for (gint y = 0; y < height; y++)
    for (gint x = 0; x < width; x++)
      compute_color (&p.info, x, y, rgb, p.pixels + 3 * ((gsize) y * width + x));
  return p;
}

void
picture_clear (Picture *p)
{
  gst_clear_buffer (&p->buffer);
  g_free (p->pixels);
}

gdouble
picture_get_cell (const Picture *p, guint columns, guint rows, guint column, guint row, guint c)
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

GstHarness *
features_harness_new (guint columns, guint rows, gboolean rgb)
{
  GstHarness *h = gst_harness_new ("lstmfeatures");

  g_object_set (h->element, "width", columns, "height", rows, NULL);
  gst_util_set_object_arg (G_OBJECT (h->element), "color", rgb ? "rgb" : "gray");
  return h;
}

GBytes *
features_compute (GstHarness *h, const GstVideoInfo *info, GstBuffer *buffer, gsize n)
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

gfloat
features_get (GBytes *bytes, guint i)
{
  return ((const gfloat *) g_bytes_get_data (bytes, NULL))[i];
}

void
features_assert_grid (
    const Picture *p, guint columns, guint rows, gboolean rgb, const gchar *name)
{
  GstHarness *h = features_harness_new (columns, rows, rgb);
  guint channels = rgb ? 3 : 1;
  g_autoptr (GBytes)
      bytes = features_compute (h, &p->info, p->buffer, (gsize) columns * rows * channels);
  guint i = 0;

  for (guint row = 0; row < rows; row++)
    for (guint column = 0; column < columns; column++)
      for (guint c = 0; c < channels; c++, i++) {
        gdouble expected = picture_get_cell (p, columns, rows, column, row, c);

        if (!(fabs (features_get (bytes, i) - expected)
                <= picture_get_tolerance (&p->info, rgb)))
          g_error ("%s: %ux%u cells, [%u, %u, %u] expected %f, found %f", name, columns, rows,
              row, column, c, expected, features_get (bytes, i));
      }
  gst_harness_teardown (h);
}
