/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * other/tensors caps as NNStreamer established them: format=static, num_tensors, types,
 * dimensions (innermost first) and framerate. */
#pragma once
#include "common/types.h"
#include <gst/gst.h>

#define GST_LSTM_MAX_TENSORS 16

/* What templates of sink pads say of one float32 tensor, of any number of tensors, and of those that
 * each buffer describes itself; and those of source pads, which always have a framerate. */
#define GST_LSTM_TENSOR_SINK_CAPS                                                              \
  "other/tensors, format = (string) static, num_tensors = (int) 1, types = (string) float32"
#define GST_LSTM_TENSORS_SINK_CAPS                                                             \
  "other/tensors, format = (string) static, num_tensors = (int) [ 1, 16 ]"
#define GST_LSTM_FLEXIBLE_SINK_CAPS "other/tensors, format = (string) flexible"
#define GST_LSTM_TENSOR_CAPS GST_LSTM_TENSOR_SINK_CAPS GST_LSTM_ANY_FRAMERATE
#define GST_LSTM_TENSORS_CAPS GST_LSTM_TENSORS_SINK_CAPS GST_LSTM_ANY_FRAMERATE
#define GST_LSTM_ANY_FRAMERATE ", framerate = (fraction) [ 0, max ]"

/* The default id of the output in the GstTensorMeta of media */
#define GST_LSTM_TENSOR_ID "lstm-output"

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

/* One tensor of one step of one stream, of @size values, at the framerate of @s, or 0/1. */
void gst_lstm_tensors_init (GstLstmTensors *tensors, guint size, const GstStructure *s);

/* Where a tensor lies in a buffer */
typedef struct {
  const GstLstmType *type; /* of NNStreamer */
  guint index;             /* of its memory, */
  guint n_tensors;         /* of so many; 1: it may lie in several memories */
} GstLstmPlace;

/* Of static caps @s, whose framerate may be open and reads as 0/1 then, tensor @which (-1: there is
 * only one) of vectors of @d values as if it were float32, and where it lies. Convolutional networks
 * leave ones before d, `1:1:d`, which mean nothing unless d is 1. */
gboolean gst_lstm_tensors_pick (GstLstmTensors *tensor, GstLstmPlace *place,
    const GstStructure *s, gint which, gsize d, GError **error);

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

/* FALSE, and an error naming tensor and sizes, unless @buffer holds one memory per tensor and that
 * at @place has the size of tensor @i. */
gboolean gst_lstm_tensors_check_place (const GstLstmTensors *tensors, guint i,
    const GstLstmPlace *place, GstBuffer *buffer, GError **error);

/* The same of all tensors, in their order and float32. */
gboolean gst_lstm_tensors_check_buffer (
    const GstLstmTensors *tensors, GstBuffer *buffer, GError **error);
