/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A picture of 8 bits averaged down to a grid of cells by a tent for each cell, in float and
 * without rounding in between. Knows no pads, no formats and no colors. */
#pragma once
#include <glib.h>

/* The weights that make cells of pixels, along one side of the picture. */
typedef struct {
  guint cells;
  guint stride;    /* weights per cell, of which n[] are used */
  guint *first;    /* (cells) the first pixel of a cell */
  guint *n;        /* (cells) pixels of a cell */
  gfloat *weights; /* (cells, stride), the sum over a cell is 1 */
} GstLstmTents;

typedef struct {
  GstLstmTents rows, columns;
  guint line;     /* in_width * channels, the bytes of a line that count */
  guint channels; /* bytes of a pixel */
  gfloat *sums;   /* (in_width, channels), the mean of the lines of one row of cells */
} GstLstmGrid;

/* For pictures of (in_height, in_width, channels) bytes, and grids of (out_height, out_width,
 * channels) floats. @grid is zero or was cleared. Free with gst_lstm_grid_clear(). */
void gst_lstm_grid_init (GstLstmGrid *grid, guint in_width, guint in_height, guint out_width,
    guint out_height, guint channels);
void gst_lstm_grid_clear (GstLstmGrid *grid);

/* @stride: bytes from a line of @picture to the next, may be negative. @cells are in the units
 * of the bytes, 0 to 255. */
void gst_lstm_grid_average (
    GstLstmGrid *grid, const guint8 *picture, gssize stride, gfloat *cells);
