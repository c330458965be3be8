/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/element.h"
#include "common/errors.h"

GST_DEBUG_CATEGORY (gst_lstm_debug);

gboolean
gst_lstm_resets_on (GstLstm *self, GstLstmResetOn flag)
{
  gboolean resets;

  GST_OBJECT_LOCK (self);
  resets = (self->settings.reset_on & flag) != 0;
  GST_OBJECT_UNLOCK (self);
  return resets;
}

void
gst_lstm_reset_sequence (GstLstm *self)
{
  gst_lstm_sequence_reset (&self->sequence);
  self->stats.resets += self->n_steps > 0;
  self->n_steps = 0;
}

void
gst_lstm_reset_unless_restored (GstLstm *self)
{
  if (self->sequence.restored)
    return;
  gst_lstm_reset_sequence (self);
  self->next_time = GST_CLOCK_TIME_NONE;
}

GstFlowReturn
gst_lstm_fail_sequence (GstLstm *self, const GError *error)
{
  gst_lstm_lock (self);
  gst_lstm_sequence_discard_pending (&self->sequence);
  gst_lstm_unlock (self);
  gst_lstm_post_error (self, error, NULL);
  self->failed = TRUE;
  return GST_FLOW_ERROR;
}
