/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tensors beside media, in GstTensorMeta. */
#pragma once

#include "lstm/input/formats.h"
#include <gst/analytics/analytics.h>

/* The tensor @id, of however many metas the last one of that name, or, where @id is 0, the only one
 * with vectors of *@d values (0: of any number, which it becomes), as float32. TRUE with no x where there is none; FALSE, naming the tensor,
 * its dimensions and type, where it cannot be read. As gst_lstm_input_open() */
gboolean gst_lstm_media_open (
    GstBuffer *buffer, GQuark id, gsize *d, GstLstmSteps *steps, GError **error);

/* In a new meta; @tensors: (transfer full) */
void gst_lstm_media_add (GstBuffer *buffer, gsize n, GstTensor **tensors);

/* As gst_buffer_make_writable(), but copies have the tensors too, which they lack in GStreamer 1.26.
 * @media: (transfer full). Returns: (transfer full) */
GstBuffer *gst_lstm_media_make_writable (GstBuffer *media);
