/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The resets of the streams of batches. Needs GStreamer 1.28. */
#pragma once

#include "lstm/element.h"

#if HAVE_OBJECTS
#  include "lstm/batch-memory.h"

/* Resets h and c of @stream, and counts the reset. Needs `lock`. */
void gst_lstm_batch_reset_stream (
    GstLstm *self, GstLstmBatchStream *stream, GstLstmReset reason);

/* Resets h and c of all streams. Needs `lock`. */
void gst_lstm_batch_reset_all (GstLstm *self, GstLstmReset reason);
#else
static inline void
gst_lstm_batch_reset_all (GstLstm *self, GstLstmReset reason)
{
}
#endif
