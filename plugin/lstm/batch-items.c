/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/batch-items.h"
#include "common/errors.h"
#include "lstm/bad-input.h"
#include "lstm/caps.h"
#include "lstm/final.h"
#include "lstm/input/caps-batch.h"
#include "lstm/segments.h"

#define GST_CAT_DEFAULT gst_lstm_debug

/* --- Sequences --- */

static void
lock_and_reset_stream (GstLstm *self, GstLstmBatchStream *stream, GstLstmReset reason)
{
  gst_lstm_lock (self);
  gst_lstm_batch_reset_stream (self, stream, reason);
  gst_lstm_unlock (self);
}

/* Returns: (transfer full) (nullable): the message with the last output of @stream, which has no
 * output since the last message if the message is NULL. Needs `lock`. */
static GstMessage *
take_final_message (GstLstm *self, GstLstmBatchStream *stream)
{
  const GstLstmTensors *out = &self->sequence.out;
  GstLstmFinal final = {.segment = &stream->segment,
      .span = stream->final_span,
      .n_steps = stream->n_steps,
      .values = stream->final,
      .n_values = (gsize) out->n_rows[0] * out->size[0],
      .stream = &stream->index};

  if (!stream->has_final)
    return NULL;
  self->stats.outputs++;
  stream->has_final = FALSE;
  gst_lstm_segment_clip_span (&stream->segment, TRUE, &final.span);
  return gst_lstm_final_make_message (self, &final);
}

void
gst_lstm_batch_end_sequence (GstLstm *self, GstLstmBatchStream *stream, GstLstmReset reason)
{
  GstMessage *message;
  gboolean stateful;

  GST_OBJECT_LOCK (self);
  stateful = self->settings.stateful;
  GST_OBJECT_UNLOCK (self);
  gst_lstm_lock (self);
  message = take_final_message (self, stream);
  if (!stateful)
    gst_lstm_batch_reset_stream (self, stream, reason);
  gst_lstm_unlock (self);
  if (message)
    gst_element_post_message (GST_ELEMENT (self), message);
}

/* --- Gaps --- */

/* Begins @n_steps steps of `steps`, or of zeros if it has no values. */
static void
begin_steps (GstLstmBatchStream *stream, guint64 n_steps)
{
  stream->n_item_steps = n_steps;
  stream->n_done = 0;
  stream->is_finite = TRUE;
}

/* Handles a gap of @n_frames frames at `span`. */
static void
handle_gap (GstLstm *self, GstLstmBatchStream *stream, guint64 n_frames)
{
  gst_lstm_lock (self);
  self->stats.gaps++;
  if (gst_lstm_resets_on (self, GST_LSTM_RESET_ON_GAP))
    gst_lstm_batch_reset_stream (self, stream, GST_LSTM_RESET_GAP);
  gst_lstm_unlock (self);
  if (gst_lstm_runs_zero_steps (self)
      && !gst_lstm_segment_excludes (&stream->segment, &stream->span))
    begin_steps (stream, n_frames);
}

static void
handle_gap_event (GstLstm *self, GstLstmBatchStream *stream, GstEvent *event)
{
  guint64 n_frames = 1;

  stream->steps.x = NULL;
  stream->span = GST_LSTM_SPAN_NONE;
  gst_event_parse_gap (event, &stream->span.pts, &stream->span.duration);
  if (stream->fps_n > 0 && GST_CLOCK_TIME_IS_VALID (stream->span.duration))
    n_frames = gst_util_uint64_scale_round (
        stream->span.duration, (guint64) stream->fps_n, (guint64) stream->fps_d * GST_SECOND);
  handle_gap (self, stream, n_frames);
}

/* Handles a buffer without a tensor as a gap. Posts a warning if it is the first buffer of the
 * stream, which may be a mistake. */
static void
handle_empty_buffer (GstLstm *self, GstLstmBatchStream *stream, gboolean is_first)
{
  g_autofree gchar *source = g_strdup_printf ("stream %u: ", stream->index);

  stream->span.duration = GST_CLOCK_TIME_NONE; /* a frame is one step, whatever its duration */
  handle_gap (self, stream, 1);
  if (is_first)
    gst_lstm_warn_without_tensor (self, &stream->steps, source);
}

