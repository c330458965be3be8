/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/lifecycle.h"
#include "lstm/models.h"
#include "lstm/report.h"
#include "lstm/run.h"
#include "lstm/state.h"

/* Returns the model that the properties request. @load_time: see gst_lstm_models_open()
 * Returns: (transfer full) */
static LstmModel *
open_model (const GstLstmSettings *settings, gint64 *load_time, GError **error)
{
  if (settings->model)
    return lstm_model_ref (settings->model);
  if (settings->model_location)
    return gst_lstm_models_open (settings->model_location, (LstmPrecision) settings->precision,
        settings->module_chain, load_time, error);
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_FILE,
      "property model-location: expected a path, found none");
  return NULL;
}

static gboolean
start_sequence (GstLstm *self, LstmModel *model, gint64 load_time, GError **error)
{
  gboolean ok;

  gst_lstm_lock (self);
  ok = gst_lstm_sequence_start (&self->sequence, model, &self->settings, error);
  self->sequence.complete.should_continue = gst_lstm_yield_lock;
  self->sequence.complete.should_continue_data = self;
  if (!ok)
    gst_lstm_sequence_stop (&self->sequence);
  self->stats = (GstLstmStats){0};
  self->n_steps = 0;
  self->next_time = GST_CLOCK_TIME_NONE;
  self->counts_bytes = FALSE;
  gst_lstm_set_preroll_state (self, NULL, FALSE);
  gst_lstm_unlock (self);
  if (ok)
    gst_lstm_report_model (self, load_time);
  return ok && gst_lstm_restore_file (self, error);
}

void
gst_lstm_stop (GstLstm *self)
{
  gboolean has_model;

  gst_lstm_save_at_stop (self);
  gst_lstm_state_file_close (&self->state_file);
  gst_lstm_lock (self);
  has_model = self->sequence.config.model != NULL;
  if (has_model) {
    gst_lstm_report_end (self);
    gst_lstm_sequence_stop (&self->sequence);
  }
  gst_lstm_unlock (self);
  gst_lstm_steps_clear (&self->steps);
  gst_caps_replace (&self->refused_caps, NULL);
  GST_OBJECT_LOCK (self);
  self->started = FALSE;
  GST_OBJECT_UNLOCK (self);
  if (has_model)
    g_object_notify (G_OBJECT (self), "model-info");
}

/* Initializes the fields of the streaming thread. */
static void
init_streaming_fields (GstLstm *self)
{
  gst_segment_init (&self->upstream_segment, GST_FORMAT_UNDEFINED);
  self->has_pool = FALSE;
  self->next_step = 0;
  self->save_time = GST_CLOCK_TIME_NONE;
  self->running_time_end = 0;
  self->warned_not_saved = self->warned_non_finite = FALSE;
  self->pending_flow = GST_FLOW_OK;
  self->failed = self->input_discont = self->output_discont = FALSE;
  self->n_bad_buffers = 0;
  self->slice_steps = 1;
}

gboolean
gst_lstm_start (GstLstm *self)
{
  g_autoptr (GError) error = NULL;
  gint64 load_time = -1;
  LstmModel *model;

  /* From here on, set_property() refuses to change the settings that are read below. */
  GST_OBJECT_LOCK (self);
  self->started = TRUE;
  GST_OBJECT_UNLOCK (self);
  model = open_model (&self->settings, &load_time, &error);
  if (!model) {
    GST_ELEMENT_ERROR (self, RESOURCE, OPEN_READ, ("%s", error->message), (NULL));
    gst_lstm_stop (self);
    return FALSE;
  }
  if (!start_sequence (self, model, load_time, &error)) {
    GST_ELEMENT_ERROR (self, LIBRARY, SETTINGS, ("%s", error->message), (NULL));
    gst_lstm_stop (self);
    return FALSE;
  }
  init_streaming_fields (self);
  g_object_notify (G_OBJECT (self), "model-info");
  return TRUE;
}
