/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The meaning of NNStreamer's dimensions, innermost first. */
#pragma once
#include <glib.h>

#define GST_LSTM_MAX_RANK 16 /* the number of dimensions that NNStreamer allows */

/* The dimensions of one tensor, {40, 1, 60, 5} for "40:60:5" and {40, 4, 60, 5} for the gates
 * "40:4:60:5" */
typedef struct {
  guint size;   /* of a vector */
  guint n_rows; /* per step: 1, or those of gates */
  guint steps;  /* of each stream */
  guint streams;
  guint n_added; /* dimensions that determined a field */
} GstLstmDimensions;

#define GST_LSTM_DIMENSIONS_INIT ((GstLstmDimensions){1, 1, 1, 1, 0})

/* Adds the next dimension, @n, to @dims. Ignores leading dimensions of 1 if @d, the size of the
 * vectors (0: unknown), is more than 1, except for gates, whose m may be 1. A dimension after d:1:1
 * is the number of steps: TensorFlow Lite has d:1:1:T for T images. Returns FALSE if any other
 * dimension follows d:T:bs and is not 1. */
gboolean gst_lstm_dimensions_add (GstLstmDimensions *dims, guint n, gboolean is_gates, gsize d);
