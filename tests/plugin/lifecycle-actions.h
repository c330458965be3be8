/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Everything that an application or a neighbour may do to an element at any time. */
#pragma once
#include <gst/gst.h>

/* Sends a query of each type to all pads and to the element. @with_serialized: whether to send also
 * queries that wait for the buffers before them */
void query_all (GstElement *element, const gchar *caps, gboolean with_serialized);

/* Reads all readable properties. */
void read_all_properties (GstElement *element);

/* Emits the action signals of `lstm`; does nothing to other elements. */
void emit_all_signals (GstElement *element);

/* Sends an event of each type to @pad: upstream events to a source pad, downstream events to a sink
 * pad. */
void send_all_events (GstPad *pad);

/* Sends all events and queries, emits all signals and reads all properties. */
void perform_all_actions (GstElement *element, const gchar *caps);
