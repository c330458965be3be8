/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tensors that buffers of media carry in GstTensorMeta. */
#pragma once

#include "common/steps.h"
#include <gst/analytics/analytics.h>

/* Opens a tensor of @buffer as float32: if @id is not 0, the last tensor with that id in all metas,
 * or else the only tensor of vectors of *@d values. If *@d is 0, vectors may have any size, and the
 * function sets *@d to that size. If there is no such tensor, returns TRUE and does not set the `x`
 * of @steps. If the tensor cannot be read, returns FALSE and sets @error, which names the tensor,
 * its dimensions and its type. */
gboolean gst_lstm_media_open (
    GstBuffer *buffer, GQuark id, gsize *d, GstLstmSteps *steps, GError **error);

/* Adds a new meta with @n @tensors (transfer full) to @buffer. */
void gst_lstm_media_add (GstBuffer *buffer, gsize n, GstTensor **tensors);

/* Returns @media (transfer full) if it is writable, or else a copy. The copy has the tensors
 * too, which gst_buffer_make_writable() does not copy in GStreamer 1.26. Returns: (transfer
 * full) */
GstBuffer *gst_lstm_media_make_writable (GstBuffer *media);
