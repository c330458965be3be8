/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/element.h"
#include "common/errors.h"
#include "lstm/batch-reset.h"
#include "lstm/sequence-state.h"

#define GST_CAT_DEFAULT gst_lstm_debug

GArray *
gst_lstm_ref_parameters (GstLstm *self)
{
  GArray *parameters;

  GST_OBJECT_LOCK (self);
  parameters = g_array_ref (self->settings.parameters);
  GST_OBJECT_UNLOCK (self);
  return parameters;
}

gboolean
gst_lstm_resets_on (GstLstm *self, GstLstmResetOn flag)
{
  gboolean resets;

  GST_OBJECT_LOCK (self);
  resets = (self->settings.reset_on & flag) != 0;
  GST_OBJECT_UNLOCK (self);
  return resets;
}

gboolean
gst_lstm_runs_zero_steps (GstLstm *self)
{
  gboolean runs;

  GST_OBJECT_LOCK (self);
  runs = self->settings.gap_policy == GST_LSTM_GAP_ZERO_STEP;
  GST_OBJECT_UNLOCK (self);
  return runs;
}

void
gst_lstm_reset_sequence (GstLstm *self, GstLstmReset reason)
{
  const GstDebugLevel level = self->n_steps > 0 ? GST_LEVEL_INFO : GST_LEVEL_DEBUG;

  GST_CAT_LEVEL_LOG (GST_CAT_DEFAULT, level, self,
      "reset after %" G_GUINT64_FORMAT " steps: %s", self->n_steps,
      gst_lstm_get_reset_text (reason));
  self->stats.resets += self->n_steps > 0;
  if (reason == GST_LSTM_RESET_NAN) {
    gst_lstm_sequence_reset_non_finite (&self->sequence);
    return;
  }
  gst_lstm_sequence_reset (&self->sequence);
  gst_lstm_batch_reset_all (self, reason);
  if (self->object_memory)
    gst_lstm_object_memory_forget_all (self->object_memory);
  self->n_steps = 0;
}

void
gst_lstm_reset_unless_restored (GstLstm *self, GstLstmReset reason)
{
  if (self->sequence.restored) {
    GST_DEBUG_OBJECT (
        self, "no reset, h and c are the restored state: %s", gst_lstm_get_reset_text (reason));
    return;
  }
  gst_lstm_reset_sequence (self, reason);
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