/* --- Events --- */

/* Returns whether @a and @b are the same STREAM_START, which each batch repeats. */
static gboolean
is_same_stream_start (GstEvent *a, GstEvent *b)
{
  const gchar *id_a, *id_b;

  if (!a || gst_event_get_seqnum (a) != gst_event_get_seqnum (b))
    return FALSE;
  gst_event_parse_stream_start (a, &id_a);
  gst_event_parse_stream_start (b, &id_b);
  return g_strcmp0 (id_a, id_b) == 0;
}

static void
handle_stream_start (GstLstm *self, GstLstmBatchStream *stream, GstEvent *event)
{
  if (is_same_stream_start (stream->stream_start, event))
    return;
  gst_lstm_batch_end_sequence (self, stream, GST_LSTM_RESET_STREAM_START);
  gst_event_replace (&stream->stream_start, event);
  stream->is_eos = FALSE;
}

static void
handle_segment (GstLstm *self, GstLstmBatchStream *stream, GstEvent *event)
{
  const GstSegment *segment;

  gst_event_parse_segment (event, &segment);
  if (!gst_lstm_segment_is_update (&stream->segment, segment)) {
    gst_lstm_batch_end_sequence (self, stream, GST_LSTM_RESET_SEGMENT);
    stream->is_eos = FALSE;
  }
  stream->segment = *segment;
}

/* A flush drops the last output. */
static void
handle_flush (GstLstm *self, GstLstmBatchStream *stream)
{
  lock_and_reset_stream (self, stream, GST_LSTM_RESET_FLUSH);
  gst_segment_init (&stream->segment, GST_FORMAT_UNDEFINED);
  stream->is_eos = FALSE;
}

/* Makes the CAPS event of the output from `caps`, with attached tensors of @n_steps steps. */
static void
make_output_caps (GstLstm *self, GstLstmBatchStream *stream, guint n_steps)
{
  GstLstmCapsContext context = gst_lstm_make_caps_context (self, self->sequence.config.model);
  g_autoptr (GstCaps) output = NULL;
  GstCaps *caps;

  gst_event_parse_caps (stream->caps, &caps);
  context.attached_shape = (GstLstmTensorShape){n_steps, 1};
  output = gst_lstm_batch_make_stream_caps (caps, &self->sequence.out, &context);
  stream->attached_steps = n_steps;
  gst_clear_event (&stream->output_caps);
  stream->output_caps = gst_event_new_caps (output);
  gst_event_set_seqnum (stream->output_caps, gst_event_get_seqnum (stream->caps));
}

/* Reads the new caps of a stream. Returns FALSE and sets @error if a tensor already has the id of
 * an output. */
static gboolean
read_caps (GstLstm *self, GstLstmBatchStream *stream, GError **error)
{
  const GstLstmCapsContext context = gst_lstm_make_caps_context (
      self, self->sequence.config.model);
  const GstStructure *s;
  GstCaps *caps;

  gst_event_parse_caps (stream->caps, &caps);
  stream->fps_n = 0;
  stream->fps_d = 1;
  gst_clear_event (&stream->output_caps);
  if (gst_caps_get_size (caps) == 0)
    return TRUE;
  s = gst_caps_get_structure (caps, 0);
  gst_structure_get_fraction (s, "framerate", &stream->fps_n, &stream->fps_d);
  if (!gst_lstm_caps_media.check_ids (s, context.tensor_ids, error)) {
    g_prefix_error (error, "stream %u: ", stream->index);
    return FALSE;
  }
  if (context.tensor_ids[0])
    make_output_caps (self, stream, gst_lstm_batch_find_shape (s, &context).steps);
  return TRUE;
}

