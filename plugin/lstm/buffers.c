/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/buffers.h"
#include "lstm/bad-input.h"
#include "lstm/batch.h"
#include "lstm/caps.h"
#include "lstm/configure.h"
#include "lstm/gaps.h"
#include "lstm/objects.h"
#include "lstm/output.h"
#include "lstm/overwrite.h"
#include "lstm/run.h"
#include "lstm/state.h"
#include "lstm/times.h"

#define GST_CAT_DEFAULT gst_lstm_debug

/* Resets h and c if property reset-on requests this for @inbuf. */
static void
handle_discont (GstLstm *self, GstBuffer *inbuf)
{
  if (!self->input_discont && !GST_BUFFER_FLAG_IS_SET (inbuf, GST_BUFFER_FLAG_DISCONT))
    return;
  if (!gst_lstm_resets_on (self, GST_LSTM_RESET_ON_DISCONT))
    return;
  gst_lstm_lock (self);
  gst_lstm_reset_unless_restored (self, GST_LSTM_RESET_DISCONT);
  gst_lstm_unlock (self);
}

/* Runs the opened steps, and writes their output to the memories of @outbuf. */
static GstFlowReturn
write_outputs (GstLstm *self, const GstLstmSpan *span, GstBuffer *outbuf)
{
  GstLstmSequence *sequence = &self->sequence;
  GstMapInfo maps[GST_LSTM_N_TENSORS];
  gfloat *outputs[GST_LSTM_N_TENSORS];
  g_autoptr (GError) error = NULL;
  GstFlowReturn ret;

  if (!gst_lstm_sequence_map_tensors (sequence, outbuf, maps, outputs, &error))
    return gst_lstm_fail_sequence (self, error);
  ret = gst_lstm_run_steps (self, self->steps.x, sequence->in.steps, span, outputs);
  gst_lstm_sequence_unmap_tensors (sequence, maps);
  return ret;
}

/* Runs the opened steps of *@inbuf. Sets *@outbuf to their output if it is written at once. *@outbuf
 * becomes *@inbuf, which becomes NULL, if the output overwrites the steps. */
static GstFlowReturn
run_buffer (GstLstm *self, GstBuffer **inbuf, const GstLstmSpan *span, GstBuffer **outbuf)
{
  g_autoptr (GstBuffer) buffer = NULL;
  GstFlowReturn ret;

  handle_discont (self, *inbuf);
  if (!gst_lstm_sequence_config_is_direct (&self->sequence.config)) {
    ret = gst_lstm_run_steps (self, self->steps.x, self->sequence.in.steps, span, NULL);
  } else if (gst_lstm_output_fits (self)) {
    ret = gst_lstm_overwrite_buffer (self, *inbuf, span);
    buffer = g_steal_pointer (inbuf);
  } else {
    ret = gst_lstm_allocate_output (self, &buffer);
    if (ret == GST_FLOW_OK)
      ret = write_outputs (self, span, buffer);
  }
  if (ret == GST_FLOW_OK && buffer && self->interleaves_output)
    ret = gst_lstm_interleave_output (self, buffer);
  if (ret != GST_FLOW_OK)
    return ret;
  if (buffer && !gst_lstm_is_in_place (self)) {
    if (*inbuf)
      GST_BASE_TRANSFORM_GET_CLASS (self)->copy_metadata (&self->parent, *inbuf, buffer);
    gst_lstm_set_buffer_span (buffer, span);
    gst_lstm_mark_output (self, buffer);
  }
  self->input_discont = FALSE;
  gst_lstm_count_good_buffer (self);
  *outbuf = g_steal_pointer (&buffer);
  return GST_FLOW_OK;
}

/* Runs the opened steps of *@inbuf, and sets *@outbuf to the next output, if there is one. Otherwise
 * pushes a GAP event. *@inbuf becomes NULL if it becomes *@outbuf. */
static GstFlowReturn
run_and_pop_output (GstLstm *self, GstBuffer **inbuf, GstBuffer **outbuf)
{
  const GstLstmSpan span = gst_lstm_get_buffer_span (self, *inbuf, self->sequence.in.steps);
  GstFlowReturn ret;
  guint64 n_steps;

  if (gst_lstm_is_outside_segment (self, &span)) {
    GST_LOG_OBJECT (self, "dropped, outside the segment: %" GST_PTR_FORMAT, *inbuf);
    return GST_FLOW_OK;
  }
  ret = run_buffer (self, inbuf, &span, outbuf);
  if (ret == GST_FLOW_OK)
    gst_lstm_save_at_interval (self, &span, self->sequence.in.steps);
  if (ret == GST_FLOW_OK && !*outbuf && gst_lstm_is_in_place (self))
    return gst_lstm_collect_outputs (self, outbuf);
  if (ret == GST_FLOW_OK && !*outbuf) {
    if ((ret = gst_lstm_pop_output (self, outbuf, &n_steps)) == GST_FLOW_OK && !*outbuf)
      gst_lstm_push_gap (self, &span);
    if (GST_CLOCK_TIME_IS_VALID (span.pts))
      self->parent.segment.position =
          span.pts + (GST_CLOCK_TIME_IS_VALID (span.duration) ? span.duration : 0);
  }
  GST_LOG_OBJECT (self, "%s, %u steps of %" GST_PTR_FORMAT ", output %" GST_PTR_FORMAT,
      gst_flow_get_name (ret), self->sequence.in.steps, *inbuf ? *inbuf : *outbuf, *outbuf);
  return ret;
}

