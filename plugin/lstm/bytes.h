/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sources that count bytes, such as filesrc. A step has a size in bytes, and, with a framerate, a
 * duration. Segments in bytes are therefore converted to time, and seeks and queries in time to
 * bytes. */
#pragma once

#include "lstm/element.h"

/* Returns the step that byte @bytes belongs to. If caps after the segment leave the size of a step
 * unknown, returns the next step. */
guint64 gst_lstm_bytes_to_step (const GstLstm *self, guint64 bytes);

/* Convert a SEGMENT or SEGMENT_DONE event in bytes to time. @event: (transfer full). Returns:
 * (transfer full): the event for downstream */
GstEvent *gst_lstm_bytes_convert_segment (GstLstm *self, GstEvent *event);
GstEvent *gst_lstm_bytes_convert_segment_done (GstLstm *self, GstEvent *event);

/* Converts a SEEK event in time to bytes. @event: (transfer full). Returns: (transfer full): the
 * event for upstream */
GstEvent *gst_lstm_bytes_convert_seek (GstLstm *self, GstEvent *event);

/* Answer a query in time if upstream only answers in bytes. Return FALSE if the answer is
 * unknown. */
gboolean gst_lstm_bytes_answer_duration (GstLstm *self, GstQuery *query);
gboolean gst_lstm_bytes_answer_seeking (GstLstm *self, GstQuery *query);
