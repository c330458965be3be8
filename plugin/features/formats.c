/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "features/formats.h"
#include <gst/video/video.h>

/* The maximum side that videoscale accepts. Sizes in bytes do not overflow. */
#define SIDE "(int) [ 1, 32767 ]"
#define CAPS                                                                                   \
  "video/x-raw, format = (string) " GST_VIDEO_FORMATS_ALL ", width = " SIDE ", height = " SIDE \
  ", framerate = " GST_VIDEO_FPS_RANGE

/* The formats of GStreamer 1.22 in the order of the time that a frame takes. A string has the formats
 * of one row of the table in docs/elements/lstmfeatures.md, from `tools/bench --formats`. Formats
 * with fewer colors are the last ones of their string. Strings end with a space. */
static const gchar gray_formats[] =
    "I420 YV12 NV12 NV21 GRAY8 Y42B NV16 NV61 Y444 NV24 A420 AV12 Y41B YUV9 YVU9 "
    "UYVY AYUV YUY2 VUYA VYUY YVYU "
    "IYU1 NV12_64Z32 AYUV64 NV12_32L32 v308 GRAY16_BE GRAY16_LE IYU2 P016_BE "
    "P012_LE P010_10LE NV12_16L32S P016_LE v216 Y210 Y444_16BE Y212_LE P010_10BE "
    "P012_BE Y212_BE Y444_16LE A420_10LE Y412_LE A422_10LE A444_10LE Y412_BE "
    "ARGB GBR GRAY10_LE32 RGBP Y444_12LE BGRP BGRx xRGB BGRA I420_10LE Y444_10LE ABGR "
    "I420_12LE I422_10LE I422_12LE NV12_8L128 RGBA RGBx UYVP v210 xBGR NV12_10LE40 "
    "A420_10BE A422_10BE GBRA RGB Y444_10BE Y444_12BE BGR Y410 A444_10BE I420_10BE "
    "I422_12BE I420_12BE I422_10BE RGB16 BGR16 RGB15 BGR15 RGB8P "
    "NV16_10LE32 NV12_10LE32 NV12_4L4 "
    "ARGB64 ARGB64_LE ARGB64_BE ABGR64_LE BGRA64_BE BGRA64_LE RGBA64_LE ABGR64_BE "
    "RGBA64_BE GBRA_12LE GBRA_10LE GBR_10LE GBR_12LE r210 GBR_10BE GBR_12BE "
    "BGR10A2_LE GBRA_10BE RGB10A2_LE GBRA_12BE "
    "NV12_10BE_8L128 ";

static const gchar rgb_formats[] =
    "RGB "
    "ARGB BGRP GBR BGRx BGRA RGBA RGBP xRGB ABGR RGBx xBGR BGR ARGB64 ARGB64_LE GBRA "
    "RGB16 BGR16 RGB15 BGR15 RGB8P "
    "RGBA64_LE ABGR64_BE ABGR64_LE ARGB64_BE BGRA64_LE RGBA64_BE BGRA64_BE GBRA_10LE "
    "GBRA_12LE GBR_10LE GBR_12LE r210 GBR_10BE GBR_12BE BGR10A2_LE RGB10A2_LE "
    "GBRA_10BE GBRA_12BE "
    "AYUV64 P010_10LE P016_BE P012_LE P016_LE Y210 Y212_LE v216 P010_10BE P012_BE "
    "Y444_16BE Y212_BE YUY2 VYUY Y412_LE Y444_16LE A420_10LE A422_10LE NV16 UYVY YVYU "
    "AYUV NV12 NV21 NV61 VUYA Y42B A444_10LE Y412_BE Y41B Y444 YV12 YVU9 AV12 NV24 "
    "YUV9 I420 Y444_12LE A420 Y444_10LE I420_10LE I422_12LE UYVP I420_12LE IYU1 "
    "I422_10LE IYU2 v210 NV12_10LE40 v308 A420_10BE A422_10BE NV12_32L32 Y444_12BE "
    "NV12_64Z32 Y444_10BE Y410 A444_10BE I420_12BE NV12_16L32S I422_12BE I420_10BE "
    "I422_10BE GRAY8 GRAY16_LE GRAY16_BE GRAY10_LE32 "
    "NV12_10LE32 NV16_10LE32 NV12_8L128 NV12_4L4 NV12_10BE_8L128 ";

/* Moves the value of @format from @formats to the end of @list, unless @formats lacks it. */
static void
move_format (GValue *list, GPtrArray *formats, const gchar *format)
{
  guint index;
  GValue value = G_VALUE_INIT;

  if (!g_ptr_array_find_with_equal_func (formats, format, g_str_equal, &index))
    return;
  g_value_init (&value, G_TYPE_STRING);
  g_value_take_string (&value, g_ptr_array_remove_index (formats, index));
  gst_value_list_append_and_take_value (list, &value);
}

/* Returns: (transfer full): the values of the field format of @caps */
static GPtrArray *
list_formats (const GstCaps *caps)
{
  const GValue *list = gst_structure_get_value (gst_caps_get_structure (caps, 0), "format");
  GPtrArray *formats = g_ptr_array_new ();

  for (guint i = 0; i < gst_value_list_get_size (list); i++)
    g_ptr_array_add (formats, g_value_dup_string (gst_value_list_get_value (list, i)));
  return formats;
}

/* Returns: (transfer full): the caps with @sorted_formats first */
static GstCaps *
make_caps (const gchar *sorted_formats)
{
  GstCaps *caps = gst_caps_from_string (CAPS);
  g_autoptr (GPtrArray) formats = list_formats (caps);
  g_auto (GStrv) names = g_strsplit (sorted_formats, " ", -1);
  GValue list = G_VALUE_INIT;

  g_value_init (&list, GST_TYPE_LIST);
  for (guint i = 0; names[i]; i++)
    move_format (&list, formats, names[i]);
  while (formats->len > 0) /* formats of a later GStreamer */
    move_format (&list, formats, formats->pdata[0]);
  gst_structure_take_value (gst_caps_get_structure (caps, 0), "format", &list);
  GST_MINI_OBJECT_FLAG_SET (caps, GST_MINI_OBJECT_FLAG_MAY_BE_LEAKED);
  return caps;
}

/* Makes the caps once: elements upstream query them many times during a negotiation. */
GstCaps *
gst_lstm_formats_get_caps (gboolean is_rgb)
{
  static GstCaps *gray_caps, *rgb_caps;
  static gsize is_made;

  if (g_once_init_enter (&is_made)) {
    gray_caps = make_caps (gray_formats);
    rgb_caps = make_caps (rgb_formats);
    g_once_init_leave (&is_made, 1);
  }
  return is_rgb ? rgb_caps : gray_caps;
}
