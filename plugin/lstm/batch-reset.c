/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/batch-reset.h"

#define GST_CAT_DEFAULT gst_lstm_debug

void
gst_lstm_batch_reset_stream (GstLstm *self, GstLstmBatchStream *stream, GstLstmReset reason)
{
  const GstDebugLevel level = stream->n_steps > 0 ? GST_LEVEL_INFO : GST_LEVEL_DEBUG;

  GST_CAT_LEVEL_LOG (GST_CAT_DEFAULT, level, self,
      "stream %u: reset after %" G_GUINT64_FORMAT " steps: %s", stream->index, stream->n_steps,
      gst_lstm_get_reset_text (reason));
  self->stats.resets += stream->n_steps > 0;
  gst_lstm_batch_memory_reset_stream (self->batch_memory, stream);
}

void
gst_lstm_batch_reset_all (GstLstm *self, GstLstmReset reason)
{
  for (guint i = 0; self->batch_memory && i < self->batch_memory->streams->len; i++)
    gst_lstm_batch_reset_stream (
        self, g_ptr_array_index (self->batch_memory->streams, i), reason);
}
