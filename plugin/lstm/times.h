/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Times of buffers and steps: within the segment, as stream time and as running time. */
#pragma once

#include "lstm/element.h"

/* Returns the times and offsets of input buffer @buffer, which has @n_steps steps. If upstream
 * counts bytes, they follow from the number of previous steps. */
GstLstmSpan gst_lstm_get_buffer_span (GstLstm *self, GstBuffer *buffer, guint n_steps);

/* Sets the times and offsets of output buffer @buffer. */
void gst_lstm_set_buffer_span (GstBuffer *buffer, const GstLstmSpan *span);

/* Returns whether @span is outside the segment. */
gboolean gst_lstm_is_outside_segment (const GstLstm *self, const GstLstmSpan *span);

/* Clips @span, which is of an output, to the segment. */
void gst_lstm_clip_span (const GstLstm *self, GstLstmSpan *span);

/* Returns the stream time of step @i of @span, which has @n_steps steps, with the rounding of a
 * source that computes times from frame numbers. Returns GST_CLOCK_TIME_NONE if the time is
 * unknown. */
GstClockTime gst_lstm_get_step_stream_time (
    const GstLstm *self, const GstLstmSpan *span, guint n_steps, guint i);

/* Returns the running time of @span, the next @n_steps steps. Without a pts, the running time is
 * the end of the previous steps, or, if the duration is unknown too, the time of the clock. */
GstClockTime gst_lstm_advance_running_time (
    GstLstm *self, const GstLstmSpan *span, guint n_steps);
