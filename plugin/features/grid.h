/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The averages of an 8-bit picture over the cells of a grid. The weights of a cell form a tent.
 * Sums are float32 and are not rounded to bytes in between. This file does not depend on pads,
 * video formats or colors. */
#pragma once
#include <glib.h>

/* The weights that average the pixels along one side of the picture to cells */
typedef struct {
  guint n_cells;
  guint stride;       /* weights per cell, of which n_pixels[] are used */
  guint *first_pixel; /* (n_cells) */
  guint *n_pixels;    /* (n_cells) */
  gfloat *weights;    /* (n_cells, stride), the sum over a cell is 1 */
} GstLstmTents;

typedef struct {
  GstLstmTents row_tents, column_tents; /* along the height and along the width */
  guint line_bytes; /* of the picture: in_width * channels, without padding */
  guint channels;   /* bytes of a pixel */
  gfloat *sums;     /* (in_width, channels), the mean of the lines of one row of cells */
} GstLstmGrid;

/* Prepares averages of pictures (in_height, in_width, channels) of bytes to grids (out_height,
 * out_width, channels) of floats. @grid is zero or cleared. gst_lstm_grid_clear() frees its
 * memory. */
void gst_lstm_grid_init (GstLstmGrid *grid, guint in_width, guint in_height, guint out_width,
    guint out_height, guint channels);
void gst_lstm_grid_clear (GstLstmGrid *grid);

/* Averages @picture to @cells, which are in the units of the bytes, 0 to 255. @stride is the
 * number of bytes from a line of @picture to the next line, and may be negative. */
void gst_lstm_grid_average (
    GstLstmGrid *grid, const guint8 *picture, gssize stride, gfloat *cells);
