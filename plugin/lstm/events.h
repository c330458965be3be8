/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Events from upstream. docs/streaming.md describes how the element handles each event. */
#pragma once

#include "lstm/element.h"

/* Handles @event (transfer full). Returns: (transfer full): the event for the base class */
GstEvent *gst_lstm_handle_sink_event (GstLstm *self, GstEvent *event);
