/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pictures with known pixels, and their features by the definition of `lstmfeatures`. */
#pragma once
#include "testutil.h"
#include <gst/video/video.h>

#define TOLERANCE 3e-6 /* of float32 sums */

typedef struct {
  GstVideoInfo info;
  GstBuffer *buffer;
  gdouble *pixels; /* (height, width, 3): luma three times, or R G B; in [0, 1] */
} Picture;

/* @colorimetry: (nullable): NULL for the default of @format
 * @rgb: whether the pixels are R G B instead of luma */
Picture picture_new (
    const gchar *format, gint width, gint height, const gchar *colorimetry, gboolean rgb);
void picture_clear (Picture *picture);

/* Returns the largest error of a feature of a picture with @info. */
gdouble picture_get_tolerance (const GstVideoInfo *info, gboolean rgb);

/* Returns channel @c of a cell in a grid of @rows x @columns: the average under a tent. The tent
 * ends one cell from its top, at least one pixel. Beyond the edge the pixels of the edge repeat. */
gdouble picture_get_cell (
    const Picture *picture, guint columns, guint rows, guint column, guint row, guint c);

/* Returns: (transfer full): an element `lstmfeatures` with a grid of @rows x @columns */
GstHarness *features_harness_new (guint columns, guint rows, gboolean rgb);

/* Pushes @buffer and asserts that the element does not change it.
 * Returns: (transfer full): the output vector, @n float32 values */
GBytes *features_compute (GstHarness *h, const GstVideoInfo *info, GstBuffer *buffer, gsize n);

/* Returns value @i of a vector. */
gfloat features_get (GBytes *features, guint i);

/* Asserts that all features of @picture are those of the definition. @name: for messages */
void features_assert_grid (
    const Picture *picture, guint columns, guint rows, gboolean rgb, const gchar *name);
