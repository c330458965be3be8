/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Start and stop of the element. */
#pragma once

#include "lstm/element.h"

/* Implement start and stop of the base class. gst_lstm_start() posts an error if it fails. */
gboolean gst_lstm_start (GstLstm *self);
void gst_lstm_stop (GstLstm *self);

/* Sets the property @spec, model or model-location, of a running element to @value: loads the model,
 * to which the streaming thread changes. If the model cannot be loaded or does not fit, posts a
 * warning, and the property and the model stay. Returns FALSE if the element does not run. No lock
 * must be locked. */
gboolean gst_lstm_change_model (GstLstm *self, GParamSpec *spec, const GValue *value);