/* Sets the shape of the input to the shape of @steps, and adapts the shape of the output. */
static GstFlowReturn
adapt_shape (GstLstm *self, const GstLstmSteps *steps)
{
  const GstLstmSequence *sequence = &self->sequence;
  const guint out_steps = sequence->out.steps, out_streams = sequence->out.streams;
  g_autoptr (GError) error = NULL;
  const GstLstmTensors in = gst_lstm_input_get_shape (
      &self->input, steps->n_steps, steps->n_streams);

  if (!gst_lstm_set_input_shape (self, &in, &error))
    return gst_lstm_fail_sequence (self, error);
  return (sequence->out.steps == out_steps && sequence->out.streams == out_streams)
                 || gst_lstm_set_output_steps (self, sequence->out.steps)
             ? GST_FLOW_OK
             : GST_FLOW_NOT_NEGOTIATED;
}

/* Handles an empty buffer, or media without the tensor, as a gap. */
static GstFlowReturn
handle_empty_buffer (GstLstm *self, GstBuffer *inbuf, GstBuffer **outbuf)
{
  const gboolean in_place = gst_lstm_is_in_place (self);
  const GstLstmSpan span = gst_lstm_get_buffer_span (self, inbuf, 0);
  GstLstmSpan gap = span;

  if (gst_lstm_is_outside_segment (self, &span)) {
    GST_LOG_OBJECT (self, "gap outside the segment: %" GST_PTR_FORMAT, inbuf);
    return GST_FLOW_OK;
  }
  GST_LOG_OBJECT (self, "gap: %" GST_PTR_FORMAT, inbuf);
  if (gst_lstm_has_media_input (self))
    gap.duration = GST_CLOCK_TIME_NONE; /* a frame is one step, whatever its duration */
  gst_lstm_handle_gap (self, &gap, in_place ? outbuf : NULL);
  if (!in_place)
    gst_lstm_push_gap (self, &span);
  if (gst_lstm_has_media_input (self) && self->stats.gaps == 1 && self->stats.steps == 0)
    gst_lstm_warn_without_tensor (self, &self->steps, ""); /* may be a mistake */
  return self->failed ? GST_FLOW_ERROR : GST_FLOW_OK;
}

/* Drops a buffer that cannot be read, and posts a warning, or an error if max-errors does not
 * tolerate the buffer. Media are pushed without an output. */
static GstFlowReturn
drop_bad_buffer (GstLstm *self, GstBuffer *inbuf, const GError *error)
{
  const GstLstmSpan span = gst_lstm_get_buffer_span (self, inbuf, 0);
  const GstFlowReturn ret = gst_lstm_count_bad_buffer (self, error);

  if (ret != GST_FLOW_OK)
    return ret;
  self->input_discont = self->output_discont = TRUE;
  if (!gst_lstm_is_in_place (self) && !gst_lstm_is_outside_segment (self, &span))
    gst_lstm_push_gap (self, &span);
  return GST_FLOW_OK;
}

/* Opens the steps of @buffer. */
static gboolean
open_steps (GstLstm *self, GstBuffer *buffer, GError **error)
{
  g_autoptr (GArray) parameters = NULL;

  if (self->input.n_parameters > 0) {
    parameters = gst_lstm_ref_parameters (self);
    self->input.parameters = (const gfloat *) (gpointer) parameters->data;
  }
  self->steps.wants_access = gst_lstm_can_overwrite_buffer (self, buffer);
  return gst_lstm_input_open (&self->input, buffer, &self->steps, error);
}

/* Returns whether @buffer is a gap, because it has no bytes. */
static gboolean
is_empty (const GstLstm *self, GstBuffer *buffer)
{
  return gst_buffer_get_size (buffer) == 0 && !gst_lstm_has_media_input (self);
}

/* Runs the steps of *@inbuf, and sets *@outbuf to the next output, if there is one. *@inbuf becomes
 * NULL if it becomes *@outbuf. */
static GstFlowReturn
process_buffer (GstLstm *self, GstBuffer **inbuf, GstBuffer **outbuf)
{
  g_autoptr (GError) error = NULL;
  GstLstmSteps *steps = &self->steps;
  GstFlowReturn ret = GST_FLOW_OK;

  if (self->failed)
    return GST_FLOW_ERROR;
  if (!gst_lstm_is_configured (self))
    return GST_FLOW_NOT_NEGOTIATED;
  if (!open_steps (self, *inbuf, &error))
    return is_empty (self, *inbuf) ? handle_empty_buffer (self, *inbuf, outbuf)
                                   : drop_bad_buffer (self, *inbuf, error);
  if (!steps->x || steps->n_steps == 0) {
    gst_lstm_steps_close (steps);
    return handle_empty_buffer (self, *inbuf, outbuf);
  }
  gst_lstm_warn_about_axes (self, steps);
  if (steps->n_steps != self->sequence.in.steps
      || steps->n_streams != self->sequence.in.streams)
    ret = adapt_shape (self, steps);
  if (ret == GST_FLOW_OK)
    ret = run_and_pop_output (self, inbuf, outbuf);
  gst_lstm_steps_close (steps);
  return ret;
}

