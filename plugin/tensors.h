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

/* The float32 tensors of one buffer, each [streams, steps, size] in memory and
 * `size:steps:streams` in caps. All of them share steps and streams: only size differs. */
typedef struct {
  guint n_tensors;
  guint size[GST_LSTM_MAX_TENSORS];
  const gchar *name[GST_LSTM_MAX_TENSORS]; /* interned; NULL where caps carry no names */
  guint steps;
  guint streams;
  gint fps_n, fps_d; /* 0/1: unknown or variable */
} GstLstmTensors;

/* FALSE, and an error that names the field, what was expected and what came, unless @caps are
 * fixed and every tensor is float32 with at most three dimensions. A missing framerate reads
 * as 0/1. */
gboolean gst_lstm_tensors_from_caps (
    GstLstmTensors *tensors, const GstCaps *caps, GError **error);

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

/* FALSE, and an error naming tensor and sizes, unless @buffer holds one memory of the right
 * size per tensor. */
gboolean gst_lstm_tensors_check_buffer (
    const GstLstmTensors *tensors, GstBuffer *buffer, GError **error);
