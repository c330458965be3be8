/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tensors that buffers of media carry, in a GstTensorMeta, or, from GStreamer 1.28 on, as
 * GstAnalyticsTensorMtd. */
#pragma once

#include "common/analytics-tensor.h"

/* Opens a tensor of @buffer: if @id is not 0, the last tensor with that id in all metas, or else
 * the only tensor of vectors of *@d values. Tensors that are related to a GstAnalyticsODMtd belong
 * to objects, and are not opened. If there is no such tensor, returns TRUE, does not set the `x` of
 * @steps, and sets `only_objects_have_tensor`. @object_mtds: (nullable): of each mtd of the
 * relation meta, whether it is known to belong to an object; the function searches for the objects
 * of the other mtds. gst_lstm_analytics_tensor_open() describes the other parameters and the
 * errors. */
gboolean gst_lstm_media_open (GstBuffer *buffer, GQuark id, GstLstmAxes axes,
    const GByteArray *object_mtds, gsize *d, GstLstmSteps *steps, GError **error);

/* Returns FALSE and sets @error, which names the tensor, if @buffer has a tensor with @id, which is
 * the id of an output. Tensors of objects may have this id. */
gboolean gst_lstm_media_check_no_tensor (GstBuffer *buffer, GQuark id, GError **error);

/* Adds a new meta with @n @tensors (transfer full) to @buffer. */
void gst_lstm_media_add (GstBuffer *buffer, gsize n, GstTensor **tensors);

/* Returns whether @meta has results of the analysis of media, which tensors on their own do not
 * have. */
gboolean gst_lstm_media_is_analysis (const GstMeta *meta);

/* Returns @media (transfer full) if it is writable, or else a copy. The copy has the tensors
 * too, which gst_buffer_make_writable() does not copy in GStreamer 1.26. Returns: (transfer
 * full) */
GstBuffer *gst_lstm_media_make_writable (GstBuffer *media);