/* Returns the shape of the tensors of @output, which may have several blocks of steps. */
static GstLstmTensorShape
get_attached_shape (const GstLstm *self, GstBuffer *output)
{
  const GstLstmTensors *out = &self->sequence.out;
  const gsize bytes = out->n_tensors > 1 ? gst_buffer_peek_memory (output, 0)->size
                                         : gst_buffer_get_size (output);
  const gsize n_blocks = bytes / gst_lstm_tensors_get_bytes (out, 0);

  return (GstLstmTensorShape){.steps = (guint) n_blocks * out->steps, .streams = out->streams};
}

/* Attaches *@outbuf (nullable), an output, to @media (transfer full), which *@outbuf becomes.
 * Downstream receives caps before a buffer whose tensors have another shape. */
static GstFlowReturn
attach_output (GstLstm *self, GstBuffer *media, GstBuffer **outbuf)
{
  const GstLstmCapsContext context = gst_lstm_make_caps_context (
      self, self->sequence.config.model);
  g_autoptr (GstBuffer) output = g_steal_pointer (outbuf);

  if (output && !gst_lstm_set_attached_shape (self, get_attached_shape (self, output))) {
    gst_buffer_unref (media);
    return GST_FLOW_NOT_NEGOTIATED;
  }
  *outbuf = output
                ? self->input.kind->attach_output (media, output, &self->sequence.out, &context)
                : media;
  return GST_FLOW_OK;
}

/* Returns whether buffers of output may wait in the queue after their input buffer. */
static gboolean
has_queued_outputs (const GstLstm *self)
{
  return gst_lstm_is_configured (self)
         && !gst_lstm_sequence_config_is_direct (&self->sequence.config)
         && !gst_lstm_is_in_place (self);
}

/* Runs the steps of all streams of @batch (transfer full), and sets *@outbuf to the batch with the
 * outputs. */
static GstFlowReturn
process_batch (GstLstm *self, GstBuffer *batch, GstBuffer **outbuf)
{
  GstFlowReturn ret = GST_FLOW_ERROR;

  *outbuf = batch;
  if (!self->failed)
    ret = gst_lstm_is_configured (self) ? gst_lstm_batch_run (self, outbuf)
                                        : GST_FLOW_NOT_NEGOTIATED;
  if (ret != GST_FLOW_OK)
    gst_clear_buffer (outbuf);
  return ret;
}

/* Runs a step of each object of @frame (transfer full), and sets *@outbuf to the frame with the
 * outputs. */
static GstFlowReturn
process_objects (GstLstm *self, GstBuffer *frame, GstBuffer **outbuf)
{
  g_autoptr (GError) error = NULL;
  GstFlowReturn ret = GST_FLOW_ERROR;

  *outbuf = frame;
  if (!self->failed)
    ret = gst_lstm_is_configured (self) ? gst_lstm_objects_run_frame (self, outbuf, &error)
                                        : GST_FLOW_NOT_NEGOTIATED;
  if (error)
    ret = drop_bad_buffer (self, *outbuf, error);
  if (ret != GST_FLOW_OK)
    gst_clear_buffer (outbuf);
  return ret;
}

GstFlowReturn
gst_lstm_generate_output (GstLstm *self, GstBuffer **outbuf)
{
  g_autoptr (GstBuffer) inbuf = g_steal_pointer (&self->parent.queued_buf);
  const gboolean has_input = inbuf != NULL;
  GstFlowReturn ret = GST_FLOW_OK;
  guint64 n_steps;

  *outbuf = NULL;
  if (!has_input && !has_queued_outputs (self))
    return GST_FLOW_OK;
  if (has_input && gst_lstm_is_batch (self, inbuf))
    return process_batch (self, g_steal_pointer (&inbuf), outbuf);
  if (has_input && self->object_memory)
    return process_objects (self, g_steal_pointer (&inbuf), outbuf);
  if (has_input)
    ret = process_buffer (self, &inbuf, outbuf);
  else
    ret = gst_lstm_pop_output (self, outbuf, &n_steps);
  if (has_input && ret == GST_FLOW_OK && !*outbuf) {
    ret = self->pending_flow;
    self->pending_flow = GST_FLOW_OK;
  }
  if (ret == GST_FLOW_OK && *outbuf && self->adds_headers)
    ret = gst_lstm_add_headers (self, *outbuf);
  if (ret == GST_FLOW_OK && has_input && gst_lstm_is_in_place (self))
    ret = attach_output (self, g_steal_pointer (&inbuf), outbuf);
  if (ret != GST_FLOW_OK)
    gst_clear_buffer (outbuf);
  return ret;
}
