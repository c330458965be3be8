/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The conversion of a video frame to a grid of cells. */
#pragma once
#include "features/grid.h"
#include <gst/video/video.h>

/* A conversion by GstVideoConverter to another format of the same size */
typedef struct {
  GstVideoConverter *converter;
  GstVideoFrame out; /* reused for each frame */
} GstLstmConversionStage;

typedef struct {
  GstVideoInfo info;                /* of the frame */
  GstLstmConversionStage stages[2]; /* to an 8-bit picture, GRAY8 or RGB */
  guint n_stages;                   /* 0: the first plane of the frame is the picture */
  gint black, range;                /* of the picture; white is black + range */
  GstLstmGrid grid;
} GstLstmConversion;

/* Prepares the conversion of frames of @caps to @width x @height cells of luma, or of red, green
 * and blue if @is_rgb. @conversion is zero or cleared. Returns FALSE and sets @error if
 * GstVideoConverter does not support the conversion. */
gboolean gst_lstm_conversion_init (GstLstmConversion *conversion, const GstCaps *caps,
    guint width, guint height, gboolean is_rgb, GError **error);
void gst_lstm_conversion_clear (GstLstmConversion *conversion);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (GstLstmConversion, gst_lstm_conversion_clear)

/* Returns the number of values of the grid. */
guint gst_lstm_conversion_get_size (const GstLstmConversion *conversion);

/* Converts @frame to @values (height, width, channels) from 0 (black) to 1 (white). Clears the
 * flags of @frame. */
void gst_lstm_conversion_run (
    GstLstmConversion *conversion, GstVideoFrame *frame, gfloat *values);
