/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The steps of objects, and the objects that the element forgets. */
#pragma once

#include "lstm/object-memory.h"
#include "lstm/element.h"

/* Runs the rows that were added to the memory, and counts the steps. Resets the objects whose h and
 * c are not finite, if reset-on requests it. Sets *@flawed to the tracking id of an object whose h
 * or c is not finite, and returns TRUE, if there is one. Needs `lock`. */
gboolean gst_lstm_objects_run_rows (GstLstm *self, const GstLstmSpan *span, guint64 *flawed);

/* Forgets the objects that were last seen more than object-timeout before the running time @now. In
 * final mode, appends their messages to @messages. Returns the number of these objects that the
 * previous frame had. Needs `lock`. */
guint gst_lstm_objects_forget_expired (GstLstm *self, GstClockTime now, GQueue *messages);

/* Handles the known objects that the present frame lacks, as reset-on and gap-policy request:
 * resets them, and adds rows of zeros. Needs `lock`. */
void gst_lstm_objects_add_missing (GstLstm *self);

/* Posts @messages (GstMessage, transfer full), and clears @messages. */
void gst_lstm_objects_post_messages (GstLstm *self, GQueue *messages);

/* Posts a warning about object @id, whose h or c is not finite, once until the element stops. */
void gst_lstm_objects_warn_non_finite (GstLstm *self, guint64 id, const GstLstmSpan *span);

/* Returns the running time of the frame @span, or 0 if the frame begins before the segment. */
GstClockTime gst_lstm_objects_get_running_time (const GstLstm *self, const GstLstmSpan *span);

/* Handles a GAP event: the gap has frames without objects. */
void gst_lstm_objects_handle_gap (GstLstm *self, const GstLstmSpan *gap);

/* Posts the messages lstm-final of all objects that ran a step since their last message. */
void gst_lstm_objects_drain (GstLstm *self);
