/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Gaps in the input: GAP events, empty buffers, and media without a tensor. */
#pragma once

#include "lstm/element.h"

/* Counts a gap, and resets the sequence or runs steps of zeros, as reset-on and gap-policy
 * request. If @outbuf is not NULL, the outputs are appended to *@outbuf (nullable); otherwise
 * they are pushed. Between batches no step runs, because the gap belongs to no stream. */
void gst_lstm_handle_gap (GstLstm *self, const GstLstmSpan *span, GstBuffer **outbuf);

/* Pushes a GAP event in place of an output buffer, so that sinks preroll and clocks run. */
void gst_lstm_push_gap (GstLstm *self, const GstLstmSpan *span);
