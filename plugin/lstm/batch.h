/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Batches of streams: buffers with a GstAnalyticsBatchMeta. Each stream has its own h and c. Needs
 * GStreamer 1.28. */
#pragma once

#include "lstm/element.h"

#if HAVE_OBJECTS
/* Returns whether @buffer, which has the sink caps, is a batch of media. */
gboolean gst_lstm_is_batch (const GstLstm *self, GstBuffer *buffer);

/* Runs the steps of all streams of *@media, and attaches each output to its own buffer. *@media:
 * (inout) (transfer full). Errors are posted. */
GstFlowReturn gst_lstm_batch_run (GstLstm *self, GstBuffer **media);

/* Ends the sequences of all streams. */
void gst_lstm_batch_end_all (GstLstm *self, GstLstmReset reason);

/* Forgets all streams. */
void gst_lstm_batch_stop (GstLstm *self);
#else
static inline gboolean
gst_lstm_is_batch (const GstLstm *self, GstBuffer *buffer)
{
  return FALSE;
}

static inline GstFlowReturn
gst_lstm_batch_run (GstLstm *self, GstBuffer **media)
{
  return GST_FLOW_OK;
}

static inline void
gst_lstm_batch_end_all (GstLstm *self, GstLstmReset reason)
{
}

static inline void
gst_lstm_batch_stop (GstLstm *self)
{
}
#endif
