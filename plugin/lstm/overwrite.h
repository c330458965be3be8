/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Input buffers that become output buffers: the output overwrites the input, so that a buffer needs
 * no allocation and no copy of metadata. */
#pragma once

#include "lstm/element.h"

/* Returns the allocator whose memory may be overwritten, if the source caps, and the answer of
 * downstream to the allocation query @query, permit overwritten input buffers: each buffer has one
 * output at once, one tensor without a header, and downstream has neither a pool nor an allocator.
 * Returns: (transfer none) (nullable) */
const GstAllocator *gst_lstm_find_overwritable (const GstLstm *self, GstQuery *query);

/* Returns whether the values of @buffer may be overwritten if its memory is writable: only this
 * element has @buffer, its memory is system memory and of no pool, and it has no metas, which the
 * base class would have to filter. */
gboolean gst_lstm_can_overwrite_buffer (const GstLstm *self, GstBuffer *buffer);

/* Returns whether the output of the opened steps fits in the memory of the steps. */
gboolean gst_lstm_output_fits (const GstLstm *self);

/* Runs the opened steps of @buffer, and writes their output to the memory of @buffer. Closes the
 * steps. */
GstFlowReturn gst_lstm_overwrite_buffer (
    GstLstm *self, GstBuffer *buffer, const GstLstmSpan *span);
