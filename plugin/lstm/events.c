/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/events.h"
#include "common/errors.h"
#include "lstm/batch.h"
#include "lstm/bytes.h"
#include "lstm/gaps.h"
#include "lstm/output.h"
#include "lstm/segments.h"
#include "lstm/state.h"

#define GST_CAT_DEFAULT gst_lstm_debug

/* Pushes pending output, and resets the sequence unless the element is stateful. */
static void
end_sequence (GstLstm *self, GstLstmReset reason)
{
  gboolean stateful;

  gst_lstm_drain_sequence (self);
  gst_lstm_batch_end_all (self, reason);
  GST_OBJECT_LOCK (self);
  stateful = self->settings.stateful;
  GST_OBJECT_UNLOCK (self);
  gst_lstm_lock (self);
  if (stateful)
    GST_DEBUG_OBJECT (
        self, "no reset, the element is stateful: %s", gst_lstm_get_reset_text (reason));
  else
    gst_lstm_reset_unless_restored (self, reason);
  gst_lstm_unlock (self);
}

/* Accepts buffers again after an error of the previous stream. */
static void
accept_buffers (GstLstm *self)
{
  self->failed = FALSE;
  self->pending_flow = GST_FLOW_OK;
}

static void
handle_gap_event (GstLstm *self, GstEvent *event)
{
  GstLstmSpan span = GST_LSTM_SPAN_NONE;
  g_autoptr (GstBuffer) dropped_output = NULL; /* an event has no media to attach outputs to */

  gst_event_parse_gap (event, &span.pts, &span.duration);
  gst_lstm_handle_gap (self, &span, gst_lstm_is_in_place (self) ? &dropped_output : NULL);
}

/* @event: (transfer full). Returns: (transfer full): the event in time if it is in bytes */
static GstEvent *
handle_segment (GstLstm *self, GstEvent *event)
{
  const GstSegment *segment;
  gboolean continues;

  gst_event_parse_segment (event, &segment);
  continues = gst_lstm_segment_is_update (&self->upstream_segment, segment);
  GST_INFO_OBJECT (self, "segment, %s: %" GST_SEGMENT_FORMAT,
      continues ? "the sequence continues" : "a new sequence", segment);
  if (!continues)
    end_sequence (self, GST_LSTM_RESET_SEGMENT);
  self->upstream_segment = *segment;
  return gst_lstm_bytes_convert_segment (self, event);
}

GstEvent *
gst_lstm_handle_sink_event (GstLstm *self, GstEvent *event)
{
  GST_DEBUG_OBJECT (self, "received %" GST_PTR_FORMAT, event);
  switch (GST_EVENT_TYPE (event)) {
  case GST_EVENT_SEGMENT:
    event = handle_segment (self, event);
    break;
  case GST_EVENT_STREAM_START:
    end_sequence (self, GST_LSTM_RESET_STREAM_START);
    accept_buffers (self);
    break;
  case GST_EVENT_SEGMENT_DONE:
    end_sequence (self, GST_LSTM_RESET_SEGMENT_DONE);
    event = gst_lstm_bytes_convert_segment_done (self, event);
    break;
  case GST_EVENT_EOS:
    gst_lstm_save_at_eos (self); /* before the reset */
    end_sequence (self, GST_LSTM_RESET_EOS);
    break;
  case GST_EVENT_FLUSH_STOP:
    if (!gst_lstm_undo_preroll (self, GST_LSTM_RESET_FLUSH)) {
      gst_lstm_lock (self);
      gst_lstm_reset_unless_restored (self, GST_LSTM_RESET_FLUSH);
      gst_lstm_unlock (self);
    }
    accept_buffers (self);
    break;
  case GST_EVENT_GAP:
    handle_gap_event (self, event);
    break;
  default:
    break;
  }
  return event;
}
