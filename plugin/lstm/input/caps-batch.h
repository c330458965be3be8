/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The caps of the streams in a batch. */
#pragma once

#include "lstm/input/caps-kinds.h"

/* Returns the shape of the tensors that are attached to the buffers of a stream with sink caps @s:
 * that of the input, if @s state it, or one step of one stream. */
GstLstmTensorShape gst_lstm_batch_find_shape (
    const GstStructure *s, const GstLstmCapsContext *context);

/* Returns the caps of a stream with sink caps @caps, which has the output @out: media with the
 * attached tensors. Their shape is the `attached_shape` of @context, or if that is unknown, that of
 * gst_lstm_batch_find_shape(). Returns: (transfer full) */
GstCaps *gst_lstm_batch_make_stream_caps (
    const GstCaps *caps, const GstLstmTensors *out, const GstLstmCapsContext *context);
