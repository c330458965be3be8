/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The configuration of the element by caps: the shape of the input, and the kind of the output. */
#pragma once

#include "lstm/element.h"

/* Implements the set_caps of the base class. */
gboolean gst_lstm_set_caps (GstLstm *self, GstCaps *incaps, GstCaps *outcaps);

/* Sets the shape of the input buffers. If the number of streams changes, the sequence ends.
 * Otherwise h, c and pending input and output stay. Returns FALSE and sets @error if memory is
 * insufficient, or if a restored state has other streams. */
gboolean gst_lstm_set_input_shape (GstLstm *self, const GstLstmTensors *in, GError **error);
