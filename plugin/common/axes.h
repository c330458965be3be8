/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The axes of a tensor of media: the dimensions that are steps and streams. */
#pragma once

#include <glib.h>

/* A tensor has vectors of d values, which are its last dimension. */
typedef enum {
  GST_LSTM_AXES_AUTO,          /* [T, d]; [T, 1, d] and [1, T, d] could be streams, too */
  GST_LSTM_AXES_STEPS,         /* [T, d] */
  GST_LSTM_AXES_STREAMS,       /* [bs, d] */
  GST_LSTM_AXES_STEPS_STREAMS, /* [T, bs, d] */
  GST_LSTM_AXES_STREAMS_STEPS, /* [bs, T, d] */
} GstLstmAxes;

typedef struct {
  gsize d; /* size of a vector */
  guint n_steps, n_streams;
  gboolean has_two_readings; /* the axes are AUTO, and the steps could be streams */
} GstLstmAxesShape;

#define GST_LSTM_AXES_MAX_DIMS 4

/* Reads the dimensions of vectors of @d values (0: of any size) into @shape. AUTO, STEPS and
 * STREAMS accept [d], one dimension above 1, and further dimensions of 1 anywhere. The other axes
 * accept both dimensions, and further dimensions of 1 if these leave no doubt. Returns FALSE for
 * any other dimensions, and for sizes above G_MAXINT32. */
gboolean gst_lstm_axes_read_dims (
    GstLstmAxes axes, const gsize *dims, gsize n_dims, gsize d, GstLstmAxesShape *shape);

/* Returns the expected dimensions of vectors of @d values (0: of any size) as a text, such as
 * "[3] or [T, 3]". Returns: (transfer full) */
gchar *gst_lstm_axes_describe (GstLstmAxes axes, gsize d);

/* Sets @dims to the dimensions of an output of @n_steps steps of @n_streams streams, of which each
 * has @n_rows rows of @size values. The axes are those of the input: [T, size], [bs, size],
 * [T, bs, size] or [bs, T, size], and for more than one row [T, n_rows, size] and so on. Returns
 * the number of dimensions. */
gsize gst_lstm_axes_make_dims (GstLstmAxes axes, gsize n_steps, gsize n_streams, gsize n_rows,
    gsize size, gsize dims[GST_LSTM_AXES_MAX_DIMS]);