/* Each batch repeats the caps as a sticky event. */
static GstFlowReturn
handle_caps (GstLstm *self, GstLstmBatchStream *stream, GstEvent *event)
{
  g_autoptr (GError) error = NULL;

  if (event != stream->caps) {
    gst_event_replace (&stream->caps, event);
    if (!read_caps (self, stream, &error))
      return gst_lstm_fail_sequence (self, error);
  }
  if (stream->output_caps)
    gst_lstm_batch_cursor_replace_event (&stream->cursor, stream->output_caps);
  return GST_FLOW_OK;
}

static GstFlowReturn
handle_event (GstLstm *self, GstLstmBatchStream *stream, GstEvent *event)
{
  switch (GST_EVENT_TYPE (event)) {
  case GST_EVENT_STREAM_START:
    handle_stream_start (self, stream, event);
    break;
  case GST_EVENT_CAPS:
    return handle_caps (self, stream, event);
  case GST_EVENT_SEGMENT:
    handle_segment (self, stream, event);
    break;
  case GST_EVENT_SEGMENT_DONE:
    gst_lstm_batch_end_sequence (self, stream, GST_LSTM_RESET_SEGMENT_DONE);
    break;
  case GST_EVENT_EOS:
    if (!stream->is_eos)
      gst_lstm_batch_end_sequence (self, stream, GST_LSTM_RESET_EOS);
    stream->is_eos = TRUE;
    break;
  case GST_EVENT_FLUSH_STOP:
    handle_flush (self, stream);
    break;
  case GST_EVENT_GAP:
    handle_gap_event (self, stream, event);
    break;
  default:
    break;
  }
  return GST_FLOW_OK;
}

/* --- Buffers --- */

void
gst_lstm_batch_begin_items (GstLstmBatchStream *stream, GstAnalyticsBatchStream *items)
{
  gst_lstm_batch_cursor_init (&stream->cursor, items);
  stream->n_item_steps = stream->n_done = 0;
  stream->buffer = NULL;
}

void
gst_lstm_batch_close_buffer (GstLstmBatchStream *stream)
{
  if (stream->buffer && stream->steps.x)
    gst_lstm_steps_close (&stream->steps);
  stream->buffer = NULL;
  for (guint kind = 0; kind < GST_LSTM_N_TENSORS; kind++)
    if (stream->outputs[kind])
      g_array_set_size (stream->outputs[kind], 0);
}

/* An output and the element that attaches it */
typedef struct {
  GstLstm *self;
  GstBuffer *output; /* a memory for each emitted tensor */
} Attachment;

static GstBuffer *
attach_output (GstBuffer *buffer, gpointer data)
{
  const Attachment *attachment = data;
  GstLstm *self = attachment->self;
  const GstLstmCapsContext context = gst_lstm_make_caps_context (
      self, self->sequence.config.model);
  GstLstmTensors out = self->sequence.out;

  out.steps = out.streams = 1; /* the memories are blocks of one step */
  return self->input.kind->attach_output (buffer, attachment->output, &out, &context);
}

/* Returns: (transfer full): a buffer with a memory for each tensor that the steps of `buffer` have
 * output */
static GstBuffer *
collect_outputs (const GstLstmBatchStream *stream)
{
  GstBuffer *output = gst_buffer_new ();

  for (guint kind = 0; kind < GST_LSTM_N_TENSORS; kind++) {
    const GArray *values = stream->outputs[kind];
    const gsize bytes = values ? values->len * sizeof (gfloat) : 0;
    gpointer copy;

    if (bytes == 0)
      continue;
    copy = g_memdup2 (values->data, bytes);
    gst_buffer_append_memory (
        output, gst_memory_new_wrapped (0, copy, bytes, 0, bytes, copy, g_free));
  }
  return output;
}

/* Attaches the outputs of the buffer whose steps have run, if there are any. New caps precede a
 * buffer whose tensors have other steps. */
