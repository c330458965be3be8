/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The header of NNStreamer's flexible tensors: each memory of a buffer begins with a description of
 * its tensor. */
#pragma once
#include "common/tensors.h"

#define GST_LSTM_HEADER_BYTES 128

/* Returns whether @s are caps of flexible tensors. */
gboolean gst_lstm_flexible_matches (const GstStructure *s);

/* Returns: (transfer full): caps of flexible tensors with the framerate of @tensors */
GstStructure *gst_lstm_flexible_make_structure (const GstLstmTensors *tensors);

/* Reads the header of memory @index, which has @bytes bytes at @data. Sets *@tensor to one tensor
 * of vectors of @d values (0: unknown) with the framerate that *@tensor has, and *@type. Returns
 * FALSE and sets @error, which names the tensor and the header field, if the header is invalid or
 * if other than d:T:bs values follow it. */
gboolean gst_lstm_flexible_read (gconstpointer data, gsize bytes, guint index, gsize d,
    GstLstmTensors *tensor, const GstLstmType **type, GError **error);

/* Reads the headers of all memories of @buffer, which must be float32 tensors of the same numbers
 * of steps and streams, into *@tensors, which keeps its framerate. Returns: (transfer full)
 * (nullable): the buffer without headers, or NULL with @error set */
GstBuffer *gst_lstm_flexible_remove_headers (
    GstBuffer *buffer, GstLstmTensors *tensors, GError **error);

/* Writes the header of tensor @i of @tensors, float32, to the GST_LSTM_HEADER_BYTES bytes at
 * @data. */
void gst_lstm_flexible_write (const GstLstmTensors *tensors, guint i, gpointer data);
