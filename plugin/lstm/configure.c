/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/configure.h"
#include "common/errors.h"
#include "common/flexible.h"
#include "lstm/caps.h"
#include "lstm/output.h"
#include <string.h>

#define GST_CAT_DEFAULT gst_lstm_debug

gboolean
gst_lstm_set_input_shape (GstLstm *self, const GstLstmTensors *in, GError **error)
{
  GstLstmTensors before;
  gboolean continues, ok;

  gst_lstm_lock (self);
  before = self->sequence.in;
  continues = gst_lstm_sequence_continues (&self->sequence, in);
  gst_lstm_unlock (self);
  if (!continues)
    gst_lstm_drain_sequence (self); /* pushes output in the previous shape */
  gst_lstm_lock (self);
  if (!continues && !self->sequence.restored) {
    gst_lstm_reset_sequence (self, GST_LSTM_RESET_STREAMS);
    g_clear_pointer (&self->preroll_state, g_bytes_unref); /* of other streams */
  }
  ok = gst_lstm_sequence_configure (&self->sequence, in, error);
  if (!ok && !gst_lstm_sequence_configure (&self->sequence, &before, NULL))
    self->sequence.in.n_tensors = 0; /* not configured */
  gst_lstm_unlock (self);
  return ok;
}

/* Initializes @input for sink caps @incaps and source caps @outcaps. Returns FALSE and sets @error
 * if the element cannot run such input. */
static gboolean
parse_caps (const GstLstm *self, GstLstmInput *input, const GstCaps *incaps,
    const GstCaps *outcaps, GError **error)
{
  const GstLstmCapsContext context = gst_lstm_make_caps_context (
      self, self->sequence.config.model);
  const GstStructure *s = gst_caps_get_structure (incaps, 0);

  if (!gst_lstm_parse_sink_caps (self, input, s, error))
    return FALSE;
  if (!gst_lstm_attaches_outputs (input->kind, outcaps))
    return TRUE;
  memcpy (input->attached_ids, context.tensor_ids, sizeof input->attached_ids);
  return input->kind->check_ids (s, context.tensor_ids, error);
}

static void
warn_about_audio (GstLstm *self)
{
  g_autoptr (GError) error = NULL, channel_error = NULL;

  if (!gst_lstm_input_check_rate (&self->input, self->sequence.config.model, &error))
    gst_lstm_post_warning (self, error);
  if (!gst_lstm_input_check_parameters (
          &self->input, self->sequence.config.model, &channel_error))
    gst_lstm_post_warning (self, channel_error);
}

/* Sets the fields that depend on the source caps. */
static void
set_output_kind (GstLstm *self, const GstStructure *out)
{
  const gboolean is_media = !gst_lstm_tensors_matches (out);

  self->in_place = is_media && gst_lstm_has_media_input (self);
  gst_base_transform_set_in_place (GST_BASE_TRANSFORM (self), self->in_place);
  self->adds_headers = gst_lstm_flexible_matches (out);
  self->src_caps_have_steps = !is_media && !self->adds_headers;
  self->interleaves_output = is_media && gst_lstm_input_has_channel_streams (&self->input);
  self->has_pool = FALSE; /* until the allocation query */
  self->overwritable = NULL;
}

gboolean
gst_lstm_set_caps (GstLstm *self, GstCaps *incaps, GstCaps *outcaps)
{
  g_autoptr (GError) error = NULL;
  GstLstmInput input;
  gboolean ok = parse_caps (self, &input, incaps, outcaps, &error);

  if (ok)
    ok = gst_lstm_set_input_shape (self, &input.tensors, &error);
  if (!ok) {
    gst_lstm_refusal_set (&self->refusal, incaps, g_steal_pointer (&error));
    return FALSE;
  }
  gst_lstm_lock (self);
  if (!gst_lstm_keeps_shape (self, &input) || !gst_lstm_attaches_outputs (input.kind, outcaps))
    self->attached_shape = (GstLstmTensorShape){0};
  self->input = input;
  gst_lstm_unlock (self);
  warn_about_audio (self);
  set_output_kind (self, gst_caps_get_structure (outcaps, 0));
  GST_INFO_OBJECT (self, "input caps: %" GST_PTR_FORMAT, incaps);
  GST_INFO_OBJECT (self, "output caps: %" GST_PTR_FORMAT, outcaps);
  return TRUE;
}
