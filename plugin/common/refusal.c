/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/refusal.h"
#include "common/errors.h"

void
gst_lstm_refusal_set (GstLstmRefusal *refusal, GstCaps *caps, GError *error)
{
  gst_caps_replace (&refusal->caps, caps);
  g_clear_error (&refusal->error);
  refusal->error = error;
}

static void
forget_caps (GstLstmRefusal *refusal)
{
  gst_caps_replace (&refusal->caps, NULL);
  g_clear_error (&refusal->error);
}

void
gst_lstm_refusal_clear (GstLstmRefusal *refusal)
{
  forget_caps (refusal);
  gst_event_replace (&refusal->segment, NULL);
}

/* Handles a CAPS event. Upstream sends equal caps again with a new stream. */
static gboolean
handle_caps (GstLstmRefusal *refusal, GstBaseTransform *trans, GstEvent *event,
    gboolean (*handle) (GstBaseTransform *trans, GstEvent *event))
{
  GstEvent *segment;
  GstCaps *caps;
  gboolean ok;

  gst_event_parse_caps (event, &caps);
  if (refusal->caps && gst_caps_is_equal (refusal->caps, caps)) {
    gst_event_unref (event);
    return TRUE;
  }
  forget_caps (refusal);
  ok = handle (trans, event);
  if (refusal->caps)
    return TRUE;
  segment = ok ? g_steal_pointer (&refusal->segment) : NULL;
  return segment ? handle (trans, segment) : ok;
}

gboolean
gst_lstm_refusal_handle_event (GstLstmRefusal *refusal, GstBaseTransform *trans,
    GstEvent *event, gboolean (*handle) (GstBaseTransform *trans, GstEvent *event))
{
  const GstEventType type = GST_EVENT_TYPE (event);

  if (type == GST_EVENT_CAPS)
    return handle_caps (refusal, trans, event, handle);
  if (type == GST_EVENT_SEGMENT || type == GST_EVENT_FLUSH_STOP
      || type == GST_EVENT_STREAM_START)
    gst_event_replace (&refusal->segment, NULL);
  if (refusal->caps && (type == GST_EVENT_SEGMENT || type == GST_EVENT_GAP)) {
    if (type == GST_EVENT_SEGMENT)
      gst_event_replace (&refusal->segment, event);
    gst_event_unref (event);
    return TRUE;
  }
  return handle (trans, event);
}

/* Posts the error of the refused caps, unless it was posted. */
static void
post_error (GstLstmRefusal *refusal, GstBaseTransform *trans)
{
  g_autofree gchar *text = gst_caps_to_string (refusal->caps);

  if (refusal->error)
    gst_lstm_post_error (trans, refusal->error, text);
  g_clear_error (&refusal->error);
}

/* @submit may refuse the caps, too: it calls set_caps() after a RECONFIGURE event. */
GstFlowReturn
gst_lstm_refusal_submit_buffer (GstLstmRefusal *refusal, GstBaseTransform *trans,
    gboolean is_discont, GstBuffer *buffer,
    GstFlowReturn (*submit) (GstBaseTransform *trans, gboolean is_discont, GstBuffer *buffer))
{
  GstFlowReturn ret = GST_FLOW_NOT_NEGOTIATED;

  if (refusal->caps)
    gst_buffer_unref (buffer);
  else
    ret = submit (trans, is_discont, buffer);
  if (refusal->caps)
    post_error (refusal, trans);
  return ret;
}
