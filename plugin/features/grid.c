/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "features/grid.h"
#include <math.h>
#include <string.h>

static void
clear_tents (GstLstmTents *tents)
{
  g_clear_pointer (&tents->first_pixel, g_free);
  g_clear_pointer (&tents->n_pixels, g_free);
  g_clear_pointer (&tents->weights, g_free);
  tents->n_cells = 0;
}

/* Computes a tent for each cell. A tent is as wide as two cells, at least two pixels, and its top
 * is at the center of the cell. Pixels beyond the edge are copies of the pixel at the edge. */
static void
init_tents (GstLstmTents *tents, guint n_pixels, guint n_cells)
{
  gdouble cell = (gdouble) n_pixels / n_cells;
  gdouble reach = MAX (cell, 1.0); /* from the top of the tent to its foot, in pixels */

  tents->n_cells = n_cells;
  tents->stride = 2 * (guint) ceil (reach) + 1;
  tents->first_pixel = g_new (guint, n_cells);
  tents->n_pixels = g_new (guint, n_cells);
  tents->weights = g_new0 (gfloat, (gsize) n_cells * tents->stride);
  for (guint i = 0; i < n_cells; i++) {
    gfloat *weights = tents->weights + (gsize) i * tents->stride;
    gdouble center = (i + 0.5) * cell - 0.5;
    gint from = (gint) ceil (center - reach), to = (gint) floor (center + reach);
    gint first = CLAMP (from, 0, (gint) n_pixels - 1);
    gint last = CLAMP (to, 0, (gint) n_pixels - 1);
    gdouble total = 0.0;

    for (gint k = from; k <= to; k++)
      total += 1.0 - fabs (k - center) / reach;
    for (gint k = from; k <= to; k++)
      weights[CLAMP (k, first, last) - first] += (gfloat) ((1.0 - fabs (k - center) / reach)
                                                           / total);
    tents->first_pixel[i] = (guint) first;
    tents->n_pixels[i] = (guint) (last - first + 1);
  }
}

void
gst_lstm_grid_init (GstLstmGrid *grid, guint in_width, guint in_height, guint out_width,
    guint out_height, guint channels)
{
  init_tents (&grid->column_tents, in_width, out_width);
  init_tents (&grid->row_tents, in_height, out_height);
  grid->line_bytes = in_width * channels;
  grid->channels = channels;
  grid->sums = g_new (gfloat, grid->line_bytes);
}

void
gst_lstm_grid_clear (GstLstmGrid *grid)
{
  clear_tents (&grid->column_tents);
  clear_tents (&grid->row_tents);
  g_clear_pointer (&grid->sums, g_free);
}

/* Adds @wa * @a (n) + @wb * @b (n) to @sums (n). This function takes most of the time. Two lines at
 * once halve the loads and stores of the sums. */
static void
add_lines (gfloat *restrict sums, const guint8 *restrict a, gfloat wa, const guint8 *restrict b,
    gfloat wb, guint n)
{
  for (guint i = 0; i < n; i++)
    sums[i] += wa * a[i] + wb * b[i];
}

/* Sets grid->sums to the mean of the lines of row @row of cells. */
static void
average_lines (GstLstmGrid *grid, const guint8 *picture, gssize stride, guint row)
{
  const gfloat *weights = grid->row_tents.weights + (gsize) row * grid->row_tents.stride;
  const guint8 *line = picture + (gssize) grid->row_tents.first_pixel[row] * stride;
  guint n = grid->row_tents.n_pixels[row], i;

  memset (grid->sums, 0, grid->line_bytes * sizeof (gfloat));
  for (i = 0; i + 1 < n; i += 2, line += 2 * stride)
    add_lines (grid->sums, line, weights[i], line + stride, weights[i + 1], grid->line_bytes);
  if (i < n)
    add_lines (grid->sums, line, weights[i], line, 0.0f, grid->line_bytes);
}

/* Sets @cell (channels) to the mean of its pixels in grid->sums. */
static void
average_pixels (const GstLstmGrid *grid, guint column, gfloat *cell)
{
  const gfloat *weights = grid->column_tents.weights
                          + (gsize) column * grid->column_tents.stride;
  const gfloat *pixels = grid->sums
                         + (gsize) grid->column_tents.first_pixel[column] * grid->channels;

  for (guint c = 0; c < grid->channels; c++) {
    gfloat sum = 0.0f;

    for (guint i = 0; i < grid->column_tents.n_pixels[column]; i++)
      sum += weights[i] * pixels[i * grid->channels + c];
    cell[c] = sum;
  }
}

void
gst_lstm_grid_average (GstLstmGrid *grid, const guint8 *picture, gssize stride, gfloat *cells)
{
  for (guint row = 0; row < grid->row_tents.n_cells; row++) {
    average_lines (grid, picture, stride, row);
    for (guint column = 0; column < grid->column_tents.n_cells;
         column++, cells += grid->channels)
      average_pixels (grid, column, cells);
  }
}
