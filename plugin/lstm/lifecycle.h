/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Start and stop of the element. */
#pragma once

#include "lstm/element.h"

/* Implement start and stop of the base class. gst_lstm_start() posts an error if it fails. */
gboolean gst_lstm_start (GstLstm *self);
void gst_lstm_stop (GstLstm *self);
