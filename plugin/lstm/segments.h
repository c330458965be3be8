/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Segments of streams. */
#pragma once

#include "lstm/span.h"

/* Returns whether @span is outside of @segment. A segment that is not in time contains every
 * span. */
gboolean gst_lstm_segment_excludes (const GstSegment *segment, const GstLstmSpan *span);

/* Clips @span, which is of an output, to @segment. If @is_final, moves @span into @segment. */
void gst_lstm_segment_clip_span (
    const GstSegment *segment, gboolean is_final, GstLstmSpan *span);

/* Returns whether @a and @b map timestamps to the same running and stream time: @b is an update
 * of @a, which may change the stop. */
gboolean gst_lstm_segment_is_update (const GstSegment *a, const GstSegment *b);
