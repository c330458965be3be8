/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/bad-input.h"
#include "common/errors.h"

#define GST_CAT_DEFAULT gst_lstm_debug

GstFlowReturn
gst_lstm_count_bad_buffer (GstLstm *self, const GError *error)
{
  gint max_errors;

  GST_OBJECT_LOCK (self);
  max_errors = self->settings.max_errors;
  GST_OBJECT_UNLOCK (self);
  self->n_bad_buffers += self->n_bad_buffers < G_MAXINT;
  if (max_errors >= 0 && self->n_bad_buffers > max_errors)
    return gst_lstm_fail_sequence (self, error);
  gst_lstm_lock (self);
  self->stats.errors++;
  gst_lstm_unlock (self);
  GST_DEBUG_OBJECT (self, "dropped a bad buffer, %d of at most %d: %s", self->n_bad_buffers,
      max_errors, error->message);
  gst_lstm_post_warning (self, error);
  return GST_FLOW_OK;
}

void
gst_lstm_count_good_buffer (GstLstm *self)
{
  self->n_bad_buffers -= self->n_bad_buffers > 0;
}

void
gst_lstm_warn_without_tensor (GstLstm *self, const GstLstmSteps *steps, const gchar *source)
{
  const gchar *id = g_quark_to_string (self->input.tensor_id);

  GST_ELEMENT_WARNING (self, STREAM, FORMAT,
      ("%sbuffer: expected a tensor%s%s, found %s", source, id ? " " : "", id ? id : "",
          steps->only_objects_have_tensor ? "such tensors only at objects, which counts as a "
                                            "gap; property per-object reads "
                                            "the tensors of objects"
                                          : "none, which counts as a gap"),
      (NULL));
}

void
gst_lstm_warn_about_axes (GstLstm *self, const GstLstmSteps *steps)
{
  if (!steps->ambiguous_tensor || self->warned_axes)
    return;
  self->warned_axes = TRUE;
  GST_ELEMENT_WARNING (self, STREAM, FORMAT,
      ("buffer: tensor: expected [T, d], or property axes to name steps or streams, found %s, "
       "which is read as steps of one stream",
          steps->ambiguous_tensor),
      (NULL));
}
