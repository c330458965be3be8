/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The events and buffers of a stream of a batch. */
#pragma once

#include "lstm/batch-reset.h"

/* Begins the items of @stream in the present batch. @items must be of a writable buffer. */
void gst_lstm_batch_begin_items (GstLstmBatchStream *stream, GstAnalyticsBatchStream *items);

/* Handles the items of @stream until a step is next. Sets *@has_step to FALSE if the batch has no
 * more steps of the stream. Errors are posted. */
GstFlowReturn gst_lstm_batch_find_step (
    GstLstm *self, GstLstmBatchStream *stream, gboolean *has_step);

/* Closes the buffer whose steps run, without an output. */
void gst_lstm_batch_close_buffer (GstLstmBatchStream *stream);

/* Ends the sequence of @stream: in final mode posts its last output, and resets h and c unless the
 * element is stateful. */
void gst_lstm_batch_end_sequence (
    GstLstm *self, GstLstmBatchStream *stream, GstLstmReset reason);
