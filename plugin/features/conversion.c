/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "features/conversion.h"
#include "common/errors.h"

void
gst_lstm_conversion_clear (GstLstmConversion *conversion)
{
  while (conversion->n_stages > 0) {
    GstLstmConversionStage *stage = &conversion->stages[--conversion->n_stages];

    gst_video_frame_unmap (&stage->out);
    gst_video_converter_free (stage->converter);
  }
  gst_lstm_grid_clear (&conversion->grid);
}

/* Adds a stage from @in to @out. The options differ from the converter's defaults only in dither
 * and in chroma interpolation, which would change pixels that already have the right value. */
static gboolean
add_stage (GstLstmConversion *conversion, const GstVideoInfo *in, const GstVideoInfo *out)
{
  GstLstmConversionStage *stage = &conversion->stages[conversion->n_stages];
  g_autoptr (GstBuffer) buffer = gst_buffer_new_allocate (NULL, out->size, NULL);

  if (!buffer || !gst_video_frame_map (&stage->out, out, buffer, GST_MAP_READWRITE))
    return FALSE;
  stage->converter = gst_video_converter_new (in, out,
      gst_structure_new ("options", GST_VIDEO_CONVERTER_OPT_DITHER_METHOD,
          GST_TYPE_VIDEO_DITHER_METHOD, GST_VIDEO_DITHER_NONE,
          GST_VIDEO_CONVERTER_OPT_CHROMA_MODE, GST_TYPE_VIDEO_CHROMA_MODE,
          GST_VIDEO_CHROMA_MODE_NONE, NULL));
  if (!stage->converter) {
    gst_video_frame_unmap (&stage->out);
    return FALSE;
  }
  conversion->n_stages++;
  return TRUE;
}

/* Sets @out to @format with the size and rate of @in, and with the colorimetry of @in if
 * @same_colors, or else with the default of @format. */
static gboolean
init_info (
    GstVideoInfo *out, const GstVideoInfo *in, GstVideoFormat format, gboolean same_colors)
{
  if (!gst_video_info_set_format (out, format, (guint) in->width, (guint) in->height))
    return FALSE;
  out->fps_n = in->fps_n;
  out->fps_d = in->fps_d;
  if (same_colors)
    out->colorimetry = in->colorimetry;
  return TRUE;
}

/* Returns whether the first plane of a frame of @info is a GRAY8 picture. */
static gboolean
has_luma_plane (const GstVideoInfo *info)
{
  return !GST_VIDEO_FORMAT_INFO_IS_COMPLEX (info->finfo)
         && GST_VIDEO_INFO_COMP_DEPTH (info, 0) == 8
         && GST_VIDEO_INFO_COMP_PSTRIDE (info, 0) == 1;
}

/* Adds the stages from a frame to the picture. */
static gboolean
add_stages (GstLstmConversion *conversion, gboolean to_rgb)
{
  GstVideoInfo in = conversion->info, wide, out;
  const gboolean from_rgb = GST_VIDEO_INFO_IS_RGB (&in);
  const gboolean same_colors = to_rgb == from_rgb; /* values keep their range, at fewer bits */
  const gboolean full_range = in.colorimetry.range != GST_VIDEO_COLOR_RANGE_16_235;
  gint offset[GST_VIDEO_MAX_COMPONENTS], scale[GST_VIDEO_MAX_COMPONENTS];

  if (!init_info (
          &out, &in, to_rgb ? GST_VIDEO_FORMAT_RGB : GST_VIDEO_FORMAT_GRAY8, same_colors))
    return FALSE;
  gst_video_color_range_offsets (out.colorimetry.range, out.finfo, offset, scale);
  conversion->black = offset[0];
  conversion->range = scale[0];

  if (to_rgb ? in.finfo->format == GST_VIDEO_FORMAT_RGB : same_colors && has_luma_plane (&in))
    return TRUE;
  /* The converter's 8-bit matrices are accurate only from RGB of full range. Its other 8-bit
   * matrices are wrong by up to 6 gray levels, mostly too dark, its 16-bit ones by up to 2.2. */
  if (!same_colors && !(from_rgb && full_range) && GST_VIDEO_INFO_COMP_DEPTH (&in, 0) <= 8) {
    const GstVideoFormat format = from_rgb ? GST_VIDEO_FORMAT_ARGB64 : GST_VIDEO_FORMAT_AYUV64;

    if (!init_info (&wide, &in, format, TRUE) || !add_stage (conversion, &in, &wide))
      return FALSE;
    in = wide;
  }
  return add_stage (conversion, &in, &out);
}

gboolean
gst_lstm_conversion_init (GstLstmConversion *conversion, const GstCaps *caps, guint width,
    guint height, gboolean is_rgb, GError **error)
{
  GstVideoInfo *info = &conversion->info;

  if (!gst_video_info_from_caps (info, caps))
    return gst_lstm_fail (error, GST_LSTM_STREAM (FORMAT),
        "caps: expected video/x-raw, found '%" GST_PTR_FORMAT "'", caps);

  /* Both fields of an interlaced frame are lines of one picture. The conversion of gray to RGB
   * needs a matrix. */
  GST_VIDEO_INFO_INTERLACE_MODE (info) = GST_VIDEO_INTERLACE_MODE_PROGRESSIVE;
  if (GST_VIDEO_INFO_IS_GRAY (info))
    info->colorimetry.matrix = GST_VIDEO_COLOR_MATRIX_BT601;
  if (!add_stages (conversion, is_rgb))
    return gst_lstm_fail (error, GST_LSTM_STREAM (FORMAT),
        "caps: expected video that GstVideoConverter converts to %s, found '%" GST_PTR_FORMAT
        "'",
        is_rgb ? "RGB" : "GRAY8", caps);
  gst_lstm_grid_init (&conversion->grid, (guint) GST_VIDEO_INFO_WIDTH (info),
      (guint) GST_VIDEO_INFO_HEIGHT (info), width, height, is_rgb ? 3 : 1);
  return TRUE;
}

guint
gst_lstm_conversion_get_size (const GstLstmConversion *conversion)
{
  const GstLstmGrid *grid = &conversion->grid;

  return grid->row_tents.n_cells * grid->column_tents.n_cells * grid->channels;
}

void
gst_lstm_conversion_run (GstLstmConversion *conversion, GstVideoFrame *frame, gfloat *values)
{
  const guint size = gst_lstm_conversion_get_size (conversion);
  const GstVideoFrame *picture = frame;

  frame->flags = GST_VIDEO_FRAME_FLAG_NONE; /* a video meta may mark the frame as interlaced */
  for (guint i = 0; i < conversion->n_stages; picture = &conversion->stages[i++].out)
    gst_video_converter_frame (
        conversion->stages[i].converter, picture, &conversion->stages[i].out);
  gst_lstm_grid_average (&conversion->grid, GST_VIDEO_FRAME_COMP_DATA (picture, 0),
      GST_VIDEO_FRAME_COMP_STRIDE (picture, 0), values);
  for (guint i = 0; i < size; i++) {
    const gfloat value = (values[i] - conversion->black) / conversion->range;

    values[i] = CLAMP (value, 0.0f, 1.0f);
  }
}
