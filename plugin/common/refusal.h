/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Caps that an element refuses. NNStreamer's tensor_converter sends placeholder caps first, and
 * the real caps with the first buffer. An element therefore posts the error of refused caps only
 * when a buffer follows them. GStreamer sends refused sticky events again before each event and
 * buffer, and pushes no buffer to a pad that refuses the event. So the pad accepts the event, and
 * the element refuses the buffer. */
#pragma once
#include <gst/base/gstbasetransform.h>

typedef struct {
  GstCaps *caps;     /* nullable: the last caps, if they were refused */
  GError *error;     /* nullable: why; NULL after it was posted */
  GstEvent *segment; /* nullable: received after refused caps; waits for other caps */
} GstLstmRefusal;

/* Stores @caps and @error (transfer full), the reason, as the refused caps. An element calls this
 * function in set_caps(), which returns FALSE. The element keeps its previous configuration. */
void gst_lstm_refusal_set (GstLstmRefusal *refusal, GstCaps *caps, GError *error);

/* Frees the contents of @refusal. An element calls this function in stop(). */
void gst_lstm_refusal_clear (GstLstmRefusal *refusal);

/* Implements the sink_event of the base class for @event (transfer full). @handle is the element's
 * own function. Accepts refused caps. Keeps a SEGMENT event and drops GAP events that follow
 * refused caps: a pad must send CAPS before SEGMENT. */
gboolean gst_lstm_refusal_handle_event (GstLstmRefusal *refusal, GstBaseTransform *trans,
    GstEvent *event, gboolean (*handle) (GstBaseTransform *trans, GstEvent *event));

/* Implements the submit_input_buffer of the base class for @buffer (transfer full). @submit is the
 * function of the base class. Posts the error of refused caps once. */
GstFlowReturn gst_lstm_refusal_submit_buffer (GstLstmRefusal *refusal, GstBaseTransform *trans,
    gboolean is_discont, GstBuffer *buffer,
    GstFlowReturn (*submit) (GstBaseTransform *trans, gboolean is_discont, GstBuffer *buffer));
