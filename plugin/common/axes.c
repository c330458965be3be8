/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/axes.h"

/* The first two dimensions above 1 */
typedef struct {
  gsize sizes[2];
  guint n; /* of all dimensions above 1 */
} LargeDims;

static LargeDims
find_large_dims (const gsize *dims, gsize n_dims)
{
  LargeDims large = {.sizes = {1, 1}};

  for (gsize i = 0; i < n_dims; i++)
    if (dims[i] > 1) {
      if (large.n < G_N_ELEMENTS (large.sizes))
        large.sizes[large.n] = dims[i];
      large.n++;
    }
  return large;
}

/* Returns the number of dimensions of vectors of @d values, without dimensions of 1 after the
 * vectors. Returns 0 if the vectors have another size, or if a dimension is 0 or too large. */
static gsize
count_vector_dims (const gsize *dims, gsize n_dims, gsize d)
{
  while (n_dims > 1 && d > 1 && dims[n_dims - 1] == 1)
    n_dims--;
  for (gsize i = 0; i < n_dims; i++)
    if (dims[i] == 0 || dims[i] > G_MAXINT32)
      return 0;
  return n_dims > 0 && (d == 0 || dims[n_dims - 1] == d) ? n_dims : 0;
}

/* Reads two dimensions of @dims, the @n dimensions before the vectors, into @a and @b. */
static gboolean
read_two_axes (const gsize *dims, gsize n, guint *a, guint *b)
{
  const LargeDims large = find_large_dims (dims, n);

  if (n != 2 && large.n != 0 && (n < 2 || large.n != 2))
    return FALSE;
  *a = (guint) (n == 2 ? dims[0] : large.sizes[0]);
  *b = (guint) (n == 2 ? dims[1] : large.sizes[1]);
  return TRUE;
}

gboolean
gst_lstm_axes_read_dims (
    GstLstmAxes axes, const gsize *dims, gsize n_dims, gsize d, GstLstmAxesShape *shape)
{
  const gsize n = count_vector_dims (dims, n_dims, d);
  LargeDims large;

  if (n == 0)
    return FALSE;
  *shape = (GstLstmAxesShape){.d = dims[n - 1], .n_steps = 1, .n_streams = 1};
  if (axes == GST_LSTM_AXES_STEPS_STREAMS)
    return read_two_axes (dims, n - 1, &shape->n_steps, &shape->n_streams);
  if (axes == GST_LSTM_AXES_STREAMS_STEPS)
    return read_two_axes (dims, n - 1, &shape->n_streams, &shape->n_steps);
  large = find_large_dims (dims, n - 1);
  if (large.n > 1)
    return FALSE;
  if (axes == GST_LSTM_AXES_STREAMS)
    shape->n_streams = (guint) large.sizes[0];
  else
    shape->n_steps = (guint) large.sizes[0];
  shape->has_two_readings = axes == GST_LSTM_AXES_AUTO && large.n == 1 && n > 2;
  return TRUE;
}

gchar *
gst_lstm_axes_describe (GstLstmAxes axes, gsize d)
{
  static const gchar *const dims[] = {
      [GST_LSTM_AXES_AUTO] = "T",
      [GST_LSTM_AXES_STEPS] = "T",
      [GST_LSTM_AXES_STREAMS] = "bs",
      [GST_LSTM_AXES_STEPS_STREAMS] = "T, bs",
      [GST_LSTM_AXES_STREAMS_STEPS] = "bs, T",
  };

  if (d == 0)
    return g_strdup_printf ("[n] or [%s, n] with n up to %d", dims[axes], G_MAXINT32);
  return g_strdup_printf (
      "[%" G_GSIZE_FORMAT "] or [%s, %" G_GSIZE_FORMAT "]", d, dims[axes], d);
}

gsize
gst_lstm_axes_make_dims (GstLstmAxes axes, gsize n_steps, gsize n_streams, gsize n_rows,
    gsize size, gsize dims[GST_LSTM_AXES_MAX_DIMS])
{
  gsize n = 0;

  if (axes == GST_LSTM_AXES_STREAMS || axes == GST_LSTM_AXES_STREAMS_STEPS)
    dims[n++] = n_streams;
  if (axes != GST_LSTM_AXES_STREAMS || n_steps > 1)
    dims[n++] = n_steps;
  if (axes == GST_LSTM_AXES_STEPS_STREAMS)
    dims[n++] = n_streams;
  if (n_rows > 1)
    dims[n++] = n_rows;
  dims[n++] = size;
  return n;
}