static void
finish_buffer (GstLstm *self, GstLstmBatchStream *stream)
{
  g_autoptr (GstBuffer) output = collect_outputs (stream);
  const gsize block_bytes = gst_lstm_tensors_get_bytes (&self->sequence.out, 0)
                            / self->sequence.out.steps / self->sequence.out.streams;
  Attachment attachment = {self, output};
  gsize n_steps;

  gst_lstm_batch_close_buffer (stream);
  if (gst_buffer_n_memory (output) == 0)
    return;
  n_steps = gst_buffer_get_sizes_range (output, 0, 1, NULL, NULL) / block_bytes;
  gst_lstm_batch_cursor_replace_buffer (&stream->cursor, attach_output, &attachment);
  if (!stream->output_caps || n_steps == stream->attached_steps)
    return;
  make_output_caps (self, stream, (guint) n_steps);
  gst_lstm_batch_cursor_insert_event (&stream->cursor, stream->output_caps);
}

/* Opens the tensor of `buffer`. Sets @error, which names the stream, if it cannot be read. */
static gboolean
open_tensor (GstLstm *self, GstLstmBatchStream *stream, GError **error)
{
  gboolean ok = gst_lstm_input_open (&self->input, stream->buffer, &stream->steps, error);

  if (ok && stream->steps.x && stream->steps.n_streams > 1) {
    gst_lstm_steps_close (&stream->steps);
    ok = gst_lstm_fail (error, GST_LSTM_STREAM (FORMAT),
        "buffer: tensor: expected steps of one stream, because the buffer belongs to a stream "
        "of a batch, found %u streams",
        stream->steps.n_streams);
  }
  if (!ok)
    g_prefix_error (error, "stream %u: ", stream->index);
  return ok;
}

/* Begins the steps of `buffer`, which has a tensor. */
static void
begin_buffer (GstLstm *self, GstLstmBatchStream *stream)
{
  const gboolean discont = stream->discont
                           || GST_BUFFER_FLAG_IS_SET (stream->buffer, GST_BUFFER_FLAG_DISCONT);

  gst_lstm_warn_about_axes (self, &stream->steps);
  begin_steps (stream, stream->steps.n_steps);
  if (discont && gst_lstm_resets_on (self, GST_LSTM_RESET_ON_DISCONT))
    lock_and_reset_stream (self, stream, GST_LSTM_RESET_DISCONT);
  stream->discont = FALSE;
  gst_lstm_count_good_buffer (self);
}

static GstFlowReturn
handle_buffer (GstLstm *self, GstLstmBatchStream *stream, GstBuffer *buffer)
{
  const gboolean is_first = !stream->has_buffer;
  g_autoptr (GError) error = NULL;

  stream->span = (GstLstmSpan){GST_BUFFER_PTS (buffer), GST_BUFFER_DURATION (buffer),
      GST_BUFFER_OFFSET (buffer), GST_BUFFER_OFFSET_END (buffer)};
  if (gst_lstm_segment_excludes (&stream->segment, &stream->span)) {
    GST_LOG_OBJECT (
        self, "stream %u: outside the segment: %" GST_PTR_FORMAT, stream->index, buffer);
    return GST_FLOW_OK;
  }
  stream->has_buffer = TRUE;
  stream->buffer = buffer;
  if (!open_tensor (self, stream, &error)) {
    stream->buffer = NULL;
    stream->discont = TRUE;
    return gst_lstm_count_bad_buffer (self, error);
  }
  if (stream->steps.x)
    begin_buffer (self, stream);
  else
    handle_empty_buffer (self, stream, is_first);
  return GST_FLOW_OK;
}

GstFlowReturn
gst_lstm_batch_find_step (GstLstm *self, GstLstmBatchStream *stream, gboolean *has_step)
{
  GstFlowReturn ret = GST_FLOW_OK;

  while (ret == GST_FLOW_OK && stream->n_done == stream->n_item_steps) {
    GstLstmBatchItem item;

    if (stream->buffer)
      finish_buffer (self, stream);
    stream->n_done = stream->n_item_steps = 0;
    item = gst_lstm_batch_cursor_advance (&stream->cursor);
    if (item.event)
      ret = handle_event (self, stream, item.event);
    else if (item.buffer)
      ret = handle_buffer (self, stream, item.buffer);
    else
      break;
  }
  *has_step = stream->n_done < stream->n_item_steps;
  return ret;
}
