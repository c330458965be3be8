/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Timestamps and offsets of consecutive steps. */
#pragma once

#include "common/tensors.h"

typedef struct {
  GstClockTime pts, duration; /* in ns, or GST_CLOCK_TIME_NONE: unknown */
  guint64 offset, offset_end; /* steps since the stream's start, or GST_BUFFER_OFFSET_NONE */
} GstLstmSpan;

#define GST_LSTM_SPAN_NONE                                                                     \
  ((GstLstmSpan){GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE, GST_BUFFER_OFFSET_NONE,             \
      GST_BUFFER_OFFSET_NONE})

/* Returns the time from the start of @span, which has @n_steps steps, to step @i. The time follows
 * from the framerate of @tensors, or else from the duration of @span. Returns GST_CLOCK_TIME_NONE
 * if both are unknown. */
GstClockTime gst_lstm_span_get_step_offset (
    const GstLstmSpan *span, const GstLstmTensors *tensors, guint64 n_steps, guint64 i);

/* Returns the span of @n steps from step @first of @span, which has @n_steps steps. */
GstLstmSpan gst_lstm_span_get_part (const GstLstmSpan *span, const GstLstmTensors *tensors,
    guint64 n_steps, guint64 first, guint64 n);

/* Returns the span from the start of @first to the end of @last. */
GstLstmSpan gst_lstm_span_join (const GstLstmSpan *first, const GstLstmSpan *last);
