/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "features/grid.h"
#include <math.h>
#include <string.h>

static void
tents_clear (GstLstmTents *tents)
{
  g_clear_pointer (&tents->first, g_free);
  g_clear_pointer (&tents->n, g_free);
  g_clear_pointer (&tents->weights, g_free);
  tents->cells = 0;
}

/* A tent for each cell, as wide as two cells (two pixels at least), with its top over the
 * cell's centre. Pixels beyond the edge are copies of the one at the edge. */
static void
tents_init (GstLstmTents *tents, guint pixels, guint cells)
{
  gdouble cell = (gdouble) pixels / cells;
  gdouble reach = MAX (cell, 1.0); /* from the tent's top to its foot */

  tents->cells = cells;
  tents->stride = 2 * (guint) ceil (reach) + 1;
  tents->first = g_new (guint, cells);
  tents->n = g_new (guint, cells);
  tents->weights = g_new0 (gfloat, (gsize) cells * tents->stride);
  for (guint i = 0; i < cells; i++) {
    gfloat *weights = tents->weights + (gsize) i * tents->stride;
    gdouble centre = (i + 0.5) * cell - 0.5;
    gint from = (gint) ceil (centre - reach), to = (gint) floor (centre + reach);
    gint first = CLAMP (from, 0, (gint) pixels - 1), last = CLAMP (to, 0, (gint) pixels - 1);
    gdouble total = 0.0;

    for (gint k = from; k <= to; k++)
      total += 1.0 - fabs (k - centre) / reach;
    for (gint k = from; k <= to; k++)
      weights[CLAMP (k, first, last) - first] += (gfloat) ((1.0 - fabs (k - centre) / reach)
                                                           / total);
    tents->first[i] = (guint) first;
    tents->n[i] = (guint) (last - first + 1);
  }
}

void
gst_lstm_grid_init (GstLstmGrid *grid, guint in_width, guint in_height, guint out_width,
    guint out_height, guint channels)
{
  tents_init (&grid->columns, in_width, out_width);
  tents_init (&grid->rows, in_height, out_height);
  grid->line = in_width * channels;
  grid->channels = channels;
  grid->sums = g_new (gfloat, grid->line);
}

void
gst_lstm_grid_clear (GstLstmGrid *grid)
{
  tents_clear (&grid->columns);
  tents_clear (&grid->rows);
  g_clear_pointer (&grid->sums, g_free);
}

/* sums (n) += wa * a (n) + wb * b (n). The time goes here: two lines at once, so that the sums
 * are read and written half as often. */
static void
add_lines (gfloat *restrict sums, const guint8 *restrict a, gfloat wa, const guint8 *restrict b,
    gfloat wb, guint n)
{
  for (guint i = 0; i < n; i++)
    sums[i] += wa * a[i] + wb * b[i];
}

/* grid->sums := the mean of the lines of one row of cells. */
static void
average_lines (GstLstmGrid *grid, const guint8 *picture, gssize stride, guint row)
{
  const gfloat *weights = grid->rows.weights + (gsize) row * grid->rows.stride;
  const guint8 *line = picture + (gssize) grid->rows.first[row] * stride;
  guint n = grid->rows.n[row], i;

  memset (grid->sums, 0, grid->line * sizeof (gfloat));
  for (i = 0; i + 1 < n; i += 2, line += 2 * stride)
    add_lines (grid->sums, line, weights[i], line + stride, weights[i + 1], grid->line);
  if (i < n)
    add_lines (grid->sums, line, weights[i], line, 0.0f, grid->line);
}

/* cell (channels) := the mean of its pixels in grid->sums. */
static void
average_pixels (const GstLstmGrid *grid, guint column, gfloat *cell)
{
  const gfloat *weights = grid->columns.weights + (gsize) column * grid->columns.stride;
  const gfloat *pixels = grid->sums + (gsize) grid->columns.first[column] * grid->channels;

  for (guint c = 0; c < grid->channels; c++) {
    gfloat sum = 0.0f;

    for (guint i = 0; i < grid->columns.n[column]; i++)
      sum += weights[i] * pixels[i * grid->channels + c];
    cell[c] = sum;
  }
}

void
gst_lstm_grid_average (GstLstmGrid *grid, const guint8 *picture, gssize stride, gfloat *cells)
{
  for (guint row = 0; row < grid->rows.cells; row++) {
    average_lines (grid, picture, stride, row);
    for (guint column = 0; column < grid->columns.cells; column++, cells += grid->channels)
      average_pixels (grid, column, cells);
  }
}
