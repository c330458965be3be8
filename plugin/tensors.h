/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * other/tensors caps as NNStreamer established them: format=static, num_tensors, types,
 * dimensions (innermost first) and framerate. */
#pragma once
#include <gst/gst.h>

#define GST_LSTM_MAX_TENSORS 16

/* What a pad template says of one float32 tensor, and of any number of them. */
#define GST_LSTM_TENSOR_CAPS                                                                   \
  "other/tensors, format = (string) static, num_tensors = (int) 1, "                           \
  "types = (string) float32, framerate = " GST_LSTM_FRAMERATE_RANGE
#define GST_LSTM_TENSORS_CAPS                                                                  \
  "other/tensors, format = (string) static, num_tensors = (int) [ 1, 16 ], "                   \
  "framerate = " GST_LSTM_FRAMERATE_RANGE
#define GST_LSTM_FRAMERATE_RANGE "(fraction) [ 0, max ]"

#define GST_LSTM_GATES "gates" /* the name of tensors of four rows */
#define GST_LSTM_GATES_ROWS 4

/* The float32 tensors of one buffer, each [streams, steps, size] in memory and
 * `size:steps:streams` in caps, or [streams, steps, rows, size] and `size:rows:steps:streams`
 * for gates. All of them share steps and streams. */
typedef struct {
  guint n_tensors;
  guint size[GST_LSTM_MAX_TENSORS];
  guint rows[GST_LSTM_MAX_TENSORS];        /* of a step: 4 in a tensor named gates, else 1 */
  const gchar *name[GST_LSTM_MAX_TENSORS]; /* interned; NULL where caps carry no names */
  guint steps;
  guint streams;
  gint fps_n, fps_d; /* 0/1: unknown or variable */
} GstLstmTensors;

/* FALSE, and an error that names the field, what was expected and what came, unless @caps are
 * fixed and every tensor is float32 with at most three dimensions, four for gates. A missing
 * framerate reads as 0/1. */
gboolean gst_lstm_tensors_from_caps (
    GstLstmTensors *tensors, const GstCaps *caps, GError **error);

/* The same of @s, whose framerate may still be open: then it reads as 0/1. */
gboolean gst_lstm_tensors_from_structure (
    GstLstmTensors *tensors, const GstStructure *s, GError **error);

/* Returns: (transfer full): one structure per spelling of the dimensions, `N:1` first, since
 * caps intersection compares text and neighbours differ in the spelling that they take. */
GstCaps *gst_lstm_tensors_to_caps (const GstLstmTensors *tensors);

/* What of @caps (transfer full) @filter (nullable) lets through, in the filter's order.
 * Returns: (transfer full) */
GstCaps *gst_lstm_caps_filter (GstCaps *caps, GstCaps *filter);

/* Bytes of tensor @i in a buffer, checked against overflow by from_caps. */
gsize gst_lstm_tensors_bytes (const GstLstmTensors *tensors, guint i);

/* Duration of a step in ns, or GST_CLOCK_TIME_NONE when the framerate is unknown. */
GstClockTime gst_lstm_tensors_step_duration (const GstLstmTensors *tensors);

/* Time from the first step to step @i in ns without accumulating rounding; 0 when the
 * framerate is unknown. */
GstClockTime gst_lstm_tensors_step_offset (const GstLstmTensors *tensors, guint64 i);

/* When steps are, and which ones, counted from the stream's first; each may be unknown:
 * GST_CLOCK_TIME_NONE, GST_BUFFER_OFFSET_NONE */
typedef struct {
  GstClockTime pts, duration;
  guint64 offset, offset_end;
} GstLstmSpan;

#define GST_LSTM_SPAN_NONE                                                                     \
  ((GstLstmSpan){GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE, GST_BUFFER_OFFSET_NONE,             \
      GST_BUFFER_OFFSET_NONE})

/* The @n steps from @first on of @span, which is of @steps ones: by the framerate, else by an
 * equal share of the duration. */
GstLstmSpan gst_lstm_tensors_part (const GstLstmTensors *tensors, const GstLstmSpan *span,
    guint64 steps, guint64 first, guint64 n);

/* FALSE, and an error naming tensor and sizes, unless @buffer holds one memory of the right
 * size per tensor. */
gboolean gst_lstm_tensors_check_buffer (
    const GstLstmTensors *tensors, GstBuffer *buffer, GError **error);
