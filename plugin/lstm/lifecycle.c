/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/lifecycle.h"
#include "common/errors.h"
#include "common/properties.h"
#include "common/tensor-id.h"
#include "lstm/batch.h"
#include "lstm/models.h"
#include "lstm/objects.h"
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
check_tensor_ids (const GstLstmSettings *settings, GError **error)
{
  return gst_lstm_tensor_id_check ("input-tensor-id", settings->input_tensor_id, error)
         && gst_lstm_tensor_id_check ("output-tensor-id", settings->output_tensor_id, error);
}

static gboolean
start_sequence (GstLstm *self, LstmModel *model, gint64 load_time, GError **error)
{
  gboolean ok;

  gst_lstm_lock (self);
  ok = gst_lstm_sequence_start (&self->sequence, model, &self->settings, error)
       && check_tensor_ids (&self->settings, error);
  self->sequence.complete.should_continue = gst_lstm_yield_lock;
  self->sequence.complete.should_continue_data = self;
  if (!ok)
    gst_lstm_sequence_stop (&self->sequence);
  self->stats = (GstLstmStats){0};
  self->n_steps = 0;
  self->next_time = GST_CLOCK_TIME_NONE;
  self->counts_bytes = FALSE;
  self->attached_shape = (GstLstmTensorShape){0};
  gst_lstm_set_preroll_state (self, NULL, FALSE);
  gst_lstm_unlock (self);
  if (ok)
    gst_lstm_objects_start (self);
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
  gst_lstm_batch_stop (self);
  gst_lstm_objects_stop (self);
  gst_lstm_steps_clear (&self->steps);
  gst_lstm_refusal_clear (&self->refusal);
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
  self->overwritable = NULL;
  self->next_step = 0;
  self->save_time = GST_CLOCK_TIME_NONE;
  self->running_time_end = 0;
  self->warned_not_saved = self->warned_non_finite = self->warned_axes = FALSE;
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

/* --- Changes of the model --- */

#define FADES_PER_SECOND                                                                       \
  25 /* a change takes 40 ms: 20 ms without output, and 20 ms of fading */

/* Copies the settings that determine the model, with @value as the property @spec. Returns FALSE if
 * no model runs. */
static gboolean
copy_model_settings (
    GstLstm *self, const GParamSpec *spec, const GValue *value, GstLstmSettings *settings)
{
  gboolean is_running;

  gst_lstm_lock (self);
  is_running = self->sequence.config.model != NULL;
  *settings = (GstLstmSettings){
      .precision = self->settings.precision,
      .module_chain = g_strdup (self->settings.module_chain),
  };
  if (G_IS_PARAM_SPEC_BOXED (spec)) {
    settings->model = g_value_dup_boxed (value);
    settings->model_location = g_strdup (self->settings.model_location);
  } else {
    settings->model = self->settings.model ? lstm_model_ref (self->settings.model) : NULL;
    settings->model_location = g_value_dup_string (value);
  }
  gst_lstm_unlock (self);
  return is_running;
}

static void
clear_model_settings (GstLstmSettings *settings)
{
  g_free (settings->model_location);
  g_free (settings->module_chain);
  g_clear_pointer (&settings->model, lstm_model_unref);
}

/* Returns the number of steps of a change: 0 for tensors, whose model changes at once. */
static guint64
get_change_length (const GstLstm *self)
{
  return self->input.n_channels ? (guint64) self->input.tensors.fps_n / FADES_PER_SECOND : 0;
}

/* Returns FALSE and sets @error, which begins with @property, if the streams of batches have h and
 * c of the previous model. Needs `lock`. */
static gboolean
check_no_batch (const GstLstm *self, const gchar *property, GError **error)
{
  return !self->batch_memory
         || gst_lstm_fail (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
             "property %s: expected state NULL or READY, because the buffers are batches, found "
             "the element running",
             property);
}

/* Makes the sequence change to @model (transfer full), and stores @value. If the element has
 * stopped meanwhile, only stores @value. Sets @error if the model does not fit. */
static void
install_model (
    GstLstm *self, GParamSpec *spec, const GValue *value, LstmModel *model, GError **error)
{
  const GstLstmSequence *sequence = &self->sequence;
  gboolean ok = TRUE;

  gst_lstm_lock (self);
  if (!sequence->config.model || (model == sequence->config.model && !sequence->change.model))
    gst_lstm_models_close (model);
  else if (!check_no_batch (self, spec->name, error)) {
    ok = FALSE;
    gst_lstm_models_close (model);
  } else if ((ok = gst_lstm_sequence_change_model (
                &self->sequence, model, get_change_length (self), spec->name, error)))
    gst_lstm_set_preroll_state (self, NULL, TRUE); /* the new model cannot restore it */
  if (ok) {
    GST_OBJECT_LOCK (self);
    gst_lstm_property_set (self, spec, value);
    GST_OBJECT_UNLOCK (self);
  }
  gst_lstm_unlock (self);
}

gboolean
gst_lstm_change_model (GstLstm *self, GParamSpec *spec, const GValue *value)
{
  g_autoptr (GError) error = NULL, rate_error = NULL;
  GstLstmSettings settings;
  gint64 load_time = -1;
  LstmModel *model;

  if (!copy_model_settings (self, spec, value, &settings)) {
    clear_model_settings (&settings);
    return FALSE;
  }
  model = open_model (&settings, &load_time, &error);
  clear_model_settings (&settings);
  if (model) {
    gst_lstm_lock (self);
    gst_lstm_input_check_rate (&self->input, model, &rate_error);
    gst_lstm_unlock (self);
    install_model (self, spec, value, model, &error);
  }
  if (error) {
    g_prefix_error (&error, "the previous model stays: ");
    gst_lstm_post_warning (self, error);
  } else if (rate_error) {
    gst_lstm_post_warning (self, rate_error);
  }
  return TRUE;
}
